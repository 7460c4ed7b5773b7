// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
)

const codesPage = "/.doorcode/backup-codes"

var shownCode = regexp.MustCompile(`[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}`)

// startsChange presses the button on an account page that begins a change, and leaves
// the browser on the page that asks for its code, which is returned.
func (b *browser) startsChange(page string, kind challenge.ChangeKind, pairs ...string) (code string) {
	b.w.t.Helper()
	mails := len(b.w.mailbox.all())
	b.open(page).wants(b.w.t, http.StatusOK)
	b.submit(page[strings.LastIndexByte(page, '/'):], append([]string{"action", "start", "change", string(kind)}, pairs...)...)
	b.page.wants(b.w.t, http.StatusOK, "Confirm it's you")
	if n := len(b.w.mailbox.all()); n != mails+1 {
		b.w.t.Fatalf("%d mails, want one", n-mails)
	}
	return b.w.mailbox.last(b.w.t).Code.Reveal()
}

// allowed begins a change and enters its code.
func (b *browser) allowed(page string, kind challenge.ChangeKind, pairs ...string) *browser {
	b.w.t.Helper()
	code := b.startsChange(page, kind, pairs...)
	b.submit("/verify", "code", code).wants(b.w.t, http.StatusOK)
	return b
}

// makesCodes makes backup codes and returns them; the browser is on their page.
func (b *browser) makesCodes() []string {
	b.w.t.Helper()
	b.allowed(codesPage, challenge.MakeBackupCodes)
	b.submit("/backup-codes").wants(b.w.t, http.StatusOK, "Save your backup codes")
	return shownCode.FindAllString(b.page.text(), -1)
}

// usesBackupCode goes to a page of the app as a stranger who has a backup code, after
// a while: one network begins three checks of an address an hour.
func (w *world) usesBackupCode(address, code string) *browser {
	w.t.Helper()
	w.clock.advance(21 * time.Minute)
	b := w.browser()
	b.ask("/x", address)
	b.submit("/way", "way", "backup").wants(w.t, http.StatusUnauthorized, "Use a backup code")
	b.submit("/backup", "code", code)
	return b
}

func TestBKP02BackupCodesAreShownOnce(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	b.open(codesPage).wants(t, http.StatusOK, "You don't have any backup codes.", "!Test a code")
	b.allowed(codesPage, challenge.MakeBackupCodes).page.wants(t, http.StatusOK, "Create 10 backup codes?", "!Your old codes stop working.")
	target, pressed := b.form("/backup-codes")
	b.submit("/backup-codes").wants(t, http.StatusOK, "You can see these codes only now.", ana, "app.example.com", "1 Aug 2026")
	codes := shownCode.FindAllString(b.page.text(), -1)
	slices.Sort(codes)
	if len(codes) != 10 || len(slices.Compact(codes)) != 10 {
		t.Fatalf("codes are %v", codes)
	}
	again := b.do(http.MethodPost, target, pressed, clicked) // loading the page anew does that
	if again.StatusCode != http.StatusSeeOther || again.Header.Get("Location") != origin+codesPage {
		t.Fatalf("status %d, to %s", again.StatusCode, again.Header.Get("Location"))
	}
	b.open(codesPage).wants(t, http.StatusOK, "10 of 10 left", "Test a code")
	for _, place := range []string{again.body, b.page.body, b.open("/.doorcode/").body} {
		if found := shownCode.FindString(place); found != "" {
			t.Errorf("%s is shown again", found)
		}
	}
	for key, value := range w.store.dump(t) {
		for _, code := range codes {
			if strings.Contains(value, code) || strings.Contains(value, strings.ReplaceAll(code, "-", "")) {
				t.Errorf("%s holds a backup code", key)
			}
		}
	}
}

func TestBackupCodesLetInOnceEachAndAreCounted(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	codes := b.makesCodes()
	for i, code := range codes[:7] {
		w.usesBackupCode(ana, strings.ToLower(strings.ReplaceAll(code, "-", " "))).page.wants(t, http.StatusOK, "app")
		b.open(codesPage)
		if i == 0 {
			b.page.wants(t, http.StatusOK, "9 of 10 left", "!Make new codes before")
		}
	}
	b.page.wants(t, http.StatusOK, "3 of 10 left", "Make new codes before you need them.")
	w.usesBackupCode(ana, codes[0]).page.wants(t, http.StatusUnauthorized, "That backup code isn't right or was already used.")
	mailed := slices.ContainsFunc(w.mailbox.all(), func(n challenge.Notice) bool { return n.Subject == challenge.BackupCodeUsed && n.Count == 3 })
	if !mailed {
		t.Error("nobody was told that a code was used")
	}

	b.allowed(codesPage, challenge.MakeBackupCodes).page.wants(t, http.StatusOK, "Make new backup codes?", "Your old codes stop working.")
	b.submit("/backup-codes").wants(t, http.StatusOK, "Save your backup codes")
	w.usesBackupCode(ana, codes[9]).page.wants(t, http.StatusUnauthorized, "That backup code isn't right")
	w.usesBackupCode(ana, shownCode.FindString(b.page.text())).page.wants(t, http.StatusOK, "app")
	b.open(codesPage).wants(t, http.StatusOK, "9 of 10 left")
}

func TestBackupCodesAreDownloadedAsText(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	codes := b.makesCodes()
	got := b.post(clicked, "/backup-codes")
	if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Fatalf("status %d, type %q", got.StatusCode, got.Header.Get("Content-Type"))
	}
	disposition, params, err := mime.ParseMediaType(got.Header.Get("Content-Disposition"))
	if err != nil || disposition != "attachment" || params["filename"] != "doorcode-app.example.com-backup-codes.txt" {
		t.Errorf("disposition %q: %v", got.Header.Get("Content-Disposition"), err)
	}
	if diff := cmp.Diff(codes, shownCode.FindAllString(got.body, -1)); diff != "" {
		t.Errorf("the file has other codes:\n%s", diff)
	}
	if got.Header.Get("Cache-Control") != "no-store" {
		t.Error("the file may be kept by a cache")
	}
}

// What a page carries to be downloaded is of its session, and for a short time.
func TestCodesThatAPageCarriesAreOfItsSessionAlone(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	b.makesCodes()
	target, fields := b.form("/backup-codes")
	other := w.browser().signIn("/x", "bob@example.org")
	other.makesCodes()
	_, foreign := other.form("/backup-codes")
	for name, codes := range map[string]string{
		"of somebody else": foreign.Get("codes"), "none": "", "garbage": "x", "another seal": fields.Get("flow"),
	} {
		sent := url.Values{"flow": fields["flow"], "action": {"download"}, "codes": {codes}}
		got := b.do(http.MethodPost, target, sent, clicked)
		got.wants(t, http.StatusGone, "These codes can't be shown again")
		if found := shownCode.FindString(got.body); found != "" {
			t.Errorf("%s: %s is told", name, found)
		}
	}
	w.clock.advance(31 * time.Minute)
	b.do(http.MethodPost, target, fields, clicked).wants(t, http.StatusGone, "These codes can't be shown again")
}

// TestBKP06MakingCodesNeedsACodeOfItsOwn: neither a session, however fresh, nor the
// code of another change or session makes backup codes.
func TestBKP06MakingCodesNeedsACodeOfItsOwn(t *testing.T) {
	start := func(t *testing.T) (*world, *browser, url.Values) {
		w := newWorld(t, roomy)
		b := w.browser().signIn("/x", ana)
		kind := string(challenge.MakeBackupCodes)
		return w, b, url.Values{"flow": {b.press("backup-codes", "confirm", kind)}, "action": {"confirm"}, "change": {kind}}
	}
	for name, prepare := range map[string]func(w *world, b *browser){
		"a sign-in a moment ago": func(*world, *browser) {},
		"a code that was not entered yet": func(_ *world, b *browser) {
			b.startsChange(codesPage, challenge.MakeBackupCodes)
		},
		"a code for another change": func(_ *world, b *browser) { b.allowed("/.doorcode/ways", challenge.AddApp) },
		"a code of long ago": func(w *world, b *browser) {
			b.allowed(codesPage, challenge.MakeBackupCodes)
			w.clock.advance(6 * time.Minute)
		},
		"a code of another session": func(w *world, b *browser) {
			other := w.browser().signIn("/x", ana).allowed(codesPage, challenge.MakeBackupCodes)
			b.jar[sessionName+"-flow"] = other.jar[sessionName+"-flow"]
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, b, fields := start(t)
			prepare(w, b)
			before := w.store.dump(t)
			got := b.do(http.MethodPost, codesPage, fields, clicked)
			if got.StatusCode != http.StatusSeeOther || shownCode.MatchString(got.body) {
				t.Fatalf("status %d:\n%s", got.StatusCode, got.body)
			}
			if diff := cmp.Diff(before, w.store.dump(t)); diff != "" {
				t.Errorf("the store changed:\n%s", diff)
			}
		})
	}
}

// The mail names the change, so that nobody reads out a code for something else.
func TestTheMailOfAChangeNamesIt(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	b.startsChange(codesPage, challenge.MakeBackupCodes)
	if n := w.mailbox.last(t); n.Subject != challenge.ChangeCode || n.Change != challenge.MakeBackupCodes || n.Mailbox != ana {
		t.Errorf("mail is about %v, change %q, to %s", n.Subject, n.Change, n.Mailbox)
	}
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal())
	b.submit("/backup-codes").wants(t, http.StatusOK, "Save your backup codes")
	if n := w.mailbox.last(t); n.Subject != challenge.WaysChanged || n.Change != challenge.MakeBackupCodes || !n.Due.IsZero() {
		t.Errorf("notice is about %v, change %q, due %v", n.Subject, n.Change, n.Due)
	}
}

func TestACodeIsTestedWithoutBeingSpent(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	codes := b.makesCodes()
	w.usesBackupCode(ana, codes[1]).page.wants(t, http.StatusOK, "app")
	b.allowed(codesPage, challenge.TestBackupCode).page.wants(t, http.StatusOK, "Test a backup code")
	b.submit("/backup-codes", "code", " ").wants(t, http.StatusUnprocessableEntity, "Enter a backup code.")
	for range 2 {
		b.submit("/backup-codes", "code", codes[0]).wants(t, http.StatusOK, "That's one of your unused codes.")
	}
	if strings.Contains(b.page.body, codes[0]) {
		t.Error("the page shows the code that was typed")
	}
	b.submit("/backup-codes", "code", codes[1]).wants(t, http.StatusOK, "That isn't one of your unused codes.")
	b.submit("/backup-codes", "code", "anything").wants(t, http.StatusOK, "That isn't one of your unused codes.")
	b.submit("/backup-codes", "code", strings.Repeat("7", 16)).wants(t, http.StatusOK, "That isn't one of your unused codes.")
	b.submit("/backup-codes", "code", codes[2]).wants(t, http.StatusTooManyRequests, "You have tested many codes.", "!unused")
	if b.page.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	w.usesBackupCode(ana, codes[0]).page.wants(t, http.StatusOK, "app")
}

func TestTheWayBackFromAChangeShowsThePage(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana)
	b.startsChange(codesPage, challenge.MakeBackupCodes)
	b.clone().open(codesPage+"?later").wants(t, http.StatusOK, "You don't have any backup codes.")
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "Create 10 backup codes?")
	if !strings.Contains(b.page.body, `href="./backup-codes?later"`) {
		t.Fatal("there is no way back")
	}
	b.open(codesPage+"?later").wants(t, http.StatusOK, "You don't have any backup codes.")
}

// From a browser that is new to its person the codes wait, and can be cancelled.
func TestCodesMadeInANewBrowserWait(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.browser().signIn("/x", ana, "remember", "1")
	old := b.makesCodes()
	w.clock.advance(48 * time.Hour)
	fresh := w.browser().signIn("/x", ana)
	made := fresh.makesCodes()
	fresh.page.wants(t, http.StatusOK, "the codes work from 4 Aug 2026, 12:00 UTC", "Older codes work until then.")
	w.usesBackupCode(ana, made[0]).page.wants(t, http.StatusUnauthorized, "That backup code isn't right")
	w.usesBackupCode(ana, old[0]).page.wants(t, http.StatusOK, "app")
	b.open(codesPage).wants(t, http.StatusOK, "9 of 10 left", "New codes work from 4 Aug 2026, 12:00 UTC.", "Cancel this change")
	b.chooses("/.doorcode/", "cancel", b.objectOf("cancel")).wants(t, http.StatusOK)
	b.submit("/").wants(t, http.StatusOK)
	w.clock.advance(25 * time.Hour)
	b.open(codesPage).wants(t, http.StatusOK, "9 of 10 left", "!New codes work")
	w.usesBackupCode(ana, made[0]).page.wants(t, http.StatusUnauthorized, "That backup code isn't right")
}

func TestAGateWithoutBackupCodesHasNoPageOfThem(t *testing.T) {
	w := newWorld(t, roomy, func(s *settings) { s.gate.Policy.Ways.BackupCodes = -1 })
	b := w.browser().signIn("/x", ana)
	b.open(codesPage).wants(t, http.StatusNotFound)
	b.open("/.doorcode/").wants(t, http.StatusOK, "!Backup codes")
	fields := url.Values{"flow": {b.starts()}, "action": {"start"}, "change": {string(challenge.MakeBackupCodes)}}
	b.do(http.MethodPost, codesPage, fields, clicked).wants(t, http.StatusNotFound)
}
