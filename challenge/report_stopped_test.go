// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// Whoever began a check and sees it end knows that the address may pass and that
// its person has read the mail.
func TestRuling39AStoppedCodeSeesNoDifference(t *testing.T) {
	steps := func(to challenge.Email) (calls [][]string, said []string, queued int) {
		c := newClock()
		store := newProbe(c)
		w := newWorldOn(t, c, store)
		g := w.gate(challenge.GateOptions{})
		thief := w.linked(g)
		code := thief.mailed(to)
		if to == ana {
			w.browser(g).mustReport(w.mailbox.link(t, challenge.SignInCode))
		}
		store.take()
		before := len(w.mailbox.all())
		step := func(result any, err error) {
			calls = append(calls, store.take())
			p, trouble := g.Progress(context.Background(), thief.visit(), thief.flow)
			said = append(said, fmt.Sprintf("%v %v %v %v %v %v %v", result, err, p.Phase, p.Left, p.Form, p.Until, trouble))
			store.take()
		}
		step(nil, nil)
		step(nil, thief.enter(code, false))
		step(nil, thief.enter(code, false))
		step(nil, thief.enter(wrong(code, 1), false))
		for range 3 {
			thief.ip = elsewhere()
			c.advance(time.Minute)
			sent, err := thief.resend()
			step([]any{sent.Again, sent.Recently}, err)
			step(nil, thief.enter(thief.lastCode(), false))
			c.advance(4 * time.Minute)
			step(nil, thief.enter("12", false))
		}
		sent, err := thief.ask(to)
		step([]any{sent.Again, sent.Recently}, err)
		c.advance(11 * time.Minute)
		step(nil, thief.enter(code, false))
		return calls, said, len(w.mailbox.all()) - before
	}
	unknownCalls, unknownSaid, unknownQueued := steps(nobody)
	calls, said, queued := steps(ana)
	if diff := cmp.Diff(unknownCalls, calls); diff != "" {
		t.Errorf("store operations differ (-unknown +stopped):\n%s", diff)
	}
	if diff := cmp.Diff(unknownSaid, said); diff != "" {
		t.Errorf("answers differ (-unknown +stopped):\n%s", diff)
	}
	if unknownQueued != queued || queued == 0 {
		t.Errorf("%d mails queued for an unknown address and %d for the stopped", unknownQueued, queued)
	}
}

// lastIsSent reports whether the last mail is a real one.
func (m *Mailbox) lastIsSent() bool {
	all := m.all()
	return !all[len(all)-1].Decoy
}

// In another network the same check could be mailed its code once more.
func TestRuling39AStoppedCodeStaysStoppedInEveryNetwork(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	thief := w.linked(g)
	code := thief.mailed(ana)
	w.browser(g).mustReport(w.mailbox.link(t, challenge.SignInCode))
	for n := range 9 {
		thief.ip = elsewhere()
		w.clock.advance(6 * time.Minute)
		if _, err := thief.resend(); err != nil {
			t.Fatal(err)
		}
		if w.mailbox.lastIsSent() {
			t.Fatalf("resend %d: a code was mailed", n)
		}
		for _, typed := range []string{code, thief.lastCode()} {
			if err := thief.enter(typed, false); err == nil {
				t.Fatalf("resend %d: a code let somebody in", n)
			}
		}
	}
	w.clock.advance(7 * time.Minute) // the hour is over
	if _, err := thief.resend(); err != nil || !w.mailbox.lastIsSent() {
		t.Errorf("an hour later: Resend = %v, mailed %t", err, w.mailbox.lastIsSent())
	}
	if err := thief.enter(thief.lastCode(), false); err != nil {
		t.Errorf("an hour later: Verify = %v", err)
	}
}

// A mistake in a remembered browser costs its code and no more.
func TestRuling39AfterAStopAKnownBrowserGetsTheNextCode(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	b := w.linked(g).signIn(ana, true)
	b.session, b.flow = "", nil
	code := b.mailed(ana)
	id := w.mailbox.link(t, challenge.SignInCode)
	w.browser(g).mustReport(id)
	w.clock.advance(time.Minute)
	if sent, err := b.resend(); err != nil || !sent.Again || w.mailbox.lastIsSent() {
		t.Errorf("Resend = %+v, %v, mailed %t, want the looks of it", sent, err, w.mailbox.lastIsSent())
	}
	if err := b.enter(code, true); err == nil {
		t.Error("the stopped code let somebody in")
	}
	w.clock.advance(5 * time.Minute)
	if _, err := b.resend(); err != nil || !w.mailbox.lastIsSent() {
		t.Fatalf("Resend = %v, mailed %t, want another code", err, w.mailbox.lastIsSent())
	}
	b.wantNoReport("by the link that was used", id)
	if err := b.enter(b.lastCode(), true); err != nil {
		t.Errorf("Verify = %v", err)
	}
}

// Once the block is lifted nobody need be fooled.
func TestRuling39AMistakeThatIsLiftedLetsTheCheckGoOn(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	owner, laptop := w.linked(g).signIn(ana, true), w.linked(g)
	code := laptop.mailed(ana)
	id := w.mailbox.link(t, challenge.SignInCode)
	owner.mustReport(id)
	if err := g.Unreport(t.Context(), owner.visit(), id); err != nil {
		t.Fatal(err)
	}
	if err := laptop.enter(code, false); err == nil {
		t.Error("the stopped code let somebody in")
	}
	if _, err := laptop.resend(); err != nil || !w.mailbox.lastIsSent() {
		t.Fatalf("Resend = %v, mailed %t", err, w.mailbox.lastIsSent())
	}
	if err := laptop.enter(laptop.lastCode(), false); err != nil {
		t.Errorf("the next code: Verify = %v", err)
	}
}
