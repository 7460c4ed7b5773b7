// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

func backup(t testing.TB, s *boltstore.Store) []byte {
	t.Helper()
	var copied bytes.Buffer
	n, err := s.Backup(&copied)
	if err != nil || n != int64(copied.Len()) {
		t.Fatalf("Backup = %d, %v, with %d bytes written", n, err, copied.Len())
	}
	return copied.Bytes()
}

// wantNoSpool reports what a Backup left in the folder.
func wantNoSpool(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Lstat(path + ".spool"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy that was in the making is still there: %v", err)
	}
}

// Each writer raises "left" before "right": a copy of one moment never has
// more of the right.
func TestABackupIsOfOneMoment(t *testing.T) {
	path := newPath(t)
	s := open(t, boltstore.Options{Path: path})
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for i := range 4 {
		own := strconv.Itoa(i)
		writers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				put(t, s, "left/"+own, strconv.Itoa(n), 0)
				put(t, s, "right/"+own, strconv.Itoa(n), 0)
				put(t, s, "large/"+own, strings.Repeat("x", n%50_000), 0)
			}
		})
	}
	var copies [][]byte
	for range 10 {
		copies = append(copies, backup(t, s))
	}
	stop()
	writers.Wait()
	wantNoSpool(t, path)
	for _, copied := range copies {
		path := pair{file: copied}.lay(t)
		checkConsistent(t, path)
		s := open(t, boltstore.Options{Path: path})
		for i := range 4 {
			left, right := number(t, s, "left/"+strconv.Itoa(i)), number(t, s, "right/"+strconv.Itoa(i))
			if left < right || left > right+1 {
				t.Errorf("a copy has %d left and %d right", left, right)
			}
		}
	}
}

func number(t *testing.T, s *boltstore.Store, key string) int {
	t.Helper()
	value, err := s.Get(t.Context(), key)
	if errors.Is(err, challenge.ErrNotFound) {
		return -1
	}
	n, err := strconv.Atoi(string(value))
	if err != nil {
		t.Fatalf("%s is %q", key, value)
	}
	return n
}

// A reading transaction keeps the file from growing. One that lasted as long
// as an operator's download would end every Update, and with them every Get.
func TestABackupThatNobodyReadsHoldsUpNobody(t *testing.T) {
	path := newPath(t)
	s := open(t, boltstore.Options{Path: path})
	put(t, s, "then", "before", 0)
	put(t, s, "large", strings.Repeat("x", 1<<20), 0)
	reader, writer := io.Pipe()
	done := make(chan error)
	go func() {
		_, err := s.Backup(writer)
		writer.Close()
		done <- err
	}()
	copied := make([]byte, 1)
	if _, err := io.ReadFull(reader, copied); err != nil { // it has begun
		t.Fatal(err)
	}
	wantMode(t, path+".spool", 0o600)
	put(t, s, "then", "after", 0)
	for i := range 40 {
		put(t, s, "more/"+strconv.Itoa(i), strings.Repeat("x", 1<<20), 0)
	}
	wantValue(t, s, "then", "after")
	rest, err := io.ReadAll(reader)
	if err := errors.Join(err, <-done); err != nil {
		t.Fatalf("Backup = %v", err)
	}
	wantValue(t, open(t, boltstore.Options{Path: pair{file: append(copied, rest...)}.lay(t)}), "then", "before")
}

var errReader = errors.New("the reader has gone")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errReader }

func TestABackupThatFailsSaysSoAndLeavesNothing(t *testing.T) {
	path := newPath(t)
	s := open(t, boltstore.Options{Path: path})
	put(t, s, "a", "x", 0)
	if _, err := s.Backup(brokenWriter{}); !errors.Is(err, errReader) {
		t.Errorf("Backup = %v, want the writer's error", err)
	}
	wantNoSpool(t, path)
	if err := os.MkdirAll(path+".spool/in use", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Backup(io.Discard); err == nil {
		t.Error("a Backup without a place for the copy = nil")
	}
	if err := os.RemoveAll(path + ".spool"); err != nil {
		t.Fatal(err)
	}
	backup(t, s)
	shut(t, s)
	if _, err := s.Backup(io.Discard); !errors.Is(err, challenge.ErrClosed) {
		t.Errorf("Backup after Close = %v, want ErrClosed", err)
	}
}

func TestWhatAKillLeftOfABackupGoesWithTheNextOpen(t *testing.T) {
	path := pair{}.lay(t)
	if err := os.WriteFile(path+".spool", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, boltstore.Options{Path: path})
	wantNoSpool(t, path)
}
