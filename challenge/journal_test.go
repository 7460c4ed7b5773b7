// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

// Rulings 16 and 50: what a request waits for is the same for an address that
// somebody has proved and one that nobody has.
func TestRuling50ActivityCostsARequestNothing(t *testing.T) {
	steps := func(known bool) (calls [][]string) {
		c := newClock()
		store := newProbe(c)
		w := newWorldOn(t, c, store)
		g := roomyGate(w)
		if known {
			w.browser(g).signIn(ana, false)
			challenge.WriteJournal(t.Context(), w.house)
		}
		b := w.browser(g)
		for _, step := range []func(){
			func() { b.mailed(ana) },
			func() { _ = b.enter(wrong(b.lastCode(), 0), false) },
			func() { _, _ = guess(w, g, ana, 40) },
		} {
			store.take()
			step()
			calls = append(calls, store.take())
		}
		return calls
	}
	known, unknown := steps(true), steps(false)
	if diff := cmp.Diff(known, unknown); diff != "" {
		t.Errorf("-known +unknown:\n%s", diff)
	}
	for _, call := range slices.Concat(known...) {
		if strings.HasSuffix(call, "activity") {
			t.Errorf("a request waits for %q", call)
		}
	}
}

func TestAStoreThatIsAwayFailsNothingByActivity(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	g := roomyGate(w)
	owner := w.browser(g).signIn(ana, true)
	store.down.Store(true)
	if challenge.WriteJournal(t.Context(), w.house) {
		t.Error("a store that is away took what waits")
	}
	_, err := g.Activity(t.Context(), owner.visit(), owner.wantPass("the grace").Admission, challenge.ActivityQuery{})
	if !errors.Is(err, challenge.ErrUnavailable) {
		t.Errorf("Activity = %v, want ErrUnavailable", err)
	}
	store.down.Store(false)
	owner.wantActivity("when it is back", challenge.ActivityQuery{}, "remembered", "entered", "code_sent")
}

// The house of a machine that stops writes down what waits, and of one that is
// killed nothing is missing that was answered.
func TestWhatWaitsIsWrittenWhenTheHouseCloses(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	w.browser(g).signIn(ana, true)
	w.house.Close()
	rows, err := challenge.AllActivity(t.Context(), w.machine(), ana)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"remembered", "entered", "code_sent"}, told(rows)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestLOG05WhatAPersonDidIsKeptBeforeItIsAnswered(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	owner := w.browser(g).signIn(ana, true)
	if _, err := g.SignOut(t.Context(), owner.visit(), owner.wantPass("signed in").Admission, false); err != nil {
		t.Fatal(err)
	}
	rows, err := challenge.AllActivity(t.Context(), w.machine(), ana) // as after kill -9
	if err != nil || len(rows) == 0 || rows[0].Kind != challenge.ActivitySignedOut {
		t.Errorf("another machine reads %q, %v", told(rows), err)
	}
}

// A flood of strangers must not wash away what people did.
func TestTooMuchDropsTheOldestOfStrangers(t *testing.T) {
	w := newWorld(t)
	g := w.gateOf(w.house, challenge.GateOptions{
		Access: access(t, challenge.AccessOptions{Allow: []string{"*@example.com", string(ana)}}),
		Policy: challenge.Policy{Limits: challenge.Limits{SendAddress: flood, SendIP: flood, SendTotal: flood, TryAddress: flood, TryIP: flood}},
	})
	owner := w.browser(g).signIn(ana, true)
	for n := range challenge.MaxQueue + 10 {
		to, err := challenge.ParseEmail("visitor" + strings.Repeat("x", n%5) + string(rune('a'+n%26)) + "@example.com")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.browser(g).ask(to); err != nil && limitOf(err) == "" {
			t.Fatal(err)
		}
		w.clock.advance(10 * time.Minute)
	}
	owner.session = ""
	_ = owner.open()
	rows, err := challenge.AllActivity(t.Context(), w.house, ana)
	if err != nil {
		t.Fatal(err)
	}
	if got := told(rows); !slices.Contains(got, "entered") || !slices.Contains(got, "remembered") || slices.Contains(got, "code_sent") {
		t.Errorf("after a flood there is %q", got)
	}
}

var flood = []challenge.Rate{{N: 1 << 20, Per: time.Minute}}

// While the store is away, it is asked again once a second, and no more.
func TestTheJournalGoesOnWhenTheStoreIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		store := newProbe(c)
		w := newWorldOn(t, c, store)
		g := w.gateOf(w.quickMachine(), challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
		w.browser(g).signIn(ana, true)
		store.down.Store(true)
		time.Sleep(10 * time.Second)
		store.take()
		time.Sleep(10 * time.Second)
		asked := 0
		for _, call := range store.take() {
			if call == "get person" {
				asked++
			}
		}
		if asked < 5 || asked > 11 {
			t.Errorf("in ten seconds the store is asked %d times", asked)
		}
		store.down.Store(false)
		time.Sleep(2 * time.Second)
		rows, err := challenge.AllActivity(t.Context(), w.house, ana)
		if err != nil || len(rows) != 3 {
			t.Errorf("afterwards there is %q, %v", told(rows), err)
		}
	})
}

func TestErasedActivityIsGone(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	owner := w.browser(g).signIn(ana, true)
	w.browser(g).signIn(bob, true)
	for range 200 {
		w.browser(g).mailed(ana)
		w.clock.advance(time.Minute)
		challenge.WriteJournal(t.Context(), w.house)
	}
	w.browser(g).mailed(ana) // waits
	if err := challenge.EraseActivity(t.Context(), w.house, ana); err != nil {
		t.Fatal(err)
	}
	challenge.WriteJournal(t.Context(), w.house)
	left := 0
	for key := range dump(t, w) {
		if strings.HasPrefix(key, "activity/") {
			left++
		}
	}
	if left != 1 {
		t.Errorf("%d records of activity are left, want the one of somebody else", left)
	}
	owner.wantActivity("after it was erased", challenge.ActivityQuery{})
}

func TestRuling35ActivityMoves(t *testing.T) {
	from := newWorld(t)
	g := roomyGate(from)
	from.browser(g).signIn(ana, true)
	for range 120 {
		from.browser(g).mailed(ana)
		from.clock.advance(time.Minute)
		challenge.WriteJournal(t.Context(), from.house)
	}
	to := from.apart()
	to.browser(roomyGate(to)).signIn(ana, true)
	challenge.WriteJournal(t.Context(), to.house)
	was, err := challenge.AllActivity(t.Context(), from.house, ana)
	if err != nil {
		t.Fatal(err)
	}
	own, err := challenge.AllActivity(t.Context(), to.house, ana)
	if err != nil {
		t.Fatal(err)
	}
	from.moveTo(to)
	once := dump(t, to)
	from.moveTo(to)
	if diff := cmp.Diff(once, dump(t, to)); diff != "" {
		t.Errorf("the same once more changes\n%s", diff)
	}
	both, err := challenge.AllActivity(t.Context(), to.house, ana)
	if err != nil || len(both) != len(was)+len(own) {
		t.Errorf("of %d and %d rows %d are there, %v", len(was), len(own), len(both), err)
	}
	if !slices.IsSortedFunc(both, func(a, b challenge.ActivityRow) int { return b.At.Compare(a.At) }) {
		t.Error("they are not in order")
	}
}

// A record of a later version is not written over.
func TestF19ActivityOfALaterVersionStays(t *testing.T) {
	c := newClock()
	store := memstore.New(memstore.Options{Now: c.now})
	w := newWorldOn(t, c, store)
	g := roomyGate(w)
	w.browser(g).signIn(ana, true)
	challenge.WriteJournal(t.Context(), w.house)
	var key string
	for k := range dump(t, w) {
		if strings.HasPrefix(k, "activity/") {
			key = k
		}
	}
	put(t, store, key, `{"v":2}`)
	w.browser(g).mailed(ana)
	if !challenge.WriteJournal(t.Context(), w.house) {
		t.Error("it keeps the journal from going on")
	}
	if raw := dump(t, w)[key]; raw != `{"v":2}` {
		t.Errorf("it is now %s", raw)
	}
}
