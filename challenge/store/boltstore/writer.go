// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	// batchUpdates and batchBytes bound one transaction: how long the first
	// Update in it waits for the others, and the memory it takes.
	batchUpdates = 512
	batchBytes   = 8 << 20

	sweepInterval = time.Minute
)

// errUnfinished answers the Updates of a transaction that was left half-way,
// by an edit that ended the goroutine it was called in.
var errUnfinished = errors.New("update was left unfinished")

// An update is a call of Update on its way through the writer.
type update struct {
	key  []byte
	edit func(old []byte, now time.Time) ([]byte, time.Duration, error)
	err  error // its own result, true once the transaction succeeded
	done chan error
}

// write owns all writing until the store closes.
func (s *Store) write() {
	ended := false
	defer func() {
		if !ended {
			go s.write() // an edit ended this goroutine; the store goes on
			return
		}
		close(s.stopped)
	}()
	minute := time.NewTicker(sweepInterval)
	defer minute.Stop()
	ready := make(chan struct{})
	close(ready)
	var sweeping chan struct{} // ready while there is more to sweep, else nil
	for {
		select {
		case <-s.closing:
			ended = true
			return
		case u := <-s.queue:
			for batch := s.collect(u); len(batch) > 0; {
				batch = batch[s.commit(batch):]
			}
		case done := <-s.settling:
			done <- s.settle()
		case <-minute.C:
			sweeping = ready
		case <-sweeping:
			if !s.sweepSome() {
				sweeping = nil
			}
		}
	}
}

// collect takes the Updates that wait by now. It never waits for more: those
// that come while the disk works are the next batch.
func (s *Store) collect(first *update) []*update {
	batch := []*update{first}
	for len(batch) < batchUpdates {
		select {
		case u := <-s.queue:
			batch = append(batch, u)
		default:
			return batch
		}
	}
	return batch
}

// commit runs the first Updates of batch in one transaction and answers them.
// It returns how many they were.
func (s *Store) commit(batch []*update) (n int) {
	err := errUnfinished
	defer func() {
		if errors.Is(err, errUnfinished) {
			n = len(batch)
		}
		for _, u := range batch[:n] {
			if err != nil {
				u.err = err
			}
			u.done <- u.err
		}
	}()
	err = s.transact(func(tx *bolt.Tx) (changed bool, err error) {
		now, size := s.now(), 0
		for n < len(batch) && size < batchBytes {
			u := batch[n]
			n++
			written, err := u.run(tx, now)
			if err != nil {
				return false, err
			}
			size += written
		}
		return size > 0, nil
	})
	if n == 0 {
		n = len(batch) // the transaction did not even begin
	}
	return n
}

// run edits one record in tx. It returns how many bytes that wrote, zero for
// none, and an error only where the transaction cannot go on.
func (u *update) run(tx *bolt.Tx, now time.Time) (written int, err error) {
	records := tx.Bucket(recordsBucket)
	raw := records.Get(u.key)
	var stored record
	var old []byte
	if raw != nil {
		if stored, u.err = decodeRecord(raw); u.err != nil {
			return 0, nil
		}
		if stored.live(now) {
			old = bytes.Clone(stored.value)
		}
	}
	value, ttl, err := safely(u.edit, old, now)
	if err == nil && len(value) > maxValue {
		err = fmt.Errorf("a record of %d bytes is over the limit of %d", len(value), maxValue)
	}
	if u.err = err; err != nil {
		return 0, nil
	}
	next := record{expires: expiry(now, ttl), value: value}
	switch {
	case value == nil && raw == nil:
		return 0, nil
	case value != nil && raw != nil && next.expires == stored.expires && bytes.Equal(value, stored.value):
		return 0, nil
	}
	return len(u.key) + timeSize + len(value), replace(tx, u.key, stored.expires, next)
}

// replace puts next in the place of a record that ended at expires; a nil
// value leaves nothing there. The index of what ends when follows.
func replace(tx *bolt.Tx, key []byte, expires int64, next record) error {
	records, index := tx.Bucket(recordsBucket), tx.Bucket(expiryBucket)
	if expires != 0 && (next.value == nil || next.expires != expires) {
		if err := index.Delete(expiryKey(expires, key)); err != nil {
			return fmt.Errorf("indexing record: %w", err)
		}
	}
	if next.value == nil {
		if err := records.Delete(key); err != nil {
			return fmt.Errorf("removing record: %w", err)
		}
		return nil
	}
	if next.expires != 0 && next.expires != expires {
		if err := index.Put(expiryKey(next.expires, key), nil); err != nil {
			return fmt.Errorf("indexing record: %w", err)
		}
	}
	if err := records.Put(key, next.encode()); err != nil {
		return fmt.Errorf("storing record: %w", err)
	}
	return nil
}

// safely turns a panic of edit into an error, so that one bad record cannot
// take down the process and the other visitors with it.
func safely(edit func([]byte, time.Time) ([]byte, time.Duration, error), old []byte, now time.Time,
) (value []byte, ttl time.Duration, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("editing record: panic: %v", p)
		}
	}()
	return edit(old, now)
}
