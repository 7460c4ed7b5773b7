// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
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

	// ErrReadOnly reports a change of a store that was opened for reading only.
	ErrReadOnly = fmt.Errorf("opened for reading only: %w", errors.ErrUnsupported)
)

const (
	defaultTimeout = 2 * time.Second
	// retryTimeout is the least time for which a lock is tried a second time.
	retryTimeout = 100 * time.Millisecond

	// minSize is what the smallest database takes: four of the smallest pages.
	minSize = 4 * 4096

	folderMode = 0o700
	fileMode   = 0o600
)

// Options says which file to open.
type Options struct {
	// Path of the file. Folders and file are made where they are missing,
	// readable by nobody else.
	Path string

	// Timeout is how long Open waits for another process that holds the file.
	// Zero means 2 seconds.
	Timeout time.Duration

	// ReadOnly opens a file that is there already and changes nothing, neither
	// in it nor beside it: what expired is hidden but not swept, and what would
	// change something returns [ErrReadOnly]. Several may read at once, beside
	// none that writes.
	ReadOnly bool

	// Now is the store's clock and is called from many goroutines at once.
	// Nil means time.Now.
	Now func() time.Time
}

// Open opens the file, making it if there is none, and starts the goroutine
// that writes to it. It returns [ErrInUse], [ErrNewer] or [ErrUnreadable], or
// what the operating system had against it. A file of an older format is first
// copied beside itself and then brought to the newest.
//
// A disk that is full does not keep a file from being opened and read.
func Open(o Options) (*Store, error) { return released.open(o) }

func (f formats) open(o Options) (*Store, error) {
	s, err := f.newStore(o)
	if err != nil {
		return nil, err
	}
	if o.ReadOnly {
		close(s.stopped)
	} else {
		go s.write()
	}
	return s, nil
}

// newStore opens the file without starting the writer.
func (f formats) newStore(o Options) (*Store, error) {
	if o.Path == "" {
		return nil, errors.New("opening store: no path given")
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{
		path:     o.Path,
		now:      o.Now,
		queue:    make(chan *update),
		settling: make(chan chan error),
		closing:  make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	var err error
	if o.ReadOnly {
		s.db, s.copied, err = f.openReadOnly(o.Path, o.Timeout)
	} else {
		s.db, s.witness, err = f.openFile(o.Path, o.Timeout)
	}
	if err != nil {
		return nil, fmt.Errorf("opening store %q: %w", o.Path, explain(err, o.ReadOnly))
	}
	return s, nil
}

// openFile looks at the file before it opens it for writing: what is cut short
// or of a newer format is told apart while nothing has been touched.
func (f formats) openFile(path string, timeout time.Duration) (*bolt.DB, *witness, error) {
	began := time.Now()
	if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
		return nil, nil, advise(err)
	}
	info, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, advise(err)
	}
	if err == nil && info.Size() > 0 {
		db, _, err := f.inspect(path, timeout)
		if err != nil {
			return nil, nil, advise(err)
		}
		if err := db.Close(); err != nil {
			return nil, nil, err
		}
	}
	db, err := openBolt(path, bolt.Options{
		Timeout:      max(timeout-time.Since(began), retryTimeout),
		FreelistType: bolt.FreelistMapType,
		NoStatistics: true,
	})
	if err != nil {
		return nil, nil, advise(err)
	}
	w, err := f.prepare(db, path)
	if err != nil {
		return nil, nil, errors.Join(advise(err), db.Close())
	}
	return db, w, nil
}

// openReadOnly also tells whether the file is a copy, see [Store.Restored].
func (f formats) openReadOnly(path string, timeout time.Duration) (db *bolt.DB, copied bool, err error) {
	db, found, err := f.inspect(path, timeout)
	if err != nil {
		return nil, false, err
	}
	switch {
	case found == 0:
		err = fmt.Errorf("%w: there is nothing in it", ErrUnreadable)
	case found < f.newest():
		err = fmt.Errorf("it has format %d, of an older version; start the server on it once", found)
	default:
		err = viewFile(db, func(tx *bolt.Tx) error {
			w, err := meet(path, tx)
			copied = err == nil && w.restored.Load()
			return err
		})
	}
	if err != nil {
		return nil, false, errors.Join(err, db.Close())
	}
	return db, copied, nil
}

// inspect opens the file for reading only and refuses what is no whole store
// of a format that this version knows.
func (f formats) inspect(path string, timeout time.Duration) (db *bolt.DB, found uint32, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if info.Size() < minSize {
		return nil, 0, fmt.Errorf("%w: %d bytes are too few", ErrUnreadable, info.Size())
	}
	db, err = openBolt(path, bolt.Options{Timeout: timeout, ReadOnly: true})
	if err != nil {
		return nil, 0, err
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
		found, err = f.read(tx)
		return err
	})
	if err != nil {
		return nil, 0, errors.Join(err, db.Close())
	}
	return db, found, nil
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
// it: a file that an operator copied here may have any mode. The witness comes
// first, so that nothing is written to a file that was put back before that is
// known for good.
func (f formats) prepare(db *bolt.DB, path string) (w *witness, err error) {
	if err := os.Chmod(path, fileMode); err != nil {
		return nil, err
	}
	var found uint32
	if err := viewFile(db, func(tx *bolt.Tx) error {
		if found, err = f.read(tx); err == nil {
			w, err = meet(path, tx)
		}
		return err
	}); err != nil {
		return nil, err
	}
	// A full disk does not stop the start: each Update tries again, and is
	// refused until it succeeds. What no room will mend stops it at once.
	if err := w.announce(); err != nil && (found < f.newest() || denied(err)) {
		return nil, err
	}
	switch {
	case found == 0:
		err = db.Update(f.makeBuckets)
	case found < f.newest():
		err = f.migrate(db, path, found)
	}
	return w, errors.Join(err, remove(path+spoolSuffix))
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

// denied reports an error that stays until the operator does something.
func denied(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// advise says what to do about a file that cannot be written.
func advise(err error) error {
	if !denied(err) {
		return err
	}
	return fmt.Errorf("%w: the user that Caddy runs as must own this file and be able to write to its folder", err)
}

// explain puts this package's errors in the place of the database's.
func explain(err error, readOnly bool) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout) && readOnly:
		return fmt.Errorf("%w: stop the server that uses it, or read a backup", ErrInUse)
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%w: change a running server with `caddy reload`, or give this one another path", ErrInUse)
	case errors.Is(err, bolterrors.ErrInvalid),
		errors.Is(err, bolterrors.ErrChecksum),
		errors.Is(err, bolterrors.ErrVersionMismatch):
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return err
}
