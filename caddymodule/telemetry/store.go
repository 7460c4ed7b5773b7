// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A storeOp is what a store is asked to do.
type storeOp int

const (
	opGet storeOp = iota
	opUpdate
	opList
	opRuns
	opReplicated
	storeOps
)

// String is the label of the operation.
func (o storeOp) String() string {
	return [...]string{"get", "update", "list", "runs", "replicated"}[o]
}

// A restorable store notices that it was put back from a copy.
type restorable interface {
	Restored() bool
	Settle() error
}

// MeasureStore measures how long a store takes to answer, and counts what it cannot
// do. backend is its kind, such as redis. What it returns can do what the store can of
// challenge.Lister, challenge.Lossy, challenge.Replicated and being restored from a
// copy, and nothing else.
func MeasureStore(store challenge.Store, backend string) challenge.Store {
	m := &measured{Store: store}
	for op := range storeOps {
		m.seconds[op] = storeSeconds.WithLabelValues(op.String(), backend)
		m.failures[op] = storeErrorsTotal.WithLabelValues(op.String())
	}
	can, f := 0, faces{measured: m}
	if l, ok := store.(challenge.Lister); ok {
		can, f.lister = can|1, lister{m, l}
	}
	if l, ok := store.(challenge.Lossy); ok {
		can, f.lossy = can|2, lossy{m, l}
	}
	if r, ok := store.(challenge.Replicated); ok {
		can, f.replicated = can|4, replicated{m, r}
	}
	if r, ok := store.(restorable); ok {
		can, f.restorable = can|8, r
	}
	return worn[can](f)
}

// faces are what a store can be besides a Store.
type faces struct {
	*measured
	lister
	lossy
	replicated
	restorable
}

// worn puts those faces on that a store has, by the bits of MeasureStore: whoever asks
// a store what it can do must get the answer of the one that is measured.
var worn = [16]func(faces) challenge.Store{
	func(f faces) challenge.Store { return f.measured },
	func(f faces) challenge.Store {
		return struct {
			*measured
			lister
		}{f.measured, f.lister}
	},
	func(f faces) challenge.Store {
		return struct {
			*measured
			lossy
		}{f.measured, f.lossy}
	},
	func(f faces) challenge.Store {
		return struct {
			*measured
			lister
			lossy
		}{f.measured, f.lister, f.lossy}
	},
	func(f faces) challenge.Store {
		return struct {
			*measured
			replicated
		}{f.measured, f.replicated}
	},
	func(f faces) challenge.Store {
		return struct {
			*measured
			lister
			replicated
		}{f.measured, f.lister, f.replicated}
	},
	func(f faces) challenge.Store {
		return struct {
			*measured
			lossy
			replicated
		}{f.measured, f.lossy, f.replicated}
	},
	func(f faces) challenge.Store {
		return struct {
			*measured
			lister
			lossy
			replicated
		}{f.measured, f.lister, f.lossy, f.replicated}
	},
	func(f faces) challenge.Store {
		return struct {
			*measured
			restorable
		}{f.measured, f.restorable}
	},
	func(f faces) challenge.Store {
		return struct {
			*measured
			lister
			restorable
		}{f.measured, f.lister, f.restorable}
	},
	func(f faces) challenge.Store {
		return struct {
			*measured
			lossy
			restorable
		}{f.measured, f.lossy, f.restorable}
	},
	func(f faces) challenge.Store {
		return struct {
			*measured
			lister
			lossy
			restorable
		}{f.measured, f.lister, f.lossy, f.restorable}
	},
	func(f faces) challenge.Store {
		return struct {
			*measured
			replicated
			restorable
		}{f.measured, f.replicated, f.restorable}
	},
	func(f faces) challenge.Store {
		return struct {
			*measured
			lister
			replicated
			restorable
		}{f.measured, f.lister, f.replicated, f.restorable}
	},
	func(f faces) challenge.Store {
		return struct {
			*measured
			lossy
			replicated
			restorable
		}{f.measured, f.lossy, f.replicated, f.restorable}
	},
	func(f faces) challenge.Store {
		return struct {
			*measured
			lister
			lossy
			replicated
			restorable
		}{f.measured, f.lister, f.lossy, f.replicated, f.restorable}
	},
}

// measured is a Store that is measured.
type measured struct {
	challenge.Store
	seconds  [storeOps]prometheus.Observer
	failures [storeOps]prometheus.Counter
}

// done measures one operation. refused is what the caller's own edit made of it, which
// says nothing of the store; neither does a visitor who went away.
func (m *measured) done(ctx context.Context, op storeOp, began time.Time, err, refused error) {
	m.seconds[op].Observe(time.Since(began).Seconds())
	if err == nil || refused != nil || errors.Is(err, challenge.ErrNotFound) || errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	m.failures[op].Inc()
}

// Get measures Get.
func (m *measured) Get(ctx context.Context, key string) ([]byte, error) {
	began := time.Now()
	value, err := m.Store.Get(ctx, key)
	m.done(ctx, opGet, began, err, nil)
	return value, err
}

// Update measures Update.
func (m *measured) Update(ctx context.Context, key string, edit func(old []byte, now time.Time) ([]byte, time.Duration, error)) error {
	began, refused := time.Now(), error(nil)
	err := m.Store.Update(ctx, key, func(old []byte, now time.Time) (_ []byte, _ time.Duration, err error) {
		value, ttl, err := edit(old, now)
		refused = err
		return value, ttl, err
	})
	m.done(ctx, opUpdate, began, err, refused)
	return err
}

type lister struct {
	by    *measured
	store challenge.Lister
}

// List measures List.
func (l lister) List(ctx context.Context, prefix, after string, n int) ([]string, error) {
	began := time.Now()
	keys, err := l.store.List(ctx, prefix, after, n)
	l.by.done(ctx, opList, began, err, nil)
	return keys, err
}

type lossy struct {
	by    *measured
	store challenge.Lossy
}

// GetRun measures GetRun.
func (l lossy) GetRun(ctx context.Context, key string) ([]byte, string, error) {
	began := time.Now()
	value, run, err := l.store.GetRun(ctx, key)
	l.by.done(ctx, opGet, began, err, nil)
	return value, run, err
}

// UpdateRun measures UpdateRun.
func (l lossy) UpdateRun(ctx context.Context, key string, edit func(old []byte, now time.Time, run string) ([]byte, time.Duration, error)) error {
	began, refused := time.Now(), error(nil)
	err := l.store.UpdateRun(ctx, key, func(old []byte, now time.Time, run string) (_ []byte, _ time.Duration, err error) {
		value, ttl, err := edit(old, now, run)
		refused = err
		return value, ttl, err
	})
	l.by.done(ctx, opUpdate, began, err, refused)
	return err
}

// Runs measures Runs.
func (l lossy) Runs(ctx context.Context) (string, error) {
	began := time.Now()
	runs, err := l.store.Runs(ctx)
	l.by.done(ctx, opRuns, began, err, nil)
	return runs, err
}

type replicated struct {
	by    *measured
	store challenge.Replicated
}

// Replicated measures Replicated.
func (r replicated) Replicated(ctx context.Context, key string) error {
	began := time.Now()
	err := r.store.Replicated(ctx, key)
	r.by.done(ctx, opReplicated, began, err, nil)
	return err
}
