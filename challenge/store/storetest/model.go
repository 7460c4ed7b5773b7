// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A model is what the store should hold: the simplest thing that keeps the
// contract when nothing happens at the same time.
type model struct {
	*subject
	prefix  string // of the keys of one run, so that runs share a store
	elapsed time.Duration
	records map[string]modelRecord
}

type modelRecord struct {
	value []byte
	ends  time.Duration // of elapsed; zero is never
}

// compareWithModel runs random sequences of calls against the store and a map.
func compareWithModel(t *testing.T, s subject) {
	t.Helper()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		m := &model{subject: &s, prefix: strconv.Itoa(run) + "/", records: make(map[string]modelRecord)}
		actions := map[string]func(*rapid.T){
			"put": m.put, "remove": m.remove, "fail": m.fail, "read": m.read, "wait": m.wait,
		}
		if _, ok := s.Store.(challenge.Lister); ok {
			actions["list"] = m.list
		}
		if s.Reopen != nil {
			actions["reopen"] = func(*rapid.T) { s.Store = s.Reopen() }
		}
		rt.Repeat(actions)
	})
}

var (
	modelKeys = rapid.SampledFrom([]string{"a", "a\x00", "b", "b/c", "\xff"})
	modelTTLs = rapid.SampledFrom([]time.Duration{-1, 0, time.Second, time.Minute})
)

func (m *model) live(key string) (modelRecord, bool) {
	r, ok := m.records[key]
	return r, ok && (r.ends == 0 || m.elapsed < r.ends)
}

// update runs an Update and reports what edit was given if the model differs.
func (m *model) update(t *rapid.T, key string, value []byte, ttl time.Duration, fails error) {
	var old []byte
	err := m.Store.Update(t.Context(), key, func(o []byte, _ time.Time) ([]byte, time.Duration, error) {
		old = o
		return value, ttl, fails
	})
	if !errors.Is(err, fails) {
		t.Fatalf("Update(%q) = %v, want %v", key, err, fails)
	}
	want, ok := m.live(key)
	if ok != (old != nil) || !bytes.Equal(old, want.value) && ok {
		t.Fatalf("Update(%q) was given %q, want %q, live: %t", key, old, want.value, ok)
	}
}

func (m *model) put(t *rapid.T) {
	key := m.prefix + modelKeys.Draw(t, "key")
	value := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "value")
	ttl := modelTTLs.Draw(t, "ttl")
	m.update(t, key, value, ttl, nil)
	r := modelRecord{value: value}
	if ttl > 0 {
		r.ends = m.elapsed + ttl
	}
	m.records[key] = r
}

func (m *model) remove(t *rapid.T) {
	key := m.prefix + modelKeys.Draw(t, "key")
	m.update(t, key, nil, modelTTLs.Draw(t, "ttl"), nil)
	delete(m.records, key)
}

func (m *model) fail(t *rapid.T) {
	m.update(t, m.prefix+modelKeys.Draw(t, "key"), []byte("must not be kept"), time.Hour, errEdit)
}

func (m *model) read(t *rapid.T) {
	key := m.prefix + modelKeys.Draw(t, "key")
	got, err := m.Store.Get(t.Context(), key)
	want, ok := m.live(key)
	if ok && (err != nil || !bytes.Equal(got, want.value)) {
		t.Fatalf("Get(%q) = %q, %v, want %q", key, got, err, want.value)
	}
	if !ok && !errors.Is(err, challenge.ErrNotFound) {
		t.Fatalf("Get(%q) = %q, %v, want ErrNotFound", key, got, err)
	}
}

func (m *model) wait(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{m.Tick, time.Second - m.Tick, time.Second, time.Minute}).Draw(t, "time")
	m.Advance(d)
	m.elapsed += d
}

func (m *model) list(t *rapid.T) {
	after := m.prefix + modelKeys.Draw(t, "after")
	n := rapid.IntRange(0, 6).Draw(t, "n")
	var want []string
	for _, key := range slices.Sorted(maps.Keys(m.records)) {
		if _, ok := m.live(key); ok && key > after && len(want) < n {
			want = append(want, key)
		}
	}
	got, err := m.Store.(challenge.Lister).List(t.Context(), m.prefix, after, n)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("List(%q, %d) = %q, %v, want %q", after, n, got, err, want)
	}
}
