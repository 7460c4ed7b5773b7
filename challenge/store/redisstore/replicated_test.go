// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

// A pair is a server and a replica that is a while behind, since the network
// between them is slow.
type pair struct {
	master, replica *redistest.Server
	between         *network
	reader          *redis.Client // of the replica
	store           *redisstore.Store
	prefix          string
}

func newPair(t *testing.T, timeout time.Duration) *pair {
	t.Helper()
	p := &pair{master: redistest.Start(t), prefix: newPrefix()}
	p.between = newNetwork(t, p.master)
	p.replica = redistest.Start(t, "--replicaof", strings.ReplaceAll(p.between.addr, ":", " "))
	p.reader = p.replica.Client()
	redistest.Await(t, "the replica follows", func() bool { return p.replica.Info(p.reader, "master_link_status") == "up" })
	p.between.poison("downstream", "latency", `"latency": 50`)
	p.store = open(t, redisstore.Options{Addrs: []string{p.master.Addr}, Prefix: p.prefix, Timeout: timeout})
	return p
}

// has reports what the replica has under a key, without its nonce.
func (p *pair) has(t *testing.T, key string) string {
	t.Helper()
	return recordAt(t, p.reader, p.prefix+key)
}

func recordAt(t *testing.T, c *redis.Client, key string) string {
	t.Helper()
	raw, err := c.Get(t.Context(), key).Result()
	if errors.Is(err, redis.Nil) {
		return "nothing"
	}
	if err != nil || len(raw) < 8 {
		t.Errorf("the replica has %q, %v", raw, err)
		return ""
	}
	return raw[8:]
}

func TestRuling30WhatIsConfirmedIsOnTheReplica(t *testing.T) {
	t.Parallel()
	p := newPair(t, slowMachine)
	for name, step := range map[string]struct {
		change edit
		want   string
	}{
		"a record that expires": {set("spent", time.Hour), "spent"},
		"one that does not":     {set("for good", 0), "for good"},
		"a removal":             {remove, "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			key := strings.ReplaceAll(name, " ", "/")
			put(t, p.store, key, "unspent", time.Hour)
			if err := p.store.Replicated(t.Context(), key); err != nil {
				t.Errorf("Replicated before = %v", err)
			}
			if err := p.store.Update(t.Context(), key, step.change); err != nil {
				t.Fatalf("Update = %v", err)
			}
			if err := p.store.Replicated(t.Context(), key); err != nil {
				t.Errorf("Replicated = %v", err)
			}
			if got := p.has(t, key); got != step.want {
				t.Errorf("the replica has %q, want %q", got, step.want)
			}
		})
	}
	if ttl := p.master.Client().TTL(t.Context(), p.prefix+"a/record/that/expires").Val(); ttl <= 0 || ttl > time.Hour {
		t.Errorf("a confirmed record lives for %v, want at most an hour", ttl)
	}
	t.Run("of many at once, each its own", func(t *testing.T) {
		parallel(40, func(i int) {
			key := "many/" + strconv.Itoa(i%8)
			put(t, p.store, key+"/"+strconv.Itoa(i), "spent", 0)
			if err := p.store.Replicated(t.Context(), key+"/"+strconv.Itoa(i)); err != nil {
				t.Errorf("Replicated = %v", err)
			}
			if got := p.has(t, key+"/"+strconv.Itoa(i)); got != "spent" {
				t.Errorf("the replica has %q", got)
			}
		})
	})
}

func TestRuling30WithoutAReplicaNothingIsWaitedFor(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openAt(t, server)
	put(t, s, "a", "x", time.Hour)
	c := server.Client()
	before := server.Info(c, "rdb_changes_since_last_save")
	for _, key := range []string{"a", "missing"} {
		if err := s.Replicated(t.Context(), key); err != nil {
			t.Errorf("Replicated(%q) = %v", key, err)
		}
	}
	if after := server.Info(c, "rdb_changes_since_last_save"); after != before {
		t.Errorf("there are %s changes, and were %s before", after, before)
	}
	wantValue(t, s, "a", "x")
}

// What no replica has may be undone: whoever asked must hear of it, however the
// replica fails to say that it has it.
func TestRuling30AReplicaThatSaysNothingIsAnError(t *testing.T) {
	t.Parallel()
	const timeout = time.Second
	t.Run("it stands still", func(t *testing.T) {
		t.Parallel()
		p := newPair(t, timeout)
		p.replica.Pause()
		put(t, p.store, "a", "spent", 0)
		wantUnconfirmed(t, p.store)
		wantValue(t, p.store, "a", "spent")
		p.replica.Resume()
		redistest.Await(t, "it is confirmed in the end", func() bool { return p.store.Replicated(t.Context(), "a") == nil })
		if got := p.has(t, "a"); got != "spent" {
			t.Errorf("the replica has %q", got)
		}
	})
	t.Run("the network lets nothing through", func(t *testing.T) {
		t.Parallel()
		p := newPair(t, timeout)
		p.between.part()
		put(t, p.store, "a", "spent", 0)
		wantUnconfirmed(t, p.store)
	})
	t.Run("another connection has written meanwhile, and this one nothing", func(t *testing.T) {
		t.Parallel()
		p := newPair(t, timeout)
		put(t, p.store, "a", "unspent", 0)
		p.replica.Pause()
		other := open(t, redisstore.Options{Addrs: []string{p.master.Addr}, Prefix: p.prefix, Timeout: timeout})
		put(t, other, "a", "spent", 0)
		wantUnconfirmed(t, open(t, redisstore.Options{Addrs: []string{p.master.Addr}, Prefix: p.prefix, Timeout: timeout}))
		p.replica.Resume()
	})
}

func wantUnconfirmed(t *testing.T, s *redisstore.Store) {
	t.Helper()
	if err := s.Replicated(t.Context(), "a"); !errors.Is(err, redisstore.ErrNotReplicated) {
		t.Errorf("Replicated = %v, want ErrNotReplicated", err)
	}
	if _, err := s.Get(t.Context(), "a"); err != nil {
		t.Errorf("a server with a slow replica is taken for away: %v", err)
	}
}

// BKP-03: the master is lost right after a spend was confirmed.
func TestBKP03AFailoverRevivesNoSpendThatWasConfirmed(t *testing.T) {
	t.Parallel()
	p := newPair(t, slowMachine)
	begin(t, p.store, "code")
	begin(t, p.store, "careless")
	if err := p.store.Replicated(t.Context(), "careless"); err != nil {
		t.Fatalf("Replicated = %v", err)
	}
	if !spend(t, p.store, "code", false) {
		t.Error("a code was not taken the first time")
	}
	if err := p.store.Replicated(t.Context(), "code"); err != nil {
		t.Fatalf("Replicated = %v", err)
	}
	p.between.part()
	if !spend(t, p.store, "careless", false) {
		t.Error("a code was not taken the first time")
	}
	p.master.Kill()
	if err := p.reader.Do(t.Context(), "replicaof", "no", "one").Err(); err != nil {
		t.Fatalf("promoting: %v", err)
	}
	s := open(t, redisstore.Options{Addrs: []string{p.replica.Addr}, Prefix: p.prefix, Timeout: slowMachine})
	if spend(t, s, "code", false) {
		t.Error("a spend that was confirmed is undone")
	}
	if !spend(t, s, "careless", false) {
		t.Error("nothing was lost: the test does not show what it should")
	}
}

func TestRuling30SentinelsAndTheirMasterConfirm(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t)
	replica := redistest.Replica(t, master)
	s := open(t, redisstore.Options{
		Addrs:      redistest.Addrs(redistest.Sentinels(t, master, 3)),
		MasterName: redistest.MasterName,
		Timeout:    time.Second,
	})
	redistest.Await(t, "the store finds the server", func() bool { return s.Update(t.Context(), "code", set("spent", 0)) == nil })
	redistest.Await(t, "it is confirmed", func() bool { return s.Replicated(t.Context(), "code") == nil })
	if got := recordAt(t, replica.Client(), "doorcode:code"); got != "spent" {
		t.Errorf("the replica has %q", got)
	}
	master.Kill()
	redistest.Await(t, "the store finds the one that took over", func() bool { return s.Update(t.Context(), "other", set("x", 0)) == nil })
	wantValue(t, s, "code", "spent")
	if err := s.Replicated(t.Context(), "other"); err != nil {
		t.Errorf("Replicated by a server that has lost its only replica = %v", err)
	}
}
