// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

func TestNewPlace(t *testing.T) {
	table := map[string]struct {
		facts risk.Facts
		want  bool
	}{
		"the usual city":                                 {risk.Facts{Here: london, Person: someone(london)}, false},
		"the usual city on another network":              {risk.Facts{Here: on(london, 5089), Person: someone(london)}, false},
		"another city less than 500 km away":             {risk.Facts{Here: linkoping, Person: someone(stockholm)}, false},
		"another city farther than 500 km":               {risk.Facts{Here: on(kiruna, 2119), Person: someone(stockholm)}, true},
		"the other end of a large country":               {risk.Facts{Here: milton, Person: someone(boston)}, true},
		"an island of the country":                       {risk.Facts{Here: madeira, Person: someone(lisbon)}, true},
		"another country":                                {risk.Facts{Here: tokyo, Person: someone(london)}, true},
		"another country just over the border":           {risk.Facts{Here: madrid, Person: someone(lisbon)}, true},
		"another country in a remembered browser":        {risk.Facts{Browser: risk.Remembered, Here: changchun, Person: someone(london)}, true},
		"another country on a network that is one's own": {risk.Facts{Browser: risk.Remembered, Here: on(tokyo, 20712), Person: someone(london)}, true},
		"another country on a mobile network":            {risk.Facts{Here: roaming(tokyo), Person: someone(london)}, true},
		"another country in the first days":              {risk.Facts{Here: tokyo, Person: newcomer(london)}, true},
		"one of two usual countries":                     {risk.Facts{Here: tokyo, Person: someone(london, tokyo)}, false},
		"Tokyo over IPv6 where Osaka over IPv4 is usual": {risk.Facts{Here: v6(tokyo), Person: someone(osaka)}, false},
		"Paro where Bhutan with its 534 km is usual":     {risk.Facts{Here: paro, Person: someone(bhutan)}, false},
		"Bhutan with its 534 km where Paro is usual":     {risk.Facts{Here: bhutan, Person: someone(paro)}, false},

		"far in the country in the first days":                      {risk.Facts{Here: milton, Person: newcomer(boston)}, false},
		"far in the country on a mobile network":                    {risk.Facts{Here: roaming(milton), Person: someone(boston)}, false},
		"far in the country on a known network, known browser":      {risk.Facts{Browser: risk.Remembered, Here: on(milton, 7922), Person: someone(boston)}, false},
		"far in the country on a known network, strange browser":    {risk.Facts{Here: on(milton, 7922), Person: someone(boston)}, true},
		"far in the country on a known network, browser signed out": {risk.Facts{Browser: risk.SignedOut, Here: on(milton, 7922), Person: someone(boston)}, true},
		"the country without coordinates":                           {risk.Facts{Here: bare, Person: someone(lisbon)}, false},
		"anywhere in a country that was learned as a whole":         {risk.Facts{Here: madeira, Person: someone(bare)}, false},
		"a network that the operator named":                         {risk.Facts{Here: named(tokyo), Person: someone(london)}, false},
		"a named network, of somebody new":                          {risk.Facts{Here: named(tokyo)}, false},

		"GEO-03 nowhere, after somewhere":           {risk.Facts{Here: unknown, Person: someone(lisbon)}, true},
		"GEO-03 nowhere, in the first days":         {risk.Facts{Here: unknown, Person: newcomer(lisbon)}, true},
		"GEO-03 nowhere, where that is usual":       {risk.Facts{Here: unknown, Person: someone(lisbon, unknown)}, false},
		"GEO-03 somewhere, where nowhere is usual":  {risk.Facts{Here: lisbon, Person: someone(unknown)}, true},
		"a private network, after somewhere":        {risk.Facts{Here: home, Person: someone(lisbon)}, true},
		"a private network, where that is usual":    {risk.Facts{Here: home, Person: someone(home)}, false},
		"nowhere, where a private network is usual": {risk.Facts{Here: unknown, Person: someone(home)}, true},

		"L-37 nothing is remembered":                                       {risk.Facts{Browser: risk.Remembered, Here: lisbon}, true},
		"L-37 an empty profile":                                            {risk.Facts{Browser: risk.Remembered, Here: lisbon, Person: &risk.Profile{}}, true},
		"a session from before places were remembered":                     {risk.Facts{Browser: risk.InSession, Here: lisbon}, false},
		"a session, where it comes from":                                   {risk.Facts{Browser: risk.InSession, Here: lisbon, From: lisbon}, false},
		"a session, far from where it comes from":                          {risk.Facts{Browser: risk.InSession, Here: on(madeira, 1), From: lisbon}, true},
		"a session, far from where it comes from on its network":           {risk.Facts{Browser: risk.InSession, Here: madeira, From: lisbon}, false},
		"a session, in another country than it comes from":                 {risk.Facts{Browser: risk.InSession, Here: tokyo, From: lisbon}, true},
		"a session, in another country that is usual":                      {risk.Facts{Browser: risk.InSession, Here: tokyo, From: lisbon, Person: someone(tokyo)}, false},
		"a session from a place that is not usual, there":                  {risk.Facts{Browser: risk.InSession, Here: tokyo, From: tokyo, Person: someone(lisbon)}, false},
		"a session from nowhere, nowhere":                                  {risk.Facts{Browser: risk.InSession, Here: unknown, From: unknown, Person: someone(lisbon)}, false},
		"a remembered browser is not excused by where a session came from": {risk.Facts{Browser: risk.Remembered, Here: tokyo, From: tokyo, Person: someone(lisbon)}, true},
	}
	for name, test := range table {
		t.Run(name, func(t *testing.T) {
			if got := says(t, risk.NewPlace, test.facts, usual); got != test.want {
				t.Errorf("new_place says %v, want %v: %s", got, test.want, why(risk.NewPlace, test.facts))
			}
		})
	}
}

func TestWithoutADatabaseOfPlacesTheyHaveNoSay(t *testing.T) {
	blind := usual
	blind.Places = false
	f := risk.Facts{Here: tokyo, Person: seen(someone(london), london, "laptop00", time.Hour)}
	if got := risk.Assess(&f, &blind, noon).Said; got.Has(risk.NewPlace) || got.Has(risk.Travel) {
		t.Errorf("said %v", got.Reasons())
	}
}

func TestTheOperatorSaysWhatIsFarAndHowLongOneIsNew(t *testing.T) {
	near, never := usual, usual
	near.Distance, never.Learning = 100, -1
	if !says(t, risk.NewPlace, risk.Facts{Here: porto, Person: someone(lisbon)}, near) {
		t.Error("Porto is over 100 km from Lisbon")
	}
	if !says(t, risk.NewPlace, risk.Facts{Here: milton, Person: newcomer(boston)}, never) {
		t.Error("a newcomer was excused where nobody is to be")
	}
}

// A wrong clock, or a record from one, must not leave somebody new for ever.
func TestAFirstEntryInTheFutureDoesNotMakeANewcomer(t *testing.T) {
	p := someone(boston)
	p.Since = noon.Add(400 * day).Unix()
	if !says(t, risk.NewPlace, risk.Facts{Here: milton, Person: p}, usual) {
		t.Error("the person counts as new")
	}
}

func TestRuling45AShadyNetworkThatIsNewIsANewPlaceInAnyCity(t *testing.T) {
	for name, f := range map[string]risk.Facts{
		"an anonymiser in the usual city":      {Browser: risk.Remembered, Here: vpn, Person: someone(lisbon)},
		"a data centre in the usual city":      {Browser: risk.Remembered, Here: cloud, Person: someone(lisbon)},
		"in the first days":                    {Here: vpn, Person: newcomer(lisbon)},
		"another one than the usual one":       {Here: cloud, Person: someone(lisbon, vpn)},
		"one whose network is otherwise usual": {Browser: risk.Remembered, Here: vpn, Person: someone(on(lisbon, vpn.ASN))},
		"during a session":                     {Browser: risk.InSession, Here: vpn, From: lisbon, Person: someone(lisbon)},
		"during a session from such a place":   {Browser: risk.InSession, Here: vpn, From: on(lisbon, vpn.ASN)},
	} {
		t.Run(name, func(t *testing.T) {
			if !says(t, risk.NewPlace, f, usual) {
				t.Error("new_place says nothing")
			}
		})
	}
	for name, f := range map[string]risk.Facts{
		"one that was learned":         {Here: vpn, Person: someone(lisbon, vpn)},
		"where the session comes from": {Browser: risk.InSession, Here: vpn, From: vpn},
		"one that the operator named":  {Here: named(vpn), Person: someone(lisbon)},
	} {
		if says(t, risk.NewPlace, f, usual) {
			t.Errorf("%s: new_place speaks", name)
		}
	}
}

func TestRuling45AShadyNetworkExcusesNothing(t *testing.T) {
	exit := vpn
	exit.Country, exit.Cell = tokyo.Country, tokyo.Cell
	if f := (risk.Facts{Browser: risk.Remembered, Here: tokyo, Person: someone(lisbon, exit)}); !says(t, risk.NewPlace, f, usual) {
		t.Error("a VPN with an exit in Japan made all of Japan usual")
	}
	f := risk.Facts{Browser: risk.Remembered, Here: on(madeira, vpn.ASN), Person: someone(lisbon, vpn)}
	if !says(t, risk.NewPlace, f, usual) {
		t.Error("the network of a VPN excused a place that is far")
	}
	if f.Here.ASN = cloud.ASN; !says(t, risk.NewNetwork, f, usual) {
		t.Error("new_network was excused")
	}
}

func TestRuling45KnownToUnknownIsAChange(t *testing.T) {
	if f := (risk.Facts{Browser: risk.InSession, Here: unknown, From: lisbon, Person: someone(lisbon)}); !says(t, risk.NewPlace, f, usual) {
		t.Error("a session that is suddenly nowhere goes on")
	}
}

func TestRuling45ANewCountryAlwaysAsks(t *testing.T) {
	for name, f := range map[string]risk.Facts{
		"in the first days":            {Browser: risk.Remembered, Here: tokyo, Person: newcomer(lisbon)},
		"on a mobile network":          {Browser: risk.Remembered, Here: roaming(tokyo), Person: someone(lisbon)},
		"on a network that is known":   {Browser: risk.Remembered, Here: on(tokyo, lisbon.ASN), Person: someone(lisbon)},
		"without coordinates":          {Browser: risk.Remembered, Here: risk.Where{Country: "JP"}, Person: someone(lisbon)},
		"during a session":             {Browser: risk.InSession, Here: tokyo, From: lisbon, Person: someone(lisbon)},
		"during a session without any": {Browser: risk.InSession, Here: tokyo, Person: someone(lisbon)},
	} {
		if got := risk.Assess(&f, &usual, noon).Asks; !got.Has(risk.NewPlace) {
			t.Errorf("%s: asks %v", name, got.Reasons())
		}
	}
}

func TestRuling45InTheFirstFortnightKnownCountriesAndNetworksDoNotAsk(t *testing.T) {
	f := risk.Facts{Browser: risk.Remembered, Here: milton, Person: newcomer(boston)}
	said := risk.Assess(&f, &usual, noon).Said
	if said.Has(risk.NewPlace) || said.Has(risk.NewNetwork) {
		t.Errorf("said %v on the second day", said.Reasons())
	}
	said = risk.Assess(&f, &usual, noon.Add(13*day-time.Second)).Said
	if said.Has(risk.NewPlace) || said.Has(risk.NewNetwork) {
		t.Errorf("said %v on the last day", said.Reasons())
	}
	said = risk.Assess(&f, &usual, noon.Add(13*day)).Said
	if !said.Has(risk.NewPlace) || !said.Has(risk.NewNetwork) {
		t.Errorf("said only %v after a fortnight", said.Reasons())
	}
}

func TestRuling45SwitchingBetweenTwoLearnedPlacesNeverAsks(t *testing.T) {
	p := someone(london, tokyo)
	now := noon
	for range 20 {
		for _, w := range []risk.Where{london, tokyo, v6(london), v6(tokyo)} {
			now = now.Add(20 * time.Minute)
			f := risk.Facts{Browser: risk.Remembered, ID: "laptop00", Here: w, Person: p}
			if asks := risk.Assess(&f, &usual, now).Asks; asks != 0 {
				t.Fatalf("asks %v", asks.Reasons())
			}
			p.Touch(w, "laptop00", now)
		}
	}
}

func why(r risk.Reason, f risk.Facts) string {
	for _, vote := range risk.Explain(&f, &usual, noon) {
		if vote.Reason == r {
			return vote.Why
		}
	}
	return ""
}
