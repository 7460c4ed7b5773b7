// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo_test

import (
	"math"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/geo/geotest"
)

// sound says what is wrong with a place, whatever file it came from.
func sound(p *geo.Place) string {
	switch {
	case p == nil:
		return "is nil"
	case p.Country != "" && (len(p.Country) != 2 || p.Country != strings.ToUpper(p.Country)):
		return "has a bad country"
	case p.Country == "" && (p.City != "" || p.Located || p.TimeZone != ""):
		return "is somewhere in no country"
	case p.Located && !(math.Abs(p.Point.Latitude) <= 90 && math.Abs(p.Point.Longitude) <= 180 && p.Point != geo.Point{} && p.Radius > 0):
		return "is not on the earth"
	case !p.Located && (p.Point != geo.Point{} || p.Radius != 0):
		return "has a point without being located"
	}
	for _, s := range []string{p.City, p.Network, p.TimeZone} {
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > 80 || strings.ContainsAny(s, "\r\n\x00\u202e") {
			return "has a bad name"
		}
	}
	return ""
}

// FuzzOpen: whatever bytes a file has, it is refused or every lookup answers.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	f.Add(content(f, geotest.City(f, dir, "city", map[string]geo.Place{"81.0.0.0/8": london})))
	f.Add(content(f, geotest.Database{Flat: true, RecordSize: 24}.City(f, dir, "flat", map[string]geo.Place{"2001:218::/32": tokyo})))
	f.Add(content(f, geotest.Database{IPv4: true, RecordSize: 32}.ASN(f, dir, "asn", map[string]geo.Place{"81.0.0.0/8": {ASN: 1, Network: "A"}})))
	f.Add(content(f, geotest.Anonymous(f, dir, "anonymous", map[string]geo.Place{"81.0.0.0/8": {Anonymous: true}})))
	f.Add([]byte("\xab\xcd\xefMaxMind.com\xe0"))
	f.Fuzz(func(t *testing.T, data []byte) {
		db, err := geo.OpenBytes(data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "geoip: ") {
				t.Errorf("%v does not say that it is of geoip", err)
			}
			return
		}
		for _, a := range []string{"1.1.1.1", "81.1.1.1", "2001:218::1", "2a00::1"} {
			if fault := sound(db.Locate(ip(a))); fault != "" {
				t.Errorf("Locate(%s) = %+v %s", a, *db.Locate(ip(a)), fault)
			}
		}
	})
}

// FuzzLocate: every address has a sound place, which is that of the address
// inside it, and the same the second time.
func FuzzLocate(f *testing.F) {
	db := open(f, geotest.City(f, f.TempDir(), "city", map[string]geo.Place{"0.0.0.0/1": london, "2000::/3": tokyo}))
	for _, a := range []string{"81.2.69.142", "10.0.0.1", "::ffff:1.2.3.4", "2002:102:304::", "64:ff9b::102:304", "2001:0:1:2:3:4:5:6", "fe80::1"} {
		b := ip(a).As16()
		f.Add(b[:], "")
	}
	f.Add([]byte{1, 2, 3, 4}, "")
	f.Add(make([]byte, 16), "eth0")
	f.Add([]byte{}, "")
	f.Fuzz(func(t *testing.T, b []byte, zone string) {
		a, ok := netip.AddrFromSlice(b)
		if ok && a.Is6() && !a.Is4In6() {
			a = a.WithZone(zone)
		}
		p := db.Locate(a)
		if fault := sound(p); fault != "" {
			t.Fatalf("Locate(%s) = %+v %s", a, *p, fault)
		}
		inner := geo.Unwrap(a)
		if inner.Zone() != "" || inner.Is4In6() || inner.IsValid() != ok {
			t.Errorf("Unwrap(%s) = %s", a, inner)
		}
		// An address is unwrapped once: what is inside 6to4 is IPv4.
		if inner.Is4() && db.Locate(inner) != p || db.Locate(a) != p {
			t.Errorf("Locate(%s) changes", a)
		}
	})
}
