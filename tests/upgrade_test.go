// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // what RFC 6455 asks for
	"encoding/base64"
	"io"
	"net/http"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// upgrading is an app that agrees to any upgrade and then echoes WebSocket
// frames, or bytes.
func upgrading(w http.ResponseWriter, r *http.Request) {
	to := r.Header.Get("Upgrade")
	if to == "" {
		return
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see above
	h := w.Header()
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", to)
	h.Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
	h.Set("Set-Cookie", "doorcode=planted")
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close() //nolint:errcheck // the test reads what arrived
	for {
		text, err := readFrame(rw.Reader)
		if err != nil {
			return
		}
		if _, err := conn.Write(append([]byte{0x81, byte(len(text))}, text...)); err != nil {
			return
		}
	}
}

// readFrame reads a short frame, masked or not.
func readFrame(r *bufio.Reader) (text []byte, err error) {
	head := make([]byte, 2)
	if _, err = io.ReadFull(r, head); err != nil {
		return nil, err
	}
	mask := make([]byte, 4)
	if head[1]&0x80 != 0 {
		if _, err = io.ReadFull(r, mask); err != nil {
			return nil, err
		}
	}
	text = make([]byte, head[1]&0x7f)
	_, err = io.ReadFull(r, text)
	for i := range text {
		text[i] ^= mask[i%4]
	}
	return text, err
}

func frame(text string) []byte {
	f := append([]byte{0x81, 0x80 | byte(len(text))}, "mask"...)
	for i := range len(text) {
		f = append(f, text[i]^"mask"[i%4])
	}
	return f
}

var handshake = []string{
	"Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
}

// Ruling 7: WebSockets work for people who are in, as they do without the gate.
func TestRuling7WebSocketsWorkBehindTheGate(t *testing.T) {
	c := harness.Start(t, site())
	c.App.Answer(upgrading)
	b := signedIn(t, c, ana)
	request := append([]string{"GET /socket HTTP/1.1", "Host: HOST", "Origin: " + b.Base, "Cookie: " + cookies(t, b)}, handshake...)
	page, conn, reader := c.Upgrade(t, append(request, "", "")...)
	wantStatus(t, "handshake", page, http.StatusSwitchingProtocols)
	if page.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" || page.Header.Get("Set-Cookie") != "" {
		t.Errorf("the browser was answered %q", page.Header)
	}
	if seen := c.App.Last(t).Header; seen.Get("Remote-Email") != ana || seen.Get("Cookie") != "" {
		t.Errorf("the app saw %q", seen)
	}
	for _, text := range []string{"hello", "and again"} {
		if _, err := conn.Write(frame(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := readFrame(reader); err != nil || string(got) != text {
			t.Fatalf("echo of %q: %q, %v", text, got, err)
		}
	}
}

// Ruling 7: a stranger's handshake is refused in a way that a browser's script
// understands, and the app hears nothing of it.
func TestRuling7AStrangersWebSocketIsRefused(t *testing.T) {
	c := harness.Start(t, site())
	c.App.Answer(upgrading)
	request := append([]string{"GET /socket HTTP/1.1", "Host: HOST", "Origin: http://HOST"}, handshake...)
	wantStatus(t, "handshake", c.Raw(t, append(request, "", "")...), http.StatusUnauthorized)
	c.App.Untouched(t, 0)
}

// Ruling 7: any other upgrade would leave a raw tunnel to the app, through which
// further requests pass without the gate. On a public path nobody need even be
// signed in to open one.
func TestRuling7NoOtherUpgradeReachesTheApp(t *testing.T) {
	c := harness.Start(t, site("public /public/*"))
	c.App.Answer(upgrading)
	session := cookies(t, signedIn(t, c, ana))
	for name, lines := range map[string][]string{
		"h2c":                    {"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"},
		"h2c in another case":    {"Connection: upgrade, http2-settings", "Upgrade: H2C", "http2-settings: AAMAAABk"},
		"h2c after websocket":    {"Connection: Upgrade", "Upgrade: websocket, h2c"},
		"two lines":              {"Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c"},
		"TLS":                    {"Connection: Upgrade", "Upgrade: TLS/1.2"},
		"an invention":           {"Connection: Upgrade", "Upgrade: tunnel"},
		"websocket with version": {"Connection: Upgrade", "Upgrade: websocket/13"},
		"no Connection":          {"Upgrade: websocket"},
		"settings alone":         {"Connection: HTTP2-Settings", "HTTP2-Settings: AAMAAABk"},
	} {
		for _, path := range []string{"/public/x", "/x"} {
			t.Run(name+path, func(t *testing.T) {
				request := append([]string{"GET " + path + " HTTP/1.1", "Host: HOST", "Cookie: " + session}, lines...)
				wantStatus(t, name, c.Raw(t, append(request, "", "")...), http.StatusOK)
				seen := c.App.Last(t).Header
				if seen.Get("Upgrade") != "" || seen.Get("Http2-Settings") != "" {
					t.Errorf("the app saw %q", seen)
				}
			})
		}
	}
}

// PTH-01: Caddy answers errors with the operator's handle_errors routes, before which
// the gate does not stand: a refusal given as an error would serve the very
// files that it refuses.
func TestPTH01RefusalsNeverRunTheErrorRoutes(t *testing.T) {
	const secret = "the files behind the gate"
	c := harness.Start(t, `http://localhost:PORT {
	handle_errors {
		header X-Leak yes
		respond "`+secret+`"
	}
`+gate("*@example.com", "deny ben@example.com", "answer 503 /sync", "answer 403 /none")+`
	reverse_proxy /down 127.0.0.1:1
	reverse_proxy APP
}
`)
	b := c.Browser(t)
	leaks := func(what string, page harness.Page, want int) {
		t.Helper()
		wantStatus(t, what, page, want)
		if page.Body == secret || page.Header.Get("X-Leak") != "" {
			t.Errorf("%s: answered by the error route: %s", what, page.Body)
		}
	}
	leaks("page", b.Open(t, "/"), 401)
	leaks("script", b.Fetch(t, "/"), 401)
	leaks("answer 503", b.Fetch(t, "/sync"), 503)
	leaks("answer 403", b.Fetch(t, "/none"), 403)
	leaks("unknown endpoint", b.Fetch(t, "/.doorcode/nothing"), 404)
	leaks("wrong method", b.Do(t, http.MethodDelete, "/.doorcode/verify", nil), 405)
	leaks("two slashes", b.Open(t, "//x"), 400)
	leaks("form without a page", b.Do(t, http.MethodPost, "/.doorcode/verify", nil), 403)
	c.App.Untouched(t, 0)
	b.SignIn(t, c, "/", ana, false)
	if page := b.Open(t, "/down"); page.Header.Get("X-Leak") == "" {
		t.Errorf("the app's own error is not answered by the error route, so this test shows nothing: %d", page.Status)
	}
}
