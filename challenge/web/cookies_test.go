// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// setCookies goes the whole way and returns the attributes of every cookie that
// was set on it, by name.
func setCookies(t *testing.T, w *world, host string) map[string]string {
	t.Helper()
	set := map[string]string{}
	b := w.browser()
	b.host = host
	b.open("/x")
	keep := func(a answer) answer {
		for _, line := range a.Header["Set-Cookie"] {
			name, rest, _ := strings.Cut(line, "=")
			_, attributes, _ := strings.Cut(rest, "; ")
			if !strings.Contains(attributes, "Max-Age=0") {
				set[name] = attributes
			}
		}
		return a
	}
	keep(b.page)
	keep(b.post(clicked, "/email", "email", ana))
	b.open("/x")
	keep(b.post(clicked, "/verify", "code", w.mailbox.last(t).Code.Reveal(), "remember", "1")).wants(t, http.StatusSeeOther)
	b.open("/x").wants(t, http.StatusOK)
	return set
}

func TestCK01CookiesAreBoundToTheHostAndToHTTPS(t *testing.T) {
	const year = "; Max-Age=15552000"
	tests := map[string]struct {
		change func(*settings)
		plain  bool
		host   string
		want   map[string]string
	}{
		"https": {func(*settings) {}, false, "app.example.com", map[string]string{
			"__Host-Http-doorcode":        "Path=/; HttpOnly; Secure; SameSite=Lax",
			"__Host-Http-doorcode-device": "Path=/" + year + "; HttpOnly; Secure; SameSite=Lax",
			"__Host-Http-doorcode-flow":   "Path=/; Max-Age=900; HttpOnly; Secure; SameSite=Lax",
		}},
		"single sign-on": {func(s *settings) { s.web.SingleSignOn = "example.com" }, false, "app.example.com", map[string]string{
			"__Secure-doorcode":         "Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax",
			"__Secure-doorcode-device":  "Path=/; Domain=example.com" + year + "; HttpOnly; Secure; SameSite=Lax",
			"__Host-Http-doorcode-flow": "Path=/; Max-Age=900; HttpOnly; Secure; SameSite=Lax",
		}},
		"its own name, strict": {func(s *settings) { s.web.Cookie = web.CookieOptions{Name: "wiki", Strict: true} }, false, "app.example.com", map[string]string{
			"__Host-Http-wiki":        "Path=/; HttpOnly; Secure; SameSite=Strict",
			"__Host-Http-wiki-device": "Path=/" + year + "; HttpOnly; Secure; SameSite=Strict",
			"__Host-Http-wiki-flow":   "Path=/; Max-Age=900; HttpOnly; Secure; SameSite=Strict",
		}},
		"http on loopback": {func(s *settings) { s.web.Origins = []string{"http://localhost:8080"} }, true, "localhost:8080", map[string]string{
			"doorcode":        "Path=/; HttpOnly; SameSite=Lax",
			"doorcode-device": "Path=/" + year + "; HttpOnly; SameSite=Lax",
			"doorcode-flow":   "Path=/; Max-Age=900; HttpOnly; SameSite=Lax",
		}},
		"http for a test": {func(s *settings) { s.web.Cookie.Insecure = true }, true, "app.example.com", map[string]string{
			"doorcode":        "Path=/; HttpOnly; SameSite=Lax",
			"doorcode-device": "Path=/" + year + "; HttpOnly; SameSite=Lax",
			"doorcode-flow":   "Path=/; Max-Age=900; HttpOnly; SameSite=Lax",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.change)
			w.arrive = func(in *web.Arrival, _ *http.Request) { in.Secure = !test.plain }
			got := setCookies(t, w, test.host)
			for name, want := range test.want {
				if got[name] != want {
					t.Errorf("%s: %q, want %q", name, got[name], want)
				}
				if !slices.Contains(w.door.Names(), name) {
					t.Errorf("%s is not among Names", name)
				}
			}
			if len(got) != len(test.want) {
				t.Errorf("cookies %v", sorted(got))
			}
		})
	}
}

func TestCK02CookiesFitIntoWhatBrowsersKeep(t *testing.T) {
	long := strings.Repeat("a", 64) + "@" + strings.Repeat(strings.Repeat("b", 60)+".", 3) + "ex"
	w := newWorld(t, roomy, func(s *settings) { s.access.Allow = []string{"*"} })
	b := w.browser()
	for _, first := range "xy&" { // three people remembered in one browser
		b.signIn("/x", string(first)+long[1:], "remember", "1")
		if first != '&' {
			b.open("/.doorcode/signout")
			b.submit("/signout")
		}
	}
	flow := w.browser()
	flow.ask("/x", "&"+long[1:])
	flow.submit("/change")
	flow.submit("/email", "email", strings.Repeat("<", 300)).wants(t, http.StatusUnauthorized, "Enter an email address like")
	maps.Copy(b.jar, flow.jar)
	flow.ask("/y", "z"+long[1:])
	flow.submit("/verify", "code", strings.Repeat("1", 7000)).wants(t, http.StatusUnauthorized, "You entered 512.")
	if n := len(flow.jar["__Host-Http-doorcode-flow"]); n > 2<<10 {
		t.Errorf("the flow cookie holds what was typed: %d bytes", n)
	}
	all := 0
	for name, value := range b.jar {
		if n := len(name) + len(value); n > 4096 {
			t.Errorf("%s has %d bytes", name, n)
		}
		all += len(name) + len(value) + 3
	}
	if len(b.jar) != 3 || all > 8<<10 {
		t.Errorf("%d cookies of %d bytes", len(b.jar), all)
	}
}

// send sends a page request with a Cookie line of its own.
func (b *browser) with(cookies ...string) answer {
	r := b.clone().request(http.MethodGet, "/x", nil, clicked)
	r.Header["Cookie"] = cookies
	return b.clone().send(r)
}

func TestCK04APlantedCookieDoesNotShadowOurs(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.web.SingleSignOn = "example.com" })
	b := w.browser().signIn("/x", ana, "remember", "1")
	other := w.browser().signIn("/x", "bob@example.org", "remember", "1")
	const session, device = "__Secure-doorcode=", "__Secure-doorcode-device="
	ours, theirs := session+b.jar["__Secure-doorcode"], session+other.jar["__Secure-doorcode"]
	for name, line := range map[string]string{
		"bad first": session + "nonsense; " + ours, "bad last": ours + "; " + session + "nonsense",
		"the same twice": ours + "; " + ours, "cut": ours[:len(ours)-1] + "; " + ours,
	} {
		if a := b.with(line); a.StatusCode != http.StatusOK || a.Header.Get("Who") != ana {
			t.Errorf("%s: status %d, %q", name, a.StatusCode, a.Header.Get("Who"))
		}
	}
	for name, lines := range map[string][]string{
		"two good ones": {ours + "; " + theirs}, "two lines": {theirs, ours}, "five": {session + "1; " + session + "2; " + session + "3; " + session + "4; " + ours},
	} {
		if a := b.with(lines...); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
	}
	mine, planted := device+b.jar["__Secure-doorcode-device"], device+other.jar["__Secure-doorcode-device"]
	if a := b.with(mine); a.StatusCode != http.StatusOK || a.Header.Get("Who") != ana {
		t.Errorf("remembered browser: status %d", a.StatusCode)
	}
	for _, line := range []string{device + "nonsense; " + mine, mine + "; " + device + "nonsense"} {
		if a := b.with(line); a.StatusCode != http.StatusOK {
			t.Errorf("a remembered browser beside planted nonsense: status %d", a.StatusCode)
		}
	}
	for _, line := range []string{planted + "; " + mine, mine + "; " + planted} {
		if a := b.with(line); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("two remembered browsers in one: status %d, %q", a.StatusCode, a.Header.Get("Who"))
		}
	}
}

// Of two flows one was planted, to have a code entered into somebody else's check.
func TestCK04TwoFlowsCountAsNone(t *testing.T) {
	w := newWorld(t)
	b, attacker := w.browser(), w.browser()
	code := b.ask("/x", ana)
	attacker.ask("/x", "bob@example.org")
	const flow = "__Host-Http-doorcode-flow"
	target, form := b.form("/verify")
	form.Set("code", code)
	mine, planted := flow+"="+b.jar[flow], flow+"="+attacker.jar[flow]
	for _, line := range []string{planted + "; " + mine, mine + "; " + planted} {
		r := b.request(http.MethodPost, target, form, clicked)
		r.Header.Set("Cookie", line)
		if a := b.clone().send(r); !strings.Contains(a.Header.Get("Location"), "/begin?probe=") {
			t.Errorf("Location = %q", a.Header.Get("Location"))
		}
	}
	r := b.request(http.MethodPost, target, form, clicked)
	r.Header.Set("Cookie", flow+"=nonsense; "+flow+"="+b.jar[flow])
	if a := b.clone().send(r); a.Header.Get("Location") != origin+"/x" {
		t.Errorf("Location = %q", a.Header.Get("Location"))
	}
}

func TestACookieNeverWorksUnderItsOtherName(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	value := b.jar["__Host-Http-doorcode"]
	for _, line := range []string{"doorcode=" + value, "__Secure-doorcode=" + value, "__host-http-doorcode=" + value, "__Host-Http-Doorcode=" + value} {
		if a := b.with(line); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%.30s…: status %d", line, a.StatusCode)
		}
	}
	r := b.request(http.MethodGet, "/x", nil, clicked)
	w.door.RemoveCookies(r.Header)
	if r.Header.Get("Cookie") != "" {
		t.Error("the app would get our cookie")
	}
}

func TestTheIdleLimitMovesInTheCookieAlone(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.gate.Policy.Session = challenge.SessionPolicy{Idle: 4 * 60e9} })
	b := w.browser().signIn("/x", ana)
	w.store.since()
	for range 10 {
		w.clock.advance(2 * 60e9)
		b.open("/x").wants(t, http.StatusOK)
	}
	if _, puts := w.store.since(); puts > 0 {
		t.Errorf("%d store writes", puts)
	}
	w.clock.advance(4 * 60e9)
	b.open("/x").wants(t, http.StatusUnauthorized)
}
