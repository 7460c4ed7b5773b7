// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// newFailing is a world whose store can come back as it was.
func newFailing(t *testing.T) (*world, *server) {
	t.Helper()
	c := newClock()
	s := newServer(c)
	return newWorldOn(t, c, s), s
}

func TestRuling30NoCodeOutlivesARunOfTheStore(t *testing.T) {
	t.Run("a code that was used is not used again", func(t *testing.T) {
		w, s := newFailing(t)
		b := w.browser(w.gate(challenge.GateOptions{}))
		code := b.mailed(ana)
		again := *b
		revert := s.snapshot()
		if err := b.enter(code, false); err != nil {
			t.Fatal(err)
		}
		revert()
		if err := again.enter(code, false); !errors.Is(err, challenge.ErrCodeLost) {
			t.Errorf("the code a second time: %v, want ErrCodeLost", err)
		}
	})
	t.Run("a code that waits is lost, its page says so, and the next one works", func(t *testing.T) {
		w, s := newFailing(t)
		b := w.browser(w.gate(challenge.GateOptions{}))
		lost := b.mailed(ana)
		s.snapshot()()
		if p, err := b.gate.Progress(t.Context(), b.visit(), b.flow); err != nil || p.Phase != challenge.Lost {
			t.Errorf("Progress = %v, %v, want Lost", p.Phase, err)
		}
		if err := b.enter(lost, false); !errors.Is(err, challenge.ErrCodeLost) {
			t.Errorf("a lost code: %v, want ErrCodeLost", err)
		}
		next := b.mailed(ana)
		if err := b.enter(lost, false); !errors.Is(err, challenge.ErrOldCode) {
			t.Errorf("the lost code where another was mailed: %v, want ErrOldCode", err)
		}
		if err := b.enter(next, false); err != nil {
			t.Errorf("the next code: %v", err)
		}
	})
	t.Run("a code of which the record is lost as well says so", func(t *testing.T) {
		w, s := newFailing(t)
		b := w.browser(w.gate(challenge.GateOptions{}))
		revert := s.snapshot()
		code := b.mailed(ana)
		revert()
		s.looked(t, 2)
		if err := b.enter(code, false); !errors.Is(err, challenge.ErrCodeLost) {
			t.Errorf("a code that was lost: %v, want ErrCodeLost", err)
		}
		if p, err := b.gate.Progress(t.Context(), b.visit(), b.flow); err != nil || p.Phase != challenge.Lost {
			t.Errorf("Progress = %v, %v, want Lost", p.Phase, err)
		}
		w.clock.advance(10 * time.Minute)
		if err := b.enter(code, false); !errors.Is(err, challenge.ErrCodeExpired) {
			t.Errorf("when it would be over anyway: %v, want ErrCodeExpired", err)
		}
	})
	t.Run("what was counted stays counted", func(t *testing.T) {
		w, s := newFailing(t)
		g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: challenge.Limits{
			SendAddress: many, SendIP: many, SendTotal: many, TryIP: many, TryAddress: []challenge.Rate{{N: 3, Per: time.Hour}},
		}}})
		for n := range 3 {
			b := w.browser(g)
			code := b.mailed(ana)
			if err := b.enter(wrong(code, n), false); err == nil {
				t.Fatal("a wrong code was right")
			}
			s.snapshot()()
		}
		if _, err := w.browser(g).ask(ana); limitOf(err) != challenge.LimitTryAddress {
			t.Errorf("after three wrong codes in three runs: %v", err)
		}
	})
	t.Run("an unknown address looks the same", func(t *testing.T) {
		w, s := newFailing(t)
		b := w.browser(w.gate(challenge.GateOptions{}))
		b.mailed(nobody)
		s.snapshot()()
		if err := b.enter("123456", false); !errors.Is(err, challenge.ErrCodeLost) {
			t.Errorf("a code of an unknown address: %v, want ErrCodeLost", err)
		}
	})
}

func TestRuling24WhatHasEndedStaysEnded(t *testing.T) {
	w, s := newFailing(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	copied := *b
	revert := s.snapshot()
	if _, err := b.gate.SignOut(t.Context(), b.visit(), b.wantPass("signed in").Admission, false); err != nil {
		t.Fatal(err)
	}
	revert()
	copied.gate = w.gateOf(w.machine(), challenge.GateOptions{})
	copied.wantPass("on a machine that knows of no end yet")
	forgotten := *b
	forgotten.session = ""
	forgotten.wantCheck("its browser, on a machine that knows of the end", challenge.Ended)

	waitFor(t, func() bool { return copied.open().Decision == challenge.Check })
	// Machines that start when the ring has forgotten look at the person alone.
	waitFor(t, func() bool { return endedIn(w, s) })
	pushOut(w)
	later := *b
	later.gate = w.gateOf(w.machine(), challenge.GateOptions{})
	later.wantCheck("on a machine that starts later", challenge.Ended)
}

// The server that lost a person need not be the one that keeps the ends.
func TestRuling24OneOfSeveralServersFailsOver(t *testing.T) {
	w, s := newFailing(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	waitFor(t, func() bool { return w.house.Health().Reads })
	revert := s.snapshotOf("person/")
	if _, err := b.gate.SignOut(t.Context(), b.visit(), b.wantPass("signed in").Admission, false); err != nil {
		t.Fatal(err)
	}
	pushOut(w)
	waitFor(t, func() bool { return w.house.Runs() != "" })
	revert()
	waitFor(t, func() bool { return endedIn(w, s) })
	later := *b
	later.gate = w.gateOf(w.machine(), challenge.GateOptions{})
	later.wantCheck("on a machine that starts later", challenge.Ended)
}

// While the store has an ended browser as it was, it may let that browser in
// somewhere. What it was given ends with it.
func TestRuling24WhatARevivedBrowserWasGivenEnds(t *testing.T) {
	w, s := newFailing(t)
	far := &deaf{server: s}
	there := &world{t: t, clock: w.clock, store: far, ring: w.ring, mailbox: w.mailbox, diary: w.diary}
	there.house = there.machine()
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	copied := *b
	copied.gate, copied.session = there.gate(challenge.GateOptions{}), ""
	revert := s.snapshot()
	far.on.Store(true)
	if _, err := b.gate.SignOut(t.Context(), b.visit(), b.wantPass("signed in").Admission, false); err != nil {
		t.Fatal(err)
	}
	revert()
	copied.wantPass("where nobody knows of the end")
	waitFor(t, func() bool { return endedIn(w, s) })
	far.on.Store(false)
	waitFor(t, func() bool { return copied.open().Decision == challenge.Check })
}

func TestKeysThatAStoreHasLostAreWrittenBack(t *testing.T) {
	w, s := newFailing(t)
	w.gate(challenge.GateOptions{})
	revert := s.snapshot()
	keys, err := w.house.RotateKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	revert()
	later := w.machine()
	w.gateOf(later, challenge.GateOptions{})
	waitFor(t, func() bool { return len(later.KeyList(w.clock.now())) == len(keys) })
}

// endedIn reports whether no person's record has a session or a browser that
// lets anybody in.
func endedIn(w *world, s *server) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, r := range s.records {
		if bytes.HasPrefix([]byte(key), []byte("person/")) && (bytes.Contains(r.value, []byte(`"sessions"`)) || !bytes.Contains(r.value, []byte(`"ended":true`))) {
			return false
		}
	}
	return true
}

// A browser whose secret was replaced brings one that the store has never heard
// of. That is no theft.
func TestABrowserAheadOfItsRecordIsNoThief(t *testing.T) {
	w, s := newFailing(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Session: challenge.SessionPolicy{Lifetime: time.Hour}}})
	b := w.browser(g).signIn(ana, true)
	b.wantPass("with its first secret")
	thief := *b
	revert := s.snapshot()
	w.clock.advance(2 * time.Hour)
	b.wantPass("renewed with a second secret")
	b.wantPass("which it presents")
	revert()
	w.clock.advance(2 * time.Hour)
	b.wantPass("with a secret that the store has forgotten")
	b.wantPass("and the one after")
	if w.diary.has(challenge.DeviceReplayed) {
		t.Error("the browser was taken for a thief's")
	}
	w.clock.advance(2 * time.Hour)
	thief.session = ""
	if v := thief.open(); v.Decision == challenge.Pass {
		t.Error("a copy of its first secret was let in")
	}
}

func TestF10ALockIsKnownWhereItWasMet(t *testing.T) {
	w, s := newFailing(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: challenge.Limits{
		SendAddress: many, SendIP: many, SendTotal: many, TryIP: many, TryAddress: []challenge.Rate{{N: 2, Per: time.Hour}}, Lockout: time.Hour,
	}}})
	b := w.browser(g)
	code := b.mailed(ana)
	revert := s.snapshot()
	for n := range 2 {
		_ = b.enter(wrong(code, n), false)
	}
	revert()
	if err := b.enter(code, false); limitOf(err) != challenge.LimitTryAddress {
		t.Errorf("a locked address after a failover: %v", err)
	}
	if _, err := w.browser(g).ask(ana); limitOf(err) != challenge.LimitTryAddress {
		t.Errorf("another browser at a locked address after a failover: %v", err)
	}
	s.stop(true)
	if err := b.enter(code, false); limitOf(err) != challenge.LimitTryAddress {
		t.Errorf("a locked address without the store: %v, want the lock, from memory", err)
	}
	s.stop(false)
	w.clock.advance(time.Hour)
	if _, err := w.browser(g).ask(ana); err != nil {
		t.Errorf("once the lock is over: %v", err)
	}
}

// F-08: keys and ends that are evicted are written back by whoever knows them.
func TestF08EvictedRecordsAreWrittenBack(t *testing.T) {
	w, s := newFailing(t)
	g := w.gate(challenge.GateOptions{})
	b := w.browser(g).signIn(ana, false)
	out := w.browser(g).signIn(bob, false)
	gone := *out
	if _, err := g.SignOut(t.Context(), out.visit(), out.wantPass("").Admission, false); err != nil {
		t.Fatal(err)
	}
	keys := jwks(t, g)
	waitFor(t, func() bool { return out.open().Decision == challenge.Check })
	s.lose("keys")
	s.lose("ended")
	waitFor(t, func() bool {
		_, errKeys := s.Get(t.Context(), "keys")
		ring, errEnds := s.Get(t.Context(), "ended")
		return errKeys == nil && errEnds == nil && bytes.Contains(ring, []byte(`"s":`))
	})
	g = w.gateOf(w.machine(), challenge.GateOptions{})
	if !bytes.Equal(jwks(t, g), keys) {
		t.Error("there are other keys now")
	}
	b.gate, gone.gate = g, g
	b.wantPass("signed in all the time")
	gone.wantCheck("signed out all the time", challenge.Ended)
}
