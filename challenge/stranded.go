// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// settling is how long the secret before counts after a new one was made: at most
// as long as with the store at hand, whatever other machines were shown since.
const settling = time.Minute

// A stranding is how a remembered browser was admitted while the store was away, kept by
// its cookie, so that its next request costs no more than one in a session.
type stranding struct {
	person   id
	known    *acquaintance
	familiar *familiar
	who      Identity
	claim    devices.Claim
	audience string
	named    bool // an earlier step had named them
}

// stranded admits a remembered browser while the store does not answer, by what
// this process has seen of it, if a renewal would admit it. Nothing is written or
// signed, and the browser keeps its cookies. fault is what the store said, nil
// before it was asked: one that did not answer the last look is not asked for
// whoever can do without it.
func (g *Gate) stranded(ctx context.Context, v *Visit, who Identity, claim devices.Claim, fault error) (Verdict, bool) {
	if !g.strands(ctx, fault) {
		return Verdict{}, false
	}
	p := &stranding{person: g.house.personID(who.Email), who: who, claim: claim, audience: v.Audience, named: v.Earlier != nil}
	p.known, p.familiar = g.house.known.browser(p.person, claim.ID)
	if p.familiar == nil {
		return Verdict{}, false
	}
	verdict, ok := g.strand(ctx, v, p)
	if ok {
		g.house.known.stranded.Set(strings.Clone(v.Device), p) // or its whole line would stay with it
	}
	return verdict, ok
}

// strandedStill does the same for a browser that was admitted so before.
func (g *Gate) strandedStill(ctx context.Context, v *Visit) (Verdict, bool) {
	if !g.strands(ctx, nil) {
		return Verdict{}, false
	}
	p, ok := g.house.known.stranded.GetIfPresent(v.Device)
	if !ok || !p.fits(v) || !g.house.known.still(p) {
		return Verdict{}, false
	}
	return g.strand(ctx, v, p)
}

// fits reports whether the cookie of a stranding says the same to this visit: see
// claimOf, and what the cookie is sealed to.
func (p *stranding) fits(v *Visit) bool {
	return p.audience == v.Audience && p.named == (v.Earlier != nil) && (!p.named || v.Earlier.same(p.who)) && v.Now.Unix() < p.claim.Expires
}

func (g *Gate) strand(ctx context.Context, v *Visit, p *stranding) (Verdict, bool) {
	f := p.familiar
	if !g.trusts(f, p.claim.Generation, v.Now) || g.unproved(&f.Record, v) || v.Page.MaxAge > 0 { // no code is fresh that is not asked for
		return Verdict{}, false
	}
	live, ok := g.strandedLive(v, p.who, f)
	if !ok || g.wantsPasskey(v, live) {
		return Verdict{}, false
	}
	a := live.admission(g)
	if a == nil || !a.holds(v) {
		a = g.admission(v, live)
	}
	if a == nil || !a.right.Allowed {
		return Verdict{}, false
	}
	s := g.strandedSight(v, a, p.known, f)
	if s.barred || s.said.Asks != 0 {
		return Verdict{}, false
	}
	verdict := Verdict{Decision: Pass, Identity: a.Identity, Admission: a, Observed: s.said.Observed, Placed: s.placed}
	if !f.told.Swap(true) {
		g.log(ctx, v, Event{Name: Stranded, Address: p.who.Email, Source: p.who.Source, User: p.who.User, Session: live.ID.Public()})
	}
	g.logVerdict(ctx, v, verdict, FactorBrowser, s.grounds)
	return verdict, true
}

// strands reports whether the store is away, and remembered browsers may do without
// it. A visitor who hangs up, a damaged record and a house that closes are no store
// that is away.
func (g *Gate) strands(ctx context.Context, fault error) bool {
	if g.policy.OnStoreFailure != AllowKnownBrowsers {
		return false
	}
	if fault == nil {
		fault = g.house.outage.now()
	}
	return fault != nil && ctx.Err() == nil && !errors.Is(fault, errUnreadable) && !errors.Is(fault, ErrClosed)
}

// trusts reports whether a browser that brings a secret is still remembered, as
// far as this process knows. A secret that it has not seen is none.
func (g *Gate) trusts(f *familiar, generation int, now time.Time) bool {
	if g.standing(&f.Record, now) != risk.Remembered || f.Over(longestMemory, longestMemory, now) || g.house.parted(f) {
		return false
	}
	switch f.Judge(generation, now) {
	case devices.Current:
		return generation == f.Generation
	case devices.Previous:
		return now.Before(time.Unix(f.Used, 0).Add(settling))
	default:
		return false
	}
}

// parted reports whether a browser, or what was seen of it, is known to be over.
func (h *House) parted(f *familiar) bool {
	count := h.ends.count.Load()
	switch {
	case f.renewed.Load():
		return true
	case f.checked.Load() == count+1:
		return false
	case h.ends.over(f.Session, f.ID):
		return true
	}
	f.checked.Store(count + 1)
	return false
}

// strandedLive stands for the session that a browser had last, so that whoever ends
// that ends this.
func (g *Gate) strandedLive(v *Visit, who Identity, f *familiar) (*Live, bool) {
	if l := f.live.Load(); l != nil && l.Audience == v.Audience && v.Now.Before(l.Expires) {
		return l, true
	}
	s := g.session(v, who, f.ID, time.Unix(f.Coded, 0), v.Now)
	if s.ID.UnmarshalText([]byte(f.Session)) != nil {
		return nil, false
	}
	l := newLive(s, g.house.flushes.Load())
	l.stranded = true
	f.live.Store(l)
	return l, true
}

// strandedSight judges where a visit comes from as a renewal would, and then as the
// session that it makes would be, by the places that the person was seen to use.
func (g *Gate) strandedSight(v *Visit, a *Admission, known *acquaintance, f *familiar) *sighting {
	if s := a.sighted(v); s != nil {
		return s
	}
	spot := g.spotOf(v.IP)
	s := &sighting{ip: v.IP, barred: g.bars(spot), until: v.Now.Add(doubtedFor).UnixNano()}
	if g.placed != nil {
		s.placed = g.placed(spot.place)
	}
	here := g.where(spot)
	renewal := risk.Facts{Browser: risk.Remembered, ID: f.ID, Here: here, Person: &known.places}
	s.said = risk.Assess(&renewal, &g.policy.Risk, v.Now)
	session := risk.Facts{Browser: risk.InSession, ID: f.ID, Here: here, Person: &known.places, Coded: a.Live.AuthTime, Renewed: true}
	if vouches(s.said) {
		session.From = here
	}
	then := risk.Assess(&session, &g.policy.Risk, v.Now)
	s.said.Asks |= then.Asks
	s.said.Observed |= then.Observed
	grounds := g.groundsOf(&renewal, a.Identity.Email, a.Live.AuthTime, v.Now)
	s.grounds = &grounds
	a.keep(s)
	return s
}
