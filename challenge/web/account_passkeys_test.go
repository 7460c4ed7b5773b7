// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
)

func TestPasskeysAreListedRenamedAndRemoved(t *testing.T) {
	w, b, key := withPasskey(t)
	b.open("/.doorcode/").wants(t, http.StatusOK, "1 passkey")
	b.open(passkeysPage).wants(t, http.StatusOK, "Phone", "Never")
	stranger := w.browser()
	stranger.open("/x")
	stranger.signs(scripted, key).json(t)
	w.clock.advance(50 * time.Hour)
	b.open(passkeysPage).wants(t, http.StatusOK, "Phone", "2 days ago")

	id := b.objectOf("rename")
	b.chooses(passkeysPage, "rename", id).wants(t, http.StatusOK, "Rename Phone")
	b.submit("/passkeys", "name", "  Ana's <b>phone</b> ").wants(t, http.StatusOK, "Renamed.", "Ana's <b>phone</b>")

	b.allowed(passkeysPage, challenge.RemovePasskey, "id", id).page.wants(t, http.StatusOK, "Remove Ana's <b>phone</b>?", "It is your only way in beside the emailed code.")
	b.submit("/passkeys").wants(t, http.StatusOK, "Your passkey is removed")
	b.open(passkeysPage).wants(t, http.StatusOK, "You don't have any passkeys.")
	gone := w.browser()
	gone.open("/x")
	gone.signs(scripted, key).wantsProblem(t, http.StatusUnprocessableEntity, "passkey-refused")
	if n := w.mailbox.last(t); n.Subject != challenge.WaysChanged || n.Change != challenge.RemovePasskey {
		t.Errorf("the last mail is %v of %s", n.Subject, n.Change)
	}
}

func TestAPasskeyThatIsNotTheLastWayGoesWithoutAWarning(t *testing.T) {
	_, b, _ := withPasskey(t)
	b.makesCodes()
	b.open(passkeysPage)
	b.allowed(passkeysPage, challenge.RemovePasskey, "id", b.objectOf("rename"))
	b.page.wants(t, http.StatusOK, "Remove Phone?", "!only way")
}

// TestWAU01APasskeyIsMadeWithItsOwnCodeAlone: neither a sign-in nor the code of another
// change will do, and what answers a GET has nothing to make one of.
func TestWAU01APasskeyIsMadeWithItsOwnCodeAlone(t *testing.T) {
	start := func(t *testing.T) (*world, *browser) {
		w := newWorld(t, keyed, roomy)
		return w, w.browser().signIn("/x", ana)
	}
	for name, prepare := range map[string]func(b *browser){
		"a sign-in a moment ago":    func(*browser) {},
		"a code that was not typed": func(b *browser) { b.startsChange(passkeysPage, challenge.AddPasskey) },
		"a code of another change":  func(b *browser) { b.allowed(waysPage, challenge.AddApp) },
	} {
		t.Run(name, func(t *testing.T) {
			_, b := start(t)
			prepare(b)
			fields := url.Values{"flow": {b.starts()}, "action": {"ask"}, "do": {"add_passkey"}}
			if got := b.do(http.MethodPost, passkeysPage, fields, clicked); got.StatusCode != http.StatusSeeOther || strings.Contains(got.body, "data-create") {
				t.Errorf("asking: %d %s", got.StatusCode, got.body)
			}
			seal := b.press("passkeys", "confirm", "add_passkey")
			made := url.Values{"flow": {seal}, "action": {"confirm"}, "change": {"add_passkey"}, "offer": {"x"}, "credential": {"{}"}}
			b.do(http.MethodPost, passkeysPage, made, clicked).wants(t, http.StatusSeeOther)
			b.open("/.doorcode/").wants(t, http.StatusOK, "No passkeys")
		})
	}
	t.Run("what answers a GET", func(t *testing.T) {
		_, b := start(t)
		b.allowed(passkeysPage, challenge.AddPasskey)
		if got := b.open(passkeysPage); strings.Contains(got.body, "data-create") || strings.Contains(got.body, "offer") {
			t.Errorf("it has options:\n%s", got.body)
		}
	})
	t.Run("another session", func(t *testing.T) {
		w, b := start(t)
		b.allowed(passkeysPage, challenge.AddPasskey)
		b.submit("/passkeys")
		key := passkeystest.New(origin)
		credential := b.creates(key)
		_, fields := b.form("/passkeys")
		w.clock.advance(time.Minute)
		other := w.browser().signIn("/x", ana)
		other.allowed(passkeysPage, challenge.AddPasskey)
		fields.Set("flow", other.press("passkeys", "confirm", "add_passkey"))
		fields.Set("credential", credential)
		other.do(http.MethodPost, passkeysPage, fields, clicked)
		other.open("/.doorcode/").wants(t, http.StatusOK, "No passkeys")
	})
}

func TestAPasskeyThatWasNotMadeAsAskedCanBeMadeAgain(t *testing.T) {
	w := newWorld(t, keyed, roomy)
	b := w.browser().signIn("/x", ana)
	b.allowed(passkeysPage, challenge.AddPasskey)
	b.submit("/passkeys").wants(t, http.StatusOK, "Your device will ask")
	if b.page.Header.Get("Cross-Origin-Embedder-Policy") != "require-corp" || strings.Contains(b.page.Header.Get("Content-Security-Policy"), "connect-src") {
		t.Errorf("the page is open to scripts: %v", b.page.Header)
	}
	wrong := passkeystest.New("https://evil.example")
	b.submit("/passkeys", "name", "Stick", "credential", b.creates(wrong)).wants(t, http.StatusUnprocessableEntity, "The passkey wasn't added. Try again.")
	if !strings.Contains(b.page.body, `value="Stick"`) {
		t.Error("the name is gone")
	}
	b.submit("/passkeys", "credential", b.creates(passkeystest.New(origin))).wants(t, http.StatusOK, "Your passkey is added")
	b.open(passkeysPage).wants(t, http.StatusOK, "Passkey Never")
}

func TestANewPasskeyIsCalledAfterTheBrowser(t *testing.T) {
	w := newWorld(t, keyed, roomy)
	b := w.enters(firefox, ana)
	b.allowed(passkeysPage, challenge.AddPasskey)
	b.submit("/passkeys")
	if !strings.Contains(b.page.body, `name="name" value="Firefox on Windows"`) {
		t.Errorf("page:\n%s", b.page.body)
	}
}

func TestThereIsNoRoomForAnEleventhPasskey(t *testing.T) {
	w, b, _ := withPasskey(t)
	for i := range challenge.MaxPasskeys - 1 {
		w.clock.advance(time.Minute)
		b.addsPasskey(fmt.Sprintf("Stick %d", i))
	}
	b.open(passkeysPage).wants(t, http.StatusOK, "You have as many passkeys as you can have.", "!Add a passkey")
}

// A new browser waits a day with what it changes, unless it shows an older way.
func TestAPasskeyOfANewBrowserWaits(t *testing.T) {
	w, _, _ := withPasskey(t)
	w.clock.advance(48 * time.Hour)
	b := w.enters(chrome, ana)
	b.allowed(passkeysPage, challenge.AddPasskey)
	b.submit("/passkeys")
	b.submit("/passkeys", "name", "Stick", "credential", b.creates(passkeystest.New(origin))).wants(t, http.StatusOK, "This change takes effect later")
	b.open(passkeysPage).wants(t, http.StatusOK, "Stick works from", "Cancel this change")
	b.open("/.doorcode/").wants(t, http.StatusOK, "A passkey will work from")
	w.clock.advance(25 * time.Hour)
	w.enters(chrome, ana).open(passkeysPage).wants(t, http.StatusOK, "Stick", "!works from")
}

func TestWhereOnlyAPasskeyWillDoOneIsMadeFirst(t *testing.T) {
	w := newWorld(t, onlyKeyed, roomy)
	b := w.browser()
	code := b.ask("/reports", ana)
	b.submit("/verify", "code", code).wants(t, http.StatusUnauthorized, "Use a passkey", "asks for a passkey", "No passkey yet?")
	if got := b.page.Header.Get("Doorcode-Reason"); got != "passkey" {
		t.Errorf("Doorcode-Reason = %q", got)
	}
	mails := w.mails()
	b.open("/reports").wants(t, http.StatusUnauthorized, "Use a passkey")
	if w.mails() != mails {
		t.Error("a code was mailed, which would not do")
	}
	key := b.addsPasskey("Phone")
	b.open("/reports").wants(t, http.StatusUnauthorized, "Use a passkey", "Add a passkey", "!No passkey yet?")
	wrong := *key
	wrong.Client = func(said map[string]any) { said["origin"] = "https://evil.example" }
	if said := b.signs(scripted, &wrong).wantsProblem(t, http.StatusUnprocessableEntity, "passkey-refused"); said.Message != "Your passkey wasn't accepted. Try again." {
		t.Errorf("a script is told %+v", said)
	}
	b.open("/reports").wants(t, http.StatusUnauthorized, "Your passkey wasn't accepted. Try again.")
	b.signs(clicked, key).wants(t, http.StatusSeeOther)
	b.open("/reports").wants(t, http.StatusOK, "app")
}

func TestAFormOfTheAppIsHeldUntilAPasskey(t *testing.T) {
	w := newWorld(t, onlyKeyed, roomy)
	b := w.browser()
	code := b.ask("/reports", ana)
	b.submit("/verify", "code", code)
	key := b.addsPasskey("Phone")
	b.sends("/form", pairs, "note=kept", clicked).wants(t, http.StatusUnauthorized, "Use a passkey")
	if !strings.Contains(b.page.body, "data-post") {
		t.Error("the page may be loaded again")
	}
	offer := offerIn(t, b.signs(clicked, key, "held", html.UnescapeString(heldIn(b.page))))
	if want := []pages.Field{{Name: "note", Value: "kept"}}; offer.Action != "/form" || !slices.Equal(offer.Fields, want) {
		t.Errorf("it is sent to %s as %v", offer.Action, offer.Fields)
	}
	b.open("/form").wants(t, http.StatusOK, "app")
}
