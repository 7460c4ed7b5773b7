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

// A talkedIn is somebody whom an operator let in who is not the owner.
type talkedIn struct {
	*world
	owner, thief *browser
}

func newTalkedIn(t *testing.T) *talkedIn {
	w := newWorld(t)
	x := &talkedIn{world: w, owner: w.settled(w.waysGate(), ana)}
	x.owner.codes()
	x.owner.app()
	w.clock.advance(8 * 24 * time.Hour) // longer than a report reaches back
	x.owner.wantPass("eleven days later")
	return x
}

func (x *talkedIn) letsIn() {
	x.t.Helper()
	code, _ := x.letIn(x.owner.gate, 0)
	x.thief = x.linked(x.owner.gate)
	x.thief.mailed(ana)
	if err := x.thief.enter(code, false); err != nil {
		x.t.Fatal(err)
	}
}

func TestRuling43WhoWasLetInReportsNobody(t *testing.T) {
	x := newTalkedIn(t)
	second := x.linked(x.owner.gate).signIn(ana, true)
	x.letsIn()
	rows := strange(x.thief.activity(challenge.ActivityQuery{}).Rows)
	if len(rows) == 0 {
		t.Fatal("there is nothing to report")
	}
	for _, r := range rows {
		if _, err := x.thief.reportRow(r.ID); !errors.Is(err, challenge.ErrSuspended) {
			t.Errorf("ReportRow = %v, want ErrSuspended", err)
		}
	}
	if a := x.owner.account(); a.Backup.Suspended || a.App.Suspended || !a.Guarded.IsZero() {
		t.Errorf("the account says %+v", a)
	}
	second.wantPass("the owner's second browser")
}

func TestRuling43WhoWasLetInCancelsNothing(t *testing.T) {
	x := newTalkedIn(t)
	if _, err := x.owner.erase(); err != nil {
		t.Fatal(err)
	}
	x.letsIn()
	waiting := x.thief.account().Waiting
	if len(waiting) != 1 {
		t.Fatalf("%d changes wait, want 1", len(waiting))
	}
	if err := x.owner.gate.CancelChange(t.Context(), x.thief.visit(), x.thief.admitted(), waiting[0].ID); !errors.Is(err, challenge.ErrSuspended) {
		t.Errorf("CancelChange = %v, want ErrSuspended", err)
	}
	if got := x.thief.account().Waiting; len(got) != 1 {
		t.Errorf("%d changes wait afterwards", len(got))
	}
}

// The owner needs the browser that they have had for long, to show that it is they.
func TestRuling43WhoWasLetInForgetsNoBrowser(t *testing.T) {
	x := newTalkedIn(t)
	x.letsIn()
	g := x.owner.gate
	if _, err := g.SignOutElsewhere(t.Context(), x.thief.visit(), x.thief.admitted()); err != nil {
		t.Fatal(err)
	}
	x.owner.session, x.owner.flow = "", nil
	x.owner.signIn(ana, true)
	for _, r := range strange(x.owner.activity(challenge.ActivityQuery{}).Rows) {
		if _, err := x.owner.reportRow(r.ID); err != nil {
			t.Fatal(err)
		}
	}
	if x.owner.account().Guarded.IsZero() {
		t.Fatal("nothing was reported")
	}
	x.owner.flow = nil
	x.owner.signIn(ana, true)
	if got := x.owner.account().Guarded; !got.IsZero() {
		t.Errorf("the owner cannot end the guard: until %v", got)
	}
}

// Who has stolen a session must not throw the owner out by it.
func TestRuling40WhoMaySayThatAnEntryWasNotTheirs(t *testing.T) {
	for name, tt := range map[string]struct {
		who  func(h household) *browser
		want error
	}{
		"a browser that is older":  {func(h household) *browser { return h.owner }, nil},
		"a newer one":              {func(h household) *browser { return h.thief }, challenge.ErrSuspended},
		"a newer one after a code": {func(h household) *browser { return h.linked(h.g).signIn(ana, false) }, nil},
		"a newer one half an hour after its code": {func(h household) *browser {
			b := h.linked(h.g).signIn(ana, false)
			h.clock.advance(30 * time.Minute)
			return b
		}, challenge.ErrSuspended},
		"a newer one that is remembered": {func(h household) *browser {
			h.clock.advance(13 * time.Hour)
			h.thief.wantPass("by being remembered")
			return h.thief
		}, challenge.ErrSuspended},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHousehold(t)
			h.owner.flow = nil
			b := tt.who(h)
			rows := strange(b.activity(challenge.ActivityQuery{}).Rows)
			if len(rows) == 0 {
				t.Fatal("there is nothing to report")
			}
			if _, err := b.reportRow(rows[0].ID); !errors.Is(err, tt.want) {
				t.Errorf("ReportRow = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestRuling40TheLiftAndTheGuardAreMailed(t *testing.T) {
	x := newTalkedIn(t)
	x.owner.second(spare)
	x.clock.advance(8 * 24 * time.Hour)
	x.owner.wantPass("nineteen days later")
	x.linked(x.owner.gate).signIn(ana, true)
	told := len(x.mailbox.to(ana, challenge.WaysChanged))
	row := strange(x.owner.activity(challenge.ActivityQuery{}).Rows)[0].ID
	if _, err := x.owner.reportRow(row); err != nil {
		t.Fatal(err)
	}
	if n := x.wantTold("the report", ana, challenge.WaysChanged, told+1); n.Change != challenge.StartGuard {
		t.Errorf("the mail says %+v", n)
	}
	x.owner.flow = nil
	x.owner.signIn(ana, true)
	if n := x.wantTold("the lift", ana, challenge.WaysChanged, told+2); n.Change != challenge.LiftGuard {
		t.Errorf("the mail says %+v", n)
	}
	list := x.mailbox.to(spare, challenge.WaysChanged)
	if len(list) < 2 || list[len(list)-2].Change != challenge.StartGuard || list[len(list)-1].Change != challenge.LiftGuard {
		t.Errorf("the second address is told of %+v", list)
	}
}

func TestRuling40ASessionThatBeganAfterTheEntryEndsWithIt(t *testing.T) {
	h := newHousehold(t)
	ghost := h.linked(h.g)
	ghost.agent = safari
	ghost.signIn(ana, false)
	h.clock.advance(time.Minute)
	for _, r := range strange(h.owner.activity(challenge.ActivityQuery{}).Rows) {
		if r.Browser != "Chrome on Linux" {
			continue
		}
		if _, err := h.owner.reportRow(r.ID); err != nil {
			t.Fatal(err)
		}
	}
	h.thief.over("the thief")
	ghost.over("one that is not remembered, and began after it")
	h.owner.wantPass("the owner")
}

// A household of two days, in which the thief has added an app by a code.
func newInfested(t *testing.T) (w *world, owner, thief *browser) {
	w = newWorld(t)
	owner = w.settled(w.waysGate(), ana)
	thief = w.linked(owner.gate).signIn(ana, true)
	w.clock.advance(49 * time.Hour)
	thief.wantPass("two days later")
	if _, due, err := thief.tryApp(); err != nil || !due.IsZero() {
		t.Fatalf("AddApp = %v, due %v", err, due)
	}
	return w, owner, thief
}

// Each code gives a browser a new name, by which the change does not know it.
func TestRuling40TheLinkOfAChangeEndsABrowserOfWhateverName(t *testing.T) {
	for _, again := range []int{1, 2, 14} { // more than there are entries to go by
		w, owner, thief := newInfested(t)
		for range again {
			thief.flow = nil
			thief.signIn(ana, true)
		}
		w.stop(challenge.WaysChanged)
		thief.over("who made the change")
		thief.session = ""
		if v := thief.open(); v.Decision == challenge.Pass {
			t.Error("it is remembered")
		}
		owner.wantPass("the owner")
	}
}

func TestRuling41TheLinkOfACodeThatWasUsedTakesTheChangeBack(t *testing.T) {
	w, owner, thief := newInfested(t)
	link := w.mailbox.link(t, challenge.ChangeCode)
	if r, err := w.linked(owner.gate).reportable(link); err != nil || r.Kind != challenge.ReportChange || r.Change != challenge.AddApp {
		t.Errorf("Reportable = %+v, %v", r, err)
	}
	w.linked(owner.gate).mustReport(link)
	thief.over("who made the change")
	if a := owner.account(); !a.App.Made.IsZero() || a.Guarded.IsZero() {
		t.Errorf("the account says %+v", a)
	}
	w.linked(owner.gate).wantNoReport("a second time", link)
}

func TestRuling41AWaitingChangeEndsWithItsBrowser(t *testing.T) {
	everywhere := func(b *browser) error {
		return errorOf(b.gate.SignOutElsewhere(b.w.t.Context(), b.visit(), b.admitted()))
	}
	that := func(b *browser) error {
		other := slices.IndexFunc(b.account().Browsers, func(one challenge.Browser) bool { return !one.This })
		return b.gate.SignOutBrowser(b.w.t.Context(), b.visit(), b.admitted(), b.account().Browsers[other].ID, false)
	}
	for name, tt := range map[string]struct {
		signOut         func(b *browser) error
		remember, again bool
	}{
		"everywhere else":                         {everywhere, true, false},
		"everywhere else, not remembered":         {everywhere, false, false},
		"everywhere else, after another code":     {everywhere, true, true},
		"everywhere else, not remembered, anew":   {everywhere, false, true},
		"that browser":                            {that, true, false},
		"that browser, which is not remembered":   {that, false, false},
		"that browser, of another name meanwhile": {that, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			owner := w.settled(w.waysGate(), ana)
			thief := w.linked(owner.gate).signIn(ana, tt.remember)
			app, due, err := thief.tryApp()
			if err != nil || due.IsZero() {
				t.Fatalf("AddApp = %v, due %v", err, due)
			}
			if tt.again {
				thief.flow = nil
				thief.signIn(ana, tt.remember)
			}
			if err := tt.signOut(owner); err != nil {
				t.Fatal(err)
			}
			if got := owner.account().Waiting; len(got) != 0 {
				t.Errorf("%d changes wait", len(got))
			}
			w.clock.advance(25 * time.Hour)
			if err := w.linked(owner.gate).enterBy(challenge.ByApp, app.shows(0), true); !errors.Is(err, challenge.ErrWrongCode) {
				t.Errorf("the app of who was thrown out: %v", err)
			}
		})
	}
}

// What the person waits for in the browser that signs others out goes on.
func TestOnesOwnWaitingChangeStays(t *testing.T) {
	for _, again := range []bool{false, true} {
		w := newWorld(t)
		w.settled(w.waysGate(), ana)
		young := w.linked(w.waysGate()).signIn(ana, true)
		if _, due, err := young.tryApp(); err != nil || due.IsZero() {
			t.Fatalf("AddApp = %v, due %v", err, due)
		}
		if again {
			young.flow = nil
			young.signIn(ana, true)
		}
		if _, err := young.gate.SignOutElsewhere(t.Context(), young.visit(), young.admitted()); err != nil {
			t.Fatal(err)
		}
		if got := young.account().Waiting; len(got) != 1 {
			t.Errorf("after another code: %t: %d changes wait, want 1", again, len(got))
		}
	}
}

// The owner's own wish to be forgotten is no way in, and stays.
func TestAnErasureStaysWhenItsBrowserIsSignedOut(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.waysGate(), ana)
	other := w.linked(owner.gate).signIn(ana, true)
	if _, err := other.erase(); err != nil {
		t.Fatal(err)
	}
	owner.session = ""
	owner.signIn(ana, true)
	if _, err := owner.gate.SignOutElsewhere(t.Context(), owner.visit(), owner.admitted()); err != nil {
		t.Fatal(err)
	}
	if got := owner.account().Waiting; len(got) != 1 || got[0].Kind != challenge.EraseData {
		t.Errorf("%+v wait", got)
	}
}

func TestLessSafeSettingsAreTold(t *testing.T) {
	for name, tt := range map[string]struct {
		before, after challenge.PersonSettings
		want          int
	}{
		"no code at every sign-in any more": {challenge.PersonSettings{Always: true}, challenge.PersonSettings{}, 1},
		"no mail about new browsers":        {challenge.PersonSettings{}, challenge.PersonSettings{Quiet: true}, 1},
		"both, in one mail":                 {challenge.PersonSettings{Always: true}, challenge.PersonSettings{Quiet: true}, 1},
		"safer ones":                        {challenge.PersonSettings{Quiet: true}, challenge.PersonSettings{Always: true}, 0},
		"the language":                      {challenge.PersonSettings{Quiet: true}, challenge.PersonSettings{Quiet: true, Language: "de"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			owner := w.linked(w.waysGate()).signIn(ana, true)
			set := func(b *browser, s challenge.PersonSettings) {
				if err := b.gate.SetSettings(t.Context(), b.visit(), b.admitted(), s); err != nil {
					t.Fatal(err)
				}
			}
			set(owner, tt.before)
			before := len(w.mailbox.to(ana, challenge.WaysChanged))
			set(w.linked(owner.gate).signIn(ana, true), tt.after)
			w.wantTold(name, ana, challenge.WaysChanged, before+tt.want)
		})
	}
}
