// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// Admit says what becomes of a request. A session that this machine knows
// costs no store call, no lock and no allocation; a session new to it costs one
// read; a remembered browser whose session is over, one update.
func (g *Gate) Admit(ctx context.Context, v *Visit) Verdict {
	if !g.house.fresh(g.grace, v.Now) {
		return Verdict{Decision: Unavailable}
	}
	if v.Earlier != nil && v.Earlier.Email == "" {
		g.log(ctx, v, Event{Name: IdentityMissing, Source: v.Earlier.Source, User: v.Earlier.User})
		return Verdict{Decision: Deny, Identity: *v.Earlier}
	}
	reason := NewBrowser
	if v.Session != "" {
		live, active, err := g.live(ctx, v)
		if err == nil {
			if verdict, ok := g.judge(ctx, v, live, active); ok {
				return verdict
			}
		}
		if errors.Is(err, ErrUnavailable) {
			return Verdict{Decision: Unavailable}
		}
		reason = reasonOf(err)
	}
	return g.withoutSession(ctx, v, reason)
}

func reasonOf(err error) Reason {
	switch {
	case errors.Is(err, sessions.ErrExpired):
		return Expired
	case errors.Is(err, errEnded):
		return Ended
	default:
		return NewBrowser
	}
}

// judge applies the gate's own rules to a live session. It reports false when
// the session is not one of the identity that the request speaks for.
func (g *Gate) judge(ctx context.Context, v *Visit, live *Live, active time.Time) (Verdict, bool) {
	a := live.admission(g)
	if a == nil || !a.holds(v) {
		if a = g.admission(v, live); a == nil {
			return Verdict{}, false
		}
		if !a.right.Allowed {
			g.log(ctx, v, Event{Name: Denied, Address: a.Identity.Email, Source: live.Source, User: live.User, Rule: a.right.Rule})
		}
	}
	verdict := Verdict{Decision: Pass, Identity: a.Identity, Admission: a}
	if !a.right.Allowed {
		verdict.Decision = Deny
		return verdict, true
	}
	if idle := g.policy.Session.Idle; idle > 0 && v.Now.Sub(active) > idle/4 {
		verdict.SetSession = g.extend(live, v.Now)
	}
	if generation := live.awaits.Load(); generation != 0 && v.Device != "" {
		g.confirm(ctx, v, live, generation)
	}
	return verdict, true
}

// withoutSession decides for a visit that brings no session that counts.
func (g *Gate) withoutSession(ctx context.Context, v *Visit, reason Reason) Verdict {
	verdict := Verdict{Decision: Check, Reason: reason}
	if g.policy.Devices.Choice == ChoiceNever {
		verdict.Reason = alwaysUnless(reason)
	}
	if v.Earlier != nil {
		verdict.Identity = *v.Earlier
		if right := g.access.Load().Judge(v.Earlier.Email, v.Now); !right.Allowed {
			g.log(ctx, v, Event{Name: Denied, Address: v.Earlier.Email, Source: v.Earlier.Source, User: v.Earlier.User, Rule: right.Rule})
			verdict.Decision = Deny
			return verdict
		}
	}
	if v.Device != "" && g.policy.Devices.Choice != ChoiceNever {
		return g.renew(ctx, v, verdict)
	}
	return verdict
}

// alwaysUnless says "always" where browsers are not remembered, so that nobody
// is told that this browser is new.
func alwaysUnless(r Reason) Reason {
	if r == NewBrowser {
		return Always
	}
	return r
}

func unavailable(err error) error { return fmt.Errorf("%w: %w", ErrUnavailable, err) }
