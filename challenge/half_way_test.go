// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A person is told that they are signed out, whatever became of the store.
func TestSES02ASignOutThatFailsHalfWayHoldsEverywhere(t *testing.T) {
	for _, denied := range []string{"person/", "ended"} {
		t.Run(denied, func(t *testing.T) {
			w, s := newFailing(t)
			here, there := w.gate(challenge.GateOptions{}), w.gateOf(w.machine(), challenge.GateOptions{})
			b := w.browser(here).signIn(ana, false)
			copied := *b
			copied.gate = there
			copied.wantPass("on the other machine")
			v := b.wantPass("here")
			s.denyOnce(denied)
			if _, err := here.SignOut(t.Context(), b.visit(), v.Admission, false); err == nil {
				t.Fatal("SignOut = nil although an update failed")
			}
			b.wantCheck("here, afterwards", challenge.Ended)
			waitFor(t, func() bool { return copied.open().Decision == challenge.Check })
			later := copied
			later.gate = w.gateOf(w.machine(), challenge.GateOptions{})
			later.wantCheck("on a machine that starts later", challenge.Ended)
		})
	}
}

func TestRuling39AReportThatFailsHalfWayHoldsEverywhere(t *testing.T) {
	w, s := newFailing(t)
	here, there := w.gate(challenge.GateOptions{}), w.gateOf(w.machine(), challenge.GateOptions{})
	thief := w.linked(here).signIn(ana, false)
	copied := *thief
	copied.gate = there
	copied.wantPass("on the other machine")
	thief.page = aFreshCode
	w.clock.advance(aFreshCode.MaxAge)
	thief.confirm = thief.open().Admission.Live
	thief.mailed(ana)
	id := w.mailbox.link(t, challenge.ConfirmCode)
	owner := w.linked(here)
	s.denyOnce("ended")
	if _, err := owner.gate.Report(t.Context(), owner.visit(), id); err == nil {
		t.Fatal("Report = nil although an update failed")
	}
	if _, err := owner.gate.Report(t.Context(), owner.visit(), id); err != nil {
		t.Fatalf("Report, pressed again = %v", err)
	}
	waitFor(t, func() bool { return copied.open().Decision == challenge.Check })
}

// F-19: that the store was put back is known to machines, and outlives the record.
func TestF19ThatAStoreWasPutBackIsNotForgotten(t *testing.T) {
	for name, lose := range map[string]func(s *server, revert func()){
		"the record is evicted":    func(s *server, _ func()) { s.lose("ended") },
		"the record is of before":  func(_ *server, revert func()) { revert() },
		"the record is of another": func(s *server, _ func()) { s.lose("ended"); s.snapshot()() },
	} {
		t.Run(name, func(t *testing.T) {
			w, s := newFailing(t)
			g := w.gate(challenge.GateOptions{})
			session, browser := w.browser(g).signIn(ana, false), w.browser(g).signIn(bob, true)
			browser.session = ""
			signOut(t, w.browser(g).signIn("eve@example.org", false))
			s.looked(t, 2)
			revert := s.snapshotOf("ended")
			if err := w.house.EndRestored(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.looked(t, 2)
			lose(s, revert)
			s.looked(t, 4)
			if w.house.Health().Epoch.IsZero() {
				t.Error("the machine has forgotten it")
			}
			session.wantCheck("a session of before", challenge.Ended)
			browser.wantCheck("a browser of before", challenge.Ended)
		})
	}
}

func signOut(t *testing.T, b *browser) {
	t.Helper()
	if _, err := b.gate.SignOut(t.Context(), b.visit(), b.wantPass("signed in").Admission, false); err != nil {
		t.Fatal(err)
	}
}

// Whoever can cut the connection must not have a session judged without the store
// of which the machine knows better.
func TestRuling25TheGraceRevivesNothing(t *testing.T) {
	t.Run("that ended when the store was put back", func(t *testing.T) {
		w, s := newFailing(t)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
		w.clock.advance(time.Minute)
		if err := w.house.EndRestored(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.stop(true)
		if v := b.open(); v.Decision == challenge.Pass {
			t.Error("it passes while the store is away")
		}
	})
	t.Run("that was looked up before, and was over", func(t *testing.T) {
		w, s := newFailing(t)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
		signOutOf := *b
		signOut(t, &signOutOf)
		pushOut(w)
		b.gate = w.gateOf(w.machine(), challenge.GateOptions{})
		b.wantCheck("with the store", challenge.Ended)
		s.stop(true)
		if v := b.open(); v.Decision == challenge.Pass {
			t.Error("it passes while the store is away")
		}
	})
}

// A machine that was cut off meanwhile must not take new ends for those that it
// has read.
func TestRuling24NumbersOfEndsGoOnAfterTheRingWasLost(t *testing.T) {
	w, s := newFailing(t)
	far := &deaf{server: s}
	there := &world{t: t, clock: w.clock, store: far, ring: w.ring, mailbox: w.mailbox, diary: w.diary}
	there.house = there.machine()
	here, beyond := w.gate(challenge.GateOptions{}), there.gate(challenge.GateOptions{})
	old := w.browser(here).signIn("eve@example.org", false)
	signOut(t, old)
	old.gate = beyond
	waitFor(t, func() bool { return old.open().Decision == challenge.Check })
	s.looked(t, 3)
	w.clock.advance(24 * time.Hour)
	b := w.browser(here).signIn(ana, false)
	copied := *b
	copied.gate = beyond
	copied.wantPass("on the other machine")
	far.on.Store(true)
	s.snapshot()()
	s.lose("ended")
	s.looked(t, 2)
	signOut(t, b)
	far.on.Store(false)
	waitFor(t, func() bool { return copied.open().Decision == challenge.Check })
}

// F-10: an address that was unlocked once is not unlocked with each end of others.
func TestF10AnUnlockIsOver(t *testing.T) {
	w, s := newFailing(t)
	o := challenge.GateOptions{Policy: challenge.Policy{Limits: challenge.Limits{
		SendAddress: many, SendIP: many, SendTotal: many, TryIP: many, TryAddress: []challenge.Rate{{N: 2, Per: time.Hour}}, Lockout: time.Hour,
	}}}
	g := w.gate(o)
	if _, err := w.house.Unlock(t.Context(), ana); err != nil {
		t.Fatal(err)
	}
	s.looked(t, 2)
	w.clock.advance(3 * time.Hour)
	b := w.browser(g)
	code := b.mailed(ana)
	revert := s.snapshotOf("door/")
	for n := range 2 {
		_ = b.enter(wrong(code, n), false)
	}
	revert()
	leaver := w.browser(g).signIn(bob, false)
	leaver.gate = w.gateOf(w.machine(), o)
	signOut(t, leaver)
	s.looked(t, 4)
	if _, err := w.browser(g).ask(ana); limitOf(err) != challenge.LimitTryAddress {
		t.Errorf("after somebody else's sign-out: %v, want the lock", err)
	}
}

// F-08: a machine that starts while the keys are gone makes new ones. The others
// bring back what they know.
func TestF08KeysOfARunningMachineOutliveNewOnes(t *testing.T) {
	w, s := newFailing(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	s.lose("keys")
	later := w.machine()
	b.gate = w.gateOf(later, challenge.GateOptions{})
	waitFor(t, func() bool { return b.open().Decision == challenge.Pass })
	b.gate = w.gateOf(w.machine(), challenge.GateOptions{})
	b.wantPass("on a machine that starts after that")
}

// A server that lost sight of the others, or is full, takes no updates. What it says
// of ends keeps nobody signed in beyond the grace.
func TestRuling25AStoreThatOnlyReadsIsAway(t *testing.T) {
	w, s := newFailing(t)
	b := w.browser(w.gate(challenge.GateOptions{Grace: 10 * time.Minute})).signIn(ana, false)
	b.wantPass("before")
	s.refuse(true)
	waitFor(t, func() bool { return !w.house.Health().Reads })
	if health := w.house.Health(); health.Writes || health.Fault == nil {
		t.Errorf("Health = %+v", health)
	}
	w.clock.advance(10 * time.Minute)
	b.wantPass("within the grace")
	w.clock.advance(3 * time.Second)
	if v := b.open(); v.Decision != challenge.Unavailable {
		t.Errorf("after the grace: %v, want Unavailable", v.Decision)
	}
	s.refuse(false)
	waitFor(t, func() bool { return b.open().Decision == challenge.Pass })
	w.clock.advance(time.Minute)
	if !w.house.Health().Writes {
		t.Error("Health says that the store takes no updates")
	}
}

// An end of another machine that this one has yet to read must not be taken for its
// own.
func TestRuling24OwnEndsDoNotHideThoseOfOthers(t *testing.T) {
	w, _ := newFailing(t)
	here, there := w.gate(challenge.GateOptions{}), w.gateOf(w.machine(), challenge.GateOptions{})
	copied := *w.browser(there).signIn(ana, false)
	copied.gate = here
	copied.wantPass("on this machine")
	theirs, ours := copied, w.browser(here).signIn(bob, false)
	theirs.gate = there
	signOut(t, &theirs)
	signOut(t, ours)
	waitFor(t, func() bool { return copied.open().Decision == challenge.Check })
}

func TestALockInMemoryIsOfOneGateAndEndsWithSuccess(t *testing.T) {
	w, _ := newFailing(t)
	strict := challenge.Policy{Limits: challenge.Limits{
		SendAddress: many, SendIP: many, SendTotal: many, TryIP: many, TryAddress: []challenge.Rate{{N: 2, Per: time.Hour}}, Lockout: time.Second,
	}}
	lenient := strict
	lenient.Limits.TryAddress = many
	a, b := w.gate(challenge.GateOptions{Policy: strict}), w.gate(challenge.GateOptions{ID: "lenient", Policy: lenient})
	guest := w.browser(a)
	code := guest.mailed(ana)
	for n := range 2 {
		_ = guest.enter(wrong(code, n), false)
	}
	w.clock.advance(2 * time.Second)
	if _, err := w.browser(a).ask(ana); limitOf(err) != challenge.LimitTryAddress {
		t.Fatalf("at the strict gate: %v, want its window of an hour", err)
	}
	w.browser(b).signIn(ana, false)
	if _, err := w.browser(a).ask(ana); err != nil {
		t.Errorf("at the strict gate, after success elsewhere: %v", err)
	}
}

func TestAnOutageIsToldOfOnceAMinute(t *testing.T) {
	w, s := newFailing(t)
	g := w.gate(challenge.GateOptions{Grace: time.Second})
	s.stop(true)
	waitFor(t, func() bool { return w.house.Health().Fault != nil })
	w.clock.advance(time.Minute)
	for range 20 {
		w.browser(g).open()
	}
	if n := w.diary.count(challenge.StoreFailed); n != 1 {
		t.Errorf("told %d times within a minute", n)
	}
	w.clock.advance(time.Minute)
	w.browser(g).open()
	if n := w.diary.count(challenge.StoreFailed); n != 2 {
		t.Errorf("told %d times in two minutes", n)
	}
}
