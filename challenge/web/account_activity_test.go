// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"encoding/csv"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

// linkOf is where the first link of the page leads that says something.
func (b *browser) linkOf(label string) string {
	b.w.t.Helper()
	for _, match := range regexp.MustCompile(`(?s)<a[^>]* href="([^"]*)"[^>]*>(.*?)</a>`).FindAllStringSubmatch(b.page.body, -1) {
		if strings.Contains(html.UnescapeString(match[2]), label) {
			to, err := b.at.Parse(html.UnescapeString(match[1]))
			if err != nil {
				b.w.t.Fatal(err)
			}
			return to.RequestURI()
		}
	}
	b.w.t.Fatalf("no link says %q:\n%s", label, b.page.body)
	return ""
}

// intruded is a browser that was remembered, before another one came in as the same
// person.
func intruded(t *testing.T) (b, thief *browser) {
	w := newWorld(t, roomy)
	b = w.enters(firefox, ana, "remember", "1")
	w.clock.advance(time.Hour)
	thief = w.enters(chrome, ana)
	w.clock.advance(time.Minute)
	return b, thief
}

func TestThePageTellsWhatHappened(t *testing.T) {
	w := newWorld(t, roomy)
	stranger := w.browser()
	b := w.enters(firefox, ana, "remember", "1")
	w.clock.advance(time.Minute)
	code := stranger.ask("/x", ana)
	stranger.submit("/verify", "code", wrongCode(code, 1))
	b.open("/.doorcode/activity").wants(t, http.StatusOK, "Activity",
		"1 Aug 2026, 12:01 UTC Wrong code Unknown browser 203.0.113.0/24 Refused Problem",
		"1 Aug 2026, 12:00 UTC New browser remembered Firefox on Windows 203.0.113.0/24 Remembered", "Code entered Firefox on Windows 203.0.113.0/24 Signed in",
		"Code sent Firefox on Windows", "Download CSV", "!This wasn't me", "!Older", "last 90 days")
	b.open(b.linkOf("Problems")).wants(t, http.StatusOK, "Wrong code", "!Code sent", "!New browser")
	b.chooses("/.doorcode/settings", "save", "")
	b.submit("/settings", "zone", "Asia/Tokyo")
	b.open("/.doorcode/activity").wants(t, http.StatusOK, "Times are in Asia/Tokyo.", "1 Aug 2026, 21:01 JST Wrong code", "Change made: settings")
}

func TestActivityIsReadPageByPage(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.enters(firefox, ana, "remember", "1")
	for range 60 {
		w.clock.advance(2 * time.Hour)
		w.browser().ask("/x", ana)
	}
	w.clock.advance(time.Minute)
	rows := func() int { return strings.Count(b.page.body, "<tr>") - 1 }
	b.open("/.doorcode/activity").wants(t, http.StatusOK, "!Newer", "Older")
	first := b.page.text()
	if rows() != 50 {
		t.Errorf("%d rows on the first page, want 50", rows())
	}
	b.open(b.linkOf("Older")).wants(t, http.StatusOK, "!Older", "Newer", "Newest", "Code entered")
	back := b.linkOf("Newer")
	// Opening the page renewed the session, which is one row more, on top.
	b.open(back)
	if got := b.page.text(); got != first && rows() != 50 {
		t.Errorf("back again there are %d rows:\n%s", rows(), got)
	}
	for _, odd := range []string{"?after=x", "?after=", "?before=%00", "?after=" + strings.Repeat("z", 3000), "?problems=0&after=zz.zz"} {
		b.open("/.doorcode/activity"+odd).wants(t, http.StatusOK, "Activity")
	}
}

func TestActivityIsDownloaded(t *testing.T) {
	w := newWorld(t, roomy)
	b := w.enters(firefox, ana, "remember", "1")
	for range 120 {
		w.clock.advance(2 * time.Hour)
		w.browser().ask("/x", ana)
	}
	w.clock.advance(time.Minute)
	b.open("/.doorcode/activity")
	got := b.do(http.MethodGet, b.linkOf("Download CSV"), nil, clicked)
	if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" || got.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("status %d, %v", got.StatusCode, got.Header)
	}
	if is, want := got.Header.Get("Content-Disposition"), `attachment; filename="doorcode-app.example.com-activity-2026-08-11.csv"`; is != want {
		t.Errorf("disposition %s, want %s", is, want)
	}
	rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
	if err != nil || len(rows) < 124 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if last := rows[len(rows)-1]; last[0] != "2026-08-01T12:00:00Z" || last[1] != "Code sent" || last[3] != "Firefox on Windows" {
		t.Errorf("the oldest row is %q", last)
	}
	for name, headers := range notVisits {
		if got := b.do(http.MethodGet, "/.doorcode/activity?csv", nil, headers); got.StatusCode != http.StatusForbidden || strings.Contains(got.body, "Firefox") {
			t.Errorf("%s: status %d\n%s", name, got.StatusCode, got.body)
		}
	}
}

func TestItem90ThisWasntMe(t *testing.T) {
	b, thief := intruded(t)
	b.open("/.doorcode/activity").wants(t, http.StatusOK, "This wasn't me: Code entered, 1 Aug 2026, 13:00 UTC")
	id := b.objectOf("report")
	before := b.w.store.dump(t)
	b.chooses("/.doorcode/activity", "report", id).wants(t, http.StatusOK, "Sign that browser out?", "Chrome on Linux", "203.0.113.0/24", "1 Aug 2026, 13:00 UTC", "It was me")
	if diff := cmp.Diff(before, b.w.store.dump(t)); diff != "" {
		t.Errorf("asking changes the store:\n%s", diff)
	}
	thief.open("/x").wants(t, http.StatusOK, "app")
	b.submit("/activity").wants(t, http.StatusOK, "Stopped", "That browser is signed out and forgotten.",
		"Nobody can ask for a code for you from that network for an hour.", "Change the password of your mailbox", "I pressed this by mistake")
	thief.open("/x").wants(t, http.StatusUnauthorized)
	undone := b.clone()
	undone.open("/.doorcode/activity").wants(t, http.StatusOK, "Stopped by you", "!This wasn't me")
	b.open("/x").wants(t, http.StatusOK, "app")

	b, _ = intruded(t)
	b.open("/.doorcode/activity")
	b.chooses("/.doorcode/activity", "report", b.objectOf("report"))
	b.submit("/activity")
	target := regexp.MustCompile(`action="(\./no/[^"]+)"`).FindStringSubmatch(b.page.body)
	if target == nil {
		t.Fatalf("no button lifts the block:\n%s", b.page.body)
	}
	b.submit(target[1]).wants(t, http.StatusOK, "Codes for you can be asked for from that network again.")
	b.open("/.doorcode/activity").wants(t, http.StatusOK, "Stopped by mistake, taken back by you")
}

// Rows of other people, of the browser itself and of nobody: nothing is told of them
// and nothing ends.
func TestOnlyOnesOwnRowsAreReported(t *testing.T) {
	b, thief := intruded(t)
	b.open("/.doorcode/activity")
	id := b.objectOf("report")
	b.chooses("/.doorcode/activity", "report", id)
	target, fields := b.form("/activity")
	bob := b.w.enters(firefox, "bob@example.org")
	bob.chooses("/.doorcode/activity", "report", id).wants(t, http.StatusNotFound, "!Chrome")
	got := bob.do(http.MethodPost, target, fields, clicked) // the form is of another session
	if got.StatusCode != http.StatusForbidden {
		t.Errorf("a form of somebody else: status %d", got.StatusCode)
	}
	reports := func(of *browser, action, id string) {
		sent := url.Values{"flow": {of.press("activity", action, id)}, "action": {action}, "id": {id}}
		if got := of.do(http.MethodPost, target, sent, clicked); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s of a row %q: status %d", action, id, got.StatusCode)
		}
	}
	reports(bob, "report", id)
	for _, id := range []string{"", "x", strings.Repeat("A", 22), "../x"} {
		b.chooses("/.doorcode/activity", "report", id).wants(t, http.StatusNotFound)
		reports(b, "report", id)
	}
	reports(b, "erase", id)
	thief.open("/x").wants(t, http.StatusOK, "app")
}

func TestActivityWithoutAStoreIsUnavailable(t *testing.T) {
	b, _ := intruded(t)
	b.open("/x").wants(t, http.StatusOK, "app")
	b.w.store.down = true
	b.open("/.doorcode/activity").wants(t, http.StatusServiceUnavailable)
}
