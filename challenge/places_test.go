// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"net/netip"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/geo"
)

// An atlas is a Locator that knows a few addresses.
type atlas map[netip.Addr]*geo.Place

func (a atlas) Locate(ip netip.Addr) *geo.Place {
	if p := a[ip.Unmap()]; p != nil {
		return p
	}
	return &geo.Place{}
}

var (
	lisbon  = netip.MustParseAddr("62.48.10.1")
	setubal = netip.MustParseAddr("62.48.20.1")
	lisbon6 = netip.MustParseAddr("2001:8a0::1")
	porto   = netip.MustParseAddr("62.48.30.1")
	funchal = netip.MustParseAddr("62.48.40.1")
	tokyo   = netip.MustParseAddr("126.1.1.1")
	intern  = netip.MustParseAddr("10.1.1.1")
	desk    = netip.MustParseAddr("133.9.0.7")
)

func city(name, country string, latitude, longitude float64, asn uint32) *geo.Place {
	return &geo.Place{
		City: name, Country: country, Point: geo.Point{Latitude: latitude, Longitude: longitude}, Located: true, Radius: 10,
		ASN: asn, Credit: "by a test",
	}
}

var world1 = atlas{
	lisbon:  city("Lisbon", "PT", 38.72, -9.14, 3243),
	setubal: city("Setúbal", "PT", 38.52, -8.89, 2860),
	lisbon6: city("Lisbon", "PT", 38.72, -9.14, 3243),
	porto:   city("Porto", "PT", 41.15, -8.61, 12353),
	funchal: city("Funchal", "PT", 32.65, -16.91, 42863),
	tokyo:   city("Tokyo", "JP", 35.68, 139.69, 17676),
	intern:  {Private: true},
	desk:    city("Kyoto", "JP", 35.01, 135.77, 2907),
}

// office is a network in Japan that the operator named.
var office = []challenge.Network{{Name: "office", Prefixes: []netip.Prefix{netip.MustParsePrefix("133.9.0.0/16")}}}
