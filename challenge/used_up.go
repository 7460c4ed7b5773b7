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
	// maxUsedUp bounds how many allowances are kept in memory that are used up.
	maxUsedUp = 50_000
	// usedUpFor is how long a machine goes by what the store said of one. It is short
	// because another machine may give something back meanwhile.
	usedUpFor = time.Second
)

// usedUp are the allowances of which the store said a moment ago that nothing is left of
// them. What would need one is refused and not counted there: whoever goes on flooding or
// guessing costs it an update of each record once a second. A page that tells of a code
// reads its record as before.
type usedUp struct {
	cache *otter.Cache[allowance, refusal]
}

// An allowance is what can be used up: by a limit of some gate, for a network or the mails
// to an address, which is told apart by where its rates are; or the tries at a mailed
// code. The zero value is never used up.
type allowance struct {
	network netip.Prefix
	door    id
	limit   Limit
	rates   *Rate
	code    string // see checkTag
}

// A refusal is what the store said.
type refusal struct {
	said        error
	until, told time.Time // until is zero where it holds as long as the code
}

func newUsedUp() usedUp {
	return usedUp{otter.Must(&otter.Options[allowance, refusal]{MaximumSize: maxUsedUp})}
}

// eventsOf is what a network has of a limit.
func eventsOf(p netip.Prefix, limit Limit, rates []Rate) allowance {
	a := allowance{network: p, limit: limit}
	if len(rates) > 0 {
		a.rates = &rates[0]
	}
	return a
}

// mailsTo are those that strangers may have sent to an address.
func (g *Gate) mailsTo(to Email) allowance {
	return allowance{door: g.house.doorID(to), limit: LimitSendAddress, rates: &g.policy.Limits.SendAddress[0]}
}

// triesOf are those at the code of a flow. Codes of other ways are not used up, only locked.
func triesOf(f *Flow) allowance {
	if f.Way != ByMail {
		return allowance{}
	}
	return allowance{code: checkTag(f.Mail)}
}

// refuse is what the store said a moment ago; nil if it said nothing.
func (u usedUp) refuse(a allowance, now time.Time) error {
	r, ok := u.cache.GetIfPresent(a)
	if !ok || now.Sub(r.told).Abs() >= usedUpFor || !r.until.IsZero() && !r.until.After(now) {
		return nil
	}
	return r.said
}

// note remembers what the store said, if that is of the allowance.
func (u usedUp) note(a allowance, said error, now time.Time) {
	var limit *LimitError
	var try *TryError
	switch {
	case a.limit != "" && errors.As(said, &limit) && limit.Limit == a.limit:
		u.cache.Set(a, refusal{said: &LimitError{Limit: a.limit, Until: limit.Until}, until: limit.Until, told: now})
	case a.code != "" && errors.As(said, &try) && errors.Is(try.Kind, ErrCodeCancelled):
		u.cache.Set(a, refusal{said: &TryError{Kind: ErrCodeCancelled, Ref: try.Ref}, told: now})
	}
}

// lift forgets what something was given back to.
func (u usedUp) lift(a allowance) { u.cache.Invalidate(a) }
