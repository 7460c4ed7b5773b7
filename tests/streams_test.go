// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// streaming is an app that keeps connections open: WebSockets that echo, and
// streams of events that say hello and then nothing.
func streaming(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "" {
		upgrading(w, r)
		return
	}
	if r.Header.Get("Accept") != "text/event-stream" {
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "data: hello\n\n")
	if err := http.NewResponseController(w).Flush(); err != nil {
		return
	}
	<-r.Context().Done()
}

// A stream is one open connection of a browser.
type stream struct {
	kind   string
	conn   net.Conn
	reader *bufio.Reader
	body   io.Reader // of a stream of events
}

// openStreams opens one of each kind with the cookies that a browser holds, and
// sees that they work.
func openStreams(t *testing.T, c *harness.Caddy, b *harness.Browser) []*stream {
	t.Helper()
	page, conn, reader := c.Upgrade(t, handshakeOf(t, b, "/socket")...)
	wantStatus(t, "handshake", page, http.StatusSwitchingProtocols)
	socket := &stream{kind: "WebSocket", conn: conn, reader: reader}
	socket.wantOpen(t)
	t.Cleanup(socket.end)

	conn = c.Dial(t)
	request := strings.Join([]string{
		"GET /events HTTP/1.1", "Host: localhost:" + c.Port, "Accept: text/event-stream", "X-Forwarded-For: " + b.From, "Cookie: " + cookies(t, b), "", "",
	}, "\r\n")
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil) // whose body ends with the connection
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("stream of events: %+v, %v", response, err)
	}
	hello := make([]byte, len("data: hello\n\n"))
	if _, err := io.ReadFull(response.Body, hello); err != nil {
		t.Fatalf("first event: %v", err)
	}
	return []*stream{socket, {kind: "stream of events", conn: conn, body: response.Body}}
}

// end ends a WebSocket from the browser's side, and waits until the server has let
// go of it: Caddy itself races with one that is open while it stops.
func (s *stream) end() {
	_ = s.conn.SetDeadline(time.Now().Add(5 * time.Second))
	if conn, ok := s.conn.(*net.TCPConn); ok {
		_ = conn.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, s.reader)
}

// wantOpen has a WebSocket echo something. Of a stream of events nothing can be
// asked.
func (s *stream) wantOpen(t *testing.T) {
	t.Helper()
	if s.body != nil {
		return
	}
	if _, err := s.conn.Write(frame("still here?")); err != nil {
		t.Fatalf("%s: %v", s.kind, err)
	}
	if got, err := readFrame(s.reader); err != nil || string(got) != "still here?" {
		t.Fatalf("%s: echo %q, %v", s.kind, got, err)
	}
}

// wantCut waits until the server ends the connection, five seconds at most.
func (s *stream) wantCut(t *testing.T) {
	t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	from := s.body
	if from == nil {
		from = s.reader
	}
	if _, err := io.Copy(io.Discard, from); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s: open although its session has ended", s.kind)
	}
}

func each(streams []*stream, check func(*stream)) {
	for _, s := range streams {
		check(s)
	}
}

// Acceptance 50: ended means ended. A connection that was opened while a person was
// in is cut when they sign out, and those of their other browsers are not.
func TestSigningOutCutsOpenStreams(t *testing.T) {
	c := harness.Start(t, site())
	c.App.Answer(streaming)
	b, other := signedIn(t, c, ana), signedIn(t, c, ana)
	streams, others := openStreams(t, c, b), openStreams(t, c, other)
	b.Open(t, "/.doorcode/signout")
	wantStatus(t, "sign-out", b.Submit(t, "signout", nil), http.StatusOK)
	each(streams, func(s *stream) { s.wantCut(t) })
	each(others, func(s *stream) { s.wantOpen(t) })
	wantStatus(t, "another socket", shake(t, c, b), http.StatusUnauthorized)
	wantStatus(t, "another stream of events", b.Do(t, http.MethodGet, "/events", nil, http.Header{"Accept": {"text/event-stream"}}), http.StatusUnauthorized)
}

// The session of a remembered browser is renewed under it all day. Its connections
// go on in the next session, and end with that one.
func TestARenewedSessionKeepsItsStreams(t *testing.T) {
	c := harness.Start(t, site("sensitive /admin/*"))
	c.App.Answer(streaming)
	b := c.Browser(t)
	b.SignIn(t, c, "/", ana, true)
	streams := openStreams(t, c, b)
	for range 3 {
		b.Drop(t, "doorcode")
		wantStatus(t, "renewed", b.Open(t, "/"), http.StatusOK)
		each(streams, func(s *stream) { s.wantOpen(t) })
	}
	wantStatus(t, "confirmed", confirm(t, c, b, "/admin/x"), http.StatusOK)
	each(streams, func(s *stream) { s.wantOpen(t) })
	b.Open(t, "/.doorcode/signout")
	wantStatus(t, "sign-out", b.Submit(t, "signout", nil), http.StatusOK)
	each(streams, func(s *stream) { s.wantCut(t) })
}

// SES-06: whoever is taken off the list loses what they have open, and nobody
// else does.
func TestSES06WhoeverIsTakenOffTheListLosesTheirStreams(t *testing.T) {
	c := harness.Prepare(t)
	file := filepath.Join(c.Folder, "people.txt")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(ana + "\n" + ben + "\n")
	c.Load(t, listed("allow_file "+file))
	c.App.Answer(streaming)
	hers, his := openStreams(t, c, signedIn(t, c, ana)), openStreams(t, c, signedIn(t, c, ben))
	write(ana + "\n")
	each(his, func(s *stream) { s.wantCut(t) })
	each(hers, func(s *stream) { s.wantOpen(t) })
}
