// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
)

const (
	waysPage     = "/.doorcode/ways"
	settingsPage = "/.doorcode/settings"
	secondBox    = "ana.s@example.org" // on the list as well
)

var shownKey = regexp.MustCompile(`<code class="key"[^>]*>([A-Z2-7 ]+)</code>`)

// key is what the page shows to be typed into an authenticator app.
func (b *browser) key() string {
	b.w.t.Helper()
	match := shownKey.FindStringSubmatch(b.page.body)
	if match == nil {
		b.w.t.Fatalf("no key on the page:\n%s", b.page.body)
	}
	return match[1]
}

// appCode is what an authenticator app shows now, given the key.
func (w *world) appCode(key string) string {
	w.t.Helper()
	return kit{key: key}.app(w.t, w.clock.now())
}

// offersApp begins to set up an authenticator app, and leaves the browser on the page
// that shows the key.
func (b *browser) offersApp() answer {
	b.w.t.Helper()
	b.allowed(waysPage, challenge.AddApp).page.wants(b.w.t, http.StatusOK, "Set up your authenticator app")
	return b.submit("/ways")
}

// addsApp sets up an authenticator app and returns its key.
func (b *browser) addsApp() string {
	b.w.t.Helper()
	b.offersApp()
	key := b.key()
	b.submit("/ways", "code", b.w.appCode(key)).wants(b.w.t, http.StatusOK)
	return key
}

// usesApp goes to a page of the app as a stranger who has an authenticator app.
func (w *world) usesApp(address, key string) answer {
	w.t.Helper()
	w.clock.advance(21 * time.Minute)
	b := w.browser()
	b.ask("/x", address)
	b.submit("/way", "way", "app").wants(w.t, http.StatusUnauthorized, "Use your authenticator app")
	return b.submit("/verify", "code", w.appCode(key))
}

func TestAnAuthenticatorAppIsSetUpByACodeOfIts(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	b.open(waysPage).wants(t, http.StatusOK, "You haven't set one up.", "!Remove the app")
	b.offersApp().wants(t, http.StatusOK, "scan this picture", "Type this key", "!The app that you set up before")
	key := b.key()
	b.submit("/ways", "code", " ").wants(t, http.StatusUnprocessableEntity, "Enter the code that the app shows.")
	b.submit("/ways", "code", wrongCode(w.appCode(key), 0)).wants(t, http.StatusUnprocessableEntity, "That code isn't right.")
	if b.key() != key {
		t.Fatal("the app has secondBox secret than the page")
	}
	b.clone().open(waysPage+"?later").wants(t, http.StatusOK, "You haven't set one up.")
	right := w.appCode(key)
	target, pressed := b.form("/ways")
	b.submit("/ways", "code", right[:3]+" "+right[3:]).wants(t, http.StatusOK, "Your authenticator app is set up")
	pressed.Set("code", right)
	if again := b.do(http.MethodPost, target, pressed, clicked); again.StatusCode != http.StatusSeeOther {
		t.Errorf("a second press: status %d", again.StatusCode)
	}
	b.open(waysPage).wants(t, http.StatusOK, "Set up 1 Aug 2026, 12:00 UTC. Not used yet.", "Remove the app")
	w.usesApp(ana, key).wants(t, http.StatusOK, "app")
	w.clock.advance(3 * time.Hour)
	b.open(waysPage).wants(t, http.StatusOK, "Last used 1 Aug 2026, 12:21 UTC (3 hours ago).")
}

func TestAnAuthenticatorAppIsRemoved(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	key := b.addsApp()
	b.allowed(waysPage, challenge.RemoveApp).page.wants(t, http.StatusOK, "Remove your authenticator app?")
	b.submit("/ways").wants(t, http.StatusOK, "Your authenticator app is removed")
	b.open(waysPage).wants(t, http.StatusOK, "You haven't set one up.")
	w.usesApp(ana, key).wants(t, http.StatusUnauthorized, "That code isn't right")
}

// A secret that somebody else knows must not become the person's own.
func TestTheSecretOfAnotherSessionIsNotTaken(t *testing.T) {
	w := newWorld(t, roomy)
	eves := w.browser().signIn("/x", "eve@example.org")
	eves.offersApp()
	key := eves.key()
	_, foreign := eves.form("/ways")
	b := w.browser().signIn("/x", ana)
	b.offersApp()
	for name, offer := range map[string]string{"somebody else's": foreign.Get("offer"), "none": "", "garbage": "x"} {
		got := b.clone().submit("/ways", "offer", offer, "code", w.appCode(key))
		got.wants(t, http.StatusOK, "Set up your authenticator app", "!is set up") // anew
		if strings.Contains(got.body, key) {
			t.Errorf("%s: the page shows that secret", name)
		}
	}
	b.open(waysPage+"?later").wants(t, http.StatusOK, "You haven't set one up.")
}

func TestASecondAddressIsProvedBeforeItCounts(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	b.open(waysPage).wants(t, http.StatusOK, "You haven't added one.", "It must be on the list for app.example.com too.")
	b.allowed(waysPage, challenge.SetSecond, "email", " Ana.S@example.org ").page.wants(t, http.StatusOK, "Send a code to the new address?", secondBox)
	if n := w.mailbox.last(t); n.Mailbox != ana || n.Change != challenge.SetSecond {
		t.Errorf("the first code went to %s for %q", n.Mailbox, n.Change)
	}
	b.submit("/ways").wants(t, http.StatusOK, "Check your second mailbox", secondBox)
	n := w.mailbox.last(t)
	if n.Mailbox != secondBox || n.Decoy || n.Change != challenge.ProveSecond {
		t.Errorf("the second code went to %s (decoy %v) for %q", n.Mailbox, n.Decoy, n.Change)
	}
	b.clone().open(waysPage+"?later").wants(t, http.StatusOK, "You haven't added one.")
	b.submit("/verify", "code", n.Code.Reveal()).wants(t, http.StatusOK, "Use this second address?", secondBox)
	b.submit("/ways").wants(t, http.StatusOK, "Your second address is added", secondBox)
	b.open(waysPage).wants(t, http.StatusOK, secondBox+", added 1 Aug 2026, 12:00 UTC.")

	for typed, want := range map[string]string{
		"": "Enter an email address.", "ana": "Enter an email address like name@example.com.",
		ana: "That is the mailbox you sign in with.", "ANA+2@example.com": "That is the mailbox you sign in with.",
		secondBox: "That is your second address already.", "ana@gmial.com": "Did you mean ana@gmail.com?",
	} {
		b.open(waysPage)
		_, fields := b.form("/ways")
		fields.Set("change", string(challenge.SetSecond))
		fields.Set("email", typed)
		mails := len(w.mailbox.all())
		b.do(http.MethodPost, waysPage, fields, clicked).wants(t, http.StatusUnprocessableEntity, want)
		if len(w.mailbox.all()) != mails {
			t.Errorf("%q: a code was mailed", typed)
		}
	}

	b.allowed(waysPage, challenge.RemoveSecond).page.wants(t, http.StatusOK, "Remove your second address?", secondBox)
	b.submit("/ways").wants(t, http.StatusOK, "Your second address is removed")
	b.open(waysPage).wants(t, http.StatusOK, "You haven't added one.")
}

// Ruling 16: whether an address is on the list is not told, not even to somebody who
// is. Its code just never comes.
func TestRuling16ASecondAddressThatMayNotPassLooksAsOneThatMay(t *testing.T) {
	seen := func(address string) (pages []string, decoy bool) {
		w := newWorld(t, roomy)
		b := w.browser().signIn("/x", ana)
		keep := func() {
			body := regexp.MustCompile(`value="[^"]*"|<bdi>[A-Z0-9]{3}</bdi>`).ReplaceAllString(b.page.body, "…")
			pages = append(pages, fmt.Sprintf("%d %s", b.page.StatusCode, strings.ReplaceAll(body, address, "X")))
		}
		b.allowed(waysPage, challenge.SetSecond, "email", address)
		keep()
		b.submit("/ways")
		keep()
		b.submit("/verify", "code", "000000")
		keep()
		b.submit("/resend")
		keep()
		return pages, w.mailbox.last(t).Decoy
	}
	may, real := seen(secondBox)
	mayNot, none := seen("ana.s@example.net")
	if real || !none {
		t.Errorf("a code is mailed to one that may pass: %v, to one that may not: %v", !real, !none)
	}
	if diff := cmp.Diff(may, mayNot); diff != "" {
		t.Errorf("the pages differ:\n%s", diff)
	}
}

func TestChangingTheSecondAddressSaysWhatBecomesOfTheOther(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	for _, address := range []string{secondBox, "ana.t@example.org"} {
		b.allowed(waysPage, challenge.SetSecond, "email", address)
		b.submit("/ways")
		b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, address)
		if address != secondBox {
			b.page.wants(t, http.StatusOK, "Change your second address?", "no more to the address that you have now")
		}
		b.submit("/ways").wants(t, http.StatusOK, "Your second address is added", address)
		w.clock.advance(time.Hour)
	}
	b.open(waysPage).wants(t, http.StatusOK, "ana.t@example.org, added", "!"+secondBox)
}

// Enrolment needs its own code, whatever the form claims: the steps cannot be left
// out, nor taken in another order.
func TestNoStepOfAChangeCanBeLeftOut(t *testing.T) {
	for name, prepare := range map[string]func(b *browser){
		"nothing was begun":                 func(*browser) {},
		"no code was entered":               func(b *browser) { b.startsChange(waysPage, challenge.SetSecond, "email", secondBox) },
		"the code was for another change":   func(b *browser) { b.allowed(codesPage, challenge.MakeBackupCodes) },
		"the new address is not proved yet": func(b *browser) { b.allowed(waysPage, challenge.SetSecond, "email", secondBox).submit("/ways") },
	} {
		for _, kind := range []challenge.ChangeKind{
			challenge.AddApp, challenge.RemoveApp, challenge.SetSecond, challenge.ProveSecond, challenge.RemoveSecond,
		} {
			t.Run(name+", "+string(kind), func(t *testing.T) {
				w := newWorld(t, roomy)
				b := w.browser().signIn("/x", ana)
				fields := url.Values{"flow": {b.press("ways", "confirm", string(kind))}, "action": {"confirm"}, "change": {string(kind)}, "code": {"123456"}}
				prepare(b)
				before, mails := w.store.dump(t), len(w.mailbox.all())
				got := b.do(http.MethodPost, waysPage, fields, clicked)
				if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != origin+waysPage {
					t.Errorf("status %d, to %s", got.StatusCode, got.Header.Get("Location"))
				}
				if diff := cmp.Diff(before, w.store.dump(t)); diff != "" || len(w.mailbox.all()) != mails {
					t.Errorf("something changed or was mailed:\n%s", diff)
				}
			})
		}
	}
}

func TestTheAddressesOfThePagesOfWaysChangeNothing(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	b.makesCodes()
	b.addsApp()
	before, mails := w.store.dump(t), len(w.mailbox.all())
	for _, page := range []string{codesPage, waysPage} {
		for _, query := range []string{"", "?later", "?do=cancel", "?action=start&change=add_app", "?action=confirm&change=backup_codes", "?change=remove_app"} {
			b.open(page+query).wants(t, http.StatusOK)
			b.do(http.MethodHead, page+query, nil, clicked)
		}
	}
	if diff := cmp.Diff(before, w.store.dump(t)); diff != "" || len(w.mailbox.all()) != mails {
		t.Errorf("something changed or was mailed:\n%s", diff)
	}
}

func TestTheFormsOfThePagesOfWaysAreOfTheirSession(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	other := w.browser().signIn("/x", "bob@example.org")
	other.open(waysPage)
	_, foreign := other.form("/ways")
	before, mails := w.store.dump(t), len(w.mailbox.all())
	for _, page := range []string{codesPage, waysPage} {
		for _, kind := range []challenge.ChangeKind{challenge.MakeBackupCodes, challenge.AddApp, challenge.RemoveApp} {
			for _, seal := range []string{"", "x", foreign.Get("flow")} {
				sent := url.Values{"flow": {seal}, "action": {"start"}, "change": {string(kind)}}
				b.do(http.MethodPost, page, sent, clicked).wants(t, http.StatusForbidden)
			}
		}
	}
	if diff := cmp.Diff(before, w.store.dump(t)); diff != "" || len(w.mailbox.all()) != mails {
		t.Errorf("something changed or was mailed:\n%s", diff)
	}
}

// Ruling 40: while a reported entry is guarded against, a browser that is newer than
// it changes nothing, and is told so before any code is mailed.
func TestRuling40ABrowserThatIsTooNewIsTold(t *testing.T) {
	w := newWorld(t, roomy)
	old := w.browser().signIn("/x", ana, "remember", "1")
	w.clock.advance(15 * 24 * time.Hour)
	w.from("198.51.100.9")
	w.browser().signIn("/x", ana) // somebody else
	link := w.stopLink()
	w.from("203.0.113.7")
	old.open(link)
	old.submit(last(link)).wants(t, http.StatusOK, "Stopped")
	fresh := w.browser().signIn("/x", ana)
	mails := len(w.mailbox.all())
	for kind, page := range map[challenge.ChangeKind]string{
		challenge.MakeBackupCodes: codesPage, challenge.TestBackupCode: codesPage, challenge.AddApp: waysPage, challenge.SetSecond: waysPage,
		challenge.ExportData: settingsPage, challenge.EraseData: settingsPage,
	} {
		fields := url.Values{"flow": {fresh.starts()}, "action": {"start"}, "change": {string(kind)}, "email": {secondBox}}
		fresh.do(http.MethodPost, page, fields, clicked).wants(t, http.StatusForbidden, "This browser is newer than that (16 Aug 2026, 12:00 UTC).", "after 23 Aug 2026")
	}
	if len(w.mailbox.all()) != mails {
		t.Error("a code was mailed that can change nothing")
	}
	old.startsChange(codesPage, challenge.MakeBackupCodes)
}

func TestAGateShowsTheWaysThatItHas(t *testing.T) {
	for name, tt := range map[string]struct {
		ways   challenge.WaysPolicy
		status int
		texts  []string
	}{
		"both":        {challenge.WaysPolicy{}, http.StatusOK, []string{"Authenticator app", "Second address"}},
		"app alone":   {challenge.WaysPolicy{Second: challenge.SecondOff}, http.StatusOK, []string{"Authenticator app", "!Second address"}},
		"any address": {challenge.WaysPolicy{NoApp: true, Second: challenge.SecondAny}, http.StatusOK, []string{"!Authenticator app", "Second address", "!on the list"}},
		"neither":     {challenge.WaysPolicy{NoApp: true, Second: challenge.SecondOff}, http.StatusNotFound, []string{"!Authenticator app"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, roomy, func(s *settings) { s.gate.Policy.Ways = tt.ways })
			b := w.browser().signIn("/x", ana)
			b.open(waysPage).wants(t, tt.status, tt.texts...)
			fields := url.Values{"flow": {b.starts()}, "action": {"start"}, "email": {secondBox}}
			for kind, has := range map[challenge.ChangeKind]bool{
				challenge.AddApp: !tt.ways.NoApp, challenge.SetSecond: tt.ways.Second != challenge.SecondOff,
			} {
				fields.Set("change", string(kind))
				want := http.StatusNotFound
				if has {
					want = http.StatusSeeOther
				}
				if got := b.do(http.MethodPost, waysPage, fields, clicked); got.StatusCode != want {
					t.Errorf("%s: status %d, want %d", kind, got.StatusCode, want)
				}
			}
		})
	}
}

// A page starts its own changes alone: above all, the second code of a new address
// must not be had without the first.
func TestAPageStartsItsOwnChangesAlone(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	before, mails := w.store.dump(t), len(w.mailbox.all())
	for page, kinds := range map[string][]challenge.ChangeKind{
		waysPage: {
			challenge.ProveSecond, challenge.MakeBackupCodes, challenge.TestBackupCode, challenge.EraseData, challenge.AddToken,
			challenge.ChangeNone, challenge.LiftGuard, challenge.LetInByOperator, "x",
		},
		codesPage: {challenge.AddApp, challenge.SetSecond, challenge.EraseData, challenge.ChangeNone, "x"},
	} {
		for _, kind := range kinds {
			for _, action := range []string{"start", "confirm", "", "x"} {
				if action == "confirm" && kind == challenge.ProveSecond { // see TestNoStepOfAChangeCanBeLeftOut
					continue
				}
				seal := b.starts()
				if action != "start" {
					object := map[bool]string{true: string(kind)}[action == "confirm"]
					seal = b.press(strings.TrimPrefix(page, "/.doorcode/"), action, object)
				}
				fields := url.Values{"flow": {seal}, "action": {action}, "change": {string(kind)}, "email": {secondBox}}
				b.do(http.MethodPost, page, fields, clicked).wants(t, http.StatusNotFound)
			}
		}
	}
	if diff := cmp.Diff(before, w.store.dump(t)); diff != "" || len(w.mailbox.all()) != mails {
		t.Errorf("something changed or was mailed:\n%s", diff)
	}
}
