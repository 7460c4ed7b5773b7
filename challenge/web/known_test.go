// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// Ruling 17: a browser that restores ten tabs is mailed once, and each of them
// can enter the code.
func TestR17TenRestoredTabsAreMailedOnce(t *testing.T) {
	w := newWorld(t)
	w.earlier(anaByPassword())
	b := w.browser()
	tabs := make([]*browser, 10)
	set := 0
	for i := range tabs {
		tabs[i] = w.browser() // none has a cookie yet when it is asked for
		page := tabs[i].open("/tab")
		if set += len(page.Cookies()); i > 0 {
			page.wants(t, http.StatusUnauthorized, "We sent a code a moment ago.", w.mailbox.last(t).Ref)
		}
		for name, value := range tabs[i].jar {
			b.jar[name] = value
		}
	}
	if got := len(w.mailbox.all()); got != 1 || set != 1 {
		t.Fatalf("%d mails, %d cookies set; want one of each", got, set)
	}
	code := w.mailbox.last(t).Code.Reveal()
	tabs[7].jar = b.jar
	tabs[7].post(clicked, "/verify", "code", wrongCode(code, 0)).wants(t, http.StatusSeeOther)
	tabs[3].jar = b.jar
	tabs[3].submit("/verify", "code", code).wants(t, http.StatusOK, "app")
}

func TestAKnownPersonIsMailedOnArrivalAndNeverShownTheMailbox(t *testing.T) {
	w := newWorld(t)
	w.earlier(anaByPassword())
	b := w.browser()
	b.open("/x").wants(t, http.StatusUnauthorized, "Check your email", "a••@example.com", "!"+ana, "!Use a different email")
	b.submit("/verify", "code", "1").wants(t, http.StatusUnauthorized, "You entered 1", "!"+ana)
	for _, endpoint := range []string{"email", "change"} {
		_, form := b.form("/verify")
		form.Set("email", "bob@example.org")
		b.do(http.MethodPost, "/x/.doorcode/"+endpoint, form, clicked).wants(t, http.StatusSeeOther)
	}
	if got := len(w.mailbox.all()); got != 1 {
		t.Errorf("%d mails, want 1", got)
	}
	b.open("/x").wants(t, http.StatusUnauthorized, "a••@example.com")
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "app")
}

// Before, a HEAD of a known person without a flow ended in a panic.
func TestHEADOfAKnownPersonStartsNothing(t *testing.T) {
	w := newWorld(t)
	w.earlier(anaByPassword())
	a := w.browser().do(http.MethodHead, "/x", nil, clicked)
	if a.wants(t, http.StatusUnauthorized); len(a.Cookies()) > 0 || len(w.mailbox.all()) > 0 || a.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("cookies %v, %d mails", a.Cookies(), len(w.mailbox.all()))
	}
	w.mailbox.breaks(nil, true)
	w.browser().do(http.MethodHead, "/x", nil, clicked).wants(t, http.StatusServiceUnavailable)
}

func TestSpeculationAboutAKnownPersonStartsNothing(t *testing.T) {
	w := newWorld(t)
	w.earlier(anaByPassword())
	b := w.browser()
	early := with(clicked, "Sec-Purpose", "prefetch;prerender")
	b.do(http.MethodGet, "/x", nil, early).wants(t, http.StatusUnauthorized)
	b.do(http.MethodPost, "/.doorcode/begin", nil, early).wants(t, http.StatusUnauthorized)
	if len(b.jar) > 0 || len(w.mailbox.all()) > 0 {
		t.Errorf("cookies %v, %d mails", b.jar, len(w.mailbox.all()))
	}
	b.open("/x")
	if len(w.mailbox.all()) != 1 {
		t.Error("the click sent no mail")
	}
}

func TestSendButtonWaitsForThePress(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.web.SendButton = true })
	w.earlier(anaByPassword())
	b := w.browser()
	b.open("/x").wants(t, http.StatusUnauthorized, "We'll send a code to a••@example.com")
	b.open("/x")
	if len(w.mailbox.all()) > 0 {
		t.Fatal("mailed without a press")
	}
	b.submit("/resend").wants(t, http.StatusUnauthorized, "Check your email")
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "app")
}

func TestAKnownPersonWhoIsNotOnTheListIsTold(t *testing.T) {
	w := newWorld(t)
	w.earlier(challenge.Identity{Source: "http.auth.user.id", User: "eve", Email: eve})
	b := w.browser()
	a := b.open("/x")
	a.wants(t, http.StatusForbidden, "You don't have access", "You're signed in as eve.", "!"+eve)
	if len(a.Cookies()) > 0 || len(w.mailbox.all()) > 0 {
		t.Errorf("cookies %v, %d mails", a.Cookies(), len(w.mailbox.all()))
	}
	b.do(http.MethodGet, "/x", nil, scripted).wantsProblem(t, http.StatusForbidden, "no-access")
	b.do(http.MethodPost, "/.doorcode/begin", nil, clicked).wants(t, http.StatusForbidden, "You don't have access")
	w.arrive = func(in *web.Arrival, _ *http.Request) {
		in.Earlier, in.Answer = &challenge.Identity{Source: "http.auth.user.id", User: "eve", Email: eve}, web.AnswerJSON
	}
	b.do(http.MethodPost, "/x/.doorcode/begin", nil, clicked).wants(t, http.StatusForbidden, "You don't have access")
	b.do(http.MethodGet, "/x", nil, clicked).wantsProblem(t, http.StatusForbidden, "no-access")
	w.earlier(challenge.Identity{Source: "http.auth.user.id"})
	b.open("/x").wants(t, http.StatusForbidden)
}

func TestSomebodySignedInWhoIsNotOnTheListCanChangeTheAccount(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	access, err := challenge.NewAccess(challenge.AccessOptions{Allow: []string{"*@example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	w.gate.SetAccess(access)
	b.open("/x").wants(t, http.StatusForbidden, "You don't have access", "You're signed in as "+ana, "Use a different account")
	b.do(http.MethodGet, "/x/.doorcode/session", nil, scripted).wantsProblem(t, http.StatusForbidden, "no-access")
	b.submit("/signout").wants(t, http.StatusUnauthorized, "Sign in to")
	if b.at.Path != "/x" {
		t.Errorf("led to %s", b.at)
	}
}

// A session, a flow and a form are worth nothing to whom they were not made for.
func TestNothingOfOneIdentityCountsForAnother(t *testing.T) {
	w := newWorld(t)
	w.earlier(anaByPassword())
	b := w.browser()
	b.open("/x")
	code := w.mailbox.last(t).Code.Reveal()
	_, form := b.form("/verify")
	form.Set("code", code)
	for name, who := range map[string]challenge.Identity{
		"another user":   {Source: "http.auth.user.id", User: "bob", Email: "bob@example.org"},
		"another source": {Source: "tls.client", User: "ana", Email: ana},
	} {
		w.earlier(who)
		a := b.clone().do(http.MethodPost, "/x/.doorcode/verify", form, clicked)
		if a.StatusCode != http.StatusSeeOther || !strings.Contains(a.Header.Get("Location"), "/begin?probe=") {
			t.Errorf("%s: status %d, %v", name, a.StatusCode, a.Header)
		}
	}
	w.earlier(anaByPassword())
	b.submit("/verify", "code", code).wants(t, http.StatusOK)
	w.earlier(challenge.Identity{Source: "http.auth.user.id", User: "bob", Email: "bob@example.org"})
	b.clone().open("/x").wants(t, http.StatusUnauthorized)
}

// A page of yesterday is no way to enter today's code.
func TestAKnownPersonsFormGetsTooOld(t *testing.T) {
	w := newWorld(t)
	w.earlier(anaByPassword())
	old, b := w.browser(), w.browser()
	old.open("/x")
	w.clock.advance(13 * time.Hour)
	b.open("/x")
	old.jar = b.jar
	sent := old.post(clicked, "/verify", "code", w.mailbox.last(t).Code.Reveal())
	if !strings.Contains(sent.Header.Get("Location"), "/begin?probe=") {
		t.Errorf("Location = %q", sent.Header.Get("Location"))
	}
	old.open(sent.Header.Get("Location")).wants(t, http.StatusUnauthorized, "Check your email")
}

// Where unlisted addresses are revealed, the mailbox of a known person is not.
func TestRevealNeverShowsAKnownPersonsMailbox(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.gate.Policy.Reveal = true })
	w.earlier(anaByPassword())
	b := w.browser()
	b.open("/x")
	w.clock.advance(time.Minute)
	access, err := challenge.NewAccess(challenge.AccessOptions{Allow: []string{"*@example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	w.gate.SetAccess(access)
	if a := b.post(scripted, "/resend"); strings.Contains(a.body, ana) {
		t.Errorf("the mailbox is told:\n%s", a.body)
	}
}

func TestAKnownPersonIsMailedAgainWhenAllIsLongOver(t *testing.T) {
	w := newWorld(t)
	w.earlier(anaByPassword())
	b := w.browser()
	b.open("/x")
	w.clock.advance(11 * time.Minute)
	b.open("/x").wants(t, http.StatusUnauthorized, "This code has expired", "Send a new code")
	w.clock.advance(3 * time.Hour)
	b.open("/x").wants(t, http.StatusUnauthorized, "Check your email")
	if got := len(w.mailbox.all()); got != 2 {
		t.Errorf("%d mails, want 2", got)
	}
}

func TestALimitOnMailToAKnownPersonIsSaid(t *testing.T) {
	w := newWorld(t, func(s *settings) {
		s.gate.Policy.Limits.SendAddress = []challenge.Rate{{N: 1, Per: time.Hour}}
	})
	w.earlier(anaByPassword())
	w.browser().open("/x").wants(t, http.StatusUnauthorized)
	w.clock.advance(time.Minute)
	a := w.browser().open("/x")
	if a.wants(t, http.StatusTooManyRequests, "Too many codes were sent for this address."); a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}
