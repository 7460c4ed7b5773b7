// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// Admit says what becomes of a request. A session that this machine knows, from
// where it was seen last, costs no store call and no allocation, and one lock for
// reading once after each session that ends and each browser that is bound, on any
// machine; a session new to it costs one read; a remembered browser whose session is
// over, one update.
func (g *Gate) Admit(ctx context.Context, v *Visit) (verdict Verdict) {
	grounds := g.decide(ctx, v, &verdict)
	if g.policy.Risk.ObserveAll && verdict.Decision != Pass {
		return g.wave(ctx, v, verdict, grounds)
	}
	if verdict.Decision == Check && g.house.outage.now() != nil {
		verdict = Verdict{Decision: Unavailable} // no code could be sent, nor entered
	}
	return verdict
}

// wave lets a visit pass that was only to be observed, as whoever is known.
func (g *Gate) wave(ctx context.Context, v *Visit, verdict Verdict, grounds *grounds) Verdict {
	verdict.Decision, verdict.Observed = Pass, verdict.Observed|risk.SetOf(verdict.Reason)
	if verdict.Placed == nil && g.placed != nil {
		verdict.Placed = g.placed(g.spotOf(v.IP).place)
	}
	if verdict.Admission == nil && v.Earlier != nil && v.Earlier.Email != "" {
		verdict.Admission = g.guestAdmission(v)
	}
	by := FactorNone
	switch a := verdict.Admission; {
	case verdict.SetDevice != "":
		by = FactorBrowser
	case a != nil && a.Live.kept():
		by = FactorSession
	}
	g.logVerdict(ctx, v, verdict, by, grounds)
	return verdict
}

// decide fills in a verdict, which is too large to be handed on by value on each
// request. It returns what the decision went by, where it had to find that.
func (g *Gate) decide(ctx context.Context, v *Visit, verdict *Verdict) (grounds *grounds) {
	if !g.house.fresh(g.grace, v.Now) {
		if err := g.house.outage.now(); err != nil {
			g.log(ctx, v, Event{Name: StoreFailed, Err: err})
		}
		verdict.Decision = Unavailable
		return nil
	}
	if v.Earlier != nil && v.Earlier.Email == "" {
		g.log(ctx, v, Event{Name: IdentityMissing, Source: v.Earlier.Source, User: v.Earlier.User})
		verdict.Decision, verdict.Identity = Deny, *v.Earlier
		return nil
	}
	reason, over := NewBrowser, error(nil)
	if v.Session != "" {
		live, active, err := g.live(ctx, v)
		if err == nil {
			if known, fresh := g.judge(ctx, v, live, active, verdict); known {
				return g.tellFresh(ctx, v, verdict, fresh)
			}
		}
		if errors.Is(err, ErrUnavailable) {
			verdict.Decision = Unavailable
			return nil
		}
		if errors.Is(err, errUnproved) {
			g.warnUnproved(ctx, v, live)
		}
		reason, over = reasonOf(err), err
	}
	*verdict, grounds = g.withoutSession(ctx, v, reason)
	verdict.Elsewhere = errors.Is(over, errElsewhere)
	verdict.ByOperator = verdict.Decision != Pass && (verdict.ByOperator || errors.Is(over, errByOperator))
	if verdict.Decision == Pass || g.policy.Risk.ObserveAll {
		return grounds
	}
	if verdict.Admission != nil || v.Earlier == nil || g.guestAdmission(v).news(*verdict) {
		g.logVerdict(ctx, v, *verdict, FactorNone, grounds)
	}
	return grounds
}

func reasonOf(err error) Reason {
	switch {
	case errors.Is(err, sessions.ErrExpired):
		return Expired
	case errors.Is(err, errUnproved):
		return Unproved
	case errors.Is(err, errByOperator):
		return Operator
	case errors.Is(err, errEnded):
		return Ended
	default:
		return NewBrowser
	}
}

// tell records what becomes of a session. Where all is only observed, what comes of the
// request is another thing, and is told when that is known: see wave and tellFresh.
func (g *Gate) tell(ctx context.Context, v *Visit, verdict Verdict, grounds *grounds) {
	if !g.policy.Risk.ObserveAll {
		g.logVerdict(ctx, v, verdict, FactorSession, grounds)
	}
}

// tellFresh records what is only observed of a session whose place was judged just now, if
// there is nothing else to tell of it. It returns what was found about the place.
func (g *Gate) tellFresh(ctx context.Context, v *Visit, verdict *Verdict, fresh *sighting) (grounds *grounds) {
	if fresh == nil {
		return nil
	}
	if g.policy.Risk.ObserveAll && verdict.Decision == Pass && verdict.Observed != 0 {
		g.logVerdict(ctx, v, *verdict, FactorSession, fresh.grounds)
	}
	return fresh.grounds
}

// judge applies the gate's own rules to a live session, and fills in the verdict. It
// reports false, and leaves that alone, when the session is not one of the identity
// that the request speaks for. fresh is what it makes of the visit's place, unless that
// was judged before.
func (g *Gate) judge(ctx context.Context, v *Visit, live *Live, active time.Time, verdict *Verdict) (known bool, fresh *sighting) {
	a := g.admissionOf(ctx, v, live)
	if a == nil {
		return false, nil
	}
	verdict.Decision, verdict.Identity, verdict.Admission = Pass, a.Identity, a
	if !a.right.Allowed {
		verdict.Decision = Deny
		return true, nil
	}
	if v.Pass != "" && live.held.Load() == nil {
		g.meetKey(ctx, v, live)
	}
	seen, fresh, err := g.seen(ctx, v, a)
	if err != nil {
		*verdict = Verdict{Decision: Unavailable}
		return true, nil
	}
	verdict.Observed, verdict.Placed = seen.said.Observed, seen.placed
	if g.holdsUp(ctx, v, live, seen, verdict) {
		return true, fresh
	}
	if idle := g.policy.Session.Idle; idle > 0 && live.kept() && v.Now.Sub(active) > idle/4 {
		verdict.SetSession = g.extend(live, v.Now)
	}
	if generation := live.awaits.Load(); generation != 0 && v.Device != "" {
		g.settleSecret(ctx, v, live, generation)
	}
	return true, fresh
}

// admissionOf is what the gate's lists make of a session, made anew where they have
// changed since; nil when it is not one of the identity that the request speaks for.
func (g *Gate) admissionOf(ctx context.Context, v *Visit, live *Live) *Admission {
	a := live.admission(g)
	if a != nil && a.holds(v) {
		return a
	}
	if a = g.admission(v, live); a == nil || a.right.Allowed {
		return a
	}
	g.log(ctx, v, Event{Name: Denied, Address: a.Identity.Email, Source: live.Source, User: live.User, Rule: a.right.Rule})
	if live.kept() {
		g.tell(ctx, v, Verdict{Decision: Deny, Identity: a.Identity, Admission: a}, nil)
	}
	return a
}

// holdsUp reports whether something keeps a session that may pass from this page, and
// says in the verdict what. What comes of its place was told when that was judged.
func (g *Gate) holdsUp(ctx context.Context, v *Visit, live *Live, seen *sighting, verdict *Verdict) bool {
	switch {
	case seen.barred:
		verdict.Decision, verdict.Barred = Deny, true
	case g.wantsKey(v, live):
		verdict.Decision, verdict.Reason, verdict.Keyless = Deny, Keyless, true
		g.tell(ctx, v, *verdict, nil)
	case g.wantsPasskey(v, live):
		verdict.Decision, verdict.Reason = Check, NeedsPasskey
		g.tell(ctx, v, *verdict, nil)
	case seen.said.Asks != 0:
		verdict.Decision, verdict.Reason = Check, seen.said.Asks.First()
	case v.Page.MaxAge > 0 && !g.isFresh(v, live):
		verdict.Decision, verdict.Reason = Check, Sensitive
		if live.kept() {
			g.tell(ctx, v, *verdict, nil)
		}
	default:
		return false
	}
	return true
}

// isFresh reports whether the session's code is as fresh as the page wants it,
// and notes the use that keeps it so.
func (g *Gate) isFresh(v *Visit, live *Live) bool {
	facts := risk.Facts{
		Browser: risk.InSession, Page: v.Page, Coded: live.AuthTime, Renewed: live.renewed(), Recovered: live.recovered(), Confirmed: time.Unix(0, live.lastFresh.Load()),
	}
	if !live.kept() {
		facts.Coded = time.Time{}
	}
	if !risk.Fresh(&facts, v.Now) {
		return false
	}
	if v.Page.Extends {
		live.lastFresh.Store(v.Now.UnixNano())
	}
	return true
}

// withoutSession decides for a visit that brings no session that counts.
func (g *Gate) withoutSession(ctx context.Context, v *Visit, reason Reason) (verdict Verdict, grounds *grounds) {
	verdict = Verdict{Decision: Check, Reason: g.alwaysUnless(reason)}
	if v.Earlier != nil {
		verdict.Identity = *v.Earlier
		if right := g.access.Load().Judge(v.Earlier.Email, v.Now); !right.Allowed {
			g.log(ctx, v, Event{Name: Denied, Address: v.Earlier.Email, Source: v.Earlier.Source, User: v.Earlier.User, Rule: right.Rule})
			verdict.Decision, verdict.Reason = Deny, "" // no code could lift it
			return verdict, nil
		}
	}
	if !g.policy.Countries.none() && g.bars(g.spotOf(v.IP)) {
		verdict.Decision, verdict.Reason, verdict.Barred = Deny, "", true
		return verdict, nil
	}
	if v.Device != "" && !g.always() {
		verdict, grounds = g.renew(ctx, v, verdict)
	}
	if verdict.Decision == Check && verdict.Admission == nil && v.Earlier != nil {
		return g.byEarlierStep(ctx, v, verdict), grounds
	}
	return verdict, grounds
}

// always reports whether each sign-in here needs a code.
func (g *Gate) always() bool {
	return g.policy.Risk.Ask&alwaysAlone != 0 && g.policy.Risk.Observe&alwaysAlone == 0
}

// alwaysAlone is made once: each request asks.
var alwaysAlone = risk.SetOf(Always)

// alwaysUnless says "always" where browsers are not remembered, so that nobody
// is told that this browser is new.
func (g *Gate) alwaysUnless(r Reason) Reason {
	if r == NewBrowser && g.always() {
		return Always
	}
	return r
}

func unavailable(err error) error { return fmt.Errorf("%w: %w", ErrUnavailable, err) }
