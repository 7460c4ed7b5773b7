// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"math/rand/v2"
	"strconv"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/geo"
)

// The world that the simulated people live in. Its cities are real; its networks
// are invented, and so is how well a database knows them.

// atlas holds the cities by country, the largest first.
var atlas = []struct {
	country string
	cities  []geo.Point
}{
	{"DE", []geo.Point{{Latitude: 52.52, Longitude: 13.40}, {Latitude: 48.14, Longitude: 11.58}, {Latitude: 53.55, Longitude: 9.99}, {Latitude: 50.94, Longitude: 6.96}, {Latitude: 50.11, Longitude: 8.68}}},
	{"GB", []geo.Point{{Latitude: 51.51, Longitude: -0.13}, {Latitude: 53.48, Longitude: -2.24}, {Latitude: 55.95, Longitude: -3.19}, {Latitude: 51.45, Longitude: -2.59}}},
	{"FR", []geo.Point{{Latitude: 48.86, Longitude: 2.35}, {Latitude: 45.76, Longitude: 4.84}, {Latitude: 43.30, Longitude: 5.37}, {Latitude: 43.60, Longitude: 1.44}}},
	{"US", []geo.Point{{Latitude: 40.71, Longitude: -74.01}, {Latitude: 34.05, Longitude: -118.24}, {Latitude: 41.88, Longitude: -87.63}, {Latitude: 47.61, Longitude: -122.33}, {Latitude: 29.76, Longitude: -95.37}, {Latitude: 25.76, Longitude: -80.19}}},
	{"ES", []geo.Point{{Latitude: 40.42, Longitude: -3.70}, {Latitude: 41.39, Longitude: 2.17}, {Latitude: 37.39, Longitude: -5.98}, {Latitude: 28.12, Longitude: -15.43}}},
	{"PT", []geo.Point{{Latitude: 38.72, Longitude: -9.14}, {Latitude: 41.16, Longitude: -8.63}, {Latitude: 37.02, Longitude: -7.93}, {Latitude: 32.67, Longitude: -16.92}}},
	{"SE", []geo.Point{{Latitude: 59.33, Longitude: 18.07}, {Latitude: 57.71, Longitude: 11.97}, {Latitude: 55.60, Longitude: 13.00}, {Latitude: 67.86, Longitude: 20.23}}},
	{"PL", []geo.Point{{Latitude: 52.23, Longitude: 21.01}, {Latitude: 50.06, Longitude: 19.94}, {Latitude: 54.35, Longitude: 18.65}}},
	{"IT", []geo.Point{{Latitude: 41.90, Longitude: 12.50}, {Latitude: 45.46, Longitude: 9.19}, {Latitude: 40.85, Longitude: 14.27}, {Latitude: 38.12, Longitude: 13.36}}},
	{"CA", []geo.Point{{Latitude: 43.65, Longitude: -79.38}, {Latitude: 45.50, Longitude: -73.57}, {Latitude: 49.28, Longitude: -123.12}}},
	{"BR", []geo.Point{{Latitude: -23.55, Longitude: -46.63}, {Latitude: -22.91, Longitude: -43.17}, {Latitude: -3.12, Longitude: -60.02}}},
	{"JP", []geo.Point{{Latitude: 35.68, Longitude: 139.69}, {Latitude: 34.69, Longitude: 135.50}, {Latitude: 43.06, Longitude: 141.35}}},
	{"CN", []geo.Point{{Latitude: 31.23, Longitude: 121.47}, {Latitude: 39.90, Longitude: 116.41}, {Latitude: 43.88, Longitude: 125.32}}},
	{"IN", []geo.Point{{Latitude: 28.61, Longitude: 77.21}, {Latitude: 19.08, Longitude: 72.88}, {Latitude: 12.97, Longitude: 77.59}}},
	{"TR", []geo.Point{{Latitude: 41.01, Longitude: 28.98}, {Latitude: 36.90, Longitude: 30.71}}},
	{"GR", []geo.Point{{Latitude: 37.98, Longitude: 23.73}, {Latitude: 35.34, Longitude: 25.14}}},
	{"HR", []geo.Point{{Latitude: 45.81, Longitude: 15.98}, {Latitude: 43.51, Longitude: 16.44}}},
	{"TH", []geo.Point{{Latitude: 13.76, Longitude: 100.50}, {Latitude: 7.88, Longitude: 98.39}}},
	{"NG", []geo.Point{{Latitude: 6.52, Longitude: 3.38}, {Latitude: 9.08, Longitude: 7.40}}},
	{"RU", []geo.Point{{Latitude: 55.76, Longitude: 37.62}, {Latitude: 59.93, Longitude: 30.34}, {Latitude: 43.12, Longitude: 131.89}}},
}

const (
	homeCountries = 10 // the first of the atlas, where people live
	fixedLines    = 4  // providers of a country, the largest first
	mobileLines   = 3
	centres       = 12 // networks of VPNs and data centres, worldwide
)

// A line is a provider's network.
type line struct {
	asn    uint32
	mobile bool
	// known: the database says that it is mobile.
	known bool
	shady bool
}

func fixedLine(country, n int) line { return line{asn: uint32(100_000 + country*100 + n)} }

func mobileLine(country, n int) line {
	return line{asn: uint32(200_000 + country*100 + n), mobile: true, known: n%3 != 2}
}

func centre(n int) line { return line{asn: uint32(300_000 + n%centres), shady: true} }

// A link is where and how somebody is connected.
type link struct {
	seed    uint64 // tells one link from another
	country int    // in the atlas
	city    int
	line    line
	dual    bool // has IPv6 too
}

func (l link) code() string { return atlas[l.country].country }

// at is what a database says of the link: not always the truth, and not always
// the same. An address is kept for a month.
func (l link) at(month int, six bool) risk.Where {
	six = six && l.dual
	family := uint64(0)
	if six {
		family = 1
	}
	lease := rand.New(rand.NewPCG(l.seed, uint64(month)*2+family))
	p := geo.Place{
		Country: l.code(), Located: true, Radius: 10 + lease.IntN(40), ASN: l.line.asn,
		Point: atlas[l.country].cities[l.city], Hosting: l.line.shady, Roaming: l.line.mobile && l.line.known,
	}
	net := strconv.FormatUint(lease.Uint64(), 36)
	switch cities := atlas[l.country].cities; {
	case l.line.mobile: // located at one of two gateways
		p.Point, p.Radius = cities[(int(l.line.asn)+lease.IntN(2))%len(cities)], 50+lease.IntN(150)
	case six:
		p = l.sixth(p)
	case lease.IntN(100) < 6: // the address was somewhere else before
		p.Point = cities[lease.IntN(len(cities))]
	}
	return risk.At(p, net, "", six)
}

// sixth is how IPv6 is located: for half of the links as IPv4 is, for some at the
// provider's seat, for some as no more than the country.
func (l link) sixth(p geo.Place) geo.Place {
	switch l.seed % 10 {
	case 0, 1:
		p.Point, p.Radius, p.Located = geo.Point{}, 0, false
	case 2, 3, 4:
		p.Point, p.Radius = atlas[l.country].cities[0], 200
	}
	return p
}
