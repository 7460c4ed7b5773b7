// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// matchers are one for each condition, told to the app as X-Match, and to the
// browser by a directive that runs before the gate.
const matchers = `	@staff doorcode group staff
	@fresh doorcode fresh 5m
	@verified doorcode verified
	@ana doorcode address ana@example.com *@example.org
	@home doorcode country PT ES
	@both {
		doorcode group staff
		doorcode {
			fresh 5m
			country PT
		}
	}
	@others not doorcode group staff
	header @verified X-Early verified
	request_header @staff +X-Match staff
	request_header @fresh +X-Match fresh
	request_header @verified +X-Match verified
	request_header @ana +X-Match ana
	request_header @home +X-Match home
	request_header @both +X-Match both
	request_header @others +X-Match others
`

// matched are the matchers that a request met on its way to the app.
func matched(t *testing.T, c *harness.Caddy, b *harness.Browser, path string) string {
	t.Helper()
	forged := http.Header{"Remote-Groups": {"staff"}, "Remote-Email": {ana}, "Doorcode-Reason": {"verified"}}
	page := b.Do(t, http.MethodGet, path, nil, forged)
	wantStatus(t, path, page, http.StatusOK)
	if early := page.Header.Get("X-Early"); early != "" {
		t.Errorf("%s: a matcher in front of the gate met %s", path, early)
	}
	return strings.Join(c.App.Last(t).Header.Values("X-Match"), " ")
}

func TestTheMatcherGoesByWhatTheGateHasVerified(t *testing.T) {
	c := charted(t, "http://localhost:PORT {\n"+matchers+gate("*@example.com", databases, "group staff ana@example.com", "public /open/*")+"\n\treverse_proxy APP\n}\n")
	stranger, b := browserIn(t, c, lisbon), renewed(t, c, lisbon)
	entered := atHome(t, c, lisbon, false)
	other := browserIn(t, c, tokyo)
	other.SignIn(t, c, "/", ben, false)
	for _, tt := range []struct {
		name string
		who  *harness.Browser
		path string
		want string
	}{
		{"a member who has just entered a code", entered, "/x", "staff fresh verified ana home both"},
		{"a member on a public path", entered, "/open/x", "staff fresh verified ana home both"},
		{"a session that a remembered browser made", b, "/x", "staff verified ana home"},
		{"somebody else, elsewhere", other, "/x", "fresh verified others"},
		{"a stranger who writes headers", stranger, "/open/x", "others"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := matched(t, c, tt.who, tt.path); got != tt.want {
				t.Errorf("matchers met: %q, want %q", got, tt.want)
			}
		})
	}
}

// An earlier step's word is none that anybody has verified. It names the person
// all the same, and their groups, as the app is told them.
func TestTheMatcherKnowsAnEarlierStepsWord(t *testing.T) {
	c := charted(t, "http://localhost:PORT {\n"+basicAuth(ana, ben)+matchers+gate("*@example.com", databases, "identity {http.auth.user.id}", "group staff ana@example.com", "challenge never")+"\n\treverse_proxy APP\n}\n")
	for user, want := range map[string]string{ana: "staff ana home", ben: "home others"} {
		b := as(t, browserIn(t, c, lisbon), user)
		if got := matched(t, c, b, "/x"); got != want {
			t.Errorf("matchers met by %s: %q, want %q", user, got, want)
		}
		if seen := c.App.Last(t).Header; seen.Get("Remote-Email") != user || seen.Get("Doorcode-Assertion") != "" {
			t.Errorf("the app is told %q and the assertion %q, want the address and none", seen.Get("Remote-Email"), seen.Get("Doorcode-Assertion"))
		}
	}
}

// Of two gates in one site, the last one that guards a request says whose it is.
func TestTheMatcherBelievesTheLastGate(t *testing.T) {
	const decided = "\n\trequest_header X-Decision {http.doorcode.decision}\n\treverse_proxy APP\n}\n"
	c := harness.Start(t, "http://localhost:PORT {\n"+matchers+gate("*@example.com", "public /admin/own/*")+"\n"+
		gate("/admin/* *@example.com", "group staff ana@example.com", "public /admin/open/*")+decided)
	b := signedIn(t, c, ana)
	for path, staff := range map[string]bool{"/x": false, "/admin/x": true, "/admin/open/x": false, "/admin/own/x": true} {
		if got := matched(t, c, b, path); slices.Contains(strings.Fields(got), "staff") != staff {
			t.Errorf("%s: matchers met: %q, want staff: %v", path, got, staff)
		}
		if got := c.App.Last(t).Header.Get("X-Decision"); got != "pass" {
			t.Errorf("%s: decision is %q, want pass", path, got)
		}
	}
}

// In expressions and headers the variable is nothing that could be read.
func TestTheMatchersVariableSaysNothing(t *testing.T) {
	c := harness.Start(t, "http://localhost:PORT {\n"+gate("*@example.com")+"\n\trequest_header X-Admitted {http.vars.doorcode.admitted}\n\treverse_proxy APP\n}\n")
	signedIn(t, c, ana)
	if got := c.App.Last(t).Header.Get("X-Admitted"); got != "[doorcode]" {
		t.Errorf("the variable reads %q", got)
	}
}

// A vars directive cannot make up whom a gate has let through.
func TestTheMatchersVariableCannotBeSet(t *testing.T) {
	c := harness.Start(t, "http://localhost:PORT {\n\tvars doorcode.admitted ana@example.com\n\t@verified doorcode verified\n\trespond @verified in\n\trespond out\n}\n")
	if page := c.Browser(t).Open(t, "/"); page.Body != "out" {
		t.Errorf("body = %q, want out", page.Body)
	}
}
