// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

// F-02, F-07: on a bad network no answer is taken for that to another question,
// what was acknowledged has happened, nothing has happened twice, and once the
// network is good the stores are.
func TestF07NoAnswerGoesAstrayOnABadNetwork(t *testing.T) {
	server := redistest.Start(t)
	for _, bad := range []struct{ name, direction, kind, attributes string }{
		{"answers are slow", "downstream", "latency", `"latency": 40, "jitter": 40`},
		{"questions are slow", "upstream", "latency", `"latency": 40, "jitter": 40`},
		{"answers come in pieces", "downstream", "slicer", `"average_size": 3, "size_variation": 2, "delay": 2000`},
		{"questions come in pieces", "upstream", "slicer", `"average_size": 9, "size_variation": 8, "delay": 2000`},
		{"answers trickle", "downstream", "bandwidth", `"rate": 1`},
		{"answers are cut short", "downstream", "limit_data", `"bytes": 700`},
		{"questions are cut short", "upstream", "limit_data", `"bytes": 2000`},
		{"answers stop and the connection ends", "downstream", "timeout", `"timeout": 30`},
		{"nothing is answered", "downstream", "timeout", `"timeout": 0`},
		{"connections are reset", "downstream", "reset_peer", `"timeout": 20`},
	} {
		t.Run(bad.name, func(t *testing.T) {
			t.Parallel()
			between := newNetwork(t, server)
			useWhile(t, server, between.addr, func(felt func()) {
				between.poison(bad.direction, bad.kind, bad.attributes)
				felt()
				between.stop()
				between.start()
			})
		})
	}
	t.Run("the server goes away and comes back", func(t *testing.T) {
		t.Parallel()
		between := newNetwork(t, server)
		useWhile(t, server, between.addr, func(felt func()) {
			for range 2 {
				between.stop()
				felt()
				between.start()
				felt()
			}
		})
	})
	t.Run("the server stands still", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t)
		useWhile(t, server, server.Addr, func(felt func()) {
			server.Pause()
			felt()
			server.Resume()
		})
	})
}

// useWhile uses two stores that reach the server at addr, without a break until
// trouble is over and both work again, and then checks what they have done.
// Trouble calls felt to wait until the stores have met it.
func useWhile(t *testing.T, server *redistest.Server, addr string, trouble func(felt func())) {
	t.Helper()
	const workers = 8
	o := redisstore.Options{Addrs: []string{server.Addr}, Prefix: newPrefix(), Timeout: slowMachine}
	witness := open(t, o)
	o.Addrs, o.Timeout = []string{addr}, 100*time.Millisecond
	two := []*redisstore.Store{open(t, o), open(t, o)}
	for i := range workers {
		key := "of/" + strconv.Itoa(i)
		put(t, witness, key, key+" 0", 0)
	}
	put(t, witness, "counter", "0", 0)
	var over atomic.Bool
	var well, badly atomic.Int64 // how calls went that were not refused at once
	note := func(err error) {
		switch {
		case err == nil:
			well.Add(1)
		case !strings.Contains(err.Error(), redisstore.ErrAway.Error()+" since"):
			badly.Add(1)
		}
	}
	h := history{began: time.Now()}
	parallel(workers+1, func(i int) {
		if i == workers {
			trouble(func() {
				wellBefore, badlyBefore := well.Load(), badly.Load()
				redistest.Await(t, "the trouble is felt", func() bool {
					return well.Load() > wellBefore+50 || badly.Load() > badlyBefore+3
				})
			})
			for _, s := range two {
				redistest.Await(t, "a store works again", func() bool { _, err := s.Get(t.Context(), "counter"); return err == nil })
			}
			over.Store(true)
			return
		}
		for s := two[i%2]; !over.Load() && !t.Failed(); {
			note(useOwn(t, s, "of/"+strconv.Itoa(i)))
			note(h.read(t, s, i))
			if !h.full() {
				note(h.count(t, s, i))
			}
		}
	})
	h.check(t, witness)
}

// useOwn reads and changes a record that holds its own key and a counter. On a
// bad network most of that fails.
func useOwn(t *testing.T, s *redisstore.Store, key string) error {
	t.Helper()
	if got, err := s.Get(t.Context(), key); err == nil && !strings.HasPrefix(string(got), key+" ") {
		t.Errorf("Get(%q) = %q, the answer to another question", key, got)
	} else if errors.Is(err, challenge.ErrNotFound) {
		t.Errorf("Get(%q) lost a record", key)
	}
	saw := ""
	err := s.Update(t.Context(), key, func(old []byte, now time.Time) ([]byte, time.Duration, error) {
		saw = string(old)
		n, _, err := increment([]byte(strings.TrimPrefix(saw, key+" ")), now)
		return append([]byte(key+" "), n...), 0, err
	})
	if saw != "" && !strings.HasPrefix(saw, key+" ") {
		t.Errorf("Update(%q) was given %q, the answer to another question", key, saw)
	}
	return err
}

// F-02: however many calls meet a server that is away, nothing of them stays.
func TestF02NoGoroutinesPileUp(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, redisstore.Options{Addrs: []string{server.Addr}, Prefix: newPrefix(), Timeout: 100 * time.Millisecond})
	redistest.Await(t, "the store works", func() bool { return s.Update(t.Context(), "a", set("x", 0)) == nil })
	before := runtime.NumGoroutine()
	server.Pause()
	for range 10 {
		parallel(200, func(i int) {
			if err := s.Update(t.Context(), strconv.Itoa(i%20), increment); err == nil {
				t.Error("an update by a server that stands still = nil")
			}
		})
	}
	redistest.Await(t, "the goroutines end", func() bool { return runtime.NumGoroutine() <= before+1 })
	server.Resume()
	redistest.Await(t, "the store works again", func() bool { _, err := s.Get(t.Context(), "a"); return err == nil })
}
