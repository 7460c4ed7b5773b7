// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

var errUnsure = errors.New("nobody knows whether this was kept")

// A line leads to a server, and does what a test wants where an update has been kept.
type line struct {
	*server
	kept atomic.Pointer[func(key string) error]
	read atomic.Pointer[func(key string)]
	cut  atomic.Bool
	deaf atomic.Bool // what was ended is not read
}

func (l *line) UpdateRun(ctx context.Context, key string, edit func([]byte, time.Time, string) ([]byte, time.Duration, error)) error {
	if l.cut.Load() {
		return errDown
	}
	err := l.server.UpdateRun(ctx, key, edit)
	if f := l.kept.Load(); f != nil && err == nil {
		return (*f)(key)
	}
	return err
}

func (l *line) Update(ctx context.Context, key string, edit func([]byte, time.Time) ([]byte, time.Duration, error)) error {
	return l.UpdateRun(ctx, key, func(old []byte, now time.Time, _ string) ([]byte, time.Duration, error) { return edit(old, now) })
}

func (l *line) GetRun(ctx context.Context, key string) ([]byte, string, error) {
	if l.cut.Load() || l.deaf.Load() && key == "ended" {
		return nil, "", errDown
	}
	value, run, err := l.server.GetRun(ctx, key)
	if f := l.read.Load(); f != nil {
		(*f)(key)
	}
	return value, run, err
}

func (l *line) Get(ctx context.Context, key string) ([]byte, error) {
	value, _, err := l.GetRun(ctx, key)
	return value, err
}

// once does something with the first update of a person that is kept.
func (l *line) once(do func() error) {
	var done atomic.Bool
	f := func(key string) error {
		if strings.HasPrefix(key, "person/") && !done.Swap(true) {
			return do()
		}
		return nil
	}
	l.kept.Store(&f)
}

func (l *line) unsureOnce() { l.once(func() error { return errUnsure }) }

// newLines are two machines with lines of their own to one server.
func newLines(t *testing.T) (here, there *world, toHere, toThere *line) {
	t.Helper()
	c := newClock()
	s := newServer(c)
	toHere, toThere = &line{server: s}, &line{server: s}
	here = newWorldOn(t, c, toHere)
	there = &world{t: t, clock: c, store: toThere, ring: here.ring, mailbox: here.mailbox, diary: here.diary}
	there.house = there.machine()
	return here, there, toHere, toThere
}

// on is a copy of a browser at another gate.
func (b *browser) on(g *challenge.Gate) *browser {
	copied := *b
	copied.gate = g
	copied.wantPass("copied")
	return &copied
}

// alone waits until the session alone lets nobody in any more.
func (b *browser) outAlone(t *testing.T) {
	t.Helper()
	b.device, b.page.MaxAge = "", 0
	waitFor(t, func() bool { return b.open().Decision != challenge.Pass })
}

// An update of which nobody knows whether it was kept may have taken a session off
// its list, where the next try does not find it. It has ended all the same.
func TestSES02WhatAnUnsureUpdateEndedHasEnded(t *testing.T) {
	t.Run("by a report", func(t *testing.T) {
		w, other, line, _ := newLines(t)
		here := w.gate(challenge.GateOptions{})
		thief := w.linked(here).signIn(ana, true)
		copied := thief.on(other.gate(challenge.GateOptions{}))
		thief.page = aFreshCode
		w.clock.advance(aFreshCode.MaxAge)
		thief.confirm = thief.open().Admission.Live
		thief.mailed(ana)
		id := w.mailbox.link(t, challenge.ConfirmCode)
		owner := w.linked(here)
		line.unsureOnce()
		for range 2 {
			_, _ = owner.gate.Report(t.Context(), owner.visit(), id)
		}
		copied.outAlone(t)
		thief.outAlone(t)
	})
	t.Run("by a person who has a browser forgotten", func(t *testing.T) {
		w, other, line, _ := newLines(t)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
		copied := b.on(other.gate(challenge.GateOptions{}))
		b.session = ""
		line.unsureOnce()
		for range 2 {
			_, _ = b.gate.Unremember(t.Context(), b.visit(), true)
		}
		copied.outAlone(t)
	})
	t.Run("by a secret that came back", func(t *testing.T) {
		w, other, line, _ := newLines(t)
		owner := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
		thief := *owner
		thief.gate = other.gate(challenge.GateOptions{})
		for range 2 {
			thief.session = ""
			thief.wantPass("renewed")
			thief.wantPass("and shown")
			w.clock.advance(10 * time.Minute)
		}
		owner.session = ""
		line.unsureOnce()
		owner.open()
		owner.open()
		thief.outAlone(t)
	})
	t.Run("by a code in the same browser", func(t *testing.T) {
		w, other, line, _ := newLines(t)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
		copied := b.on(other.gate(challenge.GateOptions{}))
		b.session = ""
		code := b.mailed(ana)
		line.unsureOnce()
		if err := b.enter(code, true); err == nil {
			t.Fatal("Verify = nil although nobody knows what was kept")
		}
		copied.outAlone(t)
	})
}

// A machine may die between taking a session off its list and telling the others.
func TestSES02WhoeverFindsAnEndTellsOfIt(t *testing.T) {
	w, dying, _, line := newLines(t)
	b := w.browser(dying.gate(challenge.GateOptions{})).signIn(ana, false)
	third := &world{t: t, clock: w.clock, store: w.store, ring: w.ring, mailbox: w.mailbox, diary: w.diary}
	third.house = third.machine()
	copied := b.on(third.gate(challenge.GateOptions{}))
	admission := b.wantPass("in").Admission
	line.once(func() error { line.cut.Store(true); return nil })
	if _, err := b.gate.SignOut(t.Context(), b.visit(), admission, false); err == nil {
		t.Fatal("SignOut = nil although the others were not told")
	}
	b.gate = w.gate(challenge.GateOptions{})
	b.wantCheck("elsewhere", challenge.Ended)
	copied.outAlone(t)
}

// F-19: what is under way when a store turns out to be a copy belongs to the copy.
func TestF19NothingIsMadeOfWhatWasReadBefore(t *testing.T) {
	t.Run("a session, on the machine that was told", func(t *testing.T) {
		w, _, line, _ := newLines(t)
		g := w.gate(challenge.GateOptions{})
		for range 3 {
			signOut(t, w.browser(g).signIn(bob, false))
		}
		thief := w.browser(g).signIn(ana, true)
		thief.session = ""
		w.clock.advance(time.Minute)
		line.once(func() error { return w.house.EndRestored(context.Background()) })
		thief.open()
		thief.outAlone(t)
	})
	t.Run("a session, on another machine", func(t *testing.T) {
		w, other, _, line := newLines(t)
		g := w.gate(challenge.GateOptions{})
		for range 3 {
			signOut(t, w.browser(g).signIn(bob, false))
		}
		line.looked(t, 4)
		thief := w.browser(g).signIn(ana, true)
		thief.gate, thief.session = other.gate(challenge.GateOptions{}), ""
		w.clock.advance(time.Minute)
		line.once(func() error {
			err := w.house.EndRestored(context.Background())
			waitFor(t, func() bool { return !other.house.Health().Epoch.IsZero() })
			line.looked(t, 2)
			return err
		})
		thief.open()
		thief.outAlone(t)
	})
	t.Run("a stream", func(t *testing.T) {
		w, _, _, _ := newLines(t)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
		admission := b.wantPass("in").Admission
		if err := w.house.EndRestored(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantCut(t, b.gate, admission, func() {})
	})
}

func wantCut(t *testing.T, g *challenge.Gate, a *challenge.Admission, then func()) {
	t.Helper()
	var cut atomic.Bool
	defer g.Stream(a, func() { cut.Store(true) })()
	then()
	waitFor(t, cut.Load)
}

// A configuration that uses another store lets go of the house, and of what is open
// in it: nobody would end that any more.
func TestAHouseThatClosesCutsWhatIsOpen(t *testing.T) {
	w, _ := newFailing(t)
	old, err := challenge.OpenHouse(t.Context(), challenge.HouseOptions{Store: w.store, Ring: w.ring, Sender: w.mailbox, Now: w.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	b := w.browser(w.gateOf(old, challenge.GateOptions{})).signIn(ana, false)
	admission := b.wantPass("in").Admission
	wantCut(t, b.gate, admission, old.Close)
	wantCut(t, b.gate, admission, func() {})
}

// An end of one's own that is told while the list is read is none that was missed.
func TestAnOwnEndCutsNobodyElse(t *testing.T) {
	w, _, line, _ := newLines(t)
	g := w.gate(challenge.GateOptions{})
	var cut atomic.Bool
	defer g.Stream(w.browser(g).signIn(bob, false).wantPass("in").Admission, func() { cut.Store(true) })()
	leaver := w.browser(g).signIn(ana, false)
	leaver.wantPass("in")
	line.looked(t, 2)
	var done atomic.Bool
	f := func(key string) {
		if key == "ended" && !done.Swap(true) {
			signOut(t, leaver)
		}
	}
	line.read.Store(&f)
	waitFor(t, done.Load)
	line.looked(t, 4)
	if cut.Load() {
		t.Error("somebody else's stream was cut")
	}
}

// A machine that may have another secret makes no keys while others may bring theirs
// back.
func TestRuling19LostKeysAreWaitedFor(t *testing.T) {
	w, other, _, line := newLines(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	line.cut.Store(true)
	late, _ := other.shared(w.ring)
	other.gateOf(late, challenge.GateOptions{})
	line.lose("keys")
	line.cut.Store(false)
	waitFor(t, func() bool { return late.Health().Reads })
	b.wantPass("where the keys were known")
	if mine, theirs := late.KeyList(w.clock.now()), w.house.KeyList(w.clock.now()); len(mine) != len(theirs) || mine[0].ID != theirs[0].ID {
		t.Errorf("it made keys of its own: %v, the others have %v", mine, theirs)
	}
}
