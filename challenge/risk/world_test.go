// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/geo"
)

const day = 24 * time.Hour

// noon is when the tests begin.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// Places as databases tell them.
var (
	london    = site("GB", 51.5142, -0.0931, 10, 20712)
	linkoping = site("SE", 58.4167, 15.6167, 76, 29518)
	stockholm = site("SE", 59.3293, 18.0686, 20, 3301)
	kiruna    = site("SE", 67.8558, 20.2253, 50, 3301)
	milton    = site("US", 47.2513, -122.3149, 22, 209)
	boston    = site("US", 42.3601, -71.0589, 20, 7922)
	changchun = site("CN", 43.88, 125.3228, 100, 4837)
	bhutan    = site("BT", 27.5, 90.5, 534, 38740)
	paro      = site("BT", 27.43, 89.42, 20, 17660)
	tokyo     = site("JP", 35.6854, 139.7531, 100, 2914)
	osaka     = site("JP", 34.6937, 135.5023, 20, 2914)
	sapporo   = site("JP", 43.0618, 141.3545, 20, 4713)
	lisbon    = site("PT", 38.7223, -9.1393, 20, 3243)
	porto     = site("PT", 41.1579, -8.6291, 20, 12353)
	madeira   = site("PT", 32.6669, -16.9241, 20, 3243)
	madrid    = site("ES", 40.4168, -3.7038, 20, 3352)

	home    = risk.At(geo.Place{Private: true}, "private0", "", false)
	unknown = risk.At(geo.Place{}, "whoknows", "", false)
	bare    = risk.At(geo.Place{Country: "PT", ASN: 3243}, "barenet0", "", true)
	vpn     = risk.At(geo.Place{Country: "PT", Point: geo.Point{Latitude: 38.72, Longitude: -9.14}, Located: true, ASN: 9009, Anonymous: true}, "vpnnet00", "", false)
	cloud   = risk.At(geo.Place{Country: "PT", Point: geo.Point{Latitude: 38.72, Longitude: -9.14}, Located: true, ASN: 16509, Hosting: true}, "cloud000", "", false)
)

func site(country string, latitude, longitude float64, radius int, asn uint32) risk.Where {
	return risk.At(geo.Place{Country: country, Point: geo.Point{Latitude: latitude, Longitude: longitude}, Radius: radius, Located: true, ASN: asn}, "", "", false)
}

func on(w risk.Where, asn uint32) risk.Where { w.ASN = asn; return w }

func v6(w risk.Where) risk.Where { w.V6 = true; return w }

func roaming(w risk.Where) risk.Where { w.Roaming = true; return w }

func named(w risk.Where) risk.Where { w.Name = "office"; return w }

// usual is the default policy of a gate with places.
var usual = risk.Policy{Places: true, Ask: risk.SetOf(risk.NewBrowser, risk.NewPlace, risk.Travel), Bind: risk.BindPlace}

// someone is a person who has signed in at some places long enough ago to be no
// newcomer, each twice, in two browsers.
func someone(places ...risk.Where) *risk.Profile {
	var p risk.Profile
	for i, w := range places {
		p.Learn(w, "laptop00", noon.Add(-30*day+time.Duration(i)*time.Hour))
		p.Learn(w, "phone000", noon.Add(-29*day+time.Duration(i)*time.Hour))
	}
	p.Sightings = nil
	return &p
}

// newcomer is one whose first entry was yesterday.
func newcomer(w risk.Where) *risk.Profile {
	var p risk.Profile
	p.Learn(w, "laptop00", noon.Add(-day))
	p.Sightings = nil
	return &p
}

// seen is a person whose browser was last seen somewhere some time ago.
func seen(p *risk.Profile, w risk.Where, browser string, ago time.Duration) *risk.Profile {
	p.Sightings = append(p.Sightings, risk.Sighting{By: browser, Cell: w.Cell, Radius: w.Radius, V6: w.V6, At: noon.Add(-ago).Unix()})
	return p
}

func says(t *testing.T, r risk.Reason, f risk.Facts, p risk.Policy) bool {
	t.Helper()
	return risk.Assess(&f, &p, noon).Said.Has(r)
}

func areas(p *risk.Profile) (countries []string) {
	for _, a := range p.Areas {
		countries = append(countries, a.Country)
	}
	return countries
}
