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

// everything makes each change that a person can make, and says when it is due.
func (b *browser) everything() map[challenge.ChangeKind]func() (time.Time, error) {
	return map[challenge.ChangeKind]func() (time.Time, error){
		challenge.MakeBackupCodes: func() (time.Time, error) { _, due, err := b.tryCodes(); return due, err },
		challenge.AddApp:          func() (time.Time, error) { _, due, err := b.tryApp(); return due, err },
		challenge.SetSecond:       func() (time.Time, error) { return b.trySecond(spare) },
		challenge.RemoveApp:       func() (time.Time, error) { return b.remove(challenge.RemoveApp) },
		challenge.RemoveSecond:    func() (time.Time, error) { return b.remove(challenge.RemoveSecond) },
		challenge.AddToken: func() (time.Time, error) {
			a, f := b.permit(challenge.Change{Kind: challenge.AddToken, Detail: laptop.Detail()})
			_, due, err := b.gate.AddToken(b.w.t.Context(), b.visit(), a, f, laptop)
			return due, err
		},
	}
}

// has says what is there of each change.
func (b *browser) has(kind challenge.ChangeKind) bool {
	a := b.account()
	switch kind {
	case challenge.MakeBackupCodes:
		return a.Backup.Left > 0
	case challenge.AddApp:
		return !a.App.Made.IsZero()
	case challenge.SetSecond:
		return a.Second.Address == spare
	case challenge.RemoveApp:
		return a.App.Made.IsZero()
	case challenge.RemoveSecond:
		return a.Second.Address == ""
	default:
		return len(a.Tokens) > 0
	}
}

// equipped is somebody in a browser of three days, with what a change takes.
func (w *world) equipped(g *challenge.Gate, kind challenge.ChangeKind) *browser {
	b := w.linked(g).signIn(ana, true)
	switch kind {
	case challenge.RemoveApp:
		b.app()
	case challenge.RemoveSecond:
		b.second(spare)
	}
	w.clock.advance(72 * time.Hour)
	b.wantPass("after three days")
	return b
}

func TestRuling41AChangeFromANewBrowserWaitsADay(t *testing.T) {
	for kind := range (&browser{}).everything() {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			g := w.waysGate()
			owner := w.equipped(g, kind)
			young := w.linked(g).signIn(ana, true)
			was := w.mailbox.to(ana, challenge.WaysChanged)

			due, err := young.everything()[kind]()
			if err != nil {
				t.Fatal(err)
			}
			wantDue(t, "the change", due, w.clock.now().Add(24*time.Hour))
			if n := w.wantTold("the change", ana, challenge.WaysChanged, len(was)+1); n.Change != kind || !n.Due.Equal(due) || n.Stop == "" {
				t.Errorf("the mail says %+v", n)
			}
			if waits := account(owner.account()).waiting(); !slices.Equal(waits, []challenge.ChangeKind{kind}) {
				t.Errorf("%q wait", waits)
			}
			w.clock.advance(24*time.Hour - time.Second)
			if owner.has(kind) {
				t.Error("it is there before its time")
			}
			// Nobody looks in between, and the machine that was asked is gone.
			w.clock.advance(time.Second)
			owner.gate = w.waysGateOf(w.machine())
			if !owner.has(kind) || len(owner.account().Waiting) != 0 {
				t.Errorf("it is not there at its time: %+v", owner.account())
			}
			w.wantTold("all of it", ana, challenge.WaysChanged, len(was)+1)
		})
	}
}

func TestRuling41WhoWaits(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		owned   time.Duration // how long the person has been known
		browser time.Duration // how long the browser has
		forget  bool          // it is not remembered
		way     challenge.Way // by which the change is allowed
		had     time.Duration // how long they have had that
		waits   bool
	}{
		"a browser of today":                          {owned: 3 * day, waits: true},
		"one of almost a day":                         {owned: 3 * day, browser: day - time.Minute, waits: true},
		"one of a day":                                {owned: 3 * day, browser: day},
		"on a person's first day":                     {owned: day - time.Minute},
		"when that is over":                           {owned: day, waits: true},
		"one that is not remembered":                  {owned: 3 * day, browser: time.Hour, forget: true, waits: true},
		"by a backup code of long ago":                {owned: 3 * day, way: challenge.ByBackup, had: 2 * day},
		"by a backup code of today":                   {owned: 3 * day, way: challenge.ByBackup, had: day - time.Minute, waits: true},
		"by an app of long ago":                       {owned: 3 * day, way: challenge.ByApp, had: day},
		"by an app of today":                          {owned: 3 * day, way: challenge.ByApp, waits: true},
		"by a second address of long ago":             {owned: 3 * day, way: challenge.BySecond, had: day},
		"by a second address of today":                {owned: 3 * day, way: challenge.BySecond, had: time.Hour, waits: true},
		"by an app of long ago, not being remembered": {owned: 3 * day, forget: true, way: challenge.ByApp, had: day},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			g := w.waysGate()
			owner := w.linked(g).signIn(ana, true)
			w.clock.advance(tt.owned - tt.had)
			code := ""
			var app authenticator
			switch tt.way { // from a browser that has been here for long, or on the first day
			case challenge.ByBackup:
				code = owner.codes()[0]
			case challenge.ByApp:
				app = owner.app()
			case challenge.BySecond:
				owner.second(spare)
			}
			w.clock.advance(tt.had - tt.browser)
			b := w.linked(g).signIn(ana, !tt.forget)
			w.clock.advance(tt.browser)

			change := challenge.Change{Kind: challenge.AddApp}
			switch tt.way {
			case challenge.ByApp:
				change.Kind = challenge.RemoveApp
			case challenge.ByBackup, challenge.BySecond: // an app would wait whoever sets it up, see TestSTP02
				change = challenge.Change{Kind: challenge.AddToken, Detail: laptop.Detail()}
			}
			flow := b.began(change)
			switch tt.way {
			case challenge.ByApp:
				code = app.shows(0)
			case challenge.BySecond:
				sent, err := g.SendSecond(t.Context(), b.changing(change), flow)
				if err != nil {
					t.Fatal(err)
				}
				flow, code = sent.Flow, b.lastCode()
			case challenge.ByMail:
				code = b.lastCode()
			}
			flow, err := b.allowedBy(tt.way, code, flow)
			if err != nil {
				t.Fatal(err)
			}
			var due time.Time
			switch change.Kind {
			case challenge.RemoveApp:
				due, err = g.RemoveWay(t.Context(), b.visit(), b.admitted(), flow, change.Kind)
			case challenge.AddToken:
				_, due, err = g.AddToken(t.Context(), b.visit(), b.admitted(), flow, laptop)
			default:
				offer, failed := g.OfferApp(b.visit(), b.admitted())
				if failed != nil {
					t.Fatal(failed)
				}
				due, err = g.AddApp(t.Context(), b.visit(), b.admitted(), flow, offer.Sealed, w.installed(offer).shows(0))
			}
			if err != nil || due.IsZero() == tt.waits {
				t.Errorf("%v, due %v, want it to wait: %t", err, due, tt.waits)
			}
		})
	}
}

// A code in a browser that is remembered makes it no younger, and a copy of its old
// cookie no older.
func TestRuling41ABrowserKeepsItsAge(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.settled(g, ana)
	copied := *owner
	owner.signIn(ana, true)
	if _, due, err := owner.tryCodes(); err != nil || !due.IsZero() {
		t.Errorf("after another code: %v, due %v", err, due)
	}
	w.clock.advance(time.Hour)
	copied.session, copied.flow = "", nil
	copied.signIn(ana, true)
	if _, due, err := copied.tryCodes(); err != nil || due.IsZero() {
		t.Errorf("with a copy of the cookie before: %v, due %v", err, due)
	}
}

func TestRuling41AChangeIsCancelledFromTheAccount(t *testing.T) {
	for kind := range (&browser{}).everything() {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			g := w.waysGate()
			owner := w.equipped(g, kind)
			young := w.linked(g).signIn(ana, true)
			if _, err := young.everything()[kind](); err != nil {
				t.Fatal(err)
			}
			id := owner.account().Waiting[0].ID
			if err := g.CancelChange(t.Context(), owner.visit(), owner.admitted(), id); err != nil {
				t.Fatal(err)
			}
			if err := g.CancelChange(t.Context(), owner.visit(), owner.admitted(), id); !errors.Is(err, challenge.ErrNoSuch) {
				t.Errorf("a second time: %v", err)
			}
			w.clock.advance(48 * time.Hour)
			if owner.has(kind) || len(owner.account().Waiting) != 0 {
				t.Errorf("two days later: %+v", owner.account())
			}
			if rows := owner.activity(challenge.ActivityQuery{}).Rows; !slices.ContainsFunc(rows, func(r challenge.ActivityRow) bool {
				return r.Kind == challenge.ActivityChangeCancelled && r.Change == kind
			}) {
				t.Errorf("the activity says %q", told(rows))
			}
		})
	}
}

// By the link of the mail about it, without signing in, whether it waits or was made.
// Who made it is out, and so is what they may have brought along.
func TestRuling41AChangeIsTakenBackByTheLinkOfItsMail(t *testing.T) {
	for kind := range (&browser{}).everything() {
		for name, later := range map[string]time.Duration{"while it waits": time.Hour, "when it was made": 25 * time.Hour} {
			t.Run(string(kind)+" "+name, func(t *testing.T) {
				w := newWorld(t)
				g := w.waysGate()
				owner := w.equipped(g, kind)
				young := w.linked(g).signIn(ana, true)
				if _, err := young.everything()[kind](); err != nil {
					t.Fatal(err)
				}
				w.clock.advance(later)
				waits := later < 24*time.Hour
				link := w.mailbox.link(t, challenge.WaysChanged)
				reader := w.browser(g)
				if r, err := reader.reportable(link); err != nil || r.Kind != challenge.ReportChange || r.Change != kind || r.Waits != waits || r.Browser != "Firefox on Windows" {
					t.Errorf("Reportable = %+v, %v", r, err)
				}
				if r := reader.mustReport(link); r.Change != kind || r.Waits != waits {
					t.Errorf("Report = %+v", r)
				}
				reader.wantNoReport("a second time", link)
				young.over("who made it")
				owner.wantPass("the owner")
				w.clock.advance(48 * time.Hour)
				removes := kind == challenge.RemoveApp || kind == challenge.RemoveSecond
				if has := owner.has(kind); has != (removes && !waits) { // what was taken away does not come back
					t.Errorf("it is there: %t; %+v", has, owner.account())
				}
				if a := owner.account(); len(a.Waiting) != 0 || a.Guarded.IsZero() {
					t.Errorf("%d wait, guarded until %v", len(a.Waiting), a.Guarded)
				}
			})
		}
	}
}

// Whatever of it the store did not take, the link works still, and then all is done.
func TestRuling41ALinkThatFailsHalfWayWorksStill(t *testing.T) {
	for _, denied := range []string{"person/", "ended", "erasures", "belongings/"} {
		t.Run(denied, func(t *testing.T) {
			w, s := newFailing(t)
			g := w.waysGate()
			owner := w.settled(g, ana)
			young := w.linked(g).signIn(ana, true)
			a, f := young.permit(challenge.Change{Kind: challenge.EraseData})
			if _, err := g.Erase(t.Context(), young.visit(), a, f); err != nil {
				t.Fatal(err)
			}
			w.clock.advance(time.Minute)
			again := w.linked(g).signIn(ana, true) // there are others to sign out
			link := w.mailbox.link(t, challenge.WaysChanged)
			s.denyOnce(denied)
			reader := w.browser(g)
			if _, err := reader.report(link); !errors.Is(err, challenge.ErrUnavailable) {
				t.Fatalf("Report = %v, want ErrUnavailable", err)
			}
			reader.mustReport(link)
			again.over("who came in since")
			owner.session = ""
			back := owner.signIn(ana, false)
			if waits := back.account().Waiting; len(waits) != 0 {
				t.Errorf("%d changes wait", len(waits))
			}
			wantNoErasures(t, w)
		})
	}
}

func wantNoErasures(t *testing.T, w *world) {
	t.Helper()
	raw, err := w.store.Get(t.Context(), "erasures")
	if err == nil {
		t.Errorf("the list of who is to be forgotten is %s", raw)
	}
}

func TestRuling41OneThatWaitsMakesRoomForTheNextOfItsKind(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.settled(g, ana)
	young := w.linked(g).signIn(ana, true)
	first, _, err := young.tryCodes()
	if err != nil {
		t.Fatal(err)
	}
	now := owner.codes()
	if waits := owner.account().Waiting; len(waits) != 0 {
		t.Errorf("%d changes wait after one that was made at once", len(waits))
	}
	w.clock.advance(25 * time.Hour)
	if err := w.browser(g).enterBy(challenge.ByBackup, first[0], false); !errors.Is(err, challenge.ErrWrongCode) {
		t.Errorf("a code that waited: %v", err)
	}
	if err := w.browser(g).enterBy(challenge.ByBackup, now[0], false); err != nil {
		t.Errorf("a code that was made after it: %v", err)
	}
}

// What is removed later is what was there when that was asked for.
func TestRuling41ARemovalThatWaitedTakesNothingNewer(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.equipped(g, challenge.RemoveApp)
	young := w.linked(g).signIn(ana, true)
	if _, err := young.remove(challenge.RemoveApp); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Hour)
	owner.app()
	w.clock.advance(25 * time.Hour)
	if !owner.has(challenge.AddApp) {
		t.Error("the new app is gone")
	}
}

// Nothing that waits can be pushed out of sight.
func TestRuling41ThereIsNoEndOfChangesThatWait(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.settled(g, ana)
	young := w.linked(g).signIn(ana, true)
	if _, _, err := young.tryCodes(); err != nil {
		t.Fatal(err)
	}
	var err error
	for n := 0; err == nil && n < 40; n++ {
		_, err = young.everything()[challenge.AddToken]()
	}
	if !errors.Is(err, challenge.ErrTooMany) {
		t.Errorf("AddToken = %v, want ErrTooMany", err)
	}
	if waits := account(owner.account()).waiting(); !slices.Contains(waits, challenge.MakeBackupCodes) || len(waits) > 32 {
		t.Errorf("%d changes wait: %q", len(waits), waits)
	}
}

// A person who changes much keeps the link of each change for its week.
func TestRuling41ManyChangesPushNoLinkOut(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.waysGate(), ana)
	owner.codes()
	link := w.mailbox.link(t, challenge.WaysChanged)
	for range 20 {
		w.clock.advance(time.Hour)
		owner.app()
	}
	if r := w.linked(owner.gate).mustReport(link); r.Change != challenge.MakeBackupCodes {
		t.Errorf("Report = %+v, want the first change taken back", r)
	}
}
