// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// Whatever the rates and the times, no window of a rate holds more than it
// allows, and whoever waits as long as they are told gets in.
func TestATallyNeverLetsMoreThanNIntoAnyWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) challenge.Rate {
			return challenge.Rate{N: rapid.IntRange(1, 20).Draw(t, "n"), Per: time.Duration(rapid.IntRange(1, 7200).Draw(t, "per")) * time.Second}
		}), 1, 3).Draw(t, "rates")
		var tally challenge.Tally
		var taken []time.Time
		now := newClock().now()
		for range rapid.IntRange(1, 300).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "later")))
			free, ok := challenge.TallyRoom(tally, rates, now)
			if !ok {
				if !free.After(now) {
					t.Fatalf("full, and free since %s", now.Sub(free))
				}
				if rapid.Bool().Draw(t, "waits") {
					now = free
					if _, ok = challenge.TallyRoom(tally, rates, now); !ok {
						t.Fatalf("not free at the time that was named")
					}
				}
			}
			if !ok {
				continue
			}
			challenge.TallyAdd(&tally, now)
			taken = append(taken, now)
			for _, r := range rates {
				if i := len(taken) - 1 - r.N; i >= 0 && taken[i].Add(r.Per).After(now) {
					t.Fatalf("more than %v: %s apart", r, now.Sub(taken[i]))
				}
			}
		}
	})
}

func TestF05ATallyKeepsItsOrderWhenTheClockIsSetBack(t *testing.T) {
	var tally challenge.Tally
	now := newClock().now()
	rates := []challenge.Rate{{N: 1, Per: time.Hour}}
	challenge.TallyAdd(&tally, now)
	challenge.TallyAdd(&tally, now.Add(-time.Hour))
	if free, ok := challenge.TallyRoom(tally, rates, now.Add(-time.Hour)); ok || !free.Equal(now.Add(time.Hour)) {
		t.Errorf("room %v, free at %s, want none until %s", ok, free, now.Add(time.Hour))
	}
}

func TestATallyIsBounded(t *testing.T) {
	var tally challenge.Tally
	now := newClock().now()
	for range 3_000 {
		now = now.Add(time.Second)
		challenge.TallyAdd(&tally, now)
	}
	if len(tally) != 1000 {
		t.Errorf("%d events are kept, want 1000", len(tally))
	}
	if challenge.TallyAdd(&tally, now.Add(31*day)); len(tally) != 1 {
		t.Errorf("%d events are kept a month later, want 1", len(tally))
	}
}
