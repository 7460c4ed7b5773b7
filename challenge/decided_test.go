// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// decisions are the decisions since the last time.
func (d *diary) decisions() (list []challenge.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.events {
		if e.Name == challenge.Decided {
			list = append(list, e)
		}
	}
	d.events = nil
	return list
}

// A decision is what is compared of one.
type decision struct {
	Decision challenge.Decision
	Reason   challenge.Reason
	Factor   challenge.Factor
	Country  string
}

func (w *world) wantDecisions(when string, list ...decision) {
	w.t.Helper()
	var got []decision
	for _, e := range w.diary.decisions() {
		got = append(got, decision{e.Decision, e.Reason, e.Factor, e.Place.Country})
	}
	if !slices.Equal(got, list) {
		w.t.Errorf("%s: %v, want %v", when, got, list)
	}
}

// LOG-01: one event for each decision, with its reason and what it went by; and
// not one for each request of a session.
func TestLOG01EachDecisionIsLoggedOnce(t *testing.T) {
	w := newWorld(t)
	want := w.wantDecisions
	b := w.linked(placedGate(w, nil)).at(lisbon)
	b.open()
	want("a stranger", decision{challenge.Check, challenge.NewBrowser, "", "PT"})
	b.signIn(ana, true)
	want("a right code", decision{challenge.Pass, "", "code", "PT"})
	for range 20 {
		b.open()
	}
	want("a session in use")
	w.clock.advance(20 * day)
	for range 20 {
		b.at(setubal).open()
	}
	want("a session in the usual area")
	for range 20 {
		b.at(tokyo).open()
	}
	want("a session in an unusual place", decision{challenge.Check, challenge.NewPlace, "session", "JP"})
	b.at(lisbon).open()
	want("back home")
	b.session = ""
	b.at(lisbon).open()
	want("a renewal", decision{challenge.Pass, "", "browser", "PT"})
	b.page = risk.Page{MaxAge: time.Minute}
	b.open()
	want("a sensitive page", decision{challenge.Check, challenge.Sensitive, "session", "PT"})
	b.page = risk.Page{}
	b.gate.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(bob)}}))
	for range 20 {
		b.open()
	}
	want("off the list", decision{challenge.Deny, "", "session", "PT"})
}

func TestLOG01SomebodyWithoutASessionIsLoggedOnce(t *testing.T) {
	w := newWorld(t)
	guest := w.linked(placedGate(w, never)).at(lisbon)
	guest.earlier = basic("bob", bob)
	for range 20 {
		guest.open()
	}
	w.wantDecisions("whom an earlier step names", decision{challenge.Pass, "", "earlier_step", "PT"})
	guest.page = risk.Page{MaxAge: time.Minute}
	guest.open()
	w.wantDecisions("who asks for a sensitive page", decision{challenge.Check, challenge.Sensitive, "", "PT"})
}

func TestLOG01WhatADecisionTells(t *testing.T) {
	w := newWorld(t)
	b := w.linked(placedGate(w, nil)).at(lisbon).signIn(ana, true)
	e := w.diary.decisions()[0]
	if e.Address != ana || e.Gate != "gate" || e.IP != lisbon || e.Place.ASN != 3243 || e.Session == "" {
		t.Errorf("%+v, want who, where and which session", e)
	}
	if e.Account == "" || e.Device == "" || e.Account == e.Device {
		t.Errorf("account %q, device %q", e.Account, e.Device)
	}
	if live := b.wantPass("").Admission.Live; e.Session == live.Key() || e.Device == live.Browser {
		t.Error("the log holds a name that the store goes by")
	}
	again := w.linked(b.gate).at(netip.MustParseAddr("192.88.1.1")).signIn(ana, false)
	if other := w.diary.decisions()[0]; other.Account != e.Account || other.Device != "" || other.Place.Country != "" {
		t.Errorf("another browser: account %q, device %q, place %+v", other.Account, other.Device, other.Place)
	}
	again.gate = w.gate(challenge.GateOptions{Policy: placed(func(p *challenge.Policy) { p.Risk.Observe = risk.SetOf(challenge.NewPlace, challenge.Travel) }), Locator: world1})
	again.at(tokyo).open()
	if list := w.diary.decisions(); len(list) != 1 || list[0].Decision != challenge.Pass || !list[0].Observed.Has(challenge.NewPlace) {
		t.Errorf("observed: %+v, want one decision that names new_place", list)
	}
}

// Whoever signed in at a gate is told of once more where it would keep them out for a
// reason of its own, which no rule of places has.
func TestObserveAllTellsWhomTheGateWouldKeepOut(t *testing.T) {
	w := newWorld(t)
	for id, tt := range map[string]struct {
		policy challenge.Policy
		want   challenge.Reason
	}{
		"passkeys alone": {challenge.Policy{Accept: challenge.AcceptPasskey, Ways: challenge.WaysPolicy{Passkeys: true}}, challenge.NeedsPasskey},
		"keys alone":     {challenge.Policy{Session: challenge.SessionPolicy{DeviceBound: challenge.BoundRequired}}, challenge.Keyless},
	} {
		tt.policy.Limits, tt.policy.Risk = roomy, risk.Policy{ObserveAll: true}
		b := w.linked(w.gate(challenge.GateOptions{ID: id, Policy: tt.policy})).at(lisbon).signIn(ana, true)
		w.clock.advance(2 * time.Minute)
		w.diary.decisions()
		for range 5 {
			b.wantPass(id)
		}
		w.wantDecisions(id, decision{challenge.Pass, tt.want, challenge.FactorSession, ""})
	}
}

// An unheard recorder writes decisions nowhere.
type unheard struct{ events []challenge.Event }

func (u *unheard) Record(_ context.Context, e challenge.Event) { u.events = append(u.events, e) }

func (u *unheard) WantsGrounds(*challenge.Event) bool { return false }

// DOS-01: what a stranger's request went by is not looked for where no log has it. That
// there was a decision is told all the same, since it is counted.
func TestDOS01NobodyIsLocatedForALogThatIsOff(t *testing.T) {
	w := newWorld(t)
	places, heard := new(countingAtlas), new(unheard)
	g, err := w.house.NewGate(t.Context(), challenge.GateOptions{ID: "quiet", Access: access(t, challenge.AccessOptions{Allow: []string{"*"}}), Locator: places, Recorder: heard})
	if err != nil {
		t.Fatal(err)
	}
	b := w.browser(g)
	if d := b.gate.Admit(t.Context(), b.visit()); d.Decision != challenge.Check {
		t.Fatalf("decision %v, want a check", d.Decision)
	}
	if len(heard.events) != 1 || heard.events[0].Name != challenge.Decided || heard.events[0].Held != 0 {
		t.Errorf("events %v, want that it was decided", heard.events)
	}
	if asked := places.asked.Load(); asked != 0 {
		t.Errorf("a place was looked up %d times", asked)
	}
}
