// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// What was learned before there was a database of places says nothing of them: a
// session goes on when one is set up, and a remembered browser is asked once.
func TestADatabaseThatIsSetUpLaterCallsNobodyFarAway(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	blind := risk.Where{Net: "abcdefgh", Blind: true}
	var p risk.Profile
	p.Learn(blind, "browser1", now.Add(-100*24*time.Hour))
	here := risk.Where{Country: "PT", Net: "abcdefgh"}
	policy := risk.Policy{Ask: risk.SetOf(risk.NewPlace, risk.Travel), Bind: risk.BindPlace, Places: true}
	judge := func(f risk.Facts) risk.Set {
		f.Here, f.Person = here, &p
		return risk.Assess(&f, &policy, now).Asks
	}
	if got := judge(risk.Facts{Browser: risk.InSession, From: blind}); got != 0 {
		t.Errorf("in a session from before: %v asks", got.Reasons())
	}
	if got := judge(risk.Facts{Browser: risk.Remembered, ID: "browser1"}); !got.Has(risk.NewPlace) {
		t.Error("a remembered browser whose places nobody knows is let in")
	}
	p.Learn(here, "browser1", now)
	if got := judge(risk.Facts{Browser: risk.Remembered, ID: "browser1"}); got != 0 {
		t.Errorf("after a code: %v asks", got.Reasons())
	}
}
