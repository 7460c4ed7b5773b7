// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// Whoever goes back from the code of a passkey that they had to make is on the page with
// the way on still, by script or without: the script loads the page as it stands.
func TestGoingBackFromTheCodeOfAPasskeyKeepsTheWayOn(t *testing.T) {
	const page = "/reports?year=2026"
	for name, back := range map[string]func(b *browser){
		"without a script": func(b *browser) { b.submit("/change") },
		"by script": func(b *browser) {
			b.post(scripted, "/change").json(b.w.t)
			b.open(b.at.RequestURI())
		},
		"of a page that answers a POST, by script": func(b *browser) {
			b.page = b.do(http.MethodPost, b.at.RequestURI(), url.Values{"action": {"open"}}, clicked)
			b.page.wants(b.w.t, http.StatusOK, "Confirm it's you")
			b.open(b.post(scripted, "/change").json(b.w.t).To)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWorld(t, onlyKeyed, roomy).browser()
			b.provesACode(page)
			b.goesToAdd(func(own string) string { return own })
			b.submit("/passkeys", "action", "start", "change", "add_passkey").wants(t, http.StatusOK, "Confirm it's you")
			back(b)
			b.page.wants(t, http.StatusOK, "You don't have any passkeys.")
			if got := b.addsAndGoesOn(); got != origin+page {
				t.Errorf("it leads on to %s, want %s", got, page)
			}
		})
	}
}

// The tab of passkeys leads to the page without a query, while its code is waited for.
func TestTheTabOfPasskeysKeepsTheWayOn(t *testing.T) {
	const page = "/reports?year=2026"
	b := newWorld(t, onlyKeyed, roomy).browser()
	b.provesACode(page)
	b.goesToAdd(func(own string) string { return own })
	b.submit("/passkeys", "action", "start", "change", "add_passkey").wants(t, http.StatusOK, "Confirm it's you")
	b.open("/reports"+passkeysPage).wants(t, http.StatusOK, "Confirm it's you")
	b.submit("/change").wants(t, http.StatusOK, "You don't have any passkeys.")
	if got := b.addsAndGoesOn(); got != origin+page {
		t.Errorf("it leads on to %s, want %s", got, page)
	}
}

// Before, whoever pressed the button again within half a minute, in another tab or after
// they had thought better of it, saw the page again without a word, and the code that
// was on its way was worth nothing any more.
func TestAChangeThatIsAskedForAgainHasTheCodeOfTheFirstTime(t *testing.T) {
	tests := map[string]struct {
		change func(*settings)
		mails  int // that are asked for before
		later  time.Duration
		says   string
	}{
		"a moment later":    {roomy, 0, 3 * time.Second, "We sent a code a moment ago."},
		"after three mails": {roomy, 2, 31 * time.Second, "We've sent 3 emails."},
		"beyond a limit":    {func(s *settings) { s.gate.Policy.Limits.SendAddress = []challenge.Rate{{N: 1, Per: time.Hour}} }, 0, 31 * time.Second, "Too many codes were sent for this address."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, keyed, test.change)
			b := w.browser().signIn("/x", ana)
			b.open(passkeysPage)
			other := b.clone()
			b.submit("/passkeys", "action", "start", "change", "add_passkey").wants(t, http.StatusOK, "Confirm it's you")
			for range test.mails {
				w.clock.advance(31 * time.Second)
				b.submit("/resend").wants(t, http.StatusOK, "Email sent again")
			}
			code, mails := w.mailbox.last(t).Code.Reveal(), w.mails()
			w.clock.advance(test.later)
			other.jar = b.jar
			other.submit("/passkeys", "action", "start", "change", "add_passkey")
			if text := other.page.text(); !strings.Contains(text, "Confirm it's you") || !strings.Contains(text, test.says) {
				t.Errorf("the page says %s", text)
			}
			if w.mails() != mails {
				t.Errorf("%d more mails", w.mails()-mails)
			}
			other.submit("/verify", "code", code).wants(t, http.StatusOK, "Your device will ask")
		})
	}
	t.Run("another change", func(t *testing.T) {
		b := newWorld(t, keyed, roomy).browser().signIn("/x", ana)
		b.startsChange(waysPage, challenge.AddApp)
		b.startsChange(passkeysPage, challenge.AddPasskey)
		b.page.wants(t, http.StatusOK, "To add a passkey", "!a moment ago")
	})
}

// TestAReplacedChangeKeepsTheWayOn: its page has another query, by which it says that the code
// was for something else, and its script loads the page as it stands.
func TestAReplacedChangeKeepsTheWayOn(t *testing.T) {
	const page = "/reports?year=2026"
	t.Run("by a change of another page", func(t *testing.T) {
		b := newWorld(t, onlyKeyed, roomy).browser()
		b.provesACode(page)
		b.goesToAdd(func(own string) string { return own })
		b.submit("/passkeys", "action", "start", "change", "add_passkey").wants(t, http.StatusOK, "Confirm it's you")
		b.tab().startsChange(codesPage, challenge.MakeBackupCodes)
		b.submit("/verify", "code", "123456").wants(t, http.StatusOK, "You don't have any passkeys.")
		if got := b.addsAndGoesOn(); got != origin+page {
			t.Errorf("it leads on to %s, want %s", got, page)
		}
	})
	for name, back := range map[string]func(b *browser){
		"without a script": func(b *browser) { b.submit("/change") },
		"by script": func(b *browser) {
			b.post(scripted, "/change").json(b.w.t)
			b.open(b.at.RequestURI())
		},
	} {
		t.Run("by one of its own page, "+name, func(t *testing.T) {
			b := newWorld(t, onlyKeyed, roomy).browser()
			b.provesACode("/reports")
			b.addsPasskey("Phone")
			b.w.clock.advance(time.Minute)
			b.open(page).wants(t, http.StatusUnauthorized, "Use a passkey")
			b.open("/" + addLink.FindStringSubmatch(b.page.body)[1][len("./"):])
			b.submit("/passkeys", "action", "start", "change", "add_passkey").wants(t, http.StatusOK, "Confirm it's you", "To add a passkey")
			tab := b.tab()
			tab.open("/reports"+passkeysPage+"?later").wants(t, http.StatusOK, "Phone")
			tab.submit("/passkeys", "action", "start", "change", "remove_passkey", "id", idOfPasskey(tab)).wants(t, http.StatusOK, "To remove a passkey")
			b.submit("/verify", "code", "123456").wants(t, http.StatusOK, "To remove a passkey", "another")
			back(b)
			b.page.wants(t, http.StatusOK, "Phone")
			if got := b.addsAndGoesOn(); got != origin+page {
				t.Errorf("it leads on to %s, want %s", got, page)
			}
		})
	}
}

// The way on stands in the address only where that does not grow too long for one: a page
// with a long path is shown without it, and not sent back to for ever.
func TestALongPathLeadsToTheCodeOfAChange(t *testing.T) {
	for _, length := range []int{60, 88, 100, 120} {
		page := "/files/" + strings.Repeat("%E6%97%A5", length)
		b := newWorld(t, onlyKeyed, roomy).browser()
		b.provesACode(page)
		b.goesToAdd(func(own string) string { return own })
		b.submit("/passkeys", "action", "start", "change", "add_passkey").wants(t, http.StatusOK, "Confirm it's you")
	}
	b, kept := newWorld(t, onlyKeyed, roomy).browser(), map[bool]int{}
	b.provesACode("/x")
	b.goesToAdd(func(own string) string { return own })
	b.submit("/passkeys", "action", "start", "change", "add_passkey").wants(t, http.StatusOK, "Confirm it's you")
	for length := 1600; length < 2000; length++ { // about where "replaced" makes it too long
		b.open("/"+strings.Repeat("a", length)+passkeysPage+"?replaced").wants(t, http.StatusOK, "Confirm it's you")
		kept[b.at.Query().Has("to")]++
	}
	if kept[true] == 0 || kept[false] == 0 {
		t.Errorf("the way on stands in so many addresses: %v", kept)
	}
}
