// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/geo/geotest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

func init() { caddy.RegisterModule(noop{}) }

// noop is a middleware that does nothing, to compare the gate with.
type noop struct{}

// CaddyModule names the middleware.
func (noop) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.doorcode_tests_noop", New: func() caddy.Module { return new(noop) }}
}

// ServeHTTP hands on.
func (noop) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return next.ServeHTTP(w, r)
}

// A bench is one Caddy with three sites that answer alike: behind the gate,
// behind a middleware that does nothing, and behind nothing.
type bench struct {
	caddy              *harness.Caddy
	gate, noop, direct http.Handler
	session            string
}

func startBench(b testing.TB) *bench {
	b.Helper()
	c := harness.Prepare(b)
	ports := []string{c.Port, harness.FreePort(b), harness.FreePort(b)}
	city := geotest.City(b, b.TempDir(), "city.mmdb", map[string]geo.Place{"81.2.69.0/24": {Country: "PT", City: "Lisbon", Point: geo.Point{Latitude: 38.7, Longitude: -9.1}, Located: true}})
	everything := []string{
		generous(""), "public /public/*", "geoip " + city, "sensitive /admin/*", "sensitive @pay 5m", "networks office 198.51.100.0/24", "page_status 200 /web/*",
	}
	text := "http://localhost:PORT {\n\t@pay {\n\t\tpath /pay/*\n\t\tmethod POST\n\t}\n" + gate("*@example.com", everything...) + "\n\trespond ok\n}\n" +
		"http://localhost:" + ports[1] + " {\n\tvars noop 1\n\trespond ok\n}\nhttp://localhost:" + ports[2] + " {\n\trespond ok\n}\n"
	config, err := harness.Adapt(c.Fill(b, text))
	if err != nil {
		b.Fatal(err)
	}
	swapped := strings.Replace(string(config), `{"handler":"vars","noop":1}`, `{"handler":"doorcode_tests_noop"}`, 1)
	if swapped == string(config) {
		b.Fatal("no place for the middleware that does nothing")
	}
	if err := caddy.Load([]byte(swapped), true); err != nil {
		b.Fatal(err)
	}
	app, err := caddy.ActiveContext().App("http")
	if err != nil {
		b.Fatal(err)
	}
	s := &bench{caddy: c}
	for _, server := range app.(*caddyhttp.App).Servers {
		for i, handler := range []*http.Handler{&s.gate, &s.noop, &s.direct} {
			if server.Listen[0] == ":"+ports[i] {
				*handler = server
			}
		}
	}
	s.session = signedIn(b, c, ana).Cookies(b)["doorcode"]
	return s
}

// browserFields are what a browser sends, the most usual first.
var browserFields = []string{
	"Cookie", "User-Agent", "Accept", "Accept-Language", "Accept-Encoding", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Referer", "Priority", "Sec-Gpc", "Dnt",
}

// browserHeader is a fresh header of n browserFields: a map that once was larger would hide
// that it grows.
func browserHeader(n int, cookie string) http.Header {
	h := make(http.Header, n)
	values := make([]string, n)
	for i, name := range browserFields[:n] {
		values[i] = "x"
		h[name] = values[i : i+1 : i+1]
	}
	values[0], values[2] = cookie, "application/json"
	values[5], values[6], values[7] = "same-origin", "cors", "empty"
	return h
}

// plainRequest is what a server hands to its handler.
func plainRequest(port, path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host, r.RemoteAddr = "localhost:"+port, "127.0.0.1:4711"
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, fakeAddress{}))
}

type fakeAddress struct{}

func (fakeAddress) Network() string { return "tcp" }
func (fakeAddress) String() string  { return "127.0.0.1:80" }

// nowhere is a writer that keeps the status alone.
type nowhere struct {
	header http.Header
	status int
}

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w *nowhere) WriteHeader(status int)      { w.status = status }

// ask sends one request with a fresh header and returns the status.
func (w *nowhere) ask(h http.Handler, r *http.Request, n int, cookie string) int {
	r.Header = browserHeader(n, cookie)
	clear(w.header)
	h.ServeHTTP(w, r)
	return w.status
}

// ofNewConnection is a page on a goroutine of its own, as each connection has one. Its
// stack is small at first, so that what the page needs of it counts as well.
const ofNewConnection = "page of a new connection"

// BenchmarkStranger tells what refusing costs: a page, an answer to a script, a
// token that was made up, one whose signature was, and a public path.
func BenchmarkStranger(b *testing.B) {
	s := startBench(b)
	head, _, _ := strings.Cut(s.session, ".")
	forged := s.session[:len(s.session)-20] + strings.Repeat("A", 20)
	for _, one := range []struct {
		name, path, cookie, accept string
		want                       int
	}{
		{"page", "/x", "a=b", "text/html", 401},
		{ofNewConnection, "/x", "a=b", "text/html", 401},
		{"script", "/x", "a=b", "application/json", 401},
		{"made-up token", "/x", "doorcode=" + head + ".e30.c2ln", "application/json", 401},
		{"forged signature", "/x", "doorcode=" + forged, "application/json", 401},
		{"public", "/public/x", "a=b", "application/json", 200},
	} {
		serve := s.gate.ServeHTTP
		if one.name == ofNewConnection {
			serve = func(w http.ResponseWriter, r *http.Request) {
				done := make(chan struct{})
				go func() {
					defer close(done)
					s.gate.ServeHTTP(w, r)
				}()
				<-done
			}
		}
		b.Run(one.name, func(b *testing.B) {
			b.ReportAllocs()
			w, r := &nowhere{header: http.Header{}}, plainRequest(s.caddy.Port, one.path)
			for b.Loop() {
				r.Header = browserHeader(10, one.cookie)
				r.Header["Accept"][0] = one.accept
				if one.accept == "text/html" {
					r.Header["Sec-Fetch-Mode"][0], r.Header["Sec-Fetch-Dest"][0] = "navigate", "document"
				}
				clear(w.header)
				if serve(w, r); w.status != one.want {
					b.Fatalf("status %d", w.status)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "/s")
		})
	}
}

// BenchmarkVerify tells how many right codes a second the embedded storage takes,
// each synced to the disk before it is answered. Run it with -benchtime 500x.
func BenchmarkVerify(b *testing.B) {
	s := startBench(b)
	forms := make([]*http.Request, b.N)
	for i := range forms {
		forms[i] = prepareCode(b, s.caddy, i)
	}
	var next, entered atomic.Int64
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			w := httptest.NewRecorder()
			s.gate.ServeHTTP(w, forms[next.Add(1)-1])
			for _, cookie := range w.Result().Cookies() {
				if cookie.Name == "doorcode" && cookie.Value != "" {
					entered.Add(1)
				}
			}
		}
	})
	if int(entered.Load()) != b.N {
		b.Fatalf("%d of %d codes made a session", entered.Load(), b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "codes/s")
}

func prepareCode(b *testing.B, c *harness.Caddy, n int) *http.Request {
	b.Helper()
	browser, address := c.Browser(b), fmt.Sprintf("p%d@example.com", n)
	browser.From = fmt.Sprintf("10.%d.%d.1", n/200, n%200)
	browser.Open(b, "/")
	browser.Submit(b, "email", url.Values{"email": {address}})
	values := form(b, browser, c.Mailbox.Wait(b, address, 1).Code(b))
	r := httptest.NewRequest(http.MethodPost, "/.doorcode/verify", strings.NewReader(values.Encode()))
	r.Host, r.RemoteAddr = "localhost:"+c.Port, browser.From+":4711"
	r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}, "Cookie": {cookies(b, browser)}}
	return r
}
