// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A Tap is an app that shows what is on the wire before it: the head of each request
// byte by byte, and where the request ends by the strictest reading.
type Tap struct {
	Address string // host:port

	mu    sync.Mutex // guards below
	heads []string
}

// NewTap starts one that ends with the test.
func NewTap(t testing.TB) *Tap {
	t.Helper()
	listener, err := net.Listen("tcp", loopback+":"+FreePort(t))
	if err != nil {
		t.Fatal(err)
	}
	tap := &Tap{Address: listener.Addr().String()}
	var open sync.WaitGroup
	var mu sync.Mutex // guards conns
	var conns []net.Conn
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			open.Go(func() { tap.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, conn := range conns {
			_ = conn.Close()
		}
		mu.Unlock()
		open.Wait()
	})
	return tap
}

// Heads are the request lines and fields that came so far, each up to its empty line.
func (tap *Tap) Heads() []string {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	return append([]string(nil), tap.heads...)
}

// serve reads one request after the other, and answers each once it was read.
func (tap *Tap) serve(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // Caddy notices
	reader := bufio.NewReader(conn)
	for {
		head, err := headOf(reader)
		if head != "" {
			tap.mu.Lock()
			tap.heads = append(tap.heads, head)
			tap.mu.Unlock()
		}
		if err != nil || skipBody(reader, head) != nil {
			return
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); err != nil {
			return
		}
	}
}

func headOf(reader *bufio.Reader) (head string, err error) {
	for !strings.HasSuffix(head, "\r\n\r\n") {
		line, err := reader.ReadString('\n')
		head += line
		if err != nil {
			return head, err
		}
	}
	return head, nil
}

func skipBody(reader *bufio.Reader, head string) error {
	for line := range strings.SplitSeq(head, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		switch strings.ToLower(name) {
		case "content-length":
			n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			if err == nil {
				_, err = io.CopyN(io.Discard, reader, n)
			}
			return err
		case "transfer-encoding":
			if _, err := io.Copy(io.Discard, httputil.NewChunkedReader(reader)); err != nil {
				return err
			}
			for { // the trailer
				line, err := reader.ReadString('\n')
				if err != nil || line == "\r\n" {
					return err
				}
			}
		}
	}
	return nil
}
