// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

// F-18: a second process must neither share the file nor wait for ever. The
// child has the default timeout of 2 seconds; only the test's end bounds it.
func TestF18ASecondProcessIsToldThatTheFileIsInUse(t *testing.T) {
	path := newPath(t)
	s := open(t, boltstore.Options{Path: path})
	put(t, s, "a", "kept", 0)
	out, err := child(t, roleOpen, path).Output()
	if err == nil {
		t.Fatal("a second process opened the file")
	}
	for _, want := range []string{"already in use by another process", "`caddy reload`", "another path", path} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the second process said %q, want it to contain %q", out, want)
		}
	}
	wantValue(t, s, "a", "kept")
	if err := s.Close(); err != nil {
		t.Fatalf("Close = %v", err)
	}
	if out, err := child(t, roleOpen, path).Output(); err != nil {
		t.Errorf("once the file was free, opening it said %s", out)
	}
}

func TestASecondOpenInOneProcessFailsToo(t *testing.T) {
	o := boltstore.Options{Path: newPath(t), Timeout: time.Millisecond}
	open(t, o)
	if _, err := boltstore.Open(o); !errors.Is(err, boltstore.ErrInUse) {
		t.Errorf("Open = %v, want ErrInUse", err)
	}
}

func TestNobodyElseCanReadTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder", "records.db")
	if err := open(t, boltstore.Options{Path: path}).Close(); err != nil {
		t.Fatalf("Close = %v", err)
	}
	wantMode(t, filepath.Dir(filepath.Dir(path)), 0o700)
	wantMode(t, filepath.Dir(path), 0o700)
	wantMode(t, path, 0o600)

	// A copy that was put back may have come with any mode.
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, boltstore.Options{Path: path})
	wantMode(t, path, 0o600)
}

func wantMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return // access there is not a matter of modes
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %o, want %o", path, got, want)
	}
}

// F-19: a file of a later format is refused and left as it was.
func TestF19ANewerFormatIsRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(tx *bolt.Tx) error
		want   error
		says   string
	}{
		{"the next format is refused as newer", setFormat(2), boltstore.ErrNewer, "has format 2, this version knows 1"},
		{"a far format is refused as newer", setFormat(1 << 31), boltstore.ErrNewer, "newer version"},
		{"format zero never was", setFormat(0), boltstore.ErrUnreadable, "never was"},
		{"a format of other length is refused", func(tx *bolt.Tx) error {
			return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte("1"))
		}, boltstore.ErrUnreadable, "1 bytes"},
		{"a file without its index is refused", func(tx *bolt.Tx) error {
			return tx.DeleteBucket([]byte("expiry"))
		}, boltstore.ErrUnreadable, "lacks a part"},
		{"another program's file is refused", func(tx *bolt.Tx) error {
			return errors.Join(tx.DeleteBucket([]byte("meta")), tx.DeleteBucket([]byte("expiry")))
		}, boltstore.ErrUnreadable, "something else"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := newPath(t)
			if err := open(t, boltstore.Options{Path: path}).Close(); err != nil {
				t.Fatalf("Close = %v", err)
			}
			inFile(t, path, c.change)
			before := readFile(t, path)
			_, err := boltstore.Open(boltstore.Options{Path: path})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Open = %v, want %v that contains %q", err, c.want, c.says)
			}
			if !bytes.Equal(before, readFile(t, path)) {
				t.Error("a file that was refused has been changed")
			}
		})
	}
}

func setFormat(n uint32) func(tx *bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("format"), binary.BigEndian.AppendUint32(nil, n))
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// filled is the content of a store's file that has several pages in use.
func filled(t *testing.T) []byte {
	t.Helper()
	path := newPath(t)
	s := open(t, boltstore.Options{Path: path})
	for i := range 20 {
		put(t, s, strings.Repeat("k", 1+i), strings.Repeat("v", 2_000), time.Hour)
	}
	if err := s.Close(); err != nil {
		t.Fatalf("Close = %v", err)
	}
	return readFile(t, path)
}

// A file cut short is mapped into memory beyond its end: reading there is a
// fault that would end the whole process.
func TestAFileCutShortIsRefused(t *testing.T) {
	whole := filled(t)
	for size := 1; size < 60_000; size += 1_021 {
		wantRefused(t, whole[:size])
	}
}

func TestGarbageIsRefused(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	for _, size := range []int{1, 64, 4096, 16384, 100_000} {
		garbage := make([]byte, size)
		wantRefused(t, garbage)
		_, _ = random.Read(garbage)
		wantRefused(t, garbage)
	}
	wantRefused(t, []byte("storage:\n  embedded\n"))
}

func wantRefused(t *testing.T, content []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "records.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := boltstore.Open(boltstore.Options{Path: path})
	if err == nil {
		_ = s.Close()
	}
	if !errors.Is(err, boltstore.ErrUnreadable) {
		t.Errorf("Open of %d broken bytes = %v, want ErrUnreadable", len(content), err)
	}
	if !bytes.Equal(content, readFile(t, path)) {
		t.Errorf("a file of %d broken bytes that was refused has been changed", len(content))
	}
}

// Damage behind the first two pages may stay unseen until it is read. It must
// then be an error each time, and the store must still close.
func TestDamageInsideIsAnErrorNotACrash(t *testing.T) {
	whole, stopped := filled(t), 0
	for _, with := range []byte{0x00, 0xff} {
		for page := 2; page < len(whole)/4096; page++ {
			content := bytes.Clone(whole)
			copy(content[page*4096:], bytes.Repeat([]byte{with}, 4096))
			path := filepath.Join(t.TempDir(), "records.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if useDamaged(t, path) {
				stopped++
			}
		}
	}
	if stopped == 0 {
		t.Error("no damage was ever met while writing")
	}
}

// useDamaged uses a file that may be damaged, and reports whether damage ended
// the writing.
func useDamaged(t *testing.T, path string) (stopped bool) {
	t.Helper()
	s, err := boltstore.Open(boltstore.Options{Path: path})
	if err != nil {
		return false
	}
	for i := range 20 {
		_, _ = s.Get(t.Context(), strings.Repeat("k", 1+i))
	}
	_, _ = s.List(t.Context(), "", "", 100)
	for i := range 5 {
		err := s.Update(t.Context(), strings.Repeat("k", 1+4*i), set("x", time.Minute))
		if stopped && !errors.Is(err, boltstore.ErrUnreadable) {
			t.Errorf("Update after damage = %v, want ErrUnreadable", err)
		}
		stopped = stopped || err != nil
	}
	_ = s.Close()
	return stopped
}

func TestOpenSaysWhatIsInTheWay(t *testing.T) {
	if _, err := boltstore.Open(boltstore.Options{}); err == nil {
		t.Error("Open without a path = nil")
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder, filepath.Join(file, "records.db")} {
		if _, err := boltstore.Open(boltstore.Options{Path: path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%q) = %v, want an error that names the path", path, err)
		}
	}
}

func TestAnEmptyFileBecomesAStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, boltstore.Options{Path: path})
	put(t, s, "a", "x", 0)
	wantValue(t, s, "a", "x")
}
