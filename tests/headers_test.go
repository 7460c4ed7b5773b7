// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// forged are fields that only the gate may set, or that another gateway once
// set for an app which still believes them.
var forged = []string{
	"Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups", "Doorcode-Assertion", "Doorcode-Anything",
	"X-Auth-Request-Email", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-WebAuth-User",
	"Cf-Access-Jwt-Assertion", "X-Authentik-Username", "Tailscale-User-Login", "X-Original-URL", "X-Rewrite-URL",
	"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
}

func forgery() http.Header {
	h := http.Header{}
	for _, name := range forged {
		h[name] = []string{"mallory@example.com"}
	}
	return h
}

// noForgery fails when the app was told anything by the visitor.
func noForgery(t *testing.T, what string, seen harness.Seen) {
	t.Helper()
	for name, values := range seen.Header {
		if name != "X" && strings.Contains(strings.Join(values, " "), "mallory") {
			t.Errorf("%s: the app saw %s: %q", what, name, values)
		}
	}
}

// HDR-01, rulings 5 and 6: a visitor who says who they are is believed by the
// app behind any gate that forgets to remove it. It must be gone on every path
// that reaches the app, public ones included.
func TestHDR01ForgedFieldsReachNoApp(t *testing.T) {
	c := harness.Start(t, site("public /public/*", "copy_headers Remote-User Remote-Email>X-Auth-Request-Email", "preflight pass"))
	stranger, b := c.Browser(t), signedIn(t, c, ana)
	stranger.Extra, b.Extra = forgery(), forgery()

	wantStatus(t, "public path", stranger.Fetch(t, "/public/x"), http.StatusOK)
	noForgery(t, "public path, stranger", c.App.Last(t))
	preflight := http.Header{"Origin": {"https://other.example"}, "Access-Control-Request-Method": {"PUT"}}
	wantStatus(t, "preflight", stranger.Do(t, http.MethodOptions, "/x", nil, preflight), http.StatusOK)
	noForgery(t, "preflight, stranger", c.App.Last(t))
	for _, path := range []string{"/public/x", "/x"} {
		wantStatus(t, path, b.Fetch(t, path), http.StatusOK)
		seen := c.App.Last(t)
		noForgery(t, path+", signed in", seen)
		for name, want := range map[string]string{"Remote-User": ana, "X-Auth-Request-Email": ana, "Remote-Email": "", "Remote-Groups": ""} {
			if got := strings.Join(seen.Header[name], ","); got != want {
				t.Errorf("%s: the app saw %s %q, want %q", path, name, got, want)
			}
		}
		if seen.Header.Get("Doorcode-Assertion") == "" {
			t.Errorf("%s: no assertion", path)
		}
	}
}

// HDR-02: CGI and its heirs make one variable of Remote-Email, remote_email and
// Remote.Email, so a forgery in any spelling is a forgery. Caddy drops most of
// them unless the operator lets them in for an app, as here.
func TestHDR02NoSpellingReachesTheApp(t *testing.T) {
	c := harness.Start(t, `	servers {
		expected_underscore_headers remote_* doorcode_* x_auth_request_* control_one
		expected_dot_headers remote.* doorcode.* x.auth.request.* control.two
	}
---
localhost:PORT {
`+gate("*@example.com", "public /public/*", "copy_headers Remote-Email Remote-User>X-Auth-Request-User")+`
	reverse_proxy APP
}
`)
	b := c.SecureBrowser(t, "localhost")
	b.SignIn(t, c, "/", ana, false)
	session := cookies(t, b)
	for _, path := range []string{"/x", "/public/x"} {
		for _, name := range []string{"Remote-Email", "Doorcode-Assertion", "X-Auth-Request-User"} {
			for _, spelt := range spellings(name) {
				for _, variant := range []string{spelt, strings.ToLower(spelt), strings.ToUpper(spelt)} {
					one := c.RawTLS(t, "localhost", "GET "+path+" HTTP/1.1", "Host: HOST", "Cookie: "+session,
						"Control_one: here", variant+": mallory@example.com", variant+": mallory@example.com", "Connection: close", "", "")
					wantStatus(t, variant, one, http.StatusOK)
					onlyOurs(t, variant, c.App.Last(t), name)
				}
				two, err := c.RawH2(t, harness.H2{Method: "GET", Host: "localhost", Path: path, Fields: [][2]string{
					{"cookie", session}, {"control.two", "here"}, {strings.ToLower(spelt), "mallory@example.com"},
				}})
				if err != nil {
					t.Fatalf("%s over HTTP/2: %v", spelt, err)
				}
				wantStatus(t, spelt, two, http.StatusOK)
				onlyOurs(t, spelt+" over HTTP/2", c.App.Last(t), name)
			}
		}
	}
}

// onlyOurs fails unless the app finds one value for a field, the gate's, and
// the control field, which shows that odd names are let in at all.
func onlyOurs(t *testing.T, what string, seen harness.Seen, field string) {
	t.Helper()
	if values := asCGI(seen, field); len(values) != 1 || strings.Contains(values[0], "mallory") {
		t.Errorf("%s: the app finds %q for %s", what, values, field)
	}
	if len(asCGI(seen, "Control-One"))+len(asCGI(seen, "Control-Two")) != 1 {
		t.Errorf("%s: the control field did not arrive, so this test shows nothing: %q", what, seen.Header)
	}
}

// HDR-02: what is no field name at all never gets as far as the app.
func TestHDR02MalformedFieldNamesAreRefused(t *testing.T) {
	c := harness.Start(t, site("public /public/*"))
	for _, line := range []string{
		"Remote-Email : mallory", "Remote-Email\t: mallory", " Remote-Email: mallory", "Remote-Email\x00: mallory",
		"X: y\r\n Remote-Email: mallory", "Remote\u2010Email: mallory", ": mallory", "Remote-Email: mal\x00lory",
	} {
		before := len(c.App.Seen())
		page := c.Raw(t, "GET /public/x HTTP/1.1", "Host: HOST", line, "Connection: close", "", "")
		if page.Status == http.StatusOK {
			noForgery(t, fmt.Sprintf("%q", line), c.App.Last(t))
			continue
		}
		wantStatus(t, fmt.Sprintf("%q", line), page, http.StatusBadRequest)
		c.App.Untouched(t, before)
	}
}

// HDR-03: a proxy removes every field that Connection names after the gate has
// set it. An app that takes a missing field for its default user is then
// entered as that user.
func TestHDR03ConnectionCannotNameOurFields(t *testing.T) {
	c := harness.Start(t, site())
	session := cookies(t, signedIn(t, c, ana))
	for name, lines := range map[string][]string{
		"alone":             {"Connection: Remote-Email"},
		"after close":       {"Connection: close, remote-email, Remote-User, Doorcode-Assertion"},
		"in a second line":  {"Connection: close", "Connection: Remote-Email"},
		"between blanks":    {"Connection: \t Remote-Email\t , ,"},
		"with keep-alive":   {"Connection: keep-alive, Remote-Email, Remote-User", "Keep-Alive: timeout=5"},
		"for an old proxy":  {"Proxy-Connection: Remote-Email"},
		"and another field": {"Connection: Cookie, Host, X-Forwarded-For, Remote-Email"},
	} {
		t.Run(name, func(t *testing.T) {
			request := append([]string{"GET /x HTTP/1.1", "Host: HOST", "Cookie: " + session}, lines...)
			conn, _, _ := c.Upgrade(t, append(request, "", "")...)
			wantStatus(t, name, conn, http.StatusOK)
			seen := c.App.Last(t)
			if seen.Header.Get("Remote-Email") != ana || seen.Header.Get("Remote-User") != ana || seen.Header.Get("Doorcode-Assertion") == "" {
				t.Errorf("the app saw %q", seen.Header)
			}
		})
	}
}

// HDR-04: fields may come after the body as well, and servers that merge them
// into the header are spoofed by them, announced or not.
func TestHDR04TrailersCannotAddOurFields(t *testing.T) {
	c := harness.Start(t, site("public /public/*"))
	session := cookies(t, signedIn(t, c, ana))
	for _, path := range []string{"/x", "/public/x"} {
		for name, announced := range map[string]string{"announced": "X-Sum, Remote-Email, Doorcode-Assertion", "not announced": "X-Sum"} {
			t.Run(path+" "+name, func(t *testing.T) {
				page := c.Raw(t, "POST "+path+" HTTP/1.1", "Host: HOST", "Cookie: "+session, "Sec-Fetch-Site: same-origin", "Transfer-Encoding: chunked",
					"Trailer: "+announced, "", "5", "hello", "0", "X-Sum: 5", "Remote-Email: mallory@example.com", "remote_user: mallory@example.com",
					"Doorcode-Assertion: mallory", "", "")
				wantStatus(t, name, page, http.StatusOK)
				seen := c.App.Last(t)
				if seen.Body != "hello" || seen.Trailer.Get("X-Sum") != "5" {
					t.Errorf("body %q, trailer %q: the trailer did not arrive, so this test shows nothing", seen.Body, seen.Trailer)
				}
				for _, field := range []string{"Remote-Email", "Remote-User", "Doorcode-Assertion"} {
					if slices.ContainsFunc(asCGI(seen, field), func(v string) bool { return strings.Contains(v, "mallory") }) {
						t.Errorf("the app finds %q for %s", asCGI(seen, field), field)
					}
				}
			})
		}
	}
}
