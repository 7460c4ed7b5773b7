// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// The commonest request of all must not make garbage (ruling 28).
func TestRuling28ACachedSessionAllocatesNothing(t *testing.T) {
	w := newWorld(t)
	for name, earlier := range map[string]*challenge.Identity{"a typed address": nil, "an earlier step": basic("ana", ana)} {
		b := w.browser(w.gate(challenge.GateOptions{Policy: challenge.Policy{Session: challenge.SessionPolicy{Idle: time.Hour}}}))
		b.earlier = earlier
		b.signIn(ana, true)
		b.wantPass("first")
		v := b.visit()
		if n := testing.AllocsPerRun(1000, func() { b.gate.Admit(context.Background(), v) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}

func BenchmarkAdmit(b *testing.B) {
	w := newWorld(b)
	g := w.gate(challenge.GateOptions{})
	in := w.browser(g).signIn(ana, false)
	in.wantPass("first")
	b.Run("session=cached", func(b *testing.B) {
		v := in.visit()
		b.ReportAllocs()
		for b.Loop() {
			if g.Admit(b.Context(), v).Decision != challenge.Pass {
				b.Fatal("not admitted")
			}
		}
	})
	b.Run("session=cached/parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			v := in.visit()
			for pb.Next() {
				g.Admit(context.Background(), v)
			}
		})
	})
	b.Run("session=uncached", func(b *testing.B) {
		var visits []*challenge.Visit
		for n := range 100 {
			visits = append(visits, w.browser(g).signIn(someone(n), false).visit())
			w.clock.advance(time.Minute)
		}
		var house *challenge.House
		var fresh *challenge.Gate
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			if n%len(visits) == 0 { // a machine that has seen none of them
				b.StopTimer()
				if house != nil {
					house.Close()
				}
				house = w.machine()
				fresh = w.gateOf(house, challenge.GateOptions{})
				b.StartTimer()
			}
			if fresh.Admit(b.Context(), visits[n%len(visits)]).Decision != challenge.Pass {
				b.Fatal("not admitted")
			}
		}
	})
	b.Run("session=none", func(b *testing.B) {
		v := w.browser(g).visit()
		b.ReportAllocs()
		for b.Loop() {
			g.Admit(b.Context(), v)
		}
	})
	b.Run("session=forged", func(b *testing.B) {
		v := in.visit()
		v.Session = v.Session[:len(v.Session)-8] + "AAAAAAAA"
		b.ReportAllocs()
		for b.Loop() {
			g.Admit(b.Context(), v)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	limits := roomy
	limits.SendTotal = []challenge.Rate{{N: 1 << 30, Per: time.Minute}}
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: limits}})
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		in := w.browser(g)
		code := in.mailed(someone(n))
		b.StartTimer()
		if err := in.enter(code, false); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "codes/s")
}
