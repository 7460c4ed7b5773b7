// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// byEarlierStep admits whom an earlier step has named without a code and without
// a session, where the policy asks for none. Nothing is stored: the earlier step
// says on every request who it is.
func (g *Gate) byEarlierStep(ctx context.Context, v *Visit, verdict Verdict) Verdict {
	p := &g.policy.Risk
	if g.asksGuests() || verdict.Reason == Operator {
		return verdict
	}
	live := g.guest(v)
	var before *sighting
	if a := live.admission(g); a != nil {
		before = a.here.Load()
	}
	var guest Verdict
	if known, _ := g.judge(ctx, v, live, v.Now, &guest); !known {
		return verdict
	}
	if guest.Decision == Check { // there is no session that could be confirmed
		guest.Admission = nil
	}
	guest.Observed |= risk.SetOf(verdict.Reason) & p.Observe
	if guest.Decision == Pass && (before == nil || guest.Observed != 0 && guest.Admission.here.Load() != before) {
		g.logVerdict(ctx, v, guest, FactorEarlier, guest.Admission.here.Load().grounds)
	}
	return guest
}

// A guestKey names somebody without a session.
type guestKey struct {
	source, user string
	email        Email
	audience     string
}

// guest is somebody without a session. It is kept in memory, so that headers are
// made once.
func (g *Gate) guest(v *Visit) *Live {
	who := *v.Earlier
	key := guestKey{who.Source, who.User, who.Email, v.Audience}
	if live, ok := g.house.guests.GetIfPresent(key); ok {
		return live
	}
	live := &Live{Session: sessions.Session{
		Subject: g.house.subject(who), Audience: v.Audience, Email: string(who.Email), User: who.User, Source: who.Source,
	}}
	g.house.guests.Set(key, live)
	return live
}

// guestAdmission is what the gate makes of whom an earlier step has named. Their
// address is known.
func (g *Gate) guestAdmission(v *Visit) *Admission {
	live := g.guest(v)
	if a := live.admission(g); a != nil && a.holds(v) {
		return a
	}
	return g.admission(v, live)
}
