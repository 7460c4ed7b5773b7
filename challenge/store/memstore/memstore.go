// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package memstore keeps records in memory. It serves tests and trials: what
// it holds is gone when the process ends, and no other machine sees it.
package memstore

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

const (
	// shards bounds how many Updates of different keys wait for each other.
	shards = 32

	// glance is how many records each Update looks at for expired ones. An
	// Update adds one record at most, so the expired ones settle at about one
	// in glance of the whole, and no call ever pays for a full pass.
	glance = 16

	maxKey   = 512     // bytes
	maxValue = 1 << 20 // bytes
)

// Options sets up a Store; the zero value is useful.
type Options struct {
	// Now is the store's clock and is called from many goroutines at once.
	// Nil means time.Now.
	Now func() time.Time
}

// A Store keeps records in memory. It is a [challenge.Store] and a
// [challenge.Lister].
type Store struct {
	now    func() time.Time
	seed   maphash.Seed
	closed atomic.Bool
	shards [shards]shard
}

type shard struct {
	mu      sync.Mutex // guards records
	records map[string]record
}

type record struct {
	value   []byte
	expires int64 // Unix time in nanoseconds; zero is never
}

func (r record) live(now time.Time) bool {
	return r.expires == 0 || now.UnixNano() < r.expires
}

// New returns an empty store.
func New(o Options) *Store {
	s := &Store{now: o.Now, seed: maphash.MakeSeed()}
	if s.now == nil {
		s.now = time.Now
	}
	for i := range s.shards {
		s.shards[i].records = make(map[string]record)
	}
	return s
}

// Get returns a copy of the live record under key. It returns
// [challenge.ErrNotFound] where there is none and [challenge.ErrClosed] after
// Close.
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	if err := s.check(ctx, key); err != nil {
		return nil, err
	}
	h := s.shard(key)
	h.mu.Lock()
	defer h.mu.Unlock()
	r, ok := h.records[key]
	if !ok || !r.live(s.now()) {
		return nil, challenge.ErrNotFound
	}
	return bytes.Clone(r.value), nil
}

// Update replaces the record under key with what edit returns. It returns the
// error of edit, or the context's, or [challenge.ErrClosed] after Close, and
// then nothing has changed. A panic in edit becomes an error. edit runs under
// a lock and must not call the store.
func (s *Store) Update(ctx context.Context, key string,
	edit func(old []byte, now time.Time) ([]byte, time.Duration, error),
) error {
	if err := s.check(ctx, key); err != nil {
		return err
	}
	h := s.shard(key)
	h.mu.Lock()
	defer h.mu.Unlock()
	now := s.now()
	h.sweep(now)
	var old []byte
	if r, ok := h.records[key]; ok && r.live(now) {
		old = bytes.Clone(r.value)
	}
	value, ttl, err := safely(edit, old, now)
	switch {
	case err != nil:
		return err
	case len(value) > maxValue:
		return fmt.Errorf("a record of %d bytes is over the limit of %d", len(value), maxValue)
	case value == nil:
		delete(h.records, key)
	default:
		h.records[key] = record{value: bytes.Clone(value), expires: expiry(now, ttl)}
	}
	return nil
}

// List returns at most n keys that start with prefix and follow after, in the
// order of their bytes.
func (s *Store) List(ctx context.Context, prefix, after string, n int) ([]string, error) {
	if s.closed.Load() {
		return nil, challenge.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var keys []string
	for i := range s.shards {
		keys = s.shards[i].list(keys, prefix, after, s.now())
	}
	slices.Sort(keys)
	return keys[:min(max(n, 0), len(keys))], nil
}

// Close makes every later call return [challenge.ErrClosed].
func (s *Store) Close() error {
	s.closed.Store(true)
	return nil
}

func (s *Store) check(ctx context.Context, key string) error {
	if s.closed.Load() {
		return challenge.ErrClosed
	}
	if key == "" || len(key) > maxKey {
		return fmt.Errorf("a key has 1 to %d bytes, not %d", maxKey, len(key))
	}
	return ctx.Err()
}

func (s *Store) shard(key string) *shard {
	return &s.shards[maphash.String(s.seed, key)%shards]
}

// sweep removes the expired ones among a few records. A map is walked from a
// random place, so that every record has its turn.
func (h *shard) sweep(now time.Time) {
	seen := 0
	for key, r := range h.records {
		if !r.live(now) {
			delete(h.records, key)
		}
		if seen++; seen == glance {
			return
		}
	}
}

func (h *shard) list(keys []string, prefix, after string, now time.Time) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, r := range h.records {
		if strings.HasPrefix(key, prefix) && key > after && r.live(now) {
			keys = append(keys, key)
		}
	}
	return keys
}

// expiry is when a record with this ttl ends. A ttl that reaches beyond what
// fits, in the year 2262, ends there instead of wrapping into the past.
func expiry(now time.Time, ttl time.Duration) int64 {
	if ttl <= 0 {
		return 0
	}
	if now.UnixNano() > math.MaxInt64-int64(ttl) {
		return math.MaxInt64
	}
	return now.UnixNano() + int64(ttl)
}

// safely turns a panic of edit into an error, so that one bad record cannot
// take down the process and the other visitors with it.
func safely(edit func([]byte, time.Time) ([]byte, time.Duration, error), old []byte, now time.Time,
) (value []byte, ttl time.Duration, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("editing record: panic: %v", p)
		}
	}()
	return edit(old, now)
}

var (
	_ challenge.Store  = (*Store)(nil)
	_ challenge.Lister = (*Store)(nil)
)
