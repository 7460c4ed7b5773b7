// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/upstream"
)

const ownLine = sessionCookie + "=renewed; Path=/; Secure; HttpOnly; SameSite=Lax"

// guarded serves an app behind a Guard that has a cookie of its own to add.
func guarded(t *testing.T, app http.HandlerFunc) (server *httptest.Server, dropped *[]string) {
	t.Helper()
	dropped = new([]string)
	answers := upstream.NewAnswers(upstream.AnswersOptions{
		Cookies: cookies,
		Dropped: func(_ *http.Request, cookie string) { *dropped = append(*dropped, cookie) },
	})
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g := answers.Guard(w, r, true)
		g.AddCookie(ownLine)
		app(g, r)
		g.Done()
	})), dropped
}

const plainGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// TestCK05TheAppCannotSetOurCookies, in any of the ways in which a header gets out.
func TestCK05TheAppCannotSetOurCookies(t *testing.T) {
	for name, finish := range map[string]func(w http.ResponseWriter){
		"a status":            func(w http.ResponseWriter) { w.WriteHeader(http.StatusTeapot) },
		"a body":              func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) },
		"an empty body":       func(w http.ResponseWriter) { _, _ = w.Write(nil); w.Header().Add("Set-Cookie", sessionCookie+"=late") },
		"a string":            func(w http.ResponseWriter) { _, _ = io.WriteString(w, "x") },
		"a copied body":       func(w http.ResponseWriter) { _, _ = io.Copy(w, io.LimitReader(strings.NewReader("x"), 1)) },
		"a copied empty body": func(w http.ResponseWriter) { readNothing(w); w.Header().Add("Set-Cookie", sessionCookie+"=late") },
		"a flush":             func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
		"nothing":             func(http.ResponseWriter) {},
	} {
		t.Run(name, func(t *testing.T) {
			server, dropped := guarded(t, func(w http.ResponseWriter, _ *http.Request) {
				for _, line := range []string{
					"a=1", sessionCookie + "=evil; Path=/", "__host-http-DOORCODE=evil", " \t" + deviceCookie + " =evil",
					flowCookie + "=; Max-Age=0", "=" + sessionCookie + "=evil", sessionCookie, "\r\n" + deviceCookie + "\n=evil", "b=" + sessionCookie,
				} {
					w.Header().Add("Set-Cookie", line)
				}
				w.Header()["set-cookie"] = []string{sessionCookie + "=evil"}
				finish(w)
			})
			response := send(t, server, plainGet)
			want := []string{"a=1", "b=" + sessionCookie, ownLine}
			if diff := cmp.Diff(want, response.Header["Set-Cookie"]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(*dropped) != 8 || !slices.Contains(*dropped, "__host-http-DOORCODE") || !slices.Contains(*dropped, deviceCookie) {
				t.Errorf("reported as dropped: %q", *dropped)
			}
		})
	}
}

// readNothing copies an empty reader, after which many servers have sent nothing.
func readNothing(w http.ResponseWriter) {
	_, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader(""))
}

// TestCK05EarlyAnswersAreFiltered: 103 goes out before the real header; ours waits.
func TestCK05EarlyAnswersAreFiltered(t *testing.T) {
	server, _ := guarded(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.Header().Set("Set-Cookie", sessionCookie+"=evil")
		w.WriteHeader(http.StatusEarlyHints)
		clear(w.Header()) // as proxies do after an early answer
		w.Header().Set("Set-Cookie", sessionCookie+"=evil")
		w.WriteHeader(http.StatusOK)
	})
	conn, reader := dial(t, server, plainGet)
	defer conn.Close()
	early, err := http.ReadResponse(reader, nil)
	if err != nil || early.StatusCode != http.StatusEarlyHints || early.Header.Get("Link") == "" || early.Header["Set-Cookie"] != nil {
		t.Errorf("early answer: %v, %v", early, err)
	}
	final, err := http.ReadResponse(reader, nil)
	if err != nil || !slices.Equal(final.Header["Set-Cookie"], []string{ownLine}) {
		t.Errorf("final answer: %v, %v", final, err)
	}
}

func dial(t *testing.T, server *httptest.Server, request string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

// TestCK05WebsocketsAreFilteredAndWork: the header of a 101 is filtered, whether the
// proxy sends it through the writer or writes it to the connection.
func TestCK05WebsocketsAreFilteredAndWork(t *testing.T) {
	for name, through := range map[string]bool{"through the writer": true, "to the connection": false} {
		t.Run(name, func(t *testing.T) {
			server, _ := guarded(t, func(w http.ResponseWriter, _ *http.Request) {
				h := w.Header()
				h.Set("Connection", "Upgrade")
				h.Set("Upgrade", "websocket")
				h.Set("Set-Cookie", sessionCookie+"=evil")
				if through {
					w.WriteHeader(http.StatusSwitchingProtocols)
				}
				echo(t, w, !through)
			})
			conn, reader := dial(t, server, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			defer conn.Close()
			response, err := http.ReadResponse(reader, nil)
			if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("answer %v, %v", response, err)
			}
			want := []string{ownLine}
			if !through {
				want = nil
			}
			if got := response.Header["Set-Cookie"]; !slices.Equal(got, want) {
				t.Errorf("cookies %q, want %q", got, want)
			}
			_, _ = io.WriteString(conn, "hello\n")
			if line, err := reader.ReadString('\n'); line != "hello\n" {
				t.Errorf("echo %q, %v", line, err)
			}
		})
	}
}

// TestAHijackedGuardIsNotUsedAgain: goroutines of a connection may outlive the
// handler; the Guard that they hold must not become somebody else's.
func TestAHijackedGuardIsNotUsedAgain(t *testing.T) {
	answers := upstream.NewAnswers(upstream.AnswersOptions{})
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g := answers.Guard(w, r, true)
		echo(t, g, true)
		g.Done()
		if g.Unwrap() != w {
			t.Error("the Guard was given back")
		}
	}))
	conn, reader := dial(t, server, plainGet)
	defer conn.Close()
	_, _ = io.WriteString(conn, "bye\n")
	if _, err := io.Copy(io.Discard, reader); err != nil {
		t.Error(err)
	}
}

func echo(t *testing.T, w http.ResponseWriter, answer bool) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Errorf("hijacking: %v", err)
		return
	}
	defer conn.Close()
	if answer {
		_, _ = io.WriteString(rw, "HTTP/1.1 101 Switching Protocols\r\n")
		_ = w.Header().Write(rw)
		_, _ = io.WriteString(rw, "\r\n")
	}
	_ = rw.Flush()
	line, _ := rw.ReadString('\n')
	_, _ = io.WriteString(rw, line)
	_ = rw.Flush()
}

func TestClearSiteDataCannotEndTheSession(t *testing.T) {
	for _, tt := range []struct{ have, want []string }{
		{[]string{`"cookies"`}, nil},
		{[]string{`"*"`}, nil},
		{[]string{`"cache", "cookies", "storage"`}, []string{`"cache", "storage"`}},
		{[]string{`"cache","Cookies"`, ` "*" , "executionContexts"`}, []string{`"cache", "executionContexts"`}},
		{[]string{`"cache","storage"`}, []string{`"cache","storage"`}},
	} {
		server, _ := guarded(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Clear-Site-Data"] = tt.have
		})
		if got := send(t, server, plainGet).Header["Clear-Site-Data"]; !slices.Equal(got, tt.want) {
			t.Errorf("%q became %q, want %q", tt.have, got, tt.want)
		}
	}
}

// TestCCH02GuardedAnswersArePrivate unless the app itself said anything.
func TestCCH02GuardedAnswersArePrivate(t *testing.T) {
	answers := upstream.NewAnswers(upstream.AnswersOptions{Cookies: cookies})
	for _, tt := range []struct {
		name    string
		private bool
		have    []string
		want    []string
	}{
		{"a guarded answer that says nothing is private", true, nil, []string{"private"}},
		{"an empty field says nothing", true, []string{"", " "}, []string{"private"}},
		{"what the app says stands", true, []string{"public, max-age=60"}, []string{"public, max-age=60"}},
		{"a stricter word stands", true, []string{"no-store"}, []string{"no-store"}},
		{"a public answer without identity is left alone", false, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			g := answers.Guard(w, httptest.NewRequest(http.MethodGet, "/", nil), tt.private)
			w.Header().Set("Vary", "Accept")
			if tt.have != nil {
				w.Header()["Cache-Control"] = slices.Clone(tt.have)
			}
			g.WriteHeader(http.StatusNotModified)
			g.Done()
			if got := w.Header()["Cache-Control"]; !slices.Equal(got, tt.want) {
				t.Errorf("Cache-Control %q, want %q", got, tt.want)
			}
			if got := w.Header().Get("Vary"); got != "Accept" {
				t.Errorf("Vary became %q", got)
			}
		})
	}
}

// TestAGuardForgetsItsRequest: guards come from a pool, so a cookie that one answer
// never sent must not come out in somebody else's.
func TestAGuardForgetsItsRequest(t *testing.T) {
	answers := upstream.NewAnswers(upstream.AnswersOptions{Cookies: cookies})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for range 100 {
		first := httptest.NewRecorder()
		g := answers.Guard(first, r, true)
		g.AddCookie(ownLine)
		_, _ = g.Write([]byte("x"))
		g.AddCookie(ownLine) // too late for this answer
		g.Done()
		second := httptest.NewRecorder()
		g = answers.Guard(second, r, false)
		_, _ = g.Write([]byte("y"))
		g.Done()
		if first.Body.String() != "x" || second.Body.String() != "y" || len(second.Header()["Set-Cookie"]) != 0 || second.Header()["Cache-Control"] != nil {
			t.Fatalf("answers %q %v and %q %v", first.Body, first.Header(), second.Body, second.Header())
		}
	}
}

// TestPrivateIsNotShared: Caddy's header directive replaces text in place.
func TestPrivateIsNotShared(t *testing.T) {
	answers := upstream.NewAnswers(upstream.AnswersOptions{})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for range 3 {
		w := httptest.NewRecorder()
		answers.Guard(w, r, true).Done()
		if got := w.Header().Get("Cache-Control"); got != "private" {
			t.Fatalf("Cache-Control is %q", got)
		}
		w.Header()["Cache-Control"][0] = "public"
	}
}

// TestASharedSliceIsNotChanged: a handler may keep the slice it puts into a header.
func TestASharedSliceIsNotChanged(t *testing.T) {
	answers := upstream.NewAnswers(upstream.AnswersOptions{Cookies: cookies})
	lines := []string{sessionCookie + "=evil", "a=1"}
	w := httptest.NewRecorder()
	w.Header()["Set-Cookie"] = lines
	answers.Guard(w, httptest.NewRequest(http.MethodGet, "/", nil), true).Done()
	if !slices.Equal(lines, []string{sessionCookie + "=evil", "a=1"}) || !slices.Equal(w.Header()["Set-Cookie"], []string{"a=1"}) {
		t.Errorf("lines %q, header %q", lines, w.Header()["Set-Cookie"])
	}
}

// below records which of its methods a Guard uses.
type below struct {
	http.ResponseWriter
	calls []string
}

func (b *below) WriteHeader(status int) {
	b.calls = append(b.calls, http.StatusText(status))
	b.ResponseWriter.WriteHeader(status)
}

func (b *below) ReadFrom(r io.Reader) (int64, error) {
	b.calls = append(b.calls, "ReadFrom")
	return io.Copy(b.ResponseWriter, r)
}

func (b *below) Push(string, *http.PushOptions) error {
	b.calls = append(b.calls, "Push")
	return nil
}

func (b *below) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	b.calls = append(b.calls, "Hijack")
	return nil, nil, http.ErrHijacked
}

func TestAGuardKeepsWhatTheWriterBelowCan(t *testing.T) {
	answers := upstream.NewAnswers(upstream.AnswersOptions{})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	b := &below{ResponseWriter: httptest.NewRecorder()}
	g := answers.Guard(b, r, false)
	_, _ = io.Copy(g, io.LimitReader(strings.NewReader("x"), 1))
	_ = g.Push("/a.css", nil)
	g.WriteHeader(http.StatusTeapot) // superfluous, and the server's to complain about
	if g.Unwrap() != http.ResponseWriter(b) {
		t.Error("Unwrap gives something else")
	}
	g.Done()
	if diff := cmp.Diff([]string{"OK", "ReadFrom", "Push", "I'm a teapot"}, b.calls); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	plain := answers.Guard(httptest.NewRecorder(), r, false)
	if err := plain.Push("/a.css", nil); err != http.ErrNotSupported {
		t.Errorf("pushing without a pusher: %v", err)
	}
	if _, _, err := plain.Hijack(); err == nil {
		t.Error("hijacked a recorder")
	}
	plain.Done()
}

// TestCCH01AnAnswerWithOurCookieIsNeverCached: an app that lets everybody cache a
// page must not let a shared cache keep the session that was set with it. At first
// only Cache-Control was replaced. Delivery networks follow fields of their own
// before that one, so the app's word to them had one person's renewed session kept
// and handed to all others. Now every such field goes, in whatever case.
func TestCCH01AnAnswerWithOurCookieIsNeverCached(t *testing.T) {
	answers := upstream.NewAnswers(upstream.AnswersOptions{Cookies: []string{"door"}})
	fields := []string{
		"Cache-Control", "Expires", "CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Surrogate-Control", "Edge-Control", "X-Accel-Expires",
	}
	for name, spell := range map[string]func(string) string{
		"canonical": http.CanonicalHeaderKey, "as documented": strings.Clone, "lower case": strings.ToLower, "upper case": strings.ToUpper,
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			g := answers.Guard(w, httptest.NewRequest(http.MethodGet, "/", nil), true)
			g.AddCookie("door=secret")
			for _, field := range fields {
				g.Header()[spell(field)] = []string{"public, s-maxage=600"}
			}
			g.WriteHeader(http.StatusOK)
			g.Done()
			want := http.Header{"Cache-Control": {"private, no-store"}, "Set-Cookie": {"door=secret"}}
			if diff := cmp.Diff(want, w.Header()); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
}
