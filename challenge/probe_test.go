// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

var errDown = errors.New("store is down")

// A probe is a store that writes down what is asked of it and can be made to
// fail.
type probe struct {
	*memstore.Store
	written atomic.Int64 // updates that kept something
	down    atomic.Bool
	meet    atomic.Pointer[sync.WaitGroup] // whoever has read a door waits for the others

	mu     sync.Mutex // guards below
	calls  []string
	ruined string // prefix of keys whose records are damaged
}

func newProbe(c *clock) *probe { return &probe{Store: memstore.New(memstore.Options{Now: c.now})} }

// note keeps the kind of record only; what the house asks by itself does not
// count.
func (p *probe) note(method, key string) (ruined bool) {
	kind, _, _ := strings.Cut(key, "/")
	p.mu.Lock()
	defer p.mu.Unlock()
	if kind != "ended" && kind != "budget" && kind != "keys" {
		p.calls = append(p.calls, method+" "+kind)
	}
	return p.ruined != "" && strings.HasPrefix(key, p.ruined)
}

func (p *probe) Get(ctx context.Context, key string) ([]byte, error) {
	ruined := p.note("get", key)
	if p.down.Load() {
		return nil, errDown
	}
	if ruined {
		return []byte("{"), nil
	}
	raw, err := p.Store.Get(ctx, key)
	if meet := p.meet.Load(); meet != nil && strings.HasPrefix(key, "door/") {
		meet.Done()
		meet.Wait()
	}
	return raw, err
}

func (p *probe) Update(ctx context.Context, key string, edit func([]byte, time.Time) ([]byte, time.Duration, error)) error {
	p.note("update", key)
	if p.down.Load() {
		return errDown
	}
	err := p.Store.Update(ctx, key, edit)
	if err == nil {
		p.written.Add(1)
	}
	return err
}

func (p *probe) ruin(prefix string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ruined = prefix
}

// take returns the calls since the last time.
func (p *probe) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.calls = nil }()
	return slices.Clone(p.calls)
}

var _ challenge.Store = (*probe)(nil)
