// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

// Everything that ended goes with the next sweeps, whatever came in between,
// and nothing that lives.
func TestTheSweepRemovesWhatEndedAndNothingElse(t *testing.T) {
	path := newPath(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, boltstore.Options{Path: path})
		var writers sync.WaitGroup
		for i := range 1_000 {
			writers.Go(func() { put(t, s, fmt.Sprintf("ends/%d", i), "x", 30*time.Second) })
		}
		writers.Wait()
		put(t, s, "lasting", "x", 0)
		put(t, s, "an hour", "x", time.Hour)
		put(t, s, "renewed", "x", 30*time.Second)
		put(t, s, "renewed", "x", time.Hour)
		put(t, s, "made lasting", "x", 30*time.Second)
		put(t, s, "made lasting", "x", 0)
		<-time.After(61 * time.Second)
		synctest.Wait()
		for _, key := range []string{"lasting", "an hour", "renewed", "made lasting"} {
			wantValue(t, s, key, "x")
		}
		if err := s.Close(); err != nil {
			t.Fatalf("Close = %v", err)
		}
	})
	if records, entries := checkConsistent(t, path); records != 4 || entries != 2 {
		t.Errorf("%d records and %d index entries are left, want 4 and 2", records, entries)
	}
}

// A record that ended need not have been swept to be gone, and one that takes
// its place must not go with it.
func TestTheSweepSparesARecordMadeAnew(t *testing.T) {
	path := newPath(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, boltstore.Options{Path: path})
		put(t, s, "a", "old", 30*time.Second)
		<-time.After(45 * time.Second)
		put(t, s, "a", "new", time.Hour)
		<-time.After(time.Minute)
		synctest.Wait()
		wantValue(t, s, "a", "new")
		if err := s.Close(); err != nil {
			t.Fatalf("Close = %v", err)
		}
	})
	checkConsistent(t, path)
}

// Should index and record ever disagree, the record is right: to remove it
// would lift a lock.
func TestTheSweepTrustsTheRecordNotTheIndex(t *testing.T) {
	path := newPath(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, boltstore.Options{Path: path})
		put(t, s, "door/locked", "x", time.Hour)
		if err := s.Close(); err != nil {
			t.Fatalf("Close = %v", err)
		}
	})
	inFile(t, path, func(tx *bolt.Tx) error {
		early := boltstore.ExpiryKey(1, []byte("door/locked"))
		return errors.Join(
			tx.Bucket([]byte("expiry")).Put(early, nil),
			tx.Bucket([]byte("expiry")).Put([]byte("short"), nil),
		)
	})
	synctest.Test(t, func(t *testing.T) {
		s := open(t, boltstore.Options{Path: path})
		<-time.After(2 * time.Minute)
		synctest.Wait()
		wantValue(t, s, "door/locked", "x")
		if err := s.Close(); err != nil {
			t.Fatalf("Close = %v", err)
		}
	})
	if records, entries := checkConsistent(t, path); records != 1 || entries != 1 {
		t.Errorf("%d records and %d index entries are left, want 1 and 1", records, entries)
	}
}

// An edit that ends the goroutine it runs in, as a failing test does, ends the
// writer; the Updates that wait and those to come must be answered.
func TestAnEditThatExitsDoesNotStopTheWriter(t *testing.T) {
	s := open(t, boltstore.Options{Path: newPath(t)})
	var writers sync.WaitGroup
	for i := range 20 {
		writers.Go(func() {
			err := s.Update(t.Context(), "a", func([]byte, time.Time) ([]byte, time.Duration, error) {
				if i%2 == 0 {
					runtime.Goexit()
				}
				return []byte("x"), 0, nil
			})
			if i%2 == 0 && err == nil {
				t.Error("an Update that was left half-way = nil")
			}
		})
	}
	writers.Wait()
	put(t, s, "a", "goes on", 0)
	wantValue(t, s, "a", "goes on")
}

// An Update of which the caller gave up while it waited must not happen later.
func TestAnUpdateGivenUpWhileWaitingNeverHappens(t *testing.T) {
	path := newPath(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, boltstore.Options{Path: path})
		leave := make(chan struct{})
		var writers sync.WaitGroup
		writers.Go(func() {
			if err := s.Update(t.Context(), "slow", func([]byte, time.Time) ([]byte, time.Duration, error) {
				<-leave
				return []byte("x"), 0, nil
			}); err != nil {
				t.Errorf("Update = %v", err)
			}
		})
		synctest.Wait() // the slow one holds the writer
		ctx, cancel := context.WithCancel(t.Context())
		writers.Go(func() {
			if err := s.Update(ctx, "given up", set("x", 0)); !errors.Is(err, context.Canceled) {
				t.Errorf("Update = %v, want context.Canceled", err)
			}
			close(leave)
		})
		synctest.Wait() // the other one waits for it
		cancel()
		writers.Wait()
		if keys, err := s.List(t.Context(), "", "", 10); err != nil || len(keys) != 1 {
			t.Errorf("List = %q, %v, want only the slow one", keys, err)
		}
	})
}

// Large records in one batch are spread over transactions that fit in memory,
// and each Update is answered once.
func TestManyLargeRecordsAtOnceAreAllKept(t *testing.T) {
	s := open(t, boltstore.Options{Path: newPath(t)})
	large := strings.Repeat("x", 1<<20)
	var writers sync.WaitGroup
	for i := range 24 {
		writers.Go(func() { put(t, s, fmt.Sprintf("large/%d", i), large, 0) })
	}
	writers.Wait()
	for i := range 24 {
		got, err := s.Get(t.Context(), fmt.Sprintf("large/%d", i))
		if err != nil || string(got) != large {
			t.Errorf("record %d has %d bytes, %v", i, len(got), err)
		}
	}
}

// What changes nothing must not wait for the disk: a locked address is asked
// for again and again, and each refusal would cost a sync.
func TestAnUpdateThatChangesNothingWritesNothing(t *testing.T) {
	path, c := newPath(t), newClock()
	s := open(t, boltstore.Options{Path: path, Now: c.now})
	end := c.now().Add(time.Hour)
	same := func(_ []byte, now time.Time) ([]byte, time.Duration, error) {
		return []byte("locked"), end.Sub(now), nil
	}
	update := func(key string, edit edit) {
		t.Helper()
		if err := s.Update(t.Context(), key, edit); err != nil {
			t.Fatalf("Update(%q) = %v", key, err)
		}
	}
	update("ends", same)
	update("lasting", set("x", 0))
	before := readFile(t, path)
	c.advance(time.Minute)
	update("ends", same)
	update("lasting", set("x", 0))
	update("missing", func([]byte, time.Time) ([]byte, time.Duration, error) { return nil, 0, nil })
	if string(before) != string(readFile(t, path)) {
		t.Error("Updates that change nothing have written to the file")
	}
	update("lasting", set("y", 0))
	if string(before) == string(readFile(t, path)) {
		t.Error("an Update that changes something has not written to the file")
	}
}

// The file may be moved away under a running store; that is not its end.
func TestOpeningAfterTheFileWasRemovedStartsAnew(t *testing.T) {
	path := newPath(t)
	first := open(t, boltstore.Options{Path: path})
	put(t, first, "a", "x", 0)
	if err := os.Remove(path); err != nil {
		return // Windows does not remove open files
	}
	second := open(t, boltstore.Options{Path: path})
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Error("no new file was made")
	}
	put(t, second, "a", "y", 0)
	wantValue(t, first, "a", "x")
	wantValue(t, second, "a", "y")
}
