// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
)

var sealPattern = regexp.MustCompile(`name="flow" value="([^"]*)"`)

// starts is the hidden value of forms that ask or start, as a worker of the app reads
// it from what answers a GET.
func (b *browser) starts() string {
	b.w.t.Helper()
	for _, page := range []string{"settings", "ways"} { // one of them at least asks for no code
		got := b.do(http.MethodGet, "/.doorcode/"+page, nil, clicked)
		match := sealPattern.FindStringSubmatch(got.body)
		if match != nil && strings.Contains(got.body, `<body class="account">`) {
			return html.UnescapeString(match[1])
		}
	}
	b.w.t.Fatal("no account page has a form")
	return ""
}

// press forges the hidden value of a form of the browser's session that does one
// thing, to see what stands behind the seal.
func (b *browser) press(page, action, object string) string {
	b.w.t.Helper()
	plain, err := b.w.gate.OpenForm(b.starts(), origin+"\x00account start")
	if err != nil {
		b.w.t.Fatal(err)
	}
	fields := map[string]any{}
	if err := json.Unmarshal(plain, &fields); err != nil {
		b.w.t.Fatal(err)
	}
	for name, value := range map[string]string{"p": page, "a": action, "o": object} {
		if value != "" {
			fields[name] = value
		}
	}
	forged, err := json.Marshal(fields)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return b.w.gate.SealForm(forged, origin+"\x00account")
}

// chooses presses the button on an account page that asks before something is done, and
// leaves the browser on what that shows.
func (b *browser) chooses(page, do, id string) answer {
	b.w.t.Helper()
	b.open(page)
	fields := url.Values{"flow": {b.starts()}, "action": {"ask"}, "do": {do}}
	if id != "" {
		fields.Set("id", id)
	}
	b.page = b.do(http.MethodPost, b.at.Path, fields, clicked)
	return b.page
}

// objectOf is what the first button of the page is about that asks before a deed.
func (b *browser) objectOf(do string) string {
	b.w.t.Helper()
	match := regexp.MustCompile(`name="do" value="` + do + `"><input type="hidden" name="id" value="([^"]*)"`).FindStringSubmatch(b.page.body)
	if match == nil {
		b.w.t.Fatalf("no button asks for %s:\n%s", do, b.page.body)
	}
	return html.UnescapeString(match[1])
}

// A deed is what a form of an account page can be sent for.
type deed struct{ page, action, field, object string }

func (d deed) fields(seal string) url.Values {
	sent := url.Values{"flow": {seal}, "action": {d.action}, "name": {"mine"}, "always": {"1"}, "code": {"123456"}}
	if d.field != "" {
		sent.Set(d.field, d.object)
	}
	return sent
}

func (d deed) press(b *browser, seal string) answer {
	b.w.t.Helper()
	return b.do(http.MethodPost, "/.doorcode/"+d.page, d.fields(seal), clicked)
}

// furnished is a browser whose person has one of everything, and all that it can do.
func furnished(t *testing.T) (*browser, []deed) {
	w := newTokenWorld(t, roomy)
	b := w.enters(firefox, ana, "remember", "1")
	b.makesCodes()
	b.addsApp()
	w.clock.advance(time.Hour)
	w.enters(chrome, ana, "remember", "1")
	b.token()
	b.permitFor(t, "erase", "Erase everything?")
	b.submit("/settings")
	w.clock.advance(time.Hour)
	b = w.enters(firefox, ana, "remember", "1")
	w.clock.advance(time.Hour)
	w.enters(safari, ana, "remember", "1")
	w.clock.advance(time.Minute)
	phone := b.idOf("Safari")
	b.open("/.doorcode/activity")
	row := b.objectOf("report")
	b.open("/.doorcode/tokens")
	token := b.objectOf("revoke")
	b.open("/.doorcode/")
	waits := b.objectOf("cancel")
	var deeds []deed
	for page, kinds := range changesOf {
		for _, kind := range kinds {
			deeds = append(deeds, deed{page, "confirm", "change", string(kind)})
		}
	}
	return b, append(deeds, []deed{
		{"", "cancel", "id", waits},
		{"sessions", "rename", "id", phone},
		{"sessions", "signout", "id", phone},
		{"sessions", "forget", "id", phone},
		{"tokens", "revoke", "id", token},
		{"settings", "save", "", ""},
		{"backup-codes", "download", "", ""},
		{"activity", "report", "id", row},
		{"sessions", "everywhere", "", ""},
		{"", "forget", "", ""}, // the last of all
	}...)
}

// changesOf are the changes that the pages confirm.
var changesOf = map[string][]challenge.ChangeKind{
	"backup-codes": {challenge.MakeBackupCodes, challenge.TestBackupCode},
	"ways":         {challenge.AddApp, challenge.RemoveApp, challenge.SetSecond, challenge.ProveSecond, challenge.RemoveSecond},
	"tokens":       {challenge.AddToken},
	"settings":     {challenge.ExportData, challenge.EraseData},
}

var everyDesk = []string{"", "sessions", "backup-codes", "ways", "activity", "tokens", "settings"}

// TestCSR01WhatAnswersAGETPressesNothing: a worker of the app may have read it.
func TestCSR01WhatAnswersAGETPressesNothing(t *testing.T) {
	b, deeds := furnished(t)
	before, mails := b.w.store.dump(t), len(b.w.mailbox.all())
	for _, page := range everyDesk {
		b.open("/.doorcode/"+page).wants(t, http.StatusOK)
		seals := sealPattern.FindAllStringSubmatch(b.page.body, -1)
		if len(seals) == 0 {
			t.Errorf("%q has no form, so that nothing of it is tried", page)
		}
		for _, seal := range seals {
			for _, d := range deeds {
				if got := d.press(b, html.UnescapeString(seal[1])); got.StatusCode != http.StatusForbidden {
					t.Errorf("a form of %q does %v: status %d", page, d, got.StatusCode)
				}
			}
		}
	}
	if diff := cmp.Diff(before, b.w.store.dump(t)); diff != "" || len(b.w.mailbox.all()) != mails {
		t.Fatalf("something changed or was mailed:\n%s", diff)
	}
	for _, d := range deeds { // the seal is what was missing
		if got := d.press(b, b.press(d.page, d.action, d.object)); got.StatusCode == http.StatusForbidden {
			t.Errorf("%v is refused for another reason", d)
		}
		if d.action == "save" && cmp.Diff(before, b.w.store.dump(t)) == "" {
			t.Error("nothing was done by the right forms either")
		}
	}
}

// TestCSR01AFormDoesOneThing: a worker of the app sees a form pass by that a person
// sends, and must not do anything else with it.
func TestCSR01AFormDoesOneThing(t *testing.T) {
	b, deeds := furnished(t)
	phone := b.idOf("Safari")
	desk := b.idOf("This browser")
	b.chooses("/.doorcode/sessions", "signout", phone).wants(t, http.StatusOK, "Sign out Safari")
	_, fields := b.form("/sessions")
	seal := fields.Get("flow")
	before, mails := b.w.store.dump(t), len(b.w.mailbox.all())
	others := append(deeds, deed{"sessions", "signout", "id", desk}, deed{"sessions", "signout", "", ""}, deed{"settings", "signout", "id", phone})
	for _, d := range others {
		if d == (deed{"sessions", "signout", "id", phone}) {
			continue
		}
		if got := d.press(b, seal); got.StatusCode != http.StatusForbidden {
			t.Errorf("the form does %v: status %d", d, got.StatusCode)
		}
	}
	for _, action := range []string{"ask", "start"} { // what starts is of another kind
		if got := (deed{"settings", action, "change", "export"}).press(b, seal); got.StatusCode != http.StatusForbidden {
			t.Errorf("the form is good for %s: status %d", action, got.StatusCode)
		}
	}
	if diff := cmp.Diff(before, b.w.store.dump(t)); diff != "" || len(b.w.mailbox.all()) != mails {
		t.Errorf("something changed or was mailed:\n%s", diff)
	}
	b.submit("/sessions").wants(t, http.StatusOK, "Browsers and sessions")
	if cmp.Diff(before, b.w.store.dump(t)) == "" {
		t.Error("it does not do what it is for either, so this test shows nothing")
	}
}

func TestCSR01AFormThatStartsOnlyAsksAndStarts(t *testing.T) {
	b, _ := furnished(t)
	before, mails := b.w.store.dump(t), len(b.w.mailbox.all())
	for page, do := range map[string]string{"": "forget", "sessions": "everywhere", "settings": "save"} {
		if got := b.chooses("/.doorcode/"+page, do, ""); got.StatusCode != http.StatusOK {
			t.Errorf("%s on %q: status %d", do, page, got.StatusCode)
		}
	}
	if diff := cmp.Diff(before, b.w.store.dump(t)); diff != "" || len(b.w.mailbox.all()) != mails {
		t.Errorf("asking changed or mailed something:\n%s", diff)
	}
	start := deed{"backup-codes", "start", "change", string(challenge.MakeBackupCodes)}
	if got := start.press(b, b.starts()); got.StatusCode != http.StatusSeeOther || len(b.w.mailbox.all()) != mails+1 {
		t.Errorf("starting a change: status %d, %d mails", got.StatusCode, len(b.w.mailbox.all())-mails)
	}
}

// TestCSR01AChangesFormConfirmsThatChangeAlone: the page that a permit opens answers a
// GET, so that a worker of the app may have its form.
func TestCSR01AChangesFormConfirmsThatChangeAlone(t *testing.T) {
	for page, kinds := range changesOf {
		for _, kind := range kinds {
			if kind == challenge.ProveSecond || kind == challenge.RemoveSecond || kind == challenge.AddToken { // as the others, after more steps
				continue
			}
			t.Run(string(kind), func(t *testing.T) {
				b, deeds := furnished(t)
				mails := len(b.w.mailbox.all())
				start := deed{page, "start", "change", string(kind)}
				sent := start.fields(b.starts())
				sent.Set("email", secondBox)
				b.do(http.MethodPost, "/.doorcode/"+page, sent, clicked).wants(t, http.StatusSeeOther)
				if len(b.w.mailbox.all()) != mails+1 {
					t.Fatal("no code was mailed")
				}
				b.open("/.doorcode/"+page).wants(t, http.StatusOK, "Confirm it's you")
				b.submit("/verify", "code", b.w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK)
				_, fields := b.form("/" + page)
				own := deed{page, "confirm", "change", string(kind)}
				before := b.w.store.dump(t)
				for _, d := range deeds {
					if d == own {
						continue
					}
					if got := d.press(b.clone(), fields.Get("flow")); got.StatusCode != http.StatusForbidden {
						t.Errorf("the form does %v: status %d", d, got.StatusCode)
					}
				}
				if diff := cmp.Diff(before, b.w.store.dump(t)); diff != "" {
					t.Errorf("the store changed:\n%s", diff)
				}
				refused := own.press(b, fields.Get("flow")).StatusCode == http.StatusForbidden
				if refused != (kind == challenge.AddApp) { // which is not confirmed before its secret was shown
					t.Errorf("the change itself is refused: %v", refused)
				}
			})
		}
	}
}

// TestCSR01TheKeyOfAnAppAnswersAPOSTAlone: a worker of the app may read what answers
// a GET.
func TestCSR01TheKeyOfAnAppAnswersAPOSTAlone(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	b.allowed(waysPage, challenge.AddApp)
	for _, query := range []string{"", "?action=ask&do=add_app", "?do=add_app"} {
		got := b.open(waysPage + query)
		got.wants(t, http.StatusOK, "Show the QR code")
		if shownKey.MatchString(got.body) || strings.Contains(got.body, "data:image/png") {
			t.Errorf("%q shows the secret", query)
		}
	}
	b.submit("/ways").wants(t, http.StatusOK, "Code from the app")
	key := b.key()
	for range 2 {
		b.submit("/ways", "code", wrongCode(w.appCode(key), 0)).wants(t, http.StatusUnprocessableEntity, "That code isn't right.")
		if b.key() != key {
			t.Fatal("another secret than that of the app")
		}
	}
	b.submit("/ways", "code", w.appCode(key)).wants(t, http.StatusOK, "Your authenticator app is set up")
	b.chooses(waysPage, "add_app", "") // its code is used up
	if shownKey.MatchString(b.page.body) || b.page.StatusCode != http.StatusSeeOther {
		t.Errorf("a secret is shown without a code: status %d", b.page.StatusCode)
	}
}

func TestAFormThatDoesSomethingIsGoodForHalfAnHour(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.enters(firefox, ana, "remember", "1")
	phone := w.enters(safari, ana)
	id := b.idOf("Safari")
	b.chooses("/.doorcode/sessions", "signout", id)
	w.clock.advance(31 * time.Minute)
	late := b.post(clicked, "/sessions")
	if late.StatusCode != http.StatusSeeOther || late.Header.Get("Location") != origin+"/.doorcode/sessions" {
		t.Errorf("status %d, to %s", late.StatusCode, late.Header.Get("Location"))
	}
	phone.open("/x").wants(t, http.StatusOK, "app")
	b.chooses("/.doorcode/sessions", "signout", id)
	w.clock.advance(29 * time.Minute)
	b.submit("/sessions").wants(t, http.StatusOK, "Browsers and sessions")
	phone.open("/x").wants(t, http.StatusUnauthorized)
}
