// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package storetest holds the contract that every [challenge.Store] keeps, as
// tests that a store's own tests run:
//
//	func TestContract(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Opener { … })
//	}
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// An Opener is one empty store under test and what a test needs around it.
// Whoever makes it closes the store when the test ends.
//
// A store with a Close method is also tested for what it does while and after
// it is closed, a [challenge.Lister] for its lists, a [challenge.Lossy] for the
// runs that it names.
type Opener struct {
	Store challenge.Store

	// Advance moves the store's time, which must not run much by itself.
	Advance func(time.Duration)

	// Tick is the smallest step of the store's time. Zero means a nanosecond.
	Tick time.Duration

	// Reopen closes the store and opens what it left behind. It is nil for a
	// store that leaves nothing.
	Reopen func() challenge.Store
}

// Run tests one store after another, each made by open for a subtest of its
// own, against the contract.
func Run(t *testing.T, open func(t *testing.T) Opener) {
	t.Helper()
	for _, c := range contract() {
		t.Run(c.name, func(t *testing.T) {
			if err := c.run(t.Context(), newSubject(open(t))); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("any sequence of calls ends as it would in a map", func(t *testing.T) {
		compareWithModel(t, newSubject(open(t)))
	})
}

// A clause is one promise of the contract. It reports instead of failing a
// test, so that the suite itself can be shown stores that break the promise.
type clause struct {
	name string
	run  func(ctx context.Context, s subject) error
}

func contract() []clause {
	var all []clause
	all = append(all, recordClauses...)
	all = append(all, editClauses...)
	all = append(all, expiryClauses...)
	all = append(all, raceClauses...)
	all = append(all, listClauses...)
	all = append(all, lossyClauses...)
	return append(all, lifeClauses...)
}

// An edit is what Update calls.
type edit = func(old []byte, now time.Time) ([]byte, time.Duration, error)

// set is an edit that stores value whatever was there.
func set(value []byte, ttl time.Duration) edit {
	return func([]byte, time.Time) ([]byte, time.Duration, error) { return value, ttl, nil }
}

type subject struct{ Opener }

func newSubject(o Opener) subject {
	if o.Tick == 0 {
		o.Tick = time.Nanosecond
	}
	return subject{o}
}

func (s subject) put(ctx context.Context, key, value string, ttl time.Duration) error {
	if err := s.Store.Update(ctx, key, set([]byte(value), ttl)); err != nil {
		return fmt.Errorf("Update(%.20q) = %w", key, err)
	}
	return nil
}

func (s subject) remove(ctx context.Context, key string) error {
	if err := s.Store.Update(ctx, key, set(nil, 0)); err != nil {
		return fmt.Errorf("removing %.20q = %w", key, err)
	}
	return nil
}

// wantValue reports a record that Get or Update sees otherwise than as value.
func (s subject) wantValue(ctx context.Context, key, value string) error {
	got, err := s.Store.Get(ctx, key)
	if err != nil || got == nil || string(got) != value {
		return fmt.Errorf("Get(%.20q) = %.40q, %v, want %.40q", key, got, err, value)
	}
	old, err := s.peek(ctx, key)
	if err != nil || old == nil || !bytes.Equal(old, got) {
		return fmt.Errorf("Update(%.20q) was given %.40q, %v, want %.40q", key, old, err, value)
	}
	return nil
}

// wantMissing reports a record that Get or Update still sees.
func (s subject) wantMissing(ctx context.Context, key string) error {
	got, err := s.Store.Get(ctx, key)
	if got != nil || !errors.Is(err, challenge.ErrNotFound) {
		return fmt.Errorf("Get(%.20q) = %.40q, %v, want nothing and ErrNotFound", key, got, err)
	}
	old, err := s.peek(ctx, key)
	if old != nil || err != nil {
		return fmt.Errorf("Update(%.20q) was given %.40q, %v, want nil", key, old, err)
	}
	return nil
}

var errPeeked = errors.New("only looking")

// peek is what an Update of key is given, by an edit that changes nothing.
func (s subject) peek(ctx context.Context, key string) (old []byte, err error) {
	err = s.Store.Update(ctx, key, func(o []byte, _ time.Time) ([]byte, time.Duration, error) {
		old = o
		return nil, 0, errPeeked
	})
	if errors.Is(err, errPeeked) {
		return old, nil
	}
	return old, fmt.Errorf("an update whose edit fails = %v, want the edit's error", err)
}
