// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// Two machines whose limits differ, as while a configuration is rolled out: whom the
// smaller limit has signed out is out at both, and counts at neither.
func TestSES05WhoASmallerLimitSignedOutCountsNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		limited := func(h *challenge.House, most int) *challenge.Gate {
			return w.gateOf(h, challenge.GateOptions{Policy: challenge.Policy{Limits: roomy, Session: challenge.SessionPolicy{Max: most}}})
		}
		other := w.machine()
		large, small := limited(w.house, 3), limited(other, 1)
		enter := func(g *challenge.Gate) *browser {
			b := w.browser(g).signIn(ana, false)
			w.clock.advance(time.Second)
			b.wantIn("at once")
			return b
		}
		want := func(when string, in bool, list ...*browser) {
			t.Helper()
			poll()
			for n, b := range list {
				for machine, h := range map[string]*challenge.House{"here": w.house, "there": other, "at one that starts": w.machine()} {
					if v := b.atHouse(h).open(); (v.Decision == challenge.Pass) != in {
						t.Errorf("%s, %s, browser %d: decision %v (%s)", when, machine, n, v.Decision, v.Reason)
					}
				}
			}
		}
		before := []*browser{enter(large), enter(large), enter(large)}
		want("three where three may be", true, before...)
		since := []*browser{enter(small)}
		want("the three, once a fourth entered where one may be", false, before...)
		since = append(since, enter(large), enter(large))
		want("three again", true, since...)
		since = append(since, enter(large))
		want("the oldest of four", false, since[0])
		want("the other three", true, since[1:]...)
		if list, err := w.house.SessionsOf(t.Context(), ana); err != nil || len(list) != 3 {
			t.Errorf("%d sessions are listed, %v, want 3", len(list), err)
		}
	})
}

// A machine that has not heard of an eviction yet goes on with what it ended, for as long
// as it takes to read of it; what it writes meanwhile revives nobody.
func TestSES03AMachineThatHasNotHeardOfAnEvictionRevivesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there, _, toThere := newLines(t)
		g, far := here.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}}), there.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
		kept, once := here.browser(g).signIn(ana, true), here.browser(g).signIn(ana, false)
		toThere.deaf.Store(true)
		here.evict(challenge.Eviction{Forget: true})
		late := there.browser(far).signIn(ana, true) // writes the record
		renewed := *kept.elsewhereOf(far)
		renewed.session = ""
		renewed.wantIn("where nobody has heard of it")
		for when, b := range map[string]*browser{"remembered": kept, "not remembered": once, "renewed elsewhere": renewed.elsewhereOf(g)} {
			b.wantEvicted(when)
		}
		toThere.deaf.Store(false)
		poll()
		poll()
		for when, b := range map[string]*browser{"remembered": kept, "not remembered": once, "renewed": &renewed} {
			b.elsewhereOf(far).wantEvicted(when + ", once the other has heard of it")
		}
		late.flow, kept.flow = nil, nil
		late.signIn(ana, true).wantIn("after a code")
		kept.signIn(ana, true).wantIn("after a code")
		for _, h := range []*challenge.House{here.house, there.house} {
			if list, err := h.SessionsOf(t.Context(), ana); err != nil || len(list) != 2 {
				t.Errorf("%d sessions are listed, %v, want the two that began since", len(list), err)
			}
		}
	})
}

// A machine of the version before does not know of evictions, and drops what a record
// says of them. It signs nobody in at a machine of this version whom an operator has
// thrown out; that somebody is asked once more is the price.
func TestSES03WhatAVersionBeforeWritesRevivesNobodyWhoWasEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
		kept, once := w.browser(g).signIn(ana, true), w.browser(g).signIn(ana, false)
		_, older := w.onlyPerson()
		w.evict(challenge.Eviction{Forget: true})
		for when, write := range map[string]func(string) string{
			"as it was": func(string) string { return older },
			"as it is, without what it does not know": func(now string) string {
				return regexp.MustCompile(`,"evicted":[0-9]+`).ReplaceAllString(now, "")
			},
		} {
			w.writePerson(write)
			poll()
			for _, h := range []*challenge.House{w.house, w.machine()} {
				kept.atHouse(h).wantEvicted("remembered, " + when)
				once.atHouse(h).wantEvicted("not remembered, " + when)
			}
			back := w.browser(g).signIn(ana, false)
			back.wantIn("after a code, " + when)
			back.atHouse(w.machine()).wantIn("after a code, elsewhere, " + when)
		}
	})
}

// onlyPerson is the record of the only person that there is, and its key.
func (w *world) onlyPerson() (key, raw string) {
	w.t.Helper()
	for k, value := range dump(w.t, w) {
		if strings.HasPrefix(k, "person/") {
			key, raw = k, value
		}
	}
	return key, raw
}

// writePerson has something else write that record.
func (w *world) writePerson(edit func(now string) string) {
	w.t.Helper()
	key, raw := w.onlyPerson()
	err := w.store.Update(context.Background(), key, func([]byte, time.Time) ([]byte, time.Duration, error) { return []byte(edit(raw)), 0, nil })
	if err != nil {
		w.t.Fatal(err)
	}
}
