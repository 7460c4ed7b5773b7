// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// bothOpen is as both, in a bubble: what is open is looked at by the real clock.
func bothOpen(t *testing.T, o challenge.GateOptions, test func(t *testing.T, w *world, b *browser)) {
	for name, remember := range map[string]bool{"a remembered browser": true, "a browser that is not remembered": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				test(t, w, w.browser(w.gate(o)).signIn(ana, remember))
			})
		})
	}
}

func TestBND02ACopyThatIsNoticedLosesWhatItHasOpen(t *testing.T) {
	bothOpen(t, challenge.GateOptions{}, func(t *testing.T, w *world, b *browser) {
		m := b.binds()
		thief, other := m.jar(), w.browser(m.gate).signIn(bob, true)
		s, others := thief.connect(), other.connect() // while the pass of the jar counts
		w.clock.advance(lapsed)
		poll()
		s.want("before anybody notices", true)
		thief.wantCheck("the copy, by a request", challenge.Unproved)
		s.want("once it is noticed", false)
		others.want("of another browser", true)
		if err := m.refresh(); err != nil {
			t.Fatal(err)
		}
		m.connect().want("which the owner opens again", true)
	})
}

func TestBND02ACopyThatIsNoticedLosesWhatItHasOpenOnEachMachine(t *testing.T) {
	bothOpen(t, challenge.GateOptions{}, func(t *testing.T, w *world, _ *browser) {
		w.house = sharedMachine(w)
		there := sharedMachine(w)
		m := w.browser(w.gate(challenge.GateOptions{})).signIn(bob, true).binds()
		thief := m.jar()
		thief.gate = w.gateOf(there, challenge.GateOptions{})
		s := thief.connect()
		w.clock.advance(lapsed)
		m.jar().wantCheck("the copy, on another machine", challenge.Unproved)
		poll()
		s.want("once it is noticed there", false)
		if err := m.refresh(); err != nil {
			t.Fatal(err)
		}
		m.gate = thief.gate
		again := m.connect()
		w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true).signOut(false)
		poll()
		again.want("which the owner opens again", true)
	})
}

// Nobody is asked for a proof in what is open: its owner would lose it every ten minutes.
func TestBND02WhatWasOpenedWithAPassGoesOn(t *testing.T) {
	bothOpen(t, challenge.GateOptions{}, func(_ *testing.T, w *world, b *browser) {
		s := b.binds().connect()
		w.clock.advance(5 * time.Hour)
		poll()
		s.want("five hours later", true)
	})
}

func TestBND01WhatABrowserWithoutAKeyHasOpenEndsWithItsMinute(t *testing.T) {
	required := challenge.GateOptions{Policy: challenge.Policy{Session: challenge.SessionPolicy{DeviceBound: challenge.BoundRequired}}}
	bothOpen(t, required, func(t *testing.T, w *world, b *browser) {
		keyless := *w.browser(b.gate).signIn(bob, b.device != "")
		s, kept := keyless.connect(), b.connect()
		b.binds()
		poll()
		s.want("in the first minute", true)
		w.clock.advance(time.Minute)
		poll()
		s.want("after the minute", false)
		kept.want("of a browser that has made a key", true)
		w.clock.advance(5 * time.Hour)
		poll()
		kept.want("five hours later", true)
	})
}
