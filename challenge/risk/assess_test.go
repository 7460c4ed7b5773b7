// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

func TestEachStateOfABrowserHasItsReason(t *testing.T) {
	for browser, want := range map[risk.Browser]risk.Reason{
		risk.Unknown:         risk.NewBrowser,
		risk.Lapsed:          risk.Expired,
		risk.SignedOut:       risk.Ended,
		risk.EndedByOperator: risk.Operator,
		risk.Remembered:      "",
		risk.InSession:       "",
	} {
		f := risk.Facts{Browser: browser, Here: lisbon, Person: someone(lisbon)}
		if got := risk.Assess(&f, &usual, noon); got.Said != risk.SetOf(want) || got.Asks != got.Said || got.Observed != 0 {
			t.Errorf("browser %d: %+v, want %q", browser, got, want)
		}
	}
}

func TestWhatTheReasonsLeadTo(t *testing.T) {
	set := risk.SetOf
	abroad := risk.Facts{Browser: risk.Unknown, Here: tokyo, Person: someone(lisbon)} // new_browser new_place new_network
	session := abroad
	session.Browser, session.From = risk.InSession, lisbon // new_place new_network
	lapsed := risk.Facts{Browser: risk.Lapsed, Here: lisbon, Person: someone(lisbon)}
	ended := risk.Facts{Browser: risk.EndedByOperator, Here: lisbon, Person: someone(lisbon)}
	stale := risk.Facts{Browser: risk.InSession, Here: lisbon, From: lisbon, Page: risk.Page{MaxAge: time.Minute}}
	table := map[string]struct {
		facts          risk.Facts
		policy         risk.Policy
		asks, observed risk.Set
	}{
		"the default asks for three of them": {abroad, usual, set(risk.NewBrowser, risk.NewPlace), 0},
		"with new_network it asks for that":  {abroad, risk.Policy{Places: true, Ask: set(risk.NewNetwork)}, set(risk.NewNetwork), 0},
		"always asks besides":                {abroad, risk.Policy{Ask: set(risk.Always)}, set(risk.Always), 0},
		"what is observed does not ask":      {abroad, risk.Policy{Places: true, Ask: usual.Ask, Observe: set(risk.NewPlace)}, set(risk.NewBrowser), set(risk.NewPlace)},
		"what is only observed is noted":     {abroad, risk.Policy{Places: true, Ask: set(risk.NewBrowser), Observe: set(risk.NewNetwork)}, set(risk.NewBrowser), set(risk.NewNetwork)},
		"where all is observed nothing asks": {abroad, risk.Policy{Places: true, Ask: usual.Ask, ObserveAll: true}, 0, set(risk.NewBrowser, risk.NewPlace)},
		"where nothing is to ask":            {abroad, risk.Policy{Places: true}, 0, 0},

		"new_browser covers a browser whose time is over":        {lapsed, usual, set(risk.Expired), 0},
		"so does observing it":                                   {lapsed, risk.Policy{Ask: usual.Ask, Observe: set(risk.NewBrowser)}, 0, set(risk.Expired)},
		"a browser whose time is over, without new_browser":      {lapsed, risk.Policy{}, 0, 0},
		"the operator's word always asks":                        {ended, risk.Policy{}, set(risk.Operator), 0},
		"the operator's word asks although it is observed":       {ended, risk.Policy{Observe: set(risk.Operator)}, set(risk.Operator), 0},
		"the operator's word does not ask where all is observed": {ended, risk.Policy{ObserveAll: true}, 0, set(risk.Operator)},
		"a sensitive page always asks":                           {stale, risk.Policy{}, set(risk.Sensitive), 0},
		"a sensitive page does not ask where all is observed":    {stale, risk.Policy{ObserveAll: true}, 0, set(risk.Sensitive)},

		"a session that is bound to nothing":                  {session, risk.Policy{Places: true, Ask: usual.Ask}, 0, 0},
		"a session that is bound to a place":                  {session, risk.Policy{Places: true, Bind: risk.BindPlace}, set(risk.NewPlace), 0},
		"a session that is bound to a network":                {session, risk.Policy{Places: true, Bind: risk.BindNetwork}, set(risk.NewPlace, risk.NewNetwork), 0},
		"a session that is bound to a place that is observed": {session, risk.Policy{Places: true, Bind: risk.BindPlace, Observe: set(risk.NewPlace)}, 0, set(risk.NewPlace)},
		"a session that is not asked at a sign-in":            {session, risk.Policy{Places: true, Ask: set(risk.Always, risk.NewNetwork)}, 0, 0},
	}
	for name, test := range table {
		t.Run(name, func(t *testing.T) {
			got := risk.Assess(&test.facts, &test.policy, noon)
			if got.Asks != test.asks || got.Observed != test.observed {
				t.Errorf("asks %v and observes %v, want %v and %v", got.Asks.Reasons(), got.Observed.Reasons(), test.asks.Reasons(), test.observed.Reasons())
			}
		})
	}
}

func TestASetKeepsTheMostTellingReasonFirst(t *testing.T) {
	s := risk.SetOf(risk.NewBrowser, risk.Travel, risk.NewPlace, risk.Never, "nonsense")
	if want := []risk.Reason{risk.Travel, risk.NewPlace, risk.NewBrowser}; !slices.Equal(s.Reasons(), want) || s.First() != risk.Travel {
		t.Errorf("%v, first %q, want %v", s.Reasons(), s.First(), want)
	}
	if s.Has(risk.Never) || risk.Set(0).First() != "" {
		t.Error("a word that names no reason is in a set")
	}
}

func TestGEO08EachRuleSaysWhy(t *testing.T) {
	bhutanese := someone(bhutan)
	table := map[string]struct {
		reason risk.Reason
		facts  risk.Facts
		want   string
	}{
		"a new country":                      {risk.NewPlace, risk.Facts{Here: tokyo, Person: someone(lisbon, london, porto)}, "Country JP is new; known are PT, GB."},
		"a new country, of one":              {risk.NewPlace, risk.Facts{Here: tokyo, Person: someone(lisbon)}, "Country JP is new; known is PT."},
		"a new country, of none":             {risk.NewPlace, risk.Facts{Here: tokyo, Person: someone()}, "Nothing is remembered of this person."},
		"near enough":                        {risk.NewPlace, risk.Facts{Here: linkoping, Person: someone(stockholm)}, "46 km from the nearest usual area, not over 500 km."},
		"far":                                {risk.NewPlace, risk.Facts{Here: on(madeira, 1), Person: someone(lisbon)}, "887 km from the nearest usual area, over 500 km."},
		"a wide radius":                      {risk.NewPlace, risk.Facts{Here: paro, Person: bhutanese}, "0 km from the nearest usual area, not over 500 km."},
		"a newcomer":                         {risk.NewPlace, risk.Facts{Here: milton, Person: newcomer(boston)}, "The person is new: all is usual for the first 14 days."},
		"an own network":                     {risk.NewPlace, risk.Facts{Browser: risk.Remembered, Here: madeira, Person: someone(lisbon)}, "The browser is known, and so is network AS3243."},
		"a named network":                    {risk.NewPlace, risk.Facts{Here: named(tokyo)}, "The operator named the network office."},
		"a new anonymiser":                   {risk.NewPlace, risk.Facts{Here: vpn, Person: someone(lisbon)}, "The anonymiser or data centre AS9009 is new for this person."},
		"a private network that is usual":    {risk.NewPlace, risk.Facts{Here: home, Person: someone(home)}, "A private network is usual for this person."},
		"an unknown place":                   {risk.NewPlace, risk.Facts{Here: unknown, Person: someone(lisbon)}, "An unknown place is new for this person."},
		"a country as a whole":               {risk.NewPlace, risk.Facts{Here: lisbon, Person: someone(bare)}, "Country PT is known as a whole."},
		"too fast":                           {risk.Travel, risk.Facts{Here: tokyo, Person: seen(someone(lisbon), london, "laptop00", 90*time.Minute)}, "9411 km in 1h30m is 6274 km/h, over 900 km/h."},
		"fast enough":                        {risk.Travel, risk.Facts{Here: tokyo, Person: seen(someone(lisbon), london, "laptop00", 20*time.Hour)}, "9411 km in 20h is 471 km/h, not over 900 km/h."},
		"no travel at all":                   {risk.Travel, risk.Facts{Here: linkoping, Person: seen(someone(lisbon), stockholm, "laptop00", time.Hour)}, "46 km from an earlier sighting, not over 500 km."},
		"a new network":                      {risk.NewNetwork, risk.Facts{Here: tokyo, Person: someone(lisbon)}, "Network AS2914 is new for this person."},
		"a network without a number":         {risk.NewNetwork, risk.Facts{Here: home, Person: someone(lisbon)}, "Network without a number is new for this person."},
		"a network that nothing is known of": {risk.NewNetwork, risk.Facts{Here: risk.Where{}, Person: someone(lisbon)}, "The network is not known."},
		"an old code":                        {risk.Sensitive, risk.Facts{Page: risk.Page{MaxAge: 30 * time.Minute}, Coded: noon.Add(-42 * time.Minute)}, "The last code is 42m old; the page allows 30m."},
		"a code from the future":             {risk.Sensitive, risk.Facts{Page: risk.Page{MaxAge: 30 * time.Minute}, Coded: noon.Add(42 * time.Minute)}, "The last code lies 42m in the future."},
		"a fresh code":                       {risk.Sensitive, risk.Facts{Page: risk.Page{MaxAge: 30 * time.Minute}, Coded: noon.Add(-time.Minute)}, "The last code is 1m old, under 30m."},
		"a code that use has kept fresh":     {risk.Sensitive, risk.Facts{Page: risk.Page{MaxAge: 30 * time.Minute, Extends: true}, Coded: noon.Add(-time.Hour), Confirmed: noon}, "The last code is 1h old, and use has kept it fresh."},
		"a renewed session":                  {risk.Sensitive, risk.Facts{Page: risk.Page{MaxAge: time.Hour}, Coded: noon, Renewed: true}, "The session was renewed without a code."},
		"a fresh passkey":                    {risk.Sensitive, risk.Facts{Page: risk.Page{MaxAge: 30 * time.Minute}, Coded: noon.Add(-time.Minute), ByPasskey: true}, "The last proof, a passkey, is 1m old, under 30m."},
		"an old passkey":                     {risk.Sensitive, risk.Facts{Page: risk.Page{MaxAge: 30 * time.Minute}, Coded: noon.Add(-42 * time.Minute), ByPasskey: true}, "The last proof, a passkey, is 42m old; the page allows 30m."},
		"a passkey from the future":          {risk.Sensitive, risk.Facts{Page: risk.Page{MaxAge: 30 * time.Minute}, Coded: noon.Add(42 * time.Minute), ByPasskey: true}, "The last proof, a passkey, lies 42m in the future."},
		"a passkey that use has kept fresh":  {risk.Sensitive, risk.Facts{Page: risk.Page{MaxAge: 30 * time.Minute, Extends: true}, Coded: noon.Add(-time.Hour), Confirmed: noon, ByPasskey: true}, "The last proof, a passkey, is 1h old, and use has kept it fresh."},
		"a session renewed after a passkey":  {risk.Sensitive, risk.Facts{Page: risk.Page{MaxAge: time.Hour}, Coded: noon, Renewed: true, ByPasskey: true}, "The session was renewed without the passkey."},
		"a page for whoever used a passkey":  {risk.Sensitive, risk.Facts{Coded: noon, ByPasskey: true}, "The page asks for no fresh code or passkey."},
		"an anonymiser":                      {risk.Travel, risk.Facts{Here: vpn, Person: someone(lisbon)}, "An anonymiser or a data centre has no place to travel from."},
		"an unknown browser":                 {risk.NewBrowser, risk.Facts{}, "The browser is not remembered for this person."},
	}
	for name, test := range table {
		t.Run(name, func(t *testing.T) {
			if got := why(test.reason, test.facts); got != test.want {
				t.Errorf("Why = %q, want %q", got, test.want)
			}
		})
	}
}

func TestExplainTellsWhatTheReasonsLeadTo(t *testing.T) {
	p := risk.Policy{Places: true, Ask: risk.SetOf(risk.NewBrowser, risk.NewPlace), Observe: risk.SetOf(risk.NewPlace)}
	f := risk.Facts{Browser: risk.Remembered, Here: lisbon, Person: someone(lisbon)}
	got := map[risk.Reason]risk.Effect{}
	for _, vote := range risk.Explain(&f, &p, noon) {
		got[vote.Reason] = vote.Effect
	}
	want := map[risk.Reason]risk.Effect{
		risk.Travel: risk.Off, risk.NewPlace: risk.Observed, risk.Operator: risk.Asks, risk.Ended: risk.Asks, risk.Expired: risk.Asks,
		risk.NewBrowser: risk.Asks, risk.NewNetwork: risk.Off, risk.Always: risk.Off, risk.Sensitive: risk.Asks,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func isSentence(s string) bool {
	return len(s) > 10 && len(s) < 120 && strings.HasSuffix(s, ".") && strings.ToUpper(s[:1]) == s[:1] && !strings.Contains(s, "%!") && !strings.Contains(s, "NaN")
}
