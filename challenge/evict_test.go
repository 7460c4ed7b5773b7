// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

// evict ends what an operator says.
func (w *world) evict(o challenge.Eviction) challenge.Evicted {
	w.t.Helper()
	out, err := w.house.Evict(w.t.Context(), o)
	if err != nil {
		w.t.Fatalf("Evict(%+v) = %v", o, err)
	}
	return out
}

// wantOut wants a browser to be told that an operator signed it out.
func (b *browser) wantEvicted(when string) {
	b.w.t.Helper()
	if v := b.open(); v.Decision != challenge.Check || v.Reason != challenge.Operator || !v.ByOperator {
		b.w.t.Errorf("%s: decision %v (%s), by the operator: %t, want Check (operator)", when, v.Decision, v.Reason, v.ByOperator)
	}
}

func (b *browser) wantIn(when string) {
	b.w.t.Helper()
	if v := b.open(); v.Decision != challenge.Pass || v.ByOperator {
		b.w.t.Errorf("%s: decision %v (%s), by the operator: %t, want Pass", when, v.Decision, v.Reason, v.ByOperator)
	}
}

// atHouse is the same browser at another machine.
func (b *browser) atHouse(h *challenge.House) *browser {
	there := *b
	there.gate = b.w.gateOf(h, challenge.GateOptions{Policy: b.gate.Policy()})
	return &there
}

func TestSES03AnOperatorSignsOnePersonOutOnEveryMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
		kept, once, other := w.browser(g).signIn(ana, true), w.browser(g).signIn(ana, false), w.browser(g).signIn(bob, true)
		there := kept.atHouse(w.machine())
		open, openThere := kept.connect(), there.connect()
		if got := w.evict(challenge.Eviction{Address: ana}); got != (challenge.Evicted{People: 1, Sessions: 2, Browsers: 1}) {
			t.Errorf("Evict = %+v", got)
		}
		open.want("here, at once", false)
		poll()
		openThere.want("on another machine", false)
		for when, b := range map[string]*browser{"a remembered browser": kept, "one that is not": once, "on another machine": there, "on one that starts": once.atHouse(w.machine())} {
			b.wantEvicted(when)
		}
		fresh := *kept
		fresh.session = ""
		fresh.wantEvicted("a remembered browser without a session")
		other.wantIn("somebody else")
		kept.flow = nil
		kept.signIn(ana, true)
		kept.wantIn("after a code")
		kept.session = ""
		kept.wantIn("the browser, remembered again")
		kept.wantActivity("what the person is told", challenge.ActivityQuery{Rows: 4}, "renewed", "entered", "code_sent x2", "ended_by_operator")
		if n := w.diary.count(challenge.Revoked); n != 0 {
			t.Errorf("%d events at the gate, want them of the house", n)
		}
	})
}

func TestSES03AnOperatorEndsOneSessionOrOneBrowser(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
	kept, once, stays := w.browser(g).signIn(ana, true), w.browser(g).signIn(ana, false), w.browser(g).signIn(ana, true)
	id := func(b *browser) string { return b.wantPass("signed in").Admission.Live.ID.Public() }
	browserOf := func(b *browser) string {
		list, err := w.house.SessionsOf(t.Context(), ana)
		if err != nil {
			t.Fatal(err)
		}
		return list[slices.IndexFunc(list, func(s challenge.SessionState) bool { return s.ID == id(b) })].Browser
	}
	if got := w.evict(challenge.Eviction{Address: ana, Session: id(kept)}); got != (challenge.Evicted{People: 1, Sessions: 1, Browsers: 1}) {
		t.Errorf("one session: %+v", got)
	}
	kept.wantEvicted("its browser") // ruling 22
	if got := w.evict(challenge.Eviction{Address: ana, Browser: browserOf(once)}); got != (challenge.Evicted{People: 1, Sessions: 1}) {
		t.Errorf("one browser that is not remembered: %+v", got)
	}
	once.wantEvicted("a browser")
	name := browserOf(stays)
	for what, o := range map[string]challenge.Eviction{
		"a session that is not there":      {Address: ana, Session: "nothing"},
		"a browser that is not there":      {Address: ana, Browser: "nothing"},
		"somebody else's browser":          {Address: bob, Browser: name},
		"somebody who never entered":       {Address: nobody},
		"a session that was ended already": {Address: ana, Session: "ended"},
	} {
		if _, err := w.house.Evict(t.Context(), o); !errors.Is(err, challenge.ErrNoSuch) {
			t.Errorf("%s: %v, want ErrNoSuch", what, err)
		}
	}
	stays.wantIn("a browser that nobody named")
	if got := w.evict(challenge.Eviction{Address: ana, Browser: name}); got != (challenge.Evicted{People: 1, Sessions: 1, Browsers: 1}) {
		t.Errorf("one remembered browser: %+v", got)
	}
	stays.wantEvicted("a remembered browser")
	if got := w.evict(challenge.Eviction{Address: ana}); got != (challenge.Evicted{People: 1}) {
		t.Errorf("once more: %+v, want nothing ended", got)
	}
}

// Whoever an operator throws out must not get a way in a day later.
func TestSES03WhatWaitsOfWhomAnOperatorThrowsOutIsForgotten(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.settled(g, ana)
	young := w.linked(g).signIn(ana, true)
	if _, due, err := young.tryCodes(); err != nil || due.IsZero() {
		t.Fatalf("MakeBackupCodes = %v, due %v, want it to wait", err, due)
	}
	w.evict(challenge.Eviction{Address: ana, Session: young.wantPass("signed in").Admission.Live.ID.Public()})
	if waits := account(owner.account()).waiting(); len(waits) != 0 {
		t.Errorf("%q waits still", waits)
	}
}

// everybody is some people, each in a browser that is remembered and in one that is not.
func everybody(w *world, g *challenge.Gate, n int) (kept, once []*browser) {
	for i := range n {
		kept, once = append(kept, w.browser(g).signIn(someone(i), true)), append(once, w.browser(g).signIn(someone(i), false))
	}
	return kept, once
}

func TestSES03AnOperatorSignsEverybodyOutByOneRecord(t *testing.T) {
	for _, forget := range []bool{false, true} {
		t.Run(fmt.Sprint("browsers too: ", forget), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClock()
				store := newProbe(c)
				w := newWorldOn(t, c, store)
				kept, once := everybody(w, w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}}), 3)
				there := w.machine()
				open, openThere := once[0].connect(), once[1].atHouse(there).connect()
				store.take()
				want := challenge.Evicted{People: 3, Sessions: 6}
				if forget {
					want.Browsers = 3
				}
				if got := w.evict(challenge.Eviction{Forget: forget}); got != want {
					t.Errorf("Evict = %+v, want %+v", got, want)
				}
				if calls := store.take(); slices.ContainsFunc(calls, func(s string) bool { return strings.HasPrefix(s, "update") }) {
					t.Errorf("calls %q, want no update but of the ended sessions", calls)
				}
				open.want("here, at once", false)
				poll()
				openThere.want("on another machine", false)
				for _, h := range []*challenge.House{w.house, there, w.machine()} {
					for i := range kept {
						once[i].atHouse(h).wantEvicted("a browser that is not remembered")
						if forget {
							kept[i].atHouse(h).wantEvicted("a remembered browser")
						}
					}
				}
				if !forget {
					kept[0].wantIn("a remembered browser")
				}
				kept[0].flow, once[0].flow = nil, nil
				once[0].signIn(someone(0), false)
				kept[0].signIn(someone(0), true)
				for _, h := range []*challenge.House{w.house, there} {
					once[0].atHouse(h).wantIn("after a code")
					kept[0].atHouse(h).wantIn("after a code")
				}
				rows := kept[0].activity(challenge.ActivityQuery{}).Rows
				if n := strings.Count(strings.Join(told(rows), " "), string(challenge.ActivityEndedByOperator)); n != 1 {
					t.Errorf("the person is told %q, want once that an operator did it", told(rows))
				}
			})
		})
	}
}

// What lets nobody in must not, although the store is away or comes back without it.
func TestRuling24AnEvictionOfEverybodyOutlivesFailures(t *testing.T) {
	t.Run("a store that is away", func(t *testing.T) {
		c := newClock()
		store := newProbe(c)
		w := newWorldOn(t, c, store)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
		w.evict(challenge.Eviction{})
		store.down.Store(true)
		if v := b.open(); v.Decision == challenge.Pass {
			t.Error("admitted")
		}
	})
	t.Run("a store that comes back without it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, s := newFailing(t)
			b := w.browser(w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})).signIn(ana, true)
			revert := s.snapshot()
			w.evict(challenge.Eviction{Forget: true})
			revert()
			poll()
			poll()
			b.wantEvicted("here")
			b.atHouse(w.machine()).wantEvicted("at a machine that starts")
		})
	})
	t.Run("a version before that writes the record of the ended", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
			w.evict(challenge.Eviction{})
			err := w.store.Update(t.Context(), "ended", func([]byte, time.Time) ([]byte, time.Duration, error) {
				return []byte(`{"last":1,"ring":[]}`), 0, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			poll()
			poll()
			b.atHouse(w.machine()).wantEvicted("at a machine that starts")
		})
	})
	t.Run("one more", func(t *testing.T) {
		w := newWorld(t)
		b := w.browser(w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})).signIn(ana, false)
		for range 3 { // within a second
			w.evict(challenge.Eviction{})
			b.wantEvicted("each time")
			b.flow = nil
			b.signIn(ana, false).wantIn("each time, after a code")
		}
	})
}

func TestRuling35AnEvictionOfEverybodyIsObeyedAtBothStores(t *testing.T) {
	for name, at := range map[string]func(from, to *world) *world{
		"of the source":      func(from, _ *world) *world { return from },
		"of the destination": func(_, to *world) *world { return to },
	} {
		t.Run(name, func(t *testing.T) {
			from := newWorld(t)
			out := from.browser(roomyGate(from)).signIn(ana, true)
			to := from.apart()
			from.moveTo(to)
			from.clock.advance(time.Minute)
			at(from, to).evict(challenge.Eviction{Forget: true})
			from.clock.advance(time.Minute)
			in := from.browser(roomyGate(from)).signIn(bob, true)
			from.moveTo(to)
			out.in(to).wantEvicted("who was there")
			in.in(to).wantIn("who came since")
		})
	}
}

func TestEverybodyIsCountedAsFarAsTheStoreLists(t *testing.T) {
	c := newClock()
	w := newWorldOn(t, c, struct{ challenge.Store }{memstore.New(memstore.Options{Now: c.now})})
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	if diff := cmp.Diff(challenge.Evicted{}, w.evict(challenge.Eviction{})); diff != "" {
		t.Error(diff)
	}
	b.wantEvicted("all the same")
}

// The list of ends is short. Why a browser needs a code is said by its record.
func TestSES03TheReasonOutlivesTheListOfEnds(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})).signIn(ana, true)
	w.evict(challenge.Eviction{Address: ana})
	pushOut(w)
	there := b.atHouse(w.machine())
	there.wantEvicted("with its old session")
	there.session = ""
	there.wantEvicted("without one")
}
