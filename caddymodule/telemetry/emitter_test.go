// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"maps"
	"testing"

	"github.com/doorcode/caddy-doorcode/caddymodule/telemetry"
)

func nothing() map[string]any { return nil }

// taken empties an emitter, and counts by name.
func taken(e *telemetry.Emitter) map[string]int {
	counts := map[string]int{}
	for name := e.Next(); name != ""; name = e.Next() {
		counts[name]++
	}
	return counts
}

// A flood of codes that nobody asked for used to take every place in front of a slow
// subscriber, and with that hid what it was meant to hide: that somebody reported it.
func TestAFloodOfStrangersLeavesHalfOfThePlacesToOthers(t *testing.T) {
	e := telemetry.NewWaiting()
	for range 2 { // what was told gives its place back
		for range 64 {
			e.Emit(telemetry.EventCodeSent, nothing)
			e.Emit(telemetry.EventLocked, nothing)
		}
		for _, name := range []string{telemetry.EventCodeSent, telemetry.EventLocked, telemetry.EventCodeFailed} {
			e.Emit(name, func() map[string]any { t.Errorf("the data of %s are gathered, which has no place", name); return nil })
		}
		for range 100 {
			e.Emit(telemetry.EventReported, nothing)
		}
		want := map[string]int{telemetry.EventCodeSent: 64, telemetry.EventLocked: 64, telemetry.EventReported: 100}
		if got := taken(e); !maps.Equal(got, want) {
			t.Fatalf("waiting: %v, want %v", got, want)
		}
	}
}

func TestWhatOthersCauseMayTakeEveryPlace(t *testing.T) {
	e := telemetry.NewWaiting()
	for range 400 {
		e.Emit(telemetry.EventRevoked, nothing)
	}
	e.Emit(telemetry.EventCodeSent, nothing)
	if got := taken(e); got[telemetry.EventRevoked] != 256 || len(got) != 1 {
		t.Errorf("waiting: %v, want 256 revocations", got)
	}
	for range 400 {
		e.Emit(telemetry.EventCodeSent, nothing)
	}
	if got := taken(e); got[telemetry.EventCodeSent] != 128 {
		t.Errorf("after that %v, want half of the places", got)
	}
}
