// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"net/netip"
	"slices"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/geo"
)

// A Locator says where a network address is used. It never returns nil, and what
// it returns is not changed by anybody.
type Locator interface {
	Locate(ip netip.Addr) *geo.Place
}

// A Network is one that the operator gave a name: a usual place of everybody,
// with limits of its own.
type Network struct {
	Name     string
	Prefixes []netip.Prefix
}

// Countries say from where people may come, by ISO 3166-1 codes. One of the two
// lists is empty; when both are, everywhere.
type Countries struct{ Allow, Deny []string }

func (c Countries) none() bool { return len(c.Allow)+len(c.Deny) == 0 }

// A spot is where a visit comes from.
type spot struct {
	ip    netip.Addr
	place *geo.Place
	name  string // of a network that the operator named
}

var nowhere = &geo.Place{}

// spotOf looks up where a visit comes from.
func (g *Gate) spotOf(ip netip.Addr) spot {
	ip = ip.Unmap().WithZone("")
	s := spot{ip: ip, place: nowhere, name: g.named(ip)}
	if g.locator != nil {
		s.place = g.locator.Locate(ip)
	}
	return s
}

// named is the name that the operator gave to the network of an address.
func (g *Gate) named(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	for i := range g.networks {
		if slices.ContainsFunc(g.networks[i].Prefixes, func(p netip.Prefix) bool { return p.Contains(ip) }) {
			return g.networks[i].Name
		}
	}
	return ""
}

// where is a spot as it is remembered.
func (g *Gate) where(s spot) risk.Where {
	net, ip := "", geo.Unwrap(s.ip)
	if ip.IsValid() {
		net = g.house.network(ip).String()
	}
	w := risk.At(*s.place, net, s.name, ip.Is6())
	w.Blind = !g.policy.Risk.Places
	return w
}

// bars reports whether the gate is closed to a spot. An own network has no
// country and is no foreign one; an unknown address is in none that is allowed.
func (g *Gate) bars(s spot) bool {
	c := g.policy.Countries
	switch {
	case c.none() || s.place.Private || s.name != "":
		return false
	case len(c.Allow) > 0:
		return !slices.Contains(c.Allow, s.place.Country)
	default:
		return slices.Contains(c.Deny, s.place.Country)
	}
}

// Locate says where a visit comes from, for pages and logs.
func (g *Gate) Locate(ip netip.Addr) *geo.Place { return g.spotOf(ip).place }

// Bars reports whether nobody is let in from an address because of its country.
func (g *Gate) Bars(ip netip.Addr) bool { return !g.policy.Risk.ObserveAll && g.WouldBar(ip) }

// WouldBar is Bars without regard to what is only observed.
func (g *Gate) WouldBar(ip netip.Addr) bool {
	return !g.policy.Countries.none() && g.bars(g.spotOf(ip))
}
