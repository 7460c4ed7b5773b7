// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"slices"
	"time"
)

const (
	oftenTimes  = 3 // codes in oftenWithin that are often
	oftenWithin = 7 * day
)

// OftenAsked reports whether somebody whom an earlier step has named is asked for
// a code for the third time in a week, in a browser that is not remembered: time
// to ask whether it is their own. Where that is not known, it reports false.
func (g *Gate) OftenAsked(ctx context.Context, v *Visit) bool {
	if v.Earlier == nil || g.policy.Devices.Choice != ChoiceAsk || g.Recognises(v, v.Earlier.Email) {
		return false
	}
	p, err := read[person](ctx, g.house.store, g.house.personKey(v.Earlier.Email))
	return err == nil && len(p.recentCodes(v.Now)) >= oftenTimes-1
}

// recentCodes are the times of the last right codes, no older than a week.
func (p *person) recentCodes(now time.Time) []int64 {
	recent := slices.Clone(p.Codes)
	return slices.DeleteFunc(recent, func(at int64) bool { return !time.Unix(at, 0).Add(oftenWithin).After(now) })
}

// coded notes a right code. No more are kept than the next one is judged by.
func (p *person) coded(now time.Time) {
	p.Codes = append(p.recentCodes(now), now.Unix())
	p.Codes = p.Codes[max(0, len(p.Codes)-(oftenTimes-1)):]
}
