// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
)

var (
	addLink  = regexp.MustCompile(`href="([^"]*/passkeys(?:\?[^"]*)?)"`)
	goOnLink = regexp.MustCompile(`<a class="button" href="([^"]*)"`)
)

// goesToAdd follows the link of [4] to where a passkey is made, or another query.
func (b *browser) goesToAdd(query func(own string) string) {
	b.w.t.Helper()
	match := addLink.FindStringSubmatch(b.page.body)
	if match == nil {
		b.w.t.Fatalf("no link to passkeys:\n%s", b.page.body)
	}
	at, err := b.at.Parse(html.UnescapeString(match[1]))
	if err != nil {
		b.w.t.Fatal(err)
	}
	at.RawQuery = query(at.RawQuery)
	b.open(at.RequestURI()).wants(b.w.t, http.StatusOK, "You don't have any passkeys.")
}

// addsAndGoesOn makes a passkey on the page that it is on, and returns where that leads.
func (b *browser) addsAndGoesOn() string {
	b.w.t.Helper()
	b.submit("/passkeys", "action", "start", "change", "add_passkey").wants(b.w.t, http.StatusOK, "Confirm it's you")
	b.submit("/verify", "code", b.w.mailbox.last(b.w.t).Code.Reveal()).wants(b.w.t, http.StatusOK, "Add a passkey")
	b.submit("/passkeys").wants(b.w.t, http.StatusOK, "Your device will ask")
	b.submit("/passkeys", "credential", b.creates(passkeystest.New(origin))).wants(b.w.t, http.StatusOK, "Your passkey is added")
	match := goOnLink.FindStringSubmatch(b.page.body)
	if match == nil {
		b.w.t.Fatalf("no way on:\n%s", b.page.body)
	}
	return html.UnescapeString(match[1])
}

// TestRD01TheWayBackFromANewPasskeyIsThePageWithItsQuery, and nothing that a link could
// say instead.
func TestRD01TheWayBackFromANewPasskeyIsThePageWithItsQuery(t *testing.T) {
	own := func(query string) string { return query }
	said := func(query string) func(string) string { return func(string) string { return query } }
	for name, test := range map[string]struct {
		page, want string
		query      func(b *browser) func(string) string
	}{
		"the query is kept":             {"/reports?year=2026&sort=%2Fa%20b", "/reports?year=2026&sort=%2Fa%20b", nil},
		"a page without one":            {"/reports", "/reports", nil},
		"a query that is too long":      {"/reports?" + strings.Repeat("a", 1100), "/reports", nil},
		"a query of too many parts":     {"/reports?" + strings.Repeat("&", 400), "/reports", nil},
		"a link that says another page": {"/reports?a=1", "/reports", func(*browser) func(string) string { return said("to=%2Fadmin%3Fdelete%3D1") }},
		"a link that says another site": {"/reports?a=1", "/reports", func(*browser) func(string) string { return said("to=https%3A%2F%2Fevil.example%2F") }},
		"a link of another session": {"/reports?a=1", "/reports", func(b *browser) func(string) string {
			return said("to=" + b.sealsGoOn(map[string]any{"s": "another", "b": "/admin", "m": b.w.clock.now().Unix()}))
		}},
		"a hidden value of another form": {"/reports?a=1", "/reports", func(b *browser) func(string) string {
			return func(string) string { return "to=" + url.QueryEscape(b.starts()) }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWorld(t, onlyKeyed, roomy).browser()
			b.provesACode(test.page)
			query := own
			if test.query != nil {
				query = test.query(b)
			}
			b.goesToAdd(query)
			if got := b.addsAndGoesOn(); got != origin+test.want {
				t.Errorf("it leads on to %s, want %s", got, test.want)
			}
		})
	}
}

// Who thinks again on the way is brought to the same page in the end.
func TestTheWayBackFromANewPasskeySurvivesACancel(t *testing.T) {
	const page = "/reports?year=2026"
	b := newWorld(t, onlyKeyed, roomy).browser()
	b.provesACode(page)
	b.goesToAdd(func(own string) string { return own })
	b.submit("/passkeys", "action", "start", "change", "add_passkey").wants(t, http.StatusOK, "Confirm it's you")
	b.w.clock.advance(time.Minute) // another mail may go out
	b.open(b.at.Path+"?later").wants(t, http.StatusOK, "You don't have any passkeys.")
	if got := b.addsAndGoesOn(); got != origin+page {
		t.Errorf("it leads on to %s, want %s", got, page)
	}
}

// sealsGoOn forges what [4] puts into its link, to see what stands behind the seal.
func (b *browser) sealsGoOn(fields map[string]any) string {
	b.w.t.Helper()
	plain, err := json.Marshal(fields)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return b.w.gate.SealForm(plain, origin+"\x00go on with a passkey")
}

// TestRD02WhereSomebodyWasGoingIsCheckedBehindItsSealToo: it comes to the page as a link.
func TestRD02WhereSomebodyWasGoingIsCheckedBehindItsSealToo(t *testing.T) {
	for _, target := range []string{"//evil.example/", `/\evil.example`, "/%2fevil.example", "https://evil.example/", "javascript:alert(1)"} {
		t.Run(target, func(t *testing.T) {
			b := newWorld(t, onlyKeyed, roomy).browser()
			b.provesACode("/reports")
			plain, err := b.w.gate.OpenForm(b.starts(), origin+"\x00account start")
			if err != nil {
				t.Fatal(err)
			}
			var of struct {
				Session string `json:"s"`
			}
			if err := json.Unmarshal(plain, &of); err != nil {
				t.Fatal(err)
			}
			b.open("/reports")
			b.goesToAdd(func(string) string {
				return "to=" + b.sealsGoOn(map[string]any{"s": of.Session, "b": target, "m": b.w.clock.now().Unix()})
			})
			if got := b.addsAndGoesOn(); got != origin+"/" {
				t.Errorf("it leads on to %s", got)
			}
		})
	}
}
