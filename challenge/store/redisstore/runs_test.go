// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

// begin keeps a code that only the run that keeps it may spend.
func begin(t *testing.T, s challenge.Lossy, key string) {
	t.Helper()
	if err := s.UpdateRun(t.Context(), key, func(_ []byte, _ time.Time, run string) ([]byte, time.Duration, error) {
		return []byte(run + " unspent"), time.Hour, nil
	}); err != nil {
		t.Fatalf("beginning = %v", err)
	}
}

// spend reports whether the code was taken: by a domain that compares the runs,
// or by one that does not.
func spend(t *testing.T, s challenge.Lossy, key string, compares bool) (taken bool) {
	t.Helper()
	err := s.UpdateRun(t.Context(), key, func(old []byte, _ time.Time, run string) ([]byte, time.Duration, error) {
		taken = strings.HasSuffix(string(old), " unspent") && (!compares || string(old) == run+" unspent")
		if taken {
			old = []byte("spent")
		}
		return old, time.Hour, nil
	})
	if err != nil {
		t.Errorf("spending = %v", err)
	}
	return taken && err == nil
}

// wantSpentOnce reports a code that is taken again, and that it would have been
// if nobody compared the runs: else what is tested has not happened.
func wantSpentOnce(t *testing.T, s challenge.Lossy) {
	t.Helper()
	if spend(t, s, "code", true) {
		t.Error("a spent code was taken again")
	}
	if !spend(t, s, "careless", false) {
		t.Error("nothing was lost: the test does not show what it should")
	}
}

func runs(t *testing.T, s challenge.Lossy) string {
	t.Helper()
	names, err := s.Runs(t.Context())
	if err != nil {
		t.Errorf("Runs = %v", err)
	}
	return names
}

// F-10: a server that is started again from a snapshot has forgotten that a
// code was spent.
func TestF10ASnapshotRevivesNoSpentCode(t *testing.T) {
	server := redistest.Start(t)
	s := openAt(t, server)
	begin(t, s, "code")
	begin(t, s, "careless")
	if err := server.Client().Save(t.Context()).Err(); err != nil {
		t.Fatalf("making a snapshot: %v", err)
	}
	before := runs(t, s)
	if !spend(t, s, "code", true) || !spend(t, s, "careless", false) {
		t.Error("a code was not taken the first time")
	}
	server.Kill()
	server.Restart()
	wantSpentOnce(t, s)
	if after := runs(t, s); after == before {
		t.Errorf("the run is %q before and after", after)
	}
}

// F-10: a replica that was cut off, and then takes over, has not heard that a
// code was spent.
func TestF10APromotedReplicaRevivesNoSpentCode(t *testing.T) {
	master := redistest.Start(t)
	between := newNetwork(t, master)
	replica := redistest.Start(t, "--replicaof", strings.ReplaceAll(between.addr, ":", " "))
	reader := replica.Client()
	redistest.Await(t, "the replica follows", func() bool { return replica.Info(reader, "master_link_status") == "up" })

	prefix := newPrefix()
	old := open(t, redisstore.Options{Addrs: []string{master.Addr}, Prefix: prefix, Timeout: slowMachine})
	begin(t, old, "code")
	begin(t, old, "careless")
	redistest.Await(t, "the replica has the codes", func() bool {
		return reader.Exists(t.Context(), prefix+"code", prefix+"careless").Val() == 2
	})
	between.part()
	if !spend(t, old, "code", true) || !spend(t, old, "careless", false) {
		t.Error("a code was not taken the first time")
	}
	master.Kill()
	if err := reader.Do(t.Context(), "replicaof", "no", "one").Err(); err != nil {
		t.Fatalf("promoting: %v", err)
	}
	wantSpentOnce(t, open(t, redisstore.Options{Addrs: []string{replica.Addr}, Prefix: prefix, Timeout: slowMachine}))
}

// F-10: a server that gave way and takes over again is the same process with
// the same run_id, and has lost what it did not hand on: its run has another
// name all the same.
func TestF10AServerThatTakesOverAgainBeginsANewRun(t *testing.T) {
	first := redistest.Start(t)
	second := redistest.Replica(t, first)
	one, two := first.Client(), second.Client()
	s := open(t, redisstore.Options{Addrs: []string{first.Addr}, Timeout: slowMachine})
	begin(t, s, "code")
	redistest.Await(t, "the second has the code", func() bool { return two.Exists(t.Context(), "doorcode:code").Val() == 1 })
	before, process := runs(t, s), first.Info(one, "run_id")
	for _, command := range []struct {
		of interface{ Err() error }
	}{
		{two.Do(t.Context(), "replicaof", "no", "one")},
		{one.Do(t.Context(), "replicaof", "127.0.0.1", second.Port())},
	} {
		if err := command.of.Err(); err != nil {
			t.Fatalf("changing places: %v", err)
		}
	}
	redistest.Await(t, "the first follows", func() bool { return first.Info(one, "master_link_status") == "up" })
	if _, err := s.Runs(t.Context()); err == nil {
		t.Error("a replica named a run of its own")
	}
	if _, _, err := s.GetRun(t.Context(), "code"); err == nil || errors.Is(err, challenge.ErrNotFound) {
		t.Errorf("GetRun from a replica = %v, want an error", err)
	}
	if err := s.Update(t.Context(), "code", remove); err == nil {
		t.Error("an update by a replica = nil, want an error")
	}
	if err := one.Do(t.Context(), "replicaof", "no", "one").Err(); err != nil {
		t.Fatalf("changing places: %v", err)
	}
	if again := first.Info(one, "run_id"); again != process {
		t.Fatalf("the process is another one, %s", again)
	}
	if after := runs(t, s); after == before {
		t.Errorf("the run is %q before and after", after)
	}
	if spend(t, s, "code", true) {
		t.Error("a code of an earlier run was taken")
	}
}

// What edit decided for one run must not be kept by the next one.
func TestF10AnUpdateBetweenTwoRunsIsDecidedAgain(t *testing.T) {
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	s := openAt(t, server)
	put(t, s, "a", "x", time.Hour)
	var told []string
	if err := s.UpdateRun(t.Context(), "a", func(old []byte, _ time.Time, run string) ([]byte, time.Duration, error) {
		if told = append(told, run); len(told) == 1 {
			server.Kill()
			server.Restart()
		}
		return append(old, 'x'), time.Hour, nil
	}); err != nil {
		t.Fatalf("UpdateRun = %v", err)
	}
	if len(told) != 2 || told[0] == told[1] {
		t.Errorf("edit was told the runs %q, want two", told)
	}
	wantValue(t, s, "a", "xx")
	// An update that does not care has nothing to decide again.
	times := 0
	if err := s.Update(t.Context(), "a", func(old []byte, _ time.Time) ([]byte, time.Duration, error) {
		if times++; times == 1 {
			server.Kill()
			server.Restart()
		}
		return append(old, 'x'), time.Hour, nil
	}); err != nil || times != 1 {
		t.Errorf("Update = %v after %d edits, want 1", err, times)
	}
	wantValue(t, s, "a", "xxx")
}

// F-10: with sentinels a store finds the server that has taken over by itself.
func TestF10SentinelsFailOver(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t)
	redistest.Replica(t, master)
	s := open(t, redisstore.Options{
		Addrs:      redistest.Addrs(redistest.Sentinels(t, master, 3)),
		MasterName: redistest.MasterName,
		Timeout:    time.Second,
	})
	redistest.Await(t, "the store finds the server", func() bool { return s.Update(t.Context(), "a", set("x", 0)) == nil })
	begin(t, s, "code")
	before := runs(t, s)
	master.Kill()
	redistest.Await(t, "the store finds the one that took over", func() bool {
		return s.Update(t.Context(), "a", set("y", 0)) == nil
	})
	wantValue(t, s, "a", "y")
	if after := runs(t, s); after == before {
		t.Errorf("the run is %q before and after", after)
	}
	if spend(t, s, "code", true) {
		t.Error("a code of an earlier run was taken")
	}
}

// F-10: in a cluster the records of one server are away until its replica takes
// over, those of the others are not.
func TestF10AClusterFailsOver(t *testing.T) {
	t.Parallel()
	servers := redistest.Cluster(t, 3, true)
	s := open(t, redisstore.Options{Addrs: redistest.Addrs(servers[1:3]), Cluster: true, Timeout: time.Second})
	keys := keysOf(t, s, servers[:3])
	before := runs(t, s)
	servers[0].Kill()
	if err := s.Update(t.Context(), keys[0], increment); !errors.Is(err, redisstore.ErrAway) {
		t.Errorf("Update of a record whose server is away = %v, want ErrAway", err)
	}
	for _, key := range keys[1:] {
		wantValue(t, s, key, "x")
	}
	redistest.Await(t, "the replica takes over", func() bool {
		return s.Update(t.Context(), keys[0], set("y", 0)) == nil
	})
	wantValue(t, s, keys[0], "y")
	redistest.Await(t, "the runs are told", func() bool {
		after, err := s.Runs(t.Context())
		return err == nil && after != before && len(strings.Fields(after)) == 3
	})
}

// keysOf puts a record on each server and returns the keys.
func keysOf(t *testing.T, s *redisstore.Store, servers []*redistest.Server) []string {
	t.Helper()
	keys := make([]string, len(servers))
	for i, server := range servers {
		c := server.Client()
		for n := 'a'; keys[i] == ""; n++ {
			redistest.Await(t, "a record is kept", func() bool { return s.Update(t.Context(), string(n), set("x", 0)) == nil })
			if c.Get(t.Context(), "doorcode:"+string(n)).Err() == nil {
				keys[i] = string(n)
			}
		}
	}
	return keys
}
