// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// last is the last decision.
func (d *diary) last() challenge.Event {
	list := d.of(challenge.Decided)
	return list[len(list)-1]
}

// What a decision went by is told whatever the gate makes of it: by that, it can be
// judged again under another policy.
func TestLOG01ADecisionTellsAllReasonsThatHold(t *testing.T) {
	lenient := func(p *challenge.Policy) {
		p.Limits, p.Risk.Ask = roomy, risk.SetOf(challenge.NewBrowser)
	}
	w := newWorld(t)
	g := placedGate(w, lenient)
	want := func(when string, decision challenge.Decision, held ...challenge.Reason) challenge.DecisionFacts {
		t.Helper()
		e := w.diary.last()
		if diff := cmp.Diff(risk.SetOf(held...).Reasons(), e.Held.Reasons()); diff != "" || e.Decision != decision {
			t.Errorf("%s: decision %v, held -want +got:\n%s", when, e.Decision, diff)
		}
		return e.Facts
	}
	facts := func(when string, got, want challenge.DecisionFacts) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: facts, -want +got:\n%s", when, diff)
		}
	}
	b := w.linked(g).at(lisbon)
	b.open()
	facts("a stranger", want("a stranger", challenge.Check, challenge.NewPlace, challenge.NewBrowser, challenge.NewNetwork, challenge.Always), challenge.DecisionFacts{})
	b.signIn(ana, true)
	facts("the first code", want("the first code", challenge.Pass, challenge.NewPlace, challenge.NewBrowser, challenge.NewNetwork, challenge.Always),
		challenge.DecisionFacts{Domain: "example.com"})
	w.clock.advance(15 * day)
	b.session, b.ip = "", lisbon
	b.open()
	facts("a renewal at home", want("a renewal at home", challenge.Pass, challenge.Always), challenge.DecisionFacts{Domain: "example.com", Since: 15 * day})
	w.clock.advance(2 * time.Hour)
	b.session, b.ip = "", tokyo
	b.open()
	away := want("a renewal in Tokyo", challenge.Pass, challenge.Travel, challenge.NewPlace, challenge.NewNetwork, challenge.Always)
	if away.Distance < 10_500 || away.Distance > 11_500 || away.Since != 15*day+2*time.Hour || away.Speed != int(float64(away.Distance)/away.Since.Hours()+0.5) {
		t.Errorf("a renewal in Tokyo: %+v", away)
	}
	b.at(lisbon).page = risk.Page{MaxAge: time.Minute}
	b.open()
	want("a sensitive page", challenge.Check, challenge.Sensitive)
}

// In a session each request is judged, and only what is told costs anything.
func TestLOG01AReasonThatOnlyAnotherPolicyAsksForIsToldInASession(t *testing.T) {
	w := newWorld(t)
	b := w.linked(placedGate(w, func(p *challenge.Policy) {
		p.Limits, p.Risk.Bind, p.Risk.Observe = roomy, risk.BindPlace, risk.SetOf(challenge.NewPlace, challenge.Travel)
	})).at(lisbon).signIn(ana, true)
	w.clock.advance(15 * day)
	b.at(tokyo).wantPass("observed")
	e := w.diary.last()
	if want := risk.SetOf(challenge.NewPlace, challenge.NewNetwork); e.Held != want || e.Observed.Has(challenge.NewNetwork) {
		t.Errorf("held %q, observed %q, want %q", e.Held.Reasons(), e.Observed.Reasons(), want.Reasons())
	}
	if f := e.Facts; f.Since != 15*day || f.Distance < 10_500 || f.Speed != int(float64(f.Distance)/f.Since.Hours()+0.5) || f.Domain != "example.com" {
		t.Errorf("facts %+v", f)
	}
}

// An earlier step's word that lets somebody in by itself costs no look at the store.
func TestLOG01WhatIsNotLookedUpIsNotTold(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	b := w.linked(placedGate(w, never)).at(lisbon)
	b.earlier = basic("ana", ana)
	store.take()
	b.wantPass("named")
	if calls := store.take(); slices.ContainsFunc(calls, func(s string) bool { return strings.HasSuffix(s, "person") }) {
		t.Errorf("calls %q", calls)
	}
	if e := w.diary.last(); e.Held.Has(challenge.NewPlace) || !e.Held.Has(challenge.NewBrowser) || e.Facts.Domain != "example.com" {
		t.Errorf("held %q, facts %+v", e.Held.Reasons(), e.Facts)
	}
}

func TestEachKindOfWrongCodeHasItsEvent(t *testing.T) {
	w := newWorld(t)
	b := w.linked(w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}}))
	first := b.mailed(ana)
	w.clock.advance(6 * time.Minute)
	if _, err := b.resend(); err != nil {
		t.Fatal(err)
	}
	code := b.lastCode()
	want := func(when, typed string, name challenge.EventName) {
		t.Helper()
		w.diary.decisions() // forget
		_ = b.enter(typed, false)
		var got []challenge.EventName
		w.diary.mu.Lock()
		for _, e := range w.diary.events {
			got = append(got, e.Name)
		}
		w.diary.mu.Unlock()
		if len(got) != 1 || got[0] != name {
			t.Errorf("%s: events %q, want %q", when, got, name)
		}
	}
	want("the code of the mail before", first, challenge.OldCode)
	want("a wrong one", wrong(code, 0), challenge.WrongCode)
	want("the same once more", wrong(code, 0), challenge.RepeatedCode)
	want("too short", "12", challenge.MalformedCode)
	want("the letters of the mail", w.mailbox.last().Ref, challenge.MalformedCode)
	for n := range 3 {
		want("other wrong ones", wrong(code, n+1), challenge.WrongCode)
	}
	want("the last try", wrong(code, 5), challenge.WrongCode)
	want("one that is cancelled", code, challenge.ExpiredCode)
	b.flow = nil
	code = b.mailed(bob)
	w.clock.advance(11 * time.Minute)
	want("one whose time is over", code, challenge.ExpiredCode)
	other := w.linked(b.gate)
	other.mailed(ana)
	b.flow = other.turn(challenge.ByBackup).flow
	want("what is no backup code", "1", challenge.MalformedCode)
	want("a wrong backup code", noCode, challenge.WrongCode)
}
