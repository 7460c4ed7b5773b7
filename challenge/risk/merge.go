// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Merge takes in what another record of the same person remembers, as when the
// records of two machines become one. What both know counts once, by the one that
// knows it better, so that merging the same again changes nothing; what either
// learned from a proof, the profile has learned from one. It keeps every bound, and
// leaves other as it was.
func (p *Profile) Merge(other Profile, now time.Time) {
	other.Areas, other.Networks, other.Sightings = slices.Clone(other.Areas), slices.Clone(other.Networks), slices.Clone(other.Sightings)
	p.tidy(now)
	other.tidy(now)
	if p.Since == 0 || other.Since != 0 && other.Since < p.Since {
		p.Since = other.Since
	}
	for i := range other.Areas {
		p.mergeArea(&other.Areas[i])
	}
	p.Areas = best(p.Areas, mostAreas, (*Area).order, func(a *Area) *Trace { return &a.Trace }, now)
	for i := range other.Networks {
		p.mergeNetwork(&other.Networks[i])
	}
	p.Networks = best(p.Networks, mostNetworks, (*Network).order, func(n *Network) *Trace { return &n.Trace }, now)
	p.mergeSightings(other.Sightings)
}

// Names names the areas and networks, so that another record of the person can tell
// what it has had and has no more.
func (p *Profile) Names() (names []string) {
	for i := range p.Areas {
		names = append(names, p.Areas[i].name())
	}
	for i := range p.Networks {
		names = append(names, p.Networks[i].name())
	}
	return names
}

// Drop forgets areas and networks by their names.
func (p *Profile) Drop(over func(name string) bool) {
	p.Areas = keep(p.Areas, func(a *Area) bool { return !over(a.name()) })
	p.Networks = keep(p.Networks, func(n *Network) bool { return !over(n.name()) })
}

func (a *Area) name() string {
	return fmt.Sprintf("a%d%.2s%d.%d%.8s", a.Kind, a.Country, a.Cell, a.ASN, a.Net)
}

func (n *Network) name() string { return fmt.Sprintf("n%d.%.8s", n.ASN, n.Net) }

func (p *Profile) mergeArea(a *Area) {
	known := slices.IndexFunc(p.Areas, func(b Area) bool { return a.order(&b) == 0 })
	if known < 0 {
		p.Areas = append(p.Areas, *a)
		return
	}
	p.Areas[known].merge(&a.Trace)
}

func (p *Profile) mergeNetwork(n *Network) {
	known := slices.IndexFunc(p.Networks, func(m Network) bool { return n.order(&m) == 0 })
	if known < 0 {
		p.Networks = append(p.Networks, *n)
		return
	}
	p.Networks[known].merge(&n.Trace)
}

// mergeSightings keeps the newest, as if each had been seen in its turn.
func (p *Profile) mergeSightings(others []Sighting) {
	all := append(slices.Clone(p.Sightings), others...)
	slices.SortStableFunc(all, func(a, b Sighting) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.By, b.By), cmp.Compare(a.Cell, b.Cell), cmp.Compare(a.Radius, b.Radius))
	})
	p.Sightings = nil
	for _, s := range all {
		// Any country will do: a sighting has a cell, and so it was somewhere.
		p.see(&Where{Country: "XX", Cell: s.Cell, Radius: s.Radius, V6: s.V6}, s.By, time.Unix(s.At, 0))
	}
}

// merge makes one of two traces of the same thing.
func (t *Trace) merge(o *Trace) {
	last := max(t.Day, o.Day)
	t.Weight, t.Day = roundedUp(max(t.on(last), o.on(last))), last
	t.First = min(t.First, o.First)
	if t.By != o.By {
		t.By = "" // two browsers have taught it
	}
}

// roundedUp keeps a weight short, and no lower than it was: rounded down, a merged trace
// might go where one of the two that it was made of would stay.
func roundedUp(weight float64) float64 {
	short := rounded(weight)
	if short < weight {
		short = rounded(short + 0.01)
	}
	return short
}

// on is the weight on a day that is not before the last use.
func (t *Trace) on(day int64) float64 {
	return min(t.Weight, heaviest) * math.Exp2(-float64(day-t.Day)/halfLife)
}

// best keeps the entries that are known best. Of equal ones it is always the same
// that go, whichever came first.
func best[E any](list []E, most int, order func(a, b *E) int, trace func(*E) *Trace, now time.Time) []E {
	for len(list) > most {
		least := 0
		for i := range list {
			a, b := trace(&list[i]), trace(&list[least])
			if cmp.Or(cmp.Compare(a.weight(now), b.weight(now)), cmp.Compare(a.Day, b.Day), order(&list[i], &list[least])) < 0 {
				least = i
			}
		}
		list = slices.Delete(list, least, least+1)
	}
	return list
}

// order is 0 for what is the same area, however exact it is.
func (a *Area) order(b *Area) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Country, b.Country), cmp.Compare(a.Cell, b.Cell),
		cmp.Compare(a.ASN, b.ASN), cmp.Compare(a.Net, b.Net))
}

// order is 0 for what is the same network.
func (n *Network) order(m *Network) int {
	return cmp.Or(cmp.Compare(n.ASN, m.ASN), cmp.Compare(n.Net, m.Net))
}
