// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package geotest writes small MaxMind DB files for tests: what an address
// should be is a [geo.Place], and no test depends on data of others.
package geotest

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/doorcode/caddy-doorcode/geo"
)

// A Database is how to write one. The zero value writes what MaxMind would,
// built now.
type Database struct {
	// Type is what it calls itself. Empty means the usual one of its kind, such
	// as GeoLite2-City.
	Type string
	// Flat: places are written without nesting, as country_code, city, latitude,
	// longitude, timezone, without Radius, and the database has no description,
	// as the makers of such files leave it out.
	Flat bool
	// Built is when it says that it was built. Zero means now.
	Built time.Time
	// IPv4: it holds IPv4 addresses only.
	IPv4 bool
	// RecordSize is 24, 28 or 32 bits. Zero means 28.
	RecordSize int
}

// City writes a City database as name in the folder dir and returns its path.
// The keys of places are networks or single addresses; the narrower wins.
// Of a place are written Country, City, TimeZone and, if Located, Point and
// Radius, as far as they are not empty.
func City(t testing.TB, dir, name string, places map[string]geo.Place) string {
	t.Helper()
	return Database{}.City(t, dir, name, places)
}

// Country writes a Country database, of which Country is all that is written.
func Country(t testing.TB, dir, name string, places map[string]geo.Place) string {
	t.Helper()
	return Database{}.Country(t, dir, name, places)
}

// ASN writes an ASN database of ASN and Network.
func ASN(t testing.TB, dir, name string, places map[string]geo.Place) string {
	t.Helper()
	return Database{}.ASN(t, dir, name, places)
}

// Anonymous writes an Anonymous-IP database of Anonymous, as a VPN, and Hosting.
func Anonymous(t testing.TB, dir, name string, places map[string]geo.Place) string {
	t.Helper()
	return Database{}.Anonymous(t, dir, name, places)
}

// City is as the function of that name.
func (d Database) City(t testing.TB, dir, name string, places map[string]geo.Place) string {
	t.Helper()
	if d.Flat {
		d.Type = cmp.Or(d.Type, "city ipvAll")
		return d.write(t, dir, name, places, flatCity)
	}
	d.Type = cmp.Or(d.Type, "GeoLite2-City")
	return d.write(t, dir, name, places, nestedCity)
}

// Country is as the function of that name.
func (d Database) Country(t testing.TB, dir, name string, places map[string]geo.Place) string {
	t.Helper()
	if d.Flat {
		d.Type = cmp.Or(d.Type, "country ipvAll")
		return d.write(t, dir, name, places, func(p geo.Place) map[string]any {
			return map[string]any{"country_code": p.Country}
		})
	}
	d.Type = cmp.Or(d.Type, "GeoLite2-Country")
	return d.write(t, dir, name, places, func(p geo.Place) map[string]any {
		return nestedCity(geo.Place{Country: p.Country})
	})
}

// ASN is as the function of that name. All makers write it alike.
func (d Database) ASN(t testing.TB, dir, name string, places map[string]geo.Place) string {
	t.Helper()
	d.Type = cmp.Or(d.Type, "GeoLite2-ASN")
	return d.write(t, dir, name, places, func(p geo.Place) map[string]any {
		return map[string]any{"autonomous_system_number": p.ASN, "autonomous_system_organization": p.Network}
	})
}

// Anonymous is as the function of that name.
func (d Database) Anonymous(t testing.TB, dir, name string, places map[string]geo.Place) string {
	t.Helper()
	d.Type = cmp.Or(d.Type, "GeoIP2-Anonymous-IP")
	return d.write(t, dir, name, places, func(p geo.Place) map[string]any {
		return map[string]any{"is_anonymous": true, "is_anonymous_vpn": p.Anonymous, "is_hosting_provider": p.Hosting}
	})
}

// Records writes records of any form: values are strings, bools, float64,
// float32, int32, uint16, uint32 and maps of such. Type must be given.
func (d Database) Records(t testing.TB, dir, name string, records map[string]map[string]any) string {
	t.Helper()
	description := map[string]string{"en": "written by a test"}
	if d.Flat {
		description = nil
	}
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		DatabaseType:            d.Type,
		Description:             description,
		BuildEpoch:              d.epoch(),
		IPVersion:               d.version(),
		RecordSize:              cmp.Or(d.RecordSize, 28),
		IncludeReservedNetworks: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	networks := make(map[netip.Prefix]map[string]any, len(records))
	for key, record := range records {
		networks[network(t, key)] = record
	}
	// Wide before narrow: what is inserted later replaces what is there.
	for _, p := range slices.SortedFunc(maps.Keys(networks), func(a, b netip.Prefix) int { return a.Bits() - b.Bits() }) {
		ip := net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
		if err := tree.Insert(&ip, value(t, networks[p])); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (d Database) write(t testing.TB, dir, name string, places map[string]geo.Place, record func(geo.Place) map[string]any) string {
	t.Helper()
	records := make(map[string]map[string]any, len(places))
	for key, p := range places {
		records[key] = record(p)
	}
	return d.Records(t, dir, name, records)
}

func (d Database) epoch() int64 {
	if d.Built.IsZero() {
		return time.Now().Unix()
	}
	return d.Built.Unix()
}

func (d Database) version() int {
	if d.IPv4 {
		return 4
	}
	return 6
}

func nestedCity(p geo.Place) map[string]any {
	record := map[string]any{}
	if p.Country != "" {
		record["country"] = map[string]any{"iso_code": p.Country}
	}
	if p.City != "" {
		record["city"] = map[string]any{"names": map[string]any{"en": p.City, "de": p.City + " (de)"}}
	}
	location := map[string]any{}
	if p.Located {
		location["latitude"], location["longitude"] = p.Point.Latitude, p.Point.Longitude
	}
	if p.Radius != 0 {
		location["accuracy_radius"] = uint16(p.Radius)
	}
	if p.TimeZone != "" {
		location["time_zone"] = p.TimeZone
	}
	if len(location) != 0 {
		record["location"] = location
	}
	return record
}

func flatCity(p geo.Place) map[string]any {
	record := map[string]any{"country_code": p.Country, "city": p.City, "timezone": p.TimeZone}
	if p.Located {
		record["latitude"], record["longitude"] = float32(p.Point.Latitude), float32(p.Point.Longitude)
	}
	return record
}

func network(t testing.TB, key string) netip.Prefix {
	t.Helper()
	if !strings.Contains(key, "/") {
		ip, err := netip.ParseAddr(key)
		if err != nil {
			t.Fatal(err)
		}
		return netip.PrefixFrom(ip, ip.BitLen())
	}
	p, err := netip.ParsePrefix(key)
	if err != nil {
		t.Fatal(err)
	}
	return p.Masked()
}

func value(t testing.TB, v any) mmdbtype.DataType {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		m := make(mmdbtype.Map, len(v))
		for key, field := range v {
			m[mmdbtype.String(key)] = value(t, field)
		}
		return m
	case string:
		return mmdbtype.String(v)
	case bool:
		return mmdbtype.Bool(v)
	case float64:
		return mmdbtype.Float64(v)
	case float32:
		return mmdbtype.Float32(v)
	case int32:
		return mmdbtype.Int32(v)
	case uint16:
		return mmdbtype.Uint16(v)
	case uint32:
		return mmdbtype.Uint32(v)
	default:
		t.Fatal(fmt.Errorf("a database has no type for %T", v))
		return nil
	}
}
