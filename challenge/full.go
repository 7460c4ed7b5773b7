// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"errors"
	"net/netip"
	"time"

	"github.com/maypok86/otter/v2"
)

const (
	// maxFulls bounds how many full networks and addresses are kept in memory.
	maxFulls = 50_000
	// fullFor is how long a machine goes by what the store said of one. It is short
	// because another machine may give something back meanwhile.
	fullFor = time.Second
)

// fulls are the networks of which a limit was used up a moment ago, and the addresses
// to which strangers have had all mails sent, as the store said. They are refused before
// it is asked: whoever goes on flooding costs it one update a second.
type fulls struct {
	cache *otter.Cache[fullKey, fullness]
}

// A fullKey is a network or an address, and a limit of some gate, which is told apart by
// where its rates are.
type fullKey struct {
	network netip.Prefix
	door    id
	limit   Limit
	rates   *Rate
}

type fullness struct{ until, told time.Time }

func newFulls() (fulls, error) {
	cache, err := otter.New(&otter.Options[fullKey, fullness]{MaximumSize: maxFulls})
	return fulls{cache}, err
}

func fullKeyOf(p netip.Prefix, limit Limit, rates []Rate) (key fullKey) {
	key = fullKey{network: p, limit: limit}
	if len(rates) > 0 {
		key.rates = &rates[0]
	}
	return key
}

// mailedOut is the key of an address that strangers have had too much mailed to.
func (g *Gate) mailedOut(to Email) fullKey {
	return fullKey{door: g.house.doorID(to), limit: LimitSendAddress, rates: &g.policy.Limits.SendAddress[0]}
}

// refuse is what the store said a moment ago; nil if it said nothing.
func (f fulls) refuse(key fullKey, now time.Time) error {
	full, ok := f.cache.GetIfPresent(key)
	if !ok || !full.until.After(now) || now.Sub(full.told).Abs() >= fullFor {
		return nil
	}
	return &LimitError{Limit: key.limit, Until: full.until}
}

// note remembers what the store said, if that is of the key's limit.
func (f fulls) note(key fullKey, said error, now time.Time) {
	var refused *LimitError
	if errors.As(said, &refused) && refused.Limit == key.limit {
		f.cache.Set(key, fullness{until: refused.Until, told: now})
	}
}

// lift forgets what something was given back to.
func (f fulls) lift(key fullKey) { f.cache.Invalidate(key) }
