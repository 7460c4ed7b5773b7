// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

func TestGEO04Travel(t *testing.T) {
	far := func() *risk.Profile { return someone(lisbon) }
	from := func(w risk.Where, ago time.Duration) *risk.Profile { return seen(far(), w, "laptop00", ago) }
	table := map[string]struct {
		here   risk.Where
		person *risk.Profile
		want   bool
	}{
		"London to Tokyo in an hour":                     {tokyo, from(london, time.Hour), true},
		"London to Tokyo in fourteen hours":              {tokyo, from(london, 14*time.Hour), false},
		"London to Linköping in ten minutes":             {linkoping, from(london, 10*time.Minute), true},
		"London to Linköping in two hours":               {linkoping, from(london, 2*time.Hour), false},
		"London to Madrid in an hour":                    {madrid, from(london, time.Hour), true},
		"Milton to Changchun in six hours":               {changchun, from(milton, 6*time.Hour), true},
		"Milton to Changchun in a day":                   {changchun, from(milton, day), false},
		"Tokyo to Osaka at once: under 500 km":           {osaka, from(tokyo, 0), false},
		"Sapporo to Osaka at once":                       {osaka, from(sapporo, 0), true},
		"Sapporo to Tokyo over IPv6 within minutes":      {v6(tokyo), from(sapporo, 5*time.Minute), false},
		"London to Tokyo over IPv6 after an hour":        {v6(tokyo), from(london, 61*time.Minute), true},
		"London over IPv6 to Tokyo over IPv6 in minutes": {v6(tokyo), from(v6(london), 5*time.Minute), true},
		"Bhutan with its 534 km to Paro":                 {paro, from(bhutan, 0), false},
		"Bhutan with its 534 km to Changchun":            {changchun, from(bhutan, time.Hour), true},
		"to a network without a place":                   {unknown, from(london, time.Hour), false},
		"to a country without coordinates":               {bare, from(tokyo, time.Hour), false},
		"to a private network":                           {home, from(tokyo, time.Hour), false},
		"to a mobile network":                            {roaming(tokyo), from(london, time.Hour), false},
		"to an anonymiser":                               {vpn, from(tokyo, time.Hour), false},
		"to a named network":                             {named(tokyo), from(london, time.Hour), false},
		"back to a usual area":                           {lisbon, from(tokyo, time.Hour), false},
		"near a usual area":                              {site("PT", 39.2, -8.7, 20, 1), from(tokyo, time.Hour), false},
		"where the browser was last seen in the future":  {tokyo, from(london, -time.Hour), true},
		"where nobody was ever seen":                     {tokyo, far(), false},
		"where nothing is remembered":                    {tokyo, nil, false},
		"where another browser was last seen":            {tokyo, seen(far(), london, "phone000", time.Hour), true},
		"this browser was there, another one elsewhere":  {tokyo, seen(seen(far(), tokyo, "laptop00", 20*time.Hour), london, "phone000", time.Hour), false},
		"this browser was elsewhere, another one there":  {tokyo, seen(seen(far(), london, "laptop00", time.Hour), osaka, "phone000", time.Hour), true},
		"a country that was learned as a whole":          {lisbon, seen(someone(bare), tokyo, "laptop00", time.Hour), true},
		"a sighting of next year damns nobody":           {tokyo, seen(far(), london, "laptop00", -400*day), false},
		"the better of two places damns less":            {tokyo, seen(seen(far(), osaka, "laptop00", 2*time.Hour), london, "laptop00", time.Hour), false},
		"a place of last week vouches for nothing":       {tokyo, seen(seen(far(), osaka, "laptop00", 7*day), london, "laptop00", time.Hour), true},
	}
	for name, test := range table {
		t.Run(name, func(t *testing.T) {
			f := risk.Facts{ID: "laptop00-and-more", Browser: risk.Unknown, Here: test.here, Person: test.person}
			if got := says(t, risk.Travel, f, usual); got != test.want {
				t.Errorf("travel says %v, want %v: %s", got, test.want, why(risk.Travel, f))
			}
		})
	}
}

func TestGEO04TravelDuringASession(t *testing.T) {
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	table := map[string]struct {
		facts risk.Facts
		want  bool
	}{
		"from where it was verified":                   {risk.Facts{Here: tokyo, From: lisbon, Coded: ago(time.Hour)}, true},
		"from where it was verified, slowly":           {risk.Facts{Here: tokyo, From: lisbon, Coded: ago(20 * time.Hour)}, false},
		"from a shady network":                         {risk.Facts{Here: tokyo, From: vpn, Coded: ago(time.Hour)}, false},
		"from a mobile network":                        {risk.Facts{Here: tokyo, From: roaming(lisbon), Coded: ago(time.Hour)}, false},
		"from a named network":                         {risk.Facts{Here: tokyo, From: named(lisbon), Coded: ago(time.Hour)}, false},
		"from a country alone":                         {risk.Facts{Here: tokyo, From: bare, Coded: ago(time.Hour)}, false},
		"from nobody knows where":                      {risk.Facts{Here: tokyo, Coded: ago(time.Hour)}, false},
		"since nobody knows when":                      {risk.Facts{Here: tokyo, From: lisbon}, false},
		"on the network that it was verified on":       {risk.Facts{Here: on(tokyo, lisbon.ASN), From: lisbon, Coded: ago(time.Hour)}, false},
		"on a network that the person uses":            {risk.Facts{Here: on(tokyo, porto.ASN), From: lisbon, Coded: ago(time.Hour), Person: someone(porto)}, false},
		"on a network of which only a VPN was used":    {risk.Facts{Here: on(tokyo, vpn.ASN), From: lisbon, Coded: ago(time.Hour), Person: someone(vpn)}, true},
		"while the same browser was seen here today":   {risk.Facts{Here: on(tokyo, 1), From: lisbon, Coded: ago(time.Hour), Person: seen(someone(lisbon), tokyo, "laptop00", 2*time.Hour)}, false},
		"over the other family within minutes":         {risk.Facts{Here: v6(tokyo), From: lisbon, Coded: ago(10 * time.Minute)}, false},
		"over the same family of version 6 in minutes": {risk.Facts{Here: v6(tokyo), From: v6(lisbon), Coded: ago(10 * time.Minute)}, true},
		"from one coast to the other, in time":         {risk.Facts{Here: on(milton, 1), From: boston, Coded: ago(6 * time.Hour)}, false},
	}
	for name, test := range table {
		t.Run(name, func(t *testing.T) {
			test.facts.Browser, test.facts.ID = risk.InSession, "laptop00"
			if got := says(t, risk.Travel, test.facts, usual); got != test.want {
				t.Errorf("travel says %v, want %v: %s", got, test.want, why(risk.Travel, test.facts))
			}
		})
	}
}

func TestTheOperatorSaysHowFastIsTooFast(t *testing.T) {
	slow := usual
	slow.Speed = 100
	if f := (risk.Facts{Here: tokyo, Person: seen(someone(lisbon), london, "laptop00", 20*time.Hour)}); !says(t, risk.Travel, f, slow) {
		t.Error("London to Tokyo in twenty hours is over 100 km/h")
	}
	near := usual
	near.Distance = 100
	if f := (risk.Facts{Here: porto, Person: seen(someone(tokyo), lisbon, "laptop00", time.Minute)}); says(t, risk.Travel, f, near) {
		t.Error("from Lisbon to Porto in a minute: no speed is made of less than a quarter of an hour")
	}
}

// What is behind one VPN and then another must not look like travel: only places
// that say where somebody is are kept to compare with.
func TestGEO04OnlyPlacesThatTellAreKeptAsSightings(t *testing.T) {
	var p risk.Profile
	for _, w := range []risk.Where{vpn, cloud, roaming(lisbon), named(lisbon), bare, home, unknown} {
		p.Learn(w, "laptop00", noon)
	}
	if len(p.Sightings) != 0 {
		t.Errorf("sightings = %+v, want none", p.Sightings)
	}
}

func TestTheSightingsOfABrowserAreItsLastThreePlaces(t *testing.T) {
	var p risk.Profile
	now := noon
	for _, w := range []risk.Where{london, lisbon, madrid, lisbon, tokyo, lisbon, lisbon} {
		now = now.Add(time.Hour)
		p.Learn(w, "laptop00", now)
	}
	p.Learn(milton, "phone000", now)
	var laptop []risk.Cell
	for _, s := range p.Sightings {
		if s.By == "laptop00" {
			laptop = append(laptop, s.Cell)
		}
	}
	if len(laptop) != 3 || laptop[0] != madrid.Cell || laptop[1] != tokyo.Cell || laptop[2] != lisbon.Cell || len(p.Sightings) != 4 {
		t.Errorf("sightings = %+v", p.Sightings)
	}
}
