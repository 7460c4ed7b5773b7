// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

// A keeper is somebody who runs a store, kills it, copies its file and puts
// copies back, and knows what the store should notice.
type keeper struct {
	t     *testing.T
	path  string
	store *boltstore.Store // nil while it is closed

	state    int // what the file holds: zero is nothing, every change has a number of its own
	changes  int
	left     int  // what it held when it was closed
	restored bool // and not settled since

	copies []copied
}

type copied struct {
	file  []byte
	state int
}

// F-19, whatever happens in whichever order: a file is Restored exactly if
// something that was acknowledged is not in it, until it is settled.
func TestF19AnyHistoryTellsACopyFromTheFile(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := &keeper{t: t, path: newPath(t)}
		defer func() {
			if k.store != nil {
				k.close(rt)
			}
		}()
		k.open(rt)
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			steps := closedSteps
			if k.store != nil {
				steps = openSteps
			}
			name := rapid.SampledFrom(slices.Sorted(maps.Keys(steps))).Draw(rt, "step")
			steps[name](k, rt)
		}
	})
}

var (
	openSteps = map[string]func(*keeper, *rapid.T){
		"change": (*keeper).change, "copy": (*keeper).copy, "back up": (*keeper).backup,
		"settle": (*keeper).settle, "kill": (*keeper).kill, "close": (*keeper).close,
	}
	closedSteps = map[string]func(*keeper, *rapid.T){
		"put back": (*keeper).putBack, "copy": (*keeper).copy, "lose": (*keeper).lose, "open": (*keeper).open,
	}
)

func (k *keeper) next() int {
	k.changes++
	return k.changes
}

func (k *keeper) must(rt *rapid.T, err error) {
	rt.Helper()
	if err != nil {
		rt.Fatal(err)
	}
}

func (k *keeper) open(rt *rapid.T) {
	var err error
	k.store, err = boltstore.Open(boltstore.Options{Path: k.path})
	k.must(rt, err)
	k.restored = k.restored || k.state != k.left
	if got := k.store.Restored(); got != k.restored {
		rt.Fatalf("Restored = %t, want %t", got, k.restored)
	}
}

func (k *keeper) close(rt *rapid.T) {
	k.must(rt, k.store.Close())
	k.store, k.left = nil, k.state
}

func (k *keeper) change(rt *rapid.T) {
	k.state = k.next()
	k.must(rt, k.store.Update(k.t.Context(), "state", set(strconv.Itoa(k.state), 0)))
}

func (k *keeper) kill(rt *rapid.T) {
	left := look(k.t, k.path)
	k.close(rt)
	left.put(k.t, k.path)
}

func (k *keeper) settle(rt *rapid.T) {
	if k.restored {
		k.state = k.next() // what was copied before is another file
	}
	k.must(rt, k.store.Settle())
	k.restored = false
}

func (k *keeper) backup(rt *rapid.T) {
	k.copies = append(k.copies, copied{backup(k.t, k.store), k.next()})
}

func (k *keeper) copy(*rapid.T) {
	k.copies = append(k.copies, copied{look(k.t, k.path).file, k.state})
}

func (k *keeper) putBack(rt *rapid.T) {
	if len(k.copies) == 0 {
		return
	}
	c := k.copies[rapid.IntRange(0, len(k.copies)-1).Draw(rt, "copy")]
	k.must(rt, os.WriteFile(k.path, c.file, 0o600))
	k.state = c.state
}

// lose removes the file, so that the next one starts with nothing.
func (k *keeper) lose(rt *rapid.T) {
	k.must(rt, os.Remove(k.path))
	k.restored, k.state, k.left = false, 0, 0
	k.open(rt)
}
