// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

const (
	// oldestFormat is the first version of what a file holds, see [record].
	oldestFormat = 1

	// maxKept bounds the search for a name that no earlier copy has.
	maxKept = 100
)

var (
	metaBucket    = []byte("meta")    // "format" to a big-endian uint32, "witness" to a token
	recordsBucket = []byte("records") // key to record
	expiryBucket  = []byte("expiry")  // end and key to nothing
	formatKey     = []byte("format")
)

// A migration changes what a file holds from one format into the next.
type migration func(tx *bolt.Tx) error

// formats are the formats that a version knows, as the steps from each to the
// next, the oldest first.
type formats []migration

// released are the formats of this version: there is only the first.
var released formats

// newest is the format that files are brought to.
func (f formats) newest() uint32 { return oldestFormat + uint32(len(f)) }

// read returns the format of a file, which is zero where there is nothing in
// it, as a kill amid the making of one leaves it. What this version does not
// know is refused.
func (f formats) read(tx *bolt.Tx) (uint32, error) {
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		if k, _ := tx.Cursor().First(); k != nil {
			return 0, fmt.Errorf("%w: it holds something else", ErrUnreadable)
		}
		return 0, nil
	}
	raw := meta.Get(formatKey)
	if len(raw) != 4 {
		return 0, fmt.Errorf("%w: its format has %d bytes", ErrUnreadable, len(raw))
	}
	found := binary.BigEndian.Uint32(raw)
	switch {
	case found > f.newest():
		return 0, fmt.Errorf("%w: it has format %d, this version knows %d", ErrNewer, found, f.newest())
	case found < oldestFormat:
		return 0, fmt.Errorf("%w: it has format %d, which never was", ErrUnreadable, found)
	case tx.Bucket(recordsBucket) == nil || tx.Bucket(expiryBucket) == nil:
		return 0, fmt.Errorf("%w: it lacks a part", ErrUnreadable)
	}
	return found, nil
}

// makeBuckets makes what every file has.
func (f formats) makeBuckets(tx *bolt.Tx) error {
	for _, name := range [][]byte{metaBucket, recordsBucket, expiryBucket} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return setFormat(tx, f.newest())
}

func setFormat(tx *bolt.Tx, n uint32) error {
	return tx.Bucket(metaBucket).Put(formatKey, binary.BigEndian.AppendUint32(nil, n))
}

// migrate keeps a copy of the file as it is, and then brings it to the newest
// format in one transaction: after a failure, or a kill, it is as it was.
func (f formats) migrate(db *bolt.DB, path string, found uint32) error {
	if err := keepAside(db, path, found); err != nil {
		return fmt.Errorf("copying format %d before it is migrated: %w", found, err)
	}
	err := updateFile(db, func(tx *bolt.Tx) error {
		for _, step := range f[found-oldestFormat:] {
			if err := step(tx); err != nil {
				return err
			}
		}
		return setFormat(tx, f.newest())
	})
	if err != nil {
		return fmt.Errorf("migrating format %d to %d: %w", found, f.newest(), err)
	}
	return nil
}

func updateFile(db *bolt.DB, change func(tx *bolt.Tx) error) (err error) {
	defer recoverDamage(&err)()
	return db.Update(change)
}

// keepAside copies the file beside itself, under a name that says its format.
// It never overwrites an earlier copy, and makes no second one of the same
// content: a start that fails at the migration is often tried in a loop.
func keepAside(db *bolt.DB, path string, format uint32) error {
	spool := path + spoolSuffix
	if err := copyFile(db, spool); err != nil {
		return errors.Join(err, remove(spool))
	}
	for n := 1; n <= maxKept; n++ {
		name := fmt.Sprintf("%s.format%d.bak", path, format)
		if n > 1 {
			name = fmt.Sprintf("%s.format%d-%d.bak", path, format, n)
		}
		_, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return errors.Join(os.Rename(spool, name), syncFolder(filepath.Dir(path)))
		}
		same := false
		if err == nil {
			same, err = equalFiles(name, spool)
		}
		if err != nil || same {
			return errors.Join(err, remove(spool))
		}
	}
	return errors.Join(fmt.Errorf("there are %d copies already; move them away", maxKept), remove(spool))
}

func equalFiles(a, b string) (equal bool, err error) {
	f, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	g, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	return equalContents(f, g)
}

func equalContents(f, g io.Reader) (bool, error) {
	var some, other [64 << 10]byte
	for {
		n, err := io.ReadFull(f, some[:])
		m, otherErr := io.ReadFull(g, other[:])
		switch {
		case !bytes.Equal(some[:n], other[:m]):
			return false, nil
		case ended(err) && ended(otherErr):
			return true, nil
		case err != nil || otherErr != nil:
			return false, errors.Join(err, otherErr)
		}
	}
}

func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
