// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func budgetOf(n int, per time.Duration) challenge.Policy {
	return only(func(l *challenge.Limits) { l.SendTotal = []challenge.Rate{{N: n, Per: per}} })
}

func TestRuling15HalfOfAllMailIsKeptForKnownPeople(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: budgetOf(20, time.Hour)})
	for n := range 10 {
		w.browser(g).mailed(someone(n))
	}
	if _, err := w.browser(g).ask(someone(10)); limitOf(err) != challenge.LimitSendTotal {
		t.Errorf("stranger 11: Begin = %v, want the limit of all mail", err)
	}
	for n := range 10 {
		known := w.browser(g)
		known.earlier = basic("p", someone(n))
		known.mailed(someone(n))
	}
	known := w.browser(g)
	known.earlier = basic("ana", ana)
	_, err := known.ask(ana)
	if limitOf(err) != challenge.LimitSendTotal {
		t.Fatalf("known 11: Begin = %v, want the limit of all mail", err)
	}

	// The time that is named holds, and not before.
	wait := untilOf(t, err).Sub(w.clock.now())
	w.clock.advance(wait - time.Second)
	if _, err := known.ask(ana); limitOf(err) != challenge.LimitSendTotal {
		t.Errorf("a second before: Begin = %v, want the limit still", err)
	}
	w.clock.advance(time.Second)
	known.mailed(ana)
}

func TestRL05TheBudgetCountsMailsInAnyWindow(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: budgetOf(10, time.Hour)})
	w.clock.advance(50 * time.Second) // late in a minute
	sent := 0
	for n := range 300 {
		if _, err := w.browser(g).ask(someone(n)); err == nil {
			sent++
		}
		w.clock.advance(11 * time.Second) // 55 minutes in all
	}
	if sent != 5 {
		t.Errorf("%d mails to strangers in an hour, want 5", sent)
	}
}

func TestTheBudgetSurvivesARestartAndIsShared(t *testing.T) {
	w := newWorld(t)
	policy := budgetOf(10, 48*time.Hour)
	g := w.gate(challenge.GateOptions{Policy: policy})
	for n := range 3 {
		w.browser(g).mailed(someone(n))
	}
	w.house.Close()
	w.clock.advance(30 * time.Hour) // older than a day: counted by the hour
	one := w.machine()
	g = w.gateOf(one, challenge.GateOptions{Policy: policy})
	w.browser(g).mailed(someone(3))
	one.Close()
	g = w.gateOf(w.machine(), challenge.GateOptions{Policy: policy})
	w.browser(g).mailed(someone(4))
	if _, err := w.browser(g).ask(someone(5)); limitOf(err) != challenge.LimitSendTotal {
		t.Errorf("mail 6 after two restarts: Begin = %v, want the limit of all mail", err)
	}
	w.clock.advance(20 * time.Hour)
	w.browser(g).mailed(someone(5))
}

func TestARefusedMailIsGivenBackToTheBudget(t *testing.T) {
	w := newWorld(t)
	p := budgetOf(10, time.Hour)
	p.Limits.SendAddress = []challenge.Rate{{N: 1, Per: time.Hour}}
	g := w.gate(challenge.GateOptions{Policy: p})
	w.browser(g).mailed(ana)
	for range 20 {
		if _, err := w.browser(g).ask(ana); limitOf(err) != challenge.LimitSendAddress {
			t.Fatalf("Begin = %v, want the limit of the address", err)
		}
	}
	for n := range 4 {
		w.browser(g).mailed(someone(n))
	}
}

// A deafStore does not take what is mailed into account until it hears again.
type deafStore struct {
	*probe
	deaf    atomic.Bool
	refused atomic.Int32
}

func (s *deafStore) Update(ctx context.Context, key string, edit func([]byte, time.Time) ([]byte, time.Duration, error)) error {
	if key == "budget" && s.deaf.Load() {
		s.refused.Add(1)
		return errDown
	}
	return s.probe.Update(ctx, key, edit)
}

// What the shared record could not be told is told later.
func TestRL05TheBudgetIsKeptWhileTheStoreDoesNotTakeIt(t *testing.T) {
	c := newClock()
	store := &deafStore{probe: newProbe(c)}
	store.deaf.Store(true)
	w := newWorldOn(t, c, store)
	policy := budgetOf(10, time.Hour)
	g := w.gate(challenge.GateOptions{Policy: policy})
	for n := range 5 {
		w.browser(g).mailed(someone(n))
	}
	before := store.refused.Load()
	waitFor(t, func() bool { return store.refused.Load() >= before+2 }) // the second of them had all five
	store.deaf.Store(false)
	w.house.Close()
	g = w.gateOf(w.machine(), challenge.GateOptions{Policy: policy})
	if _, err := w.browser(g).ask(someone(5)); limitOf(err) != challenge.LimitSendTotal {
		t.Errorf("mail 6, on another machine: Begin = %v, want the limit of all mail", err)
	}
}

// Otherwise a visitor who is refused for what others mailed would pay for it.
func TestRL05ARefusalForAllMailCostsTheNetworkNothing(t *testing.T) {
	w := newWorld(t)
	p := budgetOf(2, time.Hour) // of which strangers have one
	p.Limits.SendIP = []challenge.Rate{{N: 2, Per: time.Hour}}
	g := w.gate(challenge.GateOptions{Policy: p})
	w.browser(g).mailed(someone(0))
	b := w.browser(g)
	for n := range 5 {
		if _, err := b.ask(ana); limitOf(err) != challenge.LimitSendTotal {
			t.Fatalf("time %d: Begin = %v, want the limit of all mail", n+1, err)
		}
	}
}
