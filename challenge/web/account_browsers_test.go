// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Browsers, as they describe themselves.
const (
	firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)

// enters signs in with a browser of a kind.
func (w *world) enters(agent, address string, pairs ...string) *browser {
	w.t.Helper()
	b := w.browser()
	b.agent = agent
	return b.signIn("/x", address, pairs...)
}

var rowID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// idOf is what the list calls the browser of a row that says something.
func (b *browser) idOf(text string) string {
	b.w.t.Helper()
	b.open("/.doorcode/sessions").wants(b.w.t, http.StatusOK, "Browsers and sessions")
	for row := range strings.SplitSeq(b.page.body, "<tr ") {
		if match := rowID.FindStringSubmatch(row); match != nil && strings.Contains(row, text) {
			return html.UnescapeString(match[1])
		}
	}
	b.w.t.Fatalf("no row says %q:\n%s", text, b.page.body)
	return ""
}

// confirms opens the page that asks before something is done, and presses.
func (b *browser) confirms(do, id string, pairs ...string) answer {
	b.w.t.Helper()
	b.chooses("/.doorcode/sessions", do, id).wants(b.w.t, http.StatusOK)
	return b.submit("/sessions", pairs...)
}

func TestTheListHasEveryBrowserOfThePersonAndNobodyElses(t *testing.T) {
	w := newWorld(t)
	b := w.enters(firefox, ana, "remember", "1")
	w.enters(safari, ana)
	w.enters("", "bob@example.org")
	page := b.open("/.doorcode/sessions")
	page.wants(t, http.StatusOK, "Firefox on Windows This browser", "Signed in and remembered", "Safari on iPhone", "Sign out everywhere else")
	if rows := strings.Count(page.body, "<tr ") - 1; rows != 2 {
		t.Errorf("%d rows, want 2:\n%s", rows, page.text())
	}
	b.open("/.doorcode/").wants(t, http.StatusOK, "Firefox on Windows", "2 browsers")
}

func TestABrowserIsSignedOutFromAnotherOneAtOnce(t *testing.T) {
	for _, do := range []string{"signout", "forget"} {
		t.Run(do, func(t *testing.T) {
			w := newWorld(t)
			b := w.enters(firefox, ana)
			phone := w.enters(safari, ana, "remember", "1")
			phone.open("/x").wants(t, http.StatusOK, "app")
			b.confirms(do, b.idOf("Safari on iPhone")).wants(t, http.StatusOK, "Browsers and sessions")
			phone.open("/x").wants(t, http.StatusUnauthorized, "Sign in to")
			b.open("/x").wants(t, http.StatusOK, "app")
			listed := strings.Contains(b.open("/.doorcode/sessions").text(), "Safari on iPhone")
			if do == "forget" && listed {
				t.Error("a browser that was forgotten is on the list")
			}
		})
	}
}

func TestSigningOutEverywhereElseLeavesThisBrowser(t *testing.T) {
	w := newWorld(t)
	b := w.enters(firefox, ana, "remember", "1")
	others := []*browser{w.enters(safari, ana, "remember", "1"), w.enters(safari, ana), w.enters("", ana, "remember", "1")}
	b.chooses("/.doorcode/sessions", "everywhere", "").wants(t, http.StatusOK,
		"3 browsers will be signed out and forgotten. Open connections are closed within 5 seconds.")
	b.submit("/sessions").wants(t, http.StatusOK, "Firefox on Windows", "3 browsers are signed out.", "!Safari", "!Sign out everywhere else")
	b.open("/.doorcode/sessions").wants(t, http.StatusOK, "!signed out.")
	for i, other := range others {
		if got := other.open("/x"); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("browser %d: status %d", i, got.StatusCode)
		}
	}
	b.open("/x").wants(t, http.StatusOK, "app")
}

func TestABrowserCanBeCalledAnything(t *testing.T) {
	w := newWorld(t)
	b := w.enters(firefox, ana, "remember", "1")
	id := b.idOf("Firefox on Windows")
	for _, name := range []string{`<img src=x onerror=alert(1)>`, `"><script>alert(1)</script>`, "Küche 厨房", strings.Repeat("x", 200), ""} {
		b.confirms("rename", id, "name", name).wants(t, http.StatusOK, "Browsers and sessions", "Renamed.")
		if strings.Contains(b.page.body, "<img src=x") || strings.Count(b.page.body, "<script") != 1 {
			t.Fatalf("the name is not text:\n%s", b.page.body)
		}
		shown := name
		if len(shown) > 40 {
			shown = shown[:40]
		}
		b.page.wants(t, http.StatusOK, shown, "Firefox on Windows", "!"+strings.Repeat("x", 41))
		b.chooses("/.doorcode/sessions", "rename", id).wants(t, http.StatusOK)
		if want := `value="` + html.EscapeString(shown) + `"`; !strings.Contains(b.page.body, want) {
			t.Errorf("the field lacks %s:\n%s", want, b.page.body)
		}
		b.open("/.doorcode/").wants(t, http.StatusOK)
	}
}

// What a link to the page says of itself is at most a number of browsers.
func TestALinkMakesTheListOfBrowsersSayNothingOfItsOwn(t *testing.T) {
	w := newWorld(t)
	b := w.enters(firefox, ana)
	for _, ended := range []string{"0", "-1", "x", "", "1e3", "99999999999", "<b>5</b>"} {
		b.open("/.doorcode/sessions?ended="+url.QueryEscape(ended)).wants(t, http.StatusOK, "!signed out.", "!<b>")
	}
}

// TestNobodyEndsABrowserOfSomebodyElse guesses right: the id is that of another
// person's browser.
func TestNobodyEndsABrowserOfSomebodyElse(t *testing.T) {
	w := newWorld(t)
	b := w.enters(firefox, ana, "remember", "1")
	id := b.idOf("Firefox on Windows")
	thief := w.enters(safari, "bob@example.org")
	thief.chooses("/.doorcode/sessions", "forget", id).wants(t, http.StatusNotFound, "That browser is not on the list any more")
	before := w.store.dump(t)
	for _, action := range []string{"forget", "signout", "rename", "everywhere?"} {
		fields := url.Values{"flow": {thief.press("sessions", action, id)}, "action": {action}, "id": {id}, "name": {"mine"}}
		if got := thief.do(http.MethodPost, "/.doorcode/sessions", fields, clicked); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", action, got.StatusCode)
		}
	}
	if diff := cmp.Diff(before, w.store.dump(t)); diff != "" {
		t.Errorf("the store changed:\n%s", diff)
	}
	b.open("/x").wants(t, http.StatusOK, "app")
}

func TestThisBrowserCanBeForgotten(t *testing.T) {
	for name, page := range map[string]string{"from the overview": "/.doorcode/", "from the list": ""} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.enters(firefox, ana, "remember", "1")
			copied := b.clone()
			if page == "" {
				b.confirms("forget", b.idOf("This browser"))
			} else {
				b.chooses(page, "forget", "").wants(t, http.StatusOK, "Forget this browser?")
				b.submit("/")
			}
			b.page.wants(t, http.StatusOK, "You're signed out")
			if len(b.jar) != 0 {
				t.Errorf("the browser keeps %v", sorted(b.jar))
			}
			copied.open("/x").wants(t, http.StatusUnauthorized, "Sign in to")
		})
	}
}
