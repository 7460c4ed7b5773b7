// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"html"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
)

// tab is another one of the same browser: what one is sent, both have.
func (b *browser) tab() *browser {
	t := b.clone()
	t.jar = b.jar
	return t
}

// besideAChange is ana where only a passkey opens the app: she has one, has entered a
// code, and waits for that of a change, while another tab shows a page of the app.
func besideAChange(t *testing.T, kind challenge.ChangeKind) (b, tab *browser, code string, key *passkeystest.Authenticator) {
	t.Helper()
	b = newWorld(t, onlyKeyed, roomy).browser()
	b.provesACode("/reports")
	key = b.addsPasskey("Phone")
	b.w.clock.advance(time.Minute)
	b.open(passkeysPage)
	code = b.startsChange(passkeysPage, kind, "id", idOfPasskey(b))
	tab = b.tab()
	tab.open("/other").wants(t, http.StatusUnauthorized, "Use a passkey")
	return b, tab, code, key
}

var passkeyIDs = regexp.MustCompile(`name="id" value="([^"]*)"`)

func idOfPasskey(b *browser) string {
	if match := passkeyIDs.FindStringSubmatch(b.page.body); match != nil {
		return match[1]
	}
	return ""
}

// Any page of the app shows [4] until a passkey was used, also in a tab that a browser
// opens by itself. It must not cost its person the code that they wait for elsewhere, or
// what a code has allowed.
func TestAnotherTabLosesNoCodeOfAPasskey(t *testing.T) {
	opens := func(b *browser, target string) {
		b.tab().open(target).wants(t, http.StatusUnauthorized, "Use a passkey")
	}
	b := newWorld(t, onlyKeyed, roomy).browser()
	b.provesACode("/reports")
	code := b.startsChange("/reports"+passkeysPage, challenge.AddPasskey)
	opens(b, "/other")
	b.submit("/verify", "code", code).wants(t, http.StatusOK, "Your device will ask")
	opens(b, "/other")
	b.submit("/passkeys").wants(t, http.StatusOK, "Your device will ask")
	opens(b, "/third")
	b.submit("/passkeys", "credential", b.creates(passkeystest.New(origin))).wants(t, http.StatusOK, "Your passkey is added")
}

func TestAPasskeyOpensTheAppBesideAChange(t *testing.T) {
	for name, send := range map[string]func(tab *browser, key *passkeystest.Authenticator){
		"by script": func(tab *browser, key *passkeystest.Authenticator) {
			if said := tab.signs(scripted, key).json(t); !said.OK || said.To != "/other" {
				t.Errorf("a script is told %+v", said)
			}
		},
		"by the browser": func(tab *browser, key *passkeystest.Authenticator) {
			tab.signs(clicked, key).wants(t, http.StatusSeeOther)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, tab, code, key := besideAChange(t, challenge.AddPasskey)
			send(tab, key)
			tab.open("/other").wants(t, http.StatusOK, "app")
			b.submit("/verify", "code", code).wants(t, http.StatusOK, "Your device will ask")
		})
		t.Run(name+", once the code was right", func(t *testing.T) {
			b, tab, code, key := besideAChange(t, challenge.AddPasskey)
			b.submit("/verify", "code", code).wants(t, http.StatusOK, "Your device will ask")
			tab.open("/other").wants(t, http.StatusUnauthorized, "Use a passkey")
			send(tab, key)
			tab.open("/other").wants(t, http.StatusOK, "app")
			b.submit("/passkeys").wants(t, http.StatusOK, "Your device will ask")
		})
		t.Run(name+", once the change is over", func(t *testing.T) {
			b, tab, _, key := besideAChange(t, challenge.AddPasskey)
			b.submit("/change").wants(t, http.StatusOK, "Phone")
			if b.w.gate.GateOfFlow(b.jar[flowName]) != "" {
				t.Fatal("the change goes on")
			}
			send(tab, key)
			tab.open("/other").wants(t, http.StatusOK, "app")
		})
	}
}

// A passkey that was refused is told of on [4], and the change goes on.
func TestARefusedPasskeyBesideAChangeIsToldAndEndsNothing(t *testing.T) {
	for name, h := range map[string]http.Header{"by script": scripted, "by the browser": clicked} {
		t.Run(name, func(t *testing.T) {
			b, tab, code, key := besideAChange(t, challenge.AddPasskey)
			stranger := passkeystest.New(origin)
			stranger.Handle = key.Handle
			if _, err := stranger.Create(tab.offer().Options); err != nil {
				t.Fatal(err)
			}
			stranger.Handle = key.Handle
			const told = "Your passkey wasn't accepted. Try again."
			if got := tab.signs(h, stranger); name == "by script" {
				if said := got.wantsProblem(t, http.StatusUnprocessableEntity, "passkey-refused"); said.Message != told {
					t.Errorf("a script is told %+v", said)
				}
			}
			tab.open("/other").wants(t, http.StatusUnauthorized, "Use a passkey", told)
			tab.signs(clicked, key).wants(t, http.StatusSeeOther)
			tab.open("/other").wants(t, http.StatusOK, "app")
			b.submit("/verify", "code", code).wants(t, http.StatusOK, "Your device will ask")
		})
	}
}

// TestWAU02WhatIsSignedToOpenTheAppAllowsNoChange, nor the other way round, although one
// cookie carries what is to be signed for both.
func TestWAU02WhatIsSignedToOpenTheAppAllowsNoChange(t *testing.T) {
	for name, kind := range map[string]challenge.ChangeKind{"adding one": challenge.AddPasskey, "removing one": challenge.RemovePasskey} {
		t.Run(name, func(t *testing.T) {
			b, tab, code, key := besideAChange(t, kind)
			for _, crossed := range []struct {
				asks, sends *browser
			}{{tab, b}, {b, tab}} {
				signed, err := key.Get(crossed.asks.offer().Options)
				if err != nil {
					t.Fatal(err)
				}
				crossed.sends.sendsKey(scripted, "credential", string(signed)).wantsProblem(t, http.StatusUnprocessableEntity, "passkey-refused")
			}
			tab.open("/other").wants(t, http.StatusUnauthorized, "Use a passkey")
			b.open(b.at.Path).wants(t, http.StatusOK, "Confirm it's you")
			b.submit("/verify", "code", code).wants(t, http.StatusOK, "!Confirm it's you")
		})
	}
}

// An answer that opened the app opens it once, although the flow that carried its
// challenge goes on.
func TestWAU02AnAnswerBesideAChangeCountsOnce(t *testing.T) {
	_, tab, _, key := besideAChange(t, challenge.AddPasskey)
	signed, err := key.Get(tab.offer().Options)
	if err != nil {
		t.Fatal(err)
	}
	again := tab.clone()
	tab.sendsKey(scripted, "credential", string(signed)).json(t)
	for _, b := range []*browser{again, tab} {
		b.sendsKey(scripted, "credential", string(signed)).wantsProblem(t, http.StatusUnprocessableEntity, "passkey-refused")
	}
}

// TestWAU02AFormOfAnotherSessionOpensNothing: it is tied to the session that it was for,
// whether the browser has a change under way or no flow at all.
func TestWAU02AFormOfAnotherSessionOpensNothing(t *testing.T) {
	b, tab, _, _ := besideAChange(t, challenge.AddPasskey)
	other := b.w.browser()
	other.provesACode("/reports")
	form := other.page
	for name, jar := range map[string]map[string]string{
		"with a change":         tab.jar,
		"with another session":  {sessionName: tab.jar[sessionName]},
		"with no session":       {flowName: tab.jar[flowName]},
		"with nothing whatever": {},
	} {
		t.Run(name, func(t *testing.T) {
			thief := tab.clone()
			thief.jar, thief.page = jar, form
			thief.clone().sendsKey(scripted).wantsProblem(t, http.StatusConflict, "check-lost")
		})
	}
}

// A form of the app that waits on [4] is sent after the passkey, also after one that was
// refused, and the change goes on.
func TestAHeldFormIsSentByAPasskeyBesideAChange(t *testing.T) {
	b, tab, code, key := besideAChange(t, challenge.AddPasskey)
	tab.sends("/form", "application/x-www-form-urlencoded", "note=kept", clicked)
	held := func() string {
		match := regexp.MustCompile(`name="held" value="([^"]*)"`).FindStringSubmatch(tab.page.body)
		if match == nil {
			t.Fatalf("no held form:\n%s", tab.page.body)
		}
		return html.UnescapeString(match[1])
	}
	flags := key.Flags
	key.Flags = passkeystest.Present
	tab.page = tab.signs(clicked, key, "held", held())
	tab.page.wants(t, http.StatusUnauthorized, "Use a passkey", "Your passkey wasn't accepted.")
	key.Flags = flags
	tab.signs(clicked, key, "held", held()).wants(t, http.StatusOK, "Send your form now?")
	b.submit("/verify", "code", code).wants(t, http.StatusOK, "Your device will ask")
}
