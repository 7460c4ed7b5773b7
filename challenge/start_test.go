// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

// A ledger is a store that writes down everything that is asked of it.
type ledger struct {
	*memstore.Store
	mu    sync.Mutex // guards below
	calls []string
}

func (l *ledger) note(call string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, call)
}

func (l *ledger) Get(ctx context.Context, key string) ([]byte, error) {
	l.note("get " + key)
	return l.Store.Get(ctx, key)
}

func (l *ledger) Update(ctx context.Context, key string, edit func([]byte, time.Time) ([]byte, time.Duration, error)) error {
	l.note("update " + key)
	return l.Store.Update(ctx, key, edit)
}

func (l *ledger) List(ctx context.Context, prefix, after string, n int) ([]string, error) {
	l.note("list " + prefix)
	return l.Store.List(ctx, prefix, after, n)
}

// take returns what was asked since the last time, each thing once: some of it is
// asked again twice a second.
func (l *ledger) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() { l.calls = nil }()
	slices.Sort(l.calls)
	return slices.Compact(l.calls)
}

// byTheClock is what a house asks again and again, also between two steps of a test.
var byTheClock = []string{"get budget", "get ended", "get keys"}

func besidesTheClock(calls []string) []string {
	return slices.DeleteFunc(slices.Clone(calls), func(call string) bool { return slices.Contains(byTheClock, call) })
}

// Start and reload ask the store the same, however many people there are in it: none
// of them walks over people.
func TestStartAndReloadAskTheSameHoweverManyPeopleThereAre(t *testing.T) {
	asked := func(people int) (start, reload []string) {
		c := newClock()
		store := &ledger{Store: memstore.New(memstore.Options{Now: c.now})}
		w := newWorldOn(t, c, store)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
		multiply(t, store.Store, people)
		store.take()
		house := w.machine()
		g := w.gateOf(house, challenge.GateOptions{})
		start = store.take()
		b.gate = g
		b.wantPass("after the start")
		store.take()
		b.gate = w.gateOf(house, challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
		b.wantPass("after a reload")
		return start, store.take()
	}
	start, reload := asked(0)
	manyStart, manyReload := asked(20_000)
	if !slices.Equal(besidesTheClock(start), besidesTheClock(manyStart)) || len(start) == 0 {
		t.Errorf("a start asks %q, and with many people %q", start, manyStart)
	}
	if !slices.Equal(besidesTheClock(reload), besidesTheClock(manyReload)) {
		t.Errorf("a reload asks %q, and with many people %q", reload, manyReload)
	}
	if all := strings.Join(slices.Concat(manyStart, manyReload), " "); strings.Contains(all, "person/") || strings.Contains(all, "list ") {
		t.Errorf("start and reload ask about people: %s", all)
	}
}

// multiply copies the one person of a store.
func multiply(t *testing.T, store *memstore.Store, people int) {
	t.Helper()
	keys, err := store.List(t.Context(), "person/", "", 1)
	if err != nil || len(keys) == 0 {
		t.Fatalf("there is nobody in the store: %v", err)
	}
	record, err := store.Get(t.Context(), keys[0])
	if err != nil {
		t.Fatal(err)
	}
	for n := range people {
		err := store.Update(t.Context(), fmt.Sprintf("person/%022d", n), func([]byte, time.Time) ([]byte, time.Duration, error) {
			return record, 12 * time.Hour, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
