// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo

import (
	"cmp"
	"math"

	"github.com/oschwald/geoip2-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2"
)

// A shape reads one kind of record. It says false for a record of another kind
// and for one that says nothing, and what it does return is clean.
//
// Records of places are read narrowly: the models of geoip2 hold every language
// of every name, at several times the cost. The others are geoip2's.
type shape func(maxminddb.Result) (Place, bool)

var shapes = []shape{nested, flat, network, anonymous, connection}

// nested reads the City, Country and Enterprise records of MaxMind, which DB-IP
// follows.
func nested(r maxminddb.Result) (Place, bool) {
	var rec struct {
		Country struct {
			Code string `maxminddb:"iso_code"`
		} `maxminddb:"country"`
		City struct {
			Names struct {
				English string `maxminddb:"en"`
			} `maxminddb:"names"`
		} `maxminddb:"city"`
		Location struct {
			Latitude  float64 `maxminddb:"latitude"`
			Longitude float64 `maxminddb:"longitude"`
			Radius    uint32  `maxminddb:"accuracy_radius"`
			TimeZone  string  `maxminddb:"time_zone"`
		} `maxminddb:"location"`
		Traits geoip2.EnterpriseTraits `maxminddb:"traits"`
	}
	rec.Location.Latitude = math.NaN() // stays so where the record has none
	if r.Decode(&rec) != nil {
		return Place{}, false
	}
	p := whereabouts(rec.Country.Code, rec.City.Names.English, rec.Location.TimeZone)
	p.locate(Point{rec.Location.Latitude, rec.Location.Longitude}, rec.Location.Radius)
	t := &rec.Traits
	p.operate(t.AutonomousSystemNumber, t.AutonomousSystemOrganization, t.ISP, t.Organization)
	p.Roaming = t.MobileCountryCode != "" || roamingType(t.ConnectionType) || roamingType(t.UserType)
	// An anycast address is answered from many places, so nobody sits there.
	p.Hosting = t.IsAnycast || t.UserType == "hosting" || t.UserType == "content_delivery_network"
	p.Anonymous = t.UserType == "consumer_privacy_network"
	return p, p != (Place{})
}

// flat reads the records that others make: names without nesting.
func flat(r maxminddb.Result) (Place, bool) {
	var rec struct {
		Country   string  `maxminddb:"country_code"`
		City      string  `maxminddb:"city"`
		Latitude  float64 `maxminddb:"latitude"`
		Longitude float64 `maxminddb:"longitude"`
		TimeZone  string  `maxminddb:"timezone"`
	}
	rec.Latitude = math.NaN()
	if r.Decode(&rec) != nil {
		return Place{}, false
	}
	p := whereabouts(rec.Country, rec.City, rec.TimeZone)
	p.locate(Point{rec.Latitude, rec.Longitude}, 0)
	return p, p != (Place{})
}

// network reads the ASN and ISP records of all makers, which have the same
// names for the same things.
func network(r maxminddb.Result) (Place, bool) {
	var rec geoip2.ISP
	if r.Decode(&rec) != nil {
		return Place{}, false
	}
	var p Place
	p.operate(rec.AutonomousSystemNumber, rec.AutonomousSystemOrganization, rec.ISP, rec.Organization)
	p.Roaming = rec.MobileCountryCode != ""
	return p, rec.HasData()
}

// anonymous reads the Anonymous-IP records, whose fields those of
// Anonymous-Plus have too.
func anonymous(r maxminddb.Result) (Place, bool) {
	var rec geoip2.AnonymousIP
	if r.Decode(&rec) != nil {
		return Place{}, false
	}
	hides := rec.IsAnonymousVPN || rec.IsPublicProxy || rec.IsResidentialProxy || rec.IsTorExitNode
	return Place{
		// is_anonymous is also true of what is nothing but a data centre.
		Anonymous: hides || rec.IsAnonymous && !rec.IsHostingProvider,
		Hosting:   rec.IsHostingProvider,
	}, rec.HasData()
}

// connection reads the Connection-Type records.
func connection(r maxminddb.Result) (Place, bool) {
	var rec geoip2.ConnectionType
	if r.Decode(&rec) != nil {
		return Place{}, false
	}
	return Place{Roaming: roamingType(rec.ConnectionType)}, rec.HasData()
}

// roamingType tells whether a connection_type or user_type is one whose
// addresses are far from who uses them. A traveler is on a plane, a ship or in
// a hotel.
func roamingType(t string) bool {
	switch t {
	case "Cellular", "Satellite", "cellular", "traveler":
		return true
	default:
		return false
	}
}

// tells is what a file is known to tell once it gave p.
func (p *Place) tells() Knowledge {
	return Knowledge{
		Country:   p.Country != "",
		City:      p.City != "",
		Points:    p.Located,
		ASN:       p.ASN != 0,
		Anonymous: p.Anonymous,
	}
}

// add adds to p what q tells and p does not tell yet. A city and a point count
// only for the country that p is in: a later file may disagree on it, and its
// city would then be nowhere.
func (p *Place) add(q Place, credit string) {
	before := *p
	if p.Country == "" {
		p.Country = q.Country
	}
	if q.Country == p.Country {
		p.addCity(q)
	}
	if p.Country != before.Country || p.City != before.City || p.Located != before.Located {
		p.Credit = cmp.Or(p.Credit, credit)
	}
	if p.ASN == 0 {
		p.ASN = q.ASN
	}
	if p.Network == "" && p.ASN == q.ASN {
		p.Network = q.Network
	}
	p.Anonymous = p.Anonymous || q.Anonymous
	p.Hosting = p.Hosting || q.Hosting
	p.Roaming = p.Roaming || q.Roaming
}

func (p *Place) addCity(q Place) {
	if p.City == "" {
		p.City = q.City
	}
	if !p.Located {
		p.Point, p.Radius, p.Located = q.Point, q.Radius, q.Located
	}
	if p.TimeZone == "" {
		p.TimeZone = q.TimeZone
	}
}
