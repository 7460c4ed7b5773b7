// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

// The contract is tested with a clock that stands between; this is the server's
// own.
func TestTheServerEndsRecordsByItself(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, redisstore.Options{Addrs: []string{server.Addr}, Timeout: slowMachine})
	c := server.Client()
	for _, ttl := range []time.Duration{1, time.Millisecond, 1500 * time.Microsecond, 20 * time.Millisecond} {
		put(t, s, "ends", "x", ttl)
		redistest.Await(t, "a record ends", func() bool {
			_, err := s.Get(t.Context(), "ends")
			return errors.Is(err, challenge.ErrNotFound)
		})
	}
	hour, longest := time.Hour.Milliseconds(), time.Duration(math.MaxInt64).Milliseconds()+1
	for _, test := range []struct {
		ttl         time.Duration
		least, most int64 // milliseconds; -1 is for ever
	}{
		{time.Hour, hour - 60_000, hour},
		{math.MaxInt64, longest - 60_000, longest},
		{0, -1, -1},
		{-time.Second, -1, -1},
	} {
		put(t, s, "a", "x", test.ttl)
		left, err := c.Do(t.Context(), "pttl", "doorcode:a").Int64()
		if err != nil || left < test.least || left > test.most {
			t.Errorf("a record to live %v lives %d ms, %v", test.ttl, left, err)
		}
	}
}

func TestEditIsToldTheServersTime(t *testing.T) {
	server := redistest.Start(t)
	s, c := openAt(t, server), server.Client()
	before, err1 := c.Time(t.Context()).Result()
	var told time.Time
	err2 := s.Update(t.Context(), "a", func(_ []byte, now time.Time) ([]byte, time.Duration, error) {
		told = now
		return nil, 0, nil
	})
	after, err3 := c.Time(t.Context()).Result()
	if err := errors.Join(err1, err2, err3); err != nil || told.Before(before) || told.After(after) {
		t.Errorf("edit was told %v, want a time from %v to %v; %v", told, before, after, err)
	}
}

// What something else keeps under a key of ours is neither a missing record nor
// one: to take it for missing would forget a lock.
func TestWhatSomethingElseWroteIsAnError(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, redisstore.Options{Addrs: []string{server.Addr}, Timeout: slowMachine})
	c := server.Client()
	for name, err := range map[string]error{
		"list":  c.LPush(t.Context(), "doorcode:list", "x").Err(),
		"short": c.Set(t.Context(), "doorcode:short", "1234567", 0).Err(),
		"empty": c.Set(t.Context(), "doorcode:empty", "", 0).Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
		_, get := s.Get(t.Context(), name)
		_, _, getRun := s.GetRun(t.Context(), name)
		ran := false
		update := s.Update(t.Context(), name, func([]byte, time.Time) ([]byte, time.Duration, error) {
			ran = true
			return []byte("x"), 0, nil
		})
		for call, err := range map[string]error{"Get": get, "GetRun": getRun, "Update": update} {
			if err == nil || errors.Is(err, challenge.ErrNotFound) || errors.Is(err, redisstore.ErrUnreadable) != (name != "list") {
				t.Errorf("%s(%q) = %v, want an error of its own", call, name, err)
			}
		}
		if ran {
			t.Errorf("edit was given %s", name)
		}
	}
}

// Updates of one key of one machine come one after another: none comes in vain.
func TestUpdatesOfOneKeyQueueUp(t *testing.T) {
	server := redistest.Start(t)
	s := openAt(t, server)
	var mu sync.Mutex // guards edits
	edits := 0
	parallel(64, func(int) {
		if err := s.Update(t.Context(), "a", func(old []byte, now time.Time) ([]byte, time.Duration, error) {
			mu.Lock()
			defer mu.Unlock()
			edits++
			return increment(old, now)
		}); err != nil {
			t.Errorf("Update = %v", err)
		}
	})
	wantValue(t, s, "a", "64")
	if edits != 64 {
		t.Errorf("%d edits ran for 64 updates", edits)
	}
}

// Who waits for a turn goes when its caller does, or when the store closes, and
// who had the turn leaves none behind.
func TestWaitingForATurnEnds(t *testing.T) {
	f := &fakeServer{answer: func(args []string) string {
		if args[0] == "evalsha" {
			return "*4\r\n$1\r\n1\r\n$1\r\n0\r\n$0\r\n\r\n$-1\r\n"
		}
		return empty(args)
	}}
	synctest.Test(t, func(t *testing.T) {
		s, leave := open(t, f.options()), make(chan struct{})
		defer f.stop()
		nothing := errors.New("nothing to keep")
		errs := make(chan error, 3)
		update := func(ctx context.Context, edit edit) { errs <- s.Update(ctx, "a", edit) }
		go update(t.Context(), func([]byte, time.Time) ([]byte, time.Duration, error) {
			<-leave
			return nil, 0, nothing
		})
		synctest.Wait() // it has the turn
		ctx, cancel := context.WithCancel(t.Context())
		go update(ctx, remove)
		go update(t.Context(), remove)
		synctest.Wait() // they wait
		cancel()
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that gave up got %v", err)
		}
		go func() { _ = s.Close() }()
		if err := <-errs; !errors.Is(err, challenge.ErrClosed) {
			t.Errorf("a caller that waited when the store closed got %v", err)
		}
		close(leave)
		if err := <-errs; !errors.Is(err, nothing) {
			t.Errorf("the caller that had the turn got %v", err)
		}
		synctest.Wait()
		if n := s.Waiting(); n != 0 {
			t.Errorf("%d turns are left", n)
		}
	})
}

// An edit that ends its goroutine, as a failing test does, must not keep its turn.
func TestAnEditThatExitsLeavesItsTurn(t *testing.T) {
	server := redistest.Start(t)
	s := openAt(t, server)
	var exits sync.WaitGroup
	exits.Go(func() {
		_ = s.Update(t.Context(), "a", func([]byte, time.Time) ([]byte, time.Duration, error) {
			runtime.Goexit()
			return nil, 0, nil
		})
	})
	exits.Wait()
	put(t, s, "a", "goes on", 0)
	wantValue(t, s, "a", "goes on")
}

// Each machine that comes in vain learns in the same round trip what there is,
// and somebody always gets on.
func TestMachinesThatMeetAllGetOn(t *testing.T) {
	server := redistest.Start(t)
	eight := machines(t, 8, redisstore.Options{Addrs: []string{server.Addr}, Timeout: slowMachine})
	parallel(8, func(i int) {
		for range 25 {
			if err := eight[i].Update(t.Context(), "a", increment); err != nil {
				t.Errorf("Update = %v", err)
			}
		}
	})
	wantValue(t, eight[0], "a", "200")
}

// A record that others change before every write is given up some day.
func TestAnUpdateThatAlwaysComesSecondEnds(t *testing.T) {
	f := &fakeServer{answer: func(args []string) string {
		if args[0] == "evalsha" {
			return "*4\r\n$1\r\n1\r\n$1\r\n0\r\n$0\r\n\r\n$9\r\n12345678x\r\n"
		}
		return empty(args)
	}}
	inBubble(t, f, func(t *testing.T, s *redisstore.Store) {
		if err := s.Update(t.Context(), "a", set("x", 0)); !errors.Is(err, redisstore.ErrBusy) {
			t.Errorf("Update = %v, want ErrBusy", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := s.Update(ctx, "a", set("x", 0)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Update = %v, want the context's error", err)
		}
	})
}

// A list walks through more keys than a server shows at once, of all servers,
// and takes nothing of a neighbour's.
func TestAListWalksThroughAllKeys(t *testing.T) {
	t.Parallel()
	servers := redistest.Cluster(t, 3, false)
	o := redisstore.Options{Addrs: redistest.Addrs(servers), Cluster: true, Prefix: "a*:", Timeout: slowMachine}
	s := open(t, o)
	o.Prefix = "ab:"
	neighbour := open(t, o)
	var want []string
	for i := range 3000 {
		want = append(want, fmt.Sprintf("person/%04d", i))
	}
	parallel(30, func(i int) {
		for k := i; k < len(want); k += 30 {
			put(t, s, want[k], "x", 0)
		}
		put(t, neighbour, fmt.Sprintf("person/x%d", i), "x", 0)
	})
	for _, c := range []struct {
		after   string
		n       int
		of, end int
	}{{"", 10_000, 0, 3000}, {"person/1000", 5, 1001, 1006}, {"person/2998", 5, 2999, 3000}} {
		got, err := s.List(t.Context(), "person/", c.after, c.n)
		if err != nil || !slices.Equal(got, want[c.of:c.end]) {
			t.Errorf("List after %q = %d keys, %v, want %d", c.after, len(got), err, c.end-c.of)
		}
	}
}
