// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo_test

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/geo"
)

func ExampleDistance() {
	lisbon := geo.Point{Latitude: 38.7223, Longitude: -9.1393}
	tokyo := geo.Point{Latitude: 35.6895, Longitude: 139.6917}
	fmt.Printf("%.0f km\n", geo.Distance(lisbon, tokyo))
	// Output: 11143 km
}

func TestDistance(t *testing.T) {
	half := math.Pi * 6371.0088
	tests := map[string]struct {
		a, b geo.Point
		want float64 // km
	}{
		"a point to itself":              {geo.Point{51.5142, -0.0931}, geo.Point{51.5142, -0.0931}, 0},
		"pole to pole":                   {geo.Point{90, 0}, geo.Point{-90, 0}, half},
		"antipodes":                      {geo.Point{58.4167, 15.6167}, geo.Point{-58.4167, -164.3833}, half},
		"a quarter along the equator":    {geo.Point{0, 0}, geo.Point{0, 90}, half / 2},
		"one degree of a meridian":       {geo.Point{0, 0}, geo.Point{1, 0}, half / 180},
		"the date line is no wall":       {geo.Point{0, 179.5}, geo.Point{0, -179.5}, half / 180},
		"a pole has every longitude":     {geo.Point{90, 0}, geo.Point{90, 123}, 0},
		"both names of the date line":    {geo.Point{10, 180}, geo.Point{10, -180}, 0},
		"a metre apart keeps its metres": {geo.Point{51.5, 0}, geo.Point{51.500009, 0}, half / 180 * 0.000009},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := geo.Distance(tt.a, tt.b); math.Abs(got-tt.want) > 1e-6 {
				t.Errorf("Distance = %v km, want %v", got, tt.want)
			}
		})
	}
}

func TestDistanceIsAMetric(t *testing.T) {
	point := rapid.Custom(func(t *rapid.T) geo.Point {
		return geo.Point{
			Latitude:  rapid.Float64Range(-90, 90).Draw(t, "latitude"),
			Longitude: rapid.Float64Range(-180, 180).Draw(t, "longitude"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := point.Draw(t, "a"), point.Draw(t, "b"), point.Draw(t, "c")
		ab, bc, ac := geo.Distance(a, b), geo.Distance(b, c), geo.Distance(a, c)
		if !(ab >= 0 && ab <= 20_016) { // NaN fails
			t.Fatalf("Distance(%v, %v) = %v", a, b, ab)
		}
		if back := geo.Distance(b, a); math.Abs(ab-back) > 1e-9 {
			t.Fatalf("there %v km, back %v km", ab, back)
		}
		// Near antipodes the arc sine is steep: a metre is lost to rounding.
		if ac > ab+bc+0.001 {
			t.Fatalf("straight %v km, by way of b %v km", ac, ab+bc)
		}
	})
}
