// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo

import (
	"cmp"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a file says ends up in mails, pages and logs, and a file is only as
// trustworthy as where it was downloaded from. Here values of a form that no
// honest file has become unknown.

const (
	maxName = 80 // characters, of a city or a network
	maxZone = 64 // bytes

	// cityRadius and countryRadius are what is assumed, in kilometres, of points
	// whose radius no file tells. DB-IP tells none. The first spans a large city
	// and its commuters; the second is what MaxMind itself gives for addresses of
	// which it knows no more than a large country.
	cityRadius    = 50
	countryRadius = 1000
	// maxRadius is half of the way round the earth: farther off is nothing.
	maxRadius = 20_000
)

// whereabouts makes a Place of the words of a record. Without a country it is
// unknown, whatever else is said: such records are of addresses that are used
// on a whole continent.
func whereabouts(code, city, zone string) Place {
	code = country(code)
	if code == "" {
		return Place{}
	}
	return Place{Country: code, City: name(city), TimeZone: timeZone(zone)}
}

// country returns a country code in capitals, or nothing if it is none.
func country(code string) string {
	if len(code) != 2 || !isLetter(code[0]) || !isLetter(code[1]) {
		return ""
	}
	code = strings.ToUpper(code)
	switch code {
	case "ZZ", "XX": // unknown
		return ""
	case "EU", "AP": // somewhere in Europe, in Asia or the Pacific
		return ""
	default:
		return code
	}
}

func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }

// name returns the name of a city or a network, or nothing if it is not
// printable: control characters could forge lines of a mail or a log, and marks
// of writing direction turn round what stands beside them.
func name(s string) string {
	s = strings.TrimSpace(s)
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxName {
		return ""
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return s
}

// timeZone returns a name of the form Area/Place, or nothing. Whether it names
// a zone is found by who loads it; that it is no path out of the folder of
// zones, nor a name of this machine's own zone, is seen to here.
func timeZone(s string) string {
	if len(s) > maxZone || !strings.Contains(s, "/") || !isLetter(s[0]) {
		return ""
	}
	if strings.ContainsFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || !isLetter(byte(r)) && !unicode.IsDigit(r) && !strings.ContainsRune("/_+-", r)
	}) {
		return ""
	}
	return s
}

// locate sets the point of a place of known country. 0°, 0° is in the sea, and
// means in careless files that they know none.
func (p *Place) locate(at Point, radius uint32) {
	if p.Country == "" || at == (Point{}) {
		return
	}
	// Written so that NaN fails.
	if !(math.Abs(at.Latitude) <= 90 && math.Abs(at.Longitude) <= 180) {
		return
	}
	p.Point, p.Located = at, true
	switch {
	case radius != 0:
		p.Radius = int(min(radius, maxRadius))
	case p.City != "":
		p.Radius = cityRadius
	default:
		p.Radius = countryRadius
	}
}

// operate sets whose network a place is of: the first of names that says
// something.
func (p *Place) operate(asn uint, names ...string) {
	if uint64(asn) <= math.MaxUint32 {
		p.ASN = uint32(asn)
	}
	for _, n := range names {
		p.Network = cmp.Or(p.Network, name(n))
	}
}
