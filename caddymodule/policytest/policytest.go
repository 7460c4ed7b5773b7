// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package policytest reads files of policy tests, which say what a configuration is
// expected to decide, and tells how they went. It decides nothing itself.
package policytest

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A File is a file of policy tests.
type File struct {
	Name  string // as errors call it
	Tests []Test
}

// A Test is one request by one person, and what is expected of it.
type Test struct {
	Name string
	Line int

	Site  string // host; empty: the only one that has a gate
	Email challenge.Email
	User  string // what an earlier step calls the person; empty: the address
	From  Spot
	Usual []Spot // where the person has signed in before, the first with the last code

	Method, Path string
	Agent        string // empty: a usual browser
	Header       http.Header

	Remembered bool // the browser is
	Session    bool // there is a session
	Bound      bool // the browser has a key of its machine, and proves it
	Passkey    bool // the last proof was a passkey, not a code
	// Coded is how long ago the last code was entered; negative: not said.
	Coded time.Duration

	Want Expectation
}

// A Spot is a place in a file: an address, a network, or the name of a city or country
// whose address is yet to be found.
type Spot struct {
	Text string
	Line int
	IP   netip.Addr // zero: Text is a name
}

// Named reports whether a place is given by its name.
func (s Spot) Named() bool { return !s.IP.IsValid() }

// An Expectation is what a test wants. What is empty or 0 may be anything.
type Expectation struct {
	Decision string
	Reason   string
	Status   int
}

// Names are the places of a file that are given by their name.
func (f *File) Names() (names []Spot) {
	for _, t := range f.Tests {
		for _, s := range append([]Spot{t.From}, t.Usual...) {
			if s.Named() {
				names = append(names, s)
			}
		}
	}
	return names
}

// Settle gives the places with names the addresses that were found for them.
func (f *File) Settle(found map[string]netip.Addr) {
	for i := range f.Tests {
		t := &f.Tests[i]
		t.From = t.From.settled(found)
		for j, s := range t.Usual {
			t.Usual[j] = s.settled(found)
		}
	}
}

func (s Spot) settled(found map[string]netip.Addr) Spot {
	if s.Named() {
		s.IP = found[s.Text]
	}
	return s
}
