// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/caddymodule/telemetry"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/storetest"
)

type restorable interface {
	Restored() bool
	Settle() error
}

// faces are what a store can do besides being one.
func faces(s challenge.Store) (can [4]bool) {
	_, can[0] = s.(challenge.Lister)
	_, can[1] = s.(challenge.Lossy)
	_, can[2] = s.(challenge.Replicated)
	_, can[3] = s.(restorable)
	return can
}

// odd is a store whose every face can be put on by itself.
type odd struct {
	challenge.Store
	err error
}

func (o odd) List(context.Context, string, string, int) ([]string, error) {
	return []string{"list"}, o.err
}

func (o odd) GetRun(context.Context, string) ([]byte, string, error) {
	return []byte("get"), "run", o.err
}

func (o odd) UpdateRun(_ context.Context, _ string, edit func([]byte, time.Time, string) ([]byte, time.Duration, error)) error {
	_, _, err := edit(nil, time.Time{}, "run")
	return errors.Join(err, o.err)
}

func (o odd) Runs(context.Context) (string, error)     { return "runs", o.err }
func (o odd) Replicated(context.Context, string) error { return o.err }
func (o odd) Restored() bool                           { return true }
func (o odd) Settle() error                            { return errors.New("settle") }

type (
	lister     interface{ challenge.Lister }
	lossy      interface{ challenge.Lossy }
	replicated interface{ challenge.Replicated }
)

// What a store can do decides what a gate does: whether it waits for replicas, whether
// a copy is noticed. Measuring it changes none of that.
func TestAMeasuredStoreCanDoWhatTheStoreCan(t *testing.T) {
	memory := memstore.New(memstore.Options{})
	bolt, err := boltstore.Open(boltstore.Options{Path: t.TempDir() + "/a.db"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bolt.Close() })
	o := odd{Store: memory}
	for name, s := range map[string]challenge.Store{
		"in memory": memory, "embedded": bolt, "redis": (*redisstore.Store)(nil), "everything": o,
		"nothing": struct{ challenge.Store }{memory},
		"listed": struct {
			challenge.Store
			lister
		}{memory, o},
		"restored": struct {
			challenge.Store
			restorable
		}{memory, o},
		"lossy": struct{ lossy }{o},
		"lossy and listed": struct {
			lossy
			lister
		}{o, o},
		"replicated": struct {
			challenge.Store
			replicated
		}{memory, o},
		"lossy and replicated": struct {
			lossy
			replicated
		}{o, o},
		"replicated and restored": struct {
			challenge.Store
			replicated
			restorable
		}{memory, o, o},
	} {
		if got, want := faces(telemetry.MeasureStore(s, "test")), faces(s); got != want {
			t.Errorf("%s: lists, loses, replicates, restores: %v, want %v", name, got, want)
		}
	}
}

// What the store answers reaches whoever asked, by every face.
func TestAMeasuredStoreAnswersAsTheStoreDoes(t *testing.T) {
	ctx, fault := t.Context(), errors.New("connection refused")
	for _, want := range []error{nil, fault} {
		s := telemetry.MeasureStore(odd{Store: memstore.New(memstore.Options{}), err: want}, "test")
		keys, err := s.(challenge.Lister).List(ctx, "a", "b", 1)
		if len(keys) != 1 || keys[0] != "list" || !errors.Is(err, want) {
			t.Errorf("List: %v, %v", keys, err)
		}
		loses := s.(challenge.Lossy)
		value, run, err := loses.GetRun(ctx, "a")
		if string(value) != "get" || run != "run" || !errors.Is(err, want) {
			t.Errorf("GetRun: %s, %s, %v", value, run, err)
		}
		if runs, err := loses.Runs(ctx); runs != "runs" || !errors.Is(err, want) {
			t.Errorf("Runs: %s, %v", runs, err)
		}
		edited := ""
		err = loses.UpdateRun(ctx, "a", func(_ []byte, _ time.Time, run string) ([]byte, time.Duration, error) {
			edited = run
			return nil, 0, nil
		})
		if edited != "run" || !errors.Is(err, want) {
			t.Errorf("UpdateRun: %q, %v", edited, err)
		}
		if err := s.(challenge.Replicated).Replicated(ctx, "a"); !errors.Is(err, want) {
			t.Errorf("Replicated: %v", err)
		}
		if r := s.(restorable); !r.Restored() || r.Settle().Error() != "settle" {
			t.Error("Restored and Settle are another's")
		}
	}
}

// failing is a store that always answers with an error.
type failing struct{ error }

func (f failing) Get(context.Context, string) ([]byte, error) { return nil, f.error }

func (f failing) Update(context.Context, string, func([]byte, time.Time) ([]byte, time.Duration, error)) error {
	return f.error
}

func TestOnlyFaultsOfTheStoreAreCounted(t *testing.T) {
	_, registry := known(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	errors := func() float64 {
		all := shown(t, registry)
		return all["store_errors_total get"] + all["store_errors_total update"]
	}
	refusal := func([]byte, time.Time) ([]byte, time.Duration, error) { return nil, 0, context.DeadlineExceeded }
	memory := memstore.New(memstore.Options{})
	for _, tt := range []struct {
		name  string
		store challenge.Store
		ctx   context.Context
		want  float64
	}{
		{"a fault", failing{context.DeadlineExceeded}, t.Context(), 2},
		{"a fault for a visitor who went away", failing{context.Canceled}, gone, 0},
		{"no record, and an edit that refuses", memory, t.Context(), 0},
	} {
		s, before := telemetry.MeasureStore(tt.store, "test"), errors()
		took := shown(t, registry)["store_seconds test get"]
		_, _ = s.Get(tt.ctx, "a")
		_ = s.Update(tt.ctx, "a", refusal)
		if got := errors() - before; got != tt.want {
			t.Errorf("%s counts as %v, want %v", tt.name, got, tt.want)
		}
		if got := shown(t, registry)["store_seconds test get"] - took; got != 1 {
			t.Errorf("%s: %v reads were measured", tt.name, got)
		}
	}
}

// The contract of stores holds through the measuring.
func TestContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Opener {
		var passed atomic.Int64
		began := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
		s := memstore.New(memstore.Options{Now: func() time.Time { return began.Add(time.Duration(passed.Load())) }})
		return storetest.Opener{Store: telemetry.MeasureStore(s, "test"), Advance: func(d time.Duration) { passed.Add(int64(d)) }}
	})
}
