// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/upstream"
)

var browserFields = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Cookie", "Referer", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "User-Agent", "X-Forwarded-For",
	"Connection", "Sec-Ch-Ua",
}

// browserHeader makes a header of n fields with room for their number, as net/http
// does: a map that has once been larger would hide that it grows.
func browserHeader(n int) http.Header {
	h := make(http.Header, n)
	values := make([]string, n)
	for i, name := range browserFields[:n] {
		values[i] = "x"
		h[name] = values[i : i+1 : i+1]
	}
	h["Cookie"][0] = "theme=dark; lang=en; " + sessionCookie + "=eyJhbGciOiJFUzI1NiJ9.e30.c2ln; " + deviceCookie + "=ZGV2aWNl"
	if n > 9 {
		h["Connection"][0] = "keep-alive"
	}
	return h
}

// TestRequestsCostNoAllocation compares a fresh header that goes through everything
// with one that goes through nothing.
func TestRequestsCostNoAllocation(t *testing.T) {
	cleaner := upstream.NewCleaner(upstream.CleanerOptions{Names: identity, StripGateways: true})
	jar := upstream.NewJar(cookies...)
	headers := alice(t)
	var cells upstream.Cells
	for n := 9; n <= 11; n++ {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		base := testing.AllocsPerRun(500, func() { r.Header = browserHeader(n) })
		for name, step := range map[string]func(){
			"Read":  func() { found := jar.Read(r.Header); _ = found.Values(0) },
			"Clean": func() { cleaner.Clean(r, new(upstream.Met)) },
			"Set":   func() { headers.Set(r.Header, &cells) },
		} {
			if name == "Set" && n > 10 {
				continue // four more fields than eleven no longer fit into the map that Go made
			}
			t.Run(fmt.Sprintf("%s with %d fields", name, n), func(t *testing.T) {
				allocs := testing.AllocsPerRun(500, func() {
					r.Header = browserHeader(n)
					step()
				})
				if allocs != base {
					t.Errorf("%v allocations, %v without", allocs, base)
				}
			})
		}
	}
}

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

func TestAnswersCostNoAllocation(t *testing.T) {
	answers := upstream.NewAnswers(upstream.AnswersOptions{Cookies: cookies})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	w := &discard{header: http.Header{"Content-Type": {"text/html"}, "Set-Cookie": {"a=1", "b=2"}}}
	body := []byte("x")
	for name, step := range map[string]func(*upstream.Guard){
		"as it is":                        func(*upstream.Guard) {},
		"listening":                       func(g *upstream.Guard) { g.Listen(noon, noon) },
		"listening, and no code is fresh": func(g *upstream.Guard) { g.Listen(time.Time{}, noon) },
	} {
		for _, private := range []bool{true, false} {
			allocs := testing.AllocsPerRun(500, func() {
				delete(w.header, "Cache-Control")
				g := answers.Guard(w, r, private)
				step(g)
				_, _ = g.Write(body)
				if _, demanded := g.Demand(); demanded {
					t.Error("demanded")
				}
				g.Done()
			})
			if allocs != 0 {
				t.Errorf("%s, private %v: %v allocations", name, private, allocs)
			}
		}
	}
}

func BenchmarkClean(b *testing.B) {
	cleaner := upstream.NewCleaner(upstream.CleanerOptions{Names: identity, StripGateways: true})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header = browserHeader(10)
	line := r.Header["Cookie"][0]
	b.ReportAllocs()
	for b.Loop() {
		r.Header["Cookie"][0] = line
		cleaner.Clean(r, new(upstream.Met))
	}
}

func BenchmarkJar(b *testing.B) {
	jar := upstream.NewJar(cookies...)
	h := browserHeader(10)
	line := h["Cookie"][0]
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			found := jar.Read(h)
			_ = found.Values(0)
		}
	})
	b.Run("remove", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h["Cookie"][0] = line
			jar.Remove(h)
		}
	})
}

func BenchmarkSet(b *testing.B) {
	headers, err := upstream.BuildHeaders([]upstream.Field{
		{Name: "Remote-User", Value: "alice"},
		{Name: "Remote-Email", Value: "alice@example.com"},
		{Name: "Remote-Name", Value: "Alice"},
		{Name: "Doorcode-Assertion", Value: "signed"},
	})
	if err != nil {
		b.Fatal(err)
	}
	h := browserHeader(10)
	var cells upstream.Cells
	b.ReportAllocs()
	for b.Loop() {
		headers.Set(h, &cells)
	}
}

func BenchmarkGuard(b *testing.B) {
	answers := upstream.NewAnswers(upstream.AnswersOptions{Cookies: cookies})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	w := &discard{header: http.Header{
		"Content-Type": {"text/html"}, "Set-Cookie": {"a=1", "b=2"}, "Date": {"x"}, "Etag": {"x"}, "Vary": {"x"}, "Server": {"x"},
	}}
	body := []byte("x")
	for _, listening := range []bool{false, true} {
		b.Run(fmt.Sprintf("listening=%v", listening), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				delete(w.header, "Cache-Control")
				g := answers.Guard(w, r, true)
				if listening {
					g.Listen(noon, noon)
				}
				_, _ = g.Write(body)
				g.Done()
			}
		})
	}
}
