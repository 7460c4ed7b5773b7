// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// waysIn are the ways by which a person may come in, each with a right code.
func (w *world) waysIn(owner *browser) map[string]func(b *browser, remember bool) error {
	g := owner.gate
	codes, app := owner.codes(), owner.app()
	owner.second(spare)
	return map[string]func(b *browser, remember bool) error{
		"mail":   func(b *browser, remember bool) error { return b.enter(b.mailed(ana), remember) },
		"backup": func(b *browser, remember bool) error { return b.enterBy(challenge.ByBackup, codes[0], remember) },
		"app": func(b *browser, remember bool) error {
			return b.enterBy(challenge.ByApp, app.shows(0), remember)
		},
		"second": func(b *browser, remember bool) error {
			b.mailed(ana)
			if _, err := b.askSecond(); err != nil {
				return err
			}
			return b.enter(b.lastCode(), remember)
		},
		"let in": func(b *browser, remember bool) error {
			made, err := g.LetIn(w.t.Context(), ana, 0, "lost phone")
			if err != nil {
				return err
			}
			b.mailed(ana)
			return b.enter(made.Code.Reveal(), remember)
		},
	}
}

// STP-02, L-35: what gets people in when the usual way fails lifts nothing. The app
// counts like the mail, and both together like either.
func TestSTP02WhatIsForRecoveryIsNeverFresh(t *testing.T) {
	for way, tt := range map[string]struct {
		fresh bool
		amr   []string
	}{
		"mail":   {true, []string{"otp"}},
		"app":    {true, []string{"otp"}},
		"backup": {false, []string{"otp", "recovery"}},
		"second": {false, []string{"otp", "recovery"}},
		"let in": {false, []string{"otp", "recovery", "operator"}},
	} {
		t.Run(way, func(t *testing.T) {
			w := newWorld(t)
			g := w.waysGate()
			enter := w.waysIn(w.linked(g).signIn(ana, true))
			b := w.browser(g)
			if err := enter[way](b, true); err != nil {
				t.Fatal(err)
			}
			live := b.wantPass("an ordinary page").Admission.Live
			if !slices.Equal(live.Methods, tt.amr) {
				t.Errorf("amr is %q, want %q", live.Methods, tt.amr)
			}
			if at, session := b.wantPass("an ordinary page").Admission.Proved(); !session || at.IsZero() == tt.fresh {
				t.Errorf("apps and matchers are told of a code at %v in a session %t, want fresh: %t", at, session, tt.fresh)
			}
			b.page = aFreshCode
			if v := b.open(); (v.Decision == challenge.Pass) != tt.fresh {
				t.Errorf("a sensitive page: %v (%s), want fresh: %t", v.Decision, v.Reason, tt.fresh)
			}
			b.page.Extends = true
			if v := b.open(); (v.Decision == challenge.Pass) != tt.fresh {
				t.Errorf("a sensitive page that use keeps fresh: %v", v.Decision)
			}
			b.page = aFreshCode
			b.confirm = live
			b.flow = nil
			if err := b.enter(b.mailed(ana), false); err != nil {
				t.Fatal(err)
			}
			b.confirm = nil
			after := b.wantPass("a sensitive page, after a mailed code").Admission.Live
			if !slices.Equal(after.Methods, []string{"otp"}) {
				t.Errorf("amr is %q after two codes: they are one factor", after.Methods)
			}
		})
	}
}

// Nor does it confirm a session that is there, and a remembered browser is not fresh
// by how it was remembered.
func TestSTP02RecoveryConfirmsNoSession(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.linked(g).signIn(ana, true)
	codes, app := owner.codes(), owner.app()
	owner.second(spare)
	made, err := g.LetIn(t.Context(), ana, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	w.clock.advance(10 * time.Minute)
	owner.page = aFreshCode
	owner.confirm = owner.open().Admission.Live
	owner.flow = nil
	owner.mailed(ana)
	for _, way := range []challenge.Way{challenge.ByBackup, challenge.BySecond} {
		forged := *owner.flow
		forged.Way = way
		_, err := g.Verify(t.Context(), owner.visit(), &forged, challenge.Try{Typed: codes[0]})
		if !errors.Is(err, challenge.ErrCodeExpired) {
			t.Errorf("by %s: %v", way, err)
		}
	}
	if _, err := owner.askSecond(); !errors.Is(err, challenge.ErrNotOffered) {
		t.Errorf("SendSecond = %v", err)
	}
	var malformed *challenge.MalformedError
	if err := owner.enter(made.Code.Reveal(), false); !errors.As(err, &malformed) {
		t.Errorf("by what an operator read out: %v", err)
	}
	owner.confirm = nil
	owner.wantCheck("still", challenge.Sensitive)
	owner.confirm = owner.open().Admission.Live
	if err := owner.turn(challenge.ByApp).enter(app.shows(0), false); err != nil {
		t.Fatal(err)
	}
	owner.confirm = nil
	owner.wantPass("after the app")

	back := w.browser(g)
	if err := back.enterBy(challenge.ByBackup, codes[0], true); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(24 * time.Hour)
	back.wantPass("remembered")
	back.page = risk.Page{MaxAge: risk.Longest}
	back.wantCheck("a sensitive page", challenge.Sensitive)
}

// Ruling 42: a mailbox that is closed closes the other ways too, at its time.
func TestRuling42OtherWaysNeedAMailboxThatWasReadLately(t *testing.T) {
	const day = 24 * time.Hour
	start := func(t *testing.T) (w *world, owner *browser, tried func(when string, want bool)) {
		w = newWorld(t)
		g := w.waysGate()
		owner = w.linked(g).signIn(ana, true)
		codes, app := owner.codes(), owner.app()
		owner.second(spare)
		tried = func(when string, want bool) {
			t.Helper()
			got := map[string]error{"app": w.browser(g).enterBy(challenge.ByApp, app.shows(0), false)}
			got["backup"] = w.browser(g).enterBy(challenge.ByBackup, codes[0], false)
			if codes = codes[1:]; !want {
				codes = append(codes, "")
			}
			second := w.browser(g)
			second.mailed(ana)
			_, err := second.askSecond()
			if err == nil {
				err = second.enter(second.lastCode(), false)
			}
			got["second"] = err
			if (len(w.mailbox.to(spare, challenge.SignInCode)) > 0) != want {
				t.Errorf("%s: mail to the second address: want %t", when, want)
			}
			for way, err := range got {
				if want != (err == nil) || !want && !errors.Is(err, challenge.ErrWrongCode) {
					t.Errorf("%s, by %s: %v", when, way, err)
				}
			}
			w.mailbox.notices = nil
			w.clock.advance(time.Hour)
		}
		return w, owner, tried
	}
	t.Run("sixty days after the last mailed code", func(t *testing.T) {
		w, _, tried := start(t)
		w.clock.advance(59 * day)
		tried("after 59 days", true)
		w.clock.advance(day) // what came in by the other ways meanwhile proves nothing
		tried("after 60 days", false)
		w.browser(w.anyGate()).signIn(ana, false)
		tried("after a mailed code", true)
	})
	t.Run("a mailed code for a change counts", func(t *testing.T) {
		w, owner, tried := start(t)
		w.clock.advance(25 * day)
		owner.wantPass("remembered")
		w.clock.advance(25 * day)
		owner.permit(challenge.Change{Kind: challenge.ExportData})
		w.clock.advance(25 * day)
		tried("25 days after the change", true)
	})
	t.Run("after the store was put back from a copy", func(t *testing.T) {
		w, _, tried := start(t)
		w.clock.advance(time.Minute)
		if err := w.house.EndRestored(t.Context()); err != nil {
			t.Fatal(err)
		}
		tried("before a mailed code", false)
	})
}

// F-19: what was used up, or taken away, since the copy was made does not come back.
func TestF19NoWayInComesBackWithACopy(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.linked(g).signIn(ana, true)
	codes, app := owner.codes(), owner.app()
	owner.second(spare)
	w.clock.advance(time.Minute)
	if err := w.house.EndRestored(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Minute)
	again := w.linked(g).signIn(ana, false)
	got := again.account()
	if got.Backup.Left != 0 || !got.App.Suspended || !got.Second.Suspended || got.Second.Address != spare {
		t.Errorf("the account says %+v, %+v, %+v", got.Backup, got.App, got.Second)
	}
	if err := w.browser(g).enterBy(challenge.ByBackup, codes[0], false); !errors.Is(err, challenge.ErrWrongCode) {
		t.Errorf("a backup code that may have been used: %v", err)
	}
	if err := w.browser(g).enterBy(challenge.ByApp, app.shows(0), false); !errors.Is(err, challenge.ErrWrongCode) {
		t.Errorf("an app that may have been removed: %v", err)
	}
}

func TestRuling42AnAppsCodeIsUsedOnce(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.linked(g).signIn(ana, true)
	app := owner.app() // by the code of the step before
	tries := []struct {
		name  string
		after time.Duration
		off   int64
		right bool
	}{
		{"the code that set it up", 0, -1, false},
		{"of two steps on", 0, 2, false},
		{"of now", 0, 0, true},
		{"the same again", 0, 0, false},
		{"of the step before", 0, -1, false},
		{"of the next step", 0, 1, true},
		{"of the step that has come", 30 * time.Second, 0, false},
		{"of the next", 0, 1, true},
		{"two steps late", 2 * time.Minute, -2, false},
		{"one step late", 0, -1, true},
		{"of another app", 0, 100, false},
	}
	for _, tt := range tries {
		w.clock.advance(tt.after)
		b := w.browser(g).at(elsewhere())
		b.device, b.session = owner.device, "" // its tries have no limit of a day
		err := b.enterBy(challenge.ByApp, app.shows(tt.off), true)
		if tt.right != (err == nil) {
			t.Errorf("%s: %v, want right: %t", tt.name, err, tt.right)
		}
		if err == nil {
			owner.device, owner.session = b.device, b.session
		}
	}
	if got := owner.account().App.Used; !got.Equal(w.clock.now()) {
		t.Errorf("last used %v, want %v", got, w.clock.now())
	}
}

func TestRuling42UnknownBrowsersTryFiveCodesOfAnAppADay(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.linked(g).signIn(ana, true)
	app := owner.app()
	guess := func(n int) error { return w.browser(g).enterBy(challenge.ByApp, wrong(app.shows(0), n), false) }
	for n := range 4 {
		if err := guess(n); !errors.Is(err, challenge.ErrWrongCode) {
			t.Fatal(err)
		}
	}
	if err := w.browser(g).enterBy(challenge.ByApp, app.shows(0), false); err != nil {
		t.Errorf("a right one as the fifth: %v", err)
	}
	if err := guess(5); !errors.Is(err, challenge.ErrWrongCode) {
		t.Errorf("a right one counts none: %v", err)
	}
	w.clock.advance(30 * time.Second)
	late := w.browser(g)
	if err := late.enterBy(challenge.ByApp, app.shows(0), false); limitOf(err) != challenge.LimitTryApp {
		t.Errorf("a right one after five: %v", err)
	} else if until := untilOf(t, err); !until.Equal(w.clock.now().Add(24*time.Hour - 30*time.Second)) {
		t.Errorf("free again at %v", until)
	}
	if err := late.turn(challenge.ByMail).enter(late.lastCode(), false); err != nil {
		t.Errorf("the mail meanwhile: %v", err)
	}
	if err := owner.enterBy(challenge.ByApp, app.shows(0), true); err != nil {
		t.Errorf("in a browser that is known: %v", err)
	}
	w.clock.advance(24 * time.Hour)
	if err := w.browser(g).enterBy(challenge.ByApp, app.shows(0), false); err != nil {
		t.Errorf("a day later: %v", err)
	}
}

// The secret of the app is in no copy of the store, and opens for its own person
// alone; nor does what a page holds until the app is there tell anything.
func TestTheSecretOfAnAppIsSealed(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	b, eve := w.linked(g).signIn(ana, true), w.linked(g).signIn(bob, true)
	a, flow := b.permit(challenge.Change{Kind: challenge.AddApp})
	offer, err := g.OfferApp(b.visit(), a)
	if err != nil {
		t.Fatal(err)
	}
	again, err := g.ReofferApp(b.visit(), a, offer.Sealed)
	if err != nil || again.Key.Reveal() != offer.Key.Reveal() {
		t.Errorf("the offer shown again: %v", err)
	}
	theirs, err := g.OfferApp(eve.visit(), eve.admitted())
	if err != nil {
		t.Fatal(err)
	}
	foreign := w.installed(theirs)
	for name, sealed := range map[string]string{"nothing": "", "of another session": theirs.Sealed, "cut": offer.Sealed[1:]} {
		if _, err := g.AddApp(t.Context(), b.visit(), a, flow, sealed, foreign.shows(0)); !errors.Is(err, challenge.ErrNoPermit) {
			t.Errorf("an offer that is %s: %v", name, err)
		}
		if _, err := g.ReofferApp(b.visit(), a, sealed); !errors.Is(err, challenge.ErrNoPermit) {
			t.Errorf("shown again, an offer that is %s: %v", name, err)
		}
	}
	app := w.installed(offer)
	for _, typed := range []string{"", "12345", wrong(app.shows(0), 0), foreign.shows(0)} {
		if _, err := g.AddApp(t.Context(), b.visit(), a, flow, offer.Sealed, typed); !errors.Is(err, challenge.ErrWrongAnswer) {
			t.Errorf("typed %q: %v", typed, err)
		}
	}
	if due, err := g.AddApp(t.Context(), b.visit(), a, flow, offer.Sealed, app.shows(0)); err != nil || !due.IsZero() {
		t.Fatalf("after wrong answers: %v, due %v", err, due)
	}
	for key, value := range dump(t, w) {
		for _, secret := range []string{
			strings.ReplaceAll(app.seed.Key(), " ", ""), string(app.seed.Bytes()), hex.EncodeToString(app.seed.Bytes()),
			base64.StdEncoding.EncodeToString(app.seed.Bytes()), base64.RawURLEncoding.EncodeToString(app.seed.Bytes()),
		} {
			if strings.Contains(key+value, secret) {
				t.Errorf("%s holds the secret", key)
			}
		}
	}
}
