// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/geo"
)

func TestGEO03WhatIsNotKnownHasNoCell(t *testing.T) {
	null := geo.Point{}
	for name, place := range map[string]geo.Place{
		"an address that is in no database":    {},
		"a private address":                    {Private: true},
		"a country without coordinates":        {Country: "FR"},
		"coordinates that nobody vouches for":  {Country: "FR", Point: geo.Point{Latitude: 48.8, Longitude: 2.3}},
		"coordinates without a country":        {Point: geo.Point{Latitude: 48.8, Longitude: 2.3}, Located: true},
		"a latitude that is not a number":      {Country: "FR", Point: geo.Point{Latitude: math.NaN()}, Located: true},
		"a longitude beyond the date line":     {Country: "FR", Point: geo.Point{Longitude: 181}, Located: true},
		"a latitude beyond the pole":           {Country: "FR", Point: geo.Point{Latitude: -90.1}, Located: true},
		"a longitude that is without an end":   {Country: "FR", Point: geo.Point{Longitude: math.Inf(1)}, Located: true},
		"a radius without a point to be round": {Country: "FR", Radius: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			w := risk.At(place, "net", "", false)
			if w.Cell != 0 || w.Radius != 0 {
				t.Errorf("cell %d (%v), radius %d, want none", w.Cell, w.Cell.Center(), w.Radius)
			}
			if km, ok := risk.Distance(w, lisbon); ok {
				t.Errorf("%v km from Lisbon, want no distance", km)
			}
		})
	}
	if risk.CellOf(geo.Point{Longitude: 180}) != risk.CellOf(geo.Point{Longitude: -180}) {
		t.Error("the date line is in two cells")
	}
	if risk.CellOf(null) == 0 {
		t.Error("latitude 0, longitude 0 is a place like any other, where a database says so")
	}
}

func TestAPointIsWithinTheRadiusOfItsPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := geo.Point{
			Latitude:  rapid.Float64Range(-90, 90).Draw(t, "latitude"),
			Longitude: rapid.Float64Range(-180, 180).Draw(t, "longitude"),
		}
		w := risk.At(geo.Place{Country: "PT", Point: p, Located: true}, "", "", false)
		if off := geo.Distance(p, w.Cell.Center()); off > float64(w.Radius) {
			t.Fatalf("%v is %.1f km from the centre of its cell, outside its radius of %d km", p, off, w.Radius)
		}
		if again := risk.CellOf(w.Cell.Center()); again != w.Cell {
			t.Fatalf("the centre of cell %d is in cell %d", w.Cell, again)
		}
	})
}

func TestDistanceIsLessWhatEitherPlaceMayBeOff(t *testing.T) {
	for name, test := range map[string]struct {
		a, b        risk.Where
		least, most float64
	}{
		"London and Tokyo":                     {london, tokyo, 9300, 9480},
		"Lisbon and Porto":                     {lisbon, porto, 180, 230},
		"Bhutan reaches over all of itself":    {bhutan, paro, 0, 0},
		"a place and itself":                   {milton, milton, 0, 0},
		"across the date line":                 {site("FJ", -17.7, 179.9, 0, 1), site("FJ", -17.7, -179.9, 0, 1), 0, 20},
		"a radius that is larger than a globe": {site("AQ", -90, 0, 1<<30, 1), site("NO", 90, 0, 0, 1), 0, 0},
		"a radius below nothing":               {site("PT", 38.7, -9.1, -500, 1), site("PT", 38.7, -9.1, -500, 1), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for _, pair := range [][2]risk.Where{{test.a, test.b}, {test.b, test.a}} {
				if km, ok := risk.Distance(pair[0], pair[1]); !ok || km < test.least || km > test.most {
					t.Errorf("Distance = %.1f, %v, want %v to %v", km, ok, test.least, test.most)
				}
			}
		})
	}
	if km, ok := risk.Distance(risk.Where{Cell: math.MaxUint32}, lisbon); ok {
		t.Errorf("what is no cell is %.1f km from Lisbon", km)
	}
}

func TestAnAnonymiserAndADataCentreAreShady(t *testing.T) {
	for name, w := range map[string]risk.Where{"an anonymiser": vpn, "a data centre": cloud} {
		if !w.Shady {
			t.Errorf("%s is not shady", name)
		}
	}
	if w := risk.At(geo.Place{Country: "PT", Roaming: true}, "n", "office", true); w.Shady || !w.Roaming || !w.V6 || w.Name != "office" || w.Net != "n" {
		t.Errorf("At = %+v", w)
	}
}
