// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"slices"
	"time"
)

// A door is the one record of everything that is tried at an address, whether
// or not the address may pass: its counters and its pending challenges. One
// atomic update counts, then compares, then spends.
type door struct {
	Version  int       `json:"v"`
	Own      bucket    `json:"own"`      // remembered browsers, live sessions, earlier factors
	Stranger bucket    `json:"stranger"` // everybody else, together
	Pending  []pending `json:"pending,omitempty"`
	Starts   []start   `json:"starts,omitempty"` // by strangers, in the last hour
	Keep     int64     `json:"keep"`             // Unix seconds; no counter matters after it
}

// doorVersion is the format of the record.
const doorVersion = 1

func (d *door) format() (is, known int) { return d.Version, doorVersion }

// A bucket counts what one kind of visitor did at an address. A stranger can
// use up the strangers' bucket only.
type bucket struct {
	Tries tally `json:"tries,omitempty"`
	Mails tally `json:"mails,omitempty"`
	Locks int   `json:"locks,omitempty"` // locks in a row; success ends them
	Until int64 `json:"until,omitempty"` // Unix seconds; locked before it
}

// A pending challenge waits for its code. It holds neither the code nor
// anything from which the store alone could compute it.
type pending struct {
	seed           // of which its code is made
	Flow    id     `json:"flow"` // keyed hash of the browser's flow
	Own     bool   `json:"own,omitempty"`
	Ref     string `json:"ref"`
	Made    int64  `json:"made"` // Unix seconds
	Ends    int64  `json:"ends"`
	Mailed  int64  `json:"mailed"` // the last mail
	Mails   int    `json:"mails"`
	Tries   int    `json:"tries,omitempty"`
	Given   int    `json:"given,omitempty"` // tries given back
	Wrong   []id   `json:"wrong,omitempty"` // keyed hashes of the wrong tries
	Earlier *seed  `json:"earlier,omitempty"`
}

// A seed is what a code is made of, beside the root secret and what it is bound
// to. It is all that is left of the challenge before: enough to recognise its
// code and to say that a newer mail is there, not enough to be let in by it.
type seed struct {
	ID    id   `json:"id"`
	Seed  id   `json:"seed"`
	Shape Form `json:"shape"`
}

// A start remembers which network began a challenge.
type start struct {
	Network id    `json:"net"`
	At      int64 `json:"at"`
}

const (
	maxPending    = 8  // challenges of one address
	maxGivenBack  = 3  // tries given back in one challenge
	startsPerHour = 3  // challenges of one address that one network begins
	manyFailures  = 30 // wrong tries in 30 days from which codes become longer

	startsWindow = time.Hour
)

func (c *pending) expired(now time.Time) bool { return now.Unix() >= c.Ends }

// usable reports whether a code can still be entered, given the tries that a
// challenge has. There need not be a challenge.
func (c *pending) usable(attempts int, now time.Time) bool {
	return c != nil && !c.expired(now) && c.Tries < attempts
}

// lives says how long the record is needed: as long as its counters matter.
func (d *door) lives(now time.Time) time.Duration {
	until := d.Keep
	for _, c := range d.Pending {
		until = max(until, c.Ends)
	}
	return time.Unix(until, 0).Sub(now)
}

// need keeps the record until a time at least.
func (d *door) need(until time.Time) { d.Keep = max(d.Keep, until.Unix()) }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// tidy drops what is over.
func (d *door) tidy(now time.Time) {
	d.Version = doorVersion
	// An expired challenge stays for a while, so that its page can say so.
	d.Pending = slices.DeleteFunc(d.Pending, func(c pending) bool { return now.Unix() >= c.Ends+int64(2*time.Hour/time.Second) })
	d.Starts = slices.DeleteFunc(d.Starts, func(s start) bool { return now.Unix()-s.At >= int64(startsWindow/time.Second) })
}

func (d *door) bucket(own bool) *bucket {
	if own {
		return &d.Own
	}
	return &d.Stranger
}

// of finds the challenge of a flow.
func (d *door) of(flow id) *pending {
	for i := range d.Pending {
		if d.Pending[i].Flow == flow {
			return &d.Pending[i]
		}
	}
	return nil
}

// latestOwn is the challenge that was mailed last in the address's own bucket.
func (d *door) latestOwn(now time.Time) (latest *pending) {
	for i := range d.Pending {
		c := &d.Pending[i]
		if c.Own && !c.expired(now) && (latest == nil || c.Mailed > latest.Mailed) {
			latest = c
		}
	}
	return latest
}

func (d *door) remove(flow id) {
	d.Pending = slices.DeleteFunc(d.Pending, func(c pending) bool { return c.Flow == flow })
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

// succeed ends a challenge whose code was right. Failures are forgotten in the
// bucket that the visitor has, and there alone. Of the mails, the one that led
// here is given back, and so is the start of the network.
func (d *door) succeed(c pending, own bool, network id) {
	b := d.bucket(own)
	b.Tries, b.Locks, b.Until = nil, 0, 0
	d.bucket(c.Own).Mails.takeBack()
	d.remove(c.Flow)
	if i := slices.Index(d.Starts, start{network, c.Made}); i >= 0 {
		d.Starts = slices.Delete(d.Starts, i, i+1)
	}
}

// mailed counts a mail.
func (d *door) mailed(own bool, l Limits, now time.Time) {
	d.bucket(own).Mails.add(now)
	d.need(now.Add(max(longest(l.SendAddress), startsWindow)))
}

// admits reports whether the address may be mailed once more. The network rule,
// which is for new challenges, keeps one place from using up what all strangers
// share.
func (d *door) admits(o opening, repeat bool, l Limits, now time.Time) error {
	b := d.bucket(o.own)
	if until, locked := b.locked(l.TryAddress, now); locked {
		return &LimitError{LimitTryAddress, until}
	}
	if free, ok := b.Mails.room(l.SendAddress, now); !ok {
		return &LimitError{LimitSendAddress, free}
	}
	if !o.own && !repeat {
		if free, ok := d.networkRoom(o.network, now); !ok {
			return &LimitError{LimitStarts, free}
		}
	}
	return nil
}

func (d *door) networkRoom(network id, now time.Time) (time.Time, bool) {
	var seen tally
	for _, s := range d.Starts {
		if s.Network == network {
			seen = append(seen, s.At)
		}
	}
	return seen.room([]Rate{{startsPerHour, startsWindow}}, now)
}

// makeRoom makes room for one more challenge. What has expired goes first, then
// what strangers began; a stranger pushes out strangers only, so that what began
// in a remembered browser stays.
func (d *door) makeRoom(own bool, now time.Time) error {
	for len(d.Pending) >= maxPending {
		i := d.dispensable(own, now)
		if i < 0 {
			return &LimitError{LimitSendAddress, time.Unix(d.Pending[0].Ends, 0)}
		}
		d.Pending = slices.Delete(d.Pending, i, i+1)
	}
	return nil
}

func (d *door) dispensable(own bool, now time.Time) int {
	if i := slices.IndexFunc(d.Pending, func(c pending) bool { return c.expired(now) }); i >= 0 {
		return i
	}
	i := slices.IndexFunc(d.Pending, func(c pending) bool { return !c.Own })
	if i < 0 && own {
		return 0
	}
	return i
}
