// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// shared are three sites of one domain: two share sessions, each with its own
// list, and one does not.
var shared = strings.Join([]string{
	"https://wiki.example.test:PORT {\n" + gate("*@example.com", "single_sign_on example.test") + "\n\treverse_proxy APP\n}",
	"https://shop.example.test:PORT {\n" + gate("ana@example.com", "single_sign_on example.test") + "\n\treverse_proxy APP\n}",
	"https://bank.example.test:PORT {\n" + gate("*@example.com") + "\n\treverse_proxy APP\n}\n",
}, "\n")

// Ruling 1, JWT-05: one code opens both sites, each applies its own list, and a
// site that shares nothing takes nothing.
func TestRuling1OneCodeOpensBothSitesAndEachAppliesItsList(t *testing.T) {
	c := harness.Start(t, shared)
	b := c.SecureBrowser(t, "wiki.example.test")
	b.SignIn(t, c, "/", ana, true)
	wiki := b.Base
	at := func(host string) *harness.Browser {
		b.Base = c.SecureBrowser(t, host).Base
		return b
	}
	wantStatus(t, "ana at the shop", at("shop.example.test").Open(t, "/"), http.StatusOK)
	if seen := c.App.Last(t); seen.Header.Get("Remote-Email") != ana || seen.Header.Get("Cookie") != "" {
		t.Errorf("the shop saw %q", seen.Header)
	}
	reached := len(c.App.Seen())
	wantStatus(t, "ana at the bank", at("bank.example.test").Fetch(t, "/"), http.StatusUnauthorized)
	session := b.Cookies(t)["__Secure-doorcode"]
	b.Extra = http.Header{"Cookie": {"__Host-Http-doorcode=" + session}}
	wantStatus(t, "the shared session under the bank's name", b.Fetch(t, "/"), http.StatusUnauthorized)
	b.Extra = nil
	c.App.Untouched(t, reached)

	other := c.SecureBrowser(t, "wiki.example.test")
	other.SignIn(t, c, "/", ben, false)
	reached = len(c.App.Seen())
	other.Base = strings.Replace(wiki, "wiki", "shop", 1)
	wantStatus(t, "ben at the shop", other.Open(t, "/"), http.StatusForbidden)
	c.App.Untouched(t, reached)

	// Signed out of one is signed out of both.
	b.Base = wiki
	b.Open(t, "/.doorcode/signout")
	wantStatus(t, "sign-out", b.Submit(t, "signout", nil), http.StatusOK)
	wantStatus(t, "the shop after it", at("shop.example.test").Fetch(t, "/"), http.StatusUnauthorized)
	if mails := c.Mailbox.Mails(t, ana); len(mails) != 1 {
		t.Errorf("ana was mailed %d times, want once", len(mails))
	}
}

// CK-01, ruling 23: what is shared is set for the domain; the flow never is, for
// a sibling could then carry it on.
func TestCK01SharedCookiesLeaveTheFlowAtHome(t *testing.T) {
	c := harness.Start(t, shared)
	b := c.SecureBrowser(t, "wiki.example.test")
	flow := setCookies(b.Open(t, "/"))["__Host-Http-doorcode-flow"]
	if flow == nil || flow.Domain != "" || !flow.Secure || !flow.HttpOnly {
		t.Errorf("the flow is set as %v", flow)
	}
	b.Submit(t, "email", url.Values{"email": {ana}})
	set := setCookies(b.Post(t, "verify", url.Values{"code": {c.Mailbox.Wait(t, ana, 1).Code(t)}, "remember": {"on"}}, nil))
	for _, name := range []string{"__Secure-doorcode", "__Secure-doorcode-device"} {
		if cookie := set[name]; cookie == nil || cookie.Domain != "example.test" || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
			t.Errorf("%s is set as %v", name, cookie)
		}
	}
}

// JWT-05: one process, one key, two sites that share nothing: the cookie of one
// is worthless at the other, and so are its device cookie and its flow.
func TestJWT05ACookieIsForItsSiteAlone(t *testing.T) {
	block := gate("*@example.com", insecure) + "\n\treverse_proxy APP\n}\n"
	c := harness.Start(t, "http://a.example.test:PORT {\n"+block+"http://b.example.test:PORT {\n"+block)
	b := c.Browser(t)
	b.Base = "http://a.example.test:" + c.Port
	b.SignIn(t, c, "/", ana, true)
	reached := len(c.App.Seen())
	line := cookies(t, b)
	page := c.Raw(t, "GET / HTTP/1.1", "Host: b.example.test:"+c.Port, "Cookie: "+line, "Connection: close", "", "")
	wantStatus(t, "every cookie of a at b", page, http.StatusUnauthorized)
	c.App.Untouched(t, reached)

	// OTC-05: nor can a code be entered there, with everything that goes with it.
	other := c.Browser(t)
	other.Base = "http://a.example.test:" + c.Port
	code := ask(t, c, other, "/", ben)
	form := url.Values{"flow": {other.Page().Hidden(t, "verify")}, "code": {code}}.Encode()
	page = c.Raw(t, "POST /.doorcode/verify HTTP/1.1", "Host: b.example.test:"+c.Port, "Cookie: "+cookies(t, other), "Sec-Fetch-Site: same-origin",
		"Content-Type: application/x-www-form-urlencoded", "Content-Length: "+strconv.Itoa(len(form)), "Connection: close", "", form)
	for name := range setCookies(page) {
		if name == "doorcode" {
			t.Errorf("a code of a made a session at b: %d", page.Status)
		}
	}
	wantStatus(t, "at its own site", enter(t, other, code), http.StatusOK)
}
