// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// behindPassword is a gate behind basic_auth for alice, whose address is Ana's,
// with further lines in its block.
func behindPassword(lines ...string) string {
	block := "\tdoorcode {\n\t\tidentity {http.auth.user.id} {\n\t\t\tmap alice " + ana + "\n\t\t}" + kept + "\n\t\t" + strings.Join(lines, "\n\t\t") + "\n\t}\n"
	return "http://localhost:PORT {\n" + basicAuth("alice") + block + "\treverse_proxy APP\n}\n"
}

// wantGuest fails unless alice is in by her password alone, with nothing left
// behind in her browser.
func wantGuest(t *testing.T, c *harness.Caddy, what string, page harness.Page) {
	t.Helper()
	wantStatus(t, what, page, http.StatusOK)
	if set := page.Header.Values("Set-Cookie"); len(set) > 0 {
		t.Errorf("%s: set %q", what, set)
	}
	// An assertion would say that a code was entered.
	if seen := c.App.Last(t).Header; seen.Get("Remote-User") != "alice" || seen.Get("Remote-Email") != ana || seen.Get("Doorcode-Assertion") != "" {
		t.Errorf("%s: the app saw %q", what, seen)
	}
}

// "challenge never" leaves an earlier step alone to decide who gets in. What it asks
// for is a code before sensitive pages, which then makes a session.
func TestChallengeNeverAsksOnSensitivePagesOnly(t *testing.T) {
	c := charted(t, behindPassword(databases, "challenge never", "sensitive /admin/*"))
	wantStatus(t, "without the password", browserIn(t, c, lisbon).Fetch(t, "/"), http.StatusUnauthorized)
	for _, address := range []string{lisbon, tokyo, unlisted, vpn, private} {
		b := as(t, browserIn(t, c, address), "alice")
		b.Extra["Remote-Email"], b.Extra["Doorcode-Assertion"] = []string{ben}, []string{"x.y.z"}
		wantGuest(t, c, "page from "+address, b.Open(t, "/"))
		wantGuest(t, c, "script from "+address, b.Fetch(t, "/api"))
	}
	reached := len(c.App.Seen())
	b := as(t, browserIn(t, c, tokyo), "alice")
	wantCheck(t, "sensitive, script", b.Fetch(t, "/admin/x"), onSensitive)
	for _, target := range oddAdmin {
		page := c.Raw(t, "GET "+target+" HTTP/1.1", "Host: HOST", "Authorization: "+b.Extra.Get("Authorization"), "X-Forwarded-For: "+tokyo, "Connection: close", "", "")
		if page.Status != http.StatusUnauthorized && page.Status != http.StatusBadRequest {
			t.Errorf("%s: status %d", target, page.Status)
		}
	}
	c.App.Untouched(t, reached)
	if mails := c.Mailbox.All(t); len(mails) != 0 {
		t.Errorf("%d mails before anybody opened the page", len(mails))
	}
	wantCheck(t, "sensitive, page", b.Open(t, "/admin/x"), onSensitive)
	wantStatus(t, "after the code", enter(t, b, c.Mailbox.WaitCode(t, ana, 1).Code(t)), http.StatusOK)
	for range 3 {
		wantStatus(t, "afterwards", b.Open(t, "/admin/y"), http.StatusOK)
	}
	wantCheck(t, "another browser of hers", as(t, browserIn(t, c, tokyo), "alice").Fetch(t, "/admin/x"), onSensitive)
}

// "challenge new_place" asks of people whom an earlier step has named only where
// they have never been, and knows a place once a code has come from there.
func TestChallengeNewPlaceAsksAtUnusualPlacesOnly(t *testing.T) {
	c := charted(t, behindPassword(databases, "challenge new_place"))
	first := as(t, browserIn(t, c, lisbon), "alice")
	wantCheck(t, "the very first time", first.Fetch(t, "/"), "new_place")
	wantCheck(t, "the very first time, page", first.Open(t, "/"), "new_place")
	wantStatus(t, "after the code", enter(t, first, c.Mailbox.WaitCode(t, ana, 1).Code(t)), http.StatusOK)
	for _, address := range []string{lisbon, lisbonCafe, porto} {
		wantGuest(t, c, "another browser at "+address, as(t, browserIn(t, c, address), "alice").Open(t, "/"))
	}
	reached := len(c.App.Seen())
	for _, address := range []string{tokyo, madrid, unlisted, vpn} {
		b := as(t, browserIn(t, c, address), "alice")
		wantCheck(t, "script at "+address, b.Fetch(t, "/"), "new_place")
		wantCheck(t, "socket at "+address, shakeWith(t, c, b, "Authorization: "+b.Extra.Get("Authorization")), "new_place")
	}
	c.App.Untouched(t, reached)
	b := as(t, browserIn(t, c, madrid), "alice")
	wantCheck(t, "page in Madrid", b.Open(t, "/"), "new_place")
	wantStatus(t, "after the code", enter(t, b, c.Mailbox.WaitCode(t, ana, 2).Code(t)), http.StatusOK)
	wantGuest(t, c, "another browser in Madrid", as(t, browserIn(t, c, madrid), "alice").Open(t, "/"))
	wantCheck(t, "another browser in Tokyo", as(t, browserIn(t, c, tokyo), "alice").Fetch(t, "/"), "new_place")
}
