// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo_test

import (
	"net/netip"
	"testing"

	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/geo/geotest"
)

// manyNetworks is a database of 64 × 256 networks with places of their own.
func manyNetworks(b *testing.B) *geo.DB {
	b.Helper()
	dir := b.TempDir()
	places, networks := map[string]geo.Place{}, map[string]geo.Place{}
	for i := range 64 * 256 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{80, byte(i >> 8), byte(i), 0}), 24).String()
		places[p] = geo.Place{Country: "PT", City: "Lisbon", Point: geo.Point{38 + float64(i)/64/256, -9}, Radius: 20, Located: true, TimeZone: "Europe/Lisbon"}
		networks[p] = geo.Place{ASN: uint32(i + 1), Network: "A Network of Some Length, S.A."}
	}
	db := open(b, geotest.City(b, dir, "city.mmdb", places), geotest.ASN(b, dir, "asn.mmdb", networks))
	b.ReportAllocs()
	b.ResetTimer()
	return db
}

// BenchmarkLocate: an address that was asked for before, one that was not, and
// one that no file knows. City and ASN are both asked.
func BenchmarkLocate(b *testing.B) {
	b.Run("cached", func(b *testing.B) {
		db, a := manyNetworks(b), ip("80.1.2.3")
		db.Locate(a)
		for b.Loop() {
			db.Locate(a)
		}
	})
	b.Run("cached/parallel", func(b *testing.B) {
		db := manyNetworks(b)
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				db.Locate(netip.AddrFrom4([4]byte{80, 1, byte(i), 3}))
			}
		})
	})
	b.Run("uncached", func(b *testing.B) {
		db, i := manyNetworks(b), uint32(0)
		for b.Loop() {
			i++ // 2^22 addresses, of which the cache keeps few
			db.Locate(netip.AddrFrom4([4]byte{80, byte(i) & 63, byte(i >> 6), byte(i >> 14)}))
		}
	})
	b.Run("unknown", func(b *testing.B) {
		db, i := manyNetworks(b), uint32(0)
		for b.Loop() {
			i++
			db.Locate(netip.AddrFrom4([4]byte{90, byte(i >> 16), byte(i >> 8), byte(i)}))
		}
	})
	b.Run("private", func(b *testing.B) {
		db, i := manyNetworks(b), uint32(0)
		for b.Loop() {
			i++
			db.Locate(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
		}
	})
}

// BenchmarkOpen: reading, verifying and examining a file of 500 kB.
func BenchmarkOpen(b *testing.B) {
	db := manyNetworks(b)
	data := content(b, db.Files()[0].Path)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := geo.OpenBytes(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDistance(b *testing.B) {
	for b.Loop() {
		geo.Distance(london.Point, tokyo.Point)
	}
}
