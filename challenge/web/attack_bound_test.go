// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/bound/boundtest"
)

// An offer may come with an answer of the app, whose scripts read it there. A key that
// one of them has made would keep the person out, as the browser knows nothing of it.
func TestBND03NoScriptBindsAKeyOfItsOwn(t *testing.T) {
	w := newWorld(t)
	b, k := w.browser(), boundtest.NewKey()
	code := b.ask("/x", ana)
	entered := b.post(clicked, "/verify", "code", code, "remember", "on")
	offer, ok := boundtest.ReadOffer(entered.Header.Get("Secure-Session-Registration"))
	if !ok {
		t.Fatal("nothing is offered")
	}
	registration := k.Register(offer.Challenge, offer.Authorization)
	for _, mode := range []string{"cors", "same-origin", "navigate", "websocket"} {
		h := with(scripted, "Origin", origin, "Sec-Fetch-Mode", mode, "Secure-Session-Response", registration)
		b.do(http.MethodPost, offer.Path, nil, h).wants(t, http.StatusForbidden)
	}
	b.open("/x").wants(t, http.StatusOK, "app")
	w.clock.advance(12 * time.Minute)
	b.open("/x").wants(t, http.StatusOK, "app")
}

// What a copy can do on the page to sign out by: nothing to its owner.
func TestBND02TheSignOutPageOfACopyEndsNoBrowser(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.binds("/x")
	b.open("/x").wants(t, http.StatusOK, "app")
	thief := b.clone()
	w.clock.advance(12 * time.Minute)
	thief.open("/x").wants(t, http.StatusUnauthorized)
	thief.open("/.doorcode/signout")
	thief.submit("/signout", "forget", "on")
	page := b.open("/x")
	if got := page.Header.Get("Doorcode-Reason"); got != "unproved" {
		t.Errorf("its owner's browser is %s, want one that has to prove its key", got)
	}
}
