// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// onSensitive is why a page asks that changes important things.
const onSensitive = "sensitive"

// STP-01: a session that a remembered browser made is let in without a code, so its
// last code proves nothing about who sits there now. A sensitive page asks for
// one, says why, and then leaves the person alone.
func TestSTP01ASensitivePageAsksForAFreshCode(t *testing.T) {
	c := harness.Start(t, site("sensitive /admin/*"))
	b := renewed(t, c, lisbon)
	before := sessionID(t, b)
	reached := len(c.App.Seen())
	wantCheck(t, "script", b.Fetch(t, "/admin/x"), onSensitive)
	page := b.Open(t, "/admin/x")
	wantCheck(t, "page", page, onSensitive)
	wantText(t, "page", page, "Confirm it's you", " asks for a fresh code before this page.", "a••@example.com", "Go back", "This page changes important things", "!"+ana, "!Don't ask again", "!Change it")
	mail := c.Mailbox.WaitCode(t, ana, 2)
	code := mail.Code(t)
	if strings.Contains(mail.Subject, code) || !strings.Contains(mail.Subject, "code to confirm it's you") {
		t.Errorf("subject of the mail: %s", mail.Subject)
	}
	wantWords(t, "the mail", mail.Text, "Someone asked to open a protected page.", "in the browser where you are signed in")
	c.App.Untouched(t, reached)
	wantStatus(t, "another page meanwhile", b.Fetch(t, "/other"), http.StatusOK)

	wantText(t, "a wrong code", enter(t, b, notThis(code, 1)), "That code isn't right", "Confirm it's you", "!Don't ask again")
	wantStatus(t, "after the code", enter(t, b, code), http.StatusOK)
	if got := c.App.Last(t).URI; got != "/admin/x" {
		t.Errorf("after the code the app was asked for %s", got)
	}
	for _, path := range []string{"/admin", "/admin/y", "/", "/admin/x?z"} {
		wantStatus(t, "afterwards, "+path, b.Open(t, path), http.StatusOK)
		wantStatus(t, "afterwards, "+path, b.Fetch(t, path), http.StatusOK)
	}
	if after := sessionID(t, b); after != before {
		t.Errorf("the session is another one: %s, before %s", after, before)
	}
	b.Drop(t, "doorcode")
	wantStatus(t, "renewed again", b.Fetch(t, "/"), http.StatusOK)
	wantCheck(t, "renewed again, sensitive", b.Fetch(t, "/admin/x"), onSensitive)
}

// sessionID is the name of a browser's session, as it stands in the cookie.
func sessionID(t testing.TB, b *harness.Browser) string {
	t.Helper()
	parts := strings.Split(b.Cookies(t)["doorcode"], ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[len(parts)/2])
	var claims struct{ SID string }
	if err == nil {
		err = json.Unmarshal(raw, &claims)
	}
	if err != nil || claims.SID == "" {
		t.Fatalf("no session in the cookie %q: %v", parts, err)
	}
	return claims.SID
}

// Acceptance 38: whoever has just entered a code is not asked for another.
func TestAFreshSessionIsNotAskedAgain(t *testing.T) {
	c := harness.Start(t, site("sensitive /admin/*", "sensitive /vault/* 1m"))
	b := signedIn(t, c, ana)
	for _, path := range []string{"/admin/x", "/vault/x", "/admin"} {
		wantStatus(t, path, b.Open(t, path), http.StatusOK)
	}
	if mails := c.Mailbox.All(t); len(mails) != 1 {
		t.Errorf("%d mails, want 1", len(mails))
	}
}

// Whatever the operator can say of a request makes a page sensitive.
func TestSTP01EveryKindOfRuleIsJudged(t *testing.T) {
	c := harness.Start(t, `http://localhost:PORT {
	@billing {
		path /billing/*
		method POST DELETE
	}
	@write method PUT
`+gate("*@example.com", "sensitive /admin/* /vault", "sensitive @billing 1m", "sensitive @write", "sensitive 5m {\nheader X-Confirm *\n}", "sensitive {\npath /export/*\nquery all=*\n}")+`
	reverse_proxy APP
}
`)
	b := renewed(t, c, lisbon)
	confirms := http.Header{"X-Confirm": {"yes"}}
	for _, tt := range []struct {
		method, path string
		header       http.Header
		asks         bool
	}{
		{"GET", "/admin/x", nil, true},
		{"GET", "/admin", nil, true},
		{"GET", "/vault", nil, true},
		{"GET", "/vault/x", nil, false},
		{"GET", "/administrator", nil, false},
		{"POST", "/billing/pay", nil, true},
		{"DELETE", "/billing/1", nil, true},
		{"GET", "/billing/1", nil, false},
		{"POST", "/other", nil, false},
		{"GET", "/billing/1?_method=delete", nil, true},
		{"POST", "/billing;v=1/pay", nil, true},
		{"PUT", "/anything", nil, true},
		{"PATCH", "/anything", nil, false},
		{"POST", "/anything?_method=PUT", nil, true},
		{"GET", "/x", confirms, true},
		{"GET", "/x", nil, false},
		{"GET", "/export/x?all=1", nil, true},
		{"GET", "/export/x", nil, false},
		{"GET", "/x?all=1", nil, false},
	} {
		what := tt.method + " " + tt.path
		page := b.Do(t, tt.method, tt.path, nil, harness.Scripted, tt.header)
		if tt.asks {
			wantCheck(t, what, page, onSensitive)
		} else {
			wantStatus(t, what, page, http.StatusOK)
		}
	}
}

// PTH-03: each spelling that some server reads as a path below /admin is sensitive,
// and a public rule opens none of them, to whomever.
func TestPTH03NoSpellingGetsPastASensitiveRule(t *testing.T) {
	c := harness.Start(t, site("sensitive /admin/*", "public /public/* /admin/*"))
	b := renewed(t, c, lisbon)
	who := map[string]string{"renewed": "doorcode=" + b.Cookies(t)["doorcode"], "stranger": "x=y"}
	reached := len(c.App.Seen())
	for name, line := range who {
		for _, target := range oddAdmin {
			page := c.Raw(t, "GET "+target+" HTTP/1.1", "Host: HOST", "Cookie: "+line, "X-Forwarded-For: "+lisbon, "Connection: close", "", "")
			if page.Status != http.StatusUnauthorized && page.Status != http.StatusBadRequest {
				t.Errorf("%s, %s: status %d", name, target, page.Status)
			}
		}
	}
	c.App.Untouched(t, reached)
	for _, target := range []string{"/other", "/administrator", "/public/50%25.pdf", "/a%20b"} {
		page := c.Raw(t, "GET "+target+" HTTP/1.1", "Host: HOST", "Cookie: "+who["renewed"], "X-Forwarded-For: "+lisbon, "Connection: close", "", "")
		wantStatus(t, target, page, http.StatusOK)
	}
	wantStatus(t, "public to a stranger", c.Raw(t, "GET /public/x HTTP/1.1", "Host: HOST", "Connection: close", "", ""), http.StatusOK)
	wantStatus(t, "after the code", confirm(t, c, b, "/admin/x"), http.StatusOK)
}

// A page that htmx asks for a part of goes to where a code can be entered, and
// comes back to where the person was.
func TestHTMXIsLedToTheCheck(t *testing.T) {
	c := harness.Start(t, site("sensitive /admin/*"))
	b := renewed(t, c, lisbon)
	htmx := http.Header{"Hx-Request": {"true"}, "Hx-Current-Url": {b.Base + "/admin"}}
	page := b.Do(t, http.MethodGet, "/admin/rows", nil, harness.Scripted, htmx)
	wantCheck(t, "htmx", page, onSensitive)
	to := page.Header.Get("Hx-Redirect")
	if !strings.HasPrefix(to, b.Base+"/") || !strings.Contains(to, "/.doorcode/begin") || page.Header.Get("Hx-Refresh") != "" {
		t.Fatalf("htmx is led to %q (refresh %q)", to, page.Header.Get("Hx-Refresh"))
	}
	wantStatus(t, "where it leads", b.Open(t, to), http.StatusOK)
	_, query, _ := strings.Cut(to, "/begin")
	wantCheck(t, "its button", b.Submit(t, "begin"+query, nil), onSensitive)
	wantStatus(t, "after the code", enter(t, b, c.Mailbox.WaitCode(t, ana, 2).Code(t)), http.StatusOK)
	wantStatus(t, "what htmx asked for", b.Do(t, http.MethodGet, "/admin/rows", nil, harness.Scripted, htmx), http.StatusOK)
}

// A form that is sent to a sensitive page is answered with the check, waits in it,
// and reaches the app once, after the person has agreed (ruling 37). One that
// another site sends never does.
func TestRuling37AFormWaitsForTheCode(t *testing.T) {
	for what, move := range map[string]func(*harness.Browser){
		"sensitive": func(*harness.Browser) {}, "abroad": func(b *harness.Browser) { b.From = tokyo },
	} {
		t.Run(what, func(t *testing.T) { formWaits(t, move) })
	}
}

func formWaits(t *testing.T, move func(*harness.Browser)) {
	t.Helper()
	c := located(t, "sensitive /admin/*")
	b := renewed(t, c, lisbon)
	reached := len(c.App.Seen())
	move(b)
	form := url.Values{"name": {"Ana & Co"}, "flow": {"of the app"}, "code": {"7"}}
	foreign := b.Do(t, http.MethodPost, "/admin/save", form, harness.Navigation, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}})
	wantStatus(t, "from another site", foreign, http.StatusUnauthorized)
	if strings.Contains(foreign.Body, "<form") || foreign.Header.Get("Set-Cookie") != "" || len(c.Mailbox.Codes(t, ana)) != 1 {
		t.Errorf("a form of another site began a check:\n%s", foreign.Text())
	}
	page := b.Visit(b.Do(t, http.MethodPost, "/admin/save?id=1", form, harness.Navigation))
	wantCheck(t, "form", page, onSensitive, "travel")
	wantText(t, "form", page, "Confirm it's you", "Your form wasn't sent yet.")
	c.App.Untouched(t, reached)
	page = enter(t, b, c.Mailbox.WaitCode(t, ana, 2).Code(t))
	wantText(t, "after the code", page, "Send your form now?", "/admin/save", "!id=1")
	c.App.Untouched(t, reached)
	wantStatus(t, "sent", b.Submit(t, "/admin/save?id=1", nil), http.StatusOK)
	c.App.Untouched(t, reached+1)
	if seen := c.App.Last(t); seen.Method != http.MethodPost || seen.URI != "/admin/save?id=1" || seen.Body != form.Encode() {
		t.Errorf("the app got %s %s %q, want %q", seen.Method, seen.URI, seen.Body, form.Encode())
	}
}

// STP-03: a code to confirm is for the session that asked for it. In another
// session, of the same person or not, and without any, it is worth nothing.
func TestSTP03ACodeToConfirmIsForItsSession(t *testing.T) {
	c := harness.Start(t, site("sensitive /admin/*"))
	b, other := renewed(t, c, lisbon), renewed(t, c, lisbon)
	wantCheck(t, "page", b.Open(t, "/admin/x"), onSensitive)
	code := c.Mailbox.WaitCode(t, ana, 3).Code(t)
	right := form(t, b, code)
	stolen := "doorcode-flow=" + b.Cookies(t)["doorcode-flow"]
	reached := len(c.App.Seen())

	wantCheck(t, "the other browser", other.Open(t, "/admin/x"), onSensitive)
	other.Submit(t, "resend", nil) // no code was mailed for it just now
	wantStatus(t, "its code in the other browser", enter(t, other, code), http.StatusUnauthorized)
	for name, line := range map[string]string{
		"with the flow alone":              stolen,
		"with the flow in another session": stolen + "; doorcode=" + other.Cookies(t)["doorcode"],
	} {
		page := withAt(t, c, line, lisbon).Do(t, http.MethodPost, "/.doorcode/verify", right, sameOrigin)
		if cookie := setCookies(page)["doorcode"]; cookie != nil && cookie.Value != "" {
			t.Errorf("%s: the code made a session", name)
		}
	}
	signIn := browserIn(t, c, lisbon)
	signIn.Open(t, "/")
	signIn.Submit(t, "email", url.Values{"email": {ana}})
	wantStatus(t, "its code to sign in", enter(t, signIn, code), http.StatusUnauthorized)
	wantCheck(t, "the other session still", other.Fetch(t, "/admin/x"), onSensitive)
	c.App.Untouched(t, reached)
	wantStatus(t, "where it belongs", enter(t, b, code), http.StatusOK)
}

// A code to sign in confirms nothing: it is for a browser that is not in yet.
func TestSTP03ACodeToSignInConfirmsNothing(t *testing.T) {
	c := harness.Start(t, site("sensitive /admin/*"))
	b := renewed(t, c, lisbon)
	code := ask(t, c, browserIn(t, c, lisbon), "/", ana)
	wantCheck(t, "page", b.Open(t, "/admin/x"), onSensitive)
	reached := len(c.App.Seen())
	wantStatus(t, "a code to sign in", enter(t, b, code), http.StatusUnauthorized)
	c.App.Untouched(t, reached)
}
