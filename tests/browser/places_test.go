// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package browser_test writes what the browser tests need from Go.
package browser_test

import (
	"net/netip"
	"os"
	"testing"

	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/geo/geotest"
)

// places are where the visitors of the browser tests come from.
var places = map[string]geo.Place{
	"81.2.69.0/24": {Country: "PT", City: "Lisbon", Located: true, Point: geo.Point{Latitude: 38.72, Longitude: -9.14}, Radius: 20},
	"2.125.0.0/16": {Country: "JP", City: "Tokyo", Located: true, Point: geo.Point{Latitude: 35.68, Longitude: 139.69}, Radius: 20},
	"1.208.0.0/12": {Country: "KR"},
}

// TestPlacesFile writes places.mmdb into the folder that DOORCODE_PLACES names,
// for places.mjs, and shows in any case that it says what those tests rely on.
func TestPlacesFile(t *testing.T) {
	folder := os.Getenv("DOORCODE_PLACES")
	if folder == "" {
		folder = t.TempDir()
	}
	db, err := geo.Open(geo.Options{Files: []string{geotest.City(t, folder, "places.mmdb", places)}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for ip, want := range map[string]string{
		"81.2.69.160": "Lisbon, PT", "81.2.69.7": "Lisbon, PT", "2.125.160.216": "Tokyo, JP", "1.209.0.1": ", KR", "8.8.8.8": ", ",
	} {
		if p := db.Locate(netip.MustParseAddr(ip)); p.City+", "+p.Country != want {
			t.Errorf("%s is in %s, %s, want %s", ip, p.City, p.Country, want)
		}
	}
}
