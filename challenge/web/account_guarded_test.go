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

// guarded is a person who has told of a sign-in that was not theirs: the browser that
// they had before, and one that is newer.
func guarded(t *testing.T) (old, fresh *browser) {
	t.Helper()
	w := newWorld(t, roomy)
	old = w.browser().signIn("/x", ana, "remember", "1")
	w.clock.advance(15 * 24 * time.Hour)
	fresh = w.browser().signIn("/x", ana)
	fresh.makesCodes()
	w.clock.advance(25 * time.Hour) // they waited for a day
	w.from("198.51.100.9")
	w.browser().signIn("/x", ana) // somebody else
	link := w.stopLink()
	w.from("203.0.113.7")
	old.open(link)
	old.submit(last(link)).wants(t, http.StatusOK, "Stopped")
	return old, w.browser().signIn("/x", ana)
}

// startsAs presses a button that begins a change, as a form that was open before would.
func (b *browser) startsAs(page string, kind challenge.ChangeKind) answer {
	b.w.t.Helper()
	fields := url.Values{"flow": {b.starts()}, "action": {"start"}, "change": {string(kind)}, "email": {secondBox}}
	return b.do(http.MethodPost, page, fields, clicked)
}

// TestRuling40PagesOfferWhatTheBrowserMayDo: what is on hold says so once, and only a
// browser that may do something about it is asked to.
func TestRuling40PagesOfferWhatTheBrowserMayDo(t *testing.T) {
	old, fresh := guarded(t)
	old.open("/.doorcode/").wants(t, http.StatusOK, "Backup codes On hold", "Make backup codes before you need them.", "!this browser can't change them")
	fresh.open("/.doorcode/").wants(t, http.StatusOK, "Backup codes On hold", "!Make backup codes", "this browser can't change them. To end this sooner")
	old.open(codesPage).wants(t, http.StatusOK, "These codes are on hold", "They don't work any more. Make new ones.", "!You have used all", "!Test a code")
	fresh.open(codesPage).wants(t, http.StatusOK, "These codes are on hold", "!Make new ones.", "!You have used all", "!Test a code")
}

// TestRuling40ACodeThatCameTooLateLeavesThePage: the code was entered, and then the
// sign-in was reported that makes this browser too new. Its tab must not ask for ever
// what can only be refused.
func TestRuling40ACodeThatCameTooLateLeavesThePage(t *testing.T) {
	w := newWorld(t, roomy)
	old := w.browser().signIn("/x", ana, "remember", "1")
	w.clock.advance(15 * 24 * time.Hour)
	fresh := w.browser().signIn("/x", ana)
	w.browser().signIn("/x", ana) // somebody else
	link := w.stopLink()
	fresh.allowed(codesPage, challenge.MakeBackupCodes).page.wants(t, http.StatusOK, "Create 10 backup codes?")
	old.open(link)
	old.submit(last(link)).wants(t, http.StatusOK, "Stopped")
	fresh.submit("/backup-codes").wants(t, http.StatusForbidden, "This browser is newer than that")
	if fresh.jar[flowName] != "" {
		t.Error("the flow goes on")
	}
	fresh.open(codesPage).wants(t, http.StatusOK, "You don't have any backup codes.")
}

func TestCancellingAChangeThatACodeWasEnteredForEndsIt(t *testing.T) {
	for kind, page := range map[challenge.ChangeKind]string{
		challenge.MakeBackupCodes: codesPage, challenge.RemoveApp: waysPage, challenge.AddApp: waysPage, challenge.ExportData: settingsPage, challenge.EraseData: settingsPage,
	} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t, roomy)
			b := w.browser().signIn("/x", ana)
			b.startsAs(page, kind).wants(t, http.StatusSeeOther)
			b.open(page)
			b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK)
			asks := b.page.text()
			_, href, found := strings.Cut(b.page.body, `<a class="second button" href=".`)
			href, _, _ = strings.Cut(href, `"`)
			if !found || href != strings.TrimPrefix(page, "/.doorcode")+"?later" {
				t.Fatalf("the way back is %q", href)
			}
			b.do(http.MethodHead, page+"?later", nil, clicked)
			b.do(http.MethodGet, page+"?later", nil, with(clicked, "Sec-Fetch-Site", "cross-site"))
			if b.open(page); b.page.text() != asks {
				t.Fatalf("another page's link ended it: %s", b.page.text())
			}
			if b.open(page + "?later"); b.page.text() == asks || b.jar[flowName] != "" {
				t.Errorf("it goes on: %s", b.page.text())
			}
			if b.open(page); b.page.text() == asks {
				t.Error("the page asks again")
			}
		})
	}
}

// A right code of a change that a second tab has replaced must not be swallowed.
func TestACodeOfAChangeThatWasReplacedIsTold(t *testing.T) {
	const told = "You started another change after this one, so that code no longer counts. Start again."
	for name, next := range map[string]struct {
		page string
		kind challenge.ChangeKind
	}{
		"by one of another page":  {waysPage, challenge.RemoveApp},
		"by one of the same page": {codesPage, challenge.TestBackupCode},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, roomy)
			b := w.browser().signIn("/x", ana)
			code := b.startsChange(codesPage, challenge.MakeBackupCodes)
			tab := b.clone()
			w.clock.advance(time.Minute)
			b.startsAs(next.page, next.kind).wants(t, http.StatusSeeOther)
			tab.jar = b.jar
			tab.submit("/verify", "code", code)
			tab.page.wants(t, http.StatusOK, told)
			tab.open(codesPage).wants(t, http.StatusOK, "!"+told)
		})
	}
}
