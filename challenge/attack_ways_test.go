// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// Whoever has only what is for when the usual way fails must not make an app of it,
// which confirms a session and so opens what that does not.
func TestSTP02WhatIsForRecoveryMakesNoStrongerWay(t *testing.T) {
	for name, way := range map[string]challenge.Way{"backup codes": challenge.ByBackup, "the second address": challenge.BySecond} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			owner := w.settled(w.waysGate(), ana)
			codes := owner.codes()
			owner.second(spare)
			w.clock.advance(48 * time.Hour) // old enough to confirm what a new browser changes
			thief := w.linked(owner.gate)
			thief.mailed(ana)
			thief.recovers(way, codes[0])
			app, due, err := thief.addApp(thief.allowedToRecover(way, codes[1]))
			if err != nil {
				t.Fatal(err)
			}
			wantDue(t, "the app", due, w.clock.now().Add(24*time.Hour))
			thief.confirm, thief.flow = thief.admitted().Live, nil
			thief.mailed(ana)
			if err := thief.turn(challenge.ByApp).enter(app.shows(0), false); err == nil {
				t.Error("the app confirms the session")
			}
			thief.confirm, thief.page = nil, challenge.Page{MaxAge: time.Hour}
			if v := thief.open(); v.Decision == challenge.Pass {
				t.Error("a page is open that wants a fresh code")
			}
		})
	}
}

// recovers signs in by a backup code, or by a code at the second address.
func (b *browser) recovers(way challenge.Way, code string) {
	b.w.t.Helper()
	if way == challenge.BySecond {
		if _, err := b.askSecond(); err != nil {
			b.w.t.Fatal(err)
		}
		code = b.lastCode()
	} else {
		b.turn(way)
	}
	if err := b.enter(code, false); err != nil {
		b.w.t.Fatal(err)
	}
}

// allowedToRecover is leave to add an app, by a backup code or by a code at the second
// address.
func (b *browser) allowedToRecover(way challenge.Way, code string) *challenge.Flow {
	b.w.t.Helper()
	change := challenge.Change{Kind: challenge.AddApp}
	f := b.began(change)
	if way == challenge.BySecond {
		sent, err := b.gate.SendSecond(b.w.t.Context(), b.changing(change), f)
		if err != nil {
			b.w.t.Fatal(err)
		}
		f, code = sent.Flow, b.lastCode()
	}
	f, err := b.allowedBy(way, code, f)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return f
}

// addApp adds an app by leave that there is.
func (b *browser) addApp(f *challenge.Flow) (app authenticator, due time.Time, err error) {
	b.w.t.Helper()
	a := b.admitted()
	offer, err := b.gate.OfferApp(b.visit(), a)
	if err != nil {
		b.w.t.Fatal(err)
	}
	app = b.w.installed(offer)
	due, err = b.gate.AddApp(b.w.t.Context(), b.visit(), a, f, offer.Sealed, app.shows(-1))
	return app, due, err
}

// Backup codes end no guard, so an app that was made by one ends none either.
func TestRuling40AnAppThatIsNewerThanTheReportLiftsNoGuard(t *testing.T) {
	for name, allowed := range map[string]func(x *burglary) *challenge.Flow{
		"by a backup code": func(x *burglary) *challenge.Flow { return x.owner.allowedToRecover(challenge.ByBackup, x.codes[0]) },
		"by a mailed code": func(x *burglary) *challenge.Flow {
			_, f := x.owner.permit(challenge.Change{Kind: challenge.AddApp})
			return f
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := newWorld(t).burglary()
			x.report()
			app, due, err := x.owner.addApp(allowed(x))
			if err != nil {
				t.Fatal(err)
			}
			if name == "by a backup code" {
				wantDue(t, "the app", due, x.clock.now().Add(24*time.Hour))
				x.clock.advance(24 * time.Hour)
			}
			if err := x.owner.enterBy(challenge.ByApp, app.shows(0), true); err != nil {
				t.Fatal(err)
			}
			if x.owner.account().Guarded.IsZero() {
				t.Error("the guard is over")
			}
		})
	}
}
