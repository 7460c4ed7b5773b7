// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

// inBubble runs a test of a fake server where time passes only while all wait.
func inBubble(t *testing.T, f *fakeServer, test func(t *testing.T, s *redisstore.Store)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, f.options())
		defer f.stop()
		test(t, s)
	})
}

// many makes so many calls at once and returns how many got each answer.
func many(t *testing.T, n int, call func() error) (away, missing int) {
	t.Helper()
	var mu sync.Mutex // guards what is returned
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			err := call()
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, redisstore.ErrAway):
				away++
			case errors.Is(err, challenge.ErrNotFound):
				missing++
			default:
				t.Errorf("a call = %v", err)
			}
		})
	}
	wg.Wait()
	return away, missing
}

// F-02: while a server is away, calls cost no dial and no wait but for one in
// each quarter of a second; the first answer ends that for all.
func TestF02AServerThatIsAwayCostsNothing(t *testing.T) {
	f := &fakeServer{answer: empty}
	f.state.Store(down)
	inBubble(t, f, func(t *testing.T, s *redisstore.Store) {
		get := func() error { _, err := s.Get(t.Context(), "a"); return err }
		update := func() error { return s.Update(t.Context(), "a", remove) }
		many(t, 1, get)
		for quarter := int64(1); quarter <= 8; quarter++ {
			began := time.Now()
			for _, call := range []func() error{get, update} {
				if away, _ := many(t, 500, call); away != 500 {
					t.Errorf("%d of 500 calls said that the server is away", away)
				}
			}
			if d := f.dials.Load(); d != quarter {
				t.Errorf("in quarter %d the server had been dialled %d times", quarter, d)
			}
			if waited := time.Since(began); waited != 0 {
				t.Errorf("calls took %v", waited)
			}
			<-time.After(250 * time.Millisecond)
		}
		f.state.Store(up)
		many(t, 1, get)
		if away, missing := many(t, 500, get); away != 0 || missing != 500 {
			t.Errorf("of 500 calls after it came back %d were answered and %d not", missing, away)
		}
	})
}

// F-02: a server that accepts and says nothing costs the first callers one
// timeout, and nobody after them anything; no goroutine stays behind.
func TestF02ASilentServerCostsOneTimeout(t *testing.T) {
	f := &fakeServer{answer: empty}
	f.state.Store(silent)
	inBubble(t, f, func(t *testing.T, s *redisstore.Store) {
		get := func() error { _, err := s.Get(t.Context(), "a"); return err }
		began := time.Now()
		many(t, 500, get)
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("the first callers waited %v, want the timeout of a second", waited)
		}
		began = time.Now()
		many(t, 500, get)
		if waited := time.Since(began); waited != 0 {
			t.Errorf("those after them waited %v", waited)
		}
		f.stop()
		f.state.Store(up)
		<-time.After(250 * time.Millisecond)
		many(t, 1, get)
		if away, _ := many(t, 500, get); away != 0 {
			t.Errorf("%d of 500 calls said that the server is away after it came back", away)
		}
	})
}

// F-02: of a cluster that cannot be reached at all every call says so, at once
// after the first.
func TestF02AClusterThatIsAwayCostsNothing(t *testing.T) {
	f := &fakeServer{answer: empty}
	f.state.Store(down)
	synctest.Test(t, func(t *testing.T) {
		o := f.options()
		o.Cluster = true
		s := open(t, o)
		many(t, 1, func() error { _, err := s.Get(t.Context(), "a"); return err })
		for range 3 {
			for name, call := range map[string]func() error{
				"Get":    func() error { _, err := s.Get(t.Context(), "a"); return err },
				"GetRun": func() error { _, _, err := s.GetRun(t.Context(), "a"); return err },
				"Update": func() error { return s.Update(t.Context(), "a", remove) },
				"Runs":   func() error { _, err := s.Runs(t.Context()); return err },
				"List":   func() error { _, err := s.List(t.Context(), "", "", 1); return err },
			} {
				if away, _ := many(t, 10, call); away != 10 {
					t.Errorf("%d of 10 times %s said that the cluster is away", away, name)
				}
			}
		}
		if d := f.dials.Load(); d > 5 { // of 151 calls; the library looks for a cluster that moved
			t.Errorf("the cluster was dialled %d times", d)
		}
		<-time.After(time.Second) // the library asks once more who keeps what
	})
}

// F-02: however long the sentinels are away, the first call that may try finds
// them when they are back.
func TestF02SentinelsThatComeBackAreFound(t *testing.T) {
	f := &fakeServer{answer: func(args []string) string {
		switch strings.Join(args[:min(2, len(args))], " ") {
		case "sentinel get-master-addr-by-name":
			return "*2\r\n$4\r\nfake\r\n$4\r\n6379\r\n"
		case "sentinel sentinels":
			return "*0\r\n"
		}
		if args[0] == "subscribe" {
			return "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n"
		}
		return empty(args)
	}}
	f.state.Store(down)
	synctest.Test(t, func(t *testing.T) {
		o := f.options()
		o.MasterName, o.PoolSize = "m", 2
		// The client listens to its sentinel until a moment after it is closed.
		t.Cleanup(func() { <-time.After(time.Second) })
		s := open(t, o)
		defer f.stop()
		get := func() error { _, err := s.Get(t.Context(), "a"); return err }
		for range 20 {
			many(t, 1, get)
			<-time.After(250 * time.Millisecond)
		}
		f.state.Store(up)
		if _, missing := many(t, 1, get); missing != 1 {
			t.Error("the first call that may try was not answered")
		}
	})
}

func TestAnOutageSaysSinceWhenAndWhy(t *testing.T) {
	f := &fakeServer{answer: empty}
	f.state.Store(down)
	inBubble(t, f, func(t *testing.T, s *redisstore.Store) {
		since := time.Now()
		_, first := s.Get(t.Context(), "a")
		<-time.After(time.Hour)
		_, _ = s.Get(t.Context(), "a")
		_, later := s.Get(t.Context(), "a")
		for _, want := range []string{"connection refused", since.UTC().Format(time.RFC3339)} {
			if later == nil || !strings.Contains(later.Error(), want) {
				t.Errorf("after an hour: %v, want %q in it", later, want)
			}
		}
		if !errors.Is(first, redisstore.ErrAway) || !strings.Contains(first.Error(), "connection refused") {
			t.Errorf("at first: %v, want ErrAway and why", first)
		}
	})
}

// A server that answers with an error is there: what is wrong with one call
// must not stop the others.
func TestAnErrorTheServerAnswersIsNoOutage(t *testing.T) {
	for _, reply := range []string{
		"READONLY You can't write against a read only replica.",
		"LOADING Redis is loading the dataset in memory",
		"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
		"OOM command not allowed when used memory > 'maxmemory'.",
		"MISCONF Errors writing to the AOF file: No space left on device",
	} {
		f := &fakeServer{answer: func(args []string) string {
			if args[0] == "evalsha" {
				return "-" + reply + "\r\n"
			}
			return empty(args)
		}}
		inBubble(t, f, func(t *testing.T, s *redisstore.Store) {
			for range 2 {
				err := s.Update(t.Context(), "a", set("x", 0))
				if err == nil || errors.Is(err, challenge.ErrNotFound) || errors.Is(err, redisstore.ErrAway) || !strings.Contains(err.Error(), reply) {
					t.Errorf("Update = %v, want %q", err, reply)
				}
			}
			if _, err := s.Get(t.Context(), "a"); !errors.Is(err, challenge.ErrNotFound) {
				t.Errorf("Get = %v, want ErrNotFound", err)
			}
			f.stop()
			f.state.Store(down)
			many(t, 1, func() error { _, err := s.Get(t.Context(), "a"); return err })
			f.state.Store(up)
			<-time.After(250 * time.Millisecond)
			for range 2 {
				if err := s.Update(t.Context(), "a", set("x", 0)); errors.Is(err, redisstore.ErrAway) {
					t.Errorf("Update after an outage = %v, want %q", err, reply)
				}
			}
		})
	}
}

// A caller that gives up says nothing about the server.
func TestACallerThatGivesUpIsNoOutage(t *testing.T) {
	s := openAt(t, redistest.Start(t))
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		if err := s.Update(ctx, "a", func([]byte, time.Time) ([]byte, time.Duration, error) {
			cancel()
			return []byte("x"), 0, nil
		}); err != nil && !errors.Is(err, ctx.Err()) {
			t.Fatalf("Update = %v", err)
		}
		if _, err := s.Get(t.Context(), "b"); !errors.Is(err, challenge.ErrNotFound) {
			t.Fatalf("Get = %v, want ErrNotFound", err)
		}
	}
}

// A server that was killed under a store and started again is found again, and
// dead connections of the pool are not taken for a dead server.
func TestF02AStoreGoesOnAfterItsServerWasStartedAgain(t *testing.T) {
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	s := openAt(t, server)
	put(t, s, "a", "kept", 0)
	for range 3 {
		many(t, 20, func() error { _, err := s.Get(t.Context(), "missing"); return err })
		server.Kill()
		server.Restart()
		wantValue(t, s, "a", "kept")
		server.Kill()
		if _, err := s.Get(t.Context(), "a"); !errors.Is(err, redisstore.ErrAway) {
			t.Errorf("Get of a dead server = %v, want ErrAway", err)
		}
		server.Restart()
		redistest.Await(t, "the store finds its server again", func() bool {
			_, err := s.Get(t.Context(), "a")
			return err == nil
		})
	}
}
