// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package memstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/storetest"
)

// A clock stands still until it is moved.
type clock struct{ nanoseconds atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.nanoseconds.Store(time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanoseconds.Load()) }
func (c *clock) advance(d time.Duration) { c.nanoseconds.Add(int64(d)) }

func TestContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Opener {
		c := newClock()
		return storetest.Opener{Store: memstore.New(memstore.Options{Now: c.now}), Advance: c.advance}
	})
}

func TestTheClockIsTimeNowUnlessSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Options{})
		if err := s.Update(t.Context(), "a", keep(time.Minute)); err != nil {
			t.Fatalf("Update = %v", err)
		}
		<-time.After(time.Minute)
		if got, err := s.Get(t.Context(), "a"); err == nil {
			t.Errorf("Get = %q after its time, want ErrNotFound", got)
		}
	})
}

// Strangers can start any number of challenges: those that ended must not pile
// up in memory, although nothing ever asks for them again.
func TestExpiredRecordsDoNotPileUp(t *testing.T) {
	c := newClock()
	s := memstore.New(memstore.Options{Now: c.now})
	for i := range 20_000 {
		if err := s.Update(t.Context(), fmt.Sprintf("challenge/%d", i), keep(time.Second)); err != nil {
			t.Fatalf("Update = %v", err)
		}
		c.advance(10 * time.Millisecond)
	}
	if n := s.Len(); n > 1_000 {
		t.Errorf("%d records are held, of which 100 are live; want under 1000", n)
	}
}

func keep(ttl time.Duration) func([]byte, time.Time) ([]byte, time.Duration, error) {
	return func([]byte, time.Time) ([]byte, time.Duration, error) { return []byte("x"), ttl, nil }
}
