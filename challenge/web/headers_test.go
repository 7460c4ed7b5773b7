// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// everyAnswer makes answers of all sorts, by a name for each.
func everyAnswer(t *testing.T) map[string]answer {
	all := map[string]answer{}
	for name, row := range rows {
		if row.method == "" {
			row.method = http.MethodGet
		}
		all[name] = newWorld(t).browser().do(row.method, "/x", nil, row.header)
	}
	w := newWorld(t)
	b := w.browser()
	own := func(name, method, target string, form url.Values, h http.Header) {
		all[method+" "+name] = b.clone().do(method, target, form, h)
	}
	for _, h := range []http.Header{clicked, terminal} {
		kind := h.Get("Accept")[:3]
		own("unknown "+kind, http.MethodGet, "/.doorcode/nothing", nil, h)
		own("wrong method "+kind, http.MethodPut, "/.doorcode/verify", nil, h)
		own("two slashes "+kind, http.MethodGet, "//evil.example/", nil, h)
		own("bad body "+kind, http.MethodPost, "/.doorcode/verify", nil, with(h, "Sec-Fetch-Site", "same-origin"))
		own("other site "+kind, http.MethodPost, "/.doorcode/verify", url.Values{}, with(h, "Sec-Fetch-Site", "cross-site"))
		own("other host "+kind, http.MethodGet, "http://other.example/", nil, h)
		own("too early "+kind, http.MethodPost, "/.doorcode/verify", nil, with(h, "Early-Data", "1"))
	}
	for _, name := range []string{"begin", "status", "session", "signout", "ping", "jwks.json"} {
		own(name, http.MethodGet, "/.doorcode/"+name, nil, clicked)
		own(name+" early", http.MethodGet, "/.doorcode/"+name, nil, with(clicked, "Sec-Purpose", "prefetch"))
	}
	own("begin", http.MethodPost, "/.doorcode/begin", nil, clicked)
	b.open("/x")
	all["no cookies"] = w.browser().do(http.MethodPost, "/x/.doorcode/email", nil, clicked)
	all["email"] = b.clone().post(clicked, "/email", "email", ana)
	all["email by script"] = b.post(scripted, "/email", "email", ana)
	b.open("/x")
	all["wrong code by script"] = b.post(scripted, "/verify", "code", wrongCode(w.mailbox.last(t).Code.Reveal(), 1))
	all["right code"] = b.post(clicked, "/verify", "code", w.mailbox.last(t).Code.Reveal())
	all["sign-out"] = b.do(http.MethodGet, "/.doorcode/signout", nil, clicked)
	b.page, b.at = all["sign-out"], &url.URL{Path: "/.doorcode/signout"}
	all["session"] = b.do(http.MethodGet, "/.doorcode/session", nil, scripted)
	held := newWorld(t).late(ana)
	all["held form"] = held.sends("/x", pairs, "a=b", clicked)
	all["held form, no address"] = held.stay("/email")
	held.stay("/email", "email", ana)
	all["held form, lost"] = held.clone().post(clicked, "/verify", "code", "1", "flow", "")
	all["held form, back"] = held.post(clicked, "/verify", "code", held.w.mailbox.last(t).Code.Reveal())
	all["held form, for nobody"] = held.do(http.MethodPost, "/x/.doorcode/form", url.Values{}, clicked)
	w.arrive = func(in *web.Arrival, _ *http.Request) { in.Secure = false }
	all["plain http"] = w.browser().open("/x")
	w.arrive = nil
	w.store.breaks(true)
	all["store down"] = b.do(http.MethodPost, "/.doorcode/signout", url.Values{}, clicked)
	return all
}

func TestCCH01AndWEB02EveryAnswerCarriesTheSameHeaders(t *testing.T) {
	always := map[string]string{
		"Cache-Control":                "no-store",
		"Vary":                         "Cookie, Accept, Sec-Fetch-Mode, Sec-Fetch-Dest",
		"X-Robots-Tag":                 "noindex",
		"Referrer-Policy":              "same-origin",
		"X-Content-Type-Options":       "nosniff",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "publickey-credentials-get=(self)",
	}
	for name, a := range everyAnswer(t) {
		want := maps.Clone(always)
		if name == "GET jwks.json" {
			want["Cache-Control"], want["Cross-Origin-Resource-Policy"], want["Vary"] = "public, max-age=300", "cross-origin", ""
		}
		for field, value := range want {
			if got := a.Header.Get(field); got != value {
				t.Errorf("%s: %s = %q", name, field, got)
			}
		}
		if (a.StatusCode == http.StatusUnauthorized) != (a.Header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s: status %d with WWW-Authenticate %q", name, a.StatusCode, a.Header.Get("WWW-Authenticate"))
		}
		if a.body != "" && strings.HasPrefix(a.Header.Get("Content-Type"), "text/") && !strings.HasSuffix(a.Header.Get("Content-Type"), "; charset=utf-8") {
			t.Errorf("%s: Content-Type = %q", name, a.Header.Get("Content-Type"))
		}
		if slack := a.Header.Get("Clear-Site-Data"); slack != "" {
			t.Errorf("%s: Clear-Site-Data = %q", name, slack)
		}
	}
}

func TestWEB01EveryAnswerAllowsOnlyWhatIsInIt(t *testing.T) {
	for name, a := range everyAnswer(t) {
		csp := a.Header.Get("Content-Security-Policy")
		for _, directive := range []string{"default-src 'none'", "base-uri 'none'"} {
			if !strings.Contains(csp, directive) {
				t.Errorf("%s: no %s in %q", name, directive, csp)
			}
		}
		ancestors := "frame-ancestors 'none'"
		if strings.HasPrefix(name, "13") {
			ancestors = "frame-ancestors 'self'"
		}
		if !strings.Contains(csp, ancestors) || strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: policy %q", name, csp)
		}
	}
}

func TestWEB06ProgramsNeverGetA200Page(t *testing.T) {
	for name, a := range everyAnswer(t) {
		if a.StatusCode == http.StatusOK && strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") && !strings.Contains(name, "signout") && name != "sign-out" && name != "GET begin" && name != "held form, back" {
			t.Errorf("%s: a page with status 200", name)
		}
	}
}

func TestTheChallengeNamesHostReasonAndBegin(t *testing.T) {
	a := newWorld(t).browser().open("/a/b?c")
	want := `Doorcode realm="app.example.com", reason="new_browser", begin="/a/b/.doorcode/begin"`
	if got := a.Header.Get("WWW-Authenticate"); got != want {
		t.Errorf("WWW-Authenticate = %s", got)
	}
	if got := a.Header.Get("Doorcode-Reason"); got != "new_browser" {
		t.Errorf("Doorcode-Reason = %q", got)
	}
}

// docs/http.md is where the docs field of every problem leads.
func TestEveryProblemTypeHasItsHeading(t *testing.T) {
	raw, err := os.ReadFile("../../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(raw), "\n")
	for kind, of := range web.ProblemTypes {
		if !slices.Contains(lines, "### "+kind) {
			t.Errorf("docs/http.md has no heading %q", kind)
		}
		if of.Status() < 400 || of.Title() == "" {
			t.Errorf("%s: status %d, title %q", kind, of.Status(), of.Title())
		}
	}
	for _, line := range lines {
		if kind, ok := strings.CutPrefix(line, "### "); ok {
			if _, known := web.ProblemTypes[kind]; !known {
				t.Errorf("docs/http.md tells of %q, which there is not", kind)
			}
		}
	}
}
