// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo_test

import (
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/geo/geotest"
)

// Places as databases know them.
var (
	london    = geo.Place{Country: "GB", City: "London", Point: geo.Point{51.5142, -0.0931}, Radius: 10, Located: true, TimeZone: "Europe/London"}
	linkoping = geo.Place{Country: "SE", City: "Linköping", Point: geo.Point{58.4167, 15.6167}, Radius: 76, Located: true, TimeZone: "Europe/Stockholm"}
	milton    = geo.Place{Country: "US", City: "Milton", Point: geo.Point{47.2513, -122.3149}, Radius: 22, Located: true, TimeZone: "America/Los_Angeles"}
	changchun = geo.Place{Country: "CN", City: "Changchun", Point: geo.Point{43.88, 125.3228}, Radius: 100, Located: true, TimeZone: "Asia/Harbin"}
	bhutan    = geo.Place{Country: "BT", Point: geo.Point{27.5, 90.5}, Radius: 534, Located: true, TimeZone: "Asia/Thimphu"}
	tokyo     = geo.Place{Country: "JP", City: "Tokyo", Point: geo.Point{35.6895, 139.6917}, Radius: 20, Located: true, TimeZone: "Asia/Tokyo"}
	lisbon    = geo.Place{Country: "PT", City: "Lisbon", Point: geo.Point{38.7223, -9.1393}, Radius: 5, Located: true, TimeZone: "Europe/Lisbon"}
)

// world is a City database of them.
var world = map[string]geo.Place{
	"81.2.69.0/24":    london,
	"89.160.20.0/25":  linkoping,
	"216.160.83.0/24": milton,
	"175.16.199.0/24": changchun,
	"67.43.156.0/24":  bhutan,
	"2001:218::/32":   tokyo,
}

func TestLocateRealPlaces(t *testing.T) {
	visits := map[string]geo.Place{
		"81.2.69.142":        london,
		"::ffff:81.2.69.142": london,
		"89.160.20.112":      linkoping,
		"216.160.83.56":      milton,
		"175.16.199.1":       changchun,
		"67.43.156.1":        bhutan,
		"2001:218:85a3::1":   tokyo,
	}
	flat := map[string]geo.Place{}
	for a, p := range visits { // what such a file cannot say
		if p.Radius = 50; p.City == "" {
			p.Radius = 1000
		}
		p.Point = geo.Point{float64(float32(p.Point.Latitude)), float64(float32(p.Point.Longitude))}
		flat[a] = p
	}
	tests := map[string]struct {
		database geotest.Database
		want     map[string]geo.Place
	}{
		"MaxMind":                {geotest.Database{}, visits},
		"MaxMind, 24-bit":        {geotest.Database{RecordSize: 24}, visits},
		"MaxMind, 32-bit":        {geotest.Database{RecordSize: 32}, visits},
		"flat records":           {geotest.Database{Flat: true}, flat},
		"a type nobody has seen": {geotest.Database{Type: "our own"}, visits},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			db := open(t, tt.database.City(t, t.TempDir(), "city.mmdb", world))
			for a, want := range tt.want {
				first := db.Locate(ip(a))
				if diff := cmp.Diff(want, *first); diff != "" {
					t.Errorf("Locate(%s), want -, got +:\n%s", a, diff)
				}
				if again := db.Locate(ip(a)); again != first {
					t.Errorf("a second Locate(%s) is not from the cache", a)
				}
			}
			if got, want := db.Knows(), (geo.Knowledge{Country: true, City: true, Points: true}); got != want {
				t.Errorf("Knows = %+v, want %+v", got, want)
			}
		})
	}
}

// Before: "not found" was 0° N 0° E, off Africa, and everybody travelled there.
func TestGEO03NotFoundIsUnknown(t *testing.T) {
	dir := t.TempDir()
	somewhere := geo.Point{48.69, 9.14}
	db := open(t, geotest.City(t, dir, "city.mmdb", map[string]geo.Place{
		"81.2.69.0/24":   london,
		"2a02:d500::/32": {Point: somewhere, Radius: 100, Located: true, TimeZone: "Europe/Vaduz"},
		"202.196.224.0":  {Country: "PH"},
		"214.0.0.0":      {},
		"214.1.0.0":      {City: "London"},
		"214.2.0.0":      {Country: "NO", City: "Oslo", Located: true}, // at 0, 0
	}))
	tests := map[string]struct {
		ip   netip.Addr
		want geo.Place
	}{
		"an address in no file":      {ip("1.128.0.1"), geo.Place{}},
		"an IPv6 address in no file": {ip("2a03::1"), geo.Place{}},
		"no address":                 {netip.Addr{}, geo.Place{}},
		"a point without a country":  {ip("2a02:d500::1"), geo.Place{}},
		"a city without a country":   {ip("214.1.0.0"), geo.Place{}},
		"an empty record":            {ip("214.0.0.0"), geo.Place{}},
		"a country without a point":  {ip("202.196.224.0"), geo.Place{Country: "PH"}},
		"a point in the sea":         {ip("214.2.0.0"), geo.Place{Country: "NO", City: "Oslo"}},
		"a local network":            {ip("10.0.0.1"), geo.Place{Private: true}},
		"this machine":               {ip("::1"), geo.Place{Private: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for range 2 { // read, and from the cache
				if diff := cmp.Diff(tt.want, *db.Locate(tt.ip)); diff != "" {
					t.Errorf("Locate(%s), want -, got +:\n%s", tt.ip, diff)
				}
			}
		})
	}
}

func TestGEO03AFileOfIPv4SaysNothingOfIPv6(t *testing.T) {
	db := open(t, geotest.Database{IPv4: true}.City(t, t.TempDir(), "city.mmdb", map[string]geo.Place{"81.2.69.0/24": london}))
	if got := *db.Locate(ip("2001:218::1")); got != (geo.Place{}) {
		t.Errorf("Locate of an IPv6 address = %+v", got)
	}
	if got := *db.Locate(ip("::ffff:81.2.69.142")); got != london {
		t.Errorf("Locate of an IPv4-mapped address = %+v", got)
	}
}

func TestWithoutDatabasesOnlyPrivateIsKnown(t *testing.T) {
	db := open(t)
	if got := *db.Locate(ip("81.2.69.142")); got != (geo.Place{}) {
		t.Errorf("Locate = %+v, want unknown", got)
	}
	if got := *db.Locate(ip("192.168.0.1")); !got.Private {
		t.Errorf("Locate = %+v, want private", got)
	}
	if got := db.Knows(); got != (geo.Knowledge{}) || len(db.Files()) != 0 {
		t.Errorf("Knows = %+v, Files = %v", got, db.Files())
	}
}

func TestEachKindOfDatabaseAddsWhatItKnows(t *testing.T) {
	dir := t.TempDir()
	city := geotest.City(t, dir, "city.mmdb", map[string]geo.Place{"81.2.69.0/24": london, "45.0.0.0/8": milton})
	country := geotest.Country(t, dir, "country.mmdb", map[string]geo.Place{"81.2.69.0/24": {Country: "IE"}, "2.0.0.0/8": {Country: "FR"}})
	asn := geotest.ASN(t, dir, "asn.mmdb", map[string]geo.Place{"81.2.69.0/24": {ASN: 20712, Network: "Andrews & Arnold Ltd"}})
	anonymous := geotest.Anonymous(t, dir, "anonymous.mmdb", map[string]geo.Place{"45.1.0.0/16": {Anonymous: true}, "45.2.0.0/16": {Hosting: true}})

	with := func(p geo.Place, edit func(*geo.Place)) geo.Place { edit(&p); return p }
	known := with(london, func(p *geo.Place) { p.ASN, p.Network = 20712, "Andrews & Arnold Ltd" })
	tests := map[string]struct {
		files []string
		want  map[string]geo.Place
		knows geo.Knowledge
	}{
		"all kinds": {
			[]string{city, country, asn, anonymous},
			map[string]geo.Place{
				"81.2.69.1": known,
				"2.1.1.1":   {Country: "FR"},
				"45.1.1.1":  with(milton, func(p *geo.Place) { p.Anonymous = true }),
				"45.2.1.1":  with(milton, func(p *geo.Place) { p.Hosting = true }),
			},
			geo.Knowledge{Country: true, City: true, Points: true, ASN: true, Anonymous: true},
		},
		// A city of the other country would be a place that is in neither file.
		"two files disagree on the country": {
			[]string{country, city},
			map[string]geo.Place{"81.2.69.1": {Country: "IE"}, "45.1.1.1": milton},
			geo.Knowledge{Country: true, City: true, Points: true},
		},
		"only networks": {
			[]string{asn},
			map[string]geo.Place{"81.2.69.1": {ASN: 20712, Network: "Andrews & Arnold Ltd"}, "2.1.1.1": {}},
			geo.Knowledge{ASN: true},
		},
		"only anonymisers": {
			[]string{anonymous},
			map[string]geo.Place{"45.1.1.1": {Anonymous: true}, "81.2.69.1": {}},
			geo.Knowledge{Anonymous: true},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			db := open(t, tt.files...)
			for a, want := range tt.want {
				if diff := cmp.Diff(want, *db.Locate(ip(a))); diff != "" {
					t.Errorf("Locate(%s), want -, got +:\n%s", a, diff)
				}
			}
			if got := db.Knows(); got != tt.knows {
				t.Errorf("Knows = %+v, want %+v", got, tt.knows)
			}
		})
	}
}

func TestFilesTellsWhatIsInUse(t *testing.T) {
	dir := t.TempDir()
	built := time.Date(2020, time.March, 1, 12, 0, 0, 0, time.UTC)
	city := geotest.Database{Built: built}.City(t, dir, "city.mmdb", world)
	now := time.Now().UTC().Truncate(time.Second)
	asn := geotest.Database{Type: "DBIP-ASN-Lite (compat=GeoLite2-ASN)", Built: now}.ASN(t, dir, "asn.mmdb", map[string]geo.Place{"81.2.69.0/24": {ASN: 20712}})
	files := open(t, city, asn).Files()
	want := []geo.File{
		{Path: city, Type: "GeoLite2-City", Built: built, Stale: true, Knows: geo.Knowledge{Country: true, City: true, Points: true}},
		{Path: asn, Type: "DBIP-ASN-Lite (compat=GeoLite2-ASN)", Built: now, Knows: geo.Knowledge{ASN: true}},
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("Files, want -, got +:\n%s", diff)
	}
}

// The licence of DB-IP Lite asks for a credit wherever its results are shown,
// and only there.
func TestCreditIsGivenForPlacesOfDBIPLite(t *testing.T) {
	dir := t.TempDir()
	places := map[string]geo.Place{"81.2.69.0/24": london}
	lite := geotest.Database{Type: "DBIP-City-Lite"}.City(t, dir, "lite.mmdb", places)
	countries := geotest.Database{Type: "DBIP-Country-Lite"}.Country(t, dir, "country.mmdb", places)
	bought := geotest.Database{Type: "DBIP-Location (compat=City)"}.City(t, dir, "bought.mmdb", places)
	maxmind := geotest.City(t, dir, "maxmind.mmdb", places)
	asn := geotest.Database{Type: "DBIP-ASN-Lite (compat=GeoLite2-ASN)"}.ASN(t, dir, "asn.mmdb", map[string]geo.Place{"81.2.69.0/24": {ASN: 20712, Network: "A"}})
	const credit = "IP geolocation by DB-IP (db-ip.com)"
	tests := map[string]struct {
		files []string
		want  string
	}{
		"a city of DB-IP Lite":                       {[]string{lite}, credit},
		"a country of DB-IP Lite":                    {[]string{countries}, credit},
		"a country of another, a city of DB-IP Lite": {[]string{geotest.Country(t, dir, "c.mmdb", places), lite}, credit},
		"a bought database of DB-IP":                 {[]string{bought}, ""},
		"MaxMind":                                    {[]string{maxmind}, ""},
		"only the network is of DB-IP Lite":          {[]string{maxmind, asn}, ""},
		"DB-IP Lite had nothing to add":              {[]string{maxmind, lite}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := open(t, tt.files...).Locate(ip("81.2.69.1")).Credit; got != tt.want {
				t.Errorf("Credit = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestLargeHostingAndMobileNetworksAreKnownWithoutAFile(t *testing.T) {
	db := open(t, geotest.ASN(t, t.TempDir(), "asn.mmdb", map[string]geo.Place{
		"5.9.0.0/16":    {ASN: 24940, Network: "Hetzner Online GmbH"},
		"98.97.0.0/16":  {ASN: 14593, Network: "Space Exploration Technologies Corporation"},
		"81.2.69.0/24":  {ASN: 20712, Network: "Andrews & Arnold Ltd"},
		"4.0.0.0/8":     {Network: "a network without a number"},
		"172.56.0.0/16": {ASN: 21928, Network: "T-Mobile USA, Inc."},
	}))
	type kind struct{ hosting, roaming bool }
	for a, want := range map[string]kind{
		"5.9.1.1": {hosting: true}, "98.97.1.1": {roaming: true}, "172.56.1.1": {roaming: true}, "81.2.69.1": {}, "4.1.1.1": {}, "6.1.1.1": {},
	} {
		p := db.Locate(ip(a))
		if got := (kind{p.Hosting, p.Roaming}); got != want {
			t.Errorf("Locate(%s) = %+v, want %+v", a, got, want)
		}
	}
}

func TestTheBuiltInNetworksAreSortedAndOfOneKind(t *testing.T) {
	hosting, roaming := geo.Listed()
	for _, list := range [][]uint32{hosting, roaming} {
		if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Errorf("not sorted, or twice in it: %v", list)
		}
	}
	for _, asn := range hosting {
		if slices.Contains(roaming, asn) {
			t.Errorf("AS%d cannot be both", asn)
		}
	}
}

func TestLocateIsSharedAmongManyAddresses(t *testing.T) {
	db := open(t, geotest.City(t, t.TempDir(), "city.mmdb", map[string]geo.Place{"2001:218::/32": tokyo, "81.0.0.0/8": london}))
	// More addresses than are kept: the oldest go, the answers stay right.
	for round := range 2 {
		for i := range 10_000 {
			b := [4]byte{81, byte(round), byte(i >> 8), byte(i)}
			if got := db.Locate(netip.AddrFrom4(b)); got.City != "London" {
				t.Fatalf("Locate(%v) = %+v", b, got)
			}
		}
	}
	if got := db.Locate(ip("2001:218::1")); got.City != "Tokyo" {
		t.Errorf("Locate = %+v", got)
	}
}

func TestACachedLocateAllocatesNothing(t *testing.T) {
	db := open(t, geotest.City(t, t.TempDir(), "city.mmdb", world))
	for _, a := range []string{"81.2.69.142", "2001:218::1", "10.0.0.1", "1.2.3.4", "2002:5102:458e::1"} {
		a := ip(a)
		db.Locate(a)
		if n := testing.AllocsPerRun(100, func() { db.Locate(a) }); n != 0 {
			t.Errorf("Locate(%s) allocates %v times", a, n)
		}
	}
}

func TestPathsAreTriedAsTheyAre(t *testing.T) {
	dir := t.TempDir()
	geotest.City(t, dir, "a city, of İstanbul.mmdb", world)
	t.Chdir(dir)
	db := open(t, "a city, of İstanbul.mmdb", filepath.Join(dir, "a city, of İstanbul.mmdb"))
	if got := len(db.Files()); got != 2 {
		t.Errorf("%d files", got)
	}
}
