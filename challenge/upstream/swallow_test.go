// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream_test

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/upstream"
)

// asking stands in for the gate: it lets everybody through on a session whose last
// code is of coded, and puts a check in the place of an answer that was swallowed.
func asking(coded time.Time, app http.Handler) http.Handler {
	answers := upstream.NewAnswers(upstream.AnswersOptions{Cookies: cookies})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "door")
		w.Header()["Vary"] = []string{"Cookie", "Accept"}
		w.Header()["Date"] = nil // keeps it from being sent
		g := answers.Guard(w, r, true)
		g.AddCookie(ownLine)
		g.Listen(coded, noon)
		app.ServeHTTP(g, r)
		demand, demanded := g.Demand()
		lines := g.Unsent()
		g.Done()
		if !demanded {
			return
		}
		for _, line := range lines {
			w.Header().Add("Set-Cookie", line)
		}
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "a code of the last "+demand.MaxAge.String())
	})
}

// demanding are apps that demand a code of the last ten minutes, each in its way.
// All of what they say must vanish.
var demanding = map[string]http.HandlerFunc{
	"a status": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	},
	"a challenge": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Del("Doorcode-Require")
		w.Header().Set("Www-Authenticate", "Bearer "+insufficient+", max_age=600")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "secret")
	},
	"a header alone":       func(http.ResponseWriter, *http.Request) {},
	"a body":               func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("secret")) },
	"a string":             func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "secret") },
	"an answer of no body": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
	"a body of known length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "6")
		_, _ = io.WriteString(w, "secret")
	},
	"a copied body": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.Copy(w, io.LimitReader(strings.NewReader(strings.Repeat("secret", 50_000)), 300_000))
	},
	"a streamed body": func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			_, _ = io.WriteString(w, "secret")
			_ = http.NewResponseController(w).Flush()
		}
	},
	"a flush first": func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "secret")
	},
	"a packed body": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		packer := gzip.NewWriter(w)
		_, _ = io.WriteString(packer, "secret")
		_ = packer.Close()
	},
	"trailers": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum, Doorcode-Require")
		_, _ = io.WriteString(w, "secret")
		w.Header().Set("X-Sum", "secret")
		w.Header().Set("Doorcode-Require", "max_age=60")
		w.Header().Set(http.TrailerPrefix+"X-Late", "secret")
	},
	"a second answer": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.Header().Del("Doorcode-Require")
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, "secret")
	},
}

// demandingApp adds what every demanding app has in its header.
func demandingApp(app http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Doorcode-Require", "max_age=600")
		h.Set("Content-Type", "text/secret")
		h.Set("Set-Cookie", "app=secret")
		h.Set("X-App", "secret")
		app(w, r)
	})
}

// TestSTP04NothingOfASwallowedAnswerGetsOut, neither from a handler nor from a
// proxied app, by either version of HTTP.
func TestSTP04NothingOfASwallowedAnswerGetsOut(t *testing.T) {
	for name, app := range demanding {
		t.Run(name, func(t *testing.T) {
			app := demandingApp(app)
			proxy := proxyTo(t, serve(t, app))
			meddling := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Vary"][0] = "secret" // as Caddy's header directives edit
				w.Header().Add("Vary", "secret")
				w.Header().Del("Server")
				app.ServeHTTP(w, r)
			})
			for by, h := range map[string]http.Handler{"a handler": meddling, "a proxy": proxy} {
				for _, server := range []*httptest.Server{serve(t, asking(noon.Add(-time.Hour), h)), serveHTTP2(t, asking(time.Time{}, h))} {
					checkAsked(t, by, server)
				}
			}
		})
	}
}

func proxyTo(t *testing.T, app *httptest.Server) http.Handler {
	t.Helper()
	target, err := url.Parse(app.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: transport, FlushInterval: -1}
}

func serveHTTP2(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func checkAsked(t *testing.T, by string, server *httptest.Server) {
	t.Helper()
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	what := response.Proto + ", " + by
	if err != nil || response.StatusCode != http.StatusUnauthorized || string(body) != "a code of the last 10m0s" {
		t.Errorf("%s: answer %d %q, %v", what, response.StatusCode, body, err)
	}
	want := http.Header{
		"Server": {"door"}, "Vary": {"Cookie", "Accept"}, "Set-Cookie": {ownLine},
		"Content-Length": {"24"}, "Content-Type": {"text/plain; charset=utf-8"},
	}
	if diff := cmp.Diff(want, response.Header); diff != "" {
		t.Errorf("%s: header (-want +got):\n%s", what, diff)
	}
	if len(response.Trailer) > 0 {
		t.Errorf("%s: trailers %v", what, response.Trailer)
	}
}

// TestSTP04AnAppThatDemandsWithEveryAnswerIsHeardOnce: what was demanded has been
// given then, and the person sees the app's answer.
func TestSTP04AnAppThatDemandsWithEveryAnswerIsHeardOnce(t *testing.T) {
	app := demandingApp(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "Doorcode-Require, X-Sum")
		_, _ = io.WriteString(w, "secret")
		w.Header().Set("Doorcode-Require", "max_age=60")
		w.Header().Set(http.TrailerPrefix+"Doorcode-Require", "max_age=60")
		w.Header().Set("X-Sum", "7")
	})
	for by, h := range map[string]http.Handler{"a handler": app, "a proxy": proxyTo(t, serve(t, app))} {
		checkAsked(t, by, serve(t, asking(noon.Add(-11*time.Minute), h)))
		response := send(t, serve(t, asking(noon.Add(-time.Minute), h)), plainGet)
		if body, err := io.ReadAll(response.Body); string(body) != "secret" || err != nil {
			t.Errorf("%s: after the code the body is %q, %v", by, body, err)
		}
		if response.StatusCode != http.StatusOK || response.Header["Doorcode-Require"] != nil || response.Header.Get("X-App") != "secret" {
			t.Errorf("%s: after the code the answer is %d %v", by, response.StatusCode, response.Header)
		}
		if diff := cmp.Diff(http.Header{"X-Sum": {"7"}}, response.Trailer); diff != "" {
			t.Errorf("%s: trailers (-want +got):\n%s", by, diff)
		}
	}
}

func TestEarlyAnswersBeforeADemandArePassedOn(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.Header().Set("Doorcode-Require", "max_age=600")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Doorcode-Require", "max_age=600")
		w.WriteHeader(http.StatusOK)
		w.WriteHeader(http.StatusEarlyHints)
	})
	conn, reader := dial(t, serve(t, asking(time.Time{}, app)), plainGet)
	defer conn.Close()
	early, err := http.ReadResponse(reader, nil)
	if err != nil || early.StatusCode != http.StatusEarlyHints || early.Header.Get("Link") == "" || early.Header["Doorcode-Require"] != nil {
		t.Errorf("early answer: %v, %v", early, err)
	}
	final, err := http.ReadResponse(reader, nil)
	if err != nil || final.StatusCode != http.StatusUnauthorized || final.Header["Link"] != nil {
		t.Errorf("final answer: %v, %v", final, err)
	}
}

// TestAnUpgradeDemandsNothing: the connection is the app's by then.
func TestAnUpgradeDemandsNothing(t *testing.T) {
	for name, through := range map[string]bool{"through the writer": true, "to the connection": false} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, asking(time.Time{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Connection", "Upgrade")
				w.Header().Set("Upgrade", "websocket")
				w.Header().Set("Doorcode-Require", "max_age=600")
				if through {
					w.WriteHeader(http.StatusSwitchingProtocols)
				}
				echo(t, w, !through)
			})))
			conn, reader := dial(t, server, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello\n")
			defer conn.Close()
			response, err := http.ReadResponse(reader, nil)
			if err != nil || response.StatusCode != http.StatusSwitchingProtocols || response.Header["Doorcode-Require"] != nil {
				t.Fatalf("answer %v, %v", response, err)
			}
			if rest, err := io.ReadAll(reader); string(rest) != "hello\n" {
				t.Errorf("echo %q, %v", rest, err)
			}
		})
	}
	stream := httptest.NewRequest(http.MethodConnect, "/", nil)
	w := httptest.NewRecorder()
	g := upstream.NewAnswers(upstream.AnswersOptions{}).Guard(w, stream, true)
	g.Listen(time.Time{}, noon)
	g.Header().Set("Doorcode-Require", "max_age=600")
	_, _ = g.Write([]byte("hello"))
	if _, demanded := g.Demand(); demanded || w.Body.String() != "hello" || w.Header()["Doorcode-Require"] != nil {
		t.Errorf("a stream over HTTP/2 was swallowed: %v %q", w.Header(), w.Body)
	}
	g.Done()
}

// TestASwallowedAnswerTouchesNothingBelow, whatever the app still tries, and Done
// sends nothing of its own.
func TestASwallowedAnswerTouchesNothingBelow(t *testing.T) {
	b := &below{ResponseWriter: httptest.NewRecorder()}
	g := upstream.NewAnswers(upstream.AnswersOptions{Cookies: cookies}).Guard(b, httptest.NewRequest(http.MethodGet, "/", nil), true)
	g.AddCookie(ownLine)
	g.Listen(time.Time{}, noon)
	g.Header().Set("Doorcode-Require", "max_age=600")
	g.WriteHeader(http.StatusOK)
	if n, err := g.Write([]byte("abc")); n != 3 || err != nil {
		t.Errorf("Write = %d, %v", n, err)
	}
	if n, err := g.WriteString("abc"); n != 3 || err != nil {
		t.Errorf("WriteString = %d, %v", n, err)
	}
	if n, err := g.ReadFrom(strings.NewReader("abc")); n != 3 || err != nil {
		t.Errorf("ReadFrom = %d, %v", n, err)
	}
	if err := g.FlushError(); err != nil {
		t.Errorf("FlushError = %v", err)
	}
	if _, _, err := g.Hijack(); !errors.Is(err, http.ErrNotSupported) {
		t.Errorf("Hijack = %v, want ErrNotSupported", err)
	}
	if err := g.Push("/a.css", nil); !errors.Is(err, http.ErrNotSupported) {
		t.Errorf("Push = %v, want ErrNotSupported", err)
	}
	g.WriteHeader(http.StatusTeapot)
	if _, demanded := g.Demand(); !demanded {
		t.Error("nothing was demanded")
	}
	if len(b.calls) > 0 || len(b.Header()) > 0 {
		t.Errorf("the writer below got %q and %v", b.calls, b.Header())
	}
	b.Header().Set("Set-Cookie", ownLine) // of the check, which a caller may write first
	g.Done()
	if diff := cmp.Diff(http.Header{"Set-Cookie": {ownLine}}, b.Header()); len(b.calls) > 0 || diff != "" {
		t.Errorf("Done called %q, header (-want +got):\n%s", b.calls, diff)
	}
}

// TestWhatNobodyAsksForIsNotSwallowed: a caller that ends with Done alone could not
// put anything in the answer's place.
func TestWhatNobodyAsksForIsNotSwallowed(t *testing.T) {
	w := httptest.NewRecorder()
	g := upstream.NewAnswers(upstream.AnswersOptions{}).Guard(w, httptest.NewRequest(http.MethodGet, "/", nil), true)
	g.Listen(time.Time{}, noon)
	g.Header().Set("Doorcode-Require", "max_age=600")
	g.Header().Set("X-App", "x")
	g.Done()
	if diff := cmp.Diff(http.Header{"X-App": {"x"}, "Cache-Control": {"private"}}, w.Header()); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

// TestASwallowedAnswerStaysSwallowed: a caller that forgets to ask sends nothing
// rather than the app's header.
func TestASwallowedAnswerStaysSwallowed(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Doorcode-Require", "max_age=600") // as a directive before the gate may say
	g := upstream.NewAnswers(upstream.AnswersOptions{}).Guard(w, httptest.NewRequest(http.MethodGet, "/", nil), true)
	g.Listen(time.Time{}, noon)
	g.Header().Set("X-App", "secret")
	_, _ = io.WriteString(g, "secret")
	g.Done()
	if len(w.Header()) > 0 || w.Body.Len() > 0 {
		t.Errorf("answer %v %q", w.Header(), w.Body)
	}
}

// TestAGuardForgetsADemand: guards come from a pool, and the next one may belong to
// somebody else.
func TestAGuardForgetsADemand(t *testing.T) {
	answers := upstream.NewAnswers(upstream.AnswersOptions{})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for range 100 {
		g := answers.Guard(httptest.NewRecorder(), r, true)
		g.AddCookie(ownLine)
		g.Header().Set("X-First", "1")
		g.Listen(time.Time{}, noon)
		g.Header().Set("Doorcode-Require", "max_age=600")
		_, _ = g.Write([]byte("x"))
		g.Done()
		w := httptest.NewRecorder()
		g = answers.Guard(w, r, false)
		g.Header().Set("Doorcode-Require", "max_age=600")
		_, _ = g.Write([]byte("y"))
		_, demanded := g.Demand()
		if lines := g.Unsent(); demanded || len(lines) > 0 || w.Body.String() != "y" || len(w.Header()) > 1 {
			t.Fatalf("demanded %v, cookies %q, answer %q %v", demanded, lines, w.Body, w.Header())
		}
		g.Done()
	}
}
