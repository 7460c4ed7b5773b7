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

// sensitive makes every page of the app want a fresh code.
func (w *world) sensitive() {
	w.arrive = func(in *web.Arrival, _ *http.Request) {
		if !w.door.Owns(in.Original) {
			in.Page = challenge.Page{MaxAge: 10 * time.Minute}
		}
	}
}

// Before, the page named the letters of the mail for the change, and answered its code by
// the same page again without a word.
func TestASensitivePageNamesNoCodeOfAChange(t *testing.T) {
	for name, later := range map[string]time.Duration{"a moment later": 3 * time.Second, "a minute later": time.Minute} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, roomy)
			b := w.browser().signIn("/x", ana)
			w.clock.advance(time.Hour)
			code := b.startsChange(codesPage, challenge.MakeBackupCodes)
			mails, ref := w.mails(), w.mailbox.last(t).Ref
			w.clock.advance(later)
			w.sensitive()
			tab := b.clone()
			tab.jar = b.jar
			tab.open("/delete").wants(t, http.StatusUnauthorized, "Confirm it's you", "We'll send a code to a••@example.com", "!"+ref, "!a moment ago")
			if w.mails() != mails {
				t.Errorf("%d mails that nobody asked for", w.mails()-mails)
			}
			b.submit("/verify", "code", code).wants(t, http.StatusOK, "Create 10 backup codes?")
			tab.submit("/resend").wants(t, http.StatusUnauthorized, "Look for the letters", w.mailbox.last(t).Ref)
			if w.mails() != mails+1 {
				t.Errorf("%d mails for one press", w.mails()-mails)
			}
			tab.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "app")
			if got := tab.at.Path; got != "/delete" {
				t.Errorf("led to %s", got)
			}
		})
	}
}

// A button that is pressed twice at once mails once, as anywhere else.
func TestAPressBesideAChangeMailsOnce(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	w.clock.advance(time.Hour)
	b.startsChange(codesPage, challenge.MakeBackupCodes)
	w.clock.advance(time.Minute)
	w.sensitive()
	tab := b.clone()
	tab.open("/delete").wants(t, http.StatusUnauthorized, "We'll send a code to a••@example.com")
	again, mails := tab.clone(), w.mails()
	tab.submit("/resend").wants(t, http.StatusUnauthorized, "Look for the letters")
	again.submit("/resend")
	if w.mails() != mails+1 {
		t.Errorf("%d mails for one press", w.mails()-mails)
	}
	tab.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "app")
}

// Where nothing is mailed for a press beside a change, that goes on, and the page says why.
// Before, the change lost its cookie, and its code was worth nothing.
func TestAPressBesideAChangeThatMailsNothingEndsNothing(t *testing.T) {
	const often = "Too many codes were sent from this network."
	for name, press := range map[string]func(tab *browser){
		"by the browser": func(tab *browser) { tab.submit("/resend") },
		"by script": func(tab *browser) {
			tab.post(scripted, "/resend").wantsProblem(t, http.StatusTooManyRequests, "too-many-emails")
			tab.open("/delete")
		},
		"with a form": func(tab *browser) {
			tab.sends("/delete", pairs, "a=b", clicked).wants(t, http.StatusUnauthorized, "We'll send a code to a••@example.com")
			tab.submit("/resend").wants(tab.w.t, http.StatusTooManyRequests, "Your form wasn't sent. After the check, press Back and send it again.")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, keyed, mailsOnly(100, 2))
			b := w.browser().signIn("/x", ana)
			w.clock.advance(time.Hour)
			code := b.startsChange(codesPage, challenge.MakeBackupCodes)
			w.clock.advance(time.Minute)
			w.sensitive()
			tab, mails := b.tab(), w.mails()
			tab.open("/delete").wants(t, http.StatusUnauthorized, "We'll send a code to a••@example.com")
			press(tab)
			tab.page.wants(t, http.StatusTooManyRequests, "Try again in", often, "!Use a backup code")
			if tab.page.Header.Get("Retry-After") == "" || strings.Contains(tab.page.body, field) {
				t.Errorf("the page does not say when, or has a field:\n%s", tab.page.text())
			}
			if w.mails() != mails {
				t.Fatalf("%d mails", w.mails()-mails)
			}
			b.open(codesPage).wants(t, http.StatusOK, "To make new backup codes", "!"+often)
			b.submit("/verify", "code", code).wants(t, http.StatusOK, "Create 10 backup codes?")
			tab.open("/delete").wants(t, http.StatusUnauthorized, "We'll send a code to a••@example.com")
		})
	}
	for name, how := range map[string]http.Header{"by the browser": clicked, "by script": scripted} {
		t.Run("where no mail can go out, "+name, func(t *testing.T) {
			w := newWorld(t, keyed)
			b := w.browser().signIn("/x", ana)
			w.clock.advance(time.Hour)
			code := b.startsChange(codesPage, challenge.MakeBackupCodes)
			w.clock.advance(time.Minute)
			w.sensitive()
			tab := b.tab()
			tab.open("/delete")
			w.mailbox.breaks(challenge.ErrQueueFull, false)
			said := tab.post(how, "/resend")
			if strings.Contains(said.body, `"ref"`) || strings.Contains(said.body, "tries_left") {
				t.Errorf("the answer names the code of the change: %s", said.body)
			}
			tab.open("/delete").wants(t, http.StatusUnauthorized, "We'll send a code to a••@example.com")
			b.submit("/verify", "code", code).wants(t, http.StatusOK, "Create 10 backup codes?")
		})
	}
	t.Run("a limit that the change itself has met is no news to others", func(t *testing.T) {
		w := newWorld(t, keyed, mailsOnly(100, 2))
		b := w.browser().signIn("/x", ana)
		w.clock.advance(time.Hour)
		b.startsChange(codesPage, challenge.MakeBackupCodes)
		w.clock.advance(time.Minute)
		b.submit("/resend").wants(t, http.StatusTooManyRequests, often)
		w.sensitive()
		b.tab().open("/delete").wants(t, http.StatusUnauthorized, "We'll send a code to a••@example.com")
	})
}

// A page that names no code leaves the cookie alone: a gate beside this one may wait for
// its code by it.
func TestAPageThatNamesNoCodeSetsNoCookie(t *testing.T) {
	w := newWorld(t, roomy)
	b, other := w.browser().signIn("/x", ana), w.browser().signIn("/x", ana)
	w.clock.advance(time.Hour)
	w.sensitive()
	other.open("/delete").wants(t, http.StatusUnauthorized, "Look for the letters")
	w.clock.advance(3 * time.Second)
	page := b.open("/delete")
	page.wants(t, http.StatusUnauthorized, "We'll send a code to a••@example.com")
	if set := page.Header.Values("Set-Cookie"); len(set) != 0 {
		t.Errorf("it sets %q", set)
	}
	b.submit("/resend").wants(t, http.StatusUnauthorized, "Look for the letters", w.mailbox.last(t).Ref)
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "app")
}

// A form of a change that says it carries another one is refused, and no fault.
func TestAChangeGivenUpWithAFormThatIsNoneIsNoFault(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	w.clock.advance(time.Hour)
	b.startsChange(codesPage, challenge.MakeBackupCodes)
	if page := b.submit("/change", "held", "x"); page.StatusCode >= http.StatusInternalServerError {
		t.Errorf("status %d", page.StatusCode)
	}
}

// The code of another browser's session is of no use in this one.
func TestASensitivePageNamesNoCodeOfAnotherBrowser(t *testing.T) {
	w := newWorld(t, roomy)
	b, other := w.browser().signIn("/x", ana), w.browser().signIn("/x", ana)
	w.clock.advance(time.Hour)
	w.sensitive()
	other.open("/delete").wants(t, http.StatusUnauthorized, "Look for the letters")
	theirs, mails := w.mailbox.last(t), w.mails()
	w.clock.advance(3 * time.Second)
	b.open("/delete").wants(t, http.StatusUnauthorized, "We'll send a code to a••@example.com", "!"+theirs.Ref, "!a moment ago")
	if w.mails() != mails {
		t.Errorf("%d mails that nobody asked for", w.mails()-mails)
	}
	b.submit("/resend").wants(t, http.StatusUnauthorized, "Look for the letters", w.mailbox.last(t).Ref)
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "app")
	other.submit("/verify", "code", theirs.Code.Reveal()).wants(t, http.StatusOK, "app")
}

// Ruling 17, where a session confirms.
func TestR17SensitiveTabsOfOneSessionAreMailedOnce(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	w.clock.advance(time.Hour)
	w.sensitive()
	mails, restored := w.mails(), b.clone()
	b.open("/delete").wants(t, http.StatusUnauthorized, "Look for the letters")
	restored.open("/other").wants(t, http.StatusUnauthorized, "We sent a code a moment ago.", w.mailbox.last(t).Ref)
	if w.mails() != mails+1 {
		t.Errorf("%d mails, want one", w.mails()-mails)
	}
	restored.jar = b.jar
	restored.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "app")
}

// Before, a script told all other tabs to go on, and one at a sensitive page, for which
// that was no code, was loaded anew and had a code mailed.
func TestOnlyTheTabOfAChangeIsToldOfItsCode(t *testing.T) {
	b := newWorld(t, roomy).browser().signIn("/x", ana)
	code := b.startsChange(codesPage, challenge.MakeBackupCodes)
	if said := b.post(scripted, "/verify", "code", code).json(t); !said.OK || said.Verified || said.To != codesPage {
		t.Errorf("of a change: %+v", said)
	}
	b.open(codesPage).wants(t, http.StatusOK, "Create 10 backup codes?")

	again := b.w.browser()
	code = again.ask("/x", ana)
	if said := again.post(scripted, "/verify", "code", code).json(t); !said.OK || !said.Verified {
		t.Errorf("of a sign-in: %+v", said)
	}
}
