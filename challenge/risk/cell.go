// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

import (
	"math"

	"github.com/doorcode/caddy-doorcode/geo"
)

// A Cell is a field of a grid of a quarter of a degree over the globe; 0 is
// none. It is as exact as anything that is remembered of where somebody was.
type Cell uint32

const (
	perDegree = 4
	columns   = 360 * perDegree
	rows      = 180 * perDegree
	lastCell  = Cell(rows * columns)
	// cellRadius is half the diagonal of the largest cell, at the equator, in
	// kilometres, rounded up.
	cellRadius = 20
)

// CellOf returns the cell that a point is in; none for what is no point.
func CellOf(p geo.Point) Cell {
	if !(math.Abs(p.Latitude) <= 90 && math.Abs(p.Longitude) <= 180) { // NaN is neither
		return 0
	}
	row := min(int((p.Latitude+90)*perDegree), rows-1)
	column := int((p.Longitude+180)*perDegree) % columns
	return Cell(1 + row*columns + column)
}

// Center returns the middle of the cell. Cell 0, and what is no cell, has none:
// callers look at that before.
func (c Cell) Center() geo.Point {
	if !c.valid() {
		return geo.Point{}
	}
	row, column := (c-1)/columns, (c-1)%columns
	return geo.Point{
		Latitude:  (float64(row)+0.5)/perDegree - 90,
		Longitude: (float64(column)+0.5)/perDegree - 180,
	}
}

func (c Cell) valid() bool { return 0 < c && c <= lastCell }
