// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

const (
	// strangersVariable in the environment asks for another number of strangers. The tests
	// of the stores write as many records; here, where all is done that is done for each of
	// them, come one in shareOf.
	strangersVariable = "DOORCODE_STRANGERS"
	shareOf           = 20

	onDisk      = 6 << 10  // bytes that a stranger may take while what they left lives
	leastFile   = 4 << 20  // bytes; a file grows by doubling
	inRedis     = 3 << 10  // the same as onDisk, in the memory of the server
	heapAllowed = 64 << 20 // bytes by which the memory of a machine may grow, however many come
)

// strangersOf is how many come in each of some rounds.
func strangersOf(t *testing.T, rounds int) int {
	t.Helper()
	text := os.Getenv(strangersVariable)
	if text == "" {
		return 5_000 / rounds
	}
	n, err := strconv.Atoi(text)
	if n /= shareOf; err != nil || n < rounds {
		t.Fatalf("%s = %q, want at least %d", strangersVariable, text, rounds*shareOf)
	}
	return n / rounds
}

// A siege is a gate that many strangers come to, one after another and from networks of
// their own, with addresses that nobody knows. Only what limits all mail is off: it
// would stop them.
type siege struct {
	w    *world
	gate *challenge.Gate
	come int
}

func newSiege(t *testing.T, store challenge.Store, c *clock) *siege {
	w := newWorldOn(t, c, store)
	w.diary.shut, w.mailbox.noDecoys = true, true
	limits := challenge.Limits{SendTotal: []challenge.Rate{{N: 1 << 30, Per: time.Hour}}}
	return &siege{w: w, gate: w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: limits}})}
}

// round has n strangers open challenges, and somebody sign in meanwhile.
func (s *siege) round(n int) {
	const atOnce = 500
	var all sync.WaitGroup
	for first := range min(atOnce, n) {
		all.Go(func() {
			for i := first; i < n; i += atOnce {
				b := s.w.browser(s.gate)
				if _, err := b.ask(challenge.Email(fmt.Sprintf("stranger%d@example.net", s.come+i))); err != nil {
					s.w.t.Errorf("Begin = %v", err)
					return
				}
			}
		})
	}
	s.w.browser(s.gate).signIn(bob, false).wantPass("among strangers")
	s.w.mailbox.clear()
	all.Wait()
	s.come += n
}

// wantMemory wants the memory of the machine to be bounded.
func (s *siege) wantMemory(before int64) {
	s.w.t.Helper()
	grown := heapInUse() - before
	s.w.t.Logf("%d strangers; the memory of the machine has grown by %d KiB", s.come, grown>>10)
	if grown > heapAllowed {
		s.w.t.Errorf("the memory has grown by %d bytes, want at most %d", grown, heapAllowed)
	}
}

// F-20: strangers open challenges without end. What they leave is swept as fast as it
// comes, and whoever belongs here gets in among them.
func TestF20ChallengesOfStrangersFillNoFile(t *testing.T) {
	const rounds = 10
	synctest.Test(t, func(t *testing.T) {
		c, path, n := newClock(), t.TempDir()+"/doorcode.db", strangersOf(t, rounds)
		store, err := boltstore.Open(boltstore.Options{Path: path, Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close() //nolint:errcheck // the file goes with the test
		s := newSiege(t, store, c)
		var sizes []int64
		before := heapInUse()
		for range rounds {
			s.round(n)
			c.advance(25 * time.Hour) // what was counted matters no more
			<-time.After(2 * time.Minute)
			synctest.Wait()
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, info.Size())
			for _, kind := range []string{"door/", "net/"} {
				if left, err := store.List(t.Context(), kind, "", n); err != nil || len(left) > 1 {
					t.Errorf("%d records of %s are left, %v", len(left), kind, err)
				}
			}
		}
		t.Logf("%d bytes for each stranger of a round; the file has %d bytes", sizes[rounds-1]/int64(n), sizes)
		if last := sizes[rounds-1]; last > max(leastFile, 2*sizes[1]) || last > max(leastFile, int64(n)*onDisk) {
			t.Errorf("after each round the file has %d bytes, want no growth but by one step, and %d at most", sizes, max(leastFile, n*onDisk))
		}
		s.wantMemory(before)
	})
}

// F-20: the same on Redis, which expires by a clock that no test moves: what has an end
// there is given one that comes soon.
func TestF20ChallengesOfStrangersFillNoRedis(t *testing.T) {
	const rounds = 5
	server := redistest.Start(t)
	store, err := redisstore.Open(redisstore.Options{Addrs: []string{server.Addr}, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	c, n := new(clock), strangersOf(t, rounds)
	c.nanoseconds.Store(time.Now().UnixNano()) // as that of the server
	s := newSiege(t, store, c)
	before, empty, client := heapInUse(), usedBy(t, server), server.Client()
	most := 0
	for range rounds {
		s.round(n)
		most = max(most, (usedBy(t, server)-empty)/n)
		for _, kind := range []string{"door/", "net/"} {
			endSoon(t, client, "doorcode:"+kind+"*")
		}
		redistest.Await(t, "what strangers left to expire", func() bool { return client.DBSize(t.Context()).Val() < 100 })
	}
	left := usedBy(t, server) - empty
	if t.Logf("%d bytes for each stranger of a round, and %d KiB once all is over", most, left>>10); most > inRedis {
		t.Errorf("a stranger takes %d bytes, want at most %d", most, inRedis)
	}
	if left > n*inRedis/4+4<<20 {
		t.Errorf("%d bytes are in use once all has expired", left)
	}
	s.wantMemory(before)
}

// endSoon has all such records end, and fails where one has no end.
func endSoon(t *testing.T, client *redis.Client, pattern string) {
	t.Helper()
	soon := redis.NewScript(`for _, key in ipairs(KEYS) do
		if redis.call('PTTL', key) == -1 then return redis.error_reply('no end: ' .. key) end
		redis.call('PEXPIRE', key, 500)
	end`)
	ctx, cursor := context.Background(), uint64(0)
	for {
		keys, next, err := client.Scan(ctx, cursor, pattern, 1000).Result()
		if err == nil && len(keys) > 0 {
			err = soon.Run(ctx, client, keys).Err()
		}
		if err != nil && err != redis.Nil {
			t.Fatal(err)
		}
		if cursor = next; cursor == 0 {
			return
		}
	}
}

// usedBy is how much memory a server uses.
func usedBy(t *testing.T, server *redistest.Server) int {
	t.Helper()
	used, err := strconv.Atoi(strings.TrimSpace(server.Info(server.Client(), "used_memory")))
	if err != nil {
		t.Fatal(err)
	}
	return used
}
