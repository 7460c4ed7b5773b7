// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// threeBrowsers is somebody with three browsers: one that is remembered, one that is not,
// and the one that looks.
func threeBrowsers(w *world, g *challenge.Gate) (here, remembered, brief *browser) {
	remembered = w.linked(g)
	remembered.ip, remembered.agent = tokyo, safari
	remembered.signIn(ana, true)
	w.clock.advance(time.Minute)
	brief = w.linked(g)
	brief.signIn(ana, false)
	w.clock.advance(time.Minute)
	here = w.linked(g)
	here.ip = lisbon
	here.signIn(ana, true)
	return here, remembered, brief
}

func TestItem88APersonSeesTheirBrowsers(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Locator: world1, Policy: challenge.Policy{Limits: roomy}})
	began := w.clock.now()
	here, remembered, brief := threeBrowsers(w, g)
	w.linked(g).signIn(bob, true)
	list := here.account().Browsers
	want := []challenge.Browser{
		{
			Kind: "Firefox on Windows", This: true, Remembered: true, SignedIn: true, First: began.Add(2 * time.Minute), Last: began.Add(2 * time.Minute),
			City: "Lisbon", Country: "PT", Radius: 10, Credit: "by a test", Network: challenge.Surroundings(lisbon).String(),
		},
		{Kind: "Firefox on Windows", SignedIn: true, First: began.Add(time.Minute), Last: began.Add(time.Minute), Network: challenge.Surroundings(brief.ip).String()},
		{
			Kind: "Safari on macOS", Remembered: true, SignedIn: true, First: began, Last: began,
			City: "Tokyo", Country: "JP", Radius: 10, Credit: "by a test", Network: challenge.Surroundings(tokyo).String(),
		},
	}
	got := slices.Clone(list)
	for i := range got {
		got[i].ID = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// What names them in forms is none of what their cookies hold.
	for _, b := range []*browser{here, remembered, brief} {
		live := b.admitted().Live
		for _, one := range list {
			raw, err := base64.RawURLEncoding.DecodeString(one.ID)
			if err != nil || len(raw) != 16 {
				t.Fatalf("a browser is named %q", one.ID)
			}
			for _, secret := range []string{live.Key(), live.Browser, live.ID.Public()} {
				if secret != "" && (strings.Contains(one.ID, secret) || strings.Contains(secret, one.ID) || strings.Contains(secret, string(raw))) {
					t.Errorf("%q says something of %q", one.ID, secret)
				}
			}
		}
	}
	// It is used once more, and was elsewhere.
	w.clock.advance(13 * time.Hour)
	remembered.ip, remembered.agent = lisbon, firefox
	remembered.wantPass("renewed")
	here.wantPass("renewed too")
	i := slices.IndexFunc(here.account().Browsers, func(b challenge.Browser) bool { return b.First.Equal(began) })
	if b := here.account().Browsers[i]; b.Kind != "Firefox on Windows" || b.City != "Lisbon" || !b.Last.Equal(w.clock.now()) || b.ID != list[2].ID {
		t.Errorf("a renewal: %+v", b)
	}
	if n := len(here.account().Browsers); n != 2 {
		t.Errorf("%d browsers when a session is over, want 2", n)
	}
}

func TestItem89ABrowserIsSignedOutFromAnother(t *testing.T) {
	for _, forget := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			g := w.waysGate()
			there := w.waysGateOf(w.machine())
			here, remembered, brief := threeBrowsers(w, g)
			ids := map[*browser]string{}
			for _, b := range here.account().Browsers {
				switch {
				case b.This:
					ids[here] = b.ID
				case b.Remembered:
					ids[remembered] = b.ID
				default:
					ids[brief] = b.ID
				}
			}
			if err := g.RenameBrowser(t.Context(), here.visit(), here.admitted(), ids[remembered], "Study"); err != nil {
				t.Fatal(err)
			}
			for _, b := range []*browser{remembered, brief} {
				b.gate = there
				stream, own := b.connect(), here.connect()
				if err := g.SignOutBrowser(t.Context(), here.visit(), here.admitted(), ids[b], forget); err != nil {
					t.Fatal(err)
				}
				poll()
				stream.want("of what was signed out", false)
				own.want("of who did it", true)
				if v := b.open(); v.Decision != challenge.Check || !v.Elsewhere {
					t.Errorf("at the other machine: %v, told why: %t", v.Decision, v.Elsewhere)
				}
				b.session = ""
				want := challenge.Ended
				if b == brief {
					want = challenge.NewBrowser
				} else if forget {
					want = challenge.Expired
				}
				b.wantCheck("by being remembered", want)
			}
			if n := len(here.account().Browsers); n != 1 {
				t.Errorf("%d browsers are listed, want 1", n)
			}
			rows := here.activity(challenge.ActivityQuery{}).Rows
			if i := slices.IndexFunc(rows, func(r challenge.ActivityRow) bool {
				return r.Kind == challenge.ActivityEndedElsewhere && r.Name == "Study"
			}); i < 0 {
				t.Errorf("the activity says %q", told(rows))
			}
			if err := g.SignOutBrowser(t.Context(), here.visit(), here.admitted(), ids[brief], forget); !errors.Is(err, challenge.ErrNoSuch) {
				t.Errorf("a second time: %v", err)
			}
		})
	}
}

func TestItem89SignOutEverywhereElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		g := w.waysGate()
		here, remembered, brief := threeBrowsers(w, g)
		for _, b := range []*browser{remembered, brief} {
			b.gate = w.waysGateOf(w.machine())
		}
		stream, own := remembered.connect(), here.connect()
		if n, err := g.SignOutElsewhere(t.Context(), here.visit(), here.admitted()); err != nil || n != 2 {
			t.Errorf("SignOutElsewhere = %d, %v, want 2", n, err)
		}
		poll()
		stream.want("elsewhere", false)
		own.want("here", true)
		remembered.over("a remembered browser")
		brief.over("one that is not")
		here.wantPass("here")
		here.session = ""
		here.wantPass("here, by being remembered")
		if n, err := g.SignOutElsewhere(t.Context(), here.visit(), here.admitted()); err != nil || n != 0 {
			t.Errorf("once more: %d, %v", n, err)
		}
	})
}

// What is not one's own cannot be named, whatever is guessed, and is not told from
// what is not there.
func TestNobodyReachesWhatIsSomebodyElses(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.settled(g, ana)
	owner.codes()
	owner.token(laptop)
	young := w.linked(g).signIn(ana, true)
	if _, _, err := young.tryApp(); err != nil {
		t.Fatal(err)
	}
	a := owner.account()
	eve := w.linked(g).signIn(bob, true)
	live := owner.admitted().Live
	guesses := []string{"", "x", a.Browsers[0].ID, a.Browsers[1].ID, a.Waiting[0].ID, a.Tokens[0].ID, live.Key(), live.Browser, live.ID.Public(), "token " + a.Tokens[0].ID}
	eve.wantPass("and has shown its secret")
	before := dump(t, w)
	for _, id := range guesses {
		for what, err := range map[string]error{
			"renaming":    g.RenameBrowser(t.Context(), eve.visit(), eve.admitted(), id, "mine"),
			"signing out": g.SignOutBrowser(t.Context(), eve.visit(), eve.admitted(), id, true),
			"cancelling":  g.CancelChange(t.Context(), eve.visit(), eve.admitted(), id),
			"revoking":    g.RevokeToken(t.Context(), eve.visit(), eve.admitted(), id),
			"reporting":   errorOf(g.ReportRow(t.Context(), eve.visit(), eve.admitted(), id)),
		} {
			if !errors.Is(err, challenge.ErrNoSuch) {
				t.Errorf("%s %q: %v, want ErrNoSuch", what, id, err)
			}
		}
	}
	after := dump(t, w)
	for key, value := range before {
		if personal(key) && after[key] != value {
			t.Errorf("%s was changed", key)
		}
	}
	owner.wantPass("the owner")
}

func errorOf[T any](_ T, err error) error { return err }

// Names are text of one line; what they hold is for whoever prints them to escape.
func TestANameHoldsNoControlCharacters(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	b := w.linked(g).signIn(ana, true)
	id := b.account().Browsers[0].ID
	for given, want := range map[string]string{
		"  my   laptop ":            "my laptop",
		"a\r\nSet-Cookie: x":        "a Set-Cookie: x",
		"<script>alert(1)</script>": "<script>alert(1)</script>",
		"a\x00b\x1b[31mc":           "a b [31mc",
		"left\u202eright\u2066":     "left right",
		"zero\u200bwidth":           "zero width",
		"broken \xff\xfe text":      "broken text",
		strings.Repeat("é", 50):     strings.Repeat("é", 40),
		strings.Repeat("ab ", 20):   strings.Repeat("ab ", 13) + "a",
		"\ufffd":                    "",
		"":                          "",
	} {
		if err := g.RenameBrowser(t.Context(), b.visit(), b.admitted(), id, given); err != nil {
			t.Fatal(err)
		}
		if got := b.account().Browsers[0].Name; got != want {
			t.Errorf("%q is kept as %q, want %q", given, got, want)
		}
	}
}

func TestSettingsArePersonal(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	b, eve := w.linked(g).signIn(ana, true), w.linked(g).signIn(bob, true)
	want := challenge.PersonSettings{Language: "de", Zone: "Europe/Lisbon", Always: true}
	if err := g.SetSettings(t.Context(), b.visit(), b.admitted(), want); err != nil {
		t.Fatal(err)
	}
	if got := b.account().Settings; got != want {
		t.Errorf("Settings = %+v, want %+v", got, want)
	}
	if got := eve.account().Settings; got != (challenge.PersonSettings{}) {
		t.Errorf("somebody else's: %+v", got)
	}
	w.clock.advance(13 * time.Hour)
	eve.wantPass("somebody else's remembered browser")
	b.wantCheck("a remembered browser that is always asked", challenge.Always)
	b.signIn(ana, true)
	want.Always, want.Quiet = false, true
	if err := g.SetSettings(t.Context(), b.visit(), b.admitted(), want); err != nil {
		t.Fatal(err)
	}
	if n := w.wantTold("being told less", ana, challenge.WaysChanged, 1); n.Change != challenge.ChangeSettings {
		t.Errorf("the mail says %+v", n)
	}
	w.clock.advance(13 * time.Hour)
	b.wantPass("not asked any more")
}

// Whoever relies on a mailbox alone is urged, above all where that is behind a door.
func TestPeopleAreUrgedToHaveAnotherWay(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	b := w.linked(g).signIn(ana, true)
	if a := b.account(); !a.Urge || !a.MailboxHere { // app.example.com and ana@example.com
		t.Errorf("at first: urged %t, mailbox here %t", a.Urge, a.MailboxHere)
	}
	if w.mailbox.to(ana, challenge.SignInCode)[0].Urge {
		t.Error("the first mail urges who has no account yet")
	}
	b.signIn(ana, true)
	if list := w.mailbox.to(ana, challenge.SignInCode); !list[len(list)-1].Urge {
		t.Error("the next mail does not urge")
	}
	b.codes()
	if a := b.account(); a.Urge || a.MailboxHere {
		t.Errorf("with codes: urged %t", a.Urge)
	}
	b.signIn(ana, true)
	if list := w.mailbox.to(ana, challenge.SignInCode); list[len(list)-1].Urge {
		t.Error("mail urges who has codes")
	}
}

// The page and the mail urge the same people.
func TestWhoIsUrged(t *testing.T) {
	for name, tt := range map[string]struct {
		does func(w *world, b *browser)
		want bool
	}{
		"who has nothing": {func(*world, *browser) {}, true},
		"who has codes":   {func(_ *world, b *browser) { b.codes() }, false},
		"who has an app":  {func(_ *world, b *browser) { b.app() }, false},
		"whose codes are used up": {func(w *world, b *browser) {
			for _, code := range b.codes() {
				if err := w.browser(b.gate).enterBy(challenge.ByBackup, code, false); err != nil {
					w.t.Fatal(err)
				}
			}
		}, true},
		"whose ways are on hold": {func(w *world, b *browser) {
			b.codes()
			b.app()
			w.clock.advance(time.Minute)
			if err := w.house.EndRestored(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.linked(w.waysGate()).signIn(ana, true)
			tt.does(w, b)
			w.clock.advance(time.Minute)
			reader := w.linked(b.gate).signIn(ana, false)
			list := w.mailbox.to(ana, challenge.SignInCode)
			if page, mail := reader.account().Urge, list[len(list)-1].Urge; page != tt.want || mail != tt.want {
				t.Errorf("the page urges: %t, the mail: %t, want %t", page, mail, tt.want)
			}
		})
	}
}

// Ruling 25: who wants to be asked always is asked while the store is away, too.
func TestSettingsHoldWhileTheStoreIsAway(t *testing.T) {
	for _, always := range []bool{false, true} {
		w, s := newFailing(t)
		g := w.gate(challenge.GateOptions{Grace: time.Hour, Policy: challenge.Policy{Limits: roomy, OnStoreFailure: challenge.AllowKnownBrowsers, Session: challenge.SessionPolicy{Lifetime: time.Minute}}})
		b := w.linked(g).signIn(ana, true)
		if err := g.SetSettings(t.Context(), b.visit(), b.admitted(), challenge.PersonSettings{Always: always}); err != nil {
			t.Fatal(err)
		}
		b.signIn(ana, true)
		w.clock.advance(2 * time.Minute)
		s.stop(true)
		if v := b.open(); (v.Decision == challenge.Pass) == always {
			t.Errorf("always: %t: %v", always, v.Decision)
		}
	}
}
