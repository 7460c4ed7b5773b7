// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// with is a browser that brings one cookie line and no other.
func with(t testing.TB, c *harness.Caddy, line string) *harness.Browser {
	t.Helper()
	b := c.Browser(t)
	b.Extra = http.Header{"Cookie": {line}}
	return b
}

// SES-01: each code gives a new session and ends the one before, so that one
// that was planted in a browser never becomes the victim's.
func TestSES01EveryCodeGivesANewSession(t *testing.T) {
	c := harness.Start(t, site())
	attacker := signedIn(t, c, ana).Cookies(t)["doorcode"]
	b := c.Browser(t)
	u, err := url.Parse(b.Base)
	if err != nil {
		t.Fatal(err)
	}
	code := ask(t, c, b, "/", ben)
	b.Jar.SetCookies(u, []*http.Cookie{{Name: "doorcode", Value: attacker, Path: "/"}}) // planted
	page := b.Do(t, http.MethodPost, "/.doorcode/verify", form(t, b, code), sameOrigin)
	if fresh := setCookies(page)["doorcode"]; fresh == nil || fresh.Value == attacker {
		t.Fatalf("the code gave %v", fresh)
	}
	wantStatus(t, "the planted session", with(t, c, "doorcode="+attacker).Fetch(t, "/"), http.StatusUnauthorized)
	if b.Open(t, "/"); c.App.Last(t).Header.Get("Remote-Email") != ben {
		t.Errorf("the app saw %q", c.App.Last(t).Header)
	}
}

// SES-02: a copy of the cookie is worth nothing as soon as its owner signs out.
func TestSES02ACopiedCookieEndsWithTheSession(t *testing.T) {
	c := harness.Start(t, site())
	b := c.Browser(t)
	b.SignIn(t, c, "/", ana, true)
	copied, other := cookies(t, b), signedIn(t, c, ana)
	wantStatus(t, "the copy", with(t, c, "doorcode="+b.Cookies(t)["doorcode"]).Fetch(t, "/"), http.StatusOK)
	b.Open(t, "/.doorcode/signout")
	wantStatus(t, "sign-out", b.Submit(t, "signout", nil), http.StatusOK)
	reached := len(c.App.Seen())
	wantStatus(t, "the copy, with the device cookie", with(t, c, copied).Fetch(t, "/"), http.StatusUnauthorized)
	c.Reload(t)
	wantStatus(t, "the copy after a reload", with(t, c, copied).Fetch(t, "/"), http.StatusUnauthorized)
	c.App.Untouched(t, reached)
	wantStatus(t, "another session of hers", other.Fetch(t, "/"), http.StatusOK)
}

// CSR-03, CSR-01: another site can neither sign people out nor enter codes for
// them, and a link that is fetched ahead of time changes nothing.
func TestCSR01FormsOfOtherSitesAreRefused(t *testing.T) {
	c := harness.Start(t, site())
	b := signedIn(t, c, ana)
	b.Open(t, "/.doorcode/signout")
	signOut := url.Values{"flow": {b.Page().Hidden(t, "signout")}}
	stranger := c.Browser(t)
	code := ask(t, c, stranger, "/", ben)
	right := form(t, stranger, code)
	for name, header := range map[string]http.Header{
		"another site":    {"Sec-Fetch-Site": {"cross-site"}},
		"a sibling":       {"Sec-Fetch-Site": {"same-site"}},
		"typed":           {"Sec-Fetch-Site": {"none"}},
		"old, elsewhere":  {"Origin": {"https://evil.example"}},
		"old, null":       {"Origin": {"null"}},
		"old, no origin":  {"Origin": {""}},
		"another port":    {"Origin": {"http://localhost:1"}},
		"alike name":      {"Origin": {b.Base + ".evil.example"}},
		"scheme relative": {"Origin": {"//localhost"}},
	} {
		for path, values := range map[string]url.Values{"/.doorcode/signout": signOut, "/.doorcode/verify": right, "/.doorcode/resend": right, "/.doorcode/email": right} {
			who := b
			if path != "/.doorcode/signout" {
				who = stranger
			}
			wantStatus(t, name+path, who.Do(t, http.MethodPost, path, values, header), http.StatusForbidden)
		}
	}
	wantStatus(t, "still signed in", b.Fetch(t, "/"), http.StatusOK)
	wantStatus(t, "the code still works", enter(t, stranger, code), http.StatusOK)
}

// OTC-13: mail scanners and browsers fetch links ahead of time. No GET, HEAD or
// OPTIONS spends a code, sends a mail or ends a session.
func TestOTC13ReadingChangesNothing(t *testing.T) {
	c := harness.Start(t, site())
	in, b := signedIn(t, c, ana), c.Browser(t)
	code := ask(t, c, b, "/", ben)
	query := form(t, b, code).Encode()
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
		for _, name := range []string{"verify", "email", "resend", "change", "signout", "begin", "status", "session", "ping", "jwks.json", "nothing"} {
			for _, who := range []*harness.Browser{in, b} {
				page := who.Do(t, method, "/.doorcode/"+name+"?"+query, nil)
				if session := setCookies(page)["doorcode"]; session != nil {
					t.Errorf("%s %s sets %s", method, name, session)
				}
			}
		}
	}
	wantStatus(t, "still signed in", in.Fetch(t, "/"), http.StatusOK)
	if mails := c.Mailbox.Mails(t, ben); len(mails) != 1 {
		t.Errorf("%d mails, want 1", len(mails))
	}
	b.Open(t, "/")
	wantStatus(t, "the code still works", enter(t, b, code), http.StatusOK)
}

// OTC-05: a code is for the browser that asked for it.
func TestOTC05ACodeIsForItsBrowserAndAddress(t *testing.T) {
	c := harness.Start(t, site())
	first, second, third := c.Browser(t), c.Browser(t), c.Browser(t)
	code, other := ask(t, c, first, "/", ana), ask(t, c, second, "/", ana)
	ask(t, c, third, "/", ben)
	wantStatus(t, "in another browser of hers", enter(t, second, code), http.StatusUnauthorized)
	wantStatus(t, "for another address", enter(t, third, code), http.StatusUnauthorized)
	stolen := with(t, c, cookies(t, second))
	page := stolen.Do(t, http.MethodPost, "/.doorcode/verify", form(t, first, code), sameOrigin)
	if setCookies(page)["doorcode"] != nil {
		t.Error("the form of one browser with the cookie of another made a session")
	}
	c.App.Untouched(t, 0)
	wantStatus(t, "where it belongs", enter(t, first, code), http.StatusOK)
	wantStatus(t, "the other one, where it belongs", enter(t, second, other), http.StatusOK)
}

// JWT-09: whoever finds a cookie learns nothing about the person from it.
func TestJWT09NoCookieTellsWhoItIsOf(t *testing.T) {
	c := harness.Start(t, site())
	b := c.Browser(t)
	ask(t, c, b, "/", ana)
	in := c.Browser(t)
	in.SignIn(t, c, "/", ana, true)
	line := cookies(t, b) + "; " + cookies(t, in)
	for _, part := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(".=; ", r) }) {
		plain, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			plain = nil
		}
		for _, personal := range []string{"ana", "example.com", b.From} {
			if strings.Contains(part+" "+string(plain), personal) {
				t.Errorf("a cookie shows %q: %s", personal, plain)
			}
		}
	}
}

// CCH-01, CCH-02, WEB-02: our own answers are never kept, and the app's are kept
// by nobody who serves others.
func TestCCH01NothingOfOursIsCached(t *testing.T) {
	c := harness.Start(t, site("public /public/*"))
	b := c.Browser(t)
	pages := map[string]harness.Page{
		"page": b.Open(t, "/"), "script": b.Fetch(t, "/"), "endpoint": b.Fetch(t, "/.doorcode/status"), "not found": b.Fetch(t, "/.doorcode/x"),
		"form": b.Post(t, "email", url.Values{"email": {ana}}, nil), "refused": b.Do(t, http.MethodPost, "/.doorcode/verify", url.Values{}, http.Header{"Sec-Fetch-Site": {"cross-site"}}),
	}
	b.Open(t, "/")
	pages["entry"] = b.Post(t, "verify", url.Values{"code": {c.Mailbox.Wait(t, ana, 1).Code(t)}}, nil)
	for name, page := range pages {
		for header, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex"} {
			if got := page.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		if csp := page.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", name, csp)
		}
	}
	if got := b.Open(t, "/").Header.Get("Cache-Control"); got != "private" {
		t.Errorf("the app's answer says %q, want private", got)
	}
	if got := b.Open(t, "/public/x").Header.Get("Cache-Control"); got != "private" {
		t.Errorf("a public answer to somebody says %q, want private", got)
	}
	if got := c.Browser(t).Open(t, "/public/x").Header.Get("Cache-Control"); got != "" {
		t.Errorf("a public answer to nobody says %q", got)
	}
}
