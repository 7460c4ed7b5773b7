// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// patience bounds what a test waits for a connection.
const patience = 20 * time.Second

// Dial opens a connection to the server.
func (c *Caddy) Dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", c.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// DialTLS opens a connection that speaks one protocol, for a host.
func (c *Caddy) DialTLS(t testing.TB, host, protocol string, certificates ...tls.Certificate) *tls.Conn {
	t.Helper()
	config := trusting.Clone()
	config.ServerName, config.NextProtos, config.Certificates = host, []string{protocol}, certificates
	conn := tls.Client(c.Dial(t), config)
	if err := conn.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return conn
}

// Raw sends lines of HTTP/1.1 as they are, which no Go client would, and reads
// one answer. HOST stands for the host and port of the server.
func (c *Caddy) Raw(t testing.TB, lines ...string) Page {
	t.Helper()
	conn := c.Dial(t)
	page, _ := c.exchange(t, conn, strings.Join(lines, "\r\n"))
	return page
}

// RawTLS is Raw over TLS.
func (c *Caddy) RawTLS(t testing.TB, host string, lines ...string) Page {
	t.Helper()
	page, _ := c.exchange(t, c.DialTLS(t, host, "http/1.1"), strings.Join(lines, "\r\n"))
	return page
}

func (c *Caddy) exchange(t testing.TB, conn net.Conn, text string) (Page, *bufio.Reader) {
	t.Helper()
	text = strings.ReplaceAll(text, "HOST", "localhost:"+c.Port)
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	method, _, _ := strings.Cut(text, " ")
	response, err := http.ReadResponse(reader, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("reading the answer to %q: %v", text, err)
	}
	page := Page{Status: response.StatusCode, Header: response.Header, URL: new(url.URL)}
	if response.StatusCode == http.StatusSwitchingProtocols {
		return page, reader
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("reading the answer to %q: %v", text, err)
	}
	page.Body = string(body)
	return page, reader
}

// Upgrade sends lines over a connection that stays open. What the server sends
// after its answer is in the reader.
func (c *Caddy) Upgrade(t testing.TB, lines ...string) (Page, net.Conn, *bufio.Reader) {
	t.Helper()
	conn := c.Dial(t)
	page, reader := c.exchange(t, conn, strings.Join(lines, "\r\n"))
	return page, conn, reader
}

// An H2 is a request as frames of HTTP/2 and HTTP/3 carry it. Field names go out as
// they are.
type H2 struct {
	Method, Host, Path string
	Fields             [][2]string
	Body               string
	Trailers           [][2]string
}

// RawH2 sends one request over a TLS connection of its own. A connection or
// stream that the server ends gives an error.
func (c *Caddy) RawH2(t testing.TB, q H2) (Page, error) {
	t.Helper()
	conn := c.DialTLS(t, q.Host, "h2")
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := errors.Join(framer.WriteSettings(), q.send(framer, c.Port)); err != nil {
		return Page{}, err
	}
	return readH2(framer)
}

// pseudo are the fields that make the request line. One without a method has them
// among its own.
func (q H2) pseudo(port string) [][2]string {
	if q.Method == "" {
		return nil
	}
	return [][2]string{{":method", q.Method}, {":scheme", "https"}, {":authority", q.Host + ":" + port}, {":path", q.Path}}
}

func (q H2) send(framer *http2.Framer, port string) error {
	fields := append(q.pseudo(port), q.Fields...)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block) // its table lasts as long as the connection
	headers := http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: encoded(encoder, &block, fields), EndHeaders: true, EndStream: q.Body == "" && len(q.Trailers) == 0,
	}
	if err := framer.WriteHeaders(headers); err != nil || headers.EndStream {
		return err
	}
	if err := framer.WriteData(1, len(q.Trailers) == 0, []byte(q.Body)); err != nil || len(q.Trailers) == 0 {
		return err
	}
	return framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: encoded(encoder, &block, q.Trailers), EndHeaders: true, EndStream: true,
	})
}

func encoded(encoder *hpack.Encoder, block *bytes.Buffer, fields [][2]string) []byte {
	block.Reset()
	for _, f := range fields {
		_ = encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}) // a buffer takes everything
	}
	return bytes.Clone(block.Bytes())
}

func readH2(framer *http2.Framer) (Page, error) {
	page := Page{Header: http.Header{}, URL: new(url.URL)}
	decoder := hpack.NewDecoder(4096, nil)
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return page, err
		}
		ended := false
		switch f := frame.(type) {
		case *http2.HeadersFrame:
			fields, err := decoder.DecodeFull(f.HeaderBlockFragment())
			if err != nil {
				return page, err
			}
			page.take(fields)
			ended = f.StreamEnded()
		case *http2.DataFrame:
			page.Body += string(f.Data())
			ended = f.StreamEnded()
		case *http2.RSTStreamFrame:
			return page, http2.StreamError{StreamID: f.StreamID, Code: f.ErrCode}
		case *http2.GoAwayFrame:
			return page, http2.ConnectionError(f.ErrCode)
		}
		if ended {
			return page, nil
		}
	}
}

func (p *Page) take(fields []hpack.HeaderField) {
	for _, f := range fields {
		p.takeField(f.Name, f.Value)
	}
}

func (p *Page) takeField(name, value string) {
	if name == ":status" {
		p.Status, _ = strconv.Atoi(value)
		return
	}
	p.Header.Add(name, value)
}

// A Pipeline sends many requests over one connection, which it opens again
// whenever the server closes it.
type Pipeline struct {
	t      testing.TB
	caddy  *Caddy
	conn   net.Conn
	reader *bufio.Reader
}

// Pipeline makes one.
func (c *Caddy) Pipeline(t testing.TB) *Pipeline {
	t.Helper()
	return &Pipeline{t: t, caddy: c}
}

// Send sends lines of a request without a body, and returns the status of the
// answer.
func (p *Pipeline) Send(lines ...string) int {
	p.t.Helper()
	if p.conn == nil {
		p.conn = p.caddy.Dial(p.t)
		p.reader = bufio.NewReader(p.conn)
	}
	if err := p.conn.SetDeadline(time.Now().Add(patience)); err != nil { // of each request: all together may take long
		p.t.Fatal(err)
	}
	text := strings.ReplaceAll(strings.Join(lines, "\r\n"), "HOST", "localhost:"+p.caddy.Port)
	if _, err := io.WriteString(p.conn, text+"\r\n\r\n"); err != nil {
		p.t.Fatal(err)
	}
	method, _, _ := strings.Cut(text, " ")
	response, err := http.ReadResponse(p.reader, &http.Request{Method: method})
	if err != nil {
		p.t.Fatalf("reading the answer to %q: %v", text, err)
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err != nil || response.Close {
		_ = p.conn.Close()
		p.conn = nil
	}
	return response.StatusCode
}
