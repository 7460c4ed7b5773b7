// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestATableHasAllItsCells(t *testing.T) {
	r := report{Title: "### Title", About: "About.", Columns: []string{"few", "many"}, Pairs: []pair{{1, 0}, {0, 1}}}
	r.compare("compared", []float64{1, 2, 4}, []float64{2, 2, 6})
	r.compare("one is nothing", []float64{0}, []float64{5})
	r.Rows = append(r.Rows, row{Name: "not compared", Values: []float64{0.07, 1542}})
	var out strings.Builder
	r.print(&out)
	want := `
### Title

About.

|  | few | many | many : few (middle half) | few : many (middle half) |
|---|---|---|---|---|
| compared | 2 | 2 | 1.500 (1.250 to 1.750) | 0.667 (0.583 to 0.833) |
| one is nothing | 0 | 5 |  | 0.000 (0.000 to 0.000) |
| not compared | 0.070 | 1542 |  |  |
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("the table is not as it should be (-want +got):\n%s", diff)
	}
}

// A median of turns leaves out what is done in few of them.
func TestAllTurnsTogetherCountWhatIsRare(t *testing.T) {
	o := series{cpu: []float64{100, 100, 400}, perSecond: []float64{1000, 1000, 250}}
	if got, want := o.overall(), 300_000.0/2250; got != want {
		t.Errorf("overall = %v, want %v", got, want)
	}
}

func TestCollectionsOfFewTurnsAreCounted(t *testing.T) {
	o := series{collections: []float64{0, 0, 0, 2}}
	if diff := cmp.Diff([]float64{0.5}, o.collected()); diff != "" {
		t.Errorf("collections a second (-want +got):\n%s", diff)
	}
}

func TestTheGateIsDividedByBareCaddyOfTheSameRound(t *testing.T) {
	var r report
	quantity := func(o series) []float64 { return o.cpu }
	r.compareBoth("CPU", []series{{cpu: []float64{100, 200}}}, []series{{cpu: []float64{110, 220}}}, quantity)
	var got []float64
	for _, o := range r.Rows {
		got = append(got, o.Values...)
	}
	if diff := cmp.Diff([]float64{165, 150, 1.1}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}
