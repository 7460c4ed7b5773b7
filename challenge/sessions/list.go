// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"cmp"
	"slices"
	"time"
)

// A KeyState is what a key does at a moment.
type KeyState string

// The states of a key, in the order of its life.
const (
	// KeyNext verifies and is published, and waits for its turn to sign.
	KeyNext KeyState = "next"
	// KeySigning signs and verifies.
	KeySigning KeyState = "signing"
	// KeyVerifying has a successor, and verifies until its time is over.
	KeyVerifying KeyState = "verifying"
	// KeyRetired does nothing any more. The next rotation removes it.
	KeyRetired KeyState = "retired"
)

// A KeyInfo describes a key to operators. There is nothing secret in it.
type KeyInfo struct {
	// ID is the kid of what the key signs.
	ID string
	// Use is "session" or "assertion".
	Use string
	// Algorithm is that of its signatures.
	Algorithm Algorithm
	// Created is when it was made, and From when it begins to sign.
	Created, From time.Time
	// Until is the first moment at which it verifies no more. Zero: nobody knows
	// yet.
	Until time.Time
	// State is what it does now.
	State KeyState
}

// List describes the keys at now: those of sessions before those of assertions,
// each algorithm apart, the oldest first.
func (k Keys) List(now time.Time) []KeyInfo {
	signs := map[*key]bool{}
	for _, of := range kinds {
		c := chainOf(k.list, of)
		if at := c.at(now.Unix()); at >= 0 {
			signs[c[at]] = true
		}
	}
	sorted := slices.Clone(k.list)
	slices.SortFunc(sorted, func(a, b *key) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds[:], a.kind), slices.Index(kinds[:], b.kind)), follows(a, b))
	})
	list := make([]KeyInfo, 0, len(sorted))
	for _, c := range sorted {
		info := KeyInfo{
			ID: c.id, Use: string(c.use), Algorithm: c.algorithm,
			Created: time.Unix(c.created, 0).UTC(), From: time.Unix(c.begins(), 0).UTC(),
			State: c.state(signs[c], now.Unix()),
		}
		if c.until > 0 {
			info.Until = time.Unix(c.until, 0).UTC()
		}
		list = append(list, info)
	}
	return list
}

func (k *key) state(signs bool, now int64) KeyState {
	switch {
	case signs:
		return KeySigning
	case k.over(now):
		return KeyRetired
	case k.from > now && !k.merged:
		return KeyNext
	}
	return KeyVerifying
}
