// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func TestSettingsAreKept(t *testing.T) {
	w := newWorld(t, speaking("en"))
	b := w.enters(firefox, ana)
	b.open("/.doorcode/settings").wants(t, http.StatusOK, "!Language", // there is one alone
		"Time zoneAs in the browser", "An email when one signs in", "Not in remembered browsers")
	b.chooses("/.doorcode/settings", "save", "").wants(t, http.StatusOK, "!Language")
	b.submit("/settings", "always", "1", "zone", "europe/lisbon").wants(t, http.StatusOK, "Your settings are saved.")
	if at := b.at.RequestURI(); at != "/.doorcode/settings?saved" {
		t.Errorf("the page is %s", at)
	}
	b.page.wants(t, http.StatusOK, "Time zoneEurope/Lisbon", "New browsersNo email", "Ask for a codeAt every sign-in")
	b.chooses("/.doorcode/settings", "save", "")
	for _, want := range []string{`name="always" value="1" aria-describedby="always-hint" checked`, `name="zone" value="Europe/Lisbon"`} {
		if !strings.Contains(b.page.body, want) {
			t.Errorf("page lacks %s:\n%s", want, b.page.body)
		}
	}
	if strings.Contains(b.page.body, `aria-describedby="news-hint" checked`) {
		t.Error("mails about new browsers are still on")
	}
	b.open("/.doorcode/").wants(t, http.StatusOK, "1 Aug 2026, 13:00 WEST")
	b.open("/.doorcode/settings").wants(t, http.StatusOK, "!Your settings are saved.")
	b.chooses("/.doorcode/settings", "save", "")
	b.submit("/settings", "news", "1").wants(t, http.StatusOK, "Your settings are saved.")
	b.open("/.doorcode/").wants(t, http.StatusOK, "1 Aug 2026, 12:00 UTC")
}

func TestATimeZoneThatThereIsNotIsToldAndNothingIsKept(t *testing.T) {
	w := newWorld(t)
	b := w.enters(firefox, ana)
	for _, zone := range []string{
		"Lisbon", "Local", "../../etc/passwd", "/etc/localtime", `..\x`, "Europe", "\x00", strings.Repeat("A", 10_000), "<b>", "Europe/Lisbon/x", "é",
	} {
		b.chooses("/.doorcode/settings", "save", "")
		before := w.store.dump(t)
		sent := b.submit("/settings", "always", "1", "zone", zone)
		if len(zone) > 8000 {
			sent.wants(t, http.StatusRequestEntityTooLarge)
			continue
		}
		sent.wants(t, http.StatusUnprocessableEntity, "Enter a time zone like Europe/Lisbon")
		if !strings.Contains(sent.body, `aria-invalid="true"`) || !strings.Contains(sent.body, "<title>Error: ") || !strings.Contains(sent.body, "always-hint\" checked") {
			t.Errorf("%q: the page does not say what is wrong, or forgot the rest:\n%s", zone, sent.body)
		}
		if after := w.store.dump(t); len(after) != len(before) {
			t.Errorf("%q: the store changed", zone)
		}
	}
	for _, zone := range []string{"America/New York", "america/new_york", "UTC", "Etc/GMT+3", " Asia/Tokyo "} {
		b.chooses("/.doorcode/settings", "save", "")
		b.submit("/settings", "zone", zone).wants(t, http.StatusOK, "Your settings are saved.")
	}
}

// permitFor asks for a change of the settings page and enters its code.
func (b *browser) permitFor(t *testing.T, change, heading string) {
	t.Helper()
	fields := url.Values{"flow": {b.starts()}, "action": {"start"}, "change": {change}}
	sent := b.do(http.MethodPost, "/.doorcode/settings", fields, clicked)
	if sent.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d:\n%s", sent.StatusCode, sent.body)
	}
	b.open(sent.Header.Get("Location")).wants(t, http.StatusOK, "Confirm it's you")
	b.submit("/verify", "code", b.w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, heading)
}

func TestAPersonsDataIsDownloadedOnceForACodeOfItsOwn(t *testing.T) {
	w := newWorld(t)
	b := w.enters(firefox, ana)
	fields := url.Values{"flow": {b.press("settings", "confirm", "export")}, "action": {"confirm"}, "change": {"export"}}
	if got := b.do(http.MethodPost, "/.doorcode/settings", fields, clicked); got.StatusCode != http.StatusSeeOther || strings.Contains(got.body, ana) {
		t.Fatalf("without a code: status %d:\n%s", got.StatusCode, got.body)
	}
	b.permitFor(t, "export", "Download your data")
	b.clone().open("/.doorcode/settings?later").wants(t, http.StatusOK, "Settings", "Time zone")
	page := *b
	got := b.post(clicked, "/settings")
	got.wants(t, http.StatusOK)
	want := `attachment; filename="doorcode-app.example.com-2026-08-01.json"`
	if is := got.Header.Get("Content-Disposition"); is != want || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%q of %q, want %q", is, got.Header.Get("Content-Type"), want)
	}
	if !json.Valid([]byte(got.body)) || !strings.Contains(got.body, ana) {
		t.Errorf("the file holds %s", got.body)
	}
	page.jar = b.jar
	if again := page.post(clicked, "/settings"); again.StatusCode != http.StatusSeeOther {
		t.Errorf("the same again: status %d:\n%s", again.StatusCode, again.body)
	}
}

func TestErasingWaitsADayAndCanBeCancelled(t *testing.T) {
	w := newWorld(t)
	b := w.enters(firefox, ana)
	b.permitFor(t, "erase", "Erase everything?")
	b.submit("/settings").wants(t, http.StatusOK, "Everything will be erased", "2 Aug 2026, 12:00 UTC")
	if len(b.jar) != 0 {
		t.Errorf("the browser keeps %v", sorted(b.jar))
	}
	b = w.enters(firefox, ana)
	b.open("/.doorcode/settings").wants(t, http.StatusOK, "2 Aug 2026, 12:00 UTC")
	b.open("/.doorcode/").wants(t, http.StatusOK, "Everything we keep about you will be erased on 2 Aug 2026, 12:00 UTC")
	b.chooses("/.doorcode/", "cancel", b.objectOf("cancel")).wants(t, http.StatusOK, "Cancel this change?")
	b.submit("/").wants(t, http.StatusOK, "The change was cancelled.", "!will be erased")
	b.open("/.doorcode/").wants(t, http.StatusOK, "!The change was cancelled.")
	w.clock.advance(25 * time.Hour)
	w.enters(firefox, ana).open("/.doorcode/settings").wants(t, http.StatusOK, "Erase everything", "!erased on")
}

// The page and the mail speak of a day on which somebody may want to take it back.
func TestErasingIsToldByTheClockThatThePersonChose(t *testing.T) {
	w := newWorld(t)
	b := w.enters(firefox, ana)
	b.open("/.doorcode/settings")
	b.chooses("/.doorcode/settings", "save", "")
	b.submit("/settings", "zone", "Asia/Tokyo").wants(t, http.StatusOK, "Your settings are saved.")
	b.permitFor(t, "erase", "Erase everything?")
	b.submit("/settings").wants(t, http.StatusOK, "Everything will be erased", "2 Aug 2026, 21:00 JST")
	if n := w.mailbox.last(t); n.Change != challenge.EraseData || n.Zone != "Asia/Tokyo" {
		t.Errorf("the mail is about %s in the zone %q", n.Change, n.Zone)
	}
}

// TestAnOrdinaryCodeAllowsNoChange: neither that of the sign-in nor that of a
// protected page.
func TestAnOrdinaryCodeAllowsNoChange(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	code := b.ask("/x", ana)
	b.submit("/verify", "code", code)
	for _, of := range []string{"export", "erase"} {
		fields := url.Values{"flow": {b.press("settings", "confirm", of)}, "action": {"confirm"}, "change": {of}}
		got := b.do(http.MethodPost, "/.doorcode/settings", fields, clicked)
		if got.StatusCode != http.StatusSeeOther || got.Header.Get("Content-Disposition") != "" {
			t.Errorf("%s: status %d", of, got.StatusCode)
		}
	}
	b.open("/.doorcode/").wants(t, http.StatusOK, "!will be erased")
}
