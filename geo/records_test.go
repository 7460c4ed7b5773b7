// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/geo/geotest"
)

type record = map[string]any

// located returns what is made of one record, in a file with an honest one
// beside it.
func located(t *testing.T, r record) geo.Place {
	t.Helper()
	db := open(t, geotest.Database{Type: "Test"}.Records(t, t.TempDir(), "test.mmdb", map[string]record{
		"1.1.1.1": r,
		"9.9.9.9": {"country": record{"iso_code": "CH"}},
		"9.9.9.8": {"country_code": "CH"},
		"9.9.9.7": {"autonomous_system_number": uint32(1)},
		"9.9.9.6": {"is_anonymous": true},
		"9.9.9.5": {"connection_type": "Cellular"},
	}))
	return *db.Locate(ip("1.1.1.1"))
}

// oslo is an honest place, and norwegian the record of it after an edit.
var oslo = geo.Place{Country: "NO", City: "Oslo", Point: geo.Point{59.9, 10.7}, Radius: 20, Located: true}

func norwegian(edit func(country, city, location record)) record {
	names, country, location := record{"en": "Oslo"}, record{"iso_code": "NO"}, record{"latitude": 59.9, "longitude": 10.7, "accuracy_radius": uint16(20)}
	edit(country, names, location)
	return record{"country": country, "city": record{"names": names}, "location": location}
}

func TestValuesNoHonestFileHasBecomeUnknown(t *testing.T) {
	but := func(edit func(*geo.Place)) geo.Place { p := oslo; edit(&p); return p }
	noCity := but(func(p *geo.Place) { p.City = "" })
	noPoint := geo.Place{Country: "NO", City: "Oslo"}

	country := func(v any) record { return norwegian(func(c, _, _ record) { c["iso_code"] = v }) }
	city := func(v any) record { return norwegian(func(_, c, _ record) { c["en"] = v }) }
	zone := func(v any) record { return norwegian(func(_, _, l record) { l["time_zone"] = v }) }
	at := func(lat, lon any) record {
		return norwegian(func(_, _, l record) { l["latitude"], l["longitude"] = lat, lon })
	}
	tests := map[string]struct {
		record record
		want   geo.Place
	}{
		"an honest record":                    {norwegian(func(_, _, _ record) {}), oslo},
		"a country in small letters":          {country("no"), oslo},
		"a country of three letters":          {country("NOR"), geo.Place{}},
		"a country of other letters":          {country("ÅÅ"), geo.Place{}},
		"a country with a control character":  {country("N\n"), geo.Place{}},
		"a proxy as a country":                {country("A1"), geo.Place{}},
		"an unknown country":                  {country("ZZ"), geo.Place{}},
		"a continent as a country":            {country("EU"), geo.Place{}},
		"a city with a line break":            {city("Oslo\r\nBcc: x@example.com"), noCity},
		"a city with a marked direction":      {city("Oslo\u202elsO"), noCity},
		"a city of spaces":                    {city("  "), noCity},
		"a city of 80 characters":             {city(strings.Repeat("ö", 80)), but(func(p *geo.Place) { p.City = strings.Repeat("ö", 80) })},
		"a city of 81 characters":             {city(strings.Repeat("ö", 81)), noCity},
		"north of the pole":                   {at(90.1, 10.7), noPoint},
		"more than half round":                {at(59.9, -180.5), noPoint},
		"not a number":                        {at(math.NaN(), 10.7), noPoint},
		"not a number either":                 {at(59.9, math.NaN()), noPoint},
		"infinite":                            {at(math.Inf(-1), 10.7), noPoint},
		"0, 0":                                {at(0.0, 0.0), noPoint},
		"on the equator":                      {at(0.0, 10.7), but(func(p *geo.Place) { p.Point.Latitude = 0 })},
		"the same as float32":                 {at(float32(59.5), float32(10.5)), but(func(p *geo.Place) { p.Point = geo.Point{59.5, 10.5} })},
		"no latitude":                         {norwegian(func(_, _, l record) { delete(l, "latitude") }), noPoint},
		"no radius":                           {norwegian(func(_, _, l record) { delete(l, "accuracy_radius") }), but(func(p *geo.Place) { p.Radius = 50 })},
		"no radius and no city":               {norwegian(func(_, c, l record) { delete(l, "accuracy_radius"); delete(c, "en") }), but(func(p *geo.Place) { p.Radius, p.City = 1000, "" })},
		"a radius of more than the earth":     {norwegian(func(_, _, l record) { l["accuracy_radius"] = uint32(4_000_000_000) }), but(func(p *geo.Place) { p.Radius = 20_000 })},
		"a time zone":                         {zone("America/Argentina/Buenos_Aires"), but(func(p *geo.Place) { p.TimeZone = "America/Argentina/Buenos_Aires" })},
		"a time zone that is a path":          {zone("../../etc/passwd"), oslo},
		"a time zone that is an absolute one": {zone("/etc/localtime"), oslo},
		"a time zone with a dot":              {zone("Europe/../../x"), oslo},
		"this machine's time zone":            {zone("Local"), oslo},
		"a time zone that is too long":        {zone("Europe/" + strings.Repeat("x", 64)), oslo},
		"a country that is a number":          {country(uint32(7)), geo.Place{}},
		"a city that is a word, not a map":    {record{"country": record{"iso_code": "NO"}, "city": "Oslo"}, geo.Place{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, located(t, tt.record)); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestEachShapeOfRecordIsRead(t *testing.T) {
	traits := func(more record) record {
		return record{"country": record{"iso_code": "NO"}, "traits": more}
	}
	tests := map[string]struct {
		record record
		want   geo.Place
	}{
		"flat":                          {record{"country_code": "NO", "city": "Oslo", "latitude": 59.9, "longitude": 10.7}, geo.Place{Country: "NO", City: "Oslo", Point: geo.Point{59.9, 10.7}, Radius: 50, Located: true}},
		"a flat country":                {record{"country_code": "NO"}, geo.Place{Country: "NO"}},
		"flat with a network":           {record{"country_code": "NO", "autonomous_system_number": uint32(224), "autonomous_system_organization": "Sikt"}, geo.Place{Country: "NO", ASN: 224, Network: "Sikt"}},
		"a network":                     {record{"autonomous_system_number": uint32(224), "autonomous_system_organization": "Sikt"}, geo.Place{ASN: 224, Network: "Sikt"}},
		"a network with a bad name":     {record{"autonomous_system_number": uint32(224), "autonomous_system_organization": "Sikt\x00"}, geo.Place{ASN: 224}},
		"an ISP":                        {record{"autonomous_system_number": uint32(224), "isp": "Uninett", "organization": "UiO"}, geo.Place{ASN: 224, Network: "Uninett"}},
		"a mobile ISP":                  {record{"isp": "Telenor", "mobile_country_code": "242"}, geo.Place{Network: "Telenor", Roaming: true}},
		"a VPN":                         {record{"is_anonymous": true, "is_anonymous_vpn": true}, geo.Place{Anonymous: true}},
		"a Tor exit":                    {record{"is_tor_exit_node": true}, geo.Place{Anonymous: true}},
		"a public proxy":                {record{"is_public_proxy": true}, geo.Place{Anonymous: true}},
		"a residential proxy":           {record{"is_residential_proxy": true}, geo.Place{Anonymous: true}},
		"an anonymiser of some sort":    {record{"is_anonymous": true}, geo.Place{Anonymous: true}},
		"a data centre":                 {record{"is_anonymous": true, "is_hosting_provider": true}, geo.Place{Hosting: true}},
		"a VPN in a data centre":        {record{"is_anonymous": true, "is_hosting_provider": true, "is_anonymous_vpn": true}, geo.Place{Hosting: true, Anonymous: true}},
		"Anonymous-Plus":                {record{"is_anonymous": true, "is_anonymous_vpn": true, "anonymizer_confidence": uint16(99), "provider_name": "X", "network_last_seen": "2026-04-14"}, geo.Place{Anonymous: true}},
		"a satellite connection":        {record{"connection_type": "Satellite"}, geo.Place{Roaming: true}},
		"a cable connection":            {record{"connection_type": "Cable/DSL"}, geo.Place{}},
		"Enterprise, with a network":    {traits(record{"autonomous_system_number": uint32(224), "organization": "UiO"}), geo.Place{Country: "NO", ASN: 224, Network: "UiO"}},
		"Enterprise, cellular":          {traits(record{"connection_type": "Cellular", "user_type": "cellular"}), geo.Place{Country: "NO", Roaming: true}},
		"Enterprise, in a hotel":        {traits(record{"user_type": "traveler"}), geo.Place{Country: "NO", Roaming: true}},
		"Enterprise, hosting":           {traits(record{"user_type": "hosting"}), geo.Place{Country: "NO", Hosting: true}},
		"Enterprise, a browser's relay": {traits(record{"user_type": "consumer_privacy_network"}), geo.Place{Country: "NO", Anonymous: true}},
		"an anycast address":            {traits(record{"is_anycast": true}), geo.Place{Country: "NO", Hosting: true}},
		"nothing that is known":         {record{"domain": "example.com"}, geo.Place{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, located(t, tt.record)); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}
