// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"math"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// Grounds are what a decision went by, whatever the gate makes of it: by them it can be
// judged again under another policy.
type grounds struct {
	held  risk.Set
	facts DecisionFacts
}

// anyReason has every rule speak that can.
var anyReason = risk.SetOf(Travel, NewPlace, NewBrowser, NewNetwork, Always)

// leastGap is the shortest time that a speed is made of, as in package risk.
const leastGap = 15 * time.Minute

// groundsOf judges facts with everything only observed. coded is when the person's last
// code was entered; before 1970 where that is not known.
func (g *Gate) groundsOf(f *risk.Facts, who Email, coded, now time.Time) grounds {
	all := g.policy.Risk
	all.Ask, all.ObserveAll, all.Bind = anyReason, true, risk.BindNetwork
	e := grounds{held: risk.Assess(f, &all, now).Said, facts: DecisionFacts{Domain: who.Domain()}}
	if coded.Unix() > 0 {
		e.facts.Since = max(now.Sub(coded), 0)
	}
	from, known := lastPlace(f)
	if !known {
		return e
	}
	km, _ := risk.Distance(from, f.Here)
	e.facts.Distance = int(math.Round(km))
	if e.facts.Since > 0 {
		e.facts.Speed = int(math.Round(km / max(e.facts.Since, leastGap).Hours()))
	}
	return e
}

// lastPlace is where the last code was entered, as far as that is remembered: where the
// session began, or else where the person was seen last.
func lastPlace(f *risk.Facts) (from risk.Where, known bool) {
	if f.From.Cell != 0 {
		return f.From, true
	}
	if f.Person.Empty() || len(f.Person.Sightings) == 0 {
		return risk.Where{}, false
	}
	last := f.Person.Sightings[0]
	for _, s := range f.Person.Sightings {
		if s.At > last.At {
			last = s
		}
	}
	return risk.Where{Cell: last.Cell, Radius: last.Radius}, true
}

// findGrounds finds what a decision went by that did not bring it along. The person's
// record is read for it, once for each decision that the operator is told of, but not
// where the gate makes nothing of places and networks, the store is away, or an earlier
// step's word lets somebody in. What it would say is then left out.
func (g *Gate) findGrounds(ctx context.Context, v *Visit, d *Verdict) grounds {
	var p person
	looked := d.Identity.Email == ""
	if !looked && g.judges() && g.house.outage.now() == nil && (d.Admission == nil || d.Admission.Live.kept()) {
		var err error
		p, err = read[person](ctx, g.house.store, g.house.personKey(d.Identity.Email))
		looked = err == nil
	}
	e := g.groundsWith(v, d, &p)
	if !looked {
		e.held &^= risk.SetOf(NewPlace, Travel, NewNetwork)
	}
	return e
}

func (g *Gate) groundsWith(v *Visit, d *Verdict, p *person) grounds {
	here := g.spotOf(v.IP)
	if d.Admission != nil && d.Admission.Live.kept() {
		live := d.Admission.Live
		return g.groundsOf(g.inSession(v, live, here, p), Email(live.Email), live.AuthTime, v.Now)
	}
	f := risk.Facts{Browser: standings[d.Reason], Here: g.where(here), Person: &p.Places, Page: v.Page}
	return g.groundsOf(&f, d.Identity.Email, time.Unix(p.Last, 0), v.Now)
}

// inSession are the facts of a visit in a session.
func (g *Gate) inSession(v *Visit, live *Live, here spot, p *person) *risk.Facts {
	f := &risk.Facts{
		Browser: risk.InSession, ID: live.teacher(), Here: g.where(here), From: live.from.at(g), Person: &p.Places, Page: v.Page,
		Coded: live.AuthTime, Renewed: live.renewed(), Recovered: live.recovered(),
	}
	if at := live.lastFresh.Load(); at != 0 {
		f.Confirmed = time.Unix(0, at)
	}
	return f
}

// standingOf is how the browser of a cookie is known before a code is entered in it.
func (g *Gate) standingOf(p *person, claim devices.Claim, v *Visit, now time.Time) risk.Browser {
	if claim.ID == "" {
		return risk.Unknown
	}
	return g.presented(p.device(claim.ID), claim, v, now)
}
