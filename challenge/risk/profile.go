// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

import (
	"strings"
	"time"
)

// The bounds of a profile. With them it is at most 2,000 bytes of JSON.
const (
	mostAreas     = 8
	mostNetworks  = 12
	mostSightings = 8
	mostOfBrowser = 3 // sightings of one browser
	shortName     = 8 // bytes
)

// sameArea is how far from an area a place of the same country still belongs to
// it, in kilometres, radii deducted.
const sameArea = 100

// A Profile is what is remembered of where a person signs in. The zero value
// remembers nothing. It holds no network address and is at most 2,000 bytes of
// JSON once it has learned. Whatever was decoded into it is safe to use.
type Profile struct {
	Since     int64      `json:"since,omitempty"` // Unix seconds of the first entry
	Areas     []Area     `json:"areas,omitempty"`
	Networks  []Network  `json:"nets,omitempty"`
	Sightings []Sighting `json:"seen,omitempty"` // oldest first
}

// An Area is a place that a person uses: a country with a cell, a country alone,
// all private addresses, all places that are not known, or one network that
// tells nothing of a place.
type Area struct {
	Kind    kind   `json:"k,omitempty"`
	Country string `json:"c,omitempty"`
	Cell    Cell   `json:"l,omitempty"`
	Radius  uint16 `json:"r,omitempty"`
	ASN     uint32 `json:"a,omitempty"`
	Net     string `json:"n,omitempty"`
	Trace
}

// A Network is a network that a person uses, by the number of its autonomous
// system or else by the beginning of its keyed hash.
type Network struct {
	ASN uint32 `json:"a,omitempty"`
	Net string `json:"n,omitempty"`
	Trace
}

// A Sighting is where and when a browser was last seen at one of its places.
type Sighting struct {
	By     string `json:"b,omitempty"` // the beginning of the browser's name
	Cell   Cell   `json:"l"`
	Radius uint16 `json:"r,omitempty"`
	At     int64  `json:"t"` // Unix seconds
	V6     bool   `json:"6,omitempty"`
}

// Empty reports whether nothing is remembered.
func (p *Profile) Empty() bool { return p == nil || p.Since == 0 }

// Learn takes in an entry that was verified by a code. It must be called once
// for each, and for nothing else: whoever can teach without a proof can make any
// place usual. By names the browser; an empty name teaches what nothing but time
// forgets, so that a browser which is not remembered needs one too.
func (p *Profile) Learn(here Where, by string, now time.Time) {
	p.tidy(now)
	if p.Since == 0 {
		*p = Profile{Since: second(now)}
	}
	if here.Name != "" {
		return // usual for everybody, and where the operator says
	}
	p.learnArea(&here, by, now)
	p.learnNetwork(&here, by, now)
	p.see(&here, by, now)
}

// Touch takes in an entry without a code. What is known is kept from fading;
// nothing new is learned.
func (p *Profile) Touch(here Where, by string, now time.Time) {
	if p == nil || here.Name != "" {
		return
	}
	if n := p.network(&here, now); n != nil {
		n.refresh(now)
	}
	if a := p.area(&here, now); a != nil {
		a.refresh(now)
		p.see(&here, by, now)
	}
}

// Unlearn forgets what a browser alone has taught since a time, and where it was
// seen since. An empty name forgets nothing.
func (p *Profile) Unlearn(by string, since time.Time) {
	if by = short(by); p == nil || by == "" {
		return
	}
	p.Areas = keep(p.Areas, func(a *Area) bool { return !a.taught(by, since) })
	p.Networks = keep(p.Networks, func(n *Network) bool { return !n.taught(by, since) })
	p.Sightings = keep(p.Sightings, func(s *Sighting) bool { return s.By != by || s.At < second(since) })
	if len(p.Areas)+len(p.Networks)+len(p.Sightings) == 0 && p.Since >= second(since) {
		p.Since = 0 // it was the very first: learning starts anew
	}
}

func (p *Profile) learnArea(here *Where, by string, now time.Time) {
	if here.Blind {
		return
	}
	if known := p.area(here, now); known != nil {
		known.strengthen(by, now)
		return
	}
	if here.kind() == sited && !here.Cell.valid() && p.knowsCountry(here.Country, now) {
		return // a country alone would open all of it to whoever is anywhere there
	}
	p.Areas = append(room(p.Areas, mostAreas, func(a *Area) *Trace { return &a.Trace }, now), areaOf(here, newTrace(by, now)))
}

func (p *Profile) learnNetwork(here *Where, by string, now time.Time) {
	if here.Shady || !here.onNetwork() {
		return // a shady one is an area, and must excuse nothing
	}
	if known := p.network(here, now); known != nil {
		known.strengthen(by, now)
		return
	}
	p.Networks = append(room(p.Networks, mostNetworks, func(n *Network) *Trace { return &n.Trace }, now), networkOf(here, newTrace(by, now)))
}

// see notes a sighting in place of an older one of the browser at the same
// place. The last three are then three places, and the time of each is when the
// browser was last there.
func (p *Profile) see(here *Where, by string, now time.Time) {
	if !here.tracked() {
		return
	}
	by = short(by)
	p.Sightings = keep(p.Sightings, func(s *Sighting) bool {
		km, _ := Distance(s.where(), *here)
		return s.By != by || s.V6 != here.V6 || km > sameArea
	})
	mine := 1
	for i := len(p.Sightings) - 1; i >= 0; i-- {
		if p.Sightings[i].By != by {
			continue
		}
		if mine++; mine > mostOfBrowser {
			p.Sightings = append(p.Sightings[:i], p.Sightings[i+1:]...)
		}
	}
	p.Sightings = append(p.Sightings, Sighting{By: by, Cell: here.Cell, Radius: min(here.Radius, farthest), At: second(now), V6: here.V6})
	p.Sightings = p.Sightings[max(0, len(p.Sightings)-mostSightings):]
}

// area finds the area that a place belongs to: of several the nearest, of
// equally near ones the most exact.
func (p *Profile) area(here *Where, now time.Time) (best *Area) {
	if p.Empty() {
		return nil // whatever is written beside it, nobody has learned
	}
	var least float64
	for i := range p.Areas {
		a := &p.Areas[i]
		km, ok := a.holds(here)
		if !ok || !a.lives(now) {
			continue
		}
		if best == nil || km < least || km == least && a.Radius < best.Radius {
			best, least = a, km
		}
	}
	return best
}

func (p *Profile) network(here *Where, now time.Time) *Network {
	if p.Empty() {
		return nil
	}
	for i := range p.Networks {
		if n := &p.Networks[i]; n.holds(here) && n.lives(now) {
			return n
		}
	}
	return nil
}

func (p *Profile) knowsCountry(code string, now time.Time) bool {
	for i := range p.Areas {
		if a := &p.Areas[i]; a.Kind == sited && a.Country == code && a.lives(now) {
			return true
		}
	}
	return false
}

// short is what is kept of a name: enough to tell a person's browsers or
// networks apart.
func short(name string) string {
	return strings.Map(plain, name[:min(len(name), shortName)])
}

// plain keeps what base64url is made of; anything else could grow in JSON.
func plain(r rune) rune {
	switch {
	case 'A' <= r && r <= 'Z', 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '_':
		return r
	}
	return '-'
}
