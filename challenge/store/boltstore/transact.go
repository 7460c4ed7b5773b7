// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"bytes"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// sweepRecords bounds one transaction of the sweep: Updates wait for it.
const sweepRecords = 256

// transact runs change in a transaction and commits it if that changed
// anything. It belongs to the writer.
func (s *Store) transact(change func(tx *bolt.Tx) (changed bool, err error)) error {
	if s.damage != nil {
		return s.damage
	}
	err := s.attempt(change)
	if errors.Is(err, ErrUnreadable) {
		s.damage = err
	}
	return err
}

func (s *Store) attempt(change func(tx *bolt.Tx) (changed bool, err error)) (err error) {
	defer recoverDamage(&err)()
	tx, err := s.db.Begin(true)
	if err != nil {
		return fmt.Errorf("beginning transaction: %w", err)
	}
	defer s.end(tx)
	changed, err := change(tx)
	if err != nil || !changed && !s.unproven {
		return err
	}
	if err := s.witness.before(tx); err != nil {
		return err
	}
	s.unproven = true
	txid := uint64(tx.ID())
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("committing transaction: %w", err)
	}
	if err := s.witness.after(txid); err != nil {
		return err
	}
	s.unproven = false
	return nil
}

// end gives up a transaction that was not committed. Where a damaged file does
// not even allow that, the write lock stays taken and Close must not wait.
func (s *Store) end(tx *bolt.Tx) {
	defer func() {
		if recover() != nil {
			s.stuck = true
		}
	}()
	_ = tx.Rollback() // of a committed transaction is nothing
}

// settle commits a token that the witness then vouches for. Killed between the
// two, the file is still one that was put back.
func (s *Store) settle() error {
	if !s.witness.restored.Load() {
		return nil
	}
	s.witness.settling = true
	defer func() { s.witness.settling = false }()
	err := s.transact(func(*bolt.Tx) (changed bool, err error) { return true, nil })
	if err != nil {
		return fmt.Errorf("settling store: %w", err)
	}
	return nil
}

// sweepSome removes some expired records and reports whether there are more.
// After an error it rests: the disk that refuses the sweep refuses Updates
// too, and those tell.
func (s *Store) sweepSome() (more bool) {
	err := s.transact(func(tx *bolt.Tx) (changed bool, err error) {
		entries := expiredEntries(tx, s.now().UnixNano())
		for _, entry := range entries {
			if err := sweepEntry(tx, entry); err != nil {
				return false, err
			}
		}
		more = len(entries) == sweepRecords
		return len(entries) > 0, nil
	})
	return more && err == nil
}

// expiredEntries are the first entries of the index that have ended by now.
func expiredEntries(tx *bolt.Tx, now int64) (entries [][]byte) {
	end := expiryKey(now+1, nil)
	c := tx.Bucket(expiryBucket).Cursor()
	for entry, _ := c.First(); entry != nil && len(entries) < sweepRecords; entry, _ = c.Next() {
		if bytes.Compare(entry, end) >= 0 {
			break
		}
		entries = append(entries, bytes.Clone(entry))
	}
	return entries
}

// sweepEntry removes an entry of the index and the record that it is about.
func sweepEntry(tx *bolt.Tx, entry []byte) error {
	if err := tx.Bucket(expiryBucket).Delete(entry); err != nil {
		return fmt.Errorf("sweeping index: %w", err)
	}
	expires, key, err := decodeExpiryKey(entry)
	if err != nil {
		return nil // an entry about nothing
	}
	records := tx.Bucket(recordsBucket)
	r, err := decodeRecord(records.Get(key))
	if err != nil || r.expires != expires {
		return nil // the record has another end by now, or is not there
	}
	if err := records.Delete(key); err != nil {
		return fmt.Errorf("sweeping record: %w", err)
	}
	return nil
}
