// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"time"
)

const (
	// maxSize is 2 GiB, more than the largest databases have.
	maxSize = math.MaxInt32
	// settled is how long a file must have been left alone before its time of
	// change is trusted. Clocks of file systems are coarse: it may be written
	// again without the time changing.
	settled = 2 * time.Second
	// remind is how often stale data is told of.
	remind = 24 * time.Hour
)

// errWritten says that a file changed while it was read.
var errWritten = errors.New("it is being written")

// A watched is one file and the version of it that is in use.
type watched struct {
	path   string
	source *source
	sum    [sha256.Size]byte // of the version in use

	seen   fs.FileInfo // when it was last read; nil: read it at the next look
	bad    string      // what was refused last; empty: nothing since the last good one
	warned time.Time   // of stale data
}

// open reads the file for the first time.
func (w *watched) open() error {
	c, err := read(w.path)
	// Whoever writes it may be done by the third time; who is not is told so.
	for range 2 {
		if !errors.Is(err, errWritten) {
			break
		}
		c, err = read(w.path)
	}
	if err != nil {
		return err
	}
	return w.take(c)
}

// take puts a version in use, if it is good.
func (w *watched) take(c contents) error {
	s, err := newSource(w.path, c.data)
	if err != nil {
		return err
	}
	*w = watched{path: w.path, source: s, sum: c.sum, seen: c.info}
	return nil
}

// look takes a newer version if there is one, and says what happened, if
// anything did.
func (w *watched) look() (Event, bool) {
	info, err := os.Stat(w.path)
	if err == nil && w.seen != nil && !changed(w.seen, info) {
		return Event{}, false
	}
	c, err := read(w.path)
	switch {
	case errors.Is(err, errWritten):
		return Event{}, false
	case err != nil:
		return w.refuse(err.Error(), err)
	case c.sum == w.sum: // touched, or what was refused is gone again
		recovered := w.bad != ""
		w.seen, w.bad = c.info, ""
		return w.event(Loaded, nil), recovered
	case w.bad == string(c.sum[:]):
		return Event{}, false
	}
	if err := w.take(c); err != nil {
		return w.refuse(string(c.sum[:]), err)
	}
	return w.event(Loaded, nil), true
}

// refuse notes a version that cannot be used and says so once. It is read again
// at each look, since it may only be half written.
func (w *watched) refuse(version string, err error) (Event, bool) {
	again := w.bad == version
	w.seen, w.bad = nil, version
	return w.event(Refused, err), !again
}

func (w *watched) event(k Kind, err error) Event {
	return Event{Kind: k, File: w.path, Type: w.source.kind(), Built: w.source.built(), Err: err}
}

// contents are the bytes of a file and what it was when they were read.
type contents struct {
	data []byte
	sum  [sha256.Size]byte
	info fs.FileInfo // nil if it may change without showing it
}

// read reads a whole file, and makes sure that nobody wrote it meanwhile.
func read(path string) (contents, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() { // opening a pipe would wait for ever
		return contents{}, fmt.Errorf("geoip: open %s: %w but a folder or a device; name the .mmdb file itself", path, ErrDamaged)
	}
	f, err := os.Open(path)
	if err != nil {
		return contents{}, unopened(path, err)
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return contents{}, unopened(path, err)
	}
	if before.Size() > maxSize {
		return contents{}, fmt.Errorf("geoip: open %s: %w: %d bytes are too many", path, ErrDamaged, before.Size())
	}
	data := make([]byte, before.Size())
	_, err = io.ReadFull(f, data)
	cut := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !cut {
		return contents{}, unopened(path, err)
	}
	after, err := f.Stat()
	if cut || err != nil || changed(before, after) {
		return contents{}, fmt.Errorf("geoip: open %s: %w; wait until it is whole", path, errWritten)
	}
	c := contents{data: data, sum: sha256.Sum256(data), info: after}
	if time.Since(after.ModTime()) < settled {
		c.info = nil
	}
	return c, nil
}

// changed tells whether a file was replaced or written between two looks.
func changed(before, after fs.FileInfo) bool {
	return !os.SameFile(before, after) || before.Size() != after.Size() || !before.ModTime().Equal(after.ModTime())
}

// unopened says why a file cannot be read and what to do.
func unopened(path string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("geoip: open %s: %w; download it (see docs/geoip.md) or remove 'geoip': place checks are then off", path, ErrMissing)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("geoip: open %s: %w; let the user that Caddy runs as read it", path, err)
	default:
		return fmt.Errorf("geoip: open %s: %w", path, err)
	}
}

// Refresh looks for newer versions of all files now, and puts in use those that
// are good. What happens is told to [Options.Report].
func (db *DB) Refresh() {
	db.mu.Lock()
	defer db.mu.Unlock()
	var events []Event
	for _, w := range db.watched {
		if e, ok := w.look(); ok {
			events = append(events, e)
		}
	}
	db.swap()
	for _, e := range events {
		db.report(e)
	}
	db.warn(time.Now())
}

// swap makes the versions in use what lookups see, if they are not yet.
func (db *DB) swap() {
	old := db.current.Load()
	next := &snapshot{sources: make([]*source, len(db.watched))}
	same := old != nil
	for i, w := range db.watched {
		next.sources[i] = w.source
		same = same && old.sources[i] == w.source
	}
	if same {
		return
	}
	next.seen = newCache()
	db.current.Store(next)
}

// warn tells of stale data, once a day.
func (db *DB) warn(now time.Time) {
	for _, w := range db.watched {
		if db.stale(w.source, now) && now.Sub(w.warned) >= remind {
			w.warned = now
			db.report(w.event(Stale, nil))
		}
	}
}

// run looks for newer versions until the DB is closed.
func (db *DB) run(every time.Duration) {
	defer close(db.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-db.stop:
			return
		case <-tick.C:
			db.Refresh()
		}
	}
}
