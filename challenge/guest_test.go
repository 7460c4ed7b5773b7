// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

func never(p *challenge.Policy) { p.Never, p.Risk.Ask = true, 0 }

func placesOnly(p *challenge.Policy) { p.Risk.Ask = risk.SetOf(challenge.NewPlace) }

// guest is somebody whom an earlier step names, in a new browser.
func (w *world) guest(g *challenge.Gate) *browser {
	b := w.linked(g).at(lisbon)
	b.earlier = basic("ana", ana)
	return b
}

func TestAGateThatAsksNobodyAdmitsWhomAnEarlierStepNames(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	prepared := 0
	g := w.gate(challenge.GateOptions{Policy: placed(never), Locator: world1, Prepare: func(challenge.Identity) any {
		prepared++
		return prepared
	}})
	store.take()
	before := len(dump(t, w))
	b := w.guest(g)
	v := b.wantPass("at home")
	if v.Identity.Email != ana || v.Identity.User != "ana" || v.SetSession != "" || v.SetDevice != "" {
		t.Errorf("verdict %+v, want ana without cookies", v)
	}
	for range 10 {
		if again := w.guest(g).at(tokyo).wantPass("anywhere"); again.Admission != v.Admission {
			t.Error("another request has another admission")
		}
	}
	if prepared != 1 {
		t.Errorf("headers were made %d times, want once", prepared)
	}
	if calls := slices.DeleteFunc(store.take(), func(c string) bool { return strings.HasSuffix(c, "keys") }); len(calls) != 0 || len(dump(t, w)) != before {
		t.Errorf("store calls %q, want none", calls)
	}
	other := w.guest(g)
	other.earlier = basic("bob", bob)
	if got := other.wantPass("somebody else").Identity.Email; got != bob {
		t.Errorf("identity %s, want bob", got)
	}
	unlisted := w.guest(g)
	unlisted.earlier = basic("eve", nobody)
	if v := unlisted.open(); v.Decision != challenge.Deny {
		t.Errorf("off the list: decision %v, want Deny", v.Decision)
	}
	stranger := w.browser(g)
	stranger.wantCheck("nobody named", challenge.NewBrowser)
}

// A sensitive page asks everybody, and there is no session to confirm: the code
// makes one.
func TestAGateThatAsksNobodyStillGuardsSensitivePages(t *testing.T) {
	w := newWorld(t)
	b := w.guest(placedGate(w, never))
	b.wantPass("an ordinary page")
	b.page = risk.Page{MaxAge: 5 * time.Minute}
	b.wantCheck("a sensitive page", challenge.Sensitive)
	if v := b.open(); v.Admission != nil || v.Identity.Email != ana {
		t.Errorf("verdict %+v, want ana without a session", v)
	}
	if e := w.diary.last(); !e.Held.Has(challenge.Sensitive) {
		t.Errorf("LOG-01: held %q, want that the page is sensitive", e.Held.Reasons())
	}
	b.signIn(ana, false)
	b.wantPass("after the code")
	w.clock.advance(5 * time.Minute)
	b.wantCheck("five minutes later", challenge.Sensitive)
	b.page = risk.Page{}
	b.wantPass("an ordinary page afterwards")
}

func TestAGateThatAsksForPlacesAloneAdmitsNewBrowsersAtKnownOnes(t *testing.T) {
	w := newWorld(t)
	g := placedGate(w, placesOnly)
	b := w.guest(g)
	b.wantCheck("who was never here", challenge.NewPlace)
	b.signIn(ana, false)
	w.clock.advance(40 * day)
	w.guest(g).wantPass("a new browser at home")
	w.clock.advance(time.Minute)
	if v := w.guest(g).at(tokyo).open(); v.Decision != challenge.Check || v.Reason != challenge.NewPlace || v.Admission != nil {
		t.Errorf("a new browser in Japan: %+v, want new_place and no session", v)
	}
	w.guest(g).wantPass("at home meanwhile")
	abroad := w.guest(g).at(tokyo)
	abroad.signIn(ana, false)
	abroad.wantPass("after the code")
	w.clock.advance(time.Minute)
	w.guest(g).at(tokyo).wantPass("a new browser in Japan after the code")
}

// Where the operator remembers no browser, a gate that asks for something else
// than new browsers does not ask all the same.
func TestRememberingNobodyAsksOnlyWhereNewBrowsersAsk(t *testing.T) {
	for name, change := range map[string]func(*challenge.Policy){"asks nobody": never, "asks for places": placesOnly} {
		w := newWorld(t)
		w.guest(placedGate(w, nil)).signIn(ana, false)
		b := w.guest(placedGate(w, func(p *challenge.Policy) {
			change(p)
			p.Devices.Choice = challenge.ChoiceNever
		}))
		if v := b.open(); v.Decision != challenge.Pass {
			t.Errorf("%s: decision %v (%s), want Pass", name, v.Decision, v.Reason)
		}
	}
}

func TestAGateThatAsksNobodyFollowsItsListAtOnce(t *testing.T) {
	w := newWorld(t)
	b := w.guest(placedGate(w, never))
	b.wantPass("on the list")
	b.gate.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(bob)}}))
	if v := b.open(); v.Decision != challenge.Deny {
		t.Errorf("off the list: decision %v, want Deny", v.Decision)
	}
	b.gate.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(ana)}}))
	b.wantPass("back on the list")
}
