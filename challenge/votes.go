// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// Votes tells what each rule says of a visit, and why, by the facts that Admit
// would go by. It changes nothing. It is for operators: the sentences tell what
// would pass.
//
// Who may pass, and from which countries, is no rule; Admit's verdict says that.
func (g *Gate) Votes(ctx context.Context, v *Visit) ([]risk.Vote, error) {
	at, err := g.vantage(ctx, v)
	if err != nil {
		return nil, err
	}
	return append(risk.Explain(&at.facts, &g.policy.Risk, v.Now), g.ownVotes(v, &at)...), nil
}

// vantage finds what a visit is judged by: its session, else the browser that made it,
// else what an earlier step says.
func (g *Gate) vantage(ctx context.Context, v *Visit) (at vantage, err error) {
	at.facts = risk.Facts{Browser: risk.Unknown, Here: g.where(g.spotOf(v.IP)), Page: v.Page}
	if v.Session != "" {
		live, _, err := g.live(ctx, v)
		switch {
		case errors.Is(err, ErrUnavailable):
			return at, err
		case err == nil && live.isOf(v):
			return g.vantageOfLive(ctx, v, live)
		case err != nil:
			at.facts.Browser, at.unproved = standings[reasonOf(err)], errors.Is(err, errUnproved)
		}
	}
	named := v.Earlier != nil && v.Earlier.Email != "" && !g.asksGuests()
	if claim, ok := claimOf(g.house.claims(v), v); ok && !g.always() && g.access.Load().Judge(Email(claim.Address), v.Now).Allowed {
		known, renews, err := g.vantageOfBrowser(ctx, v, claim)
		if err != nil || renews || !named {
			return known, err
		}
	}
	if named {
		return g.vantageOfLive(ctx, v, g.guest(v))
	}
	return at, nil
}

// standings are what a browser is whose session is over.
var standings = map[Reason]risk.Browser{Expired: risk.Lapsed, Ended: risk.SignedOut, Operator: risk.EndedByOperator}

// vantageOfBrowser is that of a browser that is to be renewed. Where nothing keeps
// it from its next session, that is judged too, and at once.
func (g *Gate) vantageOfBrowser(ctx context.Context, v *Visit, claim devices.Claim) (at vantage, renews bool, err error) {
	at.facts = risk.Facts{Here: g.where(g.spotOf(v.IP)), ID: claim.ID}
	p, err := read[person](ctx, g.house.store, g.house.personKey(Email(claim.Address)))
	if err != nil {
		return at, false, unavailable(err)
	}
	p.tidy(v.Now)
	d := p.device(claim.ID)
	facts := &at.facts
	facts.Browser, facts.Person = g.presented(d, claim, v, v.Now), &p.Places
	facts.Keyless = facts.Browser == risk.Lapsed && g.keyless(d, v.Now)
	at.unproved = facts.Browser == risk.Unknown
	said := risk.Assess(facts, &g.policy.Risk, v.Now)
	renews = facts.Browser == risk.Remembered && said.Asks == 0
	if renews {
		who := Identity{Source: claim.Source, User: claim.User, Email: Email(claim.Address)}
		live := newLive(g.renewal(v, who, d, said, v.Now), g.house.flushes.Load())
		live.held.Store(holdOf(&d.Bound))
		next, err := g.vantageOfLive(ctx, v, live)
		if err != nil || risk.Assess(&next.facts, &g.policy.Risk, v.Now).Asks&^risk.SetOf(Sensitive) != 0 {
			return next, true, err
		}
		at.live = live
	}
	facts.Page = v.Page
	if d != nil {
		facts.Coded, facts.Renewed, facts.ByPasskey = time.Unix(d.Coded, 0), true, slices.Contains(d.Proof, methodPresent)
	}
	return at, renews, nil
}

// vantageOfLive is that of a session, or of an earlier step's word.
func (g *Gate) vantageOfLive(ctx context.Context, v *Visit, live *Live) (vantage, error) {
	facts, err := g.factsOfLive(ctx, v, live)
	facts.ByPasskey = live.byPasskey
	return vantage{facts: facts, live: live}, err
}

// factsOfLive are those of a session, or of an earlier step's word. The record of
// the person is looked at where it can change something, as in sight.
func (g *Gate) factsOfLive(ctx context.Context, v *Visit, live *Live) (risk.Facts, error) {
	facts, _, err := g.weigh(ctx, v, live, g.spotOf(v.IP))
	if err != nil {
		return facts, err
	}
	facts.Page = v.Page
	if at := live.lastFresh.Load(); at != 0 {
		facts.Confirmed = time.Unix(0, at)
	}
	return facts, nil
}

// weigh gathers what a session at a place is judged by. The record of the person
// is looked at, and what is found holds only for a while, unless the session's own
// place says all: adding what is usual for the person only takes reasons away. An
// earlier step's word alone has neither a browser nor a code.
func (g *Gate) weigh(ctx context.Context, v *Visit, live *Live, s spot) (facts risk.Facts, looked bool, err error) {
	facts = risk.Facts{Browser: risk.Unknown, Here: g.where(s)}
	sure := !live.kept()
	if live.kept() {
		facts = risk.Facts{
			Browser: risk.InSession, ID: live.teacher(), Here: facts.Here, From: live.from.at(g), Coded: live.AuthTime,
			Renewed: live.renewed(), Recovered: live.recovered(),
		}
		sure = facts.From != risk.Where{} && facts.From.Name == "" && !(facts.From.Blind && g.policy.Risk.Places)
	}
	if said := risk.Assess(&facts, &g.policy.Risk, v.Now); sure && said.Asks|said.Observed == 0 || !g.judges() || live.Email == "" {
		return facts, false, nil
	}
	p, err := read[person](ctx, g.house.store, g.house.personKey(Email(live.Email)))
	if err != nil {
		return facts, false, unavailable(err)
	}
	facts.Person = &p.Places
	return facts, true, nil
}

// judges reports whether the gate makes anything of places and networks.
func (g *Gate) judges() bool {
	p := &g.policy.Risk
	of := risk.SetOf(NewNetwork)
	if p.Places {
		of = risk.SetOf(NewPlace, Travel, NewNetwork)
	}
	return p.Bind == risk.BindNetwork || p.Bind == risk.BindPlace && p.Places || (p.Ask|p.Observe)&of != 0 || p.ObserveAll
}

// isOf reports whether a session is one of the identity that a visit speaks for.
func (l *Live) isOf(v *Visit) bool {
	return v.Earlier == nil || v.Earlier.same(Identity{Source: l.Source, User: l.User, Email: Email(l.Email)})
}

// asksGuests reports whether an earlier step's word never does without a code.
func (g *Gate) asksGuests() bool {
	p := &g.policy.Risk
	return (p.Ask &^ p.Observe).Has(NewBrowser) || g.always()
}

// presented is how a browser is known by the secret and the key that it brings, as in
// reenter.
func (g *Gate) presented(d *devices.Record, claim devices.Claim, v *Visit, now time.Time) risk.Browser {
	standing := g.standing(d, now)
	if standing == risk.Remembered && g.unproved(d, v) {
		return risk.Unknown
	}
	if standing == risk.Remembered && d.Judge(claim.Generation, now) == devices.Stale {
		return risk.SignedOut
	}
	return standing
}
