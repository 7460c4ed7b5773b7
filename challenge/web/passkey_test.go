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

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

const (
	passkeysPage = "/.doorcode/passkeys"
	notAccepted  = "Your passkey wasn't accepted. Try again or use a code."
)

// keyed is a gate that has passkeys.
func keyed(s *settings) { s.gate.Policy.Ways.Passkeys = true }

// onlyKeyed is one that accepts nothing else.
func onlyKeyed(s *settings) {
	keyed(s)
	s.gate.Policy.Accept = challenge.AcceptPasskey
}

var createPattern = regexp.MustCompile(`data-create="([^"]*)"`)

// addsPasskey makes a passkey, as the script of the page does.
func (b *browser) addsPasskey(name string) *passkeystest.Authenticator {
	b.w.t.Helper()
	b.allowed(passkeysPage, challenge.AddPasskey).page.wants(b.w.t, http.StatusOK, "Add a passkey")
	b.submit("/passkeys").wants(b.w.t, http.StatusOK, "Your device will ask")
	key := passkeystest.New(origin)
	b.submit("/passkeys", "name", name, "credential", b.creates(key)).wants(b.w.t, http.StatusOK, "Your passkey is added")
	return key
}

// creates is what an authenticator makes of the options that the page has.
func (b *browser) creates(key *passkeystest.Authenticator) string {
	b.w.t.Helper()
	match := createPattern.FindStringSubmatch(b.page.body)
	if match == nil {
		b.w.t.Fatalf("no options on the page:\n%s", b.page.body)
	}
	made, err := key.Create([]byte(html.UnescapeString(match[1])))
	if err != nil {
		b.w.t.Fatal(err)
	}
	return string(made)
}

var flowPattern = regexp.MustCompile(`name="flow" value="([^"]*)"|data-flow="([^"]*)"`)

// sendsKey posts to the endpoint of passkeys, as the script of the page does.
func (b *browser) sendsKey(h http.Header, pairs ...string) answer {
	b.w.t.Helper()
	match := flowPattern.FindStringSubmatch(b.page.body)
	if match == nil {
		b.w.t.Fatalf("no flow on the page:\n%s", b.page.body)
	}
	fields := url.Values{"flow": {html.UnescapeString(match[1] + match[2])}}
	for i := 0; i < len(pairs); i += 2 {
		fields.Set(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, b.at.Path+"/.doorcode/passkey", fields, h)
}

// toSign is what a script is told that asks what to sign.
type toSign struct {
	Options json.RawMessage `json:"options"`
	Failed  string          `json:"failed"`
}

func (b *browser) offer() toSign {
	b.w.t.Helper()
	var o toSign
	got := b.sendsKey(scripted)
	got.wants(b.w.t, http.StatusOK)
	if err := json.Unmarshal([]byte(got.body), &o); err != nil || len(o.Options) == 0 {
		b.w.t.Fatalf("offer = %s", got.body)
	}
	return o
}

// signs asks what to sign and sends the answer.
func (b *browser) signs(h http.Header, key *passkeystest.Authenticator, pairs ...string) answer {
	b.w.t.Helper()
	signed, err := key.Get(b.offer().Options)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return b.sendsKey(h, append(pairs, "credential", string(signed))...)
}

// withPasskey is a world in which ana has one, a while ago.
func withPasskey(t *testing.T, change ...func(*settings)) (*world, *browser, *passkeystest.Authenticator) {
	t.Helper()
	w := newWorld(t, append([]func(*settings){keyed, roomy}, change...)...)
	b := w.browser().signIn("/x", ana, "remember", "1")
	key := b.addsPasskey("Phone")
	w.clock.advance(time.Hour)
	return w, b, key
}

func TestAPasskeyLetsInFromEachPage(t *testing.T) {
	tests := map[string]struct {
		change  func(*settings)
		prepare func(b *browser)
		wants   string
	}{
		"the page that asks for an address": {nil, func(b *browser) { b.open("/reports") }, "Sign in to"},
		"the page that asks for a code":     {nil, func(b *browser) { b.ask("/reports", ana) }, "Check your email"},
		"the page for a backup code": {nil, func(b *browser) {
			b.ask("/reports", ana)
			b.choose("backup")
		}, "Use a backup code"},
		"the list of other ways": {nil, func(b *browser) {
			b.ask("/reports", ana)
			b.choose("other")
		}, "Try another way"},
		"the page of a code that was cancelled": {nil, func(b *browser) {
			code := b.ask("/reports", ana)
			for n := range 5 {
				b.submit("/verify", "code", wrongCode(code, n))
			}
		}, "This code no longer works"},
		"the page of a lock": {func(s *settings) { s.gate.Policy.Limits.TryAddress = []challenge.Rate{{N: 1, Per: time.Hour}} }, func(b *browser) {
			b.submit("/verify", "code", wrongCode(b.ask("/reports", ana), 0))
		}, "Until then, only a passkey works."},
		"the page of a mail that failed": {nil, func(b *browser) {
			b.ask("/reports", ana)
			b.w.mailbox.breaks(nil, true)
			b.open("/reports")
		}, "We couldn't send the email"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			change := []func(*settings){}
			if tt.change != nil {
				change = append(change, tt.change)
			}
			w, _, key := withPasskey(t, change...)
			b := w.browser()
			tt.prepare(b)
			if !strings.Contains(b.page.text(), tt.wants) || !strings.Contains(b.page.body, `/passkey.js?`) {
				t.Fatalf("page:\n%s", b.page.body)
			}
			said := b.signs(scripted, key).json(t)
			if !said.OK || !said.Verified || said.To != "/reports" {
				t.Errorf("a script is told %+v", said)
			}
			if got := b.open("/reports"); got.Header.Get("Who") != ana {
				t.Errorf("Who = %q: %d", got.Header.Get("Who"), got.StatusCode)
			}
			if b.jar["__Host-Http-doorcode-flow"] != "" {
				t.Error("the flow outlives its check")
			}
		})
	}
}

// Without the script of the page the browser sends the form by itself.
func TestAPasskeyThatABrowserSendsLeadsToThePageThatWasWanted(t *testing.T) {
	w, _, key := withPasskey(t)
	b := w.browser()
	b.open("/reports?year=2026")
	got := b.signs(clicked, key)
	if got.wants(t, http.StatusSeeOther); got.Header.Get("Location") != origin+"/reports?year=2026" {
		t.Errorf("Location = %q", got.Header.Get("Location"))
	}
	b.open("/reports").wants(t, http.StatusOK, "app")

	other := w.browser()
	other.ask("/x", ana)
	stranger := passkeystest.New(origin)
	stranger.Handle = key.Handle
	if _, err := stranger.Create(other.offer().Options); err != nil {
		t.Fatal(err)
	}
	other.signs(clicked, stranger).wants(t, http.StatusSeeOther)
	other.open("/x").wants(t, http.StatusUnauthorized, "Check your email", notAccepted)
	other.sendsKey(clicked).wants(t, http.StatusSeeOther) // nothing was signed: its page shows how things stand
}

// TestDOS01WhatAPasskeySignsCostsAStrangerNothing: every page of a stranger asks for it.
func TestDOS01WhatAPasskeySignsCostsAStrangerNothing(t *testing.T) {
	w := newWorld(t, keyed)
	b := w.browser()
	b.open("/x")
	w.store.since()
	first := b.offer()
	if gets, puts := w.store.since(); gets+puts != 0 {
		t.Errorf("%d reads and %d writes", gets, puts)
	}
	if len(w.mailbox.all()) != 0 {
		t.Error("something was mailed")
	}
	if first.Failed != "No passkey was used. Try again, or use a code." {
		t.Errorf("failed = %q", first.Failed)
	}
	// The options name nobody: whose passkeys there are is nobody's to know.
	options, err := passkeystest.Read(first.Options)
	if err != nil || len(options.Allow) != 0 || options.RPID != "app.example.com" {
		t.Errorf("options = %s: %v", first.Options, err)
	}
	asked := w.browser()
	asked.ask("/x", ana)
	if o, err := passkeystest.Read(asked.offer().Options); err != nil || len(o.Allow) != 0 {
		t.Errorf("options for an address = %+v: %v", o, err)
	}
}

func TestWAU02WhatIsWrongWithAPasskeyIsNotTold(t *testing.T) {
	tests := map[string]func(t *testing.T, w *world, b *browser, key *passkeystest.Authenticator){
		"a page of another origin": func(_ *testing.T, _ *world, _ *browser, key *passkeystest.Authenticator) {
			key.Client = func(said map[string]any) { said["origin"] = "https://evil.example" }
		},
		"a browser that did not ask its owner": func(_ *testing.T, _ *world, _ *browser, key *passkeystest.Authenticator) {
			key.Flags = passkeystest.Present
		},
		"another challenge": func(_ *testing.T, _ *world, _ *browser, key *passkeystest.Authenticator) {
			key.Client = func(said map[string]any) { said["challenge"] = strings.Repeat("A", 43) }
		},
		"nobody's": func(t *testing.T, _ *world, b *browser, key *passkeystest.Authenticator) {
			if _, err := key.Create(b.offer().Options); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			w, _, key := withPasskey(t)
			b := w.browser()
			b.open("/x")
			prepare(t, w, b, key)
			said := b.signs(scripted, key).wantsProblem(t, http.StatusUnprocessableEntity, "passkey-refused")
			if said.Message != notAccepted || said.To != "/x" {
				t.Errorf("a script is told %+v", said)
			}
			b.open("/x").wants(t, http.StatusUnauthorized, notAccepted)
		})
	}
}

func TestAnAnswerCountsOnceAndOnlyInItsBrowser(t *testing.T) {
	w, _, key := withPasskey(t)
	b := w.browser()
	b.open("/x")
	signed, err := key.Get(b.offer().Options)
	if err != nil {
		t.Fatal(err)
	}
	again, thief := b.clone(), w.browser()
	thief.open("/x")
	thief.sendsKey(scripted, "credential", string(signed)).wantsProblem(t, http.StatusUnprocessableEntity, "passkey-refused")
	b.sendsKey(scripted, "credential", string(signed)).json(t)
	again.sendsKey(scripted, "credential", string(signed)).wantsProblem(t, http.StatusUnprocessableEntity, "passkey-refused")
}

func TestTooManyPasskeysAreToldWithATime(t *testing.T) {
	w := newWorld(t, keyed, func(s *settings) { s.gate.Policy.Limits.TryIP = []challenge.Rate{{N: 1, Per: time.Hour}} })
	key := passkeystest.New(origin)
	b := w.browser()
	b.open("/x")
	if _, err := key.Create(b.offer().Options); err != nil {
		t.Fatal(err)
	}
	key.Handle = make([]byte, 32) // Create takes that of the options
	b.signs(scripted, key)
	got := b.signs(scripted, key)
	said := got.wantsProblem(t, http.StatusTooManyRequests, "locked")
	if !strings.HasPrefix(said.Message, "Too many passkeys were tried. Try again in") || got.Header.Get("Retry-After") == "" {
		t.Errorf("a script is told %+v, Retry-After %q", said, got.Header.Get("Retry-After"))
	}
	b.open("/x").wants(t, http.StatusTooManyRequests, "Sign in to", "Too many passkeys were tried.")
	w.clock.advance(2 * time.Hour)
	w.browser().open("/x").wants(t, http.StatusUnauthorized, "!Too many passkeys")
}

// TestSTP02APasskeyConfirmsASession: it is the second button of the page.
func TestSTP02APasskeyConfirmsASession(t *testing.T) {
	w, b, key := withPasskey(t)
	w.arrive = func(in *web.Arrival, r *http.Request) {
		if r.URL.Path == "/delete" {
			in.Page = challenge.Page{MaxAge: time.Minute}
		}
	}
	b.open("/delete").wants(t, http.StatusUnauthorized, "Confirm it's you")
	if said := b.signs(scripted, key).json(t); said.To != "/delete" {
		t.Errorf("a script is told %+v", said)
	}
	b.open("/delete").wants(t, http.StatusOK, "app")
}

func TestAPasskeyAllowsAChangeAsACodeDoes(t *testing.T) {
	_, b, key := withPasskey(t)
	b.startsChange(codesPage, challenge.MakeBackupCodes)
	if said := b.signs(scripted, key).json(t); !said.OK || said.Verified { // no other page has to do with it
		t.Errorf("a script is told %+v", said)
	}
	b.open(codesPage).wants(t, http.StatusOK, "Create 10 backup codes?")
}

func TestAHeldFormIsSentAfterAPasskey(t *testing.T) {
	w, _, key := withPasskey(t)
	b := w.late(ana)
	b.sends("/form", "application/x-www-form-urlencoded", "note=kept", clicked)
	match := regexp.MustCompile(`name="held" value="([^"]*)"`).FindStringSubmatch(b.page.body)
	if match == nil {
		t.Fatalf("no held form:\n%s", b.page.body)
	}
	got := b.signs(clicked, key, "held", html.UnescapeString(match[1]))
	got.wants(t, http.StatusOK, "Send your form now?")
}

func TestTheScriptOfPasskeysIsKeptUnderItsVersion(t *testing.T) {
	w := newWorld(t, keyed)
	b := w.browser()
	b.open("/reports")
	match := regexp.MustCompile(`<script src="\./reports/\.doorcode/(passkey\.js\?[\w-]{4})"`).FindStringSubmatch(b.page.body)
	if match == nil {
		t.Fatalf("no script:\n%s", b.page.body)
	}
	got := b.do(http.MethodGet, "/reports/.doorcode/"+match[1], nil, nil)
	if got.wants(t, http.StatusOK); got.body != string(pages.ReadPasskeyScript()) {
		t.Errorf("body = %q", got.body)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff",
		"Vary": "", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if old := b.do(http.MethodGet, "/.doorcode/passkey.js?old", nil, nil); old.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("another version: Cache-Control = %q", old.Header.Get("Cache-Control"))
	}
}

func TestAGateWithoutPasskeysHasNothingOfThem(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.open("/x")
	pagesSeen := b.page.body
	b.signIn("/x", ana)
	pagesSeen += b.open("/.doorcode/").body
	if strings.Contains(strings.ToLower(pagesSeen), "passkey") {
		t.Error("a page speaks of passkeys")
	}
	for _, name := range []string{"passkey.js", "passkeys"} {
		b.do(http.MethodGet, "/.doorcode/"+name, nil, clicked).wants(t, http.StatusNotFound)
	}
	b.do(http.MethodPost, "/.doorcode/passkey", url.Values{}, scripted).wants(t, http.StatusNotFound)
}

// A code would open no more than the account pages, so nobody is mailed one for coming by.
func TestBehindAnEarlierStepNothingIsMailedWhereOnlyAPasskeyWillDo(t *testing.T) {
	w := newWorld(t, onlyKeyed)
	w.earlier(anaByPassword())
	b := w.browser()
	b.open("/reports").wants(t, http.StatusUnauthorized, "A code isn't enough here.", "No passkey yet?", "Send code")
	if got := len(w.mailbox.all()); got != 0 {
		t.Fatalf("%d mails before anybody asked for one", got)
	}
	b.submit("/resend").wants(t, http.StatusUnauthorized, "Check your email")
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusUnauthorized, "No passkey yet?")
	if got := len(w.mailbox.all()); got != 1 {
		t.Errorf("%d mails, want the one that was asked for", got)
	}
	w.browser().open("/.doorcode/").wants(t, http.StatusUnauthorized, "Check your email") // where a code is enough
}
