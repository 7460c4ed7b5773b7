// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func (w *world) people() []challenge.PersonState {
	w.t.Helper()
	all, err := w.house.People(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// personKey is the name of the only record of a person.
func (w *world) personKey() string {
	w.t.Helper()
	for key := range dump(w.t, w) {
		if strings.HasPrefix(key, "person/") {
			return key
		}
	}
	w.t.Fatal("nobody has a record")
	return ""
}

func TestPeopleAreThoseWhoHaveEntered(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
	begun := w.clock.now()
	w.browser(g).signIn(bob, true)
	w.clock.advance(time.Hour)
	w.browser(g).signIn(ana, false)
	w.browser(g).signIn(bob, false)
	w.browser(g).mailed(nobody)
	w.browser(g).mailed(someone(1))
	now := w.clock.now()
	want := []challenge.PersonState{
		{Address: ana, First: now, Last: now, Mailed: now, Sessions: 1},
		{Address: bob, First: begun, Last: now, Mailed: now, Sessions: 2, Browsers: 1},
	}
	got := w.people()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(challenge.PersonState{}, "Account"), cmpopts.EquateApproxTime(time.Second)); diff != "" {
		t.Errorf("People, -want +got:\n%s", diff)
	}
	one, err := w.house.Person(t.Context(), bob)
	if diff := cmp.Diff(got[1], one); diff != "" || err != nil {
		t.Errorf("Person, %v, -want +got:\n%s", err, diff)
	}
	if _, err := w.house.Person(t.Context(), someone(1)); !errors.Is(err, challenge.ErrNoSuch) {
		t.Errorf("somebody who was only mailed: %v, want ErrNoSuch", err)
	}
	for key, value := range dump(t, w) {
		if strings.Contains(key+value, "ana") || strings.Contains(value, "example") {
			t.Errorf("%s holds an address in clear: %s", key, value)
		}
	}
	if _, err := w.house.Forget(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	if got := w.people(); len(got) != 1 || got[0].Address != ana {
		t.Errorf("after one was forgotten: %+v", got)
	}
}

// Each right code writes it, whatever it was for, and so does a remembered browser.
func TestAddressesThatAVersionBeforeDidNotKeepComeBack(t *testing.T) {
	for name, next := range map[string]func(w *world, b *browser){
		"a code": func(_ *world, b *browser) { b.flow = nil; b.signIn(ana, true) },
		"a code that was read out": func(w *world, b *browser) {
			code, _ := w.letIn(b.gate, 0)
			b.flow = nil
			b.mailed(ana)
			if err := b.enter(code, false); err != nil {
				t.Fatal(err)
			}
		},
		"a code for a change":  func(_ *world, b *browser) { b.permit(challenge.Change{Kind: challenge.AddToken}) },
		"a remembered browser": func(_ *world, b *browser) { b.session = ""; b.wantPass("renewed") },
		"a code that confirms": func(w *world, b *browser) {
			v := b.visit()
			v.Confirm = b.admitted().Live
			sent, err := b.gate.Begin(t.Context(), v, nil, ana)
			if err == nil {
				_, err = b.gate.Verify(t.Context(), v, sent.Flow, challenge.Try{Typed: b.lastCode()})
			}
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.linked(w.waysGate()).signIn(ana, true)
			w.forgetWho(w.personKey())
			if all := w.people(); len(all) != 1 || all[0].Address != "" || all[0].Account == "" {
				t.Fatalf("of a version before: %+v", all)
			}
			if one, err := w.house.Person(t.Context(), ana); err != nil || one.Address != ana {
				t.Errorf("by the address: %+v, %v", one, err)
			}
			next(w, b)
			if all := w.people(); len(all) != 1 || all[0].Address != ana {
				t.Errorf("afterwards: %+v", all)
			}
		})
	}
}

// forgetWho takes out of a record what a version before did not write.
func (w *world) forgetWho(key string) {
	w.t.Helper()
	err := w.store.Update(w.t.Context(), key, func(old []byte, _ time.Time) ([]byte, time.Duration, error) {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(old, &fields); err != nil {
			return nil, 0, err
		}
		delete(fields, "who")
		raw, err := json.Marshal(fields)
		return raw, 0, err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// Whoever writes to the store cannot have one person pass for another.
func TestAnAddressCountsInItsOwnRecordAlone(t *testing.T) {
	w := newWorld(t)
	w.browser(w.waysGate()).signIn(ana, true)
	key := w.personKey()
	raw := dump(t, w)[key]
	put(t, w.store, "person/AAECAwQFBgcICQoLDA0ODw", raw)
	all := w.people()
	if len(all) != 2 || all[0].Address != ana || all[1].Address != "" {
		t.Errorf("People = %+v, want ana once", all)
	}
}

func TestRuling35AddressesGoAlong(t *testing.T) {
	from := newWorld(t)
	from.browser(roomyGate(from)).signIn(ana, true)
	to := from.apart()
	to.browser(roomyGate(to)).signIn(ana, true)
	to.forgetWho(to.personKey())
	from.moveTo(to)
	if all := to.people(); len(all) != 1 || all[0].Address != ana {
		t.Errorf("People = %+v", all)
	}
}

func TestSessionsAndBrowsersAreListedForAnOperator(t *testing.T) {
	w := newWorld(t)
	g := placedGate(w, func(p *challenge.Policy) { p.Limits = roomy })
	kept := w.linked(g).at(lisbon)
	kept.agent = chrome
	kept.signIn(ana, true)
	w.clock.advance(time.Hour)
	once := w.linked(g).at(tokyo).signIn(ana, false)
	sessions, err := w.house.SessionsOf(t.Context(), ana)
	if err != nil || len(sessions) != 2 {
		t.Fatalf("SessionsOf = %+v, %v", sessions, err)
	}
	now := w.clock.now()
	want := []challenge.SessionState{
		{
			ID: once.admitted().Live.ID.Public(), Kind: "Firefox on Windows", Began: now, Ends: now.Add(30 * day), Country: "JP", City: "Tokyo", Network: "126.1.1.0/24",
		},
		{
			ID: kept.admitted().Live.ID.Public(), Kind: "Chrome on macOS", Began: now.Add(-time.Hour), Ends: now.Add(30*day - time.Hour), Country: "PT", City: "Lisbon", Network: "62.48.10.0/24",
		},
	}
	if diff := cmp.Diff(want, sessions, cmpopts.IgnoreFields(challenge.SessionState{}, "Browser"), cmpopts.EquateApproxTime(time.Second)); diff != "" {
		t.Errorf("SessionsOf, -want +got:\n%s", diff)
	}
	browsers, err := w.house.BrowsersOf(t.Context(), ana)
	if err != nil || len(browsers) != 2 || browsers[0].ID != sessions[0].Browser || browsers[1].ID != sessions[1].Browser {
		t.Fatalf("BrowsersOf = %+v, %v", browsers, err)
	}
	own := kept.account().Browsers
	own[0].This = false
	if diff := cmp.Diff([]challenge.Browser{own[1], own[0]}, browsers); diff != "" {
		t.Errorf("as the person sees them (-) and as the operator does (+):\n%s", diff)
	}
	for _, err := range []error{
		func() error { _, err := w.house.SessionsOf(t.Context(), bob); return err }(),
		func() error { _, err := w.house.BrowsersOf(t.Context(), bob); return err }(),
	} {
		if !errors.Is(err, challenge.ErrNoSuch) {
			t.Errorf("of somebody who never entered: %v, want ErrNoSuch", err)
		}
	}
}

func TestAStandingTellsWhatDecidesAndWhatHappened(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: challenge.Limits{SendAddress: many, SendIP: many, SendTotal: many, TryIP: many}}})
	w.linked(g).signIn(ana, true)
	b := w.linked(g)
	b.mailed(ana)
	_ = b.enter(wrong(b.lastCode(), 0), false)
	thief := w.linked(g)
	thief.mailed(ana)
	w.linked(g).mustReport(w.mailbox.link(t, challenge.SignInCode))
	s, err := g.Standing(t.Context(), ana)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Right.Allowed || s.Right.Rule != "allow address" || s.Person == nil || s.Person.Address != ana {
		t.Errorf("right %+v, person %+v", s.Right, s.Person)
	}
	if len(s.Pending) != 1 || s.Pending[0].Tries != 4 || s.Pending[0].Mails != 1 || s.Pending[0].Gate != "gate" || s.Pending[0].Asked.IsZero() {
		t.Errorf("pending %+v, want the one code that was not stopped", s.Pending)
	}
	if len(s.Locks) != 1 || s.Locks[0].Crowd != "unknown browsers" || s.Locks[0].Tries != 1 {
		t.Errorf("locks %+v", s.Locks)
	}
	if want := challenge.Surroundings(thief.ip).String(); len(s.Reported) != 1 || s.Reported[0] != want {
		t.Errorf("reported %q, want %q", s.Reported, want)
	}
	if got := strings.Join(told(s.Recent), " "); got != "stopped code_sent wrong code_sent remembered entered code_sent" {
		t.Errorf("recent: %s", got)
	}
	before := dump(t, w)
	if _, err := g.Standing(t.Context(), ana); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, dump(t, w)); diff != "" {
		t.Errorf("looking changes the store:\n%s", diff)
	}
	w.linked(g).mailed(nobody)
	if s, err := g.Standing(t.Context(), nobody); err != nil || s.Right.Allowed || s.Person != nil || len(s.Pending) != 0 || len(s.Recent) != 0 {
		t.Errorf("somebody who may not pass: %+v, %v", s, err)
	}
}

// What cannot be entered any more, was never mailed, or is over, is no code that works.
func TestAStandingTellsOfCodesThatWork(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
	refs := func() (all []string) {
		for _, c := range must[challenge.Standing](t)(g.Standing(t.Context(), ana)).Pending {
			all = append(all, c.Ref)
		}
		return all
	}
	usedUp := func() []challenge.PendingCode {
		return must[challenge.Standing](t)(g.Standing(t.Context(), ana)).UsedUp
	}
	used := w.linked(g)
	code := used.mailed(ana)
	for n := range 5 {
		if got := usedUp(); len(got) != 0 {
			t.Errorf("used up %+v after %d wrong codes", got, n)
		}
		_ = used.enter(wrong(code, n), false)
	}
	if got := usedUp(); len(got) != 1 || got[0].Ref != w.mailbox.last().Ref || got[0].Tries != 0 || got[0].Gate != "gate" || got[0].Asked.IsZero() {
		t.Errorf("used up %+v, want the one with the letters %s", got, w.mailbox.last().Ref)
	}
	w.mailbox.breaks(challenge.ErrQueueFull)
	_, _ = w.linked(g).ask(ana)
	w.mailbox.breaks(nil)
	if got := refs(); len(got) != 0 {
		t.Errorf("pending %q, want none of one that is used up and one that was not mailed", got)
	}
	var want []string
	for range 3 {
		w.clock.advance(time.Minute)
		w.linked(g).mailed(ana)
		want = slices.Insert(want, 0, w.mailbox.last().Ref)
	}
	if diff := cmp.Diff(want, refs()); diff != "" {
		t.Errorf("pending, the newest first (-want +got):\n%s", diff)
	}
	w.clock.advance(8*time.Minute + 30*time.Second)
	if diff := cmp.Diff(want[:2], refs()); diff != "" {
		t.Errorf("once the first is over (-want +got):\n%s", diff)
	}
	if got := usedUp(); len(got) != 0 {
		t.Errorf("used up %+v, want none of one whose time is over", got)
	}
}

// The code of a change may be entered by somebody who may pass no more; one to sign in is
// of no use.
func TestAStandingTellsOfTheCodeOfAChange(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	b := w.linked(g).signIn(ana, true)
	w.linked(g).mailed(ana)
	v := b.visit()
	v.Confirm, v.Change = b.wantPass("in").Admission.Live, &challenge.Change{Kind: challenge.AddToken}
	if _, err := g.Begin(t.Context(), v, nil, ana); err != nil {
		t.Fatal(err)
	}
	ref := w.mailbox.last().Ref
	g.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(bob)}}))
	if s, err := g.Standing(t.Context(), ana); err != nil || len(s.Pending) != 1 || s.Pending[0].Ref != ref {
		t.Errorf("pending %+v, %v, want %s alone", s.Pending, err, ref)
	}
}

// Of a network that was reported twice it is told once, by its name as long as that is
// known, and no longer than it is kept from asking.
func TestAStandingTellsWhichNetworksAreReported(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
	reported := func() []string { return must[challenge.Standing](t)(g.Standing(t.Context(), ana)).Reported }
	first, second := w.linked(g), w.linked(g)
	second.ip = first.ip
	want := []string{challenge.Surroundings(first.ip).String()}
	first.signIn(ana, false)
	entry := w.mailbox.link(t, challenge.SignInCode)
	second.signIn(ana, false)
	w.clock.advance(3 * time.Hour) // no challenge is kept for so long
	w.linked(g).mustReport(entry)
	if diff := cmp.Diff(want, reported()); diff != "" {
		t.Errorf("by an entry, -want +got:\n%s", diff)
	}
	w.clock.advance(time.Hour)
	var codes []string
	for _, b := range []*browser{first, second} {
		b.flow, b.session, b.device = nil, "", ""
		b.mailed(ana)
		codes = append(codes, w.mailbox.link(t, challenge.SignInCode))
	}
	for _, code := range codes {
		w.linked(g).mustReport(code)
	}
	if diff := cmp.Diff(want, reported()); diff != "" {
		t.Errorf("by two codes, -want +got:\n%s", diff)
	}
	w.clock.advance(time.Hour)
	if got := reported(); len(got) != 0 {
		t.Errorf("an hour later: %q, want none", got)
	}
}

func TestAStandingTellsTheLastTwentyRows(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
	for range 20 {
		w.browser(g).signIn(ana, true)
		w.clock.advance(2 * time.Hour)
	}
	s, err := g.Standing(t.Context(), ana)
	if err != nil || len(s.Recent) != 20 || s.Recent[0].Kind != challenge.ActivityRemembered {
		t.Errorf("%d rows, %v: %q", len(s.Recent), err, told(s.Recent))
	}
}
