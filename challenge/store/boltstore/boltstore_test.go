// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/storetest"
)

// TestMain also is what a child process does, see child_test.go.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role, os.Getenv(pathVariable)))
	}
	goleak.VerifyTestMain(m)
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		c := newClock()
		o := boltstore.Options{Path: newPath(t), Now: c.now}
		s := open(t, o)
		return storetest.Opener{Store: s, Advance: c.advance, Reopen: func() challenge.Store {
			if err := s.Close(); err != nil {
				t.Fatalf("Close = %v", err)
			}
			s = open(t, o)
			return s
		}}
	})
}

// A clock stands still until it is moved.
type clock struct{ nanoseconds atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.nanoseconds.Store(time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanoseconds.Load()) }
func (c *clock) advance(d time.Duration) { c.nanoseconds.Add(int64(d)) }

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "doorcode", "records.db") }

// open opens a store and closes it when the test ends, or before.
func open(t testing.TB, o boltstore.Options) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(o)
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
	return s
}

type edit = func([]byte, time.Time) ([]byte, time.Duration, error)

func set(value string, ttl time.Duration) edit {
	return func([]byte, time.Time) ([]byte, time.Duration, error) { return []byte(value), ttl, nil }
}

func put(t testing.TB, s *boltstore.Store, key, value string, ttl time.Duration) {
	t.Helper()
	if err := s.Update(t.Context(), key, set(value, ttl)); err != nil {
		t.Errorf("Update(%q) = %v", key, err)
	}
}

func wantValue(t testing.TB, s *boltstore.Store, key, want string) {
	t.Helper()
	got, err := s.Get(t.Context(), key)
	if err != nil || string(got) != want {
		t.Errorf("Get(%q) = %q, %v, want %q", key, got, err, want)
	}
}
