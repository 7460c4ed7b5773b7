// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	sessionName = "__Host-Http-doorcode"
	deviceName  = sessionName + "-device"
)

// remembered is a browser that is remembered and whose session is over, with the
// sign-out page that it had open before.
func remembered(t *testing.T, w *world) (b *browser, older url.Values) {
	t.Helper()
	b = w.browser().signIn("/x", ana, "remember", "on")
	b.open("/x/.doorcode/signout").wants(t, http.StatusOK, "Sign out of app.example.com?")
	_, older = b.form("/signout")
	w.clock.advance(13 * time.Hour)
	delete(b.jar, sessionName)
	b.clone().open("/x").wants(t, http.StatusOK, "app") // it would be let in
	w.store.since()
	return b, older
}

// Somebody at a computer of others presses "Sign out" the next morning. The page
// used to say "You're signed out", since the session was over, and offered
// nothing more; then the browser, still remembered, let in whoever came next. Now
// the page asks, and the press ends what would let the browser in.
func TestARememberedBrowserCanSignOutWithoutASession(t *testing.T) {
	for name, tt := range map[string]struct {
		older  bool // the form is of a tab from before
		forget bool
		keeps  bool // a device cookie
	}{
		"a page of now":                  {keeps: true},
		"a page of now, to be forgotten": {forget: true},
		"an older tab":                   {older: true, keeps: true},
		"an older tab, to be forgotten":  {older: true, forget: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b, older := remembered(t, w)
			before := w.store.dump(t)
			b.open("/x/.doorcode/signout").wants(t, http.StatusOK, "Sign out of app.example.com?")
			if diff := cmp.Diff(before, w.store.dump(t)); diff != "" {
				t.Fatalf("to look at the page changed the store:\n%s", diff)
			}
			copied := b.clone()
			target, form := b.form("/signout")
			if tt.older {
				form = older
			}
			if tt.forget {
				form.Set("forget", "1")
			}
			if sent := b.do(http.MethodPost, target, form, clicked); sent.StatusCode != http.StatusSeeOther {
				t.Fatalf("status %d:\n%s", sent.StatusCode, sent.body)
			}
			b.clone().open("/x/.doorcode/signout").wants(t, http.StatusOK, "You're signed out")
			if _, kept := b.jar[deviceName]; kept != tt.keeps {
				t.Errorf("the browser keeps a device cookie: %v, want %v", kept, tt.keeps)
			}
			b.open("/x").wants(t, http.StatusUnauthorized, "Sign in to")
			copied.open("/x").wants(t, http.StatusUnauthorized, "Sign in to")
		})
	}
}

// What signs out is the form that this gate sealed. A POST that holds none, as
// one that was guessed, must not end what a browser is remembered by.
func TestAnythingButOurFormDoesNotSignOutARememberedBrowser(t *testing.T) {
	w := newWorld(t)
	b, older := remembered(t, w)
	before := w.store.dump(t)
	whole := older.Get("flow")
	for name, value := range map[string]string{"none": "", "garbage": "x", "cut": whole[:len(whole)-2], "longer": whole + "AA"} {
		for _, forget := range []string{"", "1"} {
			tab := b.clone()
			tab.do(http.MethodPost, "/x/.doorcode/signout", url.Values{"flow": {value}, "forget": {forget}}, clicked)
			if _, kept := tab.jar[deviceName]; !kept {
				t.Errorf("%s: the device cookie is gone", name)
			}
			if diff := cmp.Diff(before, w.store.dump(t)); diff != "" {
				t.Errorf("%s: the store changed:\n%s", name, diff)
			}
		}
	}
	b.open("/x").wants(t, http.StatusOK, "app")
}

func TestThePageThatSignsOutLeadsBackToo(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	for from, want := range map[string]string{
		origin + "/reports?year=2026": origin + "/reports?year=2026", origin + "/x/.doorcode/": origin + "/x", "https://evil.example/": origin + "/x", "": origin + "/x",
	} {
		page := b.do(http.MethodGet, "/x/.doorcode/signout", nil, with(clicked, "Referer", from))
		page.wants(t, http.StatusOK, "Stay signed in")
		if !strings.Contains(page.body, `href="`+want+`">Stay signed in`) {
			t.Errorf("from %q: the page does not lead to %s:\n%s", from, want, page.body)
		}
	}
}
