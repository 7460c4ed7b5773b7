// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

// Frame and stream types of HTTP/3, RFC 9114 sections 6.2.1 and 7.2.
const (
	frameData, frameHeaders, frameSettings = 0, 1, 4
	streamControl                          = 0
)

// forH3 is a client's side of TLS for HTTP/3.
func forH3(host string, tickets tls.ClientSessionCache) *tls.Config {
	config := trusting.Clone()
	config.ServerName, config.NextProtos, config.ClientSessionCache = host, []string{http3.NextProtoH3}, tickets
	return config
}

// H3 carries requests over one connection of HTTP/3, which ends with the test.
func (c *Caddy) H3(t testing.TB, host string) http.RoundTripper {
	t.Helper()
	transport := &http3.Transport{
		TLSClientConfig: forH3(host, nil),
		Dial: func(ctx context.Context, _ string, tlsConfig *tls.Config, config *quic.Config) (*quic.Conn, error) {
			return quic.DialAddr(ctx, c.Address(), tlsConfig, config)
		},
	}
	t.Cleanup(func() { _ = transport.Close() })
	return transport
}

// Keeping carries requests by HTTP/1.1 or HTTP/2, over connections that it keeps. They
// end with the test.
func (c *Caddy) Keeping(t testing.TB, protocol string) http.RoundTripper {
	t.Helper()
	config := trusting.Clone()
	transport := &http.Transport{
		DialContext: dialTo(&net.Dialer{Timeout: patience}, c.Address()), TLSClientConfig: config, MaxConnsPerHost: 2, Protocols: new(http.Protocols),
	}
	transport.Protocols.SetHTTP1(protocol == "http/1.1")
	transport.Protocols.SetHTTP2(protocol == "h2")
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// Over makes the browser send its requests in another way.
func (b *Browser) Over(transport http.RoundTripper) *Browser {
	b.client.Transport = transport
	return b
}

// SocketH3 begins a WebSocket by CONNECT (RFC 9220). Until it ends, bytes go both ways
// over the stream.
func (c *Caddy) SocketH3(t testing.TB, host, path, cookie string) (int, *http3.RequestStream) {
	t.Helper()
	conn, err := quic.DialAddr(t.Context(), c.Address(), forH3(host, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseWithError(0, "") })
	stream, err := new(http3.Transport).NewClientConn(conn).OpenRequestStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodConnect, "https://"+net.JoinHostPort(host, c.Port)+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Proto, r.Header = "websocket", http.Header{"Cookie": {cookie}, "Sec-Websocket-Version": {"13"}}
	if err := errors.Join(stream.SetDeadline(time.Now().Add(patience)), stream.SendRequestHeader(r)); err != nil {
		t.Fatal(err)
	}
	response, err := stream.ReadResponse()
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, stream
}

// RawH3 sends one request over a connection of its own, with names and values as they
// are. A stream or a connection that the server ends gives an error.
func (c *Caddy) RawH3(t testing.TB, q H2) (Page, error) {
	t.Helper()
	conn, err := quic.DialAddr(t.Context(), c.Address(), forH3(q.Host, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	return q.over(conn, c.Port, func() {})
}

// Early sends one request in the early data of a connection through a wire, with what
// an earlier connection has left in a cache of tickets.
func (c *Caddy) Early(t testing.TB, q H2, wire *Datagrams, tickets tls.ClientSessionCache) Page {
	t.Helper()
	conn, err := quic.DialAddrEarly(t.Context(), wire.Address, forH3(q.Host, tickets), nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := q.over(conn, c.Port, func() { time.AfterFunc(underWay, wire.answer) })
	if err != nil {
		t.Fatalf("in early data: %v", err)
	}
	if !conn.ConnectionState().Used0RTT {
		t.Fatal("the server took no early data, so this shows nothing")
	}
	return page
}

// Ticket has the server hand out what early data needs.
func (c *Caddy) Ticket(t testing.TB, host string) tls.ClientSessionCache {
	t.Helper()
	cache := &tickets{came: make(chan struct{}, 1), ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	conn, err := quic.DialAddr(t.Context(), c.Address(), forH3(host, cache), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseWithError(0, "") //nolint:errcheck // it has served
	select {
	case <-cache.came:
	case <-time.After(patience):
		t.Fatal("no ticket came")
	}
	return cache
}

// tickets tells when one came, and keeps it although it was used.
type tickets struct {
	tls.ClientSessionCache
	came chan struct{}
}

// Put keeps a ticket; nil, which is to forget one, is not heeded.
func (c *tickets) Put(key string, state *tls.ClientSessionState) {
	if state == nil {
		return
	}
	c.ClientSessionCache.Put(key, state)
	select {
	case c.came <- struct{}{}:
	default:
	}
}

// underWay is time for what was written to be sent.
const underWay = 100 * time.Millisecond

// over sends the request on the first stream of a connection, says so, and reads the
// answer.
func (q H2) over(conn *quic.Conn, port string, sent func()) (Page, error) {
	defer conn.CloseWithError(0, "") //nolint:errcheck // answered
	control, err := conn.OpenUniStream()
	if err != nil {
		return Page{}, err
	}
	if _, err := control.Write([]byte{streamControl, frameSettings, 0}); err != nil {
		return Page{}, err
	}
	stream, err := conn.OpenStream()
	if err != nil {
		return Page{}, err
	}
	if err := stream.SetDeadline(time.Now().Add(patience)); err != nil {
		return Page{}, err
	}
	fields := append(q.pseudo(port), q.Fields...)
	request := frame(frameHeaders, packed(fields))
	if q.Body != "" {
		request = append(request, frame(frameData, []byte(q.Body))...)
	}
	if len(q.Trailers) > 0 {
		request = append(request, frame(frameHeaders, packed(q.Trailers))...)
	}
	if _, err := stream.Write(request); err != nil {
		return Page{}, err
	}
	if err := stream.Close(); err != nil {
		return Page{}, err
	}
	sent()
	return readH3(stream)
}

func frame(kind uint64, payload []byte) []byte {
	head := quicvarint.Append(quicvarint.Append(nil, kind), uint64(len(payload)))
	return append(head, payload...)
}

func packed(fields [][2]string) []byte {
	var block bytes.Buffer
	encoder := qpack.NewEncoder(&block)
	for _, f := range fields {
		_ = encoder.WriteField(qpack.HeaderField{Name: f[0], Value: f[1]}) // a buffer takes everything
	}
	return block.Bytes()
}

func readH3(stream io.Reader) (Page, error) {
	page := Page{Header: http.Header{}, URL: new(url.URL)}
	reader := quicvarint.NewReader(stream)
	for {
		kind, err := quicvarint.Read(reader)
		if errors.Is(err, io.EOF) && page.Status != 0 {
			return page, nil
		}
		if err != nil {
			return page, err
		}
		length, err := quicvarint.Read(reader)
		if err != nil {
			return page, err
		}
		payload := make([]byte, min(length, 1<<20))
		if _, err := io.ReadFull(reader, payload); err != nil {
			return page, err
		}
		switch kind {
		case frameData:
			page.Body += string(payload)
		case frameHeaders:
			if err := page.unpack(payload); err != nil {
				return page, err
			}
		}
	}
}

func (p *Page) unpack(block []byte) error {
	next := qpack.NewDecoder().Decode(block)
	for {
		f, err := next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		p.takeField(f.Name, f.Value)
	}
}
