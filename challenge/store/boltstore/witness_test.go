// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

// A pair is what lies in a store's folder: the file and its witness, which may
// be missing.
type pair struct{ file, witness []byte }

func look(t testing.TB, path string) pair {
	t.Helper()
	return pair{readOrNone(t, path), readOrNone(t, path+".witness")}
}

func readOrNone(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return content
}

// lay puts a pair into a folder of its own. Of a store that is open and idle
// it is what a kill leaves.
func (p pair) lay(t testing.TB) (path string) {
	t.Helper()
	path = newPath(t)
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	p.put(t, path)
	return path
}

func (p pair) put(t testing.TB, path string) {
	t.Helper()
	for name, content := range map[string][]byte{path: p.file, path + ".witness": p.witness} {
		err := os.Remove(name)
		if content != nil {
			err = os.WriteFile(name, content, 0o600)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// A life is one store's, with what its folder held at each step.
type life struct {
	begun   pair // closed after a first use
	opened  pair // opened again, nothing changed yet
	used    pair // something changed
	later   pair // and something more
	closed  pair
	resumed pair // opened once more, and something changed
	backup  []byte
}

func live(t *testing.T) (l life) {
	t.Helper()
	path := newPath(t)
	s := open(t, boltstore.Options{Path: path})
	put(t, s, "session", "begun", 0)
	shut(t, s)
	l.begun = look(t, path)
	s = open(t, boltstore.Options{Path: path})
	l.opened = look(t, path)
	put(t, s, "session", "used", 0)
	l.used = look(t, path)
	l.backup = backup(t, s)
	put(t, s, "session", "ended", 0)
	l.later = look(t, path)
	shut(t, s)
	l.closed = look(t, path)
	s = open(t, boltstore.Options{Path: path})
	put(t, s, "session", "ended", 0)
	put(t, s, "code", "used up", 0)
	l.resumed = look(t, path)
	return l
}

func shut(t *testing.T, s *boltstore.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("Close = %v", err)
	}
}

// withoutToken is the pair as the version before knew it: that one kept no
// token, and had no witness.
func (p pair) withoutToken(t *testing.T) pair {
	t.Helper()
	path := p.lay(t)
	inFile(t, path, func(tx *bolt.Tx) error { return tx.Bucket([]byte("meta")).Delete([]byte("witness")) })
	return pair{file: look(t, path).file}
}

// usedBefore is the pair after the version before opened and changed it.
func (p pair) usedBefore(t *testing.T) pair {
	t.Helper()
	path := p.lay(t)
	for range 3 {
		inFile(t, path, func(tx *bolt.Tx) error {
			return tx.Bucket([]byte("records")).Put([]byte("older"), boltstore.EncodeRecord(0, []byte("x")))
		})
	}
	return look(t, path)
}

// F-19: what was ended or used up since a copy was made must not come back by
// it. And whoever put nothing back must not be signed out.
func TestF19AFileThatWasPutBackIsNoticed(t *testing.T) {
	l := live(t)
	older := l.begun.withoutToken(t)
	for _, c := range []struct {
		name     string
		file     []byte
		witness  []byte
		restored bool
	}{
		{"a copy made while it was closed", l.begun.file, l.closed.witness, true},
		{"a copy made while it was closed, after a kill", l.begun.file, l.later.witness, true},
		{"a copy made while it was open", l.used.file, l.closed.witness, true},
		{"a copy made while it was open, after a kill in the same run", l.used.file, l.later.witness, true},
		{"a copy made as it was opened, after a kill in the same run", l.opened.file, l.used.witness, true},
		{"a copy made while it was open, after a kill in the next run", l.later.file, l.resumed.witness, true},
		{"a copy of the end of the run before, after a kill", l.closed.file, l.resumed.witness, true},
		{"a copy made by Backup", l.backup, l.closed.witness, true},
		{"a copy made by Backup, beside the witness of that moment", l.backup, l.used.witness, true},
		{"a file from another machine", live(t).resumed.file, l.closed.witness, true},
		{"a file without its witness", l.closed.file, nil, true},
		{"a backup in an empty folder", l.backup, nil, true},
		{"a file of the version before where there is a witness", older.file, l.closed.witness, true},
		{"a file beside an empty witness", l.closed.file, []byte{}, true},
		{"a file beside a witness that is damaged", l.closed.file, l.closed.witness[1:], true},
		{"a file beside a witness that is cut short", l.closed.file, l.closed.witness[:len(l.closed.witness)-1], true},

		{"closed and opened", l.closed.file, l.closed.witness, false},
		{"a kill in use", l.later.file, l.later.witness, false},
		{"a kill in the next run", l.resumed.file, l.resumed.witness, false},
		{"a kill before anything was changed", l.opened.file, l.opened.witness, false},
		{"a kill between the first commit and its witness", l.used.file, l.opened.witness, false},
		{"a kill between a later commit and its witness", l.later.file, l.used.witness, false},
		{"a loss of power that took the last notes of the witness", l.closed.file, l.used.witness, false},
		{"a file of the version before", older.file, nil, false},
		{"a file that the version before went on with", l.closed.usedBefore(t).file, l.closed.witness, false},
		{"a copy made as it was closed, and nothing changed since", l.begun.file, l.opened.witness, false},
		{"a new file where there was another", []byte{}, l.closed.witness, false},
		{"no file where there was one", nil, l.closed.witness, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := pair{c.file, c.witness}.lay(t)
			if got := open(t, boltstore.Options{Path: path}).Restored(); got != c.restored {
				t.Errorf("Restored = %t, want %t", got, c.restored)
			}
		})
	}
}

// A file that is moved with its witness stays the one it was.
func TestAFileMayMoveWithItsWitness(t *testing.T) {
	path := live(t).closed.lay(t)
	moved := path + "-elsewhere"
	for _, suffix := range []string{"", ".witness"} {
		if err := os.Rename(path+suffix, moved+suffix); err != nil {
			t.Fatal(err)
		}
	}
	if open(t, boltstore.Options{Path: moved}).Restored() {
		t.Error("a file that was moved is Restored")
	}
}

func TestAFileStaysRestoredUntilItIsSettled(t *testing.T) {
	l := live(t)
	path := pair{l.used.file, l.later.witness}.lay(t)
	for _, after := range []string{"being put back", "closing", "a kill"} {
		s := open(t, boltstore.Options{Path: path})
		if !s.Restored() {
			t.Fatalf("after %s the file is not Restored", after)
		}
		// So many that its number of commits would pass by itself.
		for range 20 {
			put(t, s, "session", time.Now().String(), 0)
		}
		if after == "closing" {
			path = look(t, path).lay(t) // as a kill leaves it
		}
		shut(t, s)
	}

	s := open(t, boltstore.Options{Path: path})
	put(t, s, "session", "cut off", 0)
	before := look(t, path)
	if err := s.Settle(); err != nil {
		t.Fatalf("Settle = %v", err)
	}
	if s.Restored() {
		t.Error("a file that is settled is Restored")
	}
	settled := look(t, path)
	if killed := (pair{settled.file, before.witness}).lay(t); !open(t, boltstore.Options{Path: killed}).Restored() {
		t.Error("after a kill half-way through Settle the file is not Restored")
	}
	put(t, s, "session", "anew", 0)
	wantSettled(t, "a kill", look(t, path))
	shut(t, s)
	wantSettled(t, "closing", look(t, path))
	if put := (pair{settled.file, look(t, path).witness}).lay(t); !open(t, boltstore.Options{Path: put}).Restored() {
		t.Error("a copy made after Settle is not noticed")
	}
}

func wantSettled(t *testing.T, after string, p pair) {
	t.Helper()
	if open(t, boltstore.Options{Path: p.lay(t)}).Restored() {
		t.Errorf("after Settle and %s the file is Restored", after)
	}
}

func TestSettlingWhatWasNotPutBackDoesNothing(t *testing.T) {
	path := newPath(t)
	s := open(t, boltstore.Options{Path: path})
	put(t, s, "a", "x", 0)
	before := look(t, path)
	if err := s.Settle(); err != nil {
		t.Errorf("Settle = %v", err)
	}
	if after := look(t, path); string(before.file) != string(after.file) || string(before.witness) != string(after.witness) {
		t.Error("Settle has changed a file that was not Restored")
	}
	shut(t, s)
	if err := s.Settle(); !errors.Is(err, challenge.ErrClosed) {
		t.Errorf("Settle after Close = %v, want ErrClosed", err)
	}
}

// A witness that cannot be kept must not be done without: the store is read,
// and changes nothing, until it can.
func TestWithoutAWitnessNothingIsAcknowledged(t *testing.T) {
	for name, p := range map[string]pair{
		"a file":                   live(t).closed,
		"a file that was put back": {file: live(t).closed.file},
	} {
		t.Run(name, func(t *testing.T) {
			path := pair{file: p.file}.lay(t)
			obstacle := path + ".witness.new"
			if err := os.Mkdir(obstacle, 0o700); err != nil {
				t.Fatal(err)
			}
			p.put(t, path)
			s := open(t, boltstore.Options{Path: path})
			wantRefusal := func(err error) {
				t.Helper()
				if err == nil || !strings.Contains(err.Error(), path+".witness") {
					t.Errorf("got %v, want an error that names the witness", err)
				}
			}
			restored := s.Restored()
			wantRefusal(s.Update(t.Context(), "session", set("changed", 0)))
			if restored {
				wantRefusal(s.Settle())
			}
			wantValue(t, s, "session", "ended")
			if err := os.Remove(obstacle); err != nil {
				t.Fatal(err)
			}
			put(t, s, "session", "changed", 0)
			if got := open(t, boltstore.Options{Path: look(t, path).lay(t)}).Restored(); got != restored {
				t.Errorf("once it could be kept, Restored = %t, want %t", got, restored)
			}
		})
	}
}

// The first use of a file writes the witness anew, which needs a place to be.
func TestANewFileNeedsItsWitness(t *testing.T) {
	path := pair{}.lay(t)
	if err := os.Mkdir(path+".witness.new", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := boltstore.Open(boltstore.Options{Path: path}); err == nil || !strings.Contains(err.Error(), "witness") {
		t.Errorf("Open = %v, want an error that names the witness", err)
	}
}

func TestADamagedTokenIsRefused(t *testing.T) {
	path := live(t).closed.lay(t)
	inFile(t, path, func(tx *bolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("witness"), []byte("short")) })
	if _, err := boltstore.Open(boltstore.Options{Path: path}); !errors.Is(err, boltstore.ErrUnreadable) {
		t.Errorf("Open = %v, want ErrUnreadable", err)
	}
}

func TestNobodyElseCanReadTheWitness(t *testing.T) {
	path := live(t).closed.lay(t)
	if err := os.Chmod(path+".witness", 0o644); err != nil {
		t.Fatal(err)
	}
	put(t, open(t, boltstore.Options{Path: path}), "a", "x", 0)
	wantMode(t, path+".witness", 0o600)
}
