// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package boltstore keeps records in one file on this machine, with no server
// beside it.
//
// # What it promises
//
// Once Update returned nil, the change survives a kill of the process. A file
// has one process at a time; a reload inside that process must share the
// Store, since opening the file a second time waits and then fails.
//
// # How it writes
//
// One goroutine writes. It takes every Update that waits, runs their edits one
// after another in one transaction, and answers them all after one sync of the
// disk: the busier the store, the less an Update costs (see the benchmark). An
// edit that fails or panics leaves its own record alone and disturbs no other
// one. When the disk refuses the transaction, or the witness below, every Update
// in it returns that error and none is acknowledged, although a Get may see it;
// the next one tries anew.
//
// An Update that leaves value and end as they were waits for no disk. An edit
// gets that for a record with an end of its own by returning what is left
// until that end as the ttl.
//
// # A file that was put back
//
// A copy of the file that takes its place again would bring back what was
// ended or used up since. A small file beside it, with .witness after its
// name, tells the two apart: [Store.Restored] reports a copy that was made
// with Backup or by hand, in use or not, an older file, and a file from another
// machine. It cannot see that both files were put back together, as a snapshot
// of the whole machine or folder does: after that, run
// `caddy doorcode storage restored`. To move a store, move both files; without
// its witness it counts as a copy.
package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A Store keeps records in one file. It is a [challenge.Store] and a
// [challenge.Lister].
//
// Any method may return [ErrUnreadable] when the file turns out to be damaged.
// After damage met while writing, every Update returns it until the file has
// been replaced and opened again: writing on could spread the damage.
type Store struct {
	path   string
	db     *bolt.DB
	now    func() time.Time
	copied bool // what Restored says where there is no witness

	queue    chan *update
	settling chan chan error
	closing  chan struct{} // closed by Close
	stopped  chan struct{} // closed by the writer at its end

	backups sync.Mutex // held by Backup

	closeOnce sync.Once
	closeErr  error

	witness *witness // nil where the file is only read; what is in it is the writer's

	// The fields below belong to the writer.

	// unproven is set while the last commit failed. What that commit wrote may
	// be visible without being on the disk, so that nothing is acknowledged
	// on the strength of it before another commit succeeded.
	unproven bool
	damage   error // why nothing is written any more
	stuck    bool  // a transaction could not be ended; closing would wait for it
}

// Get returns a copy of the live record under key. It returns
// [challenge.ErrNotFound] where there is none and [challenge.ErrClosed] after
// Close.
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	if err := check(ctx, key); err != nil {
		return nil, err
	}
	var value []byte
	err := s.view(func(tx *bolt.Tx) error {
		raw := tx.Bucket(recordsBucket).Get([]byte(key))
		if raw == nil {
			return challenge.ErrNotFound
		}
		r, err := decodeRecord(raw)
		if err != nil {
			return err
		}
		if !r.live(s.now()) {
			return challenge.ErrNotFound
		}
		value = bytes.Clone(r.value)
		return nil
	})
	return value, err
}

// Update replaces the record under key with what edit returns, and returns nil
// once that is on the disk. It returns the error of edit, or the context's
// while the Update still waits for its turn, or [challenge.ErrClosed], and
// then nothing has changed. A panic in edit becomes an error. edit runs in
// another goroutine, holds up every other Update, and must not call Update.
func (s *Store) Update(ctx context.Context, key string,
	edit func(old []byte, now time.Time) ([]byte, time.Duration, error),
) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	if s.witness == nil {
		return ErrReadOnly
	}
	u := &update{key: []byte(key), edit: edit, done: make(chan error, 1)}
	select {
	case s.queue <- u:
		// From here on edit runs: returning before it ended would leave it
		// writing to variables of a caller who has gone on.
		return <-u.done
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return challenge.ErrClosed
	}
}

// List returns at most n keys that start with prefix and follow after, in the
// order of their bytes.
func (s *Store) List(ctx context.Context, prefix, after string, n int) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var keys []string
	err := s.view(func(tx *bolt.Tx) error {
		now, c := s.now(), tx.Bucket(recordsBucket).Cursor()
		for k, raw := c.Seek([]byte(max(prefix, after))); len(keys) < n; k, raw = c.Next() {
			if k == nil || !bytes.HasPrefix(k, []byte(prefix)) {
				return nil
			}
			r, err := decodeRecord(raw)
			if err != nil {
				return err
			}
			if r.live(now) && string(k) > after {
				keys = append(keys, string(k))
			}
		}
		return nil
	})
	return keys, err
}

// Restored reports that the file is not the one that was closed, or left by a
// kill, here last. Nobody who signed out since may come back by it, and no code
// be used a second time: that is up to the caller, who calls Settle when it is
// seen to. Until then the file stays Restored, however often it is opened.
func (s *Store) Restored() bool {
	if s.witness == nil {
		return s.copied
	}
	return s.witness.restored.Load()
}

// Settle makes a file that is Restored the one of this place, for good once it
// returned nil. It does nothing for another one, and returns [ErrReadOnly],
// [challenge.ErrClosed], or what the disk had against it.
func (s *Store) Settle() error {
	if s.witness == nil {
		return ErrReadOnly
	}
	done := make(chan error, 1)
	select {
	case s.settling <- done:
		return <-done
	case <-s.closing:
		return challenge.ErrClosed
	}
}

// Close ends the Updates that have begun, refuses later ones, and gives the
// file free. Closing again returns what the first time did.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		close(s.closing)
		<-s.stopped
		if s.stuck {
			s.closeErr = s.damage
			return
		}
		if err := errors.Join(s.witness.close(), s.db.Close()); err != nil {
			s.closeErr = fmt.Errorf("closing store: %w", err)
		}
	})
	return s.closeErr
}

// view runs read in a transaction of its own.
func (s *Store) view(read func(tx *bolt.Tx) error) error {
	select {
	case <-s.closing:
		return challenge.ErrClosed
	default:
	}
	return orClosed(viewFile(s.db, read))
}

func orClosed(err error) error {
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return challenge.ErrClosed
	}
	return err
}

func viewFile(db *bolt.DB, read func(tx *bolt.Tx) error) (err error) {
	defer recoverDamage(&err)()
	return db.View(read)
}

// recoverDamage turns a panic over a damaged file into [ErrUnreadable]. The
// file is mapped into memory: where it was cut short, reading it faults.
func recoverDamage(err *error) func() {
	faults := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(faults)
		if p := recover(); p != nil {
			*err = fmt.Errorf("%w: %v", ErrUnreadable, p)
		}
	}
}

func check(ctx context.Context, key string) error {
	if key == "" || len(key) > maxKey {
		return fmt.Errorf("a key has 1 to %d bytes, not %d", maxKey, len(key))
	}
	return ctx.Err()
}

var (
	_ challenge.Store  = (*Store)(nil)
	_ challenge.Lister = (*Store)(nil)
)
