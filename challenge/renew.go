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
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// claims opens a device cookie. One that does not open is no cookie.
func (h *House) claims(v *Visit) devices.Claims {
	if v.Device == "" {
		return nil
	}
	plain, err := h.ring.OpenString(labelDevice, v.Device, []byte(v.Audience))
	if err != nil {
		return nil
	}
	claims, err := devices.Parse(plain)
	if err != nil {
		return nil
	}
	return claims
}

func (h *House) sealClaims(v *Visit, c devices.Claims) string {
	return h.ring.SealString(labelDevice, c.Encode(), []byte(v.Audience))
}

// Remembers reports whether the browser would let somebody in without a code. It
// changes nothing.
func (g *Gate) Remembers(ctx context.Context, v *Visit) bool {
	claim, ok := claimOf(g.house.claims(v), v)
	if !ok {
		return false
	}
	p, err := read[person](ctx, g.house.store, g.house.personKey(Email(claim.Address)))
	if err != nil {
		return true // nobody is told that they are out when that is not known
	}
	d := p.device(claim.ID)
	return d != nil && !d.Ended
}

// Recognises reports whether the browser's cookie remembers an address, so that a
// form can be filled in as the person left it.
func (g *Gate) Recognises(v *Visit, e Email) bool {
	source, user := "", ""
	if v.Earlier != nil {
		source, user = v.Earlier.Source, v.Earlier.User
	}
	_, ok := g.house.claims(v).Find(string(e), source, user, v.Now)
	return ok
}

// claimOf finds whom a remembered browser stands for. Where visitors type an
// address, that is only the person who used it last: a browser that two share
// must not let the other in when one signs out.
func claimOf(c devices.Claims, v *Visit) (devices.Claim, bool) {
	if v.Earlier != nil {
		return c.Find(string(v.Earlier.Email), v.Earlier.Source, v.Earlier.User, v.Now)
	}
	if len(c) == 0 || c[0].Source != "" || c[0].Asleep {
		return devices.Claim{}, false
	}
	return c[0], v.Now.Unix() < c[0].Expires
}

// renew makes a session for a remembered browser. It also returns what the decision
// went by, where it found that.
func (g *Gate) renew(ctx context.Context, v *Visit, verdict Verdict) (Verdict, *grounds) {
	if pass, ok := g.strandedStill(ctx, v); ok {
		return pass, nil
	}
	claims := g.house.claims(v)
	claim, ok := claimOf(claims, v)
	if v.Earlier == nil {
		verdict.Remembered = Email(claim.Address)
	}
	if !ok {
		return verdict, nil
	}
	who := Identity{Source: claim.Source, User: claim.User, Email: Email(claim.Address)}
	if !g.access.Load().Judge(who.Email, v.Now).Allowed {
		return verdict, nil
	}
	if pass, ok := g.stranded(ctx, v, who, claim, nil); ok {
		return pass, nil
	}
	entry, said, err := g.reenter(ctx, v, who, claim)
	if err != nil {
		if pass, ok := g.stranded(ctx, v, who, claim, err); ok {
			return pass, nil
		}
		g.log(ctx, v, Event{Name: StoreFailed, Err: err})
		return Verdict{Decision: Unavailable}, nil
	}
	verdict.Observed = said.Observed
	if entry.unproved {
		verdict.Reason, verdict.Remembered = Unproved, ""
		return verdict, &entry.grounds
	}
	if entry.session.Email == "" {
		verdict.ByOperator, verdict.Keyless = said.Said.Has(Operator), entry.keyless
		verdict.Reason = said.Said.First()
		if said.Asks != 0 {
			verdict.Reason = said.Asks.First()
		}
		return verdict, &entry.grounds
	}
	token, live, err := g.open(entry.session, entry.generation, entry.since, v.Now)
	if err != nil {
		g.log(ctx, v, Event{Name: StoreFailed, Address: who.Email, Err: err})
		return Verdict{Decision: Unavailable}, nil
	}
	live.held.CompareAndSwap(nil, entry.key) // open may have met it since the record was read
	var pass Verdict
	if known, _ := g.judge(ctx, v, live, v.Now, &pass); !known {
		return verdict, &entry.grounds
	}
	g.house.streams.goOn(live)
	g.log(ctx, v, Event{Name: Renewed, Address: who.Email, Source: who.Source, User: who.User, Session: live.ID.Public()})
	if pass.Observed |= said.Observed; pass.Decision == Pass || !g.policy.Risk.ObserveAll { // see wave
		g.logVerdict(ctx, v, pass, FactorBrowser, &entry.grounds)
	}
	pass.SetSession = token
	claim.Generation, claim.Expires = entry.generation, entry.expires.Unix()
	pass.SetDevice = g.house.sealClaims(v, claims.With(claim))
	return pass, &entry.grounds
}

// A reentry is what a remembered browser is given.
type reentry struct {
	session    sessions.Session // without an address when there is none
	generation int
	since      uint64 // see newLive
	expires    time.Time
	grounds    grounds
	key        *hold // that the browser has proved
	unproved   bool  // it has not proved the one that it has
	keyless    bool  // it counts for nothing since it has none
}

// reenter judges a remembered browser, spends its secret and puts a session on
// the person's list. The tabs that a browser restores at once share one session.
func (g *Gate) reenter(ctx context.Context, v *Visit, who Identity, claim devices.Claim) (entry reentry, said risk.Judgement, err error) {
	since := g.house.flushes.Load()
	var gone []sessionEntry
	var replayed, warns bool
	var seen *person
	var grounds grounds
	look := g.house.glance(who.Email)
	here := g.where(g.spotOf(v.IP))
	err = change(ctx, g.house.store, g.house.personKey(who.Email), func(p *person, now time.Time) error {
		entry, gone, replayed, warns, seen = reentry{}, nil, false, false, p
		p.tidy(now)
		d := p.device(claim.ID)
		facts := risk.Facts{Browser: g.standing(d, now), ID: claim.ID, Here: here, Person: &p.Places}
		entry.keyless = g.keyless(d, now)
		if facts.Browser == risk.Remembered && g.unproved(d, v) {
			// Whoever has only a copy must not end what it is a copy of either.
			facts.Browser, entry.unproved, warns = risk.Unknown, true, d.Bound.Warn(warnEvery, now)
		}
		if facts.Browser == risk.Remembered && d.Judge(claim.Generation, now) == devices.Stale {
			facts.Browser, replayed = risk.SignedOut, true
			gone = p.endBrowser(d.ID, now)
		}
		said = risk.Assess(&facts, &g.policy.Risk, now)
		facts.Page = v.Page
		grounds = g.groundsOf(&facts, who.Email, time.Unix(p.Last, 0), now)
		if p.Settings.Always {
			said.Asks |= risk.SetOf(Always)
		}
		if facts.Browser != risk.Remembered || said.Asks != 0 {
			if !replayed && !warns {
				return errUnchanged // asked on every request until the code is there: nothing is written
			}
			return nil
		}
		p.Places.Touch(here, claim.ID, now)
		entry, gone, err = g.resume(v, who, p, d, claim.Generation, said, now)
		entry.since, entry.key = since, holdOf(&d.Bound)
		return err
	})
	if errors.Is(err, errUnchanged) {
		look.saw(seen)
		entry.grounds = grounds
		return entry, said, nil
	}
	if err == nil {
		look.saw(seen)
		g.tellOfEviction(who.Email, seen.Out)
	}
	entry.grounds = grounds
	err = g.house.endWith(ctx, g.house.personID(who.Email), err, gone)
	if replayed {
		g.log(ctx, v, Event{Name: DeviceReplayed, Address: who.Email, User: who.User, Source: who.Source})
	}
	if warns && err == nil {
		g.tellUnproved(ctx, v, who, claim.ID, "")
	}
	return entry, said, err
}

// standing is how a browser with a record, or without, is known.
func (g *Gate) standing(d *devices.Record, now time.Time) risk.Browser {
	switch {
	case d == nil || g.forgets(d, now) || g.keyless(d, now):
		return risk.Lapsed
	case d.ByOperator || g.house.ends.of(d.ID).Operator:
		return risk.EndedByOperator
	case d.Ended || g.house.ends.lost(d.ID): // the record may be one that came back
		return risk.SignedOut
	default:
		return risk.Remembered
	}
}

// keyless reports whether a browser that is remembered counts for nothing since it has no
// key, which the gate requires.
func (g *Gate) keyless(d *devices.Record, now time.Time) bool {
	return d != nil && d.Bound.Held == 0 && g.policy.Session.DeviceBound == BoundRequired && !g.forgets(d, now)
}

// resume gives a remembered browser its next session. gone are those that it
// takes the place of.
func (g *Gate) resume(v *Visit, who Identity, p *person, d *devices.Record, generation int, said risk.Judgement, now time.Time) (entry reentry, gone []sessionEntry, err error) {
	s, secret := g.renewal(v, who, d, said, now), d.Judge(generation, now)
	if shared, lives := p.session(d.Session, now); lives && secret == devices.Previous {
		s.Issued, s.Expires = time.Unix(shared.Made, 0), time.Unix(shared.Ends, 0)
		entry = reentry{session: s, generation: d.Generation, expires: g.rememberedUntil(d)}
		return entry, nil, entry.session.ID.UnmarshalText([]byte(d.Session))
	}
	if secret == devices.Current {
		d.Rotate(generation)
	}
	before := d.Session
	g.house.nameOn(p, who.Email)
	d.Session, d.Used, d.Seen = s.ID.String(), now.Unix(), g.seenFrom(v, d.ID)
	entry.session, entry.generation, entry.expires = s, d.Generation, g.rememberedUntil(d)
	gone = p.dropOf(d.ID)
	if !slices.ContainsFunc(gone, func(s sessionEntry) bool { return s.ID == before }) {
		gone = append(gone, g.house.known.renewed(before, d.ID, now)...)
	}
	for i := range gone {
		gone[i].Next = entryOf(s).ID
	}
	gone = append(gone, p.add(entryOf(s), g.policy.Session.Max)...)
	gone = append(gone, p.remember(*d, g.policy.Devices.Max, now)...)
	return entry, gone, nil
}

// renewal is the session that a remembered browser is given.
func (g *Gate) renewal(v *Visit, who Identity, d *devices.Record, said risk.Judgement, now time.Time) sessions.Session {
	s := g.session(v, who, d.ID, time.Unix(d.Coded, 0), now)
	if len(d.Proof) > 0 {
		s.Methods = d.Proof
	}
	if s.Place = ""; vouches(said) {
		s.Place = beginning{g.where(g.spotOf(v.IP)), g.id}.text()
	}
	return s
}

// vouches reports whether a session that begins so may count its place as usual.
func vouches(said risk.Judgement) bool { return said.Observed&risk.SetOf(NewPlace, Travel) == 0 }

// forgets reports whether a browser is no longer remembered at this gate.
func (g *Gate) forgets(d *devices.Record, now time.Time) bool {
	return d.Over(g.policy.Devices.Idle, g.policy.Devices.Most, now)
}

// rememberedUntil is when a browser will have to prove itself again.
func (g *Gate) rememberedUntil(d *devices.Record) time.Time {
	idle := time.Unix(d.Used, 0).Add(g.policy.Devices.Idle)
	most := time.Unix(d.Coded, 0).Add(g.policy.Devices.Most)
	if most.Before(idle) {
		return most
	}
	return idle
}

// settleSecret notes that the browser holds its new secret. From now on the time of
// the secret before it runs out; after that, whoever brings it has a copy.
func (g *Gate) settleSecret(ctx context.Context, v *Visit, live *Live, generation int64) {
	claim, ok := g.house.claims(v).Find(live.Email, live.Source, live.User, v.Now)
	if !ok || claim.ID != live.Browser || int64(claim.Generation) != generation {
		return // a request that was under way when the secret was replaced
	}
	if !live.awaits.CompareAndSwap(generation, 0) {
		return
	}
	err := change(ctx, g.house.store, g.house.personKey(Email(live.Email)), func(p *person, now time.Time) error {
		if d := p.device(claim.ID); d != nil {
			d.Confirm(claim.Generation, now)
		}
		return nil
	})
	if err != nil {
		live.awaits.Store(generation)
	}
}
