// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

// OTC-03, F-05: the store's clock measures how long a code works, whatever the machines
// believe that were asked for it and at which it is entered.
func TestOTC03F05TheStoresClockMeasuresCodes(t *testing.T) {
	for _, off := range []time.Duration{0, -90 * time.Second, 90 * time.Second} {
		for _, tt := range []struct {
			name string
			wait time.Duration
			want error
		}{
			{"a second before its end", 10*time.Minute - time.Second, nil},
			{"at its end", 10 * time.Minute, challenge.ErrCodeExpired},
			{"a nanosecond after it", 10*time.Minute + 1, challenge.ErrCodeExpired},
		} {
			t.Run(off.String()+", "+tt.name, func(t *testing.T) {
				right := newClock()
				store := memstore.New(memstore.Options{Now: right.now})
				here, wrong := newWorldOn(t, right, store), newClock()
				wrong.advance(off)
				there := newWorldOn(t, wrong, store)
				b := here.browser(here.gate(challenge.GateOptions{}))
				code := b.mailed(ana)
				right.advance(tt.wait)
				wrong.advance(tt.wait)
				b.w, b.gate = there, there.gate(challenge.GateOptions{})
				if err := b.enter(code, false); !errors.Is(err, tt.want) {
					t.Errorf("Verify = %v, want %v", err, tt.want)
				}
			})
		}
	}
}

// F-05: a clock that is set back by an hour, or forward and back again, brings
// nothing back that was used, ended or counted.
func TestF05AClockThatJumpsRevivesNothing(t *testing.T) {
	for _, tt := range []struct {
		name  string
		jumps []time.Duration
	}{
		{"an hour back", []time.Duration{-time.Hour}},
		{"an hour forward and back again", []time.Duration{time.Hour, -time.Hour}},
		{"two hours back, one at a time", []time.Duration{-time.Hour, -time.Hour}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			g := w.gate(challenge.GateOptions{Policy: triesOnly})
			used := w.browser(g)
			code := used.mailed(ana)
			again := *used
			if err := used.enter(code, false); err != nil {
				t.Fatal(err)
			}
			left := w.browser(g).signIn(bob, true)
			v := left.wantPass("before signing out")
			if _, err := g.SignOut(t.Context(), left.visit(), v.Admission, false); err != nil {
				t.Fatal(err)
			}
			if _, err := guess(w, g, bob, 1000); limitOf(err) != challenge.LimitTryAddress {
				t.Fatalf("guessing = %v, want a lock", err)
			}
			restarted := w.gateOf(w.machine(), challenge.GateOptions{Policy: triesOnly})
			for _, jump := range tt.jumps {
				w.clock.advance(jump)
				if err := again.enter(code, false); err == nil {
					t.Fatalf("%s: a code that was used lets in once more", jump)
				}
				for _, at := range []*challenge.Gate{g, restarted} {
					left.gate = at
					if v := left.open(); v.Decision == challenge.Pass {
						t.Fatalf("%s: a session that was ended is back", jump)
					}
				}
			}
			if _, err := w.browser(restarted).ask(bob); limitOf(err) != challenge.LimitTryAddress {
				t.Errorf("Begin = %v, want the lock still", err)
			}
		})
	}
}

// F-05: where the clocks of two machines are within the minute that tokens allow
// them, a session works at both at once; a machine that is further behind asks for a
// code, which is safe, and lets the same session in as soon as its clock gets there.
func TestF05SessionsOfAMachineWhoseClockIsWrong(t *testing.T) {
	for _, tt := range []struct {
		name string
		off  time.Duration
		want challenge.Decision
	}{
		{"90 s ahead", 90 * time.Second, challenge.Pass},
		{"a minute behind", -time.Minute, challenge.Pass},
		{"90 s behind", -90 * time.Second, challenge.Check},
	} {
		t.Run(tt.name, func(t *testing.T) {
			right := newClock()
			store := memstore.New(memstore.Options{Now: right.now})
			here, wrong := newWorldOn(t, right, store), newClock()
			wrong.advance(tt.off)
			there := newWorldOn(t, wrong, store)
			b := here.browser(here.gate(challenge.GateOptions{})).signIn(ana, false)
			b.wantPass("where it was made")
			b.w, b.gate = there, there.gate(challenge.GateOptions{})
			if v := b.open(); v.Decision != tt.want {
				t.Errorf("at the other machine: %v (%s), want %v", v.Decision, v.Reason, tt.want)
			}
			wrong.advance(30 * time.Second)
			b.wantPass("half a minute later")
		})
	}
}
