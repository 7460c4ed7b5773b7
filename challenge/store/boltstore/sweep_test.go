// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

// strangersOf is how many challenges are opened in each of some rounds.
// DOORCODE_STRANGERS in the environment asks for another number of all.
func strangersOf(t *testing.T, rounds int) int {
	t.Helper()
	const variable = "DOORCODE_STRANGERS"
	text := os.Getenv(variable)
	if text == "" {
		return 50_000 / rounds
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < rounds {
		t.Fatalf("%s = %q, want at least %d", variable, text, rounds)
	}
	return n / rounds
}

// F-20: strangers open challenges without end. What they leave is swept as
// fast as it comes, and its room used again, while what lives stays. With
// DOORCODE_STRANGERS=1000000 they are as many: a minute, more where others use
// the disk.
func TestF20StrangersDoNotFillTheDisk(t *testing.T) {
	const rounds = 10
	strangers := strangersOf(t, rounds)
	path := newPath(t)
	var sizes []int64
	synctest.Test(t, func(t *testing.T) {
		s := open(t, boltstore.Options{Path: path})
		put(t, s, "person/ana", "kept", 0)
		for round := range rounds {
			openDoors(t, s, round, strangers)
			<-time.After(time.Minute) // they end, and a sweep begins
			synctest.Wait()
			sizes = append(sizes, fileSize(t, path))
		}
		<-time.After(time.Minute)
		synctest.Wait()
		wantValue(t, s, "person/ana", "kept")
		shut(t, s)
	})
	if records, entries := checkConsistent(t, path); records != 1 || entries != 0 {
		t.Errorf("%d records and %d index entries are left, want 1 and none", records, entries)
	}
	// A sweep may end within the round after the one that it began in.
	// A small file grows by doubling; all that came would take ten times as much.
	if settled, last := sizes[2], sizes[rounds-1]; last > 2*settled {
		t.Errorf("after each round the file has %d bytes, want no growth after the first few", sizes)
	}
	t.Logf("%d strangers in each round, after which the file has %d bytes", strangers, sizes)
}

// openDoors leaves so many records as the challenge of an unknown address
// does, from many visitors at once.
func openDoors(t *testing.T, s *boltstore.Store, round, n int) {
	t.Helper()
	const visitors = 1_000
	value := strings.Repeat("x", 400)
	var all sync.WaitGroup
	for v := range visitors {
		all.Go(func() {
			for i := v; i < n; i += visitors {
				put(t, s, fmt.Sprintf("door/%x", uint64(round*n+i)*0x9e3779b97f4a7c15), value, 30*time.Second)
			}
		})
	}
	all.Wait()
}

func fileSize(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
