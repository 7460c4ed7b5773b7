// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A server is a store that can be put back to what it was, as a Redis that starts
// from a snapshot or hands over to a replica that lags behind.
type server struct {
	clock *clock

	mu      sync.Mutex // guards below
	records map[string]kept
	run     int
	down    bool
	deny    string // prefix of keys whose next update fails
	full    bool   // no update is taken
	reads   int    // of the ended sessions
}

type kept struct {
	value []byte
	ends  time.Time // zero: never
}

func newServer(c *clock) *server { return &server{clock: c, records: make(map[string]kept), run: 1} }

// snapshot returns what brings the present state back, as another run.
func (s *server) snapshot() (revert func()) { return s.snapshotOf("") }

// snapshotOf does so for one kind of record alone, as where one server of several
// fails over.
func (s *server) snapshotOf(prefix string) (revert func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	then := maps.Clone(s.records)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		maps.DeleteFunc(s.records, func(key string, _ kept) bool { return strings.HasPrefix(key, prefix) })
		for key, r := range then {
			if strings.HasPrefix(key, prefix) {
				s.records[key] = r
			}
		}
		s.run++
	}
}

// stop makes the server answer nothing.
func (s *server) stop(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// lose removes the records whose keys begin so, as a server that evicts.
func (s *server) lose(prefix string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.records, func(key string, _ kept) bool { return strings.HasPrefix(key, prefix) })
}

// refuse makes the server take no updates.
func (s *server) refuse(full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = full
}

// denyOnce fails the next update of such a key.
func (s *server) denyOnce(prefix string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deny = prefix
}

// looked waits until machines have looked at the store so many times more.
func (s *server) looked(t *testing.T, times int) {
	t.Helper()
	count := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.reads
	}
	before := count()
	waitFor(t, func() bool { return count() >= before+times })
}

func (s *server) live(key string) []byte {
	r, ok := s.records[key]
	if !ok || !r.ends.IsZero() && !s.clock.now().Before(r.ends) {
		return nil
	}
	return r.value
}

func (s *server) GetRun(_ context.Context, key string) ([]byte, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key == "ended" {
		s.reads++
	}
	if s.down {
		return nil, "", errDown
	}
	value := s.live(key)
	if value == nil {
		return nil, strconv.Itoa(s.run), challenge.ErrNotFound
	}
	return value, strconv.Itoa(s.run), nil
}

func (s *server) UpdateRun(_ context.Context, key string, edit func([]byte, time.Time, string) ([]byte, time.Duration, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errDown
	}
	if s.full {
		return errDown
	}
	if s.deny != "" && strings.HasPrefix(key, s.deny) {
		s.deny = ""
		return errDown
	}
	value, ttl, err := edit(s.live(key), s.clock.now(), strconv.Itoa(s.run))
	switch {
	case err != nil:
		return err
	case value == nil:
		delete(s.records, key)
	case ttl <= 0:
		s.records[key] = kept{value: value}
	default:
		s.records[key] = kept{value, s.clock.now().Add(ttl)}
	}
	return nil
}

func (s *server) Get(ctx context.Context, key string) ([]byte, error) {
	value, _, err := s.GetRun(ctx, key)
	return value, err
}

func (s *server) Update(ctx context.Context, key string, edit func([]byte, time.Time) ([]byte, time.Duration, error)) error {
	return s.UpdateRun(ctx, key, func(old []byte, now time.Time, _ string) ([]byte, time.Duration, error) { return edit(old, now) })
}

func (s *server) Runs(context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return "", errDown
	}
	return strconv.Itoa(s.run), nil
}

var _ challenge.Lossy = (*server)(nil)

// A deaf store answers everything but what was ended.
type deaf struct {
	*server
	on atomic.Bool
}

func (d *deaf) GetRun(ctx context.Context, key string) ([]byte, string, error) {
	if key == "ended" && d.on.Load() {
		return nil, "", errDown
	}
	return d.server.GetRun(ctx, key)
}
