// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package risk judges whether a visit is out of the ordinary for a person. It
// is pure: facts, policy and time in, reasons out. It reads no store and knows
// no network address.
//
// What is new for this person leads; there is no score. A rule speaks for one
// [Reason], and the policy says which reasons ask for a code and which are only
// noted.
package risk

import "time"

// A Reason says why a check is needed.
type Reason string

// The reasons, by the words of configuration, headers and logs, the most telling
// first: where several ask, that one is told.
const (
	Travel     Reason = "travel"      // too far from the last places for the time in between
	NewPlace   Reason = "new_place"   // a country or an area that is not usual for the person
	Operator   Reason = "operator"    // the operator asked for a new code
	Ended      Reason = "ended"       // somebody signed out on this browser
	Expired    Reason = "expired"     // the time for which the browser was remembered is over
	NewBrowser Reason = "new_browser" // not remembered for this person
	NewNetwork Reason = "new_network" // a network that the person has not used
	Always     Reason = "always"      // the gate asks at every sign-in
	Sensitive  Reason = "sensitive"   // the page wants a fresh code
)

// Never is the word by which a policy asks for none but Operator and Sensitive.
const Never Reason = "never"

// A Bind says what may change during a session.
type Bind uint8

// The binds. A session that leaves what it is bound to is asked for a code.
const (
	BindNone    Bind = iota // nothing matters
	BindPlace               // NewPlace and Travel ask
	BindNetwork             // so does NewNetwork
)

// A Policy says what the reasons lead to. The zero value of Distance, Speed and
// Learning is their default.
type Policy struct {
	// Ask are the reasons that ask outside a session, of NewBrowser, NewPlace,
	// NewNetwork, Travel and Always. NewBrowser covers Expired and Ended.
	// Operator and Sensitive always ask.
	Ask Set
	// Observe are reasons that are judged and never ask.
	Observe Set
	// ObserveAll: nothing asks.
	ObserveAll bool
	// Bind says which reasons ask during a session.
	Bind Bind

	// Places: there is a database of places. Without one NewPlace and Travel
	// have no say.
	Places bool

	Distance float64       // kilometres from which a place is another one; default: 500
	Speed    float64       // kilometres an hour that nobody travels at; default: 900
	Learning time.Duration // after the first entry, in which new networks and places in known countries do not count; default: 14 days
}

// A Browser is how a visit's browser is known for the person.
type Browser uint8

// The browsers.
const (
	Unknown         Browser = iota // not remembered
	Lapsed                         // it was remembered, and that is over
	SignedOut                      // somebody signed out on it
	EndedByOperator                // the operator asked for a new code
	Remembered                     // it would do without a code
	InSession                      // it has a session
)

// Facts are all that a judgement goes by.
type Facts struct {
	Browser Browser
	// Keyless: it is Lapsed because it has no key, and one is required.
	Keyless bool
	// ID names the browser that makes the visit, to compare sightings of one
	// browser; empty when it is not known.
	ID string
	// Here is where the visit comes from.
	Here Where
	// From is where the session was verified from. Only with InSession; the zero
	// value says nothing.
	From Where
	// Person is what is remembered; nil or empty when nothing is.
	Person *Profile

	// Page is what the page asks for.
	Page Page
	// Coded is when the session's last code was entered, zero without a session.
	// Renewed: the session was made by a remembered browser since, so that its
	// code is never fresh.
	Coded   time.Time
	Renewed bool
	// Recovered: it began by a way that is for when the usual one fails, which is
	// never fresh either.
	Recovered bool
	// ByPasskey: a passkey was used when it is said that a code was entered. Nothing is
	// judged by it; Explain says it in its words.
	ByPasskey bool
	// Confirmed is when a page with Extends was last used with a fresh code.
	Confirmed time.Time
}

// A Page is how fresh a code a page asks for. The zero value asks for none.
type Page struct {
	// MaxAge is how old the last code may be.
	MaxAge time.Duration
	// Extends: each use lengthens that by MaxAge again, up to Longest since the
	// code.
	Extends bool
}

// Longest is how long use can keep a code fresh.
const Longest = 4 * time.Hour
