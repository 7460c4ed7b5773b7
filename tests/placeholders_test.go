// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

const placeholderSite = `http://localhost:PORT {
	log {
		output file FOLDER/access.log
		format json
	}
	log_append country {http.doorcode.country}
	log_append city {http.doorcode.city}
	log_append asn {http.doorcode.asn}
	log_append reason {http.doorcode.reason}
	log_append decision {http.doorcode.decision}
	@japan expression {http.doorcode.country} == "JP"
`

// accessLog is the line of the access log about a path.
func accessLog(t *testing.T, c *harness.Caddy, path string) (found event) {
	t.Helper()
	harness.Eventually(t, "a line on "+path, func() bool {
		for _, line := range logOf(t, filepath.Join(c.Folder, "access.log")) {
			request, _ := line["request"].(map[string]any)
			if request["uri"] == path {
				found = line
			}
		}
		return found != nil
	})
	return found
}

// Acceptance 112: an operator's own log lines, headers and matchers tell where
// visitors are and what became of their requests.
func TestPlaceholdersTellPlaceAndDecision(t *testing.T) {
	c := charted(t, placeholderSite+gate("*@example.com", databases, "public /public/*", "sensitive /admin/*", "countries not ES")+`
	reverse_proxy @japan APP {
		header_up X-Where "Japan {http.doorcode.city} {http.doorcode.asn}"
	}
	reverse_proxy APP {
		header_up X-Where "{http.doorcode.country} {http.doorcode.city} {http.doorcode.asn} {http.doorcode.decision}"
	}
}
`)
	b := renewed(t, c, lisbon)
	where := func(want string) {
		t.Helper()
		if got := c.App.Last(t).Header.Get("X-Where"); got != want {
			t.Errorf("the app saw X-Where %q, want %q", got, want)
		}
	}
	wantStatus(t, "pass", b.Fetch(t, "/pass"), http.StatusOK)
	where("PT Lisbon 64500 pass")
	b.From = porto
	wantStatus(t, "porto", b.Fetch(t, "/porto"), http.StatusOK)
	where("PT Porto 64502 pass")
	wantStatus(t, "public", b.Fetch(t, "/public/in"), http.StatusOK)
	wantStatus(t, "sensitive", b.Fetch(t, "/admin/x"), http.StatusUnauthorized)
	b.From = tokyo
	wantStatus(t, "abroad", b.Fetch(t, "/abroad"), http.StatusUnauthorized)
	b.From = madrid
	wantStatus(t, "kept out", b.Fetch(t, "/barred"), http.StatusForbidden)
	stranger := browserIn(t, c, milan)
	stranger.Fetch(t, "/stranger")
	b.From = tokyo
	b.Open(t, "/")
	wantStatus(t, "after the code", enter(t, b, c.Mailbox.WaitCode(t, ana, 2).Code(t)), http.StatusOK)
	wantStatus(t, "in Japan", b.Fetch(t, "/japan"), http.StatusOK)
	where("Japan Tokyo 64504")

	for path, want := range map[string]event{
		"/pass":      {"country": "PT", "city": "Lisbon", "asn": "64500", "reason": "", "decision": "pass"},
		"/porto":     {"country": "PT", "city": "Porto", "asn": "64502", "decision": "pass"},
		"/admin/x":   {"country": "PT", "reason": "sensitive", "decision": "check"},
		"/abroad":    {"country": "JP", "city": "Tokyo", "asn": "64504", "reason": "travel", "decision": "check"},
		"/barred":    {"country": "ES", "decision": "deny"},
		"/stranger":  {"country": "IT", "city": "Milan", "reason": "new_browser", "decision": "check"},
		"/japan":     {"country": "JP", "decision": "pass"},
		"/public/in": {"country": "PT", "decision": "public"},
	} {
		line := accessLog(t, c, path)
		for name, value := range want {
			if line[name] != value {
				t.Errorf("%s: the access log has %s %q, want %q", path, name, line[name], value)
			}
		}
	}
}

// What a visitor writes into a header or a query is never taken for what the gate
// has found.
func TestPlaceholdersAreNotTheVisitors(t *testing.T) {
	c := charted(t, placeholderSite+gate("*@example.com", databases)+`
	reverse_proxy APP {
		header_up X-Where {http.doorcode.country}
	}
}
`)
	b := atHome(t, c, lisbon, false)
	b.Extra = http.Header{"Doorcode-Country": {"JP"}, "X-Where": {"JP"}, "Cf-Ipcountry": {"JP"}}
	wantStatus(t, "page", b.Do(t, http.MethodGet, "/x?"+url.Values{"http.doorcode.country": {"JP"}}.Encode(), nil, harness.Scripted), http.StatusOK)
	if got := c.App.Last(t).Header["X-Where"]; len(got) != 1 || got[0] != "PT" {
		t.Errorf("the app saw X-Where %q", got)
	}
}

// Of whom only an earlier step has named, there is no session to tell anything of.
func TestPlaceholdersOfAGuestTellOfNoSession(t *testing.T) {
	c := charted(t, strings.Replace(behindPassword(databases, "challenge never"), "reverse_proxy APP", `reverse_proxy APP {
		header_up X-Session "{http.doorcode.decision} {http.auth.user.id} {http.doorcode.country} [{http.doorcode.session}{http.doorcode.device}{http.doorcode.verified_at}]"
	}`, 1))
	wantStatus(t, "a guest", as(t, browserIn(t, c, lisbon), "alice").Fetch(t, "/"), http.StatusOK)
	if got, want := c.App.Last(t).Header.Get("X-Session"), "pass alice PT []"; got != want {
		t.Errorf("the app saw X-Session %q, want %q", got, want)
	}
}
