// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func TestUnlockLiftsALockOnEveryMachine(t *testing.T) {
	w, _ := newFailing(t)
	o := challenge.GateOptions{Policy: challenge.Policy{Limits: challenge.Limits{
		SendAddress: many, SendIP: many, SendTotal: many, TryIP: many, TryAddress: []challenge.Rate{{N: 2, Per: time.Hour}}, Lockout: time.Hour,
	}}}
	here, there := w.gate(o), w.gateOf(w.machine(), o)
	b := w.browser(here)
	code := b.mailed(ana)
	for n := range 2 {
		_ = b.enter(wrong(code, n), false)
	}
	b.gate = there
	if err := b.enter(code, false); limitOf(err) != challenge.LimitTryAddress {
		t.Fatalf("on the other machine: %v, want the lock", err)
	}
	lifted, err := w.house.Unlock(t.Context(), ana)
	if err != nil || len(lifted.Locked) != 1 || lifted.Locked[0].Tries != 2 || !lifted.Locked[0].Until.Equal(w.clock.now().Add(time.Hour)) {
		t.Errorf("Unlock = %+v, %v", lifted, err)
	}
	b.gate = here
	if err := b.enter(code, false); !errors.Is(err, challenge.ErrCodeCancelled) { // it ended with the lock
		t.Errorf("the code of before where it was unlocked: %v", err)
	}
	code = b.mailed(ana)
	if err := b.enter(wrong(code, 3), false); !errors.Is(err, challenge.ErrWrongCode) {
		t.Errorf("a wrong code where it was unlocked: %v", err)
	}
	b.gate = there
	waitFor(t, func() bool { return b.enter(code, false) == nil })
	if lifted, err := w.house.Unlock(t.Context(), nobody); err != nil || len(lifted.Locked) != 0 {
		t.Errorf("Unlock of an address that is not locked = %+v, %v", lifted, err)
	}
}

func TestF19NothingOfACopyLetsAnybodyIn(t *testing.T) {
	w, s := newFailing(t)
	o := challenge.GateOptions{Policy: challenge.Policy{Limits: challenge.Limits{
		SendAddress: many, SendIP: many, SendTotal: many, TryIP: many, TryAddress: []challenge.Rate{{N: 3, Per: time.Hour}}, Lockout: time.Hour,
	}}}
	g, there := w.gate(o), w.gateOf(w.machine(), o)
	session, remembered := w.browser(g).signIn(ana, false), w.browser(g).signIn(ana, true)
	waits, wronged := w.browser(g), w.browser(g)
	pending := waits.mailed(bob)
	_ = wronged.enter(wrong(wronged.mailed(bob), 1), false)
	leaver := w.browser(g).signIn("eve@example.org", false)
	if _, err := g.SignOut(t.Context(), leaver.visit(), leaver.wantPass("").Admission, false); err != nil {
		t.Fatal(err)
	}
	session.gate, leaver.gate = there, there
	waitFor(t, func() bool { return leaver.open().Decision == challenge.Check })
	session.wantPass("cached on the other machine")
	w.clock.advance(time.Minute)

	if err := w.house.EndRestored(t.Context()); err != nil {
		t.Fatal(err)
	}
	remembered.wantCheck("a remembered browser", challenge.Ended)
	if err := waits.enter(pending, false); !errors.Is(err, challenge.ErrCodeLost) {
		t.Errorf("a code of before: %v, want ErrCodeLost", err)
	}
	waitFor(t, func() bool { return session.open().Decision == challenge.Check })
	for n := range 2 {
		b := w.browser(g)
		_ = b.enter(wrong(b.mailed(bob), n), false)
	}
	if _, err := w.browser(g).ask(bob); limitOf(err) != challenge.LimitTryAddress {
		t.Errorf("counters of before are forgotten: %v", err)
	}
	// What begins afterwards holds, on machines that start later as well.
	next := w.browser(g).signIn(ana, true)
	next.gate = w.gateOf(w.machine(), o)
	next.wantPass("signed in afterwards")
	if s.run != 1 {
		t.Error("the store was not to change")
	}
}

// A putBack is a store that says that it is a copy until it was settled.
type putBack struct {
	*server
	settled bool
}

func (p *putBack) Restored() bool { return !p.settled }
func (p *putBack) Settle() error  { p.settled = true; return nil }

func TestF19AStoreThatWasPutBackIsDealtWithAtTheStart(t *testing.T) {
	w, s := newFailing(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	copied := &putBack{server: s}
	w.store = copied
	b.gate = w.gateOf(w.machine(), challenge.GateOptions{})
	b.wantCheck("a session of the copy", challenge.Ended)
	if !copied.settled {
		t.Error("the store was not told")
	}
	s.stop(true)
	_, err := challenge.OpenHouse(context.Background(), challenge.HouseOptions{Store: &putBack{server: s}, Ring: w.ring, Sender: w.mailbox, Now: w.clock.now})
	if err == nil {
		t.Error("a copy that could not be dealt with was used")
	}
}
