// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

func TestReadingOnlyChangesNothing(t *testing.T) {
	c, path := newClock(), newPath(t)
	s := open(t, boltstore.Options{Path: path, Now: c.now})
	put(t, s, "lasting", "x", 0)
	put(t, s, "ended", "x", time.Minute)
	shut(t, s)
	c.advance(time.Hour)
	before := look(t, path)
	o := boltstore.Options{Path: path, Now: c.now, ReadOnly: true, Timeout: time.Millisecond}
	r := open(t, o)
	wantValue(t, r, "lasting", "x")
	wantValue(t, open(t, o), "lasting", "x") // two may read
	if keys, err := r.List(t.Context(), "", "", 10); err != nil || !slices.Equal(keys, []string{"lasting"}) {
		t.Errorf("List = %q, %v, want what has not ended", keys, err)
	}
	_, backing := r.Backup(io.Discard)
	for call, err := range map[string]error{
		"Update": r.Update(t.Context(), "a", set("x", 0)),
		"Settle": r.Settle(),
		"Backup": backing,
	} {
		if !errors.Is(err, boltstore.ErrReadOnly) {
			t.Errorf("%s = %v, want ErrReadOnly", call, err)
		}
	}
	if _, err := boltstore.Open(boltstore.Options{Path: path, Timeout: time.Millisecond}); !errors.Is(err, boltstore.ErrInUse) {
		t.Errorf("opening it for writing meanwhile = %v, want ErrInUse", err)
	}
	shut(t, r)
	if _, err := r.Get(t.Context(), "lasting"); !errors.Is(err, challenge.ErrClosed) {
		t.Errorf("Get after Close = %v, want ErrClosed", err)
	}
	if after := look(t, path); string(before.file) != string(after.file) || string(before.witness) != string(after.witness) {
		t.Error("reading has changed the file or its witness")
	}
	if names, err := filepath.Glob(path + "*"); err != nil || len(names) != 2 {
		t.Errorf("the folder holds %q, %v", names, err)
	}
}

func TestReadingOnlyTellsACopyToo(t *testing.T) {
	l := live(t)
	for _, c := range []struct {
		name     string
		pair     pair
		restored bool
	}{
		{"a file that was closed here", l.closed, false},
		{"a file that was put back", pair{l.used.file, l.closed.witness}, true},
		{"a backup", pair{file: l.backup}, true},
		{"a file of the version before", l.closed.withoutToken(t), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := c.pair.lay(t)
			for range 2 {
				s := open(t, boltstore.Options{Path: path, ReadOnly: true})
				if s.Restored() != c.restored {
					t.Errorf("Restored = %t, want %t", s.Restored(), c.restored)
				}
				shut(t, s)
			}
		})
	}
}

func TestReadingOnlyRefusesWhatIsNoStore(t *testing.T) {
	path := newPath(t)
	o := boltstore.Options{Path: path, ReadOnly: true, Timeout: time.Millisecond}
	if _, err := boltstore.Open(o); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("opening what is not there = %v, want ErrNotExist", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
		t.Error("a folder was made for a file that is only to be read")
	}
	for name, content := range map[string][]byte{"an empty file": {}, "another file": []byte("x"), "a store without anything": emptyStore(t)} {
		o.Path = pair{file: content}.lay(t)
		if _, err := boltstore.Open(o); !errors.Is(err, boltstore.ErrUnreadable) {
			t.Errorf("opening %s = %v, want ErrUnreadable", name, err)
		}
	}
	o.Path = newPath(t)
	open(t, boltstore.Options{Path: o.Path})
	if _, err := boltstore.Open(o); !errors.Is(err, boltstore.ErrInUse) || !strings.Contains(err.Error(), "stop the server") {
		t.Errorf("opening a file in use = %v, want ErrInUse and what to do", err)
	}
}

// emptyStore is what a kill amid the making of a store leaves.
func emptyStore(t *testing.T) []byte {
	t.Helper()
	path := pair{}.lay(t)
	inFile(t, path, func(*bolt.Tx) error { return nil })
	return look(t, path).file
}
