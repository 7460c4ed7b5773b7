// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// The commonest request of all must not make garbage (ruling 28), with all that
// there is switched on.
func TestRuling28ACachedSessionAllocatesNothing(t *testing.T) {
	w := newWorld(t)
	for name, earlier := range map[string]*challenge.Identity{"a typed address": nil, "an earlier step": basic("ana", ana)} {
		b := w.linked(everything(w)).at(lisbon)
		b.earlier, b.page = earlier, risk.Page{MaxAge: time.Hour, Extends: true}
		b.signIn(ana, true)
		b.wantPass("first")
		if earlier == nil {
			b.binds()
		}
		v := b.visit()
		if n := testing.AllocsPerRun(1000, func() { b.gate.Admit(context.Background(), v) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}

// everything is a gate with every rule that judges a session.
func everything(w *world) *challenge.Gate {
	return placedGate(w, func(p *challenge.Policy) {
		p.Session.Idle, p.Risk.Bind = time.Hour, risk.BindNetwork
		p.Risk.Ask |= risk.SetOf(challenge.NewNetwork)
		p.Countries.Deny = []string{"XX"}
	})
}

func BenchmarkAdmit(b *testing.B) {
	w := newWorld(b)
	w.diary.shut = true
	g := everything(w)
	in := w.linked(g).at(lisbon).signIn(ana, false)
	in.page = risk.Page{MaxAge: time.Hour, Extends: true}
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
	b.Run("session=cached/addresses=2", func(b *testing.B) {
		visits := [2]*challenge.Visit{in.visit(), in.visit()}
		visits[1].IP = lisbon6
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			if g.Admit(b.Context(), visits[n%2]).Decision != challenge.Pass {
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
	b.Run("session=uncached", func(b *testing.B) { uncached(b, w) })
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

// uncached measures sessions on a machine that has seen none of them.
func uncached(b *testing.B, w *world) {
	g := everything(w)
	var visits []*challenge.Visit
	for n := range 100 {
		visits = append(visits, w.browser(g).signIn(someone(n), false).visit())
		w.clock.advance(time.Minute)
	}
	var house *challenge.House
	var fresh *challenge.Gate
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%len(visits) == 0 {
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
}

func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	w.diary.shut = true
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

// BenchmarkPerson tells how large records are: of a person who has signed in once and
// is remembered, and what each further session adds.
func BenchmarkPerson(b *testing.B) {
	for b.Loop() {
		w := newWorld(b)
		g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
		w.browser(g).signIn(ana, true)
		one := sizeOfPerson(b, w)
		const more = 10
		for range more {
			w.browser(g).signIn(ana, false)
		}
		b.ReportMetric(float64(one), "B/person")
		b.ReportMetric(float64(sizeOfPerson(b, w)-one)/more, "B/session")
	}
}

func sizeOfPerson(b *testing.B, w *world) (size int) {
	b.Helper()
	for key, raw := range dump(b, w) {
		if strings.HasPrefix(key, "person/") {
			size = len(raw)
		}
	}
	return size
}
