// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

const chrome = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

// noticesTo are the mails to an address that are about something and hold no code.
func noticesTo(t testing.TB, c *harness.Caddy, address, about string) (found []harness.Mail) {
	t.Helper()
	for _, mail := range c.Mailbox.Mails(t, address) {
		if strings.Contains(mail.Subject, about) {
			found = append(found, mail)
		}
	}
	return found
}

// notice waits for the n-th such mail, counted from one.
func notice(t testing.TB, c *harness.Caddy, address, about string, n int) harness.Mail {
	t.Helper()
	harness.Eventually(t, "mail about "+about, func() bool { return len(noticesTo(t, c, address, about)) >= n })
	return noticesTo(t, c, address, about)[n-1]
}

const newSignIn, wrongCodes = "New sign-in", "Too many wrong codes"

// stopLink is the one link of a mail, as a path.
func stopLink(t testing.TB, mail harness.Mail) string {
	t.Helper()
	found := regexp.MustCompile(`https?://[^\s]+/no/[^\s]+`).FindString(mail.Text)
	link, err := url.Parse(found)
	if found == "" || err != nil {
		t.Fatalf("no link in the mail (%v):\n%s", err, mail.Text)
	}
	return link.Path
}

// M2: people are told of each browser that is new to them: once a day for one of a
// kind from one place, and never of their very first, or of one that they use.
func TestANewBrowserIsToldOfOnceADay(t *testing.T) {
	c := located(t)
	first := atHome(t, c, lisbon, true)
	enterFrom := func(address, agent string) {
		t.Helper()
		b := browserIn(t, c, address)
		b.Agent = agent
		b.SignIn(t, c, "/", ana, false)
	}
	enterFrom(tokyo, chrome)
	mail := notice(t, c, ana, newSignIn, 1)
	if !strings.Contains(mail.Subject, "Chrome on macOS") {
		t.Errorf("subject: %s", mail.Subject)
	}
	wantWords(t, "the mail", mail.Text, "Someone signed in", "in a new browser or from a new place", ana, "Chrome on macOS", "near Tokyo, Japan (approximate)", tokyo+", Example Telecom", "in Tokyo)", "That wasn't me: http://localhost:", "!is your")
	enterFrom("89.160.20.77", chrome)
	enterFrom(tokyo, chrome)
	enterFrom(madrid, chrome)
	notice(t, c, ana, newSignIn, 2)
	enterFrom(lisbon, first.Agent)
	notice(t, c, ana, newSignIn, 3)
	enterFrom(madrid, chrome)

	first.From = milan // remembered, but the place is new
	first.Drop(t, "doorcode")
	wantStatus(t, "the first browser abroad", enter(t, first, ask(t, c, first, "/", ana)), http.StatusOK)
	signedIn(t, c, ben) // whose mail comes after all that were due
	if told := noticesTo(t, c, ana, newSignIn); len(told) != 4 {
		t.Errorf("%d mails, want 4: Tokyo, Madrid and Lisbon with Chrome and Firefox, and Milan", len(told))
	}
	if told := noticesTo(t, c, ben, newSignIn); len(told) != 0 {
		t.Errorf("Ben was told of his very first entry")
	}
}

// M4: somebody whose address is guessed at is told once, and nobody learns from
// the page whether there was anybody to tell.
func TestTooManyWrongCodesAreToldOfOnce(t *testing.T) {
	c := charted(t, site(databases, generous("try_address 5/1h")))
	atHome(t, c, lisbon, true)
	for n, address := range []string{ana, eve} {
		b := browserIn(t, c, tokyo)
		b.Open(t, "/")
		b.Submit(t, "email", url.Values{"email": {address}})
		for try := range 5 {
			b.Do(t, http.MethodPost, "/.doorcode/verify", form(t, b, notThis("000000", 5*n+try)), sameOrigin)
		}
		page := b.Open(t, "/")
		wantWait(t, "locked for "+address, page)
		wantText(t, "locked for "+address, page, "Too many wrong codes for this address. If it can use ", "we emailed it about this.")
		again := browserIn(t, c, madrid)
		again.Open(t, "/")
		wantWait(t, "another browser for "+address, again.Submit(t, "email", url.Values{"email": {address}}))
	}
	mail := notice(t, c, ana, wrongCodes, 1)
	wantWords(t, "the mail", mail.Text, "Someone entered too many wrong codes", "near Tokyo, Japan (approximate)", "A browser that we remember for you still works.", "!is your", "!/no/")
	signedIn(t, c, ben)
	if told := noticesTo(t, c, ana, wrongCodes); len(told) != 1 {
		t.Errorf("%d mails, want 1", len(told))
	}
	if mails := c.Mailbox.Mails(t, eve); len(mails) != 0 {
		t.Errorf("%d mails to an address that may not pass", len(mails))
	}
}

// scan does what those do that read mails ahead of people: fetch the link in many
// ways, and send what they take for its form. None of it may do anything.
func scan(t *testing.T, c *harness.Caddy, link string) {
	t.Helper()
	for n := range 20 {
		scanner := browserIn(t, c, madrid)
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			page := scanner.Do(t, method, link, nil, []http.Header{nil, harness.Navigation, harness.Scripted}[n%3])
			wantStatus(t, method+" of the link", page, http.StatusOK)
			if set := page.Header.Values("Set-Cookie"); len(set) > 0 || page.Header.Get("Referrer-Policy") != "strict-origin" || page.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s of the link: %q", method, page.Header)
			}
		}
	}
	scanner := browserIn(t, c, madrid)
	scanner.Open(t, link)
	_, id, _ := strings.Cut(link, "/no/")
	for what, page := range map[string]harness.Page{
		"a POST without the page's word": scanner.Do(t, http.MethodPost, link, url.Values{}, harness.Navigation),
		"a POST from another site":       scanner.Post(t, id, nil, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}),
		"a POST from nowhere":            scanner.Post(t, id, nil, http.Header{"Origin": {"null"}}),
		"a POST with a made-up word":     scanner.Post(t, id, url.Values{"nonce": {"AAAA"}}, harness.Navigation),
	} {
		wantStatus(t, what, page, http.StatusForbidden)
	}
	wantStatus(t, "ahead of time", scanner.Do(t, http.MethodGet, link, nil, http.Header{"Sec-Purpose": {"prefetch"}}), http.StatusUnauthorized)
}

// press opens the link of a mail and presses its button.
func press(t *testing.T, c *harness.Caddy, link string) harness.Page {
	t.Helper()
	b := browserIn(t, c, porto)
	wantStatus(t, "the link", b.Open(t, link), http.StatusOK)
	_, id, _ := strings.Cut(link, "/no/")
	return b.Submit(t, id, nil)
}

// Ruling 39: by the link in a mail its reader stops the code, and the network that
// asked for it; nothing but the button does. The link is a secret, so that no log
// may hold it.
func TestRuling39TheLinkOfACodeStopsIt(t *testing.T) {
	c := charted(t, strings.Replace(site(databases), "{\n", "{\n\tlog {\n\t\toutput file FOLDER/access.log\n\t\tformat json\n\t}\n", 1))
	home := atHome(t, c, lisbon, true)
	b := browserIn(t, c, tokyo)
	code := ask(t, c, b, "/", ana)
	mail := c.Mailbox.WaitCode(t, ana, 2)
	link := stopLink(t, mail)
	scan(t, c, link)
	wantText(t, "after the scanners", b.Open(t, "/"), "Look for the letters "+mail.Ref(t))

	page := press(t, c, link)
	wantText(t, "the button", page, "Stopped", "The code no longer works.", "Nobody can ask for a code for you from that network", "!"+ana)
	reached := len(c.App.Seen())
	wantStatus(t, "the code", enter(t, b, code), http.StatusUnauthorized)
	c.App.Untouched(t, reached)
	wantStatus(t, "a second press", browserIn(t, c, porto).Open(t, link), http.StatusGone)

	// That network sees what it always sees, and nothing is sent for it.
	again := browserIn(t, c, "89.160.20.99")
	again.Open(t, "/")
	wantText(t, "the same network", again.Submit(t, "email", url.Values{"email": {ana}}), "Check your email")
	wantStatus(t, "her own browser", home.Fetch(t, "/"), http.StatusOK)
	elsewhere := browserIn(t, c, madrid)
	wantStatus(t, "another network", enter(t, elsewhere, ask(t, c, elsewhere, "/", ana)), http.StatusOK)
	if codes := c.Mailbox.Codes(t, ana); len(codes) != 3 {
		t.Errorf("%d codes were mailed, want 3", len(codes))
	}
	wantUnlogged(t, c, link)
}

// wantUnlogged fails when a log names a link, or when nothing was logged at all.
func wantUnlogged(t *testing.T, c *harness.Caddy, link string) {
	t.Helper()
	access := filepath.Join(c.Folder, "access.log")
	harness.Eventually(t, "an access log", func() bool {
		raw, err := os.ReadFile(access)
		return err == nil && strings.Contains(string(raw), "/.doorcode/email")
	})
	_, id, _ := strings.Cut(link, "/no/")
	for _, file := range []string{access, filepath.Join(c.Folder, "caddy.log")} {
		if text := read(t, file); strings.Contains(text, "/no/") || strings.Contains(text, id) {
			t.Errorf("%s names the link", filepath.Base(file))
		}
	}
	if len(events(t, c, "reported")) == 0 {
		t.Error("the log does not say that something was reported")
	}
}

// Ruling 39: by the link in the mail on a new browser its reader signs that browser
// out, wherever it is, cuts what it has open, and unlearns where it was.
func TestRuling39TheLinkOfAnEntryEndsIt(t *testing.T) {
	c := charted(t, strings.Replace(site(databases), "{\n", "{\n\tlog {\n\t\toutput file FOLDER/access.log\n\t\tformat json\n\t}\n", 1))
	c.App.Answer(streaming)
	home := atHome(t, c, lisbon, true)
	thief := browserIn(t, c, madrid)
	thief.Agent = chrome
	thief.SignIn(t, c, "/", ana, true)
	streams, ours := openStreams(t, c, thief), openStreams(t, c, home)
	copied := cookies(t, thief)
	link := stopLink(t, notice(t, c, ana, newSignIn, 1))
	home.From = madrid
	wantStatus(t, "home in Madrid, which the thief has taught", home.Fetch(t, "/"), http.StatusOK)
	home.From = lisbon

	scan(t, c, link)
	wantStatus(t, "after the scanners", thief.Fetch(t, "/"), http.StatusOK)
	page := press(t, c, link)
	wantText(t, "the button", page, "That browser is signed out and forgotten.", "!"+ana)
	each(streams, func(s *stream) { s.wantCut(t) })
	each(ours, func(s *stream) { s.wantOpen(t) })
	reached := len(c.App.Seen())
	wantStatus(t, "the thief", thief.Fetch(t, "/"), http.StatusUnauthorized)
	wantStatus(t, "all its cookies", withAt(t, c, copied, madrid).Fetch(t, "/"), http.StatusUnauthorized)
	thief.Drop(t, "doorcode")
	wantStatus(t, "the thief, remembered", thief.Open(t, "/"), http.StatusUnauthorized)
	c.App.Untouched(t, reached)
	thief.Submit(t, "email", url.Values{"email": {ana}})

	wantStatus(t, "home", home.Fetch(t, "/"), http.StatusOK)
	home.Drop(t, "doorcode")
	home.From = madrid
	wantCheck(t, "home in Madrid", home.Fetch(t, "/"), "new_place", "travel")
	signedIn(t, c, ben) // whose code is mailed after any that was due to the thief
	if codes := c.Mailbox.Codes(t, ana); len(codes) != 2 {
		t.Errorf("%d codes were mailed, want 2: none to the thief", len(codes))
	}
	wantUnlogged(t, c, link)
}

// A link works where nobody is let in from: its reader may be on holiday there.
func TestRuling39LinksWorkFromEverywhere(t *testing.T) {
	c := located(t, "countries PT")
	ask(t, c, browserIn(t, c, lisbon), "/", ana)
	link := stopLink(t, c.Mailbox.WaitCode(t, ana, 1))
	b := browserIn(t, c, tokyo)
	wantText(t, "the link", b.Open(t, link), "Stop this sign-in?", "Firefox on Windows", "Yes, stop it")
	_, id, _ := strings.Cut(link, "/no/")
	wantText(t, "the button", b.Submit(t, id, nil), "Stopped")
}

// Whoever pressed by mistake can take it back, in a browser that is remembered for
// the address and in no other.
func TestRuling39APressCanBeTakenBack(t *testing.T) {
	c := located(t)
	home := atHome(t, c, lisbon, true)
	ask(t, c, browserIn(t, c, madrid), "/", ana)
	link := stopLink(t, c.Mailbox.WaitCode(t, ana, 2))
	_, id, _ := strings.Cut(link, "/no/")
	stranger := browserIn(t, c, madrid)
	stranger.Open(t, link)
	wantText(t, "in a stranger's browser", stranger.Submit(t, id, nil), "Stopped", "!by mistake")

	blocked := browserIn(t, c, madrid)
	blocked.Open(t, "/")
	blocked.Submit(t, "email", url.Values{"email": {ana}})
	wantText(t, "at home", home.Open(t, link), "Stopped", "I pressed this by mistake")
	wantText(t, "taken back", home.Submit(t, id, nil), "Undone")
	wantStatus(t, "the network", enter(t, blocked, "000000"), http.StatusUnauthorized)
	b := browserIn(t, c, madrid)
	code := ask(t, c, b, "/", ana)
	wantStatus(t, "a new code", enter(t, b, code), http.StatusOK)
	if codes := c.Mailbox.Codes(t, ana); len(codes) != 3 {
		t.Errorf("%d codes were mailed, want 3", len(codes))
	}
}
