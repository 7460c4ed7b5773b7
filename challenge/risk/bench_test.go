// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// busy is a person whose profile is full.
func busy() *risk.Profile {
	p := someone(lisbon, porto, madrid, london, stockholm, boston, milton, osaka)
	for _, w := range []risk.Where{london, boston, madrid} {
		seen(p, w, "laptop00", 2*time.Hour)
	}
	return p
}

// visits are the ways through the rules.
func visits() map[string]risk.Facts {
	p := busy()
	return map[string]risk.Facts{
		"the session stays":       {Browser: risk.InSession, ID: "laptop00-and-more", Here: lisbon, From: lisbon, Coded: noon.Add(-time.Hour)},
		"the session moves":       {Browser: risk.InSession, ID: "laptop00-and-more", Here: on(tokyo, 1), From: lisbon, Person: p, Coded: noon.Add(-time.Hour), Page: risk.Page{MaxAge: time.Minute, Extends: true}},
		"the session turns shady": {Browser: risk.InSession, ID: "laptop00-and-more", Here: vpn, From: vpn, Person: p},
		"a browser comes back":    {Browser: risk.Remembered, ID: "laptop00-and-more", Here: on(madeira, 1), Person: p},
		"a stranger comes":        {Here: changchun, Person: p},
	}
}

func TestAssessAllocatesNothing(t *testing.T) {
	for name, f := range visits() {
		if n := testing.AllocsPerRun(100, func() {
			facts, policy := f, usual // the caller's need not be either
			risk.Assess(&facts, &policy, noon)
		}); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}

func BenchmarkAssess(b *testing.B) {
	for name, f := range visits() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				risk.Assess(&f, &usual, noon)
			}
		})
	}
}

func BenchmarkLearn(b *testing.B) {
	p := busy()
	b.ReportAllocs()
	for b.Loop() {
		p.Learn(porto, "laptop00-and-more", noon)
	}
}
