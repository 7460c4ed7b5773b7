// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/web"
	"github.com/doorcode/caddy-doorcode/geo"
)

// from is a visitor at an address.
func (w *world) from(ip string) {
	w.arrive = func(in *web.Arrival, _ *http.Request) { in.IP = netip.MustParseAddr(ip) }
}

// stopLink is the path of the link in the newest mail.
func (w *world) stopLink() string {
	w.t.Helper()
	path, ours := strings.CutPrefix(w.mailbox.last(w.t).Stop, origin)
	if !ours || !strings.Contains(path, "/no/") {
		w.t.Fatalf("the mail's link is %q", w.mailbox.last(w.t).Stop)
	}
	return path
}

// last is the segment of a link that names what it ends, by which its page names
// the forms it has.
func last(link string) string { return link[strings.LastIndexByte(link, '/'):] }

// follows opens a link of a mail in a browser that may have no cookie at all.
func (b *browser) follows(link string) answer {
	b.w.t.Helper()
	return b.open(link)
}

// news signs ana in at two browsers; the mail about the second is the newest.
func (w *world) news() (remembered, second *browser) {
	w.t.Helper()
	w.from("203.0.113.7")
	remembered = w.browser().signIn("/x", ana, "remember", "1")
	w.clock.advance(time.Hour)
	w.from("198.51.100.9")
	second = w.browser().signIn("/x", ana)
	if n := w.mailbox.last(w.t); n.Subject != challenge.NewSignIn {
		w.t.Fatalf("the last mail is %v", n.Subject)
	}
	return remembered, second
}

func TestRuling39TheLinkOfACodeEndsItByItsButton(t *testing.T) {
	for _, pinned := range []string{"", "/auth"} {
		w := newWorld(t, func(s *settings) { s.web.Endpoints = pinned })
		w.from("198.51.100.9")
		thief := w.browser()
		code := thief.ask("/deep/page?x=1", ana)
		link := w.stopLink()

		w.from("203.0.113.7")
		b := w.browser()
		page := b.follows(link)
		page.wants(t, http.StatusOK, "Stop this sign-in?", "198.51.100.0/24", "1 Aug, 12:00 UTC", "Yes, stop it", "It was me", "!"+ana, "!password")
		if !strings.Contains(page.body, `href="`+origin+`/"`) || strings.Contains(page.body, "<script") {
			t.Errorf("no link that keeps it, or a script:\n%s", page.body)
		}
		stopped := b.post(clicked, last(link))
		stopped.wants(t, http.StatusOK, "Stopped", "The code no longer works. Nobody can ask for a code for you from that network for an hour.", "!mistake", "!password")
		if len(page.Cookies())+len(stopped.Cookies()) > 0 {
			t.Errorf("cookies: %v %v", page.Cookies(), stopped.Cookies())
		}
		w.from("198.51.100.9")
		thief.submit("/verify", "code", code).wants(t, http.StatusUnauthorized, "That code isn't right") // as of any code that was never sent
		again := w.browser()
		again.ask("/x", ana) // looks as ever, and leads nowhere
		if n := w.mailbox.last(t); !n.Decoy {
			t.Error("the reported network was mailed")
		}
		again.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusUnauthorized, "That code isn't right")

		w.from("203.0.113.7")
		b.follows(link).wants(t, http.StatusGone, "This link no longer works")
		b.page, b.at = page, &url.URL{Path: link}
		b.post(clicked, last(link)).wants(t, http.StatusGone, "This link no longer works")
		w.browser().signIn("/x", ana)
	}
}

// Scanners fetch links, some of them often, run what is on the page, and post.
func TestRuling39WhatOnlyLooksChangesNothing(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	code := b.ask("/x", ana)
	link := w.stopLink()
	page := w.browser()
	page.follows(link)
	_, form := page.form(last(link))
	other := w.browser()
	other.ask("/x", "bob@example.org")
	others := w.stopLink()
	other.follows(others)
	_, foreign := other.form(last(others))
	b.open("/x")
	_, ofCheck := b.form("/verify")

	before, mails := w.store.dump(t), len(w.mailbox.all())
	for range 20 {
		for _, header := range []http.Header{clicked, scripted, terminal, with(clicked, "Sec-Fetch-Site", "cross-site"), with(clicked, "Sec-Purpose", "prefetch;prerender")} {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete} {
				a := w.browser().do(method, link+"?nonce="+form.Get("nonce"), nil, header)
				if method == http.MethodHead && a.body != "" || method == http.MethodHead && header.Get("Sec-Purpose") == "" && a.StatusCode != http.StatusOK {
					t.Fatalf("HEAD: status %d, %q", a.StatusCode, a.body)
				}
			}
		}
	}
	for name, nonce := range map[string]string{
		"none": "", "nonsense": "AAAA", "another link's": foreign.Get("nonce"), "a form of the check": ofCheck.Get("flow"), "cut": form.Get("nonce")[1:],
	} {
		page.clone().do(http.MethodPost, link, url.Values{"nonce": {nonce}}, clicked).wants(t, http.StatusForbidden, "Stop this sign-in?")
		page.clone().do(http.MethodPost, link, url.Values{"nonce": {nonce}, "undo": {"1"}}, clicked).wants(t, http.StatusForbidden)
		if !maps.Equal(before, w.store.dump(t)) {
			t.Fatalf("a nonce that is %s stopped something", name)
		}
	}
	page.clone().do(http.MethodPost, link, url.Values{"nonce": form["nonce"], "undo": {"1"}}, clicked).wants(t, http.StatusForbidden)
	for name, header := range elsewhere {
		if a := page.clone().do(http.MethodPost, link, form, header); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
	}
	page.clone().do(http.MethodPost, link, form, with(clicked, "Early-Data", "1")).wants(t, http.StatusTooEarly)
	page.clone().do(http.MethodPost, link[:len(link)-1]+"_", form, clicked).wants(t, http.StatusGone)
	w.clock.advance(time.Hour + time.Second)
	page.clone().do(http.MethodPost, link, form, clicked)
	w.clock.advance(-time.Hour - time.Second)
	if !maps.Equal(before, w.store.dump(t)) || len(w.mailbox.all()) != mails {
		t.Error("something was changed or mailed")
	}
	b.submit("/verify", "code", code).wants(t, http.StatusOK, "app")
}

// The mail about a new browser ends that browser, everywhere, for whoever reads
// that mail.
func TestRuling39TheLinkOfAnEntryEndsItsBrowser(t *testing.T) {
	w := newWorld(t)
	remembered, thief := w.news()
	link := w.stopLink()
	b := w.browser()
	b.follows(link).wants(t, http.StatusOK, "Sign that browser out?", "198.51.100.0/24")
	thief.open("/x").wants(t, http.StatusOK, "app")
	b.submit(last(link)).wants(t, http.StatusOK, "Stopped", "That browser is signed out and forgotten. Nobody can ask", "!mistake")
	thief.open("/x").wants(t, http.StatusUnauthorized)
	w.from("203.0.113.7")
	remembered.open("/x").wants(t, http.StatusOK, "app")
}

// The block can be lifted by mistake's owner only: from a browser that is
// remembered for the address.
func TestRuling39OnlyARememberedBrowserUndoes(t *testing.T) {
	w := newWorld(t)
	remembered, _ := w.news()
	link := w.stopLink()
	blocked := func() bool {
		w.from("198.51.100.9")
		defer w.from("203.0.113.7")
		w.browser().ask("/x", ana)
		return w.mailbox.last(t).Decoy
	}
	w.from("203.0.113.7")
	stranger := w.browser()
	stranger.follows(link)
	_, nonces := stranger.form(last(link))
	remembered.follows(link)
	page := remembered.submit(last(link))
	page.wants(t, http.StatusOK, "Stopped", "I pressed this by mistake")
	if !blocked() {
		t.Fatal("the network is not blocked")
	}
	_, undo := remembered.form(last(link))
	stranger.follows(link).wants(t, http.StatusGone, "!mistake")
	stranger.do(http.MethodPost, link, undo, clicked).wants(t, http.StatusGone)
	remembered.clone().do(http.MethodPost, link, url.Values{"nonce": nonces["nonce"], "undo": {"1"}}, clicked)
	if !blocked() {
		t.Fatal("the block was lifted without the button for it")
	}
	remembered.follows(link).wants(t, http.StatusOK, "Stopped", "I pressed this by mistake") // loaded again
	remembered.submit(last(link)).wants(t, http.StatusOK, "Undone", "The browser that you signed out stays signed out.")
	if blocked() {
		t.Error("the block was not lifted")
	}
	remembered.follows(link).wants(t, http.StatusGone)
}

func TestRuling39WhoKnowsThePasswordIsTold(t *testing.T) {
	w := newWorld(t)
	w.earlier(anaByPassword())
	w.browser().open("/x")
	link := w.stopLink()
	w.arrive = nil
	b := w.browser()
	b.follows(link).wants(t, http.StatusOK, "password")
	b.submit(last(link)).wants(t, http.StatusOK, "Whoever tried knows your password for app.example.com. Change it.")
}

// The link in an address bar must not travel on, nor into a log.
func TestRuling39NoAnswerTellsWhatTheLinkWas(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.ask("/x", ana)
	link := w.stopLink()
	b.follows(link)
	_, form := b.form(last(link))
	send := func(name, method, target string, body url.Values, h http.Header) {
		t.Helper()
		r := b.request(method, target, body, h)
		r.Host = b.host
		rec := httptest.NewRecorder()
		out := w.door.Serve(rec, r, w.arrival(r))
		if got := rec.Header()["Referrer-Policy"]; !slices.Equal(got, []string{"strict-origin"}) && b.host == "app.example.com" || rec.Header().Get("Cache-Control") != "no-store" || len(rec.Result().Cookies()) > 0 {
			t.Errorf("%s: status %d, headers %v", name, rec.Code, rec.Header())
		}
		if !out.Unlogged || out.Pass {
			t.Errorf("%s: outcome %+v", name, out)
		}
	}
	send("the page", http.MethodGet, link, nil, clicked)
	send("HEAD", http.MethodHead, link, nil, clicked)
	send("a prefetch", http.MethodGet, link, nil, with(clicked, "Sec-Purpose", "prefetch"))
	send("a wrong method", http.MethodPut, link, nil, clicked)
	send("a wrong link", http.MethodGet, link+"x", nil, clicked)
	send("a deeper link", http.MethodGet, link+"/x", nil, clicked)
	send("no link", http.MethodGet, "/.doorcode/no/", nil, terminal)
	send("two slashes", http.MethodGet, "//evil.example"+link, nil, clicked)
	send("another site", http.MethodPost, link, form, with(clicked, "Sec-Fetch-Site", "cross-site"))
	send("no nonce", http.MethodPost, link, url.Values{}, clicked)
	send("too much", http.MethodPost, link, url.Values{"nonce": {strings.Repeat("x", 8<<10)}}, clicked)
	send("early", http.MethodPost, link, form, with(clicked, "Early-Data", "1"))
	w.store.breaks(true)
	send("the store is down", http.MethodGet, link, nil, clicked)
	send("the store is down, too", http.MethodPost, link, form, clicked)
	w.store.breaks(false)
	send("the button", http.MethodPost, link, form, clicked)
	send("a used link", http.MethodGet, link, nil, clicked)
	b.host = "other.example"
	send("another host", http.MethodGet, link, nil, clicked)
}

// A locator knows two countries.
type locator struct{}

func (locator) Locate(ip netip.Addr) *geo.Place {
	if ip == netip.MustParseAddr("198.51.100.9") {
		return &geo.Place{Country: "JP", City: "Tokyo", Radius: 20}
	}
	return &geo.Place{Country: "PT", City: "Lisbon", Radius: 20}
}

// Whoever reads the mail on a journey, or on http, can stop a thief all the same.
func TestRuling39TheLinkWorksFromEverywhere(t *testing.T) {
	w := newWorld(t, func(s *settings) {
		s.gate.Locator, s.gate.Policy.Countries = locator{}, challenge.Countries{Allow: []string{"PT"}}
	})
	w.browser().ask("/x", ana)
	link := w.stopLink()
	w.arrive = func(in *web.Arrival, _ *http.Request) {
		in.Secure, in.IP = false, netip.MustParseAddr("198.51.100.9")
	}
	w.browser().open("/x").wants(t, http.StatusBadRequest)
	b := w.browser()
	b.follows(link).wants(t, http.StatusOK, "near Lisbon, Portugal (approximate)")
	target, form := b.form(last(link))
	form.Set("nonce", form.Get("nonce"))
	r := b.request(http.MethodPost, target, form, with(clicked, "Sec-Fetch-Site", "same-origin"))
	b.send(r).wants(t, http.StatusOK, "Stopped")
	w.from("198.51.100.9")
	w.browser().open("/x").wants(t, http.StatusForbidden, "Not available here")
}
