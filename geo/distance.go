// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo

import "math"

// earthRadius is the mean radius R1 of the Geodetic Reference System 1980, in
// kilometres (H. Moritz, Journal of Geodesy 74, 2000). A globe of that radius is
// within 0.6 % of the true distance everywhere, far less than the places err.
const earthRadius = 6371.0088

// Distance returns the great-circle distance of two points in kilometres, at
// most 20,016. It is by the haversine formula, which keeps its precision for
// points that are near each other, where the law of cosines does not.
func Distance(a, b Point) float64 {
	lat1, lat2 := radians(a.Latitude), radians(b.Latitude)
	h := haversine(lat2-lat1) + math.Cos(lat1)*math.Cos(lat2)*haversine(radians(b.Longitude-a.Longitude))
	// Rounding may carry antipodes past 1, which has no arc sine.
	return 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1)))
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }

func haversine(angle float64) float64 {
	s := math.Sin(angle / 2)
	return s * s
}
