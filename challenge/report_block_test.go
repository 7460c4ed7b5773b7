// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// Whoever is kept out must not see it, or they would learn that the address may
// pass and that its person is there.
func TestRuling39ABlockedNetworkSeesNoDifference(t *testing.T) {
	steps := func(to challenge.Email) (calls [][]string, said []string, queued int) {
		c := newClock()
		store := newProbe(c)
		w := newWorldOn(t, c, store)
		g := w.gate(challenge.GateOptions{})
		thief := w.linked(g)
		thief.mailed(to)
		if id := w.mailbox.link(t, challenge.SignInCode); to == ana {
			w.browser(g).mustReport(id)
		}
		thief.flow = nil
		store.take()
		before := len(w.mailbox.all())
		step := func(result any, err error) {
			calls = append(calls, store.take())
			said = append(said, fmt.Sprintf("%v %v", result, err))
		}
		for range 3 {
			sent, err := thief.ask(to)
			step([]any{sent.Again, sent.Recently, sent.Progress.Phase, sent.Progress.Left, sent.Progress.Form}, err)
			step(nil, thief.enter(wrong(thief.lastCode(), 0), false))
			step(nil, thief.enter(wrong(thief.lastCode(), 0), false))
			step(nil, thief.enter("12", false))
			c.advance(time.Minute)
			sent, err = thief.resend()
			step(sent.Again, err)
			for n := range 4 {
				step(nil, thief.enter(wrong(thief.lastCode(), 1+n), false))
			}
			step(nil, thief.enter(thief.lastCode()[:5], false))
		}
		return calls, said, len(w.mailbox.all()) - before
	}
	unknownCalls, unknownSaid, unknownQueued := steps(nobody)
	calls, said, queued := steps(ana)
	if diff := cmp.Diff(unknownCalls, calls); diff != "" {
		t.Errorf("store operations differ (-unknown +blocked):\n%s", diff)
	}
	if diff := cmp.Diff(unknownSaid, said); diff != "" {
		t.Errorf("answers differ (-unknown +blocked):\n%s", diff)
	}
	if unknownQueued != queued || queued == 0 {
		t.Errorf("%d mails queued for an unknown address and %d for the blocked", unknownQueued, queued)
	}
}

// A code that was on its way before the report is not mailed again, either.
func TestRuling39ABlockedNetworkIsMailedNothingAgain(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	thief, tab := w.linked(g), w.linked(g)
	tab.ip = thief.ip
	thief.mailed(ana)
	code := tab.mailed(ana)
	id := w.mailbox.link(t, challenge.SignInCode)
	id2 := id
	for _, n := range w.mailbox.all()[:1] {
		id = strings.TrimPrefix(n.Stop, base+"no/")
	}
	w.browser(g).mustReport(id)
	w.clock.advance(time.Minute)
	if sent, err := tab.resend(); err != nil || !sent.Again {
		t.Fatalf("Resend = %+v, %v", sent, err)
	}
	if all := w.mailbox.all(); !all[len(all)-1].Decoy {
		t.Error("the other code was mailed again")
	}
	if err := tab.enter(code, false); leftOf(t, err) != 4 {
		t.Errorf("the other code: Verify = %v, want a wrong code", err)
	}
	w.browser(g).mustReport(id2)
}

func TestRuling39ABlockTouchesNobodyWhoIsKnown(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	remembered, signedIn := w.linked(g).signIn(ana, true), w.linked(g).signIn(ana, false)
	remembered.session = ""
	thief := w.linked(g)
	thief.ip, remembered.ip, signedIn.ip = lisbon, lisbon, lisbon
	thief.mailed(ana)
	w.browser(g).mustReport(w.mailbox.link(t, challenge.SignInCode))
	for name, b := range map[string]*browser{"a remembered browser": remembered, "a live session": signedIn} {
		if b.blocked(ana) {
			t.Errorf("%s on that network is blocked", name)
		}
	}
	signedIn.confirmed()
	if thief.flow = nil; !thief.blocked(ana) {
		t.Error("the thief is not blocked, so this test shows nothing")
	}
}

// Behind an earlier step the address is no secret, and whoever passed that step
// is told what happens.
func TestRuling39BehindAnEarlierStepABlockIsSaid(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	thief := w.linked(g)
	thief.earlier = basic("ana", ana)
	thief.mailed(ana)
	r := w.browser(g).mustReport(w.mailbox.link(t, challenge.SignInCode))
	if !r.Named {
		t.Error("the report does not say that an earlier step was passed")
	}
	_, err := thief.greet()
	if limitOf(err) != challenge.LimitReported || !untilOf(t, err).Equal(w.clock.now().Add(time.Hour)) {
		t.Errorf("Greet = %v, want the limit of reports for an hour", err)
	}
	if _, err := thief.ask(ana); limitOf(err) != challenge.LimitReported {
		t.Errorf("Begin = %v, want the limit of reports", err)
	}
	owner := w.linked(g)
	owner.earlier = basic("ana", ana)
	if owner.blocked(ana) {
		t.Error("another network is blocked")
	}
}

// mayNotLift shows that a browser is not offered to lift the block of a used
// link, and cannot.
func (b *browser) mayNotLift(name, id string) {
	b.w.t.Helper()
	if r, err := b.reportable(id); r.Trusted || !errors.Is(err, challenge.ErrNoReport) {
		b.w.t.Errorf("%s: Reportable = %+v, %v, want no trust", name, r, err)
	}
	if err := b.gate.Unreport(b.w.t.Context(), b.visit(), id); !errors.Is(err, challenge.ErrNoReport) {
		b.w.t.Errorf("%s: Unreport = %v, want ErrNoReport", name, err)
	}
}

func TestRuling39AMistakeIsLiftedFromARememberedBrowserOnly(t *testing.T) {
	for _, about := range []challenge.Subject{challenge.SignInCode, challenge.NewSignIn} {
		w := newWorld(t)
		g := roomyGate(w)
		owner, another := w.linked(g).signIn(ana, true), w.linked(g).signIn(bob, true)
		stale := *owner
		w.clock.advance(13 * time.Hour)
		owner.wantPass("renewed")
		owner.wantPass("confirmed")
		w.clock.advance(time.Minute)
		session := w.linked(g).signIn(ana, false)
		asked := session
		if about == challenge.SignInCode {
			asked = w.linked(g)
			asked.mailed(ana)
		}
		id := w.mailbox.link(t, about)
		if _, err := owner.reportable(id); err != nil {
			t.Fatal(err)
		}
		if err := owner.gate.Unreport(t.Context(), owner.visit(), id); !errors.Is(err, challenge.ErrNoReport) {
			t.Errorf("before it was reported: Unreport = %v, want ErrNoReport", err)
		}
		if r := w.browser(g).mustReport(id); r.Trusted {
			t.Error("a browser that nobody knows is offered to lift the block")
		}
		signedOut := w.linked(g).signIn(ana, true)
		signedOut.signOut(false)
		for name, b := range map[string]*browser{
			"a stranger": w.browser(g), "somebody else": another, "a session that is not remembered": session, "an old cookie": &stale,
			"a browser that was signed out": signedOut,
		} {
			b.mayNotLift(name, id)
		}
		if asked.session, asked.flow = "", nil; !asked.blocked(ana) {
			t.Fatal("the network is not blocked, so this test shows nothing")
		}
		if r, err := owner.reportable(id); !r.Trusted || !r.Blocked || !errors.Is(err, challenge.ErrNoReport) {
			t.Errorf("owner: Reportable = %+v, %v, want the offer to lift", r, err)
		}
		if err := owner.gate.Unreport(t.Context(), owner.visit(), id); err != nil {
			t.Errorf("owner: Unreport = %v", err)
		}
		if !w.diary.has(challenge.Unreported) {
			t.Error("the operator is not told")
		}
		if asked.flow = nil; asked.blocked(ana) {
			t.Error("the network is blocked still")
		}
		if err := owner.gate.Unreport(t.Context(), owner.visit(), id); !errors.Is(err, challenge.ErrNoReport) {
			t.Errorf("a second time: Unreport = %v, want ErrNoReport", err)
		}
		if r, _ := owner.reportable(id); r.Blocked {
			t.Error("the link says that the network is blocked")
		}
	}
}

// Another link's block stays when one is lifted.
func TestRuling39OneMistakeLiftsOneBlock(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	owner := w.linked(g).signIn(ana, true)
	thief := w.linked(g)
	var ids []string
	for range 2 {
		thief.flow = nil
		thief.mailed(ana)
		ids = append(ids, w.mailbox.link(t, challenge.SignInCode))
	}
	if owner.mustReport(ids[0]); !owner.mustReport(ids[1]).Trusted {
		t.Error("the remembered browser is not offered to lift the block")
	}
	lift := func(id string) {
		if err := owner.gate.Unreport(t.Context(), owner.visit(), id); err != nil {
			t.Fatal(err)
		}
	}
	lift(ids[0])
	if thief.flow = nil; !thief.blocked(ana) {
		t.Error("with one of two blocks lifted the network is not blocked")
	}
	lift(ids[1])
	w.clock.advance(time.Minute)
	if _, err := thief.resend(); err != nil {
		t.Fatal(err)
	}
	if all := w.mailbox.all(); all[len(all)-1].Decoy {
		t.Error("with both blocks lifted the network is blocked")
	}
	if err := thief.enter(thief.lastCode(), false); err != nil {
		t.Errorf("the code that was mailed then: Verify = %v", err)
	}
}
