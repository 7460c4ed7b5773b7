// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	bolt "go.etcd.io/bbolt"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// spoolSuffix names a copy that is being made. What a kill leaves of one goes
// with the next Open.
const spoolSuffix = ".spool"

// Backup writes a copy of the file, as it is at one moment while the store is
// in use, and returns its size in bytes. The copy says of itself that it is
// one: whatever Store opens it is [Store.Restored].
//
// It first takes the copy in the file's own folder, where there must be room
// for it, and then writes from there: a reader of w that is slow, or stops,
// holds up no Update. It takes little memory; one Backup runs at a time.
func (s *Store) Backup(w io.Writer) (n int64, err error) {
	if s.witness == nil {
		return 0, fmt.Errorf("backing up store: %w", ErrReadOnly)
	}
	s.backups.Lock()
	defer s.backups.Unlock()
	select {
	case <-s.closing:
		return 0, challenge.ErrClosed
	default:
	}
	spool := s.path + spoolSuffix
	defer func() { err = errors.Join(err, remove(spool)) }()
	if err := copyFile(s.db, spool); err != nil {
		return 0, fmt.Errorf("backing up store: %w", orClosed(err))
	}
	if err := mark(spool); err != nil {
		return 0, fmt.Errorf("marking backup: %w", err)
	}
	f, err := os.Open(spool)
	if err != nil {
		return 0, fmt.Errorf("backing up store: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if n, err = io.Copy(w, f); err != nil {
		return n, fmt.Errorf("writing backup: %w", err)
	}
	return n, nil
}

// copyFile makes name a copy of the file as it is at one moment. Updates go on
// meanwhile, but for one that needs more of the file mapped into memory: name
// must be on a disk that is as fast as the file's.
func copyFile(db *bolt.DB, name string) error {
	if err := remove(name); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	err = viewFile(db, func(tx *bolt.Tx) error {
		_, err := tx.WriteTo(f)
		return err
	})
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// mark gives a copy a token that no witness knows.
func mark(name string) error {
	db, err := openBolt(name, bolt.Options{Timeout: retryTimeout, FreelistType: bolt.FreelistMapType, NoStatistics: true})
	if err != nil {
		return err
	}
	t := newToken()
	err = updateFile(db, func(tx *bolt.Tx) error { return tx.Bucket(metaBucket).Put(tokenKey, t[:]) })
	return errors.Join(err, db.Close())
}

// remove removes a file that need not be there.
func remove(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
