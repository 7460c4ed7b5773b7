// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// A burden is what the requests of a session look like.
type burden struct {
	name   string
	cookie string
	fields map[string]string // beside the usual ones, or in their place
}

// burdensOf are requests that bring a session alone, among as many cookies as browsers
// gather, and with as much header as servers take by default.
func burdensOf(session string) []burden {
	var before, behind []string
	for i := range 10 {
		before = append(before, fmt.Sprintf("_ga_%d=GS1.1.17166%08d.3.1.1716600123.0.0.0", i, i))
		behind = append(behind, fmt.Sprintf("theme-%d=dark-%d", i, i))
	}
	own := "doorcode=" + session
	many := strings.Join(before, "; ") + "; " + own + "; " + strings.Join(behind, "; ")
	return []burden{
		{name: "usual", cookie: "theme=dark; " + own},
		{name: "20 cookies around", cookie: many},
		{name: "8 KB of headers", cookie: many + "; big=" + strings.Repeat("x", 3<<10), fields: map[string]string{
			"Referer": "https://localhost/" + strings.Repeat("y", 4<<10), "User-Agent": strings.Repeat("z", 1<<9),
		}},
	}
}

// header is a fresh header of the burden.
func (s *burden) header() http.Header {
	h := browserHeader(10, s.cookie)
	for name, value := range s.fields {
		h[name][0] = value
	}
	return h
}

// send sends one request of the burden and returns the status.
func (w *nowhere) send(h http.Handler, r *http.Request, s *burden) int {
	r.Header = s.header()
	clear(w.header)
	h.ServeHTTP(w, r)
	return w.status
}

// BenchmarkSession tells what a request with a valid session costs through the whole
// chain, more than one through a middleware that does nothing. The three sites take
// turns, in another order each time, so that they share what else the machine does;
// of each the best turn counts, and the middle one beside.
func BenchmarkSession(b *testing.B) {
	s := startBench(b)
	for _, burden := range burdensOf(s.session) {
		b.Run(burden.name, func(b *testing.B) {
			w, r := &nowhere{header: http.Header{}}, plainRequest(s.caddy.Port, "/x")
			sites := []http.Handler{s.gate, s.noop, s.direct}
			turns := takeTurns(b, len(sites), func(site int) {
				if status := w.send(sites[site], r, &burden); status != http.StatusOK {
					b.Fatalf("status %d", status)
				}
			})
			report(b, turns)
			for i, name := range []string{"allocs/gate", "allocs/noop"} {
				b.ReportMetric(testing.AllocsPerRun(1000, func() { w.send(sites[i], r, &burden) }), name)
			}
		})
	}
}

const perTurn = 100

// takeTurns measures several ways to do something, and returns how long each took in
// each turn, in nanoseconds for one.
func takeTurns(b *testing.B, ways int, do func(way int)) [][]float64 {
	b.Helper()
	turns := make([][]float64, ways)
	for first := 0; b.Loop(); first++ {
		for i := range ways {
			way := (first + i) % ways
			began := time.Now()
			for range perTurn {
				do(way)
			}
			turns[way] = append(turns[way], float64(time.Since(began).Nanoseconds())/perTurn)
		}
	}
	for _, took := range turns {
		slices.Sort(took)
	}
	return turns
}

// report tells how much more the first of three ways takes than the others.
func report(b *testing.B, turns [][]float64) {
	best := func(way int) float64 { return turns[way][0] }
	middle := func(way int) float64 { return turns[way][len(turns[way])/2] }
	b.ReportMetric(0, "ns/op") // of all together: means nothing
	b.ReportMetric(best(0), "ns/gate")
	b.ReportMetric(best(1), "ns/noop")
	b.ReportMetric(best(0)-best(1), "ns/over-noop")
	b.ReportMetric(middle(0)-middle(1), "ns/over-noop-middle")
	b.ReportMetric(best(0)/best(2), "times-direct")
}

// BenchmarkSessionInParallel tells whether cores wait for each other: run it with
// -cpu 1,2,8,32. The sessions of one person share what is known of that session, so
// each goroutine could bring one of its own; that all of them bring the same is the
// worst case.
func BenchmarkSessionInParallel(b *testing.B) {
	s := startBench(b)
	burden := burdensOf(s.session)[0]
	for _, site := range []struct {
		name string
		http.Handler
	}{{"gate", s.gate}, {"noop", s.noop}} {
		b.Run(site.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				w, r := &nowhere{header: http.Header{}}, plainRequest(s.caddy.Port, "/x")
				for p.Next() {
					w.send(site, r, &burden)
				}
			})
		})
	}
}
