// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// bank is an app of which some pages want a fresh code, in each way in which an
// app can say so. It never stops asking, however fresh the code is.
func bank(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Set-Cookie", "of=bank")
	status := http.StatusOK
	switch {
	case strings.HasPrefix(r.URL.Path, "/rfc9470"):
		h.Add("WWW-Authenticate", `Basic realm="bank"`)
		h.Add("WWW-Authenticate", `Bearer error="insufficient_user_authentication", error_description="old, too old", max_age="120"`)
		status = http.StatusUnauthorized
	case strings.HasPrefix(r.URL.Path, "/require"):
		h.Set("Doorcode-Require", "max_age=300")
	case strings.HasPrefix(r.URL.Path, "/forbidden"):
		h.Set("Doorcode-Require", "max_age=1")
		status = http.StatusForbidden
	case strings.HasPrefix(r.URL.Path, "/own"):
		h.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		status = http.StatusUnauthorized
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte("of the bank: " + r.URL.Path))
}

// overBoth runs a test with an app that is reached over HTTP/1 and over HTTP/2.
func overBoth(t *testing.T, lines []string, test func(t *testing.T, c *harness.Caddy)) {
	t.Helper()
	t.Run("over HTTP/1", func(t *testing.T) {
		c := harness.Start(t, site(lines...))
		c.App.Answer(bank)
		test(t, c)
	})
	t.Run("over HTTP/2", func(t *testing.T) {
		c := harness.Prepare(t)
		c.App.Answer(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 2 {
				t.Errorf("the app was reached over %s", r.Proto)
			}
			bank(w, r)
		})
		app := httptest.NewUnstartedServer(c.App)
		app.Config.Protocols = new(http.Protocols)
		app.Config.Protocols.SetUnencryptedHTTP2(true)
		app.Start()
		t.Cleanup(app.Close)
		c.Load(t, strings.Replace(site(lines...), "reverse_proxy APP", "reverse_proxy h2c://"+app.Listener.Addr().String(), 1))
		test(t, c)
	})
}

// wantBank fails unless a page is the app's own, without what was said to us.
func wantBank(t *testing.T, what string, page harness.Page, status int) {
	t.Helper()
	wantStatus(t, what, page, status)
	if !strings.HasPrefix(page.Body, "of the bank: ") {
		t.Errorf("%s: not the app's answer:\n%s", what, page.Text())
	}
	wantNoWord(t, what, page)
}

// wantNoWord fails when a visitor can read what the app says to the gate.
func wantNoWord(t *testing.T, what string, page harness.Page) {
	t.Helper()
	if word := page.Header.Get("Doorcode-Require"); word != "" {
		t.Errorf("%s: the visitor is told Doorcode-Require: %s", what, word)
	}
}

// STP-04, RFC 9470: an app that wants a fresh code says so, and what the visitor
// gets is the check, in the way of each kind of request; of the app's answer
// nothing is left. After the code the app is reached, and however often it asks
// again, it is the app's own answer that the person sees.
func TestSTP04TheAppAsksForAFreshCode(t *testing.T) {
	for path, status := range map[string]int{"/rfc9470": http.StatusUnauthorized, "/require": http.StatusOK, "/forbidden": http.StatusForbidden} {
		t.Run(path, func(t *testing.T) {
			overBoth(t, nil, func(t *testing.T, c *harness.Caddy) { t.Helper(); asksAndPasses(t, c, path, status) })
		})
	}
}

func asksAndPasses(t *testing.T, c *harness.Caddy, path string, status int) {
	t.Helper()
	b := renewed(t, c, lisbon)
	wantCheck(t, "HEAD", b.Do(t, http.MethodHead, path, nil, harness.Navigation), onSensitive) // which tells what GET would, and starts nothing
	wantStatus(t, "ahead of time", b.Do(t, http.MethodGet, path, nil, harness.Navigation, http.Header{"Sec-Purpose": {"prefetch"}}), http.StatusUnauthorized)
	kinds := map[string]harness.Page{
		"script": b.Fetch(t, path), "POST of a script": b.Do(t, http.MethodPost, path, url.Values{"a": {"b"}}, harness.Scripted),
		"socket": c.Raw(t, handshakeOf(t, b, path)...), "htmx": b.Do(t, http.MethodGet, path, nil, harness.Scripted, http.Header{"Hx-Request": {"true"}}),
		"page": b.Open(t, path+"?q=1"),
	}
	for what, page := range kinds {
		wantNoWord(t, what, page)
		if what == "socket" {
			continue // a handshake that the app does not take up is an ordinary request
		}
		wantCheck(t, what, page, onSensitive)
		if strings.Contains(page.Body, "bank") || setCookies(page)["of"] != nil || strings.Contains(page.Header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: something of the app's answer is left: %q\n%s", what, page.Header, page.Text())
		}
	}
	wantText(t, "page", kinds["page"], "Confirm it's you", "asks for a fresh code before this page. We sent it to")
	wantBank(t, "another page meanwhile", b.Fetch(t, "/"), http.StatusOK)
	wantBank(t, "after the code", enter(t, b, c.Mailbox.WaitCode(t, ana, 2).Code(t)), status)
	if got := c.App.Last(t).URI; got != path+"?q=1" {
		t.Errorf("after the code the app was asked for %s", got)
	}
	for range 5 { // it goes on asking, and the person is not sent round in circles
		wantBank(t, "later page", b.Open(t, path), status)
		wantBank(t, "later script", b.Fetch(t, path), status)
	}
	wantBank(t, "the app's own 401", b.Fetch(t, "/own"), http.StatusUnauthorized)
	if codes := c.Mailbox.Codes(t, ana); len(codes) != 2 {
		t.Errorf("%d codes were mailed, want 2", len(codes))
	}
}

// STP-04: an app that asks on each request costs a session one mail in ten
// minutes. Further ones take a press of a button.
func TestSTP04AnAppCausesOneMailASession(t *testing.T) {
	c := harness.Start(t, site())
	c.App.Answer(bank)
	b := renewed(t, c, lisbon)
	wantCheck(t, "first page", b.Open(t, "/require"), onSensitive)
	c.Mailbox.WaitCode(t, ana, 2)
	for range 4 {
		b.Drop(t, "doorcode-flow")
		page := b.Open(t, "/require")
		wantCheck(t, "another page", page, onSensitive)
	}
	page := b.Page()
	wantText(t, "another page", page, "!We sent it to")
	signedIn(t, c, ben) // whose code is mailed after any that was due to Ana
	if codes := c.Mailbox.Codes(t, ana); len(codes) != 2 {
		t.Errorf("%d codes were mailed, want 2", len(codes))
	}
	page = b.Submit(t, "resend", nil)
	wantCheck(t, "after the button", page, onSensitive)
	wantStatus(t, "after the code", enter(t, b, c.Mailbox.WaitCode(t, ana, 3).Code(t)), http.StatusOK)
}

// Ruling 38: only of somebody who is in by a session of ours can a fresh code be
// asked. To others the app's answer is the app's answer.
func TestRuling38DemandsCountForSessionsOnly(t *testing.T) {
	overBoth(t, []string{"public /rfc9470/* /require/*"}, func(t *testing.T, c *harness.Caddy) {
		t.Helper()
		stranger, b := c.Browser(t), renewed(t, c, lisbon)
		for what, who := range map[string]*harness.Browser{"a stranger": stranger, "somebody known": b} {
			wantBank(t, what+" on a public page", who.Open(t, "/rfc9470/x"), http.StatusUnauthorized)
			wantBank(t, what+" on a public page", who.Fetch(t, "/require/x"), http.StatusOK)
		}
		wantStatus(t, "a stranger elsewhere", stranger.Open(t, "/require"), http.StatusUnauthorized)
	})
	c := harness.Start(t, behindPassword("challenge never"))
	c.App.Answer(bank)
	alice := as(t, c.Browser(t), "alice")
	wantBank(t, "a guest", alice.Open(t, "/rfc9470"), http.StatusUnauthorized)
	wantBank(t, "a guest", alice.Fetch(t, "/require"), http.StatusOK)
	if mails := c.Mailbox.All(t); len(mails) != 0 {
		t.Errorf("%d mails to somebody who has no session", len(mails))
	}
}

// Ruling 38: the word is the app's. A visitor who sends it is asked nothing, and
// nobody but the gate hears it.
func TestRuling38AVisitorsDemandIsNothing(t *testing.T) {
	c := harness.Start(t, site())
	b := renewed(t, c, lisbon)
	b.Extra = http.Header{"Doorcode-Require": {"max_age=60"}, "Www-Authenticate": {`Bearer error="insufficient_user_authentication"`}}
	wantStatus(t, "with the word", b.Fetch(t, "/"), http.StatusOK)
}
