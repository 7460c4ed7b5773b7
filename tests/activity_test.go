// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/csv"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// wantActivity waits for a row of somebody's activity: it is there within a second, at
// every machine.
func wantActivity(t *testing.T, b *harness.Browser, row string) {
	t.Helper()
	harness.Eventually(t, "activity that says "+row, func() bool { return strings.Contains(b.Open(t, "/.doorcode/activity").Text(), row) })
}

// Item 90: what happens at one machine is read at the other, and "This wasn't me" there
// ends a browser at both.
func TestItem90ActivityIsReadAndReportedAtEveryMachine(t *testing.T) {
	onEachStore(t, func(t *testing.T, h house) {
		home := h.signIn(t, h.first, 1, "", true)
		stranger := from(t, h.second.Caddy, 2)
		code := ask(t, h.second.Caddy, stranger, "/", ana)
		enter(t, stranger, notThis(code, 1))
		enter(t, stranger, notThis(code, 2))
		wantActivity(t, home, "Wrong code 2 times within an hour")
		wantText(t, "the page", home.Open(t, "/.doorcode/activity"), "198.51.2.0/24", "Code entered", "New browser remembered", "!This wasn't me")
		wantText(t, "problems", home.Follow(t, "Problems"), "Wrong code", "!Code sent")

		thief := h.signIn(t, h.second, 3, chrome, true)
		wantActivity(t, home, "This wasn't me")
		wantText(t, "the question", home.Press(t, "This wasn't me", nil), "Sign that browser out?", "Chrome on macOS", "198.51.3.0/24")
		wantStatus(t, "before it", thief.Fetch(t, "/"), http.StatusOK)
		wantText(t, "what follows", home.Press(t, "Yes, sign it out", nil), "Stopped", "That browser is signed out and forgotten")
		for _, m := range h.both() {
			eventually(t, "the thief's session to end at "+m.At, thief.Move(m), http.StatusUnauthorized)
			wantStatus(t, "her own at "+m.At, home.Move(m).Fetch(t, "/"), http.StatusOK)
			wantText(t, "the row of it at "+m.At, home.Move(m).Open(t, "/.doorcode/activity"), "Stopped by you", "!This wasn't me")
		}
		file := home.Follow(t, "Download CSV")
		rows, err := csv.NewReader(strings.NewReader(file.Body)).ReadAll()
		if err != nil || len(rows) < 8 || !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment; ") {
			t.Errorf("the file has %d rows, %v, %v", len(rows), err, file.Header)
		}
	}, generous(""))
}

// LOG-05: what somebody was told that they did is there after kill -9.
func TestLOG05WhatAPersonDidSurvivesAKill(t *testing.T) {
	child := harness.PrepareChild(t, site(generous("")))
	child.Run(t)
	b := from(t, child.Caddy, 1)
	b.SignIn(t, child.Caddy, "/", ana, true)
	other := from(t, child.Caddy, 2)
	other.Agent = chrome
	other.SignIn(t, child.Caddy, "/", ana, true)
	b.Open(t, "/.doorcode/sessions")
	b.Press(t, "Sign out Chrome on macOS", nil)
	b.Press(t, "Sign out", nil)
	signOut(t, b)
	child.Kill()
	child.Run(t)
	again := from(t, child.Caddy, 3)
	again.SignIn(t, child.Caddy, "/", ana, false)
	wantText(t, "activity", again.Open(t, "/.doorcode/activity"), "Signed out by you", "Signed out from another browser")
}

// A stopped server has written all that it knew, and whoever has its file, and no
// secret, reads nothing of who did what and where.
func TestGEO10TheFileDoesNotTellWhatHappenedToWhom(t *testing.T) {
	child := harness.PrepareChild(t, site(generous(""), "audit {\n\t\t\tip full\n\t\t}"))
	child.Run(t)
	b := from(t, child.Caddy, 1)
	b.SignIn(t, child.Caddy, "/", ana, true)
	wantText(t, "activity", b.Open(t, "/.doorcode/activity"), "Firefox on Windows", "198.51.1.7")
	child.Kill()
	file, err := os.ReadFile(filepath.Join(child.Folder, "doorcode.db"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(file), "activity/") {
		t.Fatal("there is no activity in the file")
	}
	for _, personal := range []string{ana, "ana@", "198.51.1", "Firefox", "code_sent", "remembered"} {
		if strings.Contains(string(file), personal) {
			t.Errorf("the file holds %q", personal)
		}
	}
}
