// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

func TestEachWayLeadsToThePageThatWasWanted(t *testing.T) {
	const heading3, heading5, second5 = "Use a backup code", "Use your authenticator app", "Check your second mailbox"
	tests := map[string]struct {
		heading string
		choose  []string
		action  string
		code    func(w *world, k kit) string
	}{
		"a backup code as it is printed":       {heading3, []string{"backup"}, "/backup", func(_ *world, k kit) string { return k.codes[0] }},
		"a backup code as it is typed":         {heading3, []string{"backup"}, "/backup", func(_ *world, k kit) string { return " " + strings.ToLower(strings.ReplaceAll(k.codes[1], "-", " ")) }},
		"a backup code by the list":            {heading3, []string{"other", "backup"}, "/backup", func(_ *world, k kit) string { return k.codes[2] }},
		"an authenticator app":                 {heading5, []string{"other", "app"}, "/verify", func(w *world, k kit) string { return k.app(w.t, w.clock.now()) }},
		"a second address":                     {second5, []string{"other", "second"}, "/verify", func(w *world, _ kit) string { return w.code(true) }},
		"the mail, after looking at the rest":  {"Check your email", []string{"backup", "other", "app", "mail"}, "/verify", func(w *world, _ kit) string { return w.code(false) }},
		"the mail, after the second address":   {"Check your email", []string{"other", "second", "mail"}, "/verify", func(w *world, _ kit) string { return w.code(false) }},
		"a second address, after a detour":     {second5, []string{"other", "second", "backup", "other", "second"}, "/verify", func(w *world, _ kit) string { return w.code(true) }},
		"the mail, by a detour over the other": {"Check your email", []string{"other", "second", "backup", "mail"}, "/verify", func(w *world, _ kit) string { return w.code(false) }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			k := w.equip(ana)
			b := w.browser()
			b.ask("/reports?year=2026", ana)
			for _, way := range tt.choose {
				w.clock.advance(31 * time.Second)
				b.choose(way).wants(t, http.StatusUnauthorized)
			}
			b.page.wants(t, http.StatusUnauthorized, tt.heading)
			sent := b.post(clicked, tt.action, "code", tt.code(w, k))
			if sent.wants(t, http.StatusSeeOther); sent.Header.Get("Location") != origin+"/reports?year=2026" {
				t.Errorf("Location = %q", sent.Header.Get("Location"))
			}
			b.open("/reports?year=2026").wants(t, http.StatusOK, "app")
			if b.jar["__Host-Http-doorcode-flow"] != "" {
				t.Error("the flow outlives its check")
			}
		})
	}
}

func TestABackupCodeWorksOnceAndWrongOnesAreToldAlike(t *testing.T) {
	w := newWorld(t)
	k := w.equip(ana)
	used := k.codes[0]
	first := w.browser()
	first.ask("/x", ana)
	first.choose("backup")
	first.submit("/backup", "code", used).wants(t, http.StatusOK, "app")

	w.clock.advance(time.Minute)
	b := w.browser()
	b.ask("/x", ana)
	b.choose("backup")
	for _, code := range []string{used, "0000-0000-0000-0000"} {
		b.submit("/backup", "code", code).wants(t, http.StatusUnauthorized, "That backup code isn't right or was already used.", "!tries left")
		if !strings.Contains(b.page.body, `value="`+code+`"`) {
			t.Error("what was typed is gone")
		}
		b.open("/x").wants(t, http.StatusUnauthorized, "That backup code isn't right or was already used.")
	}
	b.submit("/backup", "code", "").wants(t, http.StatusUnauthorized, "Enter a backup code.")
	b.submit("/backup", "code", "ABCD").wants(t, http.StatusUnauthorized, "A backup code has 16 letters and numbers.")
	if s := b.post(scripted, "/backup", "code", used).wantsProblem(t, http.StatusUnprocessableEntity, "wrong-code"); s.TriesLeft != nil || s.Ref != "" ||
		s.Message != "That backup code isn't right or was already used." {
		t.Errorf("a script is told %+v", s)
	}
	b.submit("/backup", "code", k.codes[1]).wants(t, http.StatusOK, "app")
}

// The script of the page goes on to the same pages without a reload by hand.
func TestAScriptChoosesAWayAsAFormDoes(t *testing.T) {
	w := newWorld(t)
	k := w.equip(ana)
	b := w.browser()
	b.ask("/x?y=1", ana)
	for _, way := range []string{"other", "app", "backup"} {
		if s := b.post(scripted, "/way", "way", way).json(t); !s.OK || s.To != "/x?y=1" {
			t.Fatalf("%s: %+v", way, s)
		}
		b.open("/x?y=1")
	}
	b.page.wants(t, http.StatusUnauthorized, "Use a backup code")
	if s := b.post(scripted, "/backup", "code", k.codes[0]).json(t); !s.OK || s.To != "/x?y=1" {
		t.Errorf("backup code: %+v", s)
	}
	b.open("/x").wants(t, http.StatusOK, "app")
}

func TestTheBoxStaysAsItIsFromWayToWay(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.ask("/x", ana)
	ticked := func() bool { return strings.Contains(b.page.body, " checked>") }
	b.submit("/way", "way", "backup", "code", "", "remember", "1")
	for _, way := range []string{"other", "app", "mail"} { // the list has no box
		if way != "app" && !ticked() {
			t.Fatalf("before %s the box is not ticked any more", way)
		}
		if way == "other" || way == "mail" {
			b.submit("/way", "way", way, "code", "", "remember", "1")
		} else {
			b.choose(way)
		}
	}
	if !ticked() {
		t.Error("the box is not ticked any more")
	}
	if b.submit("/way", "way", "backup", "code", ""); ticked() {
		t.Error("a box that was unticked is ticked again")
	}
}

// Two tabs share a flow. What is typed is for the way that its own page asks for.
func TestATabThatAsksForTheMailedCodeTakesItWhateverAnotherTabAsksFor(t *testing.T) {
	w := newWorld(t)
	k := w.equip(ana)
	one := w.browser()
	code := one.ask("/x", ana)
	other := one.clone()
	other.choose("backup")
	one.jar = maps.Clone(other.jar)
	one.submit("/verify", "code", wrongCode(code, 0)).wants(t, http.StatusUnauthorized, "Look at the email with the letters")
	other.jar = maps.Clone(one.jar)
	other.submit("/backup", "code", "ABCD").wants(t, http.StatusUnauthorized, "A backup code has 16")
	one.jar = maps.Clone(other.jar)
	one.submit("/verify", "code", code).wants(t, http.StatusOK, "app")

	w.clock.advance(time.Minute)
	one = w.browser()
	one.ask("/x", ana)
	other = one.clone()
	other.choose("backup")
	other.choose("mail")
	one.jar = maps.Clone(other.jar)
	one.choose("backup")
	other.jar = maps.Clone(one.jar)
	other.choose("mail")
	one.jar = maps.Clone(other.jar)
	one.submit("/backup", "code", k.codes[0]).wants(t, http.StatusOK, "app")
}

func TestOnlyTheWaysThatTheGateOffersCanBeChosen(t *testing.T) {
	none := challenge.WaysPolicy{BackupCodes: -1, NoApp: true, Second: challenge.SecondOff}
	tests := map[string]struct {
		change  func(*challenge.WaysPolicy)
		offered []string
	}{
		"none":             {func(*challenge.WaysPolicy) {}, nil},
		"backup codes":     {func(p *challenge.WaysPolicy) { p.BackupCodes = 10 }, []string{"backup", "other"}},
		"an app":           {func(p *challenge.WaysPolicy) { p.NoApp = false }, []string{"app", "other"}},
		"a second address": {func(p *challenge.WaysPolicy) { p.Second = challenge.SecondAny }, []string{"second", "other"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			policy := none
			tt.change(&policy)
			for _, way := range []string{"backup", "app", "second", "other", "let_in", ""} {
				w := newWorld(t, func(s *settings) { s.gate.Policy.Ways = policy })
				b := w.browser()
				code := b.ask("/x", ana)
				before := b.page.body
				if len(tt.offered) == 0 && strings.Contains(before, `name="way"`) {
					t.Error("a way is offered")
				}
				w.clock.advance(31 * time.Second)
				target, fields := b.form("/verify")
				fields.Set("way", way)
				b.do(http.MethodPost, strings.TrimSuffix(target, "verify")+"way", fields, clicked).wants(t, http.StatusSeeOther)
				b.open("/x")
				changed := !strings.Contains(b.page.text(), "If "+ana+" can use")
				if want := slices.Contains(tt.offered, way); changed != want {
					t.Errorf("%q: the page is another one: %t", way, changed)
				}
				if !changed {
					b.submit("/verify", "code", code).wants(t, http.StatusOK, "app")
				}
			}
		})
	}
}

// BKP-04 and L-32: each way counts with the others, and none of them is told from
// another by what a lock says.
func TestBKP04WrongCodesOfEachWayLockAll(t *testing.T) {
	for _, way := range []string{"backup", "app", "mail"} {
		t.Run(way, func(t *testing.T) {
			w := newWorld(t, func(s *settings) {
				s.gate.Policy.Limits.TryAddress = []challenge.Rate{{N: 3, Per: time.Hour}}
			})
			k := w.equip(ana)
			b := w.browser()
			code := b.ask("/x", ana)
			action := map[string]string{"backup": "/backup", "app": "/verify", "mail": "/verify"}[way]
			if way != "mail" {
				b.choose(way)
			}
			for n := range 3 {
				wrong := wrongCode(code, n)
				if way == "backup" {
					wrong = fmt.Sprintf("0000-0000-0000-000%d", n)
				}
				b.submit(action, "code", wrong)
			}
			b.page.wants(t, http.StatusTooManyRequests, "Try again", "Too many wrong codes for this address.", "No other way in works until then")
			if b.page.Header.Get("Retry-After") == "" || strings.Contains(b.page.body, `name="way"`) {
				t.Errorf("Retry-After %q, page:\n%s", b.page.Header.Get("Retry-After"), b.page.body)
			}
			c := w.browser()
			c.open("/x")
			c.submit("/email", "email", ana).wants(t, http.StatusTooManyRequests, "Too many wrong codes")
			// A page that still stands open gets no further either.
			d := w.browser()
			d.jar = maps.Clone(b.jar)
			d.page, d.at = b.page, b.at
			target := "/x/.doorcode/backup"
			_, fields := b.form("/change")
			fields.Set("code", k.codes[0])
			a := d.do(http.MethodPost, target, fields, scripted)
			if a.wantsProblem(t, http.StatusTooManyRequests, "locked"); a.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After for scripts")
			}
		})
	}
}

// Ruling 42: five codes of an app a day from unknown browsers. What is left is told.
func TestRuling42TooManyCodesOfAnAppLeaveTheOtherWays(t *testing.T) {
	w := newWorld(t)
	k := w.equip(ana)
	b := w.browser()
	b.ask("/x", ana)
	b.choose("app")
	for n := range 5 {
		b.submit("/verify", "code", wrongCode(k.app(t, w.clock.now()), n)).wants(t, http.StatusUnauthorized, "That code isn't right or was already used.")
	}
	b.submit("/verify", "code", k.app(t, w.clock.now())).wants(t, http.StatusTooManyRequests, "Too many codes of an authenticator app", "Use a backup code")
	if b.page.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	b.choose("backup")
	b.submit("/backup", "code", k.codes[0]).wants(t, http.StatusOK, "app")
}

func TestAFormThatIsHeldGoesAlongFromWayToWay(t *testing.T) {
	w := newWorld(t)
	k := w.equip(ana)
	b := w.late(ana)
	b.sends("/save", pairs, encode(draft), clicked).wants(t, http.StatusUnauthorized, notYet)
	b.stay("/email", "email", ana).wants(t, http.StatusUnauthorized, "Check your email", notYet)
	b.stay("/way", "way", "other").wants(t, http.StatusUnauthorized, "Try another way", notYet)
	b.stay("/way", "way", "app").wants(t, http.StatusUnauthorized, "Use your authenticator app", notYet)
	b.stay("/way", "way", "backup").wants(t, http.StatusUnauthorized, "Use a backup code", notYet)
	b.stay("/backup", "code", "0000-0000-0000-0000").wants(t, http.StatusUnauthorized, "isn't right or was already used", notYet)
	if o := offerIn(t, b.stay("/backup", "code", k.codes[0])); !slices.Equal(o.Fields, draft) {
		t.Errorf("offered %v", o.Fields)
	}
}

// An earlier step has named the person: they need no mail to choose another way,
// and get none for it.
func TestWhoIsKnownChoosesAnotherWayWithoutAnotherMail(t *testing.T) {
	w := newWorld(t)
	w.earlier(anaByPassword())
	b := w.browser()
	b.open("/x").wants(t, http.StatusUnauthorized, "a••@example.com")
	mails := w.mails()
	for _, way := range []string{"other", "app", "backup", "mail", "backup"} {
		b.choose(way)
		b.open("/x").wants(t, http.StatusUnauthorized, "!ana@example.com", "!Use a different email")
	}
	b.page.wants(t, http.StatusUnauthorized, "Use a backup code")
	w.clock.advance(12 * time.Minute) // the code is over, and none is sent for it
	b.open("/x").wants(t, http.StatusUnauthorized, "Use a backup code")
	// Nor is one sent where nothing is left of the code at all.
	r := b.request(http.MethodGet, "/x", nil, clicked)
	visit, _ := w.door.Visit(r, w.arrival(r))
	f, err := w.gate.ChooseWay(w.gate.NewFlow(&visit), challenge.ByApp)
	if err != nil {
		t.Fatal(err)
	}
	b.jar[flowName] = w.gate.SealFlow(f)
	b.open("/x").wants(t, http.StatusUnauthorized, "Use your authenticator app")
	if got := w.mails(); got != mails {
		t.Errorf("%d mails, want %d", got, mails)
	}
}

// What confirms a session must not be what is for when the mailbox is lost: a
// stolen backup code would raise what a stolen session may do (STP-02, ruling 42).
func TestSTP02ASensitivePageOffersTheAppAlone(t *testing.T) {
	w := newWorld(t)
	k := w.equip(ana)
	b := w.browser().signIn("/x", ana)
	w.clock.advance(time.Hour)
	w.arrive = func(in *web.Arrival, _ *http.Request) { in.Page = challenge.Page{MaxAge: 10 * time.Minute} }
	b.open("/admin").wants(t, http.StatusUnauthorized, "Confirm it's you", "Use your authenticator app", "!Use a backup code", "!Try another way")
	for _, way := range []string{"backup", "second", "other"} {
		b.choose(way)
	}
	b.open("/admin")
	b.choose("app").wants(t, http.StatusUnauthorized, "Use your authenticator app", "Use an emailed code instead", "Go back")
	b.submit("/verify", "code", k.app(t, w.clock.now())).wants(t, http.StatusOK, "app")
}

func TestTheSecondMailboxIsAskedOnceAndNeverNamed(t *testing.T) {
	w := newWorld(t)
	w.equip(ana)
	b := w.browser()
	b.ask("/x", ana)
	mails := w.mails()
	b.choose("second").wants(t, http.StatusUnauthorized, "If you have a second address, a 6-digit code is on its way there.", "!bob", "!ana@")
	ref := w.mailbox.last(t).Ref
	b.page.wants(t, http.StatusUnauthorized, ref)
	b.choose("backup")
	b.choose("second").wants(t, http.StatusUnauthorized, ref)
	if got := w.mails(); got != mails+1 {
		t.Errorf("%d mails, want %d", got, mails+1)
	}
	b.choose("mail").wants(t, http.StatusUnauthorized, "We sent a new code", ana, "!"+ref)
}

// Screen [11].
func TestWhoWasSignedOutFromAnotherBrowserIsTold(t *testing.T) {
	const told = "You were signed out from another browser."
	w := newWorld(t)
	b, other := w.browser().signIn("/x", ana), w.browser()
	w.clock.advance(time.Minute)
	other.signIn("/x", ana)
	b.open("/x").wants(t, http.StatusOK, "app")
	c := other.calls()
	if n, err := w.gate.SignOutElsewhere(t.Context(), &c.visit, c.admission); err != nil || n == 0 {
		t.Fatalf("%d browsers were signed out: %v", n, err)
	}
	b.open("/x").wants(t, http.StatusUnauthorized, "Sign in to", told)
	w.clock.advance(time.Minute)
	b.submit("/email", "email", ana).wants(t, http.StatusUnauthorized, "Check your email", told)
	b.submit("/verify", "code", w.code(false)).wants(t, http.StatusOK, "app")
	w.browser().open("/x").wants(t, http.StatusUnauthorized, "!"+told)
}
