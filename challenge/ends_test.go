// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

// A store that does not answer must keep nobody signed in.
func TestSES02SignOutHoldsHereThoughTheStoreIsDown(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	v := b.wantPass("before")
	store.down.Store(true)
	if _, err := b.gate.SignOut(t.Context(), b.visit(), v.Admission, false); err == nil {
		t.Error("SignOut = nil with the store down")
	}
	b.wantCheck("afterwards", challenge.Ended)
}

func TestRuling24AGapInTheEndedSessionsFlushesTheCache(t *testing.T) {
	w := newWorld(t)
	here := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	v := here.wantPass("cached here")
	theirs := &probe{Store: w.store.(*memstore.Store)}
	there := &world{t: t, clock: w.clock, store: theirs, ring: w.ring, mailbox: w.mailbox, diary: w.diary}
	there.house = there.machine()
	elsewhere := *here
	elsewhere.gate = there.gate(challenge.GateOptions{})
	elsewhere.wantPass("cached there")
	theirs.down.Store(true)

	if _, err := here.gate.SignOut(t.Context(), here.visit(), v.Admission, false); err != nil {
		t.Fatal(err)
	}
	// The end is pushed out of the ring before the other machine reads it.
	pushOut(w)
	theirs.down.Store(false)
	waitFor(t, func() bool { return elsewhere.open().Decision == challenge.Check })
	if n := strings.Count(dump(t, w)["ended"], `"s":`); n != 512 {
		t.Errorf("the record holds %d ends, want 512", n)
	}
}

// waitFor waits for the goroutine that reads the ended sessions.
func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		if done() {
			return
		}
		<-tick.C
	}
	t.Fatal("nothing happened in ten seconds")
}

func TestRuling25Grace(t *testing.T) {
	newDown := func(t *testing.T, grace time.Duration) (*world, *probe, *browser) {
		c := newClock()
		store := newProbe(c)
		w := newWorldOn(t, c, store)
		return w, store, w.browser(w.gate(challenge.GateOptions{Grace: grace})).signIn(ana, false)
	}
	t.Run("live sessions go on without the store, and no longer", func(t *testing.T) {
		w, store, b := newDown(t, 10*time.Minute)
		b.wantPass("before")
		store.down.Store(true)
		w.clock.advance(10 * time.Minute)
		b.wantPass("within the grace")
		w.clock.advance(3 * time.Second)
		if v := b.open(); v.Decision != challenge.Unavailable {
			t.Errorf("after the grace: %v, want Unavailable", v.Decision)
		}
		store.down.Store(false)
		waitFor(t, func() bool { return b.open().Decision == challenge.Pass })
	})
	t.Run("strangers are kept out", func(t *testing.T) {
		w, store, b := newDown(t, 10*time.Minute)
		stranger := w.browser(b.gate)
		store.down.Store(true)
		if v := stranger.open(); v.Decision == challenge.Pass {
			t.Errorf("stranger: %v", v.Decision)
		}
		if _, err := stranger.ask(ana); err == nil {
			t.Error("Begin = nil with the store down")
		}
	})
	t.Run("a process that never read the ended sessions admits nobody", func(t *testing.T) {
		w, store, b := newDown(t, time.Hour)
		store.ruin("ended")
		b.gate = w.gateOf(w.machine(), challenge.GateOptions{Grace: time.Hour})
		if v := b.open(); v.Decision != challenge.Unavailable {
			t.Errorf("decision %v, want Unavailable", v.Decision)
		}
		store.ruin("")
		waitFor(t, func() bool { return b.open().Decision == challenge.Pass })
	})
}

// A visitor can hang up whenever they like. That must not pass for a store that
// is down, whose grace would let in a session that was ended long ago.
func TestHangingUpRevivesNoEndedSession(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	if _, err := b.gate.SignOut(t.Context(), b.visit(), b.wantPass("").Admission, false); err != nil {
		t.Fatal(err)
	}
	pushOut(w) // until no machine that starts now knows of the end
	b.gate = w.gateOf(w.machine(), challenge.GateOptions{})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if v := b.gate.Admit(gone, b.visit()); v.Decision == challenge.Pass {
		t.Error("an ended session was admitted")
	}
	b.wantCheck("without hanging up", challenge.Ended)
}

func TestADamagedRecordAdmitsNobody(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	b.gate = w.gateOf(w.machine(), challenge.GateOptions{})
	store.ruin("person/")
	if v := b.open(); v.Decision != challenge.Unavailable {
		t.Errorf("decision %v, want Unavailable", v.Decision)
	}
}

// Two machines that start at once on an empty store must sign with one key, and
// the store alone must not give it away.
func TestRuling19SigningKeysAreSharedAndSealed(t *testing.T) {
	w := newWorld(t)
	houses := []*challenge.House{w.house, w.machine(), w.machine(), w.machine()}
	gates := make([]*challenge.Gate, len(houses))
	var all sync.WaitGroup
	for i, h := range houses {
		all.Go(func() { gates[i] = w.gateOf(h, challenge.GateOptions{}) })
	}
	all.Wait()
	b := w.browser(gates[0]).signIn(ana, false)
	for _, g := range gates {
		if !bytes.Equal(jwks(t, g), jwks(t, gates[0])) {
			t.Fatal("two machines have different keys")
		}
		b.gate = g
		b.wantPass("on each machine")
	}
	if raw := dump(t, w)["keys"]; strings.Contains(raw, "ES256") {
		t.Errorf("the keys are kept in clear: %.40q…", raw)
	}
}

func jwks(t *testing.T, g *challenge.Gate) []byte {
	t.Helper()
	set, err := g.JWKS()
	if err != nil {
		t.Fatalf("JWKS = %v", err)
	}
	return set
}

// A lateStore answers one question about a person late: with what was true when
// it was asked.
type lateStore struct {
	*memstore.Store
	meanwhile func()
	asked     sync.Once
	reads     atomic.Int32 // of the ended sessions
}

func (s *lateStore) Get(ctx context.Context, key string) ([]byte, error) {
	raw, err := s.Store.Get(ctx, key)
	switch {
	case key == "ended":
		s.reads.Add(1)
	case strings.HasPrefix(key, "person/"):
		s.asked.Do(s.meanwhile)
	}
	return raw, err
}

// A session that ends while it is looked up must not be kept as a live one: when
// the list of the ended has moved on, nothing would ever end it.
func TestRuling24ASessionThatEndsWhileItIsLookedUpIsNotKept(t *testing.T) {
	w := newWorld(t)
	here := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	v := here.wantPass("here")
	theirs := &lateStore{Store: w.store.(*memstore.Store)}
	there := &world{t: t, clock: w.clock, store: theirs, ring: w.ring, mailbox: w.mailbox, diary: w.diary}
	there.house = there.machine()
	theirs.meanwhile = func() {
		if _, err := here.gate.SignOut(t.Context(), here.visit(), v.Admission, false); err != nil {
			t.Error(err)
		}
		pushOut(w)
		before := theirs.reads.Load()
		waitFor(t, func() bool { return theirs.reads.Load() >= before+2 }) // the first of them is dealt with
	}
	elsewhere := *here
	elsewhere.gate = there.gate(challenge.GateOptions{})
	elsewhere.open()
	elsewhere.wantCheck("afterwards", challenge.Ended)
}

// pushOut ends more sessions than the record remembers.
func pushOut(w *world) {
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Session: challenge.SessionPolicy{Max: 1}, Limits: roomy}})
	for range 520 {
		w.browser(g).signIn(bob, false)
		w.clock.advance(time.Second)
	}
}
