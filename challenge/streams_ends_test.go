// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// When it is not known any more which sessions live, nobody is admitted, and
// nothing stays open.
func TestRuling25WhatIsOpenEndsWithTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		store := newProbe(c)
		w := newWorldOn(t, c, store)
		s := w.browser(w.gate(challenge.GateOptions{Grace: 10 * time.Minute})).signIn(ana, false).connect()
		store.down.Store(true)
		c.advance(10 * time.Minute)
		poll()
		s.want("within the grace", true)
		c.advance(3 * time.Second)
		poll()
		s.want("after the grace", false)
	})
}

// A machine that missed an end cannot know whose it was.
func TestRuling24AGapInTheEndedSessionsCutsWhatIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false).connect()
		poll()
		err := w.store.Update(t.Context(), "ended", func([]byte, time.Time) ([]byte, time.Duration, error) {
			return []byte(`{"last":1000,"ring":[]}`), 0, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		poll()
		s.want("after a gap", false)
	})
}

// A record that was tampered with may end sessions, and nothing worse.
func TestARingThatGoesInCirclesHarmsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
		key := b.wantPass("").Admission.Live.Key()
		s := b.connect()
		poll()
		err := w.store.Update(t.Context(), "ended", func([]byte, time.Time) ([]byte, time.Duration, error) {
			return []byte(`{"last":2,"ring":[{"s":"` + key + `","n":"x"},{"s":"x","n":"` + key + `"}]}`), 0, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		poll()
		s.done()
	})
}

func TestStreamsMayOpenCloseAndEndAtOnce(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
	var cuts, opened atomic.Int32
	var browsers [8]*browser
	for n := range browsers {
		browsers[n] = w.browser(g).signIn(someone(n), true)
	}
	var all sync.WaitGroup
	for _, b := range browsers {
		all.Go(func() {
			for range 20 {
				v := b.wantPass("in use")
				for i := range 4 {
					opened.Add(1)
					var once atomic.Bool
					done := g.Stream(v.Admission, func() {
						cuts.Add(1)
						if once.Swap(true) {
							t.Error("cut twice")
						}
					})
					if i == 0 {
						done()
					} else {
						defer done()
					}
				}
				b.session = ""
				b.wantPass("renewed")
			}
			b.signOut(true)
		})
	}
	all.Wait()
	if want := opened.Load() / 4 * 3; cuts.Load() != want {
		t.Errorf("%d of %d connections were cut, want the %d that were open", cuts.Load(), opened.Load(), want)
	}
}
