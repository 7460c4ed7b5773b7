// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"bytes"
	"html"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

const (
	notYet    = "Your form wasn't sent yet. Enter the code and you can send it."
	lost      = "Your form wasn't sent. After the check, press Back and send it again."
	sendNow   = "Send your form now?"
	neverSent = "Your form wasn't sent"
	pairs     = "application/x-www-form-urlencoded"
)

// late is a browser whose session ended an hour ago.
func (w *world) late(address string) *browser {
	w.t.Helper()
	b := w.browser().signIn("/x", address)
	w.clock.advance(13 * time.Hour)
	return b
}

// sends sends a form of the app, and stays on the page that answers it.
func (b *browser) sends(target, media, body string, h http.Header) answer {
	b.w.t.Helper()
	r := b.request(http.MethodPost, target, url.Values{}, h)
	r.Header.Set("Content-Type", media)
	whole := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Body, r.ContentLength = whole.Body, whole.ContentLength
	at, err := url.Parse(target)
	if err != nil {
		b.w.t.Fatal(err)
	}
	b.page, b.at = b.send(r), at
	return b.page
}

// stay sends a form of the page, and stays where that answers.
func (b *browser) stay(action string, pairs ...string) answer {
	b.w.t.Helper()
	target, _ := b.form(action)
	at, err := url.Parse(target)
	if err != nil {
		b.w.t.Fatal(err)
	}
	b.page, b.at = b.post(clicked, action, pairs...), at
	return b.page
}

// heldIn is the form that a page holds; empty for none.
func heldIn(a answer) string {
	match := regexp.MustCompile(`name="held" value="([^"]*)"`).FindStringSubmatch(a.body)
	if match == nil {
		return ""
	}
	return match[1]
}

// offered is the form that screen [8] would send.
type offered struct {
	Action, Discard string
	Multipart       bool
	Fields          []pages.Field
}

var (
	actionPattern  = regexp.MustCompile(`<form method="post" action="([^"]*)"( enctype="multipart/form-data")?`)
	discardPattern = regexp.MustCompile(`<a class="second button" href="([^"]*)"`)
)

func offerIn(t testing.TB, a answer) (o offered) {
	t.Helper()
	a.wants(t, http.StatusOK, sendNow)
	action, discard := actionPattern.FindStringSubmatch(a.body), discardPattern.FindStringSubmatch(a.body)
	if action == nil || discard == nil || strings.Contains(a.body, "<script") {
		t.Fatalf("no page that sends a form:\n%s", a.body)
	}
	o.Action, o.Multipart, o.Discard = html.UnescapeString(action[1]), action[2] != "", html.UnescapeString(discard[1])
	for _, hidden := range hiddenPattern.FindAllStringSubmatch(a.body, -1) {
		o.Fields = append(o.Fields, pages.Field{Name: html.UnescapeString(hidden[1]), Value: html.UnescapeString(hidden[2])})
	}
	return o
}

// inParts writes fields as multipart/form-data.
func inParts(fields ...pages.Field) (media, body string) {
	var buf bytes.Buffer
	m := multipart.NewWriter(&buf)
	for _, f := range fields {
		_ = m.WriteField(f.Name, f.Value)
	}
	_ = m.Close()
	return m.FormDataContentType(), buf.String()
}

// Fields that could be taken for ours, that repeat, and that hold anything.
var draft = []pages.Field{
	{Name: "title", Value: `Say "hi" & <b>bye</b>`},
	{Name: "tag", Value: "one"},
	{Name: "tag", Value: "two"},
	{Name: "text", Value: "a\r\n\r\n\tb+c%20=;"},
	{Name: "flow", Value: "mine"},
	{Name: "held", Value: "mine"},
	{Name: "code", Value: "123456"},
	{Name: "_method", Value: "put"},
	{Name: "empty", Value: ""},
	{Name: "ünï[]", Value: "😀"},
}

func encode(fields []pages.Field) string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = url.QueryEscape(f.Name) + "=" + url.QueryEscape(f.Value)
	}
	return strings.Join(all, "&")
}

// The acceptance of held forms, with and without scripts: the app receives the
// same fields, once, and only when the person sends them.
func TestRuling37AndRD04AFormSurvivesTheCheckAndIsSentByItsPerson(t *testing.T) {
	media, body := inParts(draft...)
	for name, form := range map[string]struct {
		media, body string
		parts       bool
	}{
		"pairs": {pairs, encode(draft), false}, "parts": {media, body, true}, "no fields": {pairs, "", false},
	} {
		for _, header := range []http.Header{scripted, clicked} {
			t.Run(name+" "+header.Get("Accept")[:11], func(t *testing.T) {
				w := newWorld(t)
				b := w.late(ana)
				passed := w.passed.Load()
				b.sends("/posts/new%20one?draft=1&x=%2F", form.media, form.body, clicked).wants(t, http.StatusUnauthorized, notYet, "Email address")
				if strings.Contains(b.page.body, "hi&") || heldIn(b.page) == "" || !strings.Contains(b.page.body, " data-post") {
					t.Fatalf("no form is held, or for all to see:\n%s", b.page.body)
				}
				b.stay("/email", "email", ana)
				b.page.wants(t, http.StatusUnauthorized, notYet, "Check your email")
				for key, record := range w.store.dump(t) {
					if strings.Contains(record, "draft") || strings.Contains(record, "hi") && strings.Contains(record, "bye") {
						t.Errorf("the store holds the form: %s", key)
					}
				}
				code := w.mailbox.last(t).Code.Reveal()
				a := b.post(header, "/verify", "code", code)
				if header.Get("Accept") == scripted.Get("Accept") {
					s := a.json(t)
					if !s.OK || s.To != "/posts/new%20one?draft=1&x=%2F" || !strings.HasPrefix(s.Form, "/posts/new%20one/.doorcode/form?for=") {
						t.Fatalf("told %+v", s)
					}
					a = b.do(http.MethodPost, s.Form, url.Values{"held": {heldIn(b.page)}, "flow": {"x"}, "remember": {"1"}}, clicked)
				}
				if w.passed.Load() != passed {
					t.Fatal("something was sent to the app by itself")
				}
				want := offered{"/posts/new%20one?draft=1&x=%2F", "/", form.parts, draft}
				if form.body == "" {
					want.Fields = nil
				}
				if diff := cmp.Diff(want, offerIn(t, a)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				a.wants(t, http.StatusOK, "You filled in a form on /posts/new one before the check. It hasn't been sent.")
				b.sends(want.Action, form.media, form.body, clicked).wants(t, http.StatusOK, "app")
				if w.passed.Load() != passed+1 {
					t.Errorf("the app got %d forms", w.passed.Load()-passed)
				}
			})
		}
	}
}

// Without scripts, every button of the page leads back to a page that still has
// the form. Before, a redirect would have lost it.
func TestRuling37NoButtonOfThePageLosesTheForm(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.late(ana)
	held := heldIn(b.sends("/form", pairs, encode(draft), clicked))
	press := func(want, action string, pairs ...string) {
		t.Helper()
		if b.stay(action, pairs...); b.page.StatusCode == http.StatusSeeOther {
			t.Fatalf("%s: redirected", want)
		}
		b.page.wants(t, b.page.StatusCode, want, notYet)
		if heldIn(b.page) != held || !strings.Contains(b.page.body, " data-post") {
			t.Fatalf("%s: the form was lost", want)
		}
	}
	press("Enter your email address.", "/email")
	press("Enter an email address like", "/email", "email", "nonsense")
	press("Did you mean ana@gmail.com?", "/email", "email", "ana@gmial.com")
	press("Check your email", "/email", "email", ana)
	code := w.mailbox.last(t).Code.Reveal()
	press("You have 4 tries left", "/verify", "code", wrongCode(code, 0))
	press("You entered 2", "/verify", "code", "12")
	press("Enter the code from the email.", "/verify")
	press("You can ask again in 30 seconds", "/resend")
	press("Sign in to", "/change")
	press("Check your email", "/email", "email", ana)
	w.clock.advance(31 * time.Second)
	press("Email sent again", "/resend")
	code = w.mailbox.last(t).Code.Reveal()
	for n := range 5 {
		press("", "/verify", "code", wrongCode(code, n))
	}
	b.page.wants(t, http.StatusUnauthorized, "This code no longer works")
	press("We sent a new code", "/resend")
	offerIn(t, b.post(clicked, "/verify", "code", w.mailbox.last(t).Code.Reveal()))
}

// JSON answers stay JSON, and say nothing of the form until the person is in.
func TestRuling37AScriptIsToldAsWithoutAForm(t *testing.T) {
	w := newWorld(t)
	b := w.late(ana)
	b.sends("/form", pairs, "a=b", clicked)
	b.stay("/email", "email", ana)
	s := b.post(scripted, "/verify", "code", wrongCode(w.mailbox.last(t).Code.Reveal(), 0)).wantsProblem(t, http.StatusUnprocessableEntity, "wrong-code")
	if s.Form != "" || !strings.Contains(s.Message, "4 tries left") {
		t.Errorf("told %+v", s)
	}
	if s := b.post(scripted, "/change").json(t); !s.OK || s.Form != "" {
		t.Errorf("told %+v", s)
	}
}

// Somebody who only has to confirm their session keeps their form, too.
func TestRuling37AFormWaitsForAConfirmation(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	w.arrive = func(in *web.Arrival, r *http.Request) {
		if r.URL.Path == "/pay" {
			in.Page = challenge.Page{MaxAge: 5 * time.Minute}
		}
	}
	w.clock.advance(time.Hour)
	b.sends("/pay", pairs, "amount=1", clicked).wants(t, http.StatusUnauthorized, "Confirm it's you", notYet)
	code := w.mailbox.last(t).Code.Reveal()
	b.stay("/verify", "code", wrongCode(code, 0)).wants(t, http.StatusUnauthorized, "Confirm it's you", "You have 4 tries left", notYet)
	a := b.post(clicked, "/verify", "code", code)
	if o := offerIn(t, a); o.Action != "/pay" || !slices.Equal(o.Fields, []pages.Field{{Name: "amount", Value: "1"}}) {
		t.Errorf("offered %+v", o)
	}
	b.sends("/pay", pairs, "amount=1", clicked).wants(t, http.StatusOK, "app")
}

// Ruling 36: what another site makes a browser send never gets into a page,
// whatever session the browser had.
func TestRuling36AFormOfAnotherSiteIsNeitherHeldNorSent(t *testing.T) {
	w := newWorld(t)
	b := w.late(ana)
	passed := w.passed.Load()
	for name, header := range elsewhere {
		tab := b.clone()
		a := tab.sends("/form", pairs, "amount=1000000", header)
		if heldIn(a) != "" || strings.Contains(a.body, "<form") || len(a.Cookies()) > 0 || strings.Contains(a.body, "1000000") {
			t.Errorf("%s: cookies %v\n%s", name, a.Cookies(), a.body)
		}
	}
	if w.passed.Load() != passed {
		t.Error("the app got a form")
	}
}

// Only a session that has just ended has anything to hold.
func TestRuling37AFormNeedsASessionThatHasJustEnded(t *testing.T) {
	w := newWorld(t)
	fresh := w.browser()
	b := w.browser().signIn("/x", ana)
	forged := b.clone()
	forged.jar[sessionName] = b.jar[sessionName][:len(b.jar[sessionName])-2] + "AA"
	w.clock.advance(12*time.Hour + 24*time.Hour)
	held := map[*browser]bool{fresh: false, forged: false, b: true}
	for tab, want := range held {
		if got := heldIn(tab.clone().sends("/x", pairs, "a=b", clicked)) != ""; got != want {
			t.Errorf("held %v, want %v", got, want)
		}
	}
	w.clock.advance(time.Second)
	if a := b.sends("/x", pairs, "a=b", clicked); heldIn(a) != "" {
		t.Error("held although the session ended more than a day ago")
	}
	out := w.browser().signIn("/x", ana)
	ended := out.clone()
	out.open("/.doorcode/signout")
	out.submit("/signout")
	if a := ended.sends("/x", pairs, "a=b", clicked); heldIn(a) == "" {
		t.Error("not held although the session was ended a moment ago")
	}
	if a := out.sends("/x", pairs, "a=b", clicked); heldIn(a) != "" {
		t.Error("held for a browser that is signed out")
	}
}

func TestRuling37AFormIsHeldForAQuarterOfAnHour(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.late(ana)
	held := heldIn(b.sends("/form", pairs, "a=b", clicked))
	b.stay("/email", "email", ana)
	w.clock.advance(14 * time.Minute)
	b.stay("/resend") // makes the check younger, not the form
	b.page.wants(t, http.StatusUnauthorized, notYet)
	code := w.mailbox.last(t).Code.Reveal()
	w.clock.advance(time.Minute)
	in := b.clone()
	s := in.post(scripted, "/verify", "code", code).json(t)
	offerIn(t, in.clone().do(http.MethodPost, s.Form, url.Values{"held": {held}}, clicked))
	w.clock.advance(time.Second)
	in.do(http.MethodPost, s.Form, url.Values{"held": {held}}, clicked).wants(t, http.StatusConflict, neverSent)

	b.stay("/resend")
	b.page.wants(t, http.StatusUnauthorized, lost)
	if heldIn(b.page) != "" {
		t.Error("the page still holds the form")
	}
	b.post(clicked, "/verify", "code", w.mailbox.last(t).Code.Reveal(), "held", held).wants(t, http.StatusConflict, neverSent)
	b.open("/x").wants(t, http.StatusOK, "app")
}

// With an earlier step and a button before the mail, the form waits there, too.
func TestRuling37AFormWaitsForTheButton(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.web.SendButton = true })
	w.earlier(anaByPassword())
	b := w.browser()
	b.open("/x")
	b.submit("/resend")
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "app")
	w.clock.advance(13 * time.Hour)
	mails := len(w.mailbox.all())
	b.sends("/form", pairs, "a=b", clicked).wants(t, http.StatusUnauthorized, "We'll send a code", notYet)
	if len(w.mailbox.all()) != mails {
		t.Error("mailed without the button")
	}
	b.stay("/resend").wants(t, http.StatusUnauthorized, "Check your email", notYet)
	offerIn(t, b.post(clicked, "/verify", "code", w.mailbox.last(t).Code.Reveal()))
}

// A form belongs to the check that it was held in, not to a later one.
func TestRuling37AFormIsTiedToItsCheck(t *testing.T) {
	w := newWorld(t)
	b := w.late(ana)
	held := heldIn(b.sends("/form", pairs, "a=b", clicked))
	delete(b.jar, flowName)
	b.open("/form")
	b.submit("/email", "email", ana)
	b.post(clicked, "/verify", "code", w.mailbox.last(t).Code.Reveal(), "held", held).wants(t, http.StatusConflict, neverSent)
}

// A check that is over, or of another tab, takes the form with it and says so.
func TestAFormWhoseCheckIsLostIsNotLostInSilence(t *testing.T) {
	w := newWorld(t)
	b := w.late(ana)
	b.sends("/form?x=1", pairs, "a=b", clicked)
	delete(b.jar, flowName)
	a := b.post(clicked, "/email", "email", ana)
	a.wants(t, http.StatusConflict, neverSent)
	if !strings.Contains(a.body, `href="`+origin+`/form?x=1"`) || strings.Contains(a.body, "<form") {
		t.Errorf("no link back:\n%s", a.body)
	}
	b.post(scripted, "/email", "email", ana).wantsProblem(t, http.StatusConflict, "check-lost")
}
