// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

// The server that keeps a record is the one that has to confirm it, also while the
// record is on its way from one to another, and when it has got there and the store
// has not heard of it.
func TestRuling30AClusterConfirmsWhereverARecordIs(t *testing.T) {
	t.Parallel()
	servers := redistest.Cluster(t, 2, true)
	clients := make([]*redis.Client, len(servers))
	for i, s := range servers {
		clients[i] = s.Client()
	}
	s := open(t, redisstore.Options{Addrs: redistest.Addrs(servers[:2]), Cluster: true, Timeout: 4 * time.Second})
	keys := keysOf(t, s, servers[:2])
	confirmed := func(when, key, value string, replica int) {
		t.Helper()
		put(t, s, key, value, 0)
		if err := s.Replicated(t.Context(), key); err != nil {
			t.Errorf("Replicated %s = %v", when, err)
			return
		}
		if got := inCluster(t, clients[replica], "doorcode:"+key); !strings.HasSuffix(got, value) {
			t.Errorf("%s: the replica has %q, want %q", when, got, value)
		}
	}
	confirmed("by the first", keys[0], "spent", 2)
	confirmed("by the second", keys[1], "spent", 3)

	key := "doorcode:" + keys[0]
	slot := int(clients[0].ClusterKeySlot(t.Context(), key).Val())
	names := make([]string, 2)
	for i := range names {
		names[i] = clients[i].Do(t.Context(), "cluster", "myid").Val().(string)
	}
	order(t, clients[1], "cluster", "setslot", slot, "importing", names[0])
	order(t, clients[0], "cluster", "setslot", slot, "migrating", names[1])
	confirmed("that still has it", keys[0], "again", 2)
	order(t, clients[0], "migrate", "127.0.0.1", servers[1].Port(), key, 0, 5000)
	put(t, s, keys[0], "on its way", 0)
	servers[3].Pause()
	if err := s.Replicated(t.Context(), keys[0]); !errors.Is(err, redisstore.ErrNotReplicated) {
		t.Errorf("Replicated while it moves, by a server whose replica stands still = %v, want ErrNotReplicated", err)
	}
	servers[3].Resume()
	if err := s.Replicated(t.Context(), keys[0]); err != nil {
		t.Errorf("Replicated while it moves = %v", err)
	}
	for _, c := range clients[:2] {
		order(t, c, "cluster", "setslot", slot, "node", names[1])
	}
	if err := s.Replicated(t.Context(), keys[0]); err != nil {
		t.Errorf("Replicated of a record that has moved = %v", err)
	}
	confirmed("that has it now", keys[0], "moved", 3)
}

// inCluster is what a replica of a cluster has, which sends readers away unless they
// say that they know, and until it has heard that the key is its own.
func inCluster(t *testing.T, replica *redis.Client, key string) (raw string) {
	t.Helper()
	c := replica.Conn()
	defer c.Close()
	order(t, c, "readonly")
	redistest.Await(t, "a replica knows the key for its own", func() (ok bool) {
		var err error
		raw, err = c.Get(t.Context(), key).Result()
		return err == nil
	})
	return raw
}

// order is a command that must succeed.
func order(t *testing.T, c interface {
	Do(ctx context.Context, args ...any) *redis.Cmd
}, args ...any,
) {
	t.Helper()
	if err := c.Do(t.Context(), args...).Err(); err != nil {
		t.Fatalf("%s: %v", fmt.Sprint(args...), err)
	}
}

// Whatever a server answers but that a replica has it, or that there is none, is an
// error; and it is asked once.
func TestRuling30NoOtherAnswerConfirms(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		replicas, waited string // answers; empty is none at all
		want             error  // nil: any
	}{
		"it is a replica":                   {":-1\r\n", ":1\r\n", nil},
		"it says no number":                 {"+OK\r\n", ":1\r\n", nil},
		"it refuses the script":             {"-NOREPLICAS not enough good replicas to write\r\n", ":1\r\n", nil},
		"it is away before the script ends": {"", ":1\r\n", redisstore.ErrAway},
		"no replica has it":                 {":2\r\n", ":0\r\n", redisstore.ErrNotReplicated},
		"it waits and says no number":       {":2\r\n", "+OK\r\n", nil},
		"it does not wait":                  {":2\r\n", "-NOPERM this user has no permissions to run the 'wait' command\r\n", redisstore.ErrRefused},
		"it is away while it waits":         {":2\r\n", "", redisstore.ErrAway},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			f := &fakeServer{answer: func(args []string) string {
				switch args[0] {
				case "eval":
					asked.Add(1)
					return test.replicas
				case "wait":
					return test.waited
				}
				return "-ERR unknown command\r\n"
			}}
			s := open(t, f.options())
			defer f.stop()
			if err := s.Replicated(t.Context(), "a"); err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("Replicated = %v, want an error: %v", err, test.want)
			}
			if n := asked.Load(); n != 1 {
				t.Errorf("it was asked %d times", n)
			}
		})
	}
}
