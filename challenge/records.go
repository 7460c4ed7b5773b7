// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"
)

// records are the store as a house uses it: what is read from it, or is about to
// be changed, has first forgotten what must not come back, see [mortal].
type records struct {
	Store
	lossy Lossy        // the same store; nil where nothing that was acknowledged is lost
	epoch atomic.Int64 // as read last, see endRing
	// The last evictions of everybody, as read last.
	evictedSessions, evictedBrowsers atomic.Int64

	fault atomic.Pointer[writeFault] // of the last update that was not kept
	clock func() time.Time
}

// A writeFault is an update that the store did not take. A full disk still takes small
// ones, for which there is room among the old: one that was kept says nothing yet.
type writeFault struct {
	err  error
	at   time.Time
	over atomic.Bool // an update was kept since
}

// faultShows is for how long a fault of writing is told of at the least.
const faultShows = time.Minute

// writeFault is why the store cannot be relied on to take updates, nil if it can.
func (r *records) writeFault() error {
	f := r.fault.Load()
	if f == nil || f.over.Load() && r.clock().Sub(f.at) >= faultShows {
		return nil
	}
	return f.err
}

func newRecords(s Store) *records {
	r := &records{Store: s, clock: time.Now}
	r.lossy, _ = s.(Lossy)
	return r
}

// A life is a stretch of time through which a store lost nothing that matters to
// a record, and revived nothing.
type life struct {
	run     string // see Lossy
	epoch   int64  // see endRing
	evicted eviction
}

// now is the life that the store is in, but for its run.
func (r *records) now() life { return life{epoch: r.epoch.Load(), evicted: r.evicted()} }

// A mortal record was made in one life of the store. Found in another, it may be
// as it was some time ago: what is in it may have been used up or ended since, and
// must not be used again.
type mortal interface{ settle(now life) }

// A runner is a mortal record that does not outlive a run either.
type runner interface {
	mortal
	ofRun()
}

// lookUp gets a record, and the life in which that happens.
func (r *records) lookUp(ctx context.Context, key string, record any) (raw []byte, now life, err error) {
	if _, runs := record.(runner); runs && r.lossy != nil {
		raw, now.run, err = r.lossy.GetRun(ctx, key)
	} else {
		raw, err = r.Get(ctx, key)
	}
	run := now.run
	now = r.now()
	now.run = run
	return raw, now, err
}

// replace updates a record, telling edit of the life in which that happens, and
// notes whether the store takes updates.
func (r *records) replace(ctx context.Context, key string, record any, edit func(old []byte, now time.Time, in life) ([]byte, time.Duration, error)) error {
	var refused error // by edit, which says nothing of the store
	err := r.update(ctx, key, record, func(old []byte, now time.Time, in life) (_ []byte, _ time.Duration, err error) {
		value, ttl, err := edit(old, now, in)
		refused = err
		return value, ttl, err
	})
	switch {
	case err == nil:
		if f := r.fault.Load(); f != nil {
			f.over.Store(true)
		}
	case refused != nil:
		return err
	case ctx.Err() == nil:
		r.fault.Store(&writeFault{err: err, at: r.clock()})
	}
	if err != nil {
		err = &storeFault{err}
	}
	return err
}

// A storeFault is an error of the store and not of the edit that it ran. What the
// edit made may have been kept all the same.
type storeFault struct{ error }

// Unwrap returns what the store said.
func (f *storeFault) Unwrap() error { return f.error }

func (r *records) update(ctx context.Context, key string, record any, edit func(old []byte, now time.Time, in life) ([]byte, time.Duration, error)) error {
	if _, runs := record.(runner); runs && r.lossy != nil {
		return r.lossy.UpdateRun(ctx, key, func(old []byte, now time.Time, run string) ([]byte, time.Duration, error) {
			in := r.now()
			in.run = run
			return edit(old, now, in)
		})
	}
	return r.Update(ctx, key, func(old []byte, now time.Time) ([]byte, time.Duration, error) {
		return edit(old, now, r.now())
	})
}

// errUnchanged is how an edit leaves a record as it is.
var errUnchanged = errors.New("nothing to write")

// kept is the error of an update that may leave a record as it is.
func kept(err error) error {
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// read loads the record under key into T; a missing record is T's zero value.
func read[T any](ctx context.Context, r *records, key string) (T, error) {
	var record T
	raw, now, err := r.lookUp(ctx, key, &record)
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	if err == nil {
		err = decode(raw, &record)
	}
	if err != nil {
		return record, err
	}
	settle(&record, now)
	return record, nil
}

// A dated record holds when it ends: one that stays the same ends at the same time, and
// need not be written again.
type dated interface{ dated() }

// errSame ends an update that would write a dated record as it is. An edit that says so
// itself, by errUnchanged, wants to know.
var errSame = errors.New("record stays the same")

// change runs edit on the record under key and keeps what it left. The record
// lives for as long as its own lives method says; zero removes it.
func change[T any, P interface {
	*T
	lives(now time.Time) time.Duration
}](ctx context.Context, r *records, key string, edit func(record P, now time.Time) error) error {
	kind := any(P(new(T)))
	_, isDated := kind.(dated)
	err := r.replace(ctx, key, kind, func(old []byte, now time.Time, in life) ([]byte, time.Duration, error) {
		var record T
		if err := decode(old, &record); err != nil {
			return nil, 0, err
		}
		settle(&record, in)
		if err := edit(&record, now); err != nil {
			return nil, 0, err
		}
		ttl := P(&record).lives(now)
		if ttl <= 0 {
			return nil, 0, nil
		}
		raw, err := json.Marshal(&record)
		if err == nil && isDated && bytes.Equal(raw, old) {
			err = errSame
		}
		return raw, ttl, err
	})
	if errors.Is(err, errSame) {
		return nil
	}
	return err
}

// errFailedOver reports a server that gave way to another one while an update was
// being confirmed.
var errFailedOver = errors.New("the server of the store failed over meanwhile")

// confirmed is change for what must not be undone by a failover: where the store has
// replicas, one of them has it too, or the update counts as failed.
func (r *records) confirmed(ctx context.Context, key string, edit func(b *belongings, now time.Time) error) error {
	s, replicated := r.Store.(Replicated)
	before, err := "", error(nil)
	if replicated && r.lossy != nil {
		if before, err = r.runOf(ctx, key); err != nil {
			return &storeFault{err}
		}
	}
	if err := change(ctx, r, key, edit); err != nil || !replicated {
		return err
	}
	if err := s.Replicated(ctx, key); err != nil {
		return &storeFault{err}
	}
	if r.lossy == nil {
		return nil
	}
	after, err := r.runOf(ctx, key)
	if err == nil && after != before { // a new server confirms what it has, which may be without the update
		err = errFailedOver
	}
	if err != nil {
		return &storeFault{err}
	}
	return nil
}

// runOf is the run of the server that keeps a record.
func (r *records) runOf(ctx context.Context, key string) (string, error) {
	_, run, err := r.lossy.GetRun(ctx, key)
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return run, err
}

func settle(record any, now life) {
	if m, ok := record.(mortal); ok {
		m.settle(now)
	}
}
