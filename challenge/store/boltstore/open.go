// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

var (
	// ErrInUse reports that the file is held open, by another process or a
	// second time by this one.
	ErrInUse = errors.New("already in use by another process")

	// ErrNewer reports a file whose format a later version of Doorcode wrote.
	// It is left alone.
	ErrNewer = errors.New("written by a newer version")

	// ErrUnreadable reports a file that is damaged, or no store of Doorcode.
	// It is left alone.
	ErrUnreadable = errors.New("damaged, or not a Doorcode store; move the file away and start again, and everybody signs in again")
)

const (
	// format is the version of what a file holds, see [record].
	format = 1

	defaultTimeout = 2 * time.Second
	// retryTimeout is the least time for which a lock is tried a second time.
	retryTimeout = 100 * time.Millisecond

	// minSize is what the smallest database takes: four of the smallest pages.
	minSize = 4 * 4096

	folderMode = 0o700
	fileMode   = 0o600
)

var (
	metaBucket    = []byte("meta")    // "format" to a big-endian uint32
	recordsBucket = []byte("records") // key to record
	expiryBucket  = []byte("expiry")  // end and key to nothing
	formatKey     = []byte("format")
)

// Options says which file to open.
type Options struct {
	// Path of the file. Folders and file are made where they are missing,
	// readable by nobody else.
	Path string

	// Timeout is how long Open waits for another process that holds the file.
	// Zero means 2 seconds.
	Timeout time.Duration

	// Now is the store's clock and is called from many goroutines at once.
	// Nil means time.Now.
	Now func() time.Time
}

// Open opens the file, making it if there is none, and starts the goroutine
// that writes to it. It returns [ErrInUse], [ErrNewer] or [ErrUnreadable], or
// what the operating system had against it.
func Open(o Options) (*Store, error) {
	if o.Path == "" {
		return nil, errors.New("opening store: no path given")
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	db, err := openFile(o.Path, o.Timeout)
	if err != nil {
		return nil, fmt.Errorf("opening store %q: %w", o.Path, explain(err))
	}
	s := &Store{
		db:      db,
		now:     o.Now,
		queue:   make(chan *update),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
	}
	go s.write()
	return s, nil
}

// openFile looks at the file before it opens it for writing: what is cut short
// or of a newer format is told apart while nothing has been touched.
func openFile(path string, timeout time.Duration) (*bolt.DB, error) {
	began := time.Now()
	if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	made := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !made:
		return nil, err
	case err == nil && info.Size() > 0:
		if err := inspect(path, info.Size(), timeout); err != nil {
			return nil, err
		}
	}
	db, err := openBolt(path, bolt.Options{
		Timeout:      max(timeout-time.Since(began), retryTimeout),
		FreelistType: bolt.FreelistMapType,
		NoStatistics: true,
	})
	if err != nil {
		return nil, err
	}
	if err := prepare(db, path, made); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// inspect opens the file for reading only and refuses what is no whole store
// of a format that this version knows.
func inspect(path string, size int64, timeout time.Duration) error {
	if size < minSize {
		return fmt.Errorf("%w: %d bytes are too few", ErrUnreadable, size)
	}
	db, err := openBolt(path, bolt.Options{Timeout: timeout, ReadOnly: true})
	if err != nil {
		return err
	}
	err = viewFile(db, func(tx *bolt.Tx) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		// A file that was cut short must be refused before anything reads
		// it: it is mapped into memory, and what lies beyond its end faults.
		if info.Size() < tx.Size() {
			return fmt.Errorf("%w: %d of %d bytes are left", ErrUnreadable, info.Size(), tx.Size())
		}
		return checkFormat(tx)
	})
	return errors.Join(err, db.Close())
}

// checkFormat accepts this version's format and a file that has nothing in it,
// as a kill amid the making of one leaves it.
func checkFormat(tx *bolt.Tx) error {
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		if k, _ := tx.Cursor().First(); k != nil {
			return fmt.Errorf("%w: it holds something else", ErrUnreadable)
		}
		return nil
	}
	raw := meta.Get(formatKey)
	if len(raw) != 4 {
		return fmt.Errorf("%w: its format has %d bytes", ErrUnreadable, len(raw))
	}
	switch found := binary.BigEndian.Uint32(raw); {
	case found > format:
		return fmt.Errorf("%w: it has format %d, this version knows %d", ErrNewer, found, format)
	case found < format:
		return fmt.Errorf("%w: it has format %d, which never was", ErrUnreadable, found)
	case tx.Bucket(recordsBucket) == nil || tx.Bucket(expiryBucket) == nil:
		return fmt.Errorf("%w: it lacks a part", ErrUnreadable)
	}
	return nil
}

// openBolt is bolt.Open, which panics over some damaged files.
func openBolt(path string, o bolt.Options) (db *bolt.DB, err error) {
	var file *os.File
	o.OpenFile = func(path string, flag int, mode os.FileMode) (*os.File, error) {
		var err error
		file, err = os.OpenFile(path, flag, mode)
		return file, err
	}
	defer func() {
		if db == nil && file != nil {
			_ = file.Close() // after a panic nobody else does; else it is closed
		}
	}()
	defer recoverDamage(&err)()
	return bolt.Open(path, fileMode, &o)
}

// prepare makes what every store has, and sees to it that others cannot read
// it: a file that an operator copied here may have any mode. Where all is as
// it should be it writes nothing, so that a full disk does not stop the start.
func prepare(db *bolt.DB, path string, made bool) error {
	if err := os.Chmod(path, fileMode); err != nil {
		return err
	}
	empty := false
	if err := viewFile(db, func(tx *bolt.Tx) error {
		empty = tx.Bucket(metaBucket) == nil
		return checkFormat(tx)
	}); err != nil {
		return err
	}
	if empty {
		if err := db.Update(makeBuckets); err != nil {
			return err
		}
	}
	if made {
		return syncFolder(filepath.Dir(path))
	}
	return nil
}

// syncFolder makes the name of a new file survive a loss of power. Windows
// has no such call and needs none.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func makeBuckets(tx *bolt.Tx) error {
	for _, name := range [][]byte{metaBucket, recordsBucket, expiryBucket} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return tx.Bucket(metaBucket).Put(formatKey, binary.BigEndian.AppendUint32(nil, format))
}

// explain puts this package's errors in the place of the database's.
func explain(err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%w: change a running server with `caddy reload`, or give this one another path", ErrInUse)
	case errors.Is(err, bolterrors.ErrInvalid),
		errors.Is(err, bolterrors.ErrChecksum),
		errors.Is(err, bolterrors.ErrVersionMismatch):
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return err
}
