// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"strings"
	"testing"
)

// A program, and whoever opens the page that it names, are told of the way in that opens
// the app.
func TestWhatIsToldOfTheWayInIsTheOneThatOpensTheApp(t *testing.T) {
	for _, tt := range []struct {
		name, title, detail string
		change              func(*settings)
		begin               []string
	}{
		{"a code", "A code is needed", "enter the emailed code", keyed, []string{"We'll email you a code.", "!asks for a passkey"}},
		{"only a passkey", "A passkey is needed", "Open begin in a browser, use a passkey, then repeat this request.", onlyKeyed, []string{"asks for a passkey. A code isn't enough here.", "No passkey yet?", "!No password needed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newWorld(t, tt.change, roomy).browser()
			got := b.do(http.MethodGet, "/x", nil, scripted)
			if p := got.wantsProblem(t, http.StatusUnauthorized, "check-needed"); p.Title != tt.title || !strings.Contains(p.Detail, tt.detail) {
				t.Errorf("a stranger is told %+v", p)
			}
			git := b.do(http.MethodGet, "/x/info/refs?service=git-upload-pack", nil, http.Header{"User-Agent": {"git/2.50"}})
			if !strings.HasPrefix(git.body, tt.title+". Open ") {
				t.Errorf("git is told %q", git.body)
			}
			b.open("/x/.doorcode/begin").wants(t, http.StatusOK, append(tt.begin, "Sign in to", "Continue")...)
		})
	}
}

// A session that a code began is told the same at such a gate.
func TestASessionOfACodeIsToldThatAPasskeyIsNeeded(t *testing.T) {
	w := newWorld(t, onlyKeyed, roomy)
	b := w.browser()
	b.open("/.doorcode/")
	b.submit("/email", "email", ana)
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal())
	for _, path := range []string{"/x", "/.doorcode/session"} {
		got := b.do(http.MethodGet, path, nil, scripted)
		if p := got.wantsProblem(t, http.StatusUnauthorized, "check-needed"); p.Reason != "passkey" || p.Title != "A passkey is needed" {
			t.Errorf("%s tells %+v", path, p)
		}
	}
}
