// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// faults are what happens to the answers of Redis.
var faults = map[string]string{
	"late":               `{"type": "latency", "attributes": {"latency": 120, "jitter": 110}}`,
	"in slices":          `{"type": "slicer", "attributes": {"average_size": 7, "size_variation": 5, "delay": 300}}`,
	"a few bytes a time": `{"type": "bandwidth", "attributes": {"rate": 4}}`,
	"cut after a while":  `{"type": "timeout", "toxicity": 0.5, "attributes": {"timeout": 120}}`,
	"cut in the middle":  `{"type": "limit_data", "attributes": {"bytes": 900}}`,
	"reset":              `{"type": "reset_peer", "attributes": {"timeout": 60}}`,
}

// A struggle is one person who tries to get in while the store is in trouble.
type struggle struct {
	address, code string
	b             *harness.Browser
	right         url.Values
	in            bool
}

// begin asks for a code.
func (s *struggle) begin(t *testing.T, m *harness.Machine) {
	t.Helper()
	s.code = ask(t, m.Caddy, s.b, "/", s.address)
	s.right = form(t, s.b, s.code)
}

// push enters the code at one machine after another, and looks who the app takes
// the browser for.
func (s *struggle) push(t *testing.T, f *harness.Fleet) {
	for n := range 4 {
		s.b.Move(f.Machines[n%len(f.Machines)])
		page := s.b.Do(t, http.MethodPost, "/.doorcode/verify", s.right, harness.Scripted)
		s.in = s.in || page.Status == http.StatusOK
		s.look(t)
	}
}

// look reports whether the app sees the person, and fails when it sees another.
func (s *struggle) look(t *testing.T) bool {
	page := s.b.Fetch(t, "/")
	if page.Status != http.StatusOK {
		return false
	}
	var seen harness.Seen
	if err := json.Unmarshal([]byte(page.Body), &seen); err != nil || seen.Header.Get("Remote-Email") != s.address {
		t.Errorf("%s is taken for %q (%v)", s.address, seen.Header.Get("Remote-Email"), err)
	}
	return true
}

// F-07, L-38: whatever happens to the answers of Redis, none reaches somebody whom
// it is not for: people are themselves or are not in, no code works twice, and
// everybody gets in afterwards.
func TestF07BrokenAnswersReachNobodyElse(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	wires := []*harness.Wire{harness.NewWire(t, server.Addr), harness.NewWire(t, server.Addr)}
	f := harness.NewFleet(t, oneDoor("redis redis://STORE {\n\t\t\ttimeout 200ms\n\t\t}", generous("")))
	both := f.Run(t, wires[0].Address, wires[1].Address)
	signedIn(t, both[0].Caddy, ana)
	goroutines := both[0].Goroutines(t)
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			people := make([]*struggle, 6)
			for n := range people {
				people[n] = &struggle{address: fmt.Sprintf("%s-%d@example.com", strings.ReplaceAll(name, " ", "-"), n), b: from(t, both[0].Caddy, n)}
				people[n].begin(t, both[0])
			}
			for _, w := range wires {
				w.Spoil(t, fault)
			}
			var all sync.WaitGroup
			for _, s := range people {
				all.Go(func() { s.push(t, f) })
			}
			all.Wait()
			for _, w := range wires {
				w.Heal()
			}
			for _, m := range both {
				back(t, m)
			}
			for _, s := range people {
				page := s.b.Do(t, http.MethodPost, "/.doorcode/verify", s.right, harness.Scripted)
				if s.in && page.Status == http.StatusOK {
					t.Errorf("the code of %s let in twice", s.address)
				}
				if s.in || page.Status == http.StatusOK {
					wantStatus(t, s.address, s.b.Fetch(t, "/"), http.StatusOK)
					continue
				}
				s.b = from(t, both[1].Caddy, 200)
				s.begin(t, both[1])
				wantStatus(t, "a new code", enter(t, s.b, s.code), http.StatusOK)
			}
		})
	}
	wantGoroutines(t, both[0], goroutines)
}
