// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

// A board keeps the notices that a store reports.
type board struct {
	mu      sync.Mutex // guards notices
	notices []redisstore.Notice
}

func (b *board) report(n redisstore.Notice) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notices = append(b.notices, n)
}

// take returns what kinds of notices there are since the last time.
func (b *board) take(t *testing.T, server string) (kinds []redisstore.NoticeKind) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.notices {
		kinds = append(kinds, n.Kind)
		if !strings.Contains(server, n.Server) || !strings.Contains(n.Text, n.Server) || !strings.Contains(n.Text, ": set ") {
			t.Errorf("a notice about %q is %+v, want the server and what to do", server, n)
		}
	}
	b.notices = nil
	slices.Sort(kinds)
	return kinds
}

// F-08: a server that may throw away a lock-out, or that forgets what it
// acknowledged, is reported, once for each of its runs.
func TestF08AServerThatForgetsIsReported(t *testing.T) {
	evicts, forgets := redisstore.Evicts, redisstore.Forgets
	for name, test := range map[string]struct {
		args []string
		want []redisstore.NoticeKind
	}{
		"all is well":              {[]string{"--appendonly", "yes"}, nil},
		"no file":                  {nil, []redisstore.NoticeKind{forgets}},
		"a limit without eviction": {[]string{"--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "noeviction"}, nil},
		"eviction without a limit": {[]string{"--appendonly", "yes", "--maxmemory-policy", "allkeys-lru"}, nil},
		"eviction of all":          {[]string{"--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"}, []redisstore.NoticeKind{evicts}},
		"eviction of what ends":    {[]string{"--maxmemory", "100mb", "--maxmemory-policy", "volatile-ttl"}, []redisstore.NoticeKind{evicts, forgets}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, b := redistest.Start(t, test.args...), &board{}
			s := open(t, redisstore.Options{Addrs: []string{server.Addr}, Timeout: slowMachine, Report: b.report})
			for _, when := range []string{"at first", "after a restart"} {
				many(t, 20, func() error { _, err := s.Get(t.Context(), "a"); return err })
				if got := b.take(t, server.Addr); !slices.Equal(got, test.want) {
					t.Errorf("%s: %q, want %q", when, got, test.want)
				}
				many(t, 20, func() error { _, err := s.Get(t.Context(), "a"); return err })
				if got := b.take(t, server.Addr); got != nil {
					t.Errorf("%s, and again: %q", when, got)
				}
				server.Kill()
				server.Restart()
			}
		})
	}
}

func TestF08EachServerOfAClusterIsReported(t *testing.T) {
	t.Parallel()
	servers, b := redistest.Cluster(t, 3, false, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-random"), &board{}
	s := open(t, redisstore.Options{Addrs: redistest.Addrs(servers[:1]), Cluster: true, Timeout: slowMachine, Report: b.report})
	keysOf(t, s, servers)
	got := b.take(t, strings.Join(redistest.Addrs(servers), " "))
	if want := slices.Repeat([]redisstore.NoticeKind{redisstore.Evicts, redisstore.Forgets}, 3); len(got) != len(want) {
		t.Errorf("%q were reported, want %d", got, len(want))
	}
}

// Sentinels have no records, and their replicas have their say when they take
// over.
func TestF08OnlyWhoKeepsRecordsIsReported(t *testing.T) {
	t.Parallel()
	master, b := redistest.Start(t), &board{}
	redistest.Replica(t, master)
	s := open(t, redisstore.Options{
		Addrs:      redistest.Addrs(redistest.Sentinels(t, master, 1)),
		MasterName: redistest.MasterName,
		Timeout:    slowMachine,
		Report:     b.report,
	})
	put(t, s, "a", "x", 0)
	if got := b.take(t, redistest.MasterName); !slices.Equal(got, []redisstore.NoticeKind{redisstore.Forgets}) {
		t.Errorf("%q were reported", got)
	}
}

// F-08: a server that is full refuses to keep a record, and says so; what it
// has stays, and can be removed.
func TestF08AFullServerRefusesAndForgetsNothing(t *testing.T) {
	server := redistest.Start(t)
	s := openAt(t, server)
	put(t, s, "a", "kept", 0)
	if err := server.Client().ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b"} {
		if err := s.Update(t.Context(), key, set("more", 0)); err == nil || !strings.Contains(err.Error(), "OOM") {
			t.Errorf("Update(%q) = %v, want what the server says", key, err)
		}
	}
	wantValue(t, s, "a", "kept")
	if err := s.Update(t.Context(), "a", remove); err != nil {
		t.Errorf("removing = %v", err)
	}
	wantMissing(t, s, "a")
}
