// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"testing"
)

// A sink is an answer that nobody reads.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(status int)      { s.status = status }

func BenchmarkServe(b *testing.B) {
	w := newWorld(b)
	known := w.browser().signIn("/x", ana, "remember", "1")
	forged := w.browser()
	value := known.jar["__Host-Http-doorcode"]
	forged.jar["__Host-Http-doorcode"] = value[:len(value)-2] + "AA"
	asked := w.browser()
	asked.ask("/x", ana)
	for _, bench := range []struct {
		name   string
		who    *browser
		header http.Header
		pass   bool
	}{
		{"the 401 page", w.browser(), clicked, false},
		{"the code page", asked, clicked, false},
		{"a problem", w.browser(), scripted, false},
		{"a forged session", forged, scripted, false},
		{"a session", known, clicked, true},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := bench.who.request(http.MethodGet, "/x", nil, bench.header)
			in := w.arrival(r)
			out := &sink{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(out.header)
				if w.door.Serve(out, r, in).Pass != bench.pass {
					b.Fatal("decided otherwise")
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "answers/s")
		})
	}
}

// The way of a session costs nothing: see the benchmark for its time.
func TestASessionPassesWithoutAnAllocation(t *testing.T) {
	w := newWorld(t)
	known := w.browser().signIn("/x", ana)
	r := known.request(http.MethodGet, "/x", nil, clicked)
	in := w.arrival(r)
	out := &sink{header: http.Header{}}
	allocs := testing.AllocsPerRun(100, func() {
		if !w.door.Serve(out, r, in).Pass {
			t.Fatal("refused")
		}
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}
