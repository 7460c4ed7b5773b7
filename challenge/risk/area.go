// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

import (
	"slices"
	"time"
)

// sightingAge is when nobody's speed is judged by a sighting any more.
const sightingAge = 30 * day

func areaOf(w *Where, t Trace) Area {
	a := Area{Kind: w.kind(), Trace: t}
	switch a.Kind {
	case sited:
		a.Country = w.Country
		if w.Cell.valid() {
			a.Cell, a.Radius = w.Cell, min(w.Radius, farthest)
		}
	case shady:
		if a.ASN = w.ASN; a.ASN == 0 {
			a.Net = short(w.Net)
		}
	}
	return a
}

// holds reports whether a place belongs to the area, and how far off its centre
// that is, radii deducted.
func (a *Area) holds(w *Where) (km float64, ok bool) {
	if a.Kind != w.kind() {
		return 0, false
	}
	switch a.Kind {
	case shady:
		return 0, sameNetwork(a.ASN, a.Net, w) || a.ASN == 0 && a.Net == "" && !w.onNetwork()
	case sited:
		if a.Country != w.Country {
			return 0, false
		}
		if km, ok = Distance(a.where(), *w); ok {
			return km, km <= sameArea
		}
		return 0, !a.Cell.valid() && !w.Cell.valid()
	}
	return 0, true
}

func (a *Area) where() Where { return Where{Country: a.Country, Cell: a.Cell, Radius: a.Radius} }

func networkOf(w *Where, t Trace) Network {
	if w.ASN != 0 {
		return Network{ASN: w.ASN, Trace: t}
	}
	return Network{Net: short(w.Net), Trace: t}
}

func (n *Network) holds(w *Where) bool { return sameNetwork(n.ASN, n.Net, w) }

// sameNetwork goes by the autonomous system where one was known, so that a new
// address of a provider is no new network.
func sameNetwork(asn uint32, net string, w *Where) bool {
	if asn != 0 {
		return asn == w.ASN
	}
	return net != "" && net == short(w.Net)
}

// onNetwork reports whether anything is known of the network.
func (w *Where) onNetwork() bool { return w.ASN != 0 || w.Net != "" }

func (s *Sighting) where() Where { return Where{Cell: s.Cell, Radius: s.Radius} }

// tidy drops what is over or makes no sense, and brings the rest within bounds.
func (p *Profile) tidy(now time.Time) {
	p.Since = min(max(p.Since, 0), second(now))
	p.Areas = keep(p.Areas, func(a *Area) bool { return a.tidy(now) })
	p.Networks = keep(p.Networks, func(n *Network) bool { return n.tidy(now) })
	p.Sightings = keep(p.Sightings, func(s *Sighting) bool { return s.tidy(now) })
	p.Areas = p.Areas[:min(len(p.Areas), mostAreas)]
	p.Networks = p.Networks[:min(len(p.Networks), mostNetworks)]
	p.Sightings = p.Sightings[max(0, len(p.Sightings)-mostSightings):]
}

// tidy reports whether the area is worth keeping. Only the fields of its kind
// are.
func (a *Area) tidy(now time.Time) bool {
	clean := Area{Kind: a.Kind, Trace: a.Trace}
	clean.Trace.tidy(now)
	switch a.Kind {
	case sited:
		clean.Country = a.Country
		if a.Cell.valid() {
			clean.Cell, clean.Radius = a.Cell, min(a.Radius, farthest)
		}
	case shady:
		if clean.ASN = a.ASN; a.ASN == 0 {
			clean.Net = short(a.Net)
		}
	}
	*a = clean
	return a.Kind <= shady && (a.Kind != sited || isCountry(a.Country)) && a.lives(now)
}

func (n *Network) tidy(now time.Time) bool {
	n.Trace.tidy(now)
	if n.Net = short(n.Net); n.ASN != 0 {
		n.Net = ""
	}
	return (n.ASN != 0 || n.Net != "") && n.lives(now)
}

func (s *Sighting) tidy(now time.Time) bool {
	s.By = short(s.By)
	s.Radius = min(s.Radius, farthest)
	s.At = min(s.At, second(now))
	return s.Cell.valid() && s.At > second(now.Add(-sightingAge))
}

// room makes room for one more entry: what is least known goes, and of that what
// was used longest ago.
func room[E any](list []E, most int, trace func(*E) *Trace, now time.Time) []E {
	for len(list) >= most {
		least := 0
		for i := range list {
			a, b := trace(&list[i]), trace(&list[least])
			if wa, wb := a.weight(now), b.weight(now); wa < wb || wa == wb && a.Day < b.Day {
				least = i
			}
		}
		list = slices.Delete(list, least, least+1)
	}
	return list
}

// keep drops the entries that are not worth keeping, and keeps what the question
// made of the others.
func keep[E any](list []E, worth func(*E) bool) []E {
	kept := list[:0]
	for i := range list {
		if worth(&list[i]) {
			kept = append(kept, list[i])
		}
	}
	clear(list[len(kept):])
	return kept
}
