// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package devices recognises a browser again.
//
// A remembered browser holds a cookie that says, for each of the few people
// who use it, which record it is and which generation of its secret it holds.
// The caller seals that cookie, so a generation can be read and invented by
// nobody; it works once. What the store keeps is a [Record]; presenting a
// generation that was replaced long ago means that two copies of one cookie
// are in use, and ends the record.
package devices

import (
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// MaxPeople is how many people one browser is remembered for.
const MaxPeople = 3

// overlap is how long a replaced generation goes on working after its
// successor was first presented: ten tabs that a browser restores at once all
// bring the old one.
const overlap = time.Minute

// A Record is what the store keeps of one remembered browser of one person.
// Times are Unix seconds.
type Record struct {
	ID         string `json:"id"`
	Generation int    `json:"gen"`
	Presented  int64  `json:"presented,omitempty"` // when it was first presented; 0: not yet
	Made       int64  `json:"made"`                // when the browser was first remembered
	Used       int64  `json:"used"`                // last entry
	Coded      int64  `json:"coded"`               // last code entered here
	Ended      bool   `json:"ended,omitempty"`     // the next entry needs a code
	ByOperator bool   `json:"by_op,omitempty"`     // because an operator said so
	Session    string `json:"session,omitempty"`   // the session that the last entry made
	Name       string `json:"name,omitempty"`      // given by its person
	Seen       string `json:"seen,omitempty"`      // where the last entry was from, as the caller keeps it
	// Proof is by which methods the last code was proved that was none, but a passkey.
	Proof []string `json:"proof,omitempty"`
	// Bound is the key that the browser has.
	Bound Binding `json:"bound,omitzero"`
}

// An Outcome is what a presented generation means.
type Outcome int

// The outcomes.
const (
	// Stale: this generation was replaced and its time is over. Somebody uses a
	// copy of the cookie.
	Stale Outcome = iota
	// Current: the newest generation.
	Current
	// Previous: the one before, within its overlap.
	Previous
)

// Judge says what presenting a generation means at a time. It changes nothing.
func (r *Record) Judge(generation int, now time.Time) Outcome {
	switch {
	case generation >= r.Generation: // a later one was given out by a record that was lost since
		return Current
	case generation == r.Generation-1 && (r.Unconfirmed() || now.Before(time.Unix(r.Presented, 0).Add(overlap))):
		return Previous
	default:
		return Stale
	}
}

// Confirm notes that the browser has received the newest generation, from which
// moment the time of the one before runs out.
func (r *Record) Confirm(generation int, now time.Time) {
	if generation == r.Generation && r.Unconfirmed() {
		r.Presented = now.Unix()
	}
}

// Unconfirmed reports whether the newest generation was never presented.
func (r *Record) Unconfirmed() bool { return r.Presented == 0 }

// Rotate makes a generation later than the one that was presented.
func (r *Record) Rotate(presented int) {
	r.Generation = max(r.Generation, presented) + 1
	r.Presented = 0
}

// Over reports whether the browser is no longer remembered: unused for longer
// than idle, or its last code older than most.
func (r *Record) Over(idle, most time.Duration, now time.Time) bool {
	return !now.Before(time.Unix(r.Used, 0).Add(idle)) || !now.Before(time.Unix(r.Coded, 0).Add(most))
}

// A Claim is what the cookie says of one person.
type Claim struct {
	Address    string `json:"a"`
	Source     string `json:"s,omitempty"`
	User       string `json:"u,omitempty"`
	ID         string `json:"d"`
	Generation int    `json:"g"`
	Expires    int64  `json:"e"` // Unix seconds
	// Asleep: somebody else has used the browser since, so that it stands for
	// this person only where an earlier step says that it is they.
	Asleep bool `json:"z,omitempty"`
}

// Claims is the content of the cookie, the person last seen first.
type Claims []Claim

// ErrBadClaims reports content that is no cookie of ours.
var ErrBadClaims = errors.New("not a device cookie")

// Parse reads the content of a cookie that was opened.
func Parse(plain []byte) (Claims, error) {
	var c Claims
	if err := json.Unmarshal(plain, &c); err != nil || len(c) > MaxPeople {
		return nil, ErrBadClaims
	}
	return c, nil
}

// Encode writes the content that is to be sealed.
func (c Claims) Encode() []byte {
	plain, err := json.Marshal(c)
	if err != nil {
		panic("devices: encoding plain data: " + err.Error())
	}
	return plain
}

// Find returns the claim for a person who comes from a source under a user
// name; an expired one is none.
func (c Claims) Find(address, source, user string, now time.Time) (Claim, bool) {
	for _, claim := range c {
		if claim.Address == address && claim.Source == source && claim.User == user && now.Unix() < claim.Expires {
			return claim, true
		}
	}
	return Claim{}, false
}

// With puts a claim first, in place of an older one for the same person, and
// forgets whoever was seen longest ago.
func (c Claims) With(claim Claim) Claims {
	rest := c.Without(claim.Address, claim.Source, claim.User)
	all := append(Claims{claim}, rest...)
	return all[:min(len(all), MaxPeople)]
}

// Without forgets a person.
func (c Claims) Without(address, source, user string) Claims {
	return slices.DeleteFunc(slices.Clone(c), func(old Claim) bool {
		return old.Address == address && old.Source == source && old.User == user
	})
}

// Sleep puts everybody to sleep but the person of an address; they have to show
// again who they are.
func (c Claims) Sleep(but string) Claims {
	all := slices.Clone(c)
	for i := range all {
		all[i].Asleep = all[i].Asleep || all[i].Address != but
	}
	return all
}
