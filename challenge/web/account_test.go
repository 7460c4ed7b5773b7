// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// deskPages are account pages that every gate has.
var deskPages = []string{"", "sessions", "settings"}

// notVisits are requests for a page by anything but a browser that goes to it.
var notVisits = map[string]http.Header{
	"a script's fetch":                   scripted,
	"a fetch of a page":                  with(clicked, "Sec-Fetch-Mode", "same-origin", "Sec-Fetch-Dest", "empty"),
	"a frame":                            with(clicked, "Sec-Fetch-Dest", "iframe"),
	"an object":                          with(clicked, "Sec-Fetch-Dest", "object"),
	"an image":                           with(clicked, "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"),
	"a browser that says nothing":        with(clicked, "Sec-Fetch-Mode", "", "Sec-Fetch-Dest", "", "Sec-Fetch-Site", ""),
	"a program":                          terminal,
	"htmx":                               with(scripted, "HX-Request", "true"),
	"a worker that says it is a visit":   with(clicked, "Sec-Fetch-Dest", "worker"),
	"a worker's preload":                 with(clicked, "Service-Worker-Navigation-Preload", "true"),
	"a worker's preload of another name": with(clicked, "Service-Worker-Navigation-Preload", "x"),
}

func TestCSR01AnAppsScriptCannotReadAccountPages(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	for name, headers := range notVisits {
		for _, page := range deskPages {
			got := b.do(http.MethodGet, "/.doorcode/"+page, nil, headers)
			if got.StatusCode != http.StatusForbidden || strings.Contains(got.body, ana) || strings.Contains(got.body, `name="flow"`) {
				t.Errorf("%s of %q: status %d\n%s", name, page, got.StatusCode, got.body)
			}
		}
	}
}

// TestCSR01AnAppsScriptCannotPressAnythingOnAccountPages has the right form and
// cookies, and presses as a script, a frame or another site does.
func TestCSR01AnAppsScriptCannotPressAnythingOnAccountPages(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	w.browser().signIn("/x", ana)
	b.chooses("/.doorcode/sessions", "everywhere", "").wants(t, http.StatusOK, "Sign out everywhere else?")
	target, fields := b.form("/sessions")
	before := w.store.dump(t)
	presses := map[string]http.Header{
		"another site":           with(clicked, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"),
		"another host of a site": with(clicked, "Sec-Fetch-Site", "same-site", "Origin", "https://other.example.com"),
		"a sandboxed frame":      with(clicked, "Sec-Fetch-Site", "cross-site", "Origin", "null"),
		"nobody":                 with(clicked, "Sec-Fetch-Site", "none"),
	}
	for name, headers := range notVisits {
		presses[name] = headers
	}
	for name, headers := range presses {
		if got := b.do(http.MethodPost, target, fields, headers); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d\n%s", name, got.StatusCode, got.body)
		}
	}
	if diff := cmp.Diff(before, w.store.dump(t)); diff != "" {
		t.Errorf("the store changed:\n%s", diff)
	}
	b.post(clicked, "/sessions") // the person's own press
	if cmp.Diff(before, w.store.dump(t)) == "" {
		t.Error("the button does nothing for the person either, so this test shows nothing")
	}
}

// TestCSR01AccountFormsAreOfTheirSession: what an app's script can get hold of are
// the forms of the check and of signing out, and those of somebody else.
func TestCSR01AccountFormsAreOfTheirSession(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	other := w.browser().signIn("/x", ana)
	colleague := w.browser().signIn("/x", "bob@example.org")
	b.chooses("/.doorcode/sessions", "everywhere", "")
	target, whole := b.form("/sessions")
	flowOf := func(of *browser, page, action string) string {
		of.open(page)
		_, fields := of.form(action)
		return fields.Get("flow")
	}
	seals := map[string]string{
		"none":                               "",
		"garbage":                            "x",
		"a cut one":                          whole.Get("flow")[:20],
		"that of signing out":                flowOf(b.clone(), "/.doorcode/signout", "/signout"),
		"that of another browser":            other.press("sessions", "everywhere", ""),
		"that of somebody else":              colleague.press("sessions", "everywhere", ""),
		"that of a check that nobody passed": flowOf(w.browser(), "/x", "/email"),
	}
	before := w.store.dump(t)
	for name, seal := range seals {
		fields := url.Values{"flow": {seal}, "action": {"everywhere"}}
		if got := b.do(http.MethodPost, target, fields, clicked); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d\n%s", name, got.StatusCode, got.body)
		}
	}
	if diff := cmp.Diff(before, w.store.dump(t)); diff != "" {
		t.Errorf("the store changed:\n%s", diff)
	}
	signOut := url.Values{"flow": {whole.Get("flow")}}
	if got := b.do(http.MethodPost, "/.doorcode/signout", signOut, clicked); got.StatusCode != http.StatusForbidden {
		t.Errorf("the form of an account page signs out: status %d", got.StatusCode)
	}
}

func TestTheAddressesOfAccountPagesChangeNothing(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana, "remember", "1")
	w.browser().signIn("/x", ana)
	before, mails := w.store.dump(t), len(w.mailbox.all())
	for _, target := range []string{
		"/.doorcode", "/.doorcode/", "/.doorcode/?do=forget", "/.doorcode/?action=cancel&id=x", "/.doorcode/sessions", "/.doorcode/sessions?do=everywhere",
		"/.doorcode/sessions?action=ask&do=forget&id=x", "/.doorcode/sessions?action=everywhere", "/.doorcode/settings?action=save&always=1",
		"/.doorcode/settings", "/.doorcode/settings?saved", "/.doorcode/settings?later",
	} {
		b.open(target)
		b.do(http.MethodHead, target, nil, clicked)
	}
	if diff := cmp.Diff(before, w.store.dump(t)); diff != "" {
		t.Errorf("the store changed:\n%s", diff)
	}
	if n := len(w.mailbox.all()) - mails; n != 0 {
		t.Errorf("%d mails", n)
	}
}

// TestTheButtonOfARefusalOpensThePageAndPressesNothing: it is for who meets a
// service worker of the app, which leaves forms alone.
func TestTheButtonOfARefusalOpensThePageAndPressesNothing(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	w.browser().signIn("/x", ana)
	before := w.store.dump(t)
	for query, want := range map[string]string{"": "Browsers and sessions", "?do=everywhere": "Browsers and sessions"} {
		b.open("/.doorcode/sessions" + query)
		b.page = b.do(http.MethodGet, "/.doorcode/sessions"+query, nil, with(clicked, "Sec-Fetch-Dest", "empty"))
		b.page.wants(t, http.StatusForbidden, "Open your account", "!"+ana)
		b.submit("/sessions"+query).wants(t, http.StatusOK, want)
	}
	if diff := cmp.Diff(before, w.store.dump(t)); diff != "" {
		t.Errorf("the store changed:\n%s", diff)
	}
	stranger := w.browser()
	stranger.do(http.MethodPost, "/.doorcode/", url.Values{"action": {"open"}}, clicked).wants(t, http.StatusUnauthorized, "Sign in to", "!"+ana)
	evil := b.do(http.MethodPost, "/.doorcode/", url.Values{"action": {"open"}}, with(clicked, "Sec-Fetch-Site", "cross-site"))
	evil.wants(t, http.StatusForbidden, "!"+ana)
}

// TestTheOpenersPolicyIsOneThatTheBrowserKnows: an unknown one would be none at all.
func TestTheOpenersPolicyIsOneThatTheBrowserKnows(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	for brands, want := range map[string]string{
		"": "same-origin",
		`"Chromium";v="130", "Not.A/Brand";v="24"`:                           "same-origin",
		`"Not.A/Brand";v="999", "Chromium";v="131"`:                          "noopener-allow-popups",
		`"Microsoft Edge";v="156", "Chromium";v="156", "Not.A/Brand";v="24"`: "noopener-allow-popups",
		`"Chromium";v="99999999999999999999"`:                                "noopener-allow-popups",
		`Chromium 156`:                                                       "same-origin", `"Not Chromium";v="156"`: "same-origin",
	} {
		got := b.do(http.MethodGet, "/.doorcode/", nil, with(clicked, "Sec-CH-UA", brands))
		if is := got.Header.Get("Cross-Origin-Opener-Policy"); is != want {
			t.Errorf("%s: %q, want %q", brands, is, want)
		}
	}
}

func TestAnAccountPageKeepsItsOpenerOut(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	w.browser().open("/.doorcode/").wants(t, http.StatusUnauthorized)
	for _, page := range deskPages {
		got := b.open("/.doorcode/" + page)
		got.wants(t, http.StatusOK)
		for name, want := range map[string]string{
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex",
		} {
			if is := got.Header.Get(name); is != want {
				t.Errorf("%q: %s is %q, want %q", page, name, is, want)
			}
		}
		if csp := got.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%q: %s", page, csp)
		}
		head := b.do(http.MethodHead, "/.doorcode/"+page, nil, clicked)
		if head.StatusCode != http.StatusOK || head.body != "" {
			t.Errorf("HEAD of %q: status %d with %d bytes", page, head.StatusCode, len(head.body))
		}
	}
}

func TestWhoHasNoSessionIsAskedForACodeAndComesToTheAccountPage(t *testing.T) {
	w := newWorld(t)
	for _, page := range deskPages {
		b := w.browser()
		code := b.ask("/x/.doorcode/"+page, ana)
		sent := b.post(clicked, "/verify", "code", code)
		if to := sent.Header.Get("Location"); to != origin+"/x/.doorcode/"+page {
			t.Errorf("the code leads to %s", to)
		}
		b.open("/x/.doorcode/"+page).wants(t, http.StatusOK, "Overview", "Settings", "!Check your email")
	}
}

func TestAnAccountFormOfASessionThatIsOverLeadsToTheCheck(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	b.chooses("/.doorcode/settings", "save", "")
	delete(b.jar, sessionName)
	b.submit("/settings", "always", "1").wants(t, http.StatusUnauthorized, "Sign in to")
}

func TestARememberedBrowserComesToTheAccountPageWithoutACode(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana, "remember", "1")
	delete(b.jar, sessionName)
	b.open("/.doorcode/").wants(t, http.StatusOK, "Signed in as "+ana)
	if b.jar[sessionName] == "" {
		t.Error("the session that let it in was not kept")
	}
}

func TestTheGatesListsHoldOnAccountPages(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	nobody, err := challenge.NewAccess(challenge.AccessOptions{Allow: []string{eve}})
	if err != nil {
		t.Fatal(err)
	}
	b.chooses("/.doorcode/settings", "save", "")
	w.gate.SetAccess(nobody)
	for _, page := range deskPages {
		b.clone().open("/.doorcode/"+page).wants(t, http.StatusForbidden, "You don't have access")
	}
	if got := b.post(clicked, "/settings"); got.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", got.StatusCode)
	}
}

func TestAccountPagesAreWhereverTheGateStands(t *testing.T) {
	for name, tt := range map[string]struct {
		pinned      string
		base, other string
	}{
		"below the root":      {"", "/.doorcode/", "/.doorcode/sessions"},
		"below a path":        {"", "/admin/.doorcode/", "/admin/.doorcode/sessions"},
		"at a prefix of ours": {"/door", "/door/", "/door/sessions"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(s *settings) { s.web.Endpoints = tt.pinned })
			b := w.browser().signIn("/admin/x", ana)
			b.open(strings.TrimSuffix(tt.base, "/")).wants(t, http.StatusOK, "Signed in as")
			if b.at.Path != tt.base {
				t.Errorf("the overview is at %s", b.at.Path)
			}
			_, links, _ := strings.Cut(b.page.body, "<nav")
			_, href, _ := strings.Cut(links, `<a href="`)
			_, href, _ = strings.Cut(href, `<a href="`)
			href, _, _ = strings.Cut(href, `"`)
			to, err := b.at.Parse(href)
			if err != nil {
				t.Fatal(err)
			}
			if to.Path != tt.other {
				t.Errorf("the next page is at %s, want %s", to.Path, tt.other)
			}
			b.open(to.Path).wants(t, http.StatusOK, "Browsers and sessions")
			target, _ := b.open(tt.base+"settings"), 0
			target.wants(t, http.StatusOK)
			if at, _ := b.form("/settings"); at != tt.base+"settings" {
				t.Errorf("the form goes to %s", at)
			}
		})
	}
}

func TestAnAccountPageThatTheGateDoesNotHaveIsNotThere(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	b.open("/.doorcode/nothing").wants(t, http.StatusNotFound)
	for _, ask := range [][3]string{
		{"", "x"},
		{"", "cancel", "x"},
		{"sessions", "x"},
		{"sessions", "forget", "x"},
		{"settings", ""},
		{"settings", "export"},
		{"activity", "report", "x"},
		{"backup-codes", "confirm"},
		{"ways", "x"},
		{"ways", "remove_app"},
	} {
		b.chooses("/.doorcode/"+ask[0], ask[1], ask[2]).wants(t, http.StatusNotFound)
	}
	b.chooses("/.doorcode/sessions", "rename", "../x").wants(t, http.StatusNotFound, "That browser is not on the list any more")
}

func TestAccountPagesOfWhomAnEarlierStepKnowsAreOfTheirSession(t *testing.T) {
	w := newWorld(t)
	w.earlier(anaByPassword())
	b := w.browser()
	b.open("/.doorcode/sessions").wants(t, http.StatusUnauthorized, "Check your email")
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "Browsers and sessions")
	w.earlier(challenge.Identity{Source: "http.auth.user.id", User: "bob", Email: "bob@example.org"})
	b.open("/.doorcode/sessions").wants(t, http.StatusUnauthorized, "Check your email")
}

func TestWhoeverIsOnlyObservedHasNoAccountWithoutASession(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.gate.Policy.Risk.ObserveAll = true })
	b := w.browser()
	b.open("/x").wants(t, http.StatusOK, "app")
	b.open("/.doorcode/").wants(t, http.StatusUnauthorized, "Sign in to")
	code := b.ask("/.doorcode/", ana)
	b.submit("/verify", "code", code).wants(t, http.StatusOK, "Signed in as "+ana)
}

func TestWhomOnlyAnEarlierStepLetByHasNoAccountWithoutASession(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.gate.Policy.Risk.ObserveAll = true })
	w.earlier(anaByPassword())
	b := w.browser()
	b.open("/x").wants(t, http.StatusOK, "app")
	b.open("/.doorcode/").wants(t, http.StatusUnauthorized, "Check your email")
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "Signed in as "+ana)
}

func TestAnAccountThatCannotBeReadIsUnavailable(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	b.chooses("/.doorcode/settings", "save", "").wants(t, http.StatusOK)
	w.store.breaks(true)
	b.clone().open("/.doorcode/").wants(t, http.StatusServiceUnavailable)
	if got := b.post(clicked, "/settings"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", got.StatusCode)
	}
}
