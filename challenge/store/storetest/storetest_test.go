// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/storetest"
)

// mapStore keeps the contract in the plainest way, but for the flaws it is
// given. It shows that the suite passes what is right and reports what is not.
type mapStore struct {
	mu      sync.Mutex // guards below
	now     time.Time
	records map[string]flawedRecord
	closed  bool
	flaw    string
	reads   int // of runs
}

type flawedRecord struct {
	value []byte
	ends  time.Time // zero is never
}

func (m *mapStore) opener() storetest.Opener {
	return storetest.Opener{Store: m, Advance: m.advance, Reopen: func() challenge.Store {
		m.closed = false
		if m.flaw == "forgets on closing" {
			m.records = make(map[string]flawedRecord)
		}
		return m
	}}
}

func (m *mapStore) advance(d time.Duration) { m.now = m.now.Add(d) }

func (m *mapStore) Get(ctx context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(ctx, key); err != nil {
		return nil, err
	}
	value := m.read(key)
	if value == nil {
		return nil, challenge.ErrNotFound
	}
	return value, nil
}

func (m *mapStore) Update(ctx context.Context, key string,
	edit func([]byte, time.Time) ([]byte, time.Duration, error),
) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(ctx, key); err != nil {
		return err
	}
	value, ttl, err := m.run(edit, m.read(key))
	switch {
	case err != nil && m.flaw != "keeps what failed":
		return err
	case len(value) > 1<<20:
		return errors.New("value too large")
	case value == nil:
		delete(m.records, key)
	default:
		m.write(key, value, ttl)
	}
	return err
}

// run is the edit; between the read and the write of get-then-set, others run.
func (m *mapStore) run(edit func([]byte, time.Time) ([]byte, time.Duration, error), old []byte,
) (value []byte, ttl time.Duration, err error) {
	now := m.now
	if m.flaw == "get, then set" {
		m.mu.Unlock()
		defer m.mu.Lock()
		defer runtime.Gosched()
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return edit(old, now)
}

func (m *mapStore) check(ctx context.Context, key string) error {
	if m.closed {
		return challenge.ErrClosed
	}
	if key == "" || len(key) > 512 {
		return errors.New("key empty or too large")
	}
	if m.flaw == "no context" {
		return nil
	}
	return ctx.Err()
}

func (m *mapStore) read(key string) []byte {
	r, ok := m.records[key]
	late := m.now
	if m.flaw == "ends a tick late" {
		late = late.Add(-1)
	}
	if !ok || !r.ends.IsZero() && !late.Before(r.ends) {
		return nil
	}
	if m.flaw == "no copies" {
		return r.value
	}
	return bytes.Clone(r.value)
}

func (m *mapStore) write(key string, value []byte, ttl time.Duration) {
	r := flawedRecord{value: bytes.Clone(value)}
	if ttl > 0 {
		r.ends = m.now.Add(ttl)
	}
	if old, ok := m.records[key]; ok && m.flaw == "skips equal bytes" && bytes.Equal(old.value, value) {
		return
	}
	m.records[key] = r
}

func (m *mapStore) List(ctx context.Context, prefix, after string, n int) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(ctx, "any"); err != nil {
		return nil, err
	}
	var keys []string
	for key := range m.records {
		follows := key > after || key == after && m.flaw == "lists a key twice"
		if strings.HasPrefix(key, prefix) && follows && m.read(key) != nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys[:min(max(n, 0), len(keys))], nil
}

// runName is a name that is always the same, but for the flaws.
func (m *mapStore) runName() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.reads++; m.flaw == "a run with every call" {
		return strconv.Itoa(m.reads)
	}
	return "the only run"
}

func (m *mapStore) GetRun(ctx context.Context, key string) ([]byte, string, error) {
	value, err := m.Get(ctx, key)
	if err != nil && m.flaw == "no run of what is missing" {
		return value, "", err
	}
	return value, m.runName(), err
}

func (m *mapStore) UpdateRun(ctx context.Context, key string,
	edit func([]byte, time.Time, string) ([]byte, time.Duration, error),
) error {
	run := m.runName()
	if m.flaw == "tells another run" {
		run = "another run"
	}
	inRun := func(old []byte, now time.Time) ([]byte, time.Duration, error) { return edit(old, now, run) }
	if m.flaw == "a run reads, then sets" {
		old, _ := m.Get(ctx, key)
		value, ttl, err := m.run(inRun, old)
		if err != nil {
			return err
		}
		return m.Update(ctx, key, func([]byte, time.Time) ([]byte, time.Duration, error) { return value, ttl, nil })
	}
	return m.Update(ctx, key, inRun)
}

func (m *mapStore) Runs(ctx context.Context) (string, error) {
	m.mu.Lock()
	err := m.check(ctx, "any")
	m.mu.Unlock()
	if err != nil || m.flaw == "no runs" {
		return "", err
	}
	return m.runName(), nil
}

func (m *mapStore) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = m.flaw != "goes on when closed"
	return nil
}

func newMapStore(flaw string) *mapStore {
	return &mapStore{flaw: flaw, now: time.Unix(1e9, 0), records: make(map[string]flawedRecord)}
}

func TestASoundStorePasses(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Opener { return newMapStore("").opener() })
}

func TestABrokenStoreIsReported(t *testing.T) {
	for _, c := range []struct {
		flaw   string
		breaks []string
	}{
		{"get, then set", []string{
			"OTC-04: of many parallel tries of one code exactly one wins",
			"OTC-09: of many parallel wrong tries exactly as many as the limit count",
			"no Update of a counter is lost",
		}},
		{"keeps what failed", []string{
			"an error of edit comes back and changes nothing",
			"failing edits do not disturb others at the same time",
		}},
		{"no context", []string{"a cancelled context changes nothing"}},
		{"ends a tick late", []string{"a record is live until its time and gone at it"}},
		{"no copies", []string{"bytes are copied on their way in and out"}},
		{"skips equal bytes", []string{"the last Update decides how long a record lives"}},
		{"lists a key twice", []string{"a list has the live keys of a prefix in order"}},
		{"no run of what is missing", []string{
			"a run keeps its name while nothing happens",
			"edit is told the run that reading names",
		}},
		{"a run with every call", []string{
			"a run keeps its name while nothing happens",
			"edit is told the run that reading names",
		}},
		{"tells another run", []string{"edit is told the run that reading names"}},
		{"no runs", []string{"a run keeps its name while nothing happens"}},
		{"a run reads, then sets", []string{"an update that is told the run is an update like any other"}},
		{"goes on when closed", []string{"a closed store says so"}},
		{"forgets on closing", []string{
			"what was acknowledged is there after reopening",
			"closing amid calls loses nothing that was acknowledged",
		}},
	} {
		t.Run(c.flaw, func(t *testing.T) {
			for _, name := range c.breaks {
				if storetest.Report(t.Context(), name, newMapStore(c.flaw).opener()) == nil {
					t.Errorf("%q reported nothing", name)
				}
			}
		})
	}
}
