// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// BenchmarkStranger tells what it costs to answer whoever is not in: the page, a code
// that is not right, one for an address that is locked, and a mail that a limit refuses.
// The store is in memory; what a store adds is in the benchmarks of tests.
func BenchmarkStranger(b *testing.B) {
	b.Run("the page", func(b *testing.B) {
		w := newWorld(b)
		request(b, w, w.browser(), http.MethodGet, "/x", nil, http.StatusUnauthorized)
	})
	b.Run("the page with a code under way", func(b *testing.B) {
		w := newWorld(b)
		one := w.browser()
		one.ask("/x", ana)
		request(b, w, one, http.MethodGet, "/x", nil, http.StatusUnauthorized)
	})
	b.Run("a wrong code", func(b *testing.B) {
		w := newWorld(b)
		one := w.browser()
		code := one.ask("/x", ana)
		target, fields := one.form("/verify")
		fields.Set("code", wrongCode(code, 0))
		before := w.store.dump(b)
		request(b, w, one, http.MethodPost, target, fields, http.StatusSeeOther, func() { w.putBack(before) })
	})
	b.Run("a code for a locked address", func(b *testing.B) {
		w := newWorld(b, func(s *settings) { s.gate.Policy.Limits.TryAddress = []challenge.Rate{{N: 1, Per: time.Hour}} })
		one := w.browser()
		code := one.ask("/x", ana)
		target, fields := one.form("/verify")
		fields.Set("code", wrongCode(code, 0))
		one.do(http.MethodPost, target, fields, clicked)
		request(b, w, one, http.MethodPost, target, fields, http.StatusSeeOther)
	})
	for name, limits := range map[string]challenge.Limits{
		"a mail that the network may not ask for": {SendIP: []challenge.Rate{{N: 1, Per: time.Hour}}},
		"a mail when all mail is used up":         {SendTotal: []challenge.Rate{{N: 2, Per: time.Hour}}, SendIP: []challenge.Rate{{N: 1000, Per: time.Hour}}},
	} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, func(s *settings) { s.gate.Policy.Limits = limits })
			w.browser().ask("/x", ana)
			one := w.browser()
			one.open("/x")
			target, fields := one.form("/email")
			fields.Set("email", "somebody@example.org")
			request(b, w, one, http.MethodPost, target, fields, http.StatusSeeOther)
		})
	}
}

// putBack makes what was counted as it was, so that each wrong code is the first.
func (w *world) putBack(before map[string]string) {
	for _, key := range sorted(w.store.dump(w.t)) {
		_ = w.store.Store.Update(w.t.Context(), key, func([]byte, time.Time) ([]byte, time.Duration, error) {
			return []byte(before[key]), time.Hour, nil
		})
	}
}

// request sends the same request over and over, and does something after each.
func request(b *testing.B, w *world, by *browser, method, target string, fields url.Values, want int, after ...func()) {
	b.Helper()
	r := by.request(method, target, fields, clicked)
	form := fields.Encode()
	out := &sink{header: http.Header{}}
	var in web.Arrival
	b.ReportAllocs()
	for b.Loop() {
		clear(out.header)
		if r.PostForm, r.Form = nil, nil; fields != nil {
			r.Body = io.NopCloser(strings.NewReader(form))
		}
		in = web.Arrival{Original: r.URL, IP: netip.MustParseAddr("203.0.113.7"), Secure: true, Guarded: true, Now: w.clock.now()}
		if w.door.Serve(out, r, &in); out.status != want {
			b.Fatalf("status %d, want %d", out.status, want)
		}
		for _, undo := range after {
			undo()
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "answers/s")
}
