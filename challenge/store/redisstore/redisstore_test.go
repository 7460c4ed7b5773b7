// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/challenge/store/storetest"
)

func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // of the proxy that makes networks bad
	// The proxy forgets a goroutine of its own when a slicer ends amid a piece.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"))
}

func TestContract(t *testing.T) {
	t.Run("one server", func(t *testing.T) {
		contract(t, redisstore.Options{Addrs: []string{redistest.Start(t).Addr}})
	})
	t.Run("sentinels", func(t *testing.T) {
		master := redistest.Start(t)
		redistest.Replica(t, master)
		contract(t, redisstore.Options{
			Addrs:      redistest.Addrs(redistest.Sentinels(t, master, 3)),
			MasterName: redistest.MasterName,
		})
	})
	t.Run("cluster", func(t *testing.T) {
		contract(t, redisstore.Options{
			Addrs:   redistest.Addrs(redistest.Cluster(t, 3, false)[:1]),
			Cluster: true,
		})
	})
}

// tenants counts prefixes, so that tests share a server.
var tenants atomic.Int64

func newPrefix() string { return fmt.Sprintf("tenant-%d?*[a]\\:", tenants.Add(1)) }

func contract(t *testing.T, o redisstore.Options) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		c, o := newClock(t), o
		o.Prefix, o.Timeout = newPrefix(), slowMachine
		s := c.attach(open(t, o))
		return storetest.Opener{Store: s, Advance: c.advance, Tick: time.Millisecond, Reopen: func() challenge.Store {
			if err := s.Close(); err != nil {
				t.Fatalf("Close = %v", err)
			}
			s = c.attach(open(t, o))
			return s
		}}
	})
}

// slowMachine is a timeout that a busy machine does not meet by being busy.
const slowMachine = 20 * time.Second

// open opens a store and closes it when the test ends, or before.
func open(t testing.TB, o redisstore.Options) *redisstore.Store {
	t.Helper()
	s, err := redisstore.Open(o)
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

// openAt opens a store on one server, under a prefix of its own.
func openAt(t testing.TB, s *redistest.Server) *redisstore.Store {
	t.Helper()
	return open(t, redisstore.Options{Addrs: []string{s.Addr}, Prefix: newPrefix(), Timeout: slowMachine})
}

type edit = func([]byte, time.Time) ([]byte, time.Duration, error)

func set(value string, ttl time.Duration) edit {
	return func([]byte, time.Time) ([]byte, time.Duration, error) { return []byte(value), ttl, nil }
}

func remove([]byte, time.Time) ([]byte, time.Duration, error) { return nil, 0, nil }

func put(t testing.TB, s challenge.Store, key, value string, ttl time.Duration) {
	t.Helper()
	if err := s.Update(t.Context(), key, set(value, ttl)); err != nil {
		t.Errorf("Update(%q) = %v", key, err)
	}
}

func wantValue(t testing.TB, s challenge.Store, key, want string) {
	t.Helper()
	got, err := s.Get(t.Context(), key)
	if err != nil || string(got) != want {
		t.Errorf("Get(%q) = %q, %v, want %q", key, got, err, want)
	}
}

func wantMissing(t testing.TB, s challenge.Store, key string) {
	t.Helper()
	if got, err := s.Get(t.Context(), key); !errors.Is(err, challenge.ErrNotFound) {
		t.Errorf("Get(%q) = %q, %v, want ErrNotFound", key, got, err)
	}
}
