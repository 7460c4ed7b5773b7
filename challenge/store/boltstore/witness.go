// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

const (
	witnessSuffix = ".witness"
	witnessHead   = "doorcode witness 1\n"
	floorDigits   = 16 // of a testimony's floor, in hexadecimal
	maxTokens     = 2
	maxWitness    = 1 << 10 // bytes
)

// tokenKey is where a file keeps its token, in the meta bucket.
var tokenKey = []byte("witness")

// A token names a stretch of a file's life on one machine. The zero token is
// that of a file which has none, since the version that wrote it knew of none.
type token [16]byte

func newToken() (t token) {
	_, _ = rand.Read(t[:]) // never fails
	return t
}

// tokenOf is the token of a file that has the meta bucket.
func tokenOf(tx *bolt.Tx) (t token, err error) {
	raw := tx.Bucket(metaBucket).Get(tokenKey)
	if raw != nil && len(raw) != len(t) {
		return t, fmt.Errorf("%w: its token has %d bytes", ErrUnreadable, len(raw))
	}
	copy(t[:], raw)
	return t, nil
}

// A testimony is what the witness says: which tokens the file may have, and
// the number of a transaction that it must not be behind.
type testimony struct {
	floor  uint64
	tokens []token
}

// vouches reports whether a file with this token, whose last transaction had
// this number, is the one that the testimony is about, or came out of it here.
func (t testimony) vouches(had token, txid uint64) bool {
	return slices.Contains(t.tokens, had) && txid >= t.floor
}

func (t testimony) encode() []byte {
	raw := append([]byte(witnessHead), encodeFloor(t.floor)...)
	raw = append(raw, '\n')
	for _, token := range t.tokens {
		raw = append(hex.AppendEncode(raw, token[:]), '\n')
	}
	return raw
}

// encodeFloor has the same length for every floor, so that a floor can take
// the place of another one in a file.
func encodeFloor(floor uint64) []byte { return fmt.Appendf(nil, "%0*x", floorDigits, floor) }

// decodeTestimony reads what encode wrote, and nothing else.
func decodeTestimony(raw []byte) (t testimony, ok bool) {
	lines := bytes.Split(bytes.TrimPrefix(raw, []byte(witnessHead)), []byte("\n"))
	floor, err := strconv.ParseUint(string(lines[0]), 16, 64)
	if err != nil || len(lines) < 2 || len(lines) > 2+maxTokens {
		return testimony{}, false
	}
	t.floor = floor
	for _, line := range lines[1 : len(lines)-1] {
		var next token
		if len(line) != hex.EncodedLen(len(next)) {
			return testimony{}, false
		}
		if _, err := hex.Decode(next[:], line); err != nil {
			return testimony{}, false
		}
		t.tokens = append(t.tokens, next)
	}
	if !bytes.Equal(t.encode(), raw) {
		return testimony{}, false
	}
	return t, true
}

// hear reads the witness. One that is there but cannot be understood vouches
// for nothing.
func hear(path string) (t testimony, found bool) {
	f, err := os.Open(path)
	if err != nil {
		return testimony{}, !errors.Is(err, fs.ErrNotExist)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxWitness))
	if err := errors.Join(err, f.Close()); err != nil {
		return testimony{}, true
	}
	t, _ = decodeTestimony(raw)
	return t, true
}

// A witness is the small file beside the store's, by which a copy that was put
// in the store's place is told from the file that was used here last. It
// belongs to whoever holds the lock on the store's file.
//
// The first commit of every run gives the file a new token, and every commit
// raises the floor before it is acknowledged. The order of writing makes sure
// that a kill or a loss of power at any point raises no false alarm: the
// witness is never ahead of what the file has safely on the disk.
type witness struct {
	path  string
	found testimony // what it said at Open
	had   token     // of the file at Open
	fresh token     // of the file from this run's first commit on

	announced bool
	file      *os.File // to note commits in; nil before this run's first commit
	settling  bool

	restored atomic.Bool
}

// meet compares a file with its witness. A file with nothing in it can revive
// nothing, whatever was beside it.
func meet(path string, tx *bolt.Tx) (*witness, error) {
	w := &witness{path: path + witnessSuffix, fresh: newToken()}
	if tx.Bucket(metaBucket) == nil {
		return w, nil
	}
	var err error
	if w.had, err = tokenOf(tx); err != nil {
		return nil, err
	}
	var found bool
	if w.found, found = hear(w.path); found || w.had != (token{}) {
		w.restored.Store(!w.found.vouches(w.had, uint64(tx.ID())))
	}
	return w, nil
}

// announce makes the witness vouch for the file both as it was found and as
// the coming commit will leave it. For a file that was put back it vouches no
// more: that file's commits would bring it up to the floor one day.
func (w *witness) announce() error {
	if w.announced {
		return nil
	}
	var t testimony
	if !w.restored.Load() {
		t = testimony{floor: w.found.floor, tokens: []token{w.had, w.fresh}}
	}
	if err := w.replace(t); err != nil {
		return err
	}
	w.announced = true
	return nil
}

// before prepares the commit of tx.
func (w *witness) before(tx *bolt.Tx) error {
	if err := w.announce(); err != nil {
		return err
	}
	if w.file != nil {
		return nil
	}
	if err := tx.Bucket(metaBucket).Put(tokenKey, w.fresh[:]); err != nil {
		return fmt.Errorf("storing token: %w", err)
	}
	return nil
}

// after makes the witness know that the transaction with this number is on the
// disk. Until that is so, nobody may be told: a copy from before would pass.
func (w *witness) after(txid uint64) error {
	if w.file != nil {
		if _, err := w.file.WriteAt(encodeFloor(txid), int64(len(witnessHead))); err != nil {
			return fmt.Errorf("witnessing commit: %w", err)
		}
		return nil
	}
	if w.restored.Load() && !w.settling {
		return nil
	}
	if err := w.replace(testimony{floor: txid, tokens: []token{w.fresh}}); err != nil {
		return err
	}
	f, err := os.OpenFile(w.path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("witnessing commit: %w", err)
	}
	w.file = f
	w.restored.Store(false)
	return nil
}

// replace puts a testimony into the witness's place, whole or not at all.
func (w *witness) replace(t testimony) error {
	fresh := w.path + ".new"
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return fmt.Errorf("writing witness: %w", err)
	}
	_, err = f.Write(t.encode())
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing witness: %w", err)
	}
	if err := os.Rename(fresh, w.path); err != nil {
		return fmt.Errorf("writing witness: %w", err)
	}
	if err := syncFolder(filepath.Dir(w.path)); err != nil {
		return fmt.Errorf("writing witness: %w", err)
	}
	return nil
}

func (w *witness) close() error {
	if w == nil || w.file == nil {
		return nil
	}
	return w.file.Close()
}
