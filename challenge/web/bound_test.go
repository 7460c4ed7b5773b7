// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/bound/boundtest"
)

// unasked is what a browser says of a request that it makes by itself.
var unasked = http.Header{"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"no-cors"}, "Origin": {origin}}

// binds enters a code, and answers the offer that comes with its session.
func (b *browser) binds(target string) (key *boundtest.Key, refresh string) {
	b.w.t.Helper()
	code, k := b.ask(target, ana), boundtest.NewKey()
	entered := b.post(clicked, "/verify", "code", code, "remember", "on")
	offer, ok := boundtest.ReadOffer(entered.Header.Get("Secure-Session-Registration"))
	if !ok {
		b.w.t.Fatalf("nothing is offered: %v", entered.Header)
	}
	answer := b.do(http.MethodPost, offer.Path, nil, with(unasked, "Secure-Session-Response", k.Register(offer.Challenge, offer.Authorization)))
	answer.wants(b.w.t, http.StatusOK)
	var terms struct {
		Refresh string `json:"refresh_url"`
	}
	if err := json.Unmarshal([]byte(answer.body), &terms); err != nil {
		b.w.t.Fatal(err)
	}
	return k, terms.Refresh
}

func TestAnUnprovedBrowserIsToldWhy(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.binds("/x")
	b.open("/x").wants(t, http.StatusOK, "app")
	w.clock.advance(12 * time.Minute)
	page := b.open("/x")
	page.wants(t, http.StatusUnauthorized, "Sign in to", "We couldn't tell whether this is still your browser", "!"+ana)
	if got := page.Header.Get("Doorcode-Reason"); got != "unproved" {
		t.Errorf("Doorcode-Reason %q", got)
	}
	if fetched := b.do(http.MethodGet, "/api", nil, scripted); fetched.StatusCode != http.StatusUnauthorized || !strings.Contains(fetched.body, `"reason": "unproved"`) {
		t.Errorf("a script is answered %d: %s", fetched.StatusCode, fetched.body)
	}
	b.submit("/email", "email", ana)
	b.page.wants(t, http.StatusUnauthorized, "Check your email", "We couldn't tell whether this is still your browser")
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "app")
}

// The endpoints lie where the door stands, whatever page somebody signed in on: the
// browser goes to them for months.
func TestTheAddressesOfABoundSessionDoNotChange(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*settings)
		want   string
	}{
		"in front of the site": {func(*settings) {}, "/.doorcode/bound/refresh"},
		"below a path":         {func(s *settings) { s.web.Inside = "/admin" }, "/admin/.doorcode/bound/refresh"},
		"pinned":               {func(s *settings) { s.web.Endpoints = "/door" }, "/door/bound/refresh"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, refresh := newWorld(t, tt.change).browser().binds("/deep/down/x?y=z"); refresh != tt.want {
				t.Errorf("refreshed at %s, want %s", refresh, tt.want)
			}
		})
	}
}

func TestABrowserThatIsHeldToItsKeyIsListedSo(t *testing.T) {
	const said = "Works only on its device"
	b := newWorld(t).browser()
	b.binds("/x")
	b.open("/.doorcode/sessions").wants(t, http.StatusOK, "This browser", said)
	b.w.browser().signIn("/x", ana)
	if n := strings.Count(b.open("/.doorcode/sessions").body, said); n != 1 {
		t.Errorf("%d of two browsers are said to work only there", n)
	}
}

func TestDeviceBoundRequiredLeavesTheAccountAndTheWayOut(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.gate.Policy.Session.DeviceBound = challenge.BoundRequired })
	b := w.browser().signIn("/x", ana)
	w.clock.advance(time.Minute)
	page := b.open("/x")
	page.wants(t, http.StatusForbidden, "This browser can't be used here", "up-to-date Chrome", "Sign out")
	if fetched := b.do(http.MethodGet, "/api", nil, scripted); fetched.StatusCode != http.StatusForbidden || !strings.Contains(fetched.body, "urn:doorcode:no-key") {
		t.Errorf("a script is answered %d: %s", fetched.StatusCode, fetched.body)
	}
	b.open("/.doorcode/").wants(t, http.StatusOK, ana)
	b.open("/x")
	b.submit("/signout").wants(t, http.StatusOK, "You're signed out", "Sign in again")
	b.open("/x").wants(t, http.StatusUnauthorized, "Sign in to")
}

// Before, it was told that its time is over, which it was not, and the mail said so too.
func TestARememberedBrowserWithoutAKeyIsToldThatItHasNone(t *testing.T) {
	const page, mail, over = "Your sign-in in this browser isn't tied to this device, as app.example.com asks. Enter the code to try again, or use an up-to-date Chrome on Windows.", challenge.Keyless, "is over"
	w := newWorld(t, func(s *settings) { s.gate.Policy.Session.DeviceBound = challenge.BoundRequired })
	b := w.browser().signIn("/x", ana, "remember", "on")
	delete(b.jar, "__Host-Http-doorcode")
	b.ask("/x", ana)
	b.page.wants(t, http.StatusUnauthorized, page, "!"+over)
	if n := w.mailbox.last(t); n.Reason != mail {
		t.Errorf("the mail has the reason %q", n.Reason)
	}
	b.open("/x").wants(t, http.StatusUnauthorized, page, "!"+over)
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "app")

	w.clock.advance(200 * 24 * time.Hour)
	b.ask("/x", ana)
	b.page.wants(t, http.StatusUnauthorized, "The time for which we remember this browser is over.", "!tied")
	if n := w.mailbox.last(t); n.Reason != challenge.Expired {
		t.Errorf("of a browser whose time is over, the mail has the reason %q", n.Reason)
	}
}

// No check brings such a form through: its person learns of it, and has it still.
func TestAFormOfABrowserWithoutAKeyIsSaidNotToBeSent(t *testing.T) {
	const lost = "Your form wasn't sent. Press Back to copy what you typed."
	w := newWorld(t, func(s *settings) { s.gate.Policy.Session.DeviceBound = challenge.BoundRequired })
	b := w.browser().signIn("/x", ana)
	b.sends("/form", pairs, "note=typed", clicked).wants(t, http.StatusOK, "app")
	w.clock.advance(time.Minute)
	b.sends("/form", pairs, "note=typed", clicked).wants(t, http.StatusForbidden, "This browser can't be used here", lost)
	b.open("/form").wants(t, http.StatusForbidden, "This browser can't be used here", "!"+lost)
}

// What a browser says of a proof that it skipped changes nothing, whatever it says.
func TestBND04ASkippedProofLetsNobodyOff(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.binds("/x")
	b.open("/x").wants(t, http.StatusOK, "app")
	w.clock.advance(12 * time.Minute)
	for _, says := range []string{"", "unreachable", `quota_exceeded;session_identifier="x"`, "\x7f", strings.Repeat("a", 1000)} {
		if got := b.do(http.MethodGet, "/x", nil, with(clicked, "Secure-Session-Skipped", says)); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("saying %.20q: %d", says, got.StatusCode)
		}
	}
}
