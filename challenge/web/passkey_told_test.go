// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
)

// Whoever cancels in the browser has tried nothing, so that nothing was refused.
func TestWhatABrowserDidNotDoIsNoRefusal(t *testing.T) {
	w, _, _ := withPasskey(t)
	stranger := w.browser()
	stranger.open("/x")
	if got := stranger.offer().Failed; got != "No passkey was used. Try again, or use a code." {
		t.Errorf("a stranger is told %q", got)
	}
	b := newWorld(t, onlyKeyed, roomy).browser()
	b.provesACode("/reports")
	if got := b.offer().Failed; got != "No passkey was used. Try again." {
		t.Errorf("where a code will not do it says %q", got)
	}
}

// provesACode enters one where only a passkey opens the app.
func (b *browser) provesACode(page string) {
	b.w.t.Helper()
	b.submit("/verify", "code", b.ask(page, ana)).wants(b.w.t, http.StatusUnauthorized, "Use a passkey")
}

// TestRD01ANewPasskeyLeadsBackToTheAppAndNowhereElse: whoever was sent to add one is told
// to use it, on this origin.
func TestRD01ANewPasskeyLeadsBackToTheAppAndNowhereElse(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*settings)
		page   string
		leads  bool
	}{
		"a page of the app":     {onlyKeyed, "/reports/2026", true},
		"where a code would do": {keyed, "/reports", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.change, roomy)
			b := w.browser()
			code := b.ask("/reports", ana)
			b.submit("/verify", "code", code)
			b.do(http.MethodGet, "//evil.example"+passkeysPage, nil, clicked).wants(t, http.StatusBadRequest)
			b.allowed(test.page+passkeysPage, challenge.AddPasskey)
			b.submit("/passkeys")
			b.submit("/passkeys", "credential", b.creates(passkeystest.New(origin))).wants(t, http.StatusOK, "Your passkey is added", "Back to passkeys")
			if got := strings.Contains(b.page.body, `href="`+origin+test.page+`"`); got != test.leads {
				t.Errorf("a way on: %t\n%s", got, b.page.body)
			}
			if told := strings.Contains(b.page.text(), "Now use it to go on."); told != test.leads {
				t.Errorf("it says so: %t", told)
			}
		})
	}
}

func TestTheAddressFormSaysWhatAnAppWants(t *testing.T) {
	const hint = "No passkey yet? We'll send you a code, so that you can add one."
	newWorld(t, onlyKeyed).browser().open("/x").wants(t, http.StatusUnauthorized, hint)
	newWorld(t, keyed).browser().open("/x").wants(t, http.StatusUnauthorized, "!"+hint)
	newWorld(t, onlyKeyed).browser().open("/.doorcode/").wants(t, http.StatusUnauthorized, "!"+hint)
}

func TestTwoPasskeysOfOneBrowserAreCalledDifferently(t *testing.T) {
	w := newWorld(t, keyed, roomy)
	b := w.enters(firefox, ana)
	for _, want := range []string{"Firefox on Windows", "Firefox on Windows 2", "Firefox on Windows 3"} {
		b.allowed(passkeysPage, challenge.AddPasskey)
		b.submit("/passkeys")
		if !strings.Contains(b.page.body, `name="name" value="`+want+`"`) {
			t.Errorf("no %s on the page:\n%s", want, b.page.body)
		}
		b.submit("/passkeys", "name", want, "credential", b.creates(passkeystest.New(origin))).wants(t, http.StatusOK, "Your passkey is added")
		w.clock.advance(time.Minute)
	}
}

// Whoever came in by a passkey did not read any mail.
func TestRuling40AReportOfAPasskeySaysWhatToDoAboutIt(t *testing.T) {
	w, b, key := withPasskey(t)
	w.clock.advance(time.Hour)
	w.from("198.51.100.9")
	thief := w.browser()
	thief.open("/x")
	thief.signs(scripted, key).json(t)
	link := w.stopLink()
	b.follows(link).wants(t, http.StatusOK, "Sign that browser out?")
	b.post(clicked, last(link)).wants(t, http.StatusOK, "Stopped", "They used a passkey of yours. It is on hold. Remove it under Passkeys, and from a device that you lost.", "!mailbox")
}
