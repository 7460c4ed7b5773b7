// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A machine that was told of a key may meet another cookie of the session for the first
// time while the store is away.
func TestBND02AnOutageForgetsNoKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		store := newProbe(c)
		w := newWorldOn(t, c, store)
		w.house = sharedMachine(w)
		there := sharedMachine(w)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(bob, true)
		b.confirm = b.wantPass("in").Admission.Live
		if err := b.enter(b.mailed(bob), false); err != nil { // its next cookie, which the other machine has not seen
			t.Fatal(err)
		}
		b.confirm = nil
		m := b.binds()
		poll()
		w.clock.advance(lapsed)
		thief := m.jar()
		thief.gate, thief.device = w.gateOf(there, challenge.GateOptions{}), ""
		store.down.Store(true)
		if v := thief.open(); v.Decision == challenge.Pass {
			t.Error("a copy is in, where its key is known")
		}
	})
}

// Whoever brings a copy is not let in, and must not keep its owner out instead.
func TestBND02ACopyForgetsNoBrowser(t *testing.T) {
	for name, age := range map[string]int{"of a moment ago": 0, "of five days ago": 5} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			m := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true).binds()
			thief := m.jar()
			w.clock.advance(lapsed)
			for range age {
				w.clock.advance(24 * time.Hour)
				if err := m.refresh(); err != nil {
					t.Fatal(err)
				}
				m.wantPass("renewed")
			}
			thief.session = ""
			thief.wantCheck("the copy", challenge.Unproved)
			device, err := thief.gate.Unremember(t.Context(), thief.visit(), true)
			if err != nil || device != "" {
				t.Errorf("Unremember leaves the copy %q, %v", device, err)
			}
			w.clock.advance(time.Second)
			if err := m.refresh(); err != nil {
				t.Fatalf("the owner: Prove = %v", err)
			}
			m.wantPass("the owner")
			if _, err := m.gate.Unremember(t.Context(), m.visit(), true); err != nil {
				t.Fatal(err)
			}
			m.session = ""
			m.wantCheck("once the owner has it forgotten", challenge.Expired)
		})
	}
}

func TestBND02ACopyEndsNoSessionByAnEntryOfItsOwn(t *testing.T) {
	both(t, func(t *testing.T, w *world, m *machine) {
		thief := m.jar()
		w.clock.advance(lapsed)
		thief.wantCheck("the copy", challenge.Unproved)
		thief.device = ""
		thief.signIn(bob, false) // and brings the cookie of ana's session
		if err := m.refresh(); err != nil {
			t.Fatalf("the owner: Prove = %v", err)
		}
		m.wantPass("the owner")
	})
}

// A cookie is cut out of the line that all cookies came in, which must not stay in memory
// with it.
func TestBND03WhatIsNoPassIsNotKept(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
	const sessions, line = 8, 1 << 20
	var all []*browser
	for range sessions {
		all = append(all, w.browser(g).signIn("ana@example.com", false))
		w.clock.advance(time.Minute)
	}
	for _, length := range []int{100, 1000} {
		before := heap()
		for _, b := range all {
			b.pass = strings.Repeat("a", line)[100 : 100+length]
			b.wantPass("with something that is no pass")
			b.pass = ""
		}
		if grown := heap() - before; grown > sessions*line/2 {
			t.Errorf("%d sessions that were sent %d characters keep %d KiB", sessions, length, grown>>10)
		}
	}
	runtime.KeepAlive(all)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
