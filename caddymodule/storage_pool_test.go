// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/doorcode/caddy-doorcode/caddymodule"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

// A cupboard is a storage of somebody else's making. It counts how often it is
// opened and closed.
type cupboard struct {
	id             string
	opened, closed *atomic.Int64
	fault          error
	logger         **zap.Logger
}

func newCupboard(id string) cupboard {
	return cupboard{id: id, opened: new(atomic.Int64), closed: new(atomic.Int64), logger: new(*zap.Logger)}
}

func (c cupboard) ID() string               { return c.id }
func (c cupboard) Where() string            { return "cupboard " + c.id }
func (cupboard) GracePeriod() time.Duration { return time.Minute }
func (cupboard) Shared() bool               { return true }

func (c cupboard) OpenStore(_ context.Context, logger *zap.Logger) (challenge.Store, error) {
	if c.fault != nil {
		return nil, c.fault
	}
	*c.logger = logger
	c.opened.Add(1)
	return closing{memstore.New(memstore.Options{}), c.closed}, nil
}

type closing struct {
	challenge.Store
	closed *atomic.Int64
}

func (c closing) Close() error {
	c.closed.Add(1)
	return nil
}

func moveIn(t *testing.T, s caddymodule.Storage, secret string, logger *zap.Logger) *caddymodule.Resident {
	t.Helper()
	r, err := caddymodule.MoveIn(t.Context(), s, secret, logger)
	if err != nil {
		t.Fatalf("opening the house: %v", err)
	}
	return r
}

const otherSecret = "another-horse-battery-staple-9876543210"

// A reload opens nothing that is open, and closes nothing that is in use; what
// nobody uses any more is closed once, after the requests of the old
// configuration.
func TestAStoreIsSharedByItsID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newCupboard("pool-a"), newCupboard("pool-b")
		first := moveIn(t, a, password, zap.NewNop())
		again := moveIn(t, a, password, zap.NewNop())
		elsewhere := moveIn(t, b, password, zap.NewNop())
		if !first.SharesHouse(again) || first.SharesHouse(elsewhere) || a.opened.Load() != 1 || b.opened.Load() != 1 {
			t.Errorf("opened %d and %d times, shared: %t, with another: %t", a.opened.Load(), b.opened.Load(), first.SharesHouse(again), first.SharesHouse(elsewhere))
		}
		first.MoveOut()
		elsewhere.MoveOut()
		synctest.Wait()
		if b.closed.Load() != 0 {
			t.Error("closed at once: requests of the old configuration are still under way")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if a.closed.Load() != 0 || b.closed.Load() != 1 {
			t.Errorf("closed %d times while in use, %d times after", a.closed.Load(), b.closed.Load())
		}
		again.MoveOut()
		time.Sleep(time.Minute)
		synctest.Wait()
		if a.closed.Load() != 1 {
			t.Errorf("closed %d times", a.closed.Load())
		}
	})
}

// Another secret is another house over the same open store: a file can be opened
// once.
func TestAnotherSecretOpensNoSecondStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCupboard("pool-secrets")
		one := moveIn(t, c, password, zap.NewNop())
		two := moveIn(t, c, otherSecret, zap.NewNop())
		if one.SharesHouse(two) || c.opened.Load() != 1 {
			t.Errorf("shared: %t, opened %d times", one.SharesHouse(two), c.opened.Load())
		}
		one.MoveOut()
		two.MoveOut()
		time.Sleep(time.Minute)
		synctest.Wait()
		if c.closed.Load() != 1 {
			t.Errorf("closed %d times", c.closed.Load())
		}
	})
}

func TestAStoreThatCannotBeOpenedIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCupboard("pool-fault")
		c.fault = errors.New("no such shelf")
		if _, err := caddymodule.MoveIn(t.Context(), c, password, zap.NewNop()); !errors.Is(err, c.fault) {
			t.Errorf("opening = %v, want the fault of the storage", err)
		}
		c.fault = nil
		moveIn(t, c, password, zap.NewNop()).MoveOut()
		time.Sleep(time.Minute)
		synctest.Wait()
		if c.opened.Load() != 1 || c.closed.Load() != 1 {
			t.Errorf("opened %d and closed %d times", c.opened.Load(), c.closed.Load())
		}
	})
}

// What a store has to say goes to the log of the configuration that runs: the
// files of the one that opened it may be closed. One that failed to load is
// forgotten.
func TestAStoreWritesToTheNewestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCupboard("pool-log")
		core := make([]zapcore.Core, 3)
		logs := make([]*observer.ObservedLogs, 3)
		residents := make([]*caddymodule.Resident, 3)
		for i := range core {
			core[i], logs[i] = observer.New(zap.WarnLevel)
			residents[i] = moveIn(t, c, password, zap.New(core[i]))
		}
		say := func(want int) {
			t.Helper()
			(*c.logger).Info("nothing to worry about")
			(*c.logger).With(zap.String("server", "redis:6379")).Warn("memory is short")
			for i, log := range logs {
				entries := log.TakeAll()
				if told := len(entries) == 1; told != (i == want) {
					t.Errorf("log %d has %d entries, want the one in log %d", i, len(entries), want)
				} else if told && (entries[0].LoggerName != "doorcode.storage" || entries[0].ContextMap()["server"] != "redis:6379") {
					t.Errorf("entry = %+v", entries[0])
				}
			}
		}
		say(2)
		residents[2].MoveOut() // it failed to load
		say(1)
		residents[0].MoveOut() // the one before is over
		say(1)
		residents[1].MoveOut()
		say(-1)
		time.Sleep(time.Minute)
		synctest.Wait()
	})
}

func TestTheShortestTimeCounts(t *testing.T) {
	for _, tt := range []struct{ a, b, want time.Duration }{
		{0, 0, 0}, {time.Hour, 0, time.Hour}, {0, time.Hour, time.Hour}, {time.Hour, 2 * time.Hour, time.Hour}, {2 * time.Hour, time.Hour, time.Hour},
	} {
		if got := caddymodule.Sooner(tt.a, tt.b); got != tt.want {
			t.Errorf("Sooner(%v, %v) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}
