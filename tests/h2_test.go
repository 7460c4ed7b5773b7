// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// overFrames sends a request by HTTP/2 and by HTTP/3, each over a connection of its
// own. A server that ends a stream or a connection has refused it.
func overFrames(t *testing.T, c *harness.Caddy, q harness.H2, see func(by string, page harness.Page, err error)) {
	t.Helper()
	q.Host = "localhost"
	for by, send := range map[string]func(testing.TB, harness.H2) (harness.Page, error){"HTTP/2": c.RawH2, "HTTP/3": c.RawH3} {
		page, err := send(t, q)
		see(by, page, err)
	}
}

// pseudo is a request line of frames, with more fields behind it.
func pseudo(method, path, authority string, more ...string) (fields [][2]string) {
	all := append([]string{":method", method, ":scheme", "https", ":authority", authority, ":path", path}, more...)
	for i := 0; i+1 < len(all); i += 2 {
		fields = append(fields, [2]string{all[i], all[i+1]})
	}
	return fields
}

// framed are requests that frames can carry and lines cannot.
func framed(host string) (all [][][2]string) {
	for _, more := range [][]string{
		{"content-length", "0"},
		{"content-length", "5", "content-length", "0"},
		{"content-length", "+5"},
		{"content-length", "94"},
		{"content-length", "5, 5"},
		{"transfer-encoding", "chunked"},
		{"Transfer-Encoding", "chunked"},
		{"transfer-encoding", "chunked", "content-length", "0"},
		{"x", "y\r\nRemote-Email: ana@example.com"},
		{"x", "y\nTransfer-Encoding: chunked"},
		{"x", "y\r\n\r\n" + stowaway},
		{"x\r\nremote-email", "ana@example.com"},
		{"x: y\r\nremote-email", "ana@example.com"},
		{"remote-email ", "ana@example.com"},
		{" remote-email", "ana@example.com"},
		{"remote-email:", "ana@example.com"},
		{"Remote-Email", "ana@example.com"},
		{"remote_email", "ana@example.com"},
		{"remote.email", "ana@example.com"},
		{"remote-email", "ana@example.com"},
		{"remote-email", ""},
		{"", "x"},
		{"x\x00", "y"},
		{"x", "\x00"},
		{"x", " y"},
		{"x", "y\t"},
		{"connection", "remote-email"},
		{"connection", "close"},
		{"keep-alive", "timeout=5"},
		{"proxy-connection", "remote-email"},
		{"upgrade", "websocket"},
		{"te", "gzip"},
		{"te", "trailers"},
		{"host", "other.example"},
		{"host", host, "host", "other.example"},
		{":path", "/stowaway"},
		{":method", "POST"},
		{":authority", "other.example"},
		{":scheme", "http"},
		{":protocol", "websocket"},
		{":status", "200"},
		{":unknown", "x"},
		{":", "x"},
		{"trailer", "remote-email"},
		{"expect", "100-continue"},
		{"early-data", "1"},
	} {
		all = append(all, pseudo("POST", "/public/x", host, more...))
	}
	for _, path := range []string{
		"/public/x HTTP/1.1\r\nRemote-Email: ana@example.com", "/public/x HTTP/1.1\r\n\r\n" + stowaway, "/public/x\r\nX: y", "/public/x y", "/public/x\x00", "", "*", "public/x", "https://" + host + "/public/x", "https://other.example/public/x", "//" + host + "/public/x", "/public/../stowaway", "/public/%2e%2e/stowaway", "/public/x#/stowaway", "/public/x?/stowaway", "/public/\xff",
	} {
		all = append(all, pseudo("GET", path, host))
	}
	for _, method := range []string{"GET /stowaway HTTP/1.1\r\nHost: x\r\n\r\nGET", "G ET", "get", "", "CONNECT", "PRI", "GET\r\n", "TRACE", "GET\x00"} {
		all = append(all, pseudo(method, "/public/x", host))
	}
	for _, authority := range []string{"", host + "\r\nX: y", "user@" + host, host + "/stowaway", host + "?", "other.example", "localhost:1", "LOCALHOST" + strings.TrimPrefix(host, "localhost"), host + " ", "\x00" + host, "[::1]"} {
		all = append(all, pseudo("GET", "/public/x", authority))
	}
	good := pseudo("GET", "/public/x", host, "x", "y")
	return append(all,
		append(good[4:5:5], good[:4]...), // what makes the line comes last
		good[1:], good[:3], append(good[:1:1], good[3:]...),
		[][2]string{{":method", "CONNECT"}, {":authority", host}},
		[][2]string{{":method", "CONNECT"}, {":authority", "other.example:443"}},
	)
}

// HDR-02, PTH-01: frames can hold what no line could: line ends in values, several
// paths, names of any kind. Caddy writes lines of them for the app; each of these is one
// request there, or none.
func TestPTH01NoRequestHidesInFrames(t *testing.T) {
	tap := harness.NewTap(t)
	c := harness.Start(t, "https://localhost:PORT {\n"+gate("*@example.com", "public /public/*")+"\n\treverse_proxy "+tap.Address+"\n}\n")
	b := c.SecureBrowser(t, "localhost")
	b.SignIn(t, c, "/", ana, false)
	good := 0
	for _, fields := range framed("localhost:" + c.Port) {
		for _, body := range []string{"", "hello", strings.ReplaceAll(stowaway, "HOST", "localhost") + "\r\n\r\n"} {
			before := len(tap.Heads())
			overFrames(t, c, harness.H2{Fields: fields, Body: body}, func(by string, _ harness.Page, _ error) {
				heads := tap.Heads()[before:]
				for _, head := range heads {
					wantStrict(t, fmt.Sprintf("%s: %q with %q", by, fields, body), head)
				}
				good, before = good+len(heads), before+len(heads)
			})
		}
	}
	t.Logf("%d of them reached the app", good)
	if good < 50 {
		t.Errorf("%d requests reached the app, so this shows little", good)
	}
}

// HDR-01, HDR-02, HDR-04: no spelling of our fields gets by in frames, in a trailer
// neither, and a session counts in one cookie or in crumbs of it (RFC 9113, section
// 8.2.3).
func TestHDR02NoSpellingReachesTheAppInFrames(t *testing.T) {
	c := harness.Start(t, "\tservers {\n\t\texpected_underscore_headers remote_* doorcode_*\n\t\texpected_dot_headers remote.* doorcode.*\n\t}\n---\n"+encrypted("public /public/*"))
	b := c.SecureBrowser(t, "localhost")
	b.SignIn(t, c, "/", ana, false)
	for _, path := range []string{"/x", "/public/x"} {
		for _, name := range append(spellings("remote-email"), spellings("doorcode-assertion")...) {
			q := harness.H2{Method: "POST", Path: path, Body: "hello", Trailers: [][2]string{{name, "mallory@example.com"}}, Fields: [][2]string{
				{"cookie", "a=b"}, {"cookie", cookies(t, b)}, {"cookie", "c=d"}, {"sec-fetch-site", "same-origin"}, {name, "mallory@example.com"}, {name, "mallory@example.com"},
			}}
			overFrames(t, c, q, func(by string, page harness.Page, err error) {
				if err != nil {
					t.Fatalf("%s %s: %v", by, name, err)
				}
				wantStatus(t, by+" "+name, page, http.StatusOK)
				seen := c.App.Last(t)
				noForgery(t, by+" "+name, seen)
				if emails := asCGI(seen, "Remote-Email"); len(emails) != 1 || emails[0] != ana {
					t.Errorf("%s %s: the app finds %q", by, name, emails)
				}
			})
		}
	}
	reached := len(c.App.Seen())
	session := b.Cookies(t)["__Host-Http-doorcode"]
	half := len(session) / 2
	overFrames(t, c, harness.H2{Method: "GET", Path: "/x", Fields: [][2]string{{"cookie", "__Host-Http-doorcode=" + session[:half]}, {"cookie", session[half:]}}}, func(by string, page harness.Page, err error) {
		if err != nil || page.Status != http.StatusUnauthorized {
			t.Errorf("%s: a session in two halves: status %d, %v", by, page.Status, err)
		}
	})
	c.App.Untouched(t, reached)
}

// PTH-05, ruling 7: a WebSocket may begin by CONNECT in HTTP/3 (RFC 9220). The app gets a
// GET with an upgrade then, so that is what the rules judge. HTTP/2 does not offer it here.
func TestPTH05AWebSocketInFramesIsJudgedAsTheAppReceivesIt(t *testing.T) {
	for name, matcher := range map[string]string{"method": "method GET", "upgrade": "header Upgrade websocket", "connection": "header Connection *Upgrade*", "path": "path /socket/*"} {
		c := harness.Start(t, "https://localhost:PORT {\n\t@some "+matcher+"\n"+gate("@some *@example.com")+"\n\treverse_proxy APP\n}\n")
		c.SecureBrowser(t, "localhost")
		for _, protocol := range []string{"websocket", "WebSocket", "connect-udp", "webtransport", "h2c"} {
			fields := append([][2]string{{":protocol", protocol}}, pseudo("CONNECT", "/socket", "localhost:"+c.Port, "sec-websocket-version", "13")...)
			overFrames(t, c, harness.H2{Fields: fields}, func(by string, page harness.Page, err error) {
				if err == nil && (page.Status < 400 || by == "HTTP/2") {
					t.Errorf("%s, %s by %s: status %d", name, protocol, by, page.Status)
				}
			})
		}
		c.App.Untouched(t, 0)
	}
}

// SES-08: a WebSocket of HTTP/3 needs a session, has its identity, and ends with it.
func TestSES08AWebSocketOverHTTP3EndsWithItsSession(t *testing.T) {
	c := harness.Start(t, encrypted())
	c.App.Answer(streaming)
	b := c.SecureBrowser(t, "localhost")
	b.SignIn(t, c, "/", ana, false)
	reached := len(c.App.Seen())
	if status, _ := c.SocketH3(t, "localhost", "/socket", ""); status != http.StatusUnauthorized {
		t.Errorf("without a session: status %d", status)
	}
	c.App.Untouched(t, reached)
	status, socket := c.SocketH3(t, "localhost", "/socket", cookies(t, b))
	if status != http.StatusOK || c.App.Last(t).Header.Get("Remote-Email") != ana {
		t.Fatalf("status %d, and the app saw %v", status, c.App.Last(t).Header)
	}
	if _, err := socket.Write([]byte("\x81\x05hello")); err != nil {
		t.Fatal(err)
	}
	if got, err := readFrame(bufio.NewReader(socket)); err != nil || string(got) != "hello" {
		t.Fatalf("echo %q, %v", got, err)
	}
	b.Open(t, "/.doorcode/signout")
	b.Submit(t, "signout", nil)
	if _, err := io.Copy(io.Discard, socket); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the socket is open although its session has ended")
	}
}

// OTC-05, L-38: who asks many things at once over one connection, or shares it with
// others behind a proxy, is answered as themselves each time.
func TestNoIdentityIsLentOverAConnection(t *testing.T) {
	c := harness.Start(t, encrypted("public /public/*"))
	held := map[string]string{"nobody": ""}
	for _, address := range []string{ana, ben} {
		b := c.SecureBrowser(t, "localhost")
		b.SignIn(t, c, "/", address, false)
		held[address] = cookies(t, b)
	}
	reached := len(c.App.Seen())
	for _, transport := range []http.RoundTripper{c.Keeping(t, "http/1.1"), c.Keeping(t, "h2"), c.H3(t, "localhost")} {
		var workers sync.WaitGroup
		for worker := range uint64(8) {
			workers.Go(func() {
				random := rand.New(rand.NewPCG(1, worker))
				for range 40 {
					who := pick(random, []string{ana, ben, "nobody"})
					visitAs(t, transport, c, who, held[who], pick(random, []string{"/x", "/public/x"}))
				}
			})
		}
		workers.Wait()
	}
	for _, seen := range c.App.Seen()[reached:] {
		who, want := seen.Header.Get("X-Who"), seen.Header.Get("Remote-Email")
		if want == "" && strings.HasPrefix(seen.URI, "/public/") {
			want = "nobody"
		}
		if who != want {
			t.Errorf("%s asked for %s, and the app was told that it was %q", who, seen.URI, want)
		}
	}
	if len(c.App.Seen())-reached < 500 {
		t.Errorf("%d requests reached the app, so this shows little", len(c.App.Seen())-reached)
	}
}

func visitAs(t *testing.T, transport http.RoundTripper, c *harness.Caddy, who, cookie, path string) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://localhost:"+c.Port+path, nil)
	if err != nil {
		t.Error(err)
		return
	}
	r.Header.Set("X-Who", who)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	_, _ = io.Copy(io.Discard, response.Body)
	if in := who != "nobody" || path == "/public/x"; in != (response.StatusCode == http.StatusOK) {
		t.Errorf("%s: %s for %s", path, response.Status, who)
	}
}
