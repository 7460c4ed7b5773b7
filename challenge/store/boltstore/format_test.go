// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

// A step adds to every record what it is called by.
func step(name string) func(tx *bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		records := tx.Bucket([]byte("records"))
		changed := make(map[string][]byte)
		if err := records.ForEach(func(key, raw []byte) error {
			changed[string(key)] = append(bytes.Clone(raw), name...)
			return nil
		}); err != nil {
			return err
		}
		for key, raw := range changed {
			if err := records.Put([]byte(key), raw); err != nil {
				return err
			}
		}
		return nil
	}
}

var errStep = errors.New("this record cannot be migrated")

func failing(tx *bolt.Tx) error { return errors.Join(step(" half")(tx), errStep) }

// wantFiles reports what is not, or not only, beside a store's file.
func wantFiles(t *testing.T, path string, suffixes ...string) {
	t.Helper()
	names, err := filepath.Glob(path + ".*")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		names[i] = strings.TrimPrefix(name, path)
	}
	if !slices.Equal(names, suffixes) {
		t.Errorf("beside the file are %q, want %q", names, suffixes)
	}
}

// F-19: a file is copied before it is migrated, and the copy serves the
// version before.
func TestF19AFileIsCopiedBeforeItIsMigrated(t *testing.T) {
	before := live(t).closed
	path := before.lay(t)
	s, err := boltstore.OpenLater(boltstore.Options{Path: path}, step(" in 2"))
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	wantValue(t, s, "session", "ended in 2")
	if s.Restored() {
		t.Error("a file that was migrated is Restored")
	}
	put(t, s, "session", "later", 0)
	shut(t, s)
	wantFiles(t, path, ".format1.bak", ".witness")
	wantMode(t, path+".format1.bak", 0o600)
	if _, err := boltstore.Open(boltstore.Options{Path: path}); !errors.Is(err, boltstore.ErrNewer) {
		t.Errorf("opening it by the version before = %v, want ErrNewer", err)
	}

	again, err := boltstore.OpenLater(boltstore.Options{Path: path}, step(" in 2"))
	if err != nil {
		t.Fatalf("opening it again = %v", err)
	}
	wantValue(t, again, "session", "later")
	shut(t, again)
	wantFiles(t, path, ".format1.bak", ".witness")

	if err := os.Rename(path+".format1.bak", path); err != nil {
		t.Fatal(err)
	}
	back := open(t, boltstore.Options{Path: path})
	wantValue(t, back, "session", "ended")
	if !back.Restored() {
		t.Error("the copy that was put back is not Restored")
	}
	shut(t, back)
	checkConsistent(t, path)
}

func TestSeveralFormatsAreMigratedAtOnce(t *testing.T) {
	path := live(t).closed.lay(t)
	s, err := boltstore.OpenLater(boltstore.Options{Path: path}, step(" in 2"))
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	shut(t, s)
	s, err = boltstore.OpenLater(boltstore.Options{Path: path}, failing, step(" in 3"), step(" in 4"))
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	wantValue(t, s, "session", "ended in 2 in 3 in 4")
	shut(t, s)
	wantFiles(t, path, ".format1.bak", ".format2.bak", ".witness")
}

func TestANewFileIsMadeInTheNewestFormat(t *testing.T) {
	path := newPath(t)
	for range 2 {
		s, err := boltstore.OpenLater(boltstore.Options{Path: path}, failing)
		if err != nil {
			t.Fatalf("Open = %v", err)
		}
		shut(t, s)
	}
	wantFiles(t, path, ".witness")
}

// A service that cannot start is started again and again. Its disk must not
// fill with copies.
func TestAMigrationThatFailsLeavesTheFileAsItWas(t *testing.T) {
	for name, broken := range map[string]func(tx *bolt.Tx) error{
		"with an error": failing,
		"with a panic":  func(tx *bolt.Tx) error { _ = step(" half")(tx); panic("as a bug would") },
	} {
		t.Run(name, func(t *testing.T) {
			before := live(t).closed
			path := before.lay(t)
			for range 3 {
				if _, err := boltstore.OpenLater(boltstore.Options{Path: path}, step(" in 2"), broken); err == nil || !strings.Contains(err.Error(), "migrating format 1 to 3") {
					t.Errorf("Open = %v, want an error that says what was tried", err)
				}
				if !bytes.Equal(before.file, readFile(t, path)) {
					t.Fatal("the file has been changed")
				}
				wantFiles(t, path, ".format1.bak", ".witness")
			}
			s := open(t, boltstore.Options{Path: path})
			wantValue(t, s, "session", "ended")
			if s.Restored() {
				t.Error("after a migration that failed the file is Restored")
			}
		})
	}
}

func TestAnEarlierCopyIsNeverOverwritten(t *testing.T) {
	before := live(t).closed
	path := before.lay(t)
	earlier := map[string][]byte{".format1.bak": []byte("earlier"), ".format1-2.bak": append(bytes.Clone(before.file), 0)}
	for suffix, content := range earlier {
		if err := os.WriteFile(path+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := boltstore.OpenLater(boltstore.Options{Path: path}, step(""))
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	shut(t, s)
	wantFiles(t, path, ".format1-2.bak", ".format1-3.bak", ".format1.bak", ".witness")
	for suffix, content := range earlier {
		if !bytes.Equal(content, readFile(t, path+suffix)) {
			t.Errorf("%s has been changed", suffix)
		}
	}
	wantValue(t, open(t, boltstore.Options{Path: pair{file: readFile(t, path+".format1-3.bak")}.lay(t)}), "session", "ended")
}

func TestWithoutACopyNothingIsMigrated(t *testing.T) {
	before := live(t).closed
	path := before.lay(t)
	if err := os.MkdirAll(path+".spool/in use", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := boltstore.OpenLater(boltstore.Options{Path: path}, step("")); err == nil || !strings.Contains(err.Error(), "before it is migrated") {
		t.Errorf("Open = %v, want an error that says that there is no copy", err)
	}
	if !bytes.Equal(before.file, readFile(t, path)) {
		t.Error("the file has been changed")
	}
}

// The migration's own commit would bring an old copy nearer to the witness.
func TestAMigrationOfAFileThatWasPutBackIsStillNoticed(t *testing.T) {
	l := live(t)
	path := pair{l.used.file, l.later.witness}.lay(t)
	for range 2 {
		s, err := boltstore.OpenLater(boltstore.Options{Path: path}, step(""))
		if err != nil {
			t.Fatalf("Open = %v", err)
		}
		if !s.Restored() {
			t.Error("the file is not Restored")
		}
		shut(t, s)
	}
}

func TestReadingOnlyDoesNotMigrate(t *testing.T) {
	before := live(t).closed
	path := before.lay(t)
	if _, err := boltstore.OpenLater(boltstore.Options{Path: path, ReadOnly: true}, step("")); err == nil || !strings.Contains(err.Error(), "start the server on it once") {
		t.Errorf("Open = %v, want an error that says what to do", err)
	}
	if !bytes.Equal(before.file, readFile(t, path)) {
		t.Error("the file has been changed")
	}
}
