// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo_test

import (
	"net/netip"
	"testing"

	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/geo/geotest"
)

func TestGEO07AddressesInsideOthersAreUnwrapped(t *testing.T) {
	tests := map[string]struct{ ip, want string }{
		"IPv4 stays":                           {"81.2.69.142", "81.2.69.142"},
		"IPv6 stays":                           {"2001:218:85a3::1", "2001:218:85a3::1"},
		"IPv4-mapped":                          {"::ffff:81.2.69.142", "81.2.69.142"},
		"6to4":                                 {"2002:5102:458e::1", "81.2.69.142"},
		"6to4 of a private address":            {"2002:c0a8:101::1", "192.168.1.1"},
		"NAT64":                                {"64:ff9b::81.2.69.142", "81.2.69.142"},
		"a local NAT64":                        {"64:ff9b:1:7::81.2.69.142", "81.2.69.142"},
		"Teredo is the client, not the server": {"2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45"}, // the example of RFC 4380
		"just outside NAT64":                   {"64:ff9b::1:0:0", "64:ff9b::1:0:0"},
		"just outside 6to4":                    {"2003:5102:458e::1", "2003:5102:458e::1"},
		"a zone is dropped":                    {"fe80::1%eth0", "fe80::1"},
		"a zone is dropped before unwrapping":  {"64:ff9b::81.2.69.142%eth0", "81.2.69.142"},
		"an IPv4-compatible address is not unwrapped": {"::81.2.69.142", "::5102:458e"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := geo.Unwrap(ip(tt.ip)); got != ip(tt.want) {
				t.Errorf("Unwrap(%s) = %s, want %s", tt.ip, got, tt.want)
			}
		})
	}
	if got := geo.Unwrap(netip.Addr{}); got.IsValid() {
		t.Errorf("Unwrap of no address = %s", got)
	}
}

// A visitor over a tunnel is where the visitor is. Many files alias 6to4 and
// Teredo to their IPv4 tree, where a Teredo address is its server's.
func TestGEO07TunnelsAreLocatedByTheAddressInside(t *testing.T) {
	db := open(t, geotest.Country(t, t.TempDir(), "country.mmdb", map[string]geo.Place{
		"81.2.69.0/24":   {Country: "GB"},
		"65.54.227.0/24": {Country: "US"}, // the Teredo server
	}))
	for _, a := range []string{
		"81.2.69.142", "::ffff:81.2.69.142", "2002:5102:458e::1", "64:ff9b::5102:458e",
		"64:ff9b:1::5102:458e", "2001:0:4136:e378:8000:63bf:aefd:ba71",
	} {
		if got := db.Locate(ip(a)).Country; got != "GB" {
			t.Errorf("Locate(%s) is in %q, want GB", a, got)
		}
	}
}

func TestGEO03PrivateAddressesAreNowhere(t *testing.T) {
	// A file that claims to know them is not asked.
	everywhere := geo.Place{Country: "KP", City: "Pyongyang", Located: true, Point: geo.Point{Latitude: 39, Longitude: 125.8}}
	db := open(t, geotest.City(t, t.TempDir(), "city.mmdb", map[string]geo.Place{
		"0.0.0.0/0": everywhere, "2000::/4": everywhere, "3000::/4": everywhere, "fc00::/7": everywhere, "fe80::/10": everywhere,
	}))
	for _, a := range []string{
		"0.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "169.254.1.1",
		"172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255",
		"198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::5102:458e", "100::1", "64:ff9b::a00:1", "2002:a00:1::1", "::ffff:192.168.1.1", "2001:2::1", "2001:20::1",
		"2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001:db8::1", "3fff::1", "5f00::1", "fc00::1", "fd7a:115c:a1e0::1",
		"fd12:3456:789a::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
	} {
		if got := *db.Locate(ip(a)); got != (geo.Place{Private: true}) {
			t.Errorf("Locate(%s) = %+v, want only Private", a, got)
		}
	}
	for _, a := range []string{
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1", "169.253.255.255",
		"172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
		"203.0.112.255", "223.255.255.255", "2001:200::1", "2001:db7::1", "2001:db9::1", "2a00::1", "3fff:1000::1",
	} {
		if got := db.Locate(ip(a)); got.Private || got.City != "Pyongyang" {
			t.Errorf("Locate(%s) = %+v, want what the file says", a, *got)
		}
	}
}
