// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// observed reports whether a decision was logged that would have been another
// for a reason.
func observed(t *testing.T, c *harness.Caddy, reason string) bool {
	t.Helper()
	for _, e := range events(t, c, "decided") {
		reasons, _ := e["observed"].([]any)
		if slices.Contains(reasons, any(reason)) && e["decision"] == "pass" && e["level"] == "info" {
			return true
		}
	}
	return false
}

// wantObserved fails unless there is such a line.
func wantObserved(t *testing.T, c *harness.Caddy, reason string) {
	t.Helper()
	if !observed(t, c, reason) {
		t.Errorf("no decision in the log says that %s is observed: %v", reason, events(t, c, "decided"))
	}
}

// "observe all" rehearses a gate on a site that people use: nobody is asked or
// refused, and the log tells what would have been. Whom nobody has proved gets
// no identity, least of all one of their own making.
func TestObserveAllAsksAndRefusesNobody(t *testing.T) {
	c := located(t, "observe all", "countries not JP", "sensitive /admin/*", "deny "+ben)
	stranger := browserIn(t, c, lisbon)
	stranger.Extra = http.Header{"Remote-User": {"root"}, "Remote_Email": {ana}, "Doorcode-Assertion": {"x.y.z"}, "X-Forwarded-User": {"root"}}
	for _, stranger.From = range []string{lisbon, tokyo, unlisted} {
		wantStatus(t, "page from "+stranger.From, stranger.Open(t, "/"), http.StatusOK)
		wantStatus(t, "script", stranger.Fetch(t, "/admin/x"), http.StatusOK)
		wantStatus(t, "form", stranger.Do(t, http.MethodPost, "/form", nil, harness.Navigation), http.StatusOK)
	}
	for _, seen := range c.App.Seen() {
		for _, field := range []string{"Remote-User", "Remote-Email", "Remote-Groups", "Doorcode-Assertion", "X-Forwarded-User"} {
			if values := asCGI(seen, field); len(values) > 0 {
				t.Errorf("the app saw %s %q of a stranger", field, values)
			}
		}
	}
	wantObserved(t, c, "new_browser")
	wantWarning(t, c, "every visitor reaches the app")
	if mails := c.Mailbox.All(t); len(mails) != 0 {
		t.Errorf("%d mails", len(mails))
	}
}

// Somebody who can sign in, as where the rehearsal is over for some time, is told
// to the app; what would be asked of them is only logged.
func TestObserveAllKnowsWhoIsIn(t *testing.T) {
	c := located(t, "sensitive /admin/*", "countries not ES")
	b := renewed(t, c, lisbon)
	c.Load(t, logged+site(databases, "sensitive /admin/*", "countries not ES", "observe all"))
	for _, tt := range []struct{ address, path string }{{tokyo, "/"}, {lisbon, "/admin/x"}, {madrid, "/"}} {
		b.From = tt.address
		before := len(audible(t, c))
		for range 10 {
			wantStatus(t, tt.path+" from "+tt.address, b.Open(t, tt.path), http.StatusOK)
		}
		told := audible(t, c)[before:]
		if len(told) != 1 {
			t.Errorf("%s from %s: 10 requests are %d events", tt.path, tt.address, len(told))
		}
		for _, e := range told {
			wantFields(t, tt.path, e, event{"decision": "pass"})
		}
		if seen := c.App.Last(t).Header; seen.Get("Remote-Email") != ana {
			t.Errorf("%s from %s: the app saw %q", tt.path, tt.address, seen)
		}
	}
	wantObserved(t, c, "travel")
	wantObserved(t, c, "sensitive")
}

// A reason that is only observed asks nobody, while the others do.
func TestObserveOfOneReason(t *testing.T) {
	c := located(t, "observe new_place travel", "sensitive /admin/*")
	b := renewed(t, c, lisbon)
	b.From = tokyo
	wantStatus(t, "abroad", b.Open(t, "/"), http.StatusOK)
	wantCheck(t, "a sensitive page abroad", b.Fetch(t, "/admin/x"), onSensitive)
	b.Drop(t, "doorcode")
	b.From = madrid
	wantStatus(t, "a remembered browser abroad", b.Open(t, "/"), http.StatusOK)
	wantCheck(t, "a stranger", browserIn(t, c, tokyo).Fetch(t, "/"), "new_browser")
	wantObserved(t, c, "new_place")
	wantObserved(t, c, "travel")

	only := harness.Prepare(t)
	drawAtlas(t, only)
	only.Load(t, logged+site(databases, "observe new_place"))
	one := atHome(t, only, lisbon, false)
	one.From = madrid
	wantStatus(t, "new_place alone, near", one.Fetch(t, "/"), http.StatusOK)
	one.From = tokyo
	wantCheck(t, "new_place alone, far", one.Fetch(t, "/"), "travel")
}

// wantWarning fails unless the log warns of something.
func wantWarning(t *testing.T, c *harness.Caddy, text string) {
	t.Helper()
	for _, line := range logOf(t, filepath.Join(c.Folder, "caddy.log")) {
		if said, _ := line["msg"].(string); strings.Contains(said, text) && line["level"] == "warn" {
			return
		}
	}
	t.Errorf("the log does not warn that %q", text)
}
