// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// startsAgain presses the button of a change on the page that it is on.
func (b *browser) startsAgain(kind challenge.ChangeKind, pairs ...string) answer {
	b.w.t.Helper()
	return b.submit(b.at.Path[strings.LastIndexByte(b.at.Path, '/'):], append([]string{"action", "start", "change", string(kind)}, pairs...)...)
}

// Before, each time that somebody went back from a change and thought better of it, another
// code was mailed, and the one that they had was worth nothing.
func TestAChangeThatIsTakenUpAgainTakesTheCodeThatWasMailed(t *testing.T) {
	for name, test := range map[string]struct {
		later  time.Duration
		says   string
		script bool
	}{
		"at once":               {time.Second, "We sent a code a moment ago.", false},
		"at once, by script":    {time.Second, "We sent a code a moment ago.", true},
		"some minutes later":    {8 * time.Minute, "!a moment ago", false},
		"beyond a limit of its": {time.Minute, "!Too many codes", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, mailsOnly(1, 100))
			b := w.browser().signIn("/x", ana)
			code := b.startsChange(codesPage, challenge.MakeBackupCodes)
			mails, ref := w.mails(), w.mailbox.last(t).Ref
			if test.script {
				if said := b.post(scripted, "/change").json(t); !said.OK || said.To != codesPage {
					t.Errorf("a script is told %+v", said)
				}
				b.open(codesPage)
			} else {
				b.submit("/change")
			}
			b.page.wants(t, http.StatusOK, "!Confirm it's you")
			w.clock.advance(test.later)
			b.open(codesPage).wants(t, http.StatusOK, "!Confirm it's you")
			b.startsAgain(challenge.MakeBackupCodes).wants(t, http.StatusOK, "Confirm it's you", "To make new backup codes", ref, test.says)
			if w.mails() != mails {
				t.Errorf("%d more mails", w.mails()-mails)
			}
			b.submit("/verify", "code", code).wants(t, http.StatusOK, "Create 10 backup codes?")
		})
	}
}

// TestSTP03ACodeThatWasLeftIsOfItsChangeAlone, and of the session and browser that asked for
// it; and it is worth nothing before its person asks for that change again.
func TestSTP03ACodeThatWasLeftIsOfItsChangeAlone(t *testing.T) {
	asksAnew := func(t *testing.T, b *browser, page string, kind challenge.ChangeKind, pairs ...string) {
		t.Helper()
		left := b.w.mailbox.last(t)
		b.startsChange(page, kind, pairs...) // which wants one more mail
		if now := b.w.mailbox.last(t); now.Ref == left.Ref || now.Code == left.Code {
			t.Errorf("the letters are %s again", now.Ref)
		}
		b.submit("/verify", "code", left.Code.Reveal()).wants(t, http.StatusOK, "Confirm it's you")
		b.submit("/verify", "code", b.w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "!Confirm it's you")
	}
	leaves := func(t *testing.T) (b *browser, code string) {
		t.Helper()
		b = newWorld(t, keyed, roomy).browser().signIn("/x", ana)
		code = b.startsChange(waysPage, challenge.SetSecond, "email", otherMailbox)
		b.submit("/change").wants(t, http.StatusOK, "!Confirm it's you")
		return b, code
	}
	t.Run("another change", func(t *testing.T) {
		b, _ := leaves(t)
		asksAnew(t, b, waysPage, challenge.AddApp)
	})
	t.Run("the same with something else", func(t *testing.T) {
		b, _ := leaves(t)
		asksAnew(t, b, waysPage, challenge.SetSecond, "email", "cleo@example.org")
	})
	t.Run("another session of the browser", func(t *testing.T) {
		b, _ := leaves(t)
		other := b.w.browser().signIn("/x", ana)
		other.jar[flowName] = b.jar[flowName]
		b.w.clock.advance(31 * time.Second)
		asksAnew(t, other, waysPage, challenge.SetSecond, "email", otherMailbox)
	})
	t.Run("another browser", func(t *testing.T) {
		b, _ := leaves(t)
		other := b.clone()
		delete(other.jar, flowName)
		b.w.clock.advance(31 * time.Second)
		asksAnew(t, other, waysPage, challenge.SetSecond, "email", otherMailbox)
	})
	t.Run("a code whose time is over", func(t *testing.T) {
		b, _ := leaves(t)
		b.w.clock.advance(11 * time.Minute)
		asksAnew(t, b, waysPage, challenge.SetSecond, "email", otherMailbox)
	})
	t.Run("a code that was used up", func(t *testing.T) {
		b := newWorld(t, roomy).browser().signIn("/x", ana)
		code := b.startsChange(codesPage, challenge.MakeBackupCodes)
		for n := range 5 {
			b.submit("/verify", "code", wrongCode(code, n))
		}
		b.page.wants(t, http.StatusOK, "This code no longer works")
		b.submit("/change")
		asksAnew(t, b, codesPage, challenge.MakeBackupCodes)
	})
	t.Run("a form that is open still", func(t *testing.T) {
		b := newWorld(t, roomy).browser().signIn("/x", ana)
		code := b.startsChange(codesPage, challenge.MakeBackupCodes)
		open := b.tab()
		b.submit("/change").wants(t, http.StatusOK, "!Confirm it's you")
		open.clone().post(scripted, "/verify", "code", code).wantsProblem(t, http.StatusConflict, "check-lost")
		open.submit("/verify", "code", code).wants(t, http.StatusOK, "!Create 10 backup codes?")
	})
}

// A change that was left is none: a page that wants a fresh code has it mailed, and takes the
// cookie.
func TestAChangeThatWasLeftIsInNobodysWay(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	w.clock.advance(time.Hour)
	b.startsChange(codesPage, challenge.MakeBackupCodes)
	b.submit("/change").wants(t, http.StatusOK, "!Confirm it's you")
	w.clock.advance(time.Minute)
	w.sensitive()
	b.open("/delete").wants(t, http.StatusUnauthorized, "Confirm it's you", "Look for the letters", w.mailbox.last(t).Ref)
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "app")
}
