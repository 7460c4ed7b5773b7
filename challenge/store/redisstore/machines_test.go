// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"errors"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

// machines opens n stores that share their records.
func machines(t testing.TB, n int, o redisstore.Options) []*redisstore.Store {
	t.Helper()
	o.Prefix = newPrefix()
	all := make([]*redisstore.Store, n)
	for i := range all {
		all[i] = open(t, o)
	}
	return all
}

// parallel runs n functions that all wait for each other before they start.
func parallel(n int, run func(i int)) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			run(i)
		})
	}
	close(start)
	wg.Wait()
}

func TestOTC04OneOf200AnswersAtTwoMachinesWins(t *testing.T) {
	server := redistest.Start(t)
	two := machines(t, 2, redisstore.Options{Addrs: []string{server.Addr}, Timeout: slowMachine})
	for code := range 10 {
		key := "code/" + strconv.Itoa(code)
		begin(t, two[0], key)
		var winners atomic.Int64
		parallel(200, func(i int) {
			if spend(t, two[i%2], key, true) {
				winners.Add(1)
			}
		})
		if n := winners.Load(); n != 1 {
			t.Errorf("%d of 200 answers were taken, want 1", n)
		}
	}
	for _, s := range two {
		if n := s.Waiting(); n != 0 {
			t.Errorf("%d turns were never given back", n)
		}
	}
}

func TestRL09TriesAddUpOverMachines(t *testing.T) {
	const tries, limit = 200, 5
	server := redistest.Start(t)
	two := machines(t, 2, redisstore.Options{Addrs: []string{server.Addr}, Timeout: slowMachine})
	var judged atomic.Int64
	parallel(tries, func(i int) {
		below := false
		if err := two[i%2].Update(t.Context(), "tries", func(old []byte, now time.Time) ([]byte, time.Duration, error) {
			below = len(old) < limit
			if below {
				old = append(old, 'x')
			}
			return old, time.Hour, nil
		}); err != nil {
			t.Errorf("Update = %v", err)
		}
		if below {
			judged.Add(1)
		}
		if err := two[i%2].Update(t.Context(), "asked", increment); err != nil {
			t.Errorf("Update = %v", err)
		}
	})
	if n := judged.Load(); n != limit {
		t.Errorf("%d of %d tries were judged, want %d", n, tries, limit)
	}
	wantValue(t, two[1], "asked", strconv.Itoa(tries))
}

// A step is what a machine did with a counter, for the check of a history: it
// read it, or added to what it saw.
type step struct{ adds bool }

// counting is how a counter behaves that is in one place. An addition of which
// the store is unsure may have been kept, at any time or never: its end is the
// end of time, where nobody reads any more. Any other error means that it was
// not, so that it is no step at all.
var counting = porcupine.Model{
	Init: func() any { return 0 },
	Step: func(state, input, output any) (bool, any) {
		is, saw := state.(int), output.(int)
		right := saw == unknown || saw == is
		if input.(step).adds {
			return right, is + 1
		}
		return right, is
	},
}

const unknown = -1

// A history is what machines did with a counter.
type history struct {
	began time.Time

	mu           sync.Mutex // guards below
	steps        []porcupine.Operation
	kept, unsure int // additions
}

// maxUnsure is how many additions may be unsure: each doubles what there is to
// be checked.
const maxUnsure = 8

// count adds to the counter and notes what it saw.
func (h *history) count(t *testing.T, s challenge.Store, machine int) error {
	saw, call := unknown, time.Since(h.began).Nanoseconds()
	err := s.Update(t.Context(), "counter", func(old []byte, now time.Time) ([]byte, time.Duration, error) {
		saw, _ = strconv.Atoi("0" + string(old))
		return increment(old, now)
	})
	back := time.Since(h.began).Nanoseconds()
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case errors.Is(err, redisstore.ErrUnsure):
		h.unsure++
		saw, back = unknown, math.MaxInt64
	case err != nil:
		return err
	default:
		h.kept++
	}
	h.steps = append(h.steps, porcupine.Operation{ClientId: machine, Input: step{adds: true}, Call: call, Output: saw, Return: back})
	return err
}

func (h *history) read(t *testing.T, s challenge.Store, machine int) error {
	call := time.Since(h.began).Nanoseconds()
	got, err := s.Get(t.Context(), "counter")
	back := time.Since(h.began).Nanoseconds()
	if err != nil {
		return err // saw nothing, changed nothing
	}
	saw, _ := strconv.Atoi(string(got))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.steps = append(h.steps, porcupine.Operation{ClientId: machine, Input: step{}, Call: call, Output: saw, Return: back})
	return nil
}

// full reports whether there is as much to check as can be.
func (h *history) full() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.unsure >= maxUnsure || h.kept >= 400
}

// check reports a history that no counter in one place could have, or one that
// the counter in s could not have.
func (h *history) check(t *testing.T, s challenge.Store) {
	t.Helper()
	got, err := s.Get(t.Context(), "counter")
	n, _ := strconv.Atoi(string(got))
	if err != nil || n < h.kept || n > h.kept+h.unsure {
		t.Errorf("the counter is %q, %v, after %d additions and %d unsure ones", got, err, h.kept, h.unsure)
	}
	if result := porcupine.CheckOperationsTimeout(counting, h.steps, time.Minute); result != porcupine.Ok {
		t.Errorf("the history of %d steps is %s", len(h.steps), result)
	}
}

func TestOTC04TheHistoryOfARecordIsThatOfOnePlace(t *testing.T) {
	server := redistest.Start(t)
	two := machines(t, 2, redisstore.Options{Addrs: []string{server.Addr}, Timeout: slowMachine})
	put(t, two[0], "counter", "0", 0)
	h := history{began: time.Now()}
	parallel(16, func(i int) {
		for range 25 {
			if err := errors.Join(h.count(t, two[i%2], i), h.read(t, two[i%2], i)); err != nil {
				t.Errorf("counting = %v", err)
			}
		}
	})
	h.check(t, two[1])
	wantValue(t, two[0], "counter", "400")
}
