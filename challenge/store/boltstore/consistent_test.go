// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"errors"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

// inFile opens a closed store's file without the store, and changes it.
func inFile(t *testing.T, path string, change func(tx *bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatalf("opening the file: %v", err)
	}
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		t.Fatalf("changing the file: %v", err)
	}
}

// checkConsistent reports damage of a closed store's file, and records and
// index that disagree. It returns how many records and entries there are.
func checkConsistent(t *testing.T, path string) (records, entries int) {
	t.Helper()
	inFile(t, path, func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			t.Errorf("the file is damaged: %v", err)
		}
		ends := make(map[string]int64)
		if err := tx.Bucket([]byte("records")).ForEach(func(key, raw []byte) error {
			records++
			expires, _, err := boltstore.DecodeRecord(raw)
			if expires != 0 {
				ends[string(key)] = expires
			}
			return err
		}); err != nil {
			return err
		}
		if err := tx.Bucket([]byte("expiry")).ForEach(func(entry, _ []byte) error {
			entries++
			expires, key, err := boltstore.DecodeExpiryKey(entry)
			if ends[string(key)] != expires {
				t.Errorf("the index says that %q ends at %d, the record at %d", key, expires, ends[string(key)])
			}
			delete(ends, string(key))
			return err
		}); err != nil {
			return err
		}
		for key := range ends {
			t.Errorf("%q is not in the index", key)
		}
		return nil
	})
	return records, entries
}
