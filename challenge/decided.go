// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// A Factor is what lets somebody in.
type Factor string

// The factors.
const (
	FactorNone    Factor = ""
	FactorCode    Factor = "code"
	FactorSession Factor = "session"
	FactorBrowser Factor = "browser"
	FactorEarlier Factor = "earlier_step"
	FactorBackup  Factor = "backup_code"
	FactorApp     Factor = "authenticator"
	FactorSecond  Factor = "second_address"
	FactorLetIn   Factor = "let_in"
	FactorToken   Factor = "access_token"
	FactorPasskey Factor = "passkey"
)

// factor is what a decision goes by that a way led to.
func (w Way) factor() Factor {
	switch w {
	case ByBackup:
		return FactorBackup
	case ByApp:
		return FactorApp
	case BySecond:
		return FactorSecond
	case byLetIn:
		return FactorLetIn
	case ByPasskey:
		return FactorPasskey
	default:
		return FactorCode
	}
}

// logVerdict records a decision, for the operator: when it changes, not on each
// request of a session. Nil grounds are found then.
func (g *Gate) logVerdict(ctx context.Context, v *Visit, d Verdict, by Factor, grounds *grounds) {
	if g.record == nil || d.Admission != nil && !d.Admission.news(d) {
		return
	}
	e := Event{
		Name: Decided, Decision: d.Decision, Reason: d.Reason, Observed: d.Observed, Barred: d.Barred, Factor: by,
		Address: d.Identity.Email, Source: d.Identity.Source, User: d.Identity.User, Took: time.Since(v.Now),
	}
	if d.Identity.Email != "" {
		e.Account = g.house.personID(d.Identity.Email).String()
	}
	if d.Admission != nil {
		e.Session = d.Admission.Live.ID.Public()
		if browser := d.Admission.Live.Browser; browser != "" {
			e.Device = cut(g.house.ring.MAC(labelDevice, []byte(browser))).String()
		}
	}
	if s, selective := g.record.(Selective); !selective || s.WantsGrounds(&e) {
		g.ground(ctx, v, &d, &e, grounds)
	}
	g.log(ctx, v, e)
}

// ground adds to an event what its decision went by.
func (g *Gate) ground(ctx context.Context, v *Visit, d *Verdict, e *Event, grounds *grounds) {
	e.Place = g.Locate(v.IP)
	if d.Admission != nil && d.Admission.Live.token { // a program comes from anywhere
		return
	}
	if grounds == nil {
		found := g.findGrounds(ctx, v, d)
		grounds = &found
	}
	e.Held, e.Facts = grounds.held|risk.SetOf(d.Reason)&risk.SetOf(Sensitive), grounds.facts
}

// ownReasons are those that no rule of package risk has, so that no set holds them.
var ownReasons = []Reason{NeedsPasskey, Unproved, Keyless}

// news reports whether a decision is another one than the operator was told of
// last, for a session at a gate.
func (a *Admission) news(d Verdict) bool {
	told := uint64(d.Decision)<<32 | uint64(risk.SetOf(d.Reason))<<16 | uint64(d.Observed)
	if i := slices.Index(ownReasons, d.Reason); i >= 0 {
		told |= 1 << (60 + i)
	}
	if d.Barred {
		told |= 1 << 63
	}
	return a.told.Swap(told) != told
}
