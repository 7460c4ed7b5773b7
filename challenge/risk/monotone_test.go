// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// Three ways in which a visit can be more out of the ordinary than another that
// is like it in all else. None may take a reason away. A rule that speaks only
// near its limit lets the farthest by.

// Farther: from every area of the person, every sighting and where the session
// comes from. All lie on the equator, and the visit goes east from them.
func TestGEO02FartherNeverTakesAReasonAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		along := func(name string, from, to float64) risk.Where {
			w := site("PT", 0, rapid.Float64Range(from, to).Draw(t, name), rapid.IntRange(0, 300).Draw(t, "radius of "+name), 1)
			w.V6 = rapid.Bool().Draw(t, name+" over version 6")
			return w
		}
		f := drawFacts(t, func(name string) risk.Where { return along(name, -60, 0) })
		near := along("near", 0, 118)
		far := near
		far.Cell = site("PT", 0, rapid.Float64Range(0, 118).Draw(t, "far"), 0, 1).Cell
		if far.Cell < near.Cell {
			near.Cell, far.Cell = far.Cell, near.Cell
		}
		keepsReasons(t, f, func(f *risk.Facts) { f.Here = near }, func(f *risk.Facts) { f.Here = far })
	})
}

// Faster: the same way since the same sightings in less time. Within the hour in
// which families are not compared, one family.
func TestGEO02FasterNeverTakesAReasonAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		family := rapid.Bool().Draw(t, "over version 6")
		anywhere := func(name string) risk.Where {
			w := drawSite(t, name)
			w.V6 = family
			return w
		}
		f := drawFacts(t, anywhere)
		f.Here = anywhere("here")
		f.Page = risk.Page{} // an older code is not as fresh: another matter
		sooner := time.Duration(rapid.Int64Range(0, int64(3*day)).Draw(t, "sooner"))
		keepsReasons(t, f, func(*risk.Facts) {}, func(f *risk.Facts) {
			gap := noon.Sub(f.Coded)
			if p := f.Person; p != nil {
				for _, s := range p.Sightings {
					gap = min(gap, noon.Sub(time.Unix(s.At, 0)))
				}
			}
			if f.From == (risk.Where{}) && (f.Person == nil || len(f.Person.Sightings) == 0) {
				return
			}
			shift := min(sooner, max(gap, 0)) // not past the visit
			f.Coded = f.Coded.Add(shift)
			if f.Person != nil {
				for i := range f.Person.Sightings {
					f.Person.Sightings[i].At += int64(shift / time.Second)
				}
			}
		})
	})
}

// Newer: less is known of the person.
func TestGEO02NewerNeverTakesAReasonAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t, func(name string) risk.Where { return drawAny(t, name) })
		f.Here = drawAny(t, "here")
		keepsReasons(t, f, func(*risk.Facts) {}, func(f *risk.Facts) {
			if f.Person == nil {
				return
			}
			for i := len(f.Person.Areas) - 1; i >= 0; i-- {
				if rapid.Bool().Draw(t, "forget an area") {
					f.Person.Areas = append(f.Person.Areas[:i:i], f.Person.Areas[i+1:]...)
				}
			}
			for i := len(f.Person.Networks) - 1; i >= 0; i-- {
				if rapid.Bool().Draw(t, "forget a network") {
					f.Person.Networks = append(f.Person.Networks[:i:i], f.Person.Networks[i+1:]...)
				}
			}
		})
	})
}

// Less trusted: what a remembered browser is asked, a stranger's is too.
func TestGEO02AStrangeBrowserIsExcusedOfNoPlace(t *testing.T) {
	places := risk.SetOf(risk.Travel, risk.NewPlace, risk.NewNetwork)
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t, func(name string) risk.Where { return drawAny(t, name) })
		f.Here = drawAny(t, "here")
		p := drawPolicy(t)
		f.Browser = risk.Remembered
		known := risk.Assess(&f, &p, noon).Said & places
		f.Browser = risk.Browser(rapid.IntRange(int(risk.Unknown), int(risk.EndedByOperator)).Draw(t, "browser"))
		if strange := risk.Assess(&f, &p, noon).Said & places; known&^strange != 0 {
			t.Fatalf("said %v of a known browser and %v of a strange one", known.Reasons(), strange.Reasons())
		}
	})
}

func keepsReasons(t *rapid.T, f risk.Facts, less, more func(*risk.Facts)) {
	p := drawPolicy(t)
	a, b := f, f
	a.Person, b.Person = clone(f.Person), clone(f.Person)
	less(&a)
	more(&b)
	before, after := risk.Assess(&a, &p, noon).Said, risk.Assess(&b, &p, noon).Said
	if lost := before &^ after; lost != 0 {
		t.Fatalf("lost %v\nbefore: %s\nafter: %s", lost.Reasons(), reasons(a, p), reasons(b, p))
	}
}

func reasons(f risk.Facts, p risk.Policy) (text string) {
	for _, vote := range risk.Explain(&f, &p, noon) {
		text += fmt.Sprintf("\n  %s %v: %s", vote.Reason, vote.Says, vote.Why)
	}
	return text
}

func clone(p *risk.Profile) *risk.Profile {
	if p == nil {
		return nil
	}
	c := *p
	c.Areas = append([]risk.Area(nil), p.Areas...)
	c.Networks = append([]risk.Network(nil), p.Networks...)
	c.Sightings = append([]risk.Sighting(nil), p.Sightings...)
	return &c
}

func TestGEO08ExplainAndAssessSayTheSame(t *testing.T) {
	order := risk.Set(1<<9 - 1).Reasons()
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t, func(name string) risk.Where { return drawAny(t, name) })
		f.Here = drawAny(t, "here")
		p := drawPolicy(t)
		var said, asks, observed risk.Set
		for i, vote := range risk.Explain(&f, &p, noon) {
			if vote.Reason != order[i] {
				t.Fatalf("vote %d is of %s, want %s", i, vote.Reason, order[i])
			}
			if !isSentence(vote.Why) {
				t.Fatalf("%s: %q is no sentence", vote.Reason, vote.Why)
			}
			if !vote.Says {
				continue
			}
			said |= risk.SetOf(vote.Reason)
			switch vote.Effect {
			case risk.Asks:
				asks |= risk.SetOf(vote.Reason)
			case risk.Observed:
				observed |= risk.SetOf(vote.Reason)
			}
		}
		if got, want := (risk.Judgement{Said: said, Asks: asks, Observed: observed}), risk.Assess(&f, &p, noon); got != want {
			t.Fatalf("Explain says %+v, Assess %+v", got, want)
		}
	})
}

// drawFacts draws all but where the visit comes from.
func drawFacts(t *rapid.T, place func(name string) risk.Where) risk.Facts {
	f := risk.Facts{
		Browser: risk.Browser(rapid.IntRange(int(risk.Unknown), int(risk.InSession)).Draw(t, "browser")),
		ID:      rapid.SampledFrom([]string{"", "laptop00", "phone000"}).Draw(t, "id"),
		Renewed: rapid.Bool().Draw(t, "renewed"),
		Page:    risk.Page{MaxAge: time.Duration(rapid.IntRange(0, 60).Draw(t, "age")) * time.Minute, Extends: rapid.Bool().Draw(t, "extends")},
		Coded:   noon.Add(-time.Duration(rapid.Int64Range(0, int64(3*day)).Draw(t, "coded"))),
	}
	f.Confirmed = f.Coded.Add(noon.Sub(f.Coded) / 2)
	if f.Browser == risk.InSession && rapid.Bool().Draw(t, "came") {
		f.From = place("from")
	}
	if rapid.IntRange(0, 9).Draw(t, "nobody") == 0 {
		return f
	}
	f.Person = &risk.Profile{}
	first := noon.Add(-time.Duration(rapid.Int64Range(0, int64(60*day)).Draw(t, "first")))
	for range rapid.IntRange(0, 4).Draw(t, "entries") {
		at := first.Add(time.Duration(rapid.Int64Range(0, int64(noon.Sub(first))).Draw(t, "at")))
		f.Person.Learn(place("area"), rapid.SampledFrom([]string{"laptop00", "phone000", "tablet00"}).Draw(t, "by"), at)
	}
	return f
}

func drawSite(t *rapid.T, name string) risk.Where {
	return site(rapid.SampledFrom([]string{"PT", "PT", "PT", "JP"}).Draw(t, name+" country"),
		rapid.Float64Range(-80, 80).Draw(t, name+" latitude"), rapid.Float64Range(-180, 180).Draw(t, name+" longitude"),
		rapid.IntRange(0, 600).Draw(t, name+" radius"), rapid.Uint32Range(0, 5).Draw(t, name+" asn"))
}

func drawAny(t *rapid.T, name string) risk.Where {
	w := drawSite(t, name)
	w.V6, w.Roaming = rapid.Bool().Draw(t, name+" over version 6"), rapid.IntRange(0, 4).Draw(t, name+" roams") == 0
	switch rapid.IntRange(0, 12).Draw(t, name+" kind") {
	case 0:
		w.Cell = 0
	case 1:
		w.Shady = true
	case 2:
		w.Name = "office"
	case 3:
		w = home
	case 4:
		w = unknown
	case 5:
		w = risk.Where{}
	}
	return w
}

func drawPolicy(t *rapid.T) risk.Policy {
	all := rapid.Uint16Range(0, 1<<9-1)
	return risk.Policy{
		Ask:        risk.Set(all.Draw(t, "ask")),
		Observe:    risk.Set(all.Draw(t, "observe") & all.Draw(t, "observe less")),
		ObserveAll: rapid.IntRange(0, 4).Draw(t, "observe all") == 0,
		Bind:       risk.Bind(rapid.IntRange(0, 2).Draw(t, "bind")),
		Places:     rapid.IntRange(0, 4).Draw(t, "places") > 0,
		Distance:   rapid.SampledFrom([]float64{0, 50, 2000}).Draw(t, "distance"),
		Speed:      rapid.SampledFrom([]float64{0, 100, 5000}).Draw(t, "speed"),
		Learning:   rapid.SampledFrom([]time.Duration{0, -1, 40 * day}).Draw(t, "learning"),
	}
}
