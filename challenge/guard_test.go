// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A burglary is an owner who had a browser and all ways in for long, and somebody
// who came in by a code and added their own.
type burglary struct {
	*world
	g            *challenge.Gate
	owner, thief *browser
	codes        []string // of whoever made them last
	app          authenticator
	token        string
	link         string // of the mail that tells of the thief
}

func (w *world) burglary() *burglary {
	w.t.Helper()
	x := &burglary{world: w, g: w.waysGate()}
	x.owner = w.linked(x.g)
	x.owner.agent = safari
	x.owner.signIn(ana, true)
	x.equip(x.owner)
	w.clock.advance(10 * 24 * time.Hour)
	x.owner.wantPass("ten days later")
	x.breakIn()
	return x
}

func (x *burglary) breakIn() {
	x.t.Helper()
	x.thief = x.linked(x.g).signIn(ana, true)
	x.link = x.mailbox.link(x.t, challenge.NewSignIn)
}

func (x *burglary) equip(b *browser) {
	x.t.Helper()
	x.codes, x.app = b.codes(), b.app()
	b.second(spare)
	x.token = b.token(laptop)
}

// report is the owner's word that the entry was not theirs, by the link of its mail.
func (x *burglary) report() {
	x.t.Helper()
	x.browser(x.g).mustReport(x.link)
}

const safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15"

// wantWays wants the ways in to let somebody in, or not.
func (x *burglary) wantWays(when string, want bool) {
	x.t.Helper()
	x.clock.advance(time.Minute)
	outcomes := map[string]error{
		"a backup code": x.browser(x.g).enterBy(challenge.ByBackup, x.codes[0], false),
		"the app":       x.browser(x.g).enterBy(challenge.ByApp, x.app.shows(0), false),
	}
	if x.codes = x.codes[1:]; !want {
		x.codes = append(x.codes, "")
	}
	second := x.browser(x.g)
	second.mailed(ana)
	if _, outcomes["the second address"] = second.askSecond(); outcomes["the second address"] == nil {
		outcomes["the second address"] = second.enter(second.lastCode(), false)
	}
	for way, err := range outcomes {
		if want != (err == nil) || !want && !errors.Is(err, challenge.ErrWrongCode) {
			x.t.Errorf("%s: %s: %v", when, way, err)
		}
	}
	_, err := x.program(x.g).shows(x.token)
	if want != (err == nil) {
		x.t.Errorf("%s: a token: %v", when, err)
	}
}

// Ruling 40: it hits what the intruder added, not what the owner has.
func TestRuling40AReportSuspendsWhatIsNewAndNothingElse(t *testing.T) {
	t.Run("what was there for long goes on", func(t *testing.T) {
		x := newWorld(t).burglary()
		x.report()
		x.wantWays("after the report", true)
		x.owner.wantPass("the owner's browser")
		x.thief.over("the thief")
		a := x.owner.account()
		if a.Guarded.IsZero() || a.Backup.Suspended || a.App.Suspended || a.Second.Suspended || a.Tokens[0].Suspended {
			t.Errorf("the account says %+v", a)
		}
	})
	for name, tt := range map[string]struct {
		early     time.Duration // added so long before the entry
		suspended bool
	}{
		"added since":              {0, true},
		"added a week before":      {7 * 24 * time.Hour, true},
		"added more than a week":   {7*24*time.Hour + time.Minute, false},
		"added the hour before it": {time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			x := &burglary{world: w, g: w.waysGate()}
			x.owner = w.linked(x.g).signIn(ana, true)
			w.clock.advance(20 * 24 * time.Hour)
			x.owner.wantPass("twenty days later")
			if tt.early > 0 {
				x.equip(x.owner)
				w.clock.advance(tt.early)
				x.owner.wantPass("later")
			}
			x.breakIn()
			if tt.early == 0 {
				w.clock.advance(time.Minute)
				x.equip(x.owner) // from a browser that need not wait
			}
			x.wantWays("before the report", true)
			x.report()
			x.wantWays("after the report", !tt.suspended)
			a := x.owner.account()
			for what, suspended := range map[string]bool{
				"codes": a.Backup.Suspended, "app": a.App.Suspended, "second address": a.Second.Suspended, "token": a.Tokens[0].Suspended,
			} {
				if suspended != tt.suspended {
					t.Errorf("%s suspended: %t, want %t", what, suspended, tt.suspended)
				}
			}
			if told := x.mailbox.to(spare, challenge.WrongCodes); tt.suspended && len(told) > 0 {
				t.Error("a suspended address is told")
			}
		})
	}
}

func TestRuling40ChangesThatWaitAreDropped(t *testing.T) {
	x := newWorld(t).burglary()
	x.clock.advance(time.Minute)
	if _, due, err := x.thief.tryApp(); err != nil || due.IsZero() {
		t.Fatalf("AddApp = %v, due %v", err, due)
	}
	a, f := x.thief.permit(challenge.Change{Kind: challenge.EraseData})
	if _, err := x.g.Erase(t.Context(), x.thief.visit(), a, f); err != nil {
		t.Fatal(err)
	}
	x.report()
	x.owner.session = ""
	x.owner.signIn(ana, true)
	if waits := x.owner.account().Waiting; len(waits) != 0 {
		t.Errorf("%d changes wait", len(waits))
	}
	wantNoErasures(t, x.world)
	x.clock.advance(48 * time.Hour)
	if got := x.owner.account().App.Made; !got.Before(x.clock.now().Add(-10 * 24 * time.Hour)) {
		t.Errorf("the app was made %v", got)
	}
}

func TestRuling40WhichBrowsersStay(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	with := func(b *browser) *browser { return b.signIn(ana, true) }
	old := with(w.linked(g))
	w.clock.advance(10 * 24 * time.Hour)
	old.wantPass("for ten days")
	recent := with(w.linked(g))
	w.clock.advance(2 * 24 * time.Hour)
	recent.wantPass("for two days")
	thief := with(w.linked(g))
	link := w.mailbox.link(t, challenge.NewSignIn)
	w.clock.advance(time.Hour)
	newer := w.linked(g)
	newer.agent = safari
	with(newer)
	w.browser(g).mustReport(link)

	thief.over("the thief")
	newer.over("what was remembered since")
	for name, b := range map[string]*browser{"of long ago": old, "of two days ago": recent} {
		b.wantPass(name)
		b.session = ""
		b.wantPass(name + ", by being remembered")
	}
	for _, b := range old.account().Browsers {
		if b.Suspended == b.This {
			t.Errorf("the list says %+v", b)
		}
	}
	// Ways in are changed by nobody who may be the thief.
	if err := g.MayChange(t.Context(), old.visit(), old.admitted()); err != nil {
		t.Errorf("of long ago: MayChange = %v", err)
	}
	everyChange(t, recent, noCode, challenge.ErrSuspended)
	fresh := w.linked(g).signIn(ana, true)
	if live := fresh.admitted().Live; live.Browser != "" {
		t.Error("a browser is remembered that is new")
	}
	everyChange(t, fresh, noCode, challenge.ErrSuspended)
	recent.signIn(ana, true)
	if old.account().Guarded.IsZero() {
		t.Error("a browser of two days has lifted the guard")
	}
	// Nor do they take away what it can be lifted by.
	if _, err := g.SignOutElsewhere(t.Context(), fresh.visit(), fresh.admitted()); err != nil {
		t.Fatal(err)
	}
	old.wantCheck("of long ago, signed out", challenge.Ended)
	old.flow = nil
	old.signIn(ana, true)
	if !old.account().Guarded.IsZero() {
		t.Error("the guard goes on after a code in a browser of long ago")
	}
}

func TestRuling40AGuardIsLiftedByACodeInAnOlderBrowser(t *testing.T) {
	confirm := func(b *browser) error {
		b.confirm, b.flow = b.admitted().Live, nil
		defer func() { b.confirm = nil }()
		return b.enter(b.mailed(ana), false)
	}
	for name, tt := range map[string]struct {
		code  func(x *burglary) error
		lifts bool
	}{
		"a code in the older browser":         {func(x *burglary) error { return x.owner.enter(x.owner.mailed(ana), true) }, true},
		"after it was signed out":             {func(x *burglary) error { x.owner.signOut(false); return x.owner.enter(x.owner.mailed(ana), true) }, true},
		"a confirmed session of it":           {func(x *burglary) error { return confirm(x.owner) }, true},
		"its app":                             {func(x *burglary) error { return x.owner.enterBy(challenge.ByApp, x.app.shows(0), true) }, true},
		"a backup code in it":                 {func(x *burglary) error { return x.owner.enterBy(challenge.ByBackup, x.codes[0], true) }, false},
		"a code in another browser":           {func(x *burglary) error { b := x.browser(x.g); return b.enter(b.mailed(ana), true) }, false},
		"a code in it after it was forgotten": {func(x *burglary) error { x.owner.signOut(true); return x.owner.enter(x.owner.mailed(ana), true) }, false},
		"a code in the thief's browser":       {func(x *burglary) error { x.thief.flow = nil; return x.thief.enter(x.thief.mailed(ana), true) }, false},
		"a code of an operator in the older": {func(x *burglary) error {
			code, _ := x.letIn(x.g, 0)
			x.owner.mailed(ana)
			return x.owner.enter(code, true)
		}, false},
		"a code in the second address's name": {func(x *burglary) error {
			b := x.owner
			b.mailed(ana)
			_, _ = b.askSecond()
			return b.enter(b.lastCode(), true)
		}, false},
		"a copy of the cookie of long before":  {func(x *burglary) error { b := x.copied(); return b.enter(b.mailed(ana), true) }, false},
		"somebody else's code in that browser": {func(x *burglary) error { return x.owner.enter(x.owner.mailed(bob), true) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			x := newWorld(t).burglary()
			x.clock.advance(time.Hour)
			x.report()
			x.clock.advance(2 * time.Hour) // the network of the thief may ask again
			x.owner.flow = nil
			if err := tt.code(x); err != nil {
				t.Fatal(err)
			}
			reader := x.browser(x.g).signIn(ana, false)
			if lifted := reader.account().Guarded.IsZero(); lifted != tt.lifts || x.diary.has(challenge.Unguarded) != tt.lifts {
				t.Errorf("lifted: %t, want %t", lifted, tt.lifts)
			}
		})
	}
}

// copied is the owner's browser as somebody copied it, before it had its next secret.
func (x *burglary) copied() *browser {
	b := *x.owner
	x.clock.advance(24 * time.Hour)
	x.owner.wantPass("with the next secret")
	x.owner.wantPass("and shows it")
	x.clock.advance(2 * time.Minute)
	b.session, b.flow = "", nil
	return &b
}

func TestRuling40AGuardEndsAfterAWeek(t *testing.T) {
	x := newWorld(t).burglary()
	x.report()
	began := x.clock.now()
	if until := x.owner.account().Guarded; !until.Equal(began.Add(7 * 24 * time.Hour)) {
		t.Errorf("guarded until %v", until)
	}
	x.clock.advance(7*24*time.Hour - time.Second)
	reader := x.linked(x.g).signIn(ana, true)
	if reader.account().Guarded.IsZero() || reader.admitted().Live.Browser != "" {
		t.Error("it is over before its time")
	}
	x.clock.advance(time.Second)
	again := x.linked(x.g).signIn(ana, true)
	if !again.account().Guarded.IsZero() || again.admitted().Live.Browser == "" {
		t.Error("it goes on after a week")
	}
	if err := x.g.MayChange(t.Context(), again.visit(), again.admitted()); err != nil {
		t.Errorf("MayChange = %v", err)
	}
}

// What was suspended comes back by being made anew.
func TestRuling40WhatWasSuspendedIsMadeAnew(t *testing.T) {
	w := newWorld(t)
	x := &burglary{world: w, g: w.waysGate()}
	x.owner = w.linked(x.g).signIn(ana, true)
	w.clock.advance(10 * 24 * time.Hour)
	x.owner.wantPass("ten days later")
	x.breakIn()
	w.clock.advance(time.Minute)
	x.equip(x.owner)
	x.report()
	x.owner.signIn(ana, true)
	x.wantWays("when the guard was lifted", false)
	x.equip(x.owner)
	x.wantWays("made anew", true)
}

// While it lasts no code stands where a locked phone shows it.
func TestRuling40CodesAreMailedQuietly(t *testing.T) {
	x := newWorld(t).burglary()
	quiet := func() bool {
		x.browser(x.g).mailed(ana)
		return x.wantTold("a code", ana, challenge.SignInCode, len(x.mailbox.to(ana, challenge.SignInCode))).Quietly
	}
	if quiet() {
		t.Error("before the report")
	}
	x.report()
	if !quiet() {
		t.Error("the subject holds a code")
	}
	x.owner.signIn(ana, true)
	if quiet() {
		t.Error("when the guard was lifted")
	}
}

func TestRuling40StoppingACodeThatNobodyUsedGuardsNothing(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.linked(g).signIn(ana, true)
	codes := owner.codes()
	thief := w.linked(g)
	thief.mailed(ana)
	w.stop(challenge.SignInCode)
	if a := owner.account(); !a.Guarded.IsZero() || a.Backup.Suspended {
		t.Errorf("the account says %+v", a)
	}
	if err := w.browser(g).enterBy(challenge.ByBackup, codes[0], false); err != nil {
		t.Error(err)
	}
}

// Another report widens the guard and never shortens it.
func TestRuling40AnotherReportWidensTheGuard(t *testing.T) {
	x := newWorld(t).burglary()
	x.clock.advance(3 * 24 * time.Hour)
	second := x.linked(x.g)
	second.agent = safari
	second.signIn(ana, true)
	later := x.mailbox.link(t, challenge.NewSignIn)
	x.browser(x.g).mustReport(later)
	until := x.owner.account().Guarded
	x.clock.advance(time.Hour)
	x.browser(x.g).mustReport(x.link)
	a := x.owner.account()
	if !a.Guarded.Equal(until.Add(time.Hour)) {
		t.Errorf("guarded until %v, before until %v", a.Guarded, until)
	}
	if !slices.ContainsFunc(a.Browsers, func(b challenge.Browser) bool { return b.This && !b.Suspended }) {
		t.Errorf("the owner's browser is in doubt: %+v", a.Browsers)
	}
}
