// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func TestANewBrowserProvesItselfOnceAndIsThenLeftAlone(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.open("/reports?year=2026").wants(t, http.StatusUnauthorized, "Sign in to app.example.com", "Email address")
	b.submit("/email", "email", ana).wants(t, http.StatusUnauthorized, "Check your email", "If "+ana+" can use")
	mail := w.mailbox.last(t)
	b.open("/reports?year=2026").wants(t, http.StatusUnauthorized, mail.Ref)
	sent := b.post(clicked, "/verify", "code", "Your code is "+mail.Code.Reveal())
	sent.wants(t, http.StatusSeeOther)
	if got := sent.Header.Get("Location"); got != origin+"/reports?year=2026" {
		t.Errorf("Location = %q", got)
	}
	b.open("/other").wants(t, http.StatusOK, "app")
	b.do(http.MethodGet, "/api", nil, scripted).wants(t, http.StatusOK, "app")
	if b.jar["__Host-Http-doorcode-flow"] != "" {
		t.Error("the flow outlives its check")
	}
}

// A page is a function of what is kept: loaded again it says the same, and asks
// for nothing.
func TestAPageLoadedAgainSaysTheSameAndUsesNoTry(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	code := b.ask("/x", ana)
	b.submit("/verify", "code", wrongCode(code, 0)).wants(t, http.StatusUnauthorized, "You have 4 tries left")
	before := w.store.dump(t)
	for range 3 {
		b.open("/x").wants(t, http.StatusUnauthorized, "You have 4 tries left")
	}
	if after := w.store.dump(t); !maps.Equal(before, after) {
		t.Error("loading a page again changed the store")
	}
	b.submit("/resend").wants(t, http.StatusUnauthorized, "You can ask again in 30 seconds")
	w.clock.advance(31 * time.Second)
	b.open("/x").wants(t, http.StatusUnauthorized, "!You can ask again")
	b.submit("/resend").wants(t, http.StatusUnauthorized, "Email sent again")
	b.open("/x").wants(t, http.StatusUnauthorized, "Email sent again")
	if got := len(w.mailbox.all()); got != 2 {
		t.Errorf("%d mails, want 2", got)
	}
}

func TestWhatIsEnteredWrongIsSaidOnThePage(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.open("/")
	for _, nothing := range []string{"", " \t "} {
		b.submit("/email", "email", nothing).wants(t, http.StatusUnauthorized, "Enter your email address.")
	}
	b.submit("/email", "email", "nonsense").wants(t, http.StatusUnauthorized, "Enter an email address like")
	if !strings.Contains(b.page.body, `value="nonsense"`) {
		t.Error("what was typed is gone")
	}
	b.submit("/email", "email", "ana@gmial.com").wants(t, http.StatusUnauthorized, "Did you mean ana@gmail.com?")
	b.submit("/email", "email", "ana@gmial.com", "keep", "1").wants(t, http.StatusUnauthorized, "Check your email")
	b.submit("/change").wants(t, http.StatusUnauthorized, "Sign in to")
	if !strings.Contains(b.page.body, `value="ana@gmial.com"`) {
		t.Error("the address that was used is not filled in")
	}
	b.submit("/email", "email", ana).wants(t, http.StatusUnauthorized, "Check your email")
	mail := w.mailbox.last(t)
	code := mail.Code.Reveal()
	b.submit("/verify", "code", "").wants(t, http.StatusUnauthorized, "Enter the code from the email.")
	b.submit("/verify", "code", code[:4]).wants(t, http.StatusUnauthorized, "You entered 4.")
	b.submit("/verify", "code", "abcdef").wants(t, http.StatusUnauthorized, "only numbers")
	b.submit("/verify", "code", mail.Ref).wants(t, http.StatusUnauthorized, "That is the label")
	for n := range 5 {
		b.submit("/verify", "code", wrongCode(code, n))
	}
	b.page.wants(t, http.StatusUnauthorized, "This code no longer works")
	b.submit("/resend").wants(t, http.StatusUnauthorized, "We sent a new code")
	b.submit("/verify", "code", code).wants(t, http.StatusUnauthorized, "from an earlier email", w.mailbox.last(t).Ref)
	w.clock.advance(11 * time.Minute)
	b.open("/").wants(t, http.StatusUnauthorized, "This code has expired")
}

// Before, the challenge at the address that was left stayed alive beside the new
// one.
func TestAnotherAddressEndsTheChallengeOfTheOneBefore(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	code := b.ask("/", ana)
	waiting := b.clone()
	b.submit("/change")
	waiting.post(clicked, "/verify", "code", wrongCode(code, 0)).wants(t, http.StatusSeeOther)
	b.submit("/email", "email", "bob@example.org").wants(t, http.StatusUnauthorized, "bob@example.org")
	for key, record := range w.store.dump(t) {
		if strings.HasPrefix(key, "door/") && strings.Count(record, `"seed"`) > 1 {
			t.Errorf("%s holds two challenges: %s", key, record)
		}
	}
	waiting.submit("/verify", "code", code).wants(t, http.StatusUnauthorized, "This code has expired")
}

func TestTheSameAddressAfterAChangeGetsANewCode(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	old := b.ask("/", ana)
	b.submit("/change")
	b.submit("/email", "email", ana).wants(t, http.StatusUnauthorized, "Check your email")
	if got := len(w.mailbox.all()); got != 2 {
		t.Fatalf("%d mails, want 2", got)
	}
	b.submit("/verify", "code", old).wants(t, http.StatusUnauthorized, "from an earlier email")
}

// A tab that still shows the address form must not take the code of another tab
// away by a mistyped address.
func TestAMistypedAddressInAnOldTabLeavesTheCodeAlone(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.open("/")
	old := b.clone()
	code := b.ask("/", ana)
	old.jar = b.jar
	old.submit("/email", "email", "nonsense").wants(t, http.StatusUnauthorized, "Enter an email address like")
	b.submit("/verify", "code", code).wants(t, http.StatusOK, "app")
}

// Sending the address form of an old tab once more is no second mail at once.
func TestTheSameAddressInAnOldTabIsAResend(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.open("/")
	old := b.clone()
	b.ask("/", ana)
	old.jar = b.jar
	old.submit("/email", "email", ana).wants(t, http.StatusUnauthorized, "Check your email", "We sent a code a moment ago")
	if got := len(w.mailbox.all()); got != 1 {
		t.Errorf("%d mails, want 1", got)
	}
}

func TestALimitThatIsOverIsNotShownAnyMore(t *testing.T) {
	brief := []challenge.Rate{{N: 1, Per: 2 * time.Minute}}
	for name, limits := range map[string]challenge.Limits{"address": {SendAddress: brief}, "network": {SendIP: brief}} {
		w := newWorld(t, func(s *settings) { s.gate.Policy.Limits = limits })
		w.browser().ask("/", ana)
		b := w.browser()
		b.open("/")
		b.submit("/email", "email", ana).wants(t, http.StatusTooManyRequests, "Too many codes")
		w.clock.advance(3 * time.Minute)
		if b.open("/").wants(t, http.StatusUnauthorized, "!Too many codes"); b.page.Header.Get("Retry-After") != "" {
			t.Errorf("%s: Retry-After = %q", name, b.page.Header.Get("Retry-After"))
		}
		action := map[string]string{"address": "/resend", "network": "/email"}[name]
		b.submit(action, "email", ana).wants(t, http.StatusUnauthorized, "Check your email")
	}
}

// said is a JSON answer to our script.
type said struct {
	OK        bool   `json:"ok"`
	To        string `json:"to"`
	Form      string `json:"form"`
	Type      string `json:"type"`
	Title     string `json:"title"`
	Detail    string `json:"detail"`
	Status    int    `json:"status"`
	Message   string `json:"message"`
	Ref       string `json:"ref"`
	Docs      string `json:"docs"`
	Begin     string `json:"begin"`
	Reason    string `json:"reason"`
	TriesLeft *int   `json:"tries_left"`
	ResendIn  int    `json:"resend_in"`
	Verified  bool   `json:"verified"`
}

func (a answer) json(t testing.TB) (s said) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &s); err != nil {
		t.Fatalf("no JSON: %v:\n%s", err, a.body)
	}
	if a.StatusCode >= 400 && (s.Status != a.StatusCode || a.Header.Get("Content-Type") != "application/problem+json") {
		t.Errorf("status %d (%s) with a body that says %d", a.StatusCode, a.Header.Get("Content-Type"), s.Status)
	}
	return s
}

// wantsProblem checks an answer for programs.
func (a answer) wantsProblem(t testing.TB, status int, kind string) said {
	t.Helper()
	a.wants(t, status)
	s := a.json(t)
	if s.Type != "urn:doorcode:"+kind || !strings.HasSuffix(s.Docs, "/docs/http.md#"+kind) {
		t.Errorf("type %q, docs %q, want %s", s.Type, s.Docs, kind)
	}
	return s
}

func TestAScriptIsToldTheSameAsThePage(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.open("/x?y=1")
	s := b.post(scripted, "/email", "email", "nonsense").wantsProblem(t, http.StatusUnprocessableEntity, "malformed")
	if s.Message == "" {
		t.Error("no message")
	}
	if s := b.post(scripted, "/email", "email", "ana@gmial.com").json(t); !s.OK || s.To != "/x?y=1" {
		t.Errorf("suggestion: %+v, want to be sent to the page", s)
	}
	if s := b.post(scripted, "/email", "email", ana).json(t); !s.OK || s.To != "/x?y=1" {
		t.Errorf("email: %+v", s)
	}
	mail := w.mailbox.last(t)
	code := mail.Code.Reveal()
	b.open("/x?y=1")
	s = b.post(scripted, "/verify", "code", wrongCode(code, 0)).wantsProblem(t, http.StatusUnprocessableEntity, "wrong-code")
	if s.Ref != mail.Ref || s.TriesLeft == nil || *s.TriesLeft != 4 || !strings.Contains(s.Message, "You have 4 tries left") {
		t.Errorf("wrong code: %+v", s)
	}
	a := b.post(scripted, "/resend")
	if s := a.wantsProblem(t, http.StatusTooManyRequests, "too-many-emails"); s.ResendIn != 30 || s.Message == "" || a.Header.Get("Retry-After") != "30" {
		t.Errorf("early resend: %+v, Retry-After %q", s, a.Header.Get("Retry-After"))
	}
	for n := range 3 {
		b.post(scripted, "/verify", "code", wrongCode(code, 1+n)).wantsProblem(t, http.StatusUnprocessableEntity, "wrong-code")
	}
	// What looks different from the page that is open is shown by the page.
	if s := b.post(scripted, "/verify", "code", wrongCode(code, 4)).wantsProblem(t, http.StatusGone, "code-cancelled"); s.Message != "" || s.To != "/x?y=1" {
		t.Errorf("fifth wrong code: %+v", s)
	}
	if s := b.post(scripted, "/resend").json(t); !s.OK {
		t.Errorf("resend: %+v", s)
	}
	b.post(scripted, "/verify", "code", code).wantsProblem(t, http.StatusConflict, "code-superseded")
	fresh := w.mailbox.last(t).Code.Reveal()
	w.clock.advance(11 * time.Minute)
	b.post(scripted, "/verify", "code", fresh).wantsProblem(t, http.StatusGone, "code-expired")
	b.post(scripted, "/resend")
	if s := b.post(scripted, "/verify", "code", w.mailbox.last(t).Code.Reveal()).json(t); !s.OK || s.To != "/x?y=1" {
		t.Errorf("right code: %+v", s)
	}
	b.open("/x").wants(t, http.StatusOK, "app")
}

func TestLimitsAreAnswered429WithRetryAfter(t *testing.T) {
	once := []challenge.Rate{{N: 1, Per: time.Hour}}
	tests := map[string]struct {
		limits challenge.Limits
		kind   string
		says   string
		act    func(b *browser, h http.Header) answer
	}{
		"tries at an address": {challenge.Limits{TryAddress: once}, "locked", "Try again", func(b *browser, h http.Header) answer {
			return b.post(h, "/verify", "code", wrongCode(b.ask("/", ana), 0))
		}},
		"tries of a network": {challenge.Limits{TryIP: once}, "locked", "Too many wrong codes from this network.", func(b *browser, h http.Header) answer {
			code := b.ask("/", ana)
			b.post(clicked, "/verify", "code", wrongCode(code, 0))
			return b.post(h, "/verify", "code", wrongCode(code, 1))
		}},
		"mails to an address": {challenge.Limits{SendAddress: once}, "too-many-emails", "Too many codes were sent for this address.", func(b *browser, h http.Header) answer {
			b.w.browser().ask("/", ana)
			b.open("/")
			return b.post(h, "/email", "email", ana)
		}},
		"mails of a network": {challenge.Limits{SendIP: once}, "too-many-emails", "Too many codes were sent from this network.", func(b *browser, h http.Header) answer {
			b.w.browser().ask("/", ana)
			b.open("/")
			return b.post(h, "/email", "email", ana)
		}},
		"mails of a network for another address": {challenge.Limits{SendIP: once}, "too-many-emails", "Too many codes were sent from this network.", func(b *browser, h http.Header) answer {
			b.ask("/", ana)
			b.submit("/change")
			return b.post(h, "/email", "email", "bob@example.org")
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			limits := func(s *settings) { s.gate.Policy.Limits = test.limits }
			b := newWorld(t, limits).browser()
			test.act(b, clicked).wants(t, http.StatusSeeOther)
			page := b.open("/")
			page.wants(t, http.StatusTooManyRequests, test.says)
			if page.Header.Get("Retry-After") == "" || page.Header.Get("WWW-Authenticate") != "" {
				t.Errorf("page's headers: %v", page.Header)
			}
			b = newWorld(t, limits).browser()
			a := test.act(b, scripted)
			a.wantsProblem(t, http.StatusTooManyRequests, test.kind)
			if a.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After for scripts")
			}
		})
	}
}

func TestMailThatFailsIsSaidToFail(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.open("/")
	w.mailbox.breaks(challenge.ErrQueueFull, false)
	a := b.post(scripted, "/email", "email", ana)
	if a.wantsProblem(t, http.StatusServiceUnavailable, "mail-unavailable"); a.Header.Get("Retry-After") != "30" {
		t.Errorf("Retry-After = %q", a.Header.Get("Retry-After"))
	}
	page := b.open("/")
	if page.wants(t, http.StatusServiceUnavailable, "We couldn't send the email"); page.Header.Get("Retry-After") != "30" {
		t.Errorf("Retry-After = %q", page.Header.Get("Retry-After"))
	}
	w.mailbox.breaks(nil, false)
	b.submit("/resend").wants(t, http.StatusUnauthorized, "Check your email")
	// The health of the transport shows to everybody alike.
	w.mailbox.breaks(nil, true)
	b.open("/").wants(t, http.StatusServiceUnavailable, "We couldn't send the email")
}

func TestAStoreThatDoesNotAnswerIsSaidToBeDown(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	code := b.ask("/", ana)
	w.store.breaks(true)
	down := b.post(clicked, "/verify", "code", code)
	if down.wants(t, http.StatusServiceUnavailable, "Sign-in is unavailable"); down.Header.Get("Retry-After") != "10" {
		t.Errorf("Retry-After = %q", down.Header.Get("Retry-After"))
	}
	b.post(scripted, "/verify", "code", code).wantsProblem(t, http.StatusServiceUnavailable, "unavailable")
	b.clone().open("/").wants(t, http.StatusServiceUnavailable, "Sign-in is unavailable")
	w.store.breaks(false)
	b.submit("/verify", "code", code).wants(t, http.StatusOK, "app")
}

// What a person wanted to see may stand in the query, which the address of an
// endpoint does not have.
func TestAfterAnOutageTheWayLeadsToThePageThatWasWanted(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	code := b.ask("/r?k=v&l=%2F", ana)
	w.store.breaks(true)
	for _, tt := range []struct {
		name    string
		sealed  bool
		referer string
		again   string
	}{
		{"a form of ours", true, "", "/r?k=v&amp;l=%2F"},
		{"a form of ours, whatever the referrer", true, origin + "/y", "/r?k=v&amp;l=%2F"},
		{"no form, from a page of ours", false, origin + "/r?k=v", "/r?k=v"},
		{"no form, from an endpoint of ours", false, origin + "/r/.doorcode/email", "/r"},
		{"no form, from another site", false, "https://evil.example/r?k=v", "/r"},
		{"no form, from nobody knows where", false, "", "/r"},
		{"no form, from a page that tells its origin alone", false, origin + "/", "/r"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target, fields := b.form("/verify")
			fields.Set("code", code)
			if !tt.sealed {
				target, fields = "/r/.doorcode/begin", nil
			}
			page := b.clone().do(http.MethodPost, target, fields, with(clicked, "Referer", tt.referer))
			page.wants(t, http.StatusServiceUnavailable, "Sign-in is unavailable", "Try again in a moment.")
			if want := `href="` + origin + tt.again + `"`; !strings.Contains(page.body, want) {
				t.Errorf("no %s in:\n%s", want, page.body)
			}
		})
	}
}

func TestRevealTellsWhoIsNotOnTheList(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.gate.Policy.Reveal = true })
	b := w.browser()
	b.open("/")
	b.post(scripted, "/email", "email", eve).wantsProblem(t, http.StatusUnprocessableEntity, "not-listed")
	b.open("/").wants(t, http.StatusUnauthorized, eve+" isn't on the list", "Sign in to")
	b.submit("/email", "email", ana).wants(t, http.StatusUnauthorized, "Check your email")
}
