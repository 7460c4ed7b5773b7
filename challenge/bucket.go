// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import "time"

// A crowd is whom a visit is counted with at an address.
type crowd uint8

const (
	strangers crowd = iota // everybody whom nothing below speaks for
	// office: in a network that the operator named. It takes no more than a guest
	// in it to be one of these, so they must not use up what the owner has.
	office
	owners // a remembered browser, a live session, or an earlier step's word
)

// favoured reports whether the half of all mail that is kept for known people is
// there for a crowd too.
func (c crowd) favoured() bool { return c != strangers }

// A bucket counts what one kind of visitor did at an address. Nobody can
// use up the bucket of another kind.
type bucket struct {
	Tries tally `json:"tries,omitempty"`
	Mails tally `json:"mails,omitempty"`
	Locks int   `json:"locks,omitempty"` // locks in a row; success ends them
	Until int64 `json:"until,omitempty"` // Unix seconds; locked before it
}

func (d *door) bucket(c crowd) *bucket {
	switch c {
	case owners:
		return &d.Own
	case office:
		return &d.Office
	default:
		return &d.Stranger
	}
}

// locked reports until when no code is accepted in the bucket.
func (b *bucket) locked(rates []Rate, now time.Time) (until time.Time, locked bool) {
	if lock := time.Unix(b.Until, 0); lock.After(now) {
		until, locked = lock, true
	}
	if free, ok := b.Tries.room(rates, now); !ok {
		until, locked = later(until, free), true
	}
	return until, locked
}

// count takes a try. When it was the last one that fits, the bucket locks: for
// the first lockout, then twice as long each time, up to a day.
func (b *bucket) count(l Limits, now time.Time) {
	b.Tries.add(now)
	if _, ok := b.Tries.room(l.TryAddress, now); ok {
		return
	}
	wait := l.Lockout
	for n := 0; n < b.Locks && wait < maxLockout; n++ {
		wait = min(2*wait, maxLockout)
	}
	b.Locks++
	b.Until = now.Add(wait).Unix()
}

// guessedAt reports whether the address has seen many wrong tries lately.
func (b *bucket) guessedAt(now time.Time) bool {
	return b.Tries.since(now.Add(-30*day)) >= manyFailures
}
