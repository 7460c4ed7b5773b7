// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// elsewhere are requests that another page than ours made.
var elsewhere = map[string]http.Header{
	"another site":                 with(clicked, "Sec-Fetch-Site", "cross-site"),
	"a sibling domain":             with(clicked, "Sec-Fetch-Site", "same-site"),
	"the address bar":              with(clicked, "Sec-Fetch-Site", "none"),
	"another site, by script":      with(scripted, "Sec-Fetch-Site", "cross-site"),
	"another site, old browser":    {"Accept": {"text/html"}, "Origin": {"https://evil.example"}},
	"a sibling, old browser":       {"Accept": {"text/html"}, "Origin": {"https://evil.example.com"}},
	"a longer name":                {"Accept": {"text/html"}, "Origin": {"https://app.example.com.evil.example"}},
	"the same name in clear text":  {"Accept": {"text/html"}, "Origin": {"http://app.example.com"}},
	"another port":                 {"Accept": {"text/html"}, "Origin": {"https://app.example.com:8443"}},
	"a name before an at sign":     {"Accept": {"text/html"}, "Origin": {"https://app.example.com@evil.example"}},
	"a sandbox":                    {"Accept": {"text/html"}, "Origin": {"null"}},
	"nobody":                       {"Accept": {"text/html"}, "Origin": {""}},
	"another site that says it":    {"Accept": {"text/html"}, "Origin": {origin}, "Sec-Fetch-Site": {"cross-site"}},
	"what is no origin":            {"Accept": {"text/html"}, "Origin": {"javascript:app.example.com"}},
	"another site with our header": {"Accept": {"application/json"}, "Origin": {"https://evil.example"}, "Doorcode-Reason": {"x"}},
}

func TestCSR01EveryFormMustComeFromAPageOfOurs(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	code := b.ask("/x", ana)
	form := url.Values{"email": {"bob@example.org"}, "code": {code}}
	_, hidden := b.form("/verify")
	maps.Copy(form, hidden)
	mails, before := len(w.mailbox.all()), w.store.dump(t)
	for name, header := range elsewhere {
		for _, endpoint := range []string{"email", "verify", "resend", "change", "backup", "way", "signout", "begin"} {
			a := b.clone().do(http.MethodPost, "/x/.doorcode/"+endpoint, form, header)
			if a.StatusCode != http.StatusForbidden || len(a.Cookies()) > 0 {
				t.Errorf("%s from %s: status %d, cookies %v", endpoint, name, a.StatusCode, a.Cookies())
			}
			if header.Get("Accept") == "application/json" {
				a.wantsProblem(t, http.StatusForbidden, "bad-origin")
			}
		}
	}
	if len(w.mailbox.all()) != mails || !maps.Equal(before, w.store.dump(t)) {
		t.Error("a foreign form did something")
	}
	b.submit("/verify", "code", code).wants(t, http.StatusOK, "app")
}

// Whoever has a page of ours, but not in this browser, has nothing.
func TestCSR01AFormIsTiedToTheBrowserThatGotIt(t *testing.T) {
	w := newWorld(t)
	attacker, victim := w.browser(), w.browser()
	attacker.ask("/x", ana)
	victim.open("/x")
	_, form := attacker.form("/verify")
	form.Set("code", w.mailbox.last(t).Code.Reveal())
	form.Set("email", ana)
	before := w.store.dump(t)
	for _, endpoint := range []string{"email", "verify", "resend", "change", "backup", "way"} {
		for name, hidden := range map[string]string{"another browser's": form.Get("flow"), "none": "", "nonsense": "AAAA", "cut": form.Get("flow")[1:]} {
			form := maps.Clone(form)
			form.Set("flow", hidden)
			b := victim.clone()
			a := b.do(http.MethodPost, "/x/.doorcode/"+endpoint, form, clicked)
			a.wants(t, http.StatusSeeOther)
			if !strings.HasPrefix(a.Header.Get("Location"), origin+"/x/.doorcode/begin?probe=") || b.jar["__Host-Http-doorcode"] != "" {
				t.Errorf("%s with %s form: %v", endpoint, name, a.Header)
			}
			b.open(a.Header.Get("Location")).wants(t, http.StatusUnauthorized, "Sign in to")
			if b.at.Path != "/x" {
				t.Errorf("%s with %s form led to %s", endpoint, name, b.at)
			}
			victim.clone().do(http.MethodPost, "/x/.doorcode/"+endpoint, form, scripted).wantsProblem(t, http.StatusConflict, "check-lost")
		}
	}
	if !maps.Equal(before, w.store.dump(t)) || len(w.mailbox.all()) != 1 {
		t.Error("a form of another browser did something")
	}
}

// The sealed value of one gate, or of one site, is nothing to another.
func TestCSR01AFormIsTiedToItsGateAndSite(t *testing.T) {
	both := func(s *settings) { s.web.Origins = []string{origin, "https://other.example.com"} }
	w := newWorld(t, both)
	b := w.browser()
	b.open("/x")
	_, form := b.form("/email")
	form.Set("email", ana)
	b.host = "other.example.com"
	b.do(http.MethodPost, "/x/.doorcode/email", form, clicked).wants(t, http.StatusSeeOther)
	if len(w.mailbox.all()) > 0 {
		t.Error("a form of one site was used at another")
	}
}

func TestCSR02NothingThatIsMerelyLoadedStartsAMail(t *testing.T) {
	w := newWorld(t)
	w.earlier(anaByPassword())
	for name, row := range rows {
		if row.starts {
			continue
		}
		if row.method == "" {
			row.method = http.MethodGet
		}
		w.browser().do(row.method, "/x", nil, row.header)
		if len(w.mailbox.all()) > 0 {
			t.Fatalf("%s started a mail", name)
		}
	}
	for name, header := range elsewhere {
		w.browser().do(http.MethodPost, "/x", url.Values{"a": {"b"}}, header)
		w.browser().do(http.MethodPost, "/.doorcode/begin", nil, header)
		if len(w.mailbox.all()) > 0 {
			t.Fatalf("a POST from %s started a mail", name)
		}
	}
}

func TestCSR03OnlyAPostWithTheSessionsOwnFormSignsOut(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	other := w.browser().signIn("/x", "bob@example.org")
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodDelete} {
		b.clone().do(method, "/.doorcode/signout", nil, clicked)
	}
	other.open("/x/.doorcode/signout").wants(t, http.StatusOK, "Sign out of app.example.com?")
	_, form := other.form("/signout")
	for name, flow := range map[string]string{"another session's": form.Get("flow"), "none": "", "nonsense": "x"} {
		b.clone().do(http.MethodPost, "/.doorcode/signout", url.Values{"flow": {flow}}, clicked).wants(t, http.StatusForbidden)
		if b.clone().open("/x").StatusCode != http.StatusOK {
			t.Fatalf("signed out by %s form", name)
		}
	}
	thief := b.clone()
	b.open("/x/.doorcode/signout").wants(t, http.StatusOK, "Sign out")
	b.submit("/signout").wants(t, http.StatusOK, "You're signed out")
	if len(b.jar) > 0 {
		t.Errorf("cookies left: %v", sorted(b.jar))
	}
	thief.open("/x").wants(t, http.StatusUnauthorized)
	other.open("/x").wants(t, http.StatusOK)
}

func TestASignOutThatTheStoreDoesNotKeepIsNotCalledOne(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	b.open("/.doorcode/signout")
	w.store.breaks(true)
	b.submit("/signout").wants(t, http.StatusServiceUnavailable, "Sign-in is unavailable")
}

// Beyond the grace nobody knows whether there is a session to end.
func TestASignOutThatCannotBeDecidedIsNotCalledOne(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.gate.Grace = time.Minute })
	b := w.browser().signIn("/x", ana)
	b.open("/.doorcode/signout")
	w.store.breaks(true)
	w.clock.advance(time.Hour)
	b.clone().open("/x").wants(t, http.StatusServiceUnavailable, "Sign-in is unavailable")
	b.clone().open("/.doorcode/signout").wants(t, http.StatusServiceUnavailable)
	b.do(http.MethodGet, "/.doorcode/session", nil, scripted).wantsProblem(t, http.StatusServiceUnavailable, "unavailable")
	b.do(http.MethodPost, "/.doorcode/begin", nil, clicked).wants(t, http.StatusServiceUnavailable)
	if sent := b.post(clicked, "/signout"); sent.StatusCode != http.StatusServiceUnavailable || len(sent.Cookies()) > 0 {
		t.Errorf("status %d, cookies %v", sent.StatusCode, sent.Cookies())
	}
}

func TestASignOutPageWorksAsLongAsItsSession(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.gate.Policy.Session.Lifetime = 30 * 24 * time.Hour })
	b := w.browser().signIn("/x", ana)
	b.open("/.doorcode/signout")
	w.clock.advance(20 * 24 * time.Hour)
	b.submit("/signout").wants(t, http.StatusOK, "You're signed out")
}

// Ruling 36: a form of another site gets a sentence and a link.
func TestR36AForeignPostGetsNoFormNoCookieAndNoMail(t *testing.T) {
	w := newWorld(t)
	var out web.Outcome
	serve := func(r *http.Request) answer {
		rec := httptest.NewRecorder()
		out = w.door.Serve(rec, r, w.arrival(r))
		return answer{rec.Result(), rec.Body.String()}
	}
	b := w.browser()
	a := serve(b.request(http.MethodPost, "/acs?x=1", url.Values{"SAMLResponse": {"x"}}, with(clicked, "Sec-Fetch-Site", "cross-site")))
	a.wants(t, http.StatusUnauthorized, "Your form wasn't sent")
	if !out.ForeignPost || out.Pass {
		t.Errorf("outcome %+v", out)
	}
	if len(a.Cookies()) > 0 || strings.Contains(a.body, "<form") || strings.Contains(a.body, "<script") || len(w.mailbox.all()) > 0 {
		t.Errorf("cookies %v\n%s", a.Cookies(), a.body)
	}
	if !strings.Contains(a.body, `href="`+origin+`/acs?x=1"`) {
		t.Errorf("no link to the page:\n%s", a.body)
	}
}

// Ruling 36: a page that answers a POST must say so to its script.
func TestR36APageThatAnswersAPostSaysSo(t *testing.T) {
	b := newWorld(t).browser()
	a := b.do(http.MethodPost, "/form", url.Values{"a": {"b"}}, clicked)
	a.wants(t, http.StatusUnauthorized, "Your form wasn't sent. After the check, press Back")
	if !strings.Contains(a.body, " data-post") {
		t.Error("the page would load itself again")
	}
	begun := b.do(http.MethodPost, "/.doorcode/begin", nil, clicked)
	begun.wants(t, http.StatusUnauthorized, "Sign in to", "!Your form")
	if !strings.Contains(begun.body, " data-post") {
		t.Error("the begun page would load itself again")
	}
	asked := b.clone()
	asked.ask("/form", ana)
	code := asked.do(http.MethodPost, "/form", url.Values{"a": {"b"}}, clicked)
	if code.wants(t, http.StatusUnauthorized, "Check your email", "Your form wasn't sent."); !strings.Contains(code.body, " data-post") {
		t.Error("the code page would load itself again")
	}
	if page := b.open("/form"); strings.Contains(page.body, " data-post") {
		t.Error("a page that answers a GET says that it answers a POST")
	}
}

// Screen [10] is found by a redirect, not by a script.
func TestABrowserWithoutCookiesIsToldSo(t *testing.T) {
	for name, pinned := range map[string]string{"below the page": "", "pinned": "/auth"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(s *settings) { s.web.Endpoints = pinned })
			b := w.browser()
			b.open("/x?y=1")
			b.jar = map[string]string{}
			sent := b.post(clicked, "/email", "email", ana)
			sent.wants(t, http.StatusSeeOther)
			b.jar = map[string]string{}
			b.open(sent.Header.Get("Location")).wants(t, http.StatusForbidden, "Your browser is blocking cookies", "Allow cookies for app.example.com")
			if !strings.Contains(b.page.body, `href="`+origin+`/x?y=1"`) {
				t.Errorf("no way to try again:\n%s", b.page.body)
			}
			if len(w.mailbox.all()) > 0 {
				t.Error("a mail was sent")
			}
			// The script is told nothing that it could show, and lets the browser send
			// the form, which then is led over the probe.
			c := w.browser()
			c.open("/x?y=1")
			c.jar = map[string]string{}
			if s := c.post(scripted, "/email", "email", ana).wantsProblem(t, http.StatusConflict, "check-lost"); s.Message != "" || s.To != "" {
				t.Errorf("script: %+v", s)
			}
			// A browser that had only lost its flow is led back to the page.
			c.post(clicked, "/email", "email", ana)
			c.jar = map[string]string{}
			sent = c.post(clicked, "/email", "email", ana)
			c.open(sent.Header.Get("Location")).wants(t, http.StatusUnauthorized, "Sign in to")
			if c.at.Path != "/x" || c.at.RawQuery != "y=1" {
				t.Errorf("led to %s", c.at)
			}
		})
	}
}

// Before, a probe that did not open led to itself for ever where the endpoints
// were pinned, and showed [10] to whoever followed a made-up link.
func TestAMadeUpProbeIsNoProbe(t *testing.T) {
	for _, pinned := range []string{"", "/.doorcode", "/auth"} {
		w := newWorld(t, func(s *settings) { s.web.Endpoints = pinned })
		prefix := pinned
		if prefix == "" {
			prefix = "/x/.doorcode"
		}
		b := w.browser()
		b.open(prefix+"/begin?probe=nonsense").wants(t, http.StatusOK, "Continue", "!cookies")
		b.open("/x")
		b.open(prefix+"/begin?probe=nonsense").wants(t, http.StatusOK, "Continue")
		b.submit("/begin").wants(t, http.StatusUnauthorized, "Sign in to")
	}
}
