// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A form is never given to another address than the one whose session sent it.
func TestRuling37AFormIsNotGivenToAnotherAddress(t *testing.T) {
	w := newWorld(t)
	b := w.late(ana)
	held := heldIn(b.sends("/form", pairs, "secret=ana", clicked))
	b.stay("/email", "email", "bob@example.org")
	b.page.wants(t, http.StatusUnauthorized, "Check your email", lost)
	if heldIn(b.page) != "" {
		t.Fatal("bob's page holds ana's form")
	}
	code := w.mailbox.last(t).Code.Reveal()
	script := b.clone()
	a := b.post(clicked, "/verify", "code", code, "held", held)
	a.wants(t, http.StatusConflict, neverSent)
	if strings.Contains(a.body, "ana") || b.jar[sessionName] == script.jar[sessionName] {
		t.Errorf("signed in: %v\n%s", b.jar[sessionName] != script.jar[sessionName], a.body)
	}
	b.open("/x").wants(t, http.StatusOK, "app")

	script.submit("/change")
	script.submit("/email", "email", "bob@example.org")
	s := script.post(scripted, "/verify", "code", w.mailbox.last(t).Code.Reveal(), "held", held).json(t)
	a = script.do(http.MethodPost, s.Form, url.Values{"held": {held}}, clicked)
	a.wants(t, http.StatusConflict, neverSent, "!ana")
}

// Whoever plants a form of theirs in another browser gets nobody to send it.
func TestRuling37AFormIsTiedToTheBrowserThatFilledItIn(t *testing.T) {
	for name, earlier := range map[string]bool{"typed addresses": false, "an earlier step": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, roomy)
			ask := func(b *browser) (code string) {
				b.stay("/email", "email", ana)
				return w.mailbox.last(t).Code.Reveal()
			}
			thief, victim := w.browser().signIn("/x", ana), w.browser().signIn("/x", ana)
			if earlier {
				w.earlier(anaByPassword())
				ask = func(*browser) string { return w.mailbox.last(t).Code.Reveal() }
				for _, b := range []*browser{thief, victim} {
					b.jar = map[string]string{}
					w.clock.advance(time.Minute)
					b.open("/x")
					b.submit("/verify", "code", ask(b)).wants(t, http.StatusOK, "app")
				}
			}
			w.clock.advance(13 * time.Hour)
			planted := heldIn(thief.sends("/form", pairs, "by=thief", clicked))
			if planted == "" {
				t.Fatal("not held")
			}
			if !earlier {
				thief.stay("/email", "email", ana)
			}
			s := thief.post(scripted, "/verify", "code", w.mailbox.last(t).Code.Reveal()).json(t)
			w.clock.advance(time.Minute)

			own := heldIn(victim.sends("/form", pairs, "by=victim", clicked))
			code := ask(victim)
			for _, header := range []http.Header{clicked, scripted} {
				tab := victim.clone()
				a := tab.post(header, "/verify", "code", wrongCode(code, 0), "held", planted)
				if strings.Contains(a.body, "thief") || strings.Contains(a.body, planted) {
					t.Errorf("the planted form is on the page:\n%s", a.body)
				}
			}
			tab := victim.clone()
			mine := tab.post(scripted, "/verify", "code", code).json(t)
			for name, form := range map[string][2]string{
				"the thief's form and ticket": {s.Form, planted}, "the thief's form": {mine.Form, planted},
				"the thief's ticket": {s.Form, own}, "no ticket": {"/form/.doorcode/form", own}, "no form": {mine.Form, ""}, "nonsense": {mine.Form, "AAAA"},
			} {
				a := tab.clone().do(http.MethodPost, form[0], url.Values{"held": {form[1]}}, clicked)
				a.wants(t, http.StatusConflict, neverSent, "!by")
				if !strings.Contains(a.body, `href="`+origin+`/form"`) {
					t.Errorf("%s: no link:\n%s", name, a.body)
				}
			}
			if o := offerIn(t, tab.do(http.MethodPost, mine.Form, url.Values{"held": {own}}, clicked)); o.Fields[0].Value != "victim" {
				t.Errorf("offered %+v", o)
			}
		})
	}
}

// The endpoint that gives a form back is for the page that has it, and for the
// session that came of its check.
func TestCSR01AHeldFormIsGivenToAPageOfOursOnly(t *testing.T) {
	w := newWorld(t)
	b := w.late(ana)
	held := heldIn(b.sends("/form", pairs, "a=b", clicked))
	b.stay("/email", "email", ana)
	s := b.post(scripted, "/verify", "code", w.mailbox.last(t).Code.Reveal()).json(t)
	form := url.Values{"held": {held}}
	for name, header := range elsewhere {
		if a := b.clone().do(http.MethodPost, s.Form, form, header); a.StatusCode != http.StatusForbidden || strings.Contains(a.body, "Send it") {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
	}
	b.clone().do(http.MethodGet, s.Form+"&held="+held, nil, clicked).wants(t, http.StatusSeeOther, "!Send it")
	w.browser().do(http.MethodPost, s.Form, form, clicked).wants(t, http.StatusConflict, neverSent)
	w.browser().signIn("/x", ana).do(http.MethodPost, s.Form, form, clicked).wants(t, http.StatusConflict, neverSent)
	before := w.store.dump(t)
	for range 2 { // loaded again
		offerIn(t, b.do(http.MethodPost, s.Form, form, clicked))
	}
	if !maps.Equal(before, w.store.dump(t)) {
		t.Error("the store was changed")
	}
	w.store.breaks(true)
	w.clock.advance(time.Second)
	offerIn(t, b.clone().do(http.MethodPost, s.Form, form, clicked)) // within the grace
	w.store.breaks(false)
	b.open("/.doorcode/signout")
	after := b.clone()
	b.submit("/signout")
	after.do(http.MethodPost, s.Form, form, clicked).wants(t, http.StatusConflict, neverSent)
}
