// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The race detector makes pools forget, and with that allocate.

package tests

import (
	"fmt"
	"math"
	"net/http"
	"testing"
)

// Ruling 28: a request with a session allocates nothing that it would not
// allocate behind a middleware that does nothing. A header grows at certain
// sizes, which is Go's doing, so the usual ones between are looked at.
func TestRuling28ASessionCostsNoAllocation(t *testing.T) {
	s := startBench(t)
	cookie := "theme=dark; doorcode=" + s.session
	w, r := &nowhere{header: http.Header{}}, plainRequest(s.caddy.Port, "/x")
	for n := 9; n <= 11; n++ {
		t.Run(fmt.Sprint(n, " fields"), func(t *testing.T) {
			s.compareAllocations(t, func(h http.Handler) int { return w.ask(h, r, n, cookie) })
		})
	}
	for _, burden := range burdensOf(s.session) {
		t.Run(burden.name, func(t *testing.T) {
			s.compareAllocations(t, func(h http.Handler) int { return w.send(h, r, &burden) })
		})
	}
}

// compareAllocations compares the gate with the middleware that does nothing.
func (s *bench) compareAllocations(t *testing.T, ask func(http.Handler) int) {
	t.Helper()
	var allocs [2]float64
	for i, h := range []http.Handler{s.gate, s.noop} {
		if status := ask(h); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		// What else the process does only ever adds: the least of a few counts.
		allocs[i] = math.Inf(1)
		for range 3 {
			allocs[i] = min(allocs[i], testing.AllocsPerRun(1000, func() { ask(h) }))
		}
	}
	if allocs[0] > allocs[1] {
		t.Errorf("%v allocations behind the gate, %v behind nothing", allocs[0], allocs[1])
	}
}
