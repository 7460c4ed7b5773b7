// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/geo/geotest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// wantBarred fails unless an answer says that nobody is let in from there.
func wantBarred(t *testing.T, what string, page harness.Page) {
	t.Helper()
	wantStatus(t, what, page, http.StatusForbidden)
	if flow := setCookies(page)["doorcode-flow"]; flow != nil {
		t.Errorf("%s: a check was begun", what)
	}
}

// "countries" lets people in from some countries, or from all but some. A public
// address of no known country is in none of the first, and in none of the second.
func TestCountriesLetInOrKeepOut(t *testing.T) {
	for line, tt := range map[string]struct{ in, out []string }{
		"countries PT ES":  {in: []string{lisbon, madrid, vpn, private, tailscale}, out: []string{tokyo, tokyo6, milan, unlisted}},
		"countries not JP": {in: []string{lisbon, milan, unlisted, private}, out: []string{tokyo, tokyo6}},
	} {
		t.Run(line, func(t *testing.T) {
			c := located(t, line, "public /robots.txt", "networks office 5.35.2.0/24")
			for _, address := range append(tt.in, palermo) {
				wantCheck(t, "from "+address, browserIn(t, c, address).Open(t, "/"), "new_browser")
			}
			for _, address := range tt.out {
				b := browserIn(t, c, address)
				wantBarred(t, "page from "+address, b.Open(t, "/"))
				script := b.Fetch(t, "/")
				wantBarred(t, "script from "+address, script)
				var said struct{ Type string }
				if err := json.Unmarshal([]byte(script.Body), &said); err != nil || said.Type != "urn:doorcode:no-country" {
					t.Errorf("the script from %s is told %q (%v)", address, script.Body, err)
				}
				wantBarred(t, "socket from "+address, shake(t, c, b))
			}
			wantStatus(t, "a public page", browserIn(t, c, tokyo).Fetch(t, "/robots.txt"), http.StatusOK)
			c.App.Untouched(t, 1)
		})
	}
}

// Screen [6c] names the country, so that whoever is wrongly placed can say so. What
// it is worth is little: whoever is kept out gets no mail sent either, nor can they
// use a code that came otherwise.
func TestNobodyKeptOutStartsOrEndsACheck(t *testing.T) {
	c := located(t, "countries PT")
	b := browserIn(t, c, lisbon)
	b.Open(t, "/")
	begun := b.Page()
	b.From = tokyo
	page := b.Open(t, "/")
	wantText(t, "page", page, "isn't available from where you are (network in Japan).", "!Email address")
	b.Visit(begun)
	email := url.Values{"email": {ana}}
	wantBarred(t, "the address", b.Post(t, "email", email, harness.Navigation))
	wantBarred(t, "the address, by the script", b.Post(t, "email", email, harness.Scripted))
	wantBarred(t, "begin", b.Do(t, http.MethodPost, "/.doorcode/begin", url.Values{}, harness.Navigation))

	b.From = lisbon
	b.Visit(begun)
	b.Submit(t, "email", email)
	code := c.Mailbox.WaitCode(t, ana, 1).Code(t)
	b.From = tokyo
	for what, page := range map[string]harness.Page{
		"the code": b.Post(t, "verify", url.Values{"code": {code}}, harness.Navigation), "the code, by the script": b.AJAX(t, "verify", url.Values{"code": {code}}),
		"another mail": b.Post(t, "resend", nil, harness.Navigation), "another address": b.Post(t, "change", nil, harness.Navigation),
	} {
		wantBarred(t, what, page)
	}
	c.App.Untouched(t, 0)
	b.From = lisbon
	wantStatus(t, "the code, from home", enter(t, b, code), http.StatusOK)
	if mails := c.Mailbox.All(t); len(mails) != 1 {
		t.Errorf("%d mails, want 1", len(mails))
	}
}

// Whoever is in is out where nobody is let in from, remembered or not, and in
// again once they are back. Signing out works from everywhere.
func TestASessionThatLeavesTheCountriesIsOut(t *testing.T) {
	c := located(t, "countries not JP")
	b := atHome(t, c, lisbon, true)
	reached := len(c.App.Seen())
	b.From = tokyo
	wantBarred(t, "page", b.Open(t, "/"))
	wantBarred(t, "script", b.Fetch(t, "/"))
	wantBarred(t, "socket", shake(t, c, b))
	without := withAt(t, c, "doorcode-device="+b.Cookies(t)["doorcode-device"], tokyo)
	wantBarred(t, "a remembered browser", without.Fetch(t, "/"))
	c.App.Untouched(t, reached)
	b.From = lisbon
	wantStatus(t, "back", b.Fetch(t, "/"), http.StatusOK)
	b.From = tokyo
	b.Open(t, "/.doorcode/signout")
	wantStatus(t, "sign-out", b.Submit(t, "signout", nil), http.StatusOK)
	b.From = lisbon
	wantStatus(t, "signed out", b.Fetch(t, "/"), http.StatusUnauthorized)
}

// A database of countries has no coordinates: there is no rule on travel, and what
// would need one is refused. Another country is still another place.
func TestADatabaseOfCountriesHasNoTravel(t *testing.T) {
	c := harness.Prepare(t)
	geotest.Country(t, c.Folder, "country.mmdb", atlas)
	text := site("geoip FOLDER/country.mmdb", "countries not ES")
	c.Load(t, logged+text)
	b := atHome(t, c, milan, false)
	for _, b.From = range []string{palermo, palermo6, milan} {
		wantStatus(t, "elsewhere in the country", b.Fetch(t, "/"), http.StatusOK)
	}
	for _, b.From = range []string{tokyo, lisbon, unlisted} {
		wantCheck(t, "another country", b.Fetch(t, "/"), "new_place")
	}
	b.From = madrid
	wantBarred(t, "a country that is kept out", b.Fetch(t, "/"))

	for line, want := range map[string]string{
		"distance 500km": "GeoLite2-Country has no coordinates; 'location distance' needs a City database",
		"speed 900kmh":   "GeoLite2-Country has no coordinates; 'location speed' needs a City database",
	} {
		err := c.TryLoad(t, strings.Replace(text, "countries not ES", "location {\n"+line+"\n}", 1))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}
