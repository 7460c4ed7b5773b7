// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// takesTokens is a gate that does.
func takesTokens(s *settings) {
	roomy(s)
	s.gate.Policy.Ways.Tokens = true
}

func newTokenWorld(t testing.TB, change ...func(*settings)) *world {
	t.Helper()
	w := newWorld(t, append(change, takesTokens)...)
	w.arrive = func(in *web.Arrival, r *http.Request) { in.Token = web.TokenIn(r.Header) }
	return w
}

// token makes one on its page; pairs are fields of the form and values.
func (b *browser) token(pairs ...string) string {
	b.w.t.Helper()
	b.open("/.doorcode/tokens").wants(b.w.t, http.StatusOK, "Make an access token")
	b.submit("/tokens", append([]string{"action", "start", "name", "Laptop", "path", "/", "reads", "", "days", "30"}, pairs...)...)
	b.page.wants(b.w.t, http.StatusOK, "Confirm it's you")
	b.submit("/verify", "code", b.w.mailbox.last(b.w.t).Code.Reveal()).wants(b.w.t, http.StatusOK, "shows it once")
	b.submit("/tokens").wants(b.w.t, http.StatusOK, "Save your access token")
	_, rest, _ := strings.Cut(b.page.body, `<code id="token" dir="ltr">`)
	text, _, ok := strings.Cut(rest, "</code>")
	if !ok {
		b.w.t.Fatalf("no token on the page:\n%s", b.page.body)
	}
	return text
}

func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// programs bring a token each in their own way.
func programs(token string) map[string]http.Header {
	return map[string]http.Header{
		"the gate's header":    with(terminal, "Doorcode-Token", token),
		"a bearer token":       with(terminal, "Authorization", "Bearer "+token),
		"a scheme in capitals": with(terminal, "Authorization", "BEARER  "+token),
		"a password":           with(terminal, "Authorization", basic(ana, token)),
		"a password of nobody": with(terminal, "Authorization", basic("", token)),
		"both at once":         with(terminal, "Authorization", basic(ana, token), "Doorcode-Token", token),
		"beside the app's own": with(terminal, "Authorization", basic("app", "secret"), "Doorcode-Token", token),
		"git":                  with(terminal, "User-Agent", "git/2.47.0", "Authorization", basic(ana, token)),
		"a page of the site":   with(scripted, "Authorization", basic(ana, token)),
	}
}

func TestRuling44ATokenLetsProgramsIn(t *testing.T) {
	w := newTokenWorld(t)
	token := w.browser().signIn("/x", ana).token()
	for name, headers := range programs(token) {
		got := w.browser().do(http.MethodPut, "/x", nil, headers)
		if got.StatusCode != http.StatusOK || got.Header.Get("Who") != ana || len(got.Header["Set-Cookie"]) > 0 {
			t.Errorf("%s: status %d as %q, cookies %q\n%s", name, got.StatusCode, got.Header.Get("Who"), got.Header["Set-Cookie"], got.body)
		}
	}
}

// A token that is not good is answered in a way that a program can read: never with
// a page, a mail, a cookie or a look at the store.
func TestRuling44ABadTokenIsAnsweredAsAProblem(t *testing.T) {
	w := newTokenWorld(t)
	good := w.browser().signIn("/x", ana).token()
	mails, before := len(w.mailbox.all()), w.passed.Load()
	w.store.since()
	bad := good[:len(good)-1] + "_"
	asked := programs(bad)
	asked["a browser"] = with(clicked, "Authorization", "Bearer "+bad)
	for name, headers := range asked {
		got := w.browser().do(http.MethodGet, "/x", nil, headers)
		challenges := got.Header["Www-Authenticate"]
		if got.StatusCode != http.StatusUnauthorized || len(challenges) == 0 || challenges[0] != `Bearer error="invalid_token"` ||
			!strings.Contains(got.body, "urn:doorcode:invalid-token") || len(got.Header["Set-Cookie"]) > 0 {
			t.Errorf("%s: status %d, %q\n%s", name, got.StatusCode, challenges, got.body)
		}
		if again := name == "git"; (len(challenges) == 2) != again {
			t.Errorf("%s: challenges %q", name, challenges)
		}
	}
	if gets, puts := w.store.since(); gets+puts > 0 {
		t.Errorf("made-up tokens cost %d reads and %d writes", gets, puts)
	}
	if len(w.mailbox.all()) != mails || w.passed.Load() != before {
		t.Error("something was mailed, or reached the app")
	}
}

func TestRuling44WhatIsNoTokenIsTheAppsOrNobodys(t *testing.T) {
	w := newTokenWorld(t)
	b := w.browser().signIn("/x", ana)
	token, other := b.token(), b.token()
	for name, headers := range map[string]http.Header{
		"the app's own password":              with(terminal, "Authorization", basic("ana", "secret")),
		"the app's own bearer":                with(terminal, "Authorization", "Bearer eyJhbGciOi"),
		"a token as a name":                   with(terminal, "Authorization", basic(token, "")),
		"a token of another scheme":           with(terminal, "Authorization", "Token "+token),
		"a password that cannot be read":      with(terminal, "Authorization", "Basic "+token),
		"two different tokens":                with(terminal, "Authorization", basic(ana, token), "Doorcode-Token", other),
		"a cookie":                            with(terminal, "Cookie", "__Host-Http-doorcode="+token),
		"a password that a browser adds":      with(clicked, "Authorization", basic(ana, token), "Sec-Fetch-Site", "cross-site"),
		"the same from a sibling":             with(scripted, "Authorization", basic(ana, token), "Sec-Fetch-Site", "same-site"),
		"an empty field":                      with(terminal, "Doorcode-Token", " "),
		"a password of more than it may have": with(terminal, "Authorization", basic(strings.Repeat("a", 2000), token)),
	} {
		got := w.browser().do(http.MethodGet, "/x", nil, headers)
		if got.StatusCode != http.StatusUnauthorized || strings.Contains(got.body, "invalid-token") {
			t.Errorf("%s: status %d\n%s", name, got.StatusCode, got.body)
		}
	}
	for _, target := range []string{"/x?token=" + token, "/x?access_token=" + token, "/x?Doorcode-Token=" + token, "/" + token} {
		if got := w.browser().do(http.MethodGet, target, nil, terminal); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%.20s…: status %d", target, got.StatusCode)
		}
	}
}

// The app must not get hold of a token, and must get what is its own.
func TestRuling44TheTokenIsRemovedBeforeTheApp(t *testing.T) {
	w := newTokenWorld(t)
	token := w.browser().signIn("/x", ana).token()
	mine := basic("app", "secret")
	for name, tt := range map[string]struct{ lines, want []string }{
		"a password":              {[]string{basic(ana, token)}, nil},
		"a bearer token":          {[]string{"Bearer " + token}, nil},
		"the app's":               {[]string{mine}, []string{mine}},
		"the app's and a token":   {[]string{mine, "Bearer " + token}, []string{mine}},
		"from another site":       {[]string{basic(ana, token)}, nil},
		"none":                    {nil, nil},
		"what only looks like it": {[]string{"Bearer dctx" + token}, []string{"Bearer dctx" + token}},
	} {
		h := http.Header{"Authorization": tt.lines, "Sec-Fetch-Site": {"same-origin"}}
		if name == "from another site" {
			h.Set("Sec-Fetch-Site", "cross-site")
		}
		kept := append([]string{}, tt.lines...)
		web.TokenIn(h).Remove(h)
		if got := h["Authorization"]; strings.Join(got, "|") != strings.Join(tt.want, "|") {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		if strings.Join(kept, "|") != strings.Join(tt.lines, "|") {
			t.Errorf("%s: lines that a log may hold were changed", name)
		}
	}
}

func TestRuling44ATokenReachesNoFurtherThanItsScope(t *testing.T) {
	w := newTokenWorld(t, func(s *settings) { s.web.Origins = append(s.web.Origins, "https://other.example.com") })
	b := w.browser().signIn("/x", ana)
	reads := with(terminal, "Doorcode-Token", b.token("path", "/repo", "reads", "1"))
	all := with(terminal, "Doorcode-Token", b.token("path", "/"))
	for _, tt := range []struct {
		name, method, target string
		headers              http.Header
		host                 string
		want                 int
	}{
		{"below its path", "GET", "/repo/x", reads, "", 200},
		{"another path", "GET", "/admin", reads, "", 403},
		{"steps up", "GET", "/repo/..%2fadmin", reads, "", 403},
		{"steps up, twice encoded", "GET", "/repo/%252e%252e/admin", reads, "", 403},
		{"an empty segment in front", "GET", "//repo/x", reads, "", 403},
		{"a change", "DELETE", "/repo/x", reads, "", 403},
		{"a change in disguise", "GET", "/repo/x?_method=DELETE", reads, "", 403},
		{"a socket", "GET", "/repo/x", with(reads, "Connection", "Upgrade", "Upgrade", "websocket"), "", 403},
		{"a socket, of one that may do all", "GET", "/repo/x", with(all, "Connection", "Upgrade", "Upgrade", "websocket"), "", 200},
		{"any method of one that may do all", "DELETE", "/admin", all, "", 200},
		{"another host", "GET", "/", all, "other.example.com", 403},
		{"an endpoint of ours", "GET", "/.doorcode/session", all, "", 401},
		{"an account page", "GET", "/.doorcode/tokens", all, "", 403},
	} {
		who := w.browser()
		if tt.host != "" {
			who.host = tt.host
		}
		got := who.do(tt.method, tt.target, nil, tt.headers)
		if got.StatusCode != tt.want {
			t.Errorf("%s: status %d, want %d\n%s", tt.name, got.StatusCode, tt.want, got.body)
		}
		if tt.want == 403 && !strings.HasPrefix(tt.target, "/.doorcode") && got.Header.Get("WWW-Authenticate") != `Bearer error="insufficient_scope"` {
			t.Errorf("%s: challenge %q", tt.name, got.Header.Get("WWW-Authenticate"))
		}
	}
}

// Neither a sensitive page nor an app that asks for a fresh code takes a token.
func TestRuling44ATokenIsNeverAFreshCode(t *testing.T) {
	w := newTokenWorld(t)
	token := w.browser().signIn("/x", ana).token()
	headers := with(terminal, "Doorcode-Token", token)
	r := w.browser().request(http.MethodGet, "/x", nil, headers)
	in := w.arrival(r)
	in.Page = challenge.Page{MaxAge: time.Hour, Extends: true}
	rec := &recorded{header: http.Header{}}
	if out := w.door.Serve(rec, r, in); out.Pass || rec.status != http.StatusForbidden || string(out.Reason) != "insufficient_scope" {
		t.Errorf("a sensitive page: %+v, status %d", out, rec.status)
	}
	in = w.arrival(r)
	out := w.door.Serve(rec, r, in)
	if !out.Pass || !out.Admission.ByToken() {
		t.Fatalf("an ordinary page: %+v", out)
	}
	rec = &recorded{header: http.Header{}}
	if out := w.door.Demand(rec, r, in, out.Admission, time.Hour); out.Pass || rec.status != http.StatusForbidden || len(rec.header["Set-Cookie"]) > 0 {
		t.Errorf("an app that asks for a code: %+v, status %d, %v", out, rec.status, rec.header)
	}
}

// recorded keeps the status and header of an answer.
type recorded struct {
	sink
	header http.Header
	status int
}

func (r *recorded) Header() http.Header    { return r.header }
func (r *recorded) WriteHeader(status int) { r.status = status }

// Row 18: clients that can only say who they are by a password are asked for one, and
// nobody else is.
func TestRow18OnlyGitAndDAVAreAskedForAPassword(t *testing.T) {
	on, off := newTokenWorld(t), newWorld(t)
	const password = `Basic realm="Doorcode: your email and an access token"`
	git := with(terminal, "User-Agent", "git/2.47.0")
	for _, tt := range []struct {
		name, method string
		headers      http.Header
		asked        bool
		off          int
	}{
		{"PROPFIND", "PROPFIND", terminal, true, 401},
		{"REPORT", "REPORT", terminal, true, 401},
		{"MKCALENDAR", "MKCALENDAR", terminal, true, 401},
		{"OPTIONS", "OPTIONS", terminal, true, 401},
		{"git", "GET", git, true, 403},
		{"curl", "GET", terminal, false, 401},
		{"a browser", "GET", clicked, false, 401},
		{"a script", "PROPFIND", scripted, false, 401},
		{"a preflight", "OPTIONS", with(terminal, "Origin", "https://evil.example", "Access-Control-Request-Method", "PROPFIND"), false, 401},
	} {
		got := on.browser().do(tt.method, "/x", nil, tt.headers)
		if asked := got.Header.Get("WWW-Authenticate") == password; asked != tt.asked || got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: status %d, %q", tt.name, got.StatusCode, got.Header.Get("WWW-Authenticate"))
		}
		got = off.browser().do(tt.method, "/x", nil, tt.headers)
		if strings.Contains(got.Header.Get("WWW-Authenticate"), "Basic") || got.StatusCode != tt.off {
			t.Errorf("%s, without tokens: status %d, %q", tt.name, got.StatusCode, got.Header.Get("WWW-Authenticate"))
		}
	}
}

// A gate that takes no tokens leaves them to the app, as anything else.
func TestWithoutTokensNothingIsOne(t *testing.T) {
	w := newWorld(t)
	w.arrive = func(in *web.Arrival, r *http.Request) { in.Token = web.TokenIn(r.Header) }
	got := w.browser().do(http.MethodGet, "/x", nil, with(terminal, "Doorcode-Token", "dct_x"))
	got.wants(t, http.StatusUnauthorized, "check-needed")
	w.browser().signIn("/x", ana).open("/.doorcode/tokens").wants(t, http.StatusNotFound)
}

func TestASessionCountsBeforeAToken(t *testing.T) {
	w := newTokenWorld(t)
	b := w.browser().signIn("/x", ana)
	w.browser().signIn("/x", "bob@example.org")
	hers := b.token()
	his := w.browser().signIn("/x", "bob@example.org")
	got := his.do(http.MethodGet, "/x", nil, with(terminal, "Doorcode-Token", hers))
	if got.StatusCode != http.StatusOK || got.Header.Get("Who") != "bob@example.org" {
		t.Errorf("status %d as %q", got.StatusCode, got.Header.Get("Who"))
	}
	his.jar["__Host-Http-doorcode"] = "x"
	if got := his.do(http.MethodGet, "/x", nil, with(terminal, "Doorcode-Token", hers)); got.Header.Get("Who") != ana {
		t.Errorf("without a session that counts: status %d as %q", got.StatusCode, got.Header.Get("Who"))
	}
}

func TestWhileTheStoreIsAwayATokenThatIsNewIsNotJudged(t *testing.T) {
	w := newTokenWorld(t)
	token := w.browser().signIn("/x", ana).token()
	w.store.breaks(true)
	got := w.browser().do(http.MethodGet, "/x", nil, with(clicked, "Doorcode-Token", token))
	if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || !strings.Contains(got.body, "urn:doorcode:unavailable") {
		t.Errorf("status %d\n%s", got.StatusCode, got.body)
	}
}

func TestATokenOfSomebodyWhoMayNoLongerPassIsRefused(t *testing.T) {
	w := newTokenWorld(t)
	token := w.browser().signIn("/x", ana).token()
	nobody, err := challenge.NewAccess(challenge.AccessOptions{Allow: []string{eve}})
	if err != nil {
		t.Fatal(err)
	}
	w.gate.SetAccess(nobody)
	got := w.browser().do(http.MethodGet, "/x", nil, with(clicked, "Doorcode-Token", token))
	if got.StatusCode != http.StatusForbidden || !strings.Contains(got.body, "urn:doorcode:no-access") {
		t.Errorf("status %d\n%s", got.StatusCode, got.body)
	}
}
