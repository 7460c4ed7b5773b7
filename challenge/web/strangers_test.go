// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// DOS-01: what strangers merely ask for costs the store nothing.
func TestDOS01AStrangersRequestTouchesNoRecord(t *testing.T) {
	w := newWorld(t)
	w.store.since()
	for name, row := range rows {
		if row.method == "" {
			row.method = http.MethodGet
		}
		for _, cookies := range []map[string]string{
			{}, {"__Host-Http-doorcode": "a.b.c"}, {"__Host-Http-doorcode-device": "AAAA"}, {"__Host-Http-doorcode-flow": strings.Repeat("A", 100)},
		} {
			b := w.browser()
			b.jar = cookies
			b.do(row.method, "/x", nil, row.header)
		}
		if gets, puts := w.store.since(); gets+puts > 0 {
			t.Errorf("%s: %d reads, %d writes", name, gets, puts)
		}
	}
	for _, endpoint := range getters {
		w.browser().do(http.MethodGet, "/.doorcode/"+endpoint, nil, clicked)
		w.browser().do(http.MethodPost, "/.doorcode/"+endpoint, url.Values{}, clicked)
	}
	for _, endpoint := range []string{"email", "verify", "resend", "change", "backup", "way"} {
		w.browser().do(http.MethodPost, "/.doorcode/"+endpoint, url.Values{"email": {ana}, "code": {"123456"}}, clicked)
	}
	if gets, puts := w.store.since(); gets+puts > 0 {
		t.Errorf("endpoints: %d reads, %d writes", gets, puts)
	}
	// A check under way is read once, and never written.
	b := w.browser()
	b.ask("/x", ana)
	w.store.since()
	b.open("/x")
	if gets, puts := w.store.since(); gets != 1 || puts != 0 {
		t.Errorf("a check under way: %d reads, %d writes", gets, puts)
	}
	// So is somebody who is in, not even that.
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal())
	w.store.since()
	b.open("/y").wants(t, http.StatusOK)
	if gets, puts := w.store.since(); gets+puts > 0 {
		t.Errorf("a session: %d reads, %d writes", gets, puts)
	}
}

// A record is all that was said before proof, in pages and in JSON, with what must
// differ taken out.
type record struct {
	w       *world
	b       *browser
	address string
	before  int // mails
	steps   []string
}

func (c *record) note(name string, a answer) {
	gets, puts := c.w.store.since()
	ref, all := "no letters", c.w.mailbox.all()[c.before:]
	for _, n := range all {
		ref = cmp.Or(n.Ref, ref) // a warning has none
	}
	c.steps = append(c.steps, fmt.Sprintf("%s: %d reads, %d writes, %d in the queue\n%d\n%s\n%s", name, gets, puts, len(all),
		a.StatusCode, plainHeaders(a.Header), plain(a.body, c.address, ref)))
}

func (c *record) act(action string, fields ...string) {
	for _, h := range []http.Header{scripted, clicked} {
		c.note(action, c.b.post(h, action, fields...))
		c.note("status", c.b.do(http.MethodGet, "/x/.doorcode/status", nil, scripted))
		c.note("page", c.b.open("/x"))
	}
}

// conversation says all about a mailed code that can be said.
func conversation(t *testing.T, address string) []string {
	w := newWorld(t)
	b := w.browser()
	c := &record{w: w, b: b, address: address}
	note, act := c.note, c.act
	note("begin", b.open("/x"))
	note("email", b.post(clicked, "/email", "email", address))
	note("page", b.open("/x"))
	ref := w.mailbox.last(t).Ref
	for _, code := range []string{"", "1234", "abcdef", ref, "000000", "000000", "000001"} {
		act("/verify", "code", code)
	}
	act("/resend")
	w.clock.advance(31 * time.Second)
	act("/resend")
	for _, step := range [][]string{{"/change"}, {"/email", "email", "nonsense"}, {"/email", "email", address}} {
		note(step[0], b.post(scripted, step[0], step[1:]...))
		note("page", b.open("/x"))
	}
	for n := 2; strings.Contains(b.page.body, `id="code"`) && n < 20; n++ { // while there is a field
		note("verify", b.post(clicked, "/verify", "code", fmt.Sprintf("%06d", n)))
		note("page", b.open("/x"))
	}
	w.clock.advance(20 * time.Minute)
	note("late", b.open("/x"))
	for range 3 { // until a limit stops it
		b = w.browser()
		c.b = b
		b.open("/x")
		note("another browser", b.post(scripted, "/email", "email", address))
		note("page", b.open("/x"))
	}
	for _, n := range w.mailbox.all() { // guessed right, which says nothing
		if strings.HasPrefix(n.Code.Reveal(), "0000") {
			return conversation(t, address)
		}
	}
	return c.steps
}

// conversationOfWays says all about the other ways, to each way's limit.
func conversationOfWays(t *testing.T, address string, equipped bool) []string {
	w := newWorld(t)
	start := w.clock.now().Add(7 * 24 * time.Hour)
	if equipped {
		w.equip(address)
	}
	w.clock.nanoseconds.Store(start.UnixNano())
	b := w.browser()
	c := &record{w: w, b: b, address: address, before: len(w.mailbox.all())}
	b.open("/x")
	w.store.since()
	c.note("email", b.post(clicked, "/email", "email", address))
	b.open("/x")
	for _, way := range []string{"backup", "other", "app", "mail", "other", "second"} {
		w.clock.advance(31 * time.Second)
		c.act("/way", "way", way)
		if !strings.Contains(b.page.body, `id="code"`) {
			continue // the list
		}
		action := "/verify"
		if way == "backup" {
			action = "/backup"
		}
		for _, code := range []string{"", "0000", "000000", "0000-0000-0000-0000", "000001"} {
			c.act(action, "code", code)
		}
	}
	c.act("/resend")
	for n := 2; strings.Contains(b.page.body, `name="way"`) && n < 20; n++ { // until nothing is offered
		c.note("way", b.post(clicked, "/way", "way", "backup"))
		c.note("page", b.open("/x"))
		if strings.Contains(b.page.body, `id="code"`) {
			c.note("backup", b.post(scripted, "/backup", "code", fmt.Sprintf("0000-0000-0000-%04d", n)))
			c.note("page", b.open("/x"))
		}
	}
	for _, n := range w.mailbox.all()[c.before:] { // guessed right, which says nothing
		if strings.HasPrefix(n.Code.Reveal(), "0000") {
			return conversationOfWays(t, address, equipped)
		}
	}
	return c.steps
}

var differs = regexp.MustCompile(`(?s)<style>.*?</style>|<script>.*?</script>|name="flow" value="[^"]*"|urn:doorcode:req:\w+`)

func plain(body, address, ref string) string {
	body = differs.ReplaceAllString(body, "…")
	return strings.ReplaceAll(strings.ReplaceAll(body, ref, "…"), address, "…")
}

func plainHeaders(h http.Header) string {
	var lines []string
	for _, field := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[field] {
			if field == "Set-Cookie" { // sealed: only its length can tell something
				name, rest, _ := strings.Cut(value, "=")
				sealed, attributes, _ := strings.Cut(rest, ";")
				value = fmt.Sprintf("%s=%d bytes;%s", name, len(sealed), attributes)
			}
			if field == "Location" {
				value, _, _ = strings.Cut(value, "probe=")
			}
			lines = append(lines, field+": "+value)
		}
	}
	return strings.Join(lines, "\n")
}

// Ruling 16 and acceptance item 41.
func TestR16AnUnknownAddressIsAnsweredAsAnAllowedOne(t *testing.T) {
	known, unknown := conversation(t, ana), conversation(t, eve)
	if diff := gocmp.Diff(known, unknown); diff != "" {
		t.Errorf("an unknown address (+) is told apart:\n%s", diff)
	}
	if all := strings.Join(known, "\n"); !strings.Contains(all, "\n429\n") || !strings.Contains(all, "code-cancelled") && !strings.Contains(all, "no longer works") {
		t.Error("the conversation did not go to the limits")
	}
}

// Nor is a page told by the ways in that its person has, or has not.
func TestR16WhoHasWhichWaysInIsNotToBeSeen(t *testing.T) {
	every := conversationOfWays(t, ana, true)
	for name, other := range map[string][]string{
		"none of them":            conversationOfWays(t, ana, false),
		"no leave to pass at all": conversationOfWays(t, eve, false),
	} {
		if diff := gocmp.Diff(every, other); diff != "" {
			t.Errorf("who has every way (-) is told from who has %s (+):\n%s", name, diff)
		}
	}
	for _, want := range []string{"Use a backup code", "Use your authenticator app", "If you have a second address", "already used", "\n429\n", "No other way in works"} {
		if all := strings.Join(every, "\n"); !strings.Contains(all, want) {
			t.Errorf("the conversation did not come to %q", want)
		}
	}
}

// Before proof a browser with a cookie for one address tells nothing of another.
func TestR16ReasonsAreForCookiesOfOurs(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana)
	w.clock.advance(13 * time.Hour)
	if got := b.open("/x").Header.Get("Doorcode-Reason"); got != "expired" {
		t.Errorf("reason = %q", got)
	}
	for _, name := range sorted(b.jar) {
		c := w.browser()
		c.jar[name] = "nonsense"
		if got := c.open("/x").Header.Get("Doorcode-Reason"); got != "new_browser" {
			t.Errorf("with a bad %s: reason = %q", name, got)
		}
	}
}

// ML-04: what a mail names is configured, whatever a request says of its host.
func TestML04MailsNameTheConfiguredHost(t *testing.T) {
	for _, host := range []string{"app.example.com", "APP.example.com", "app.example.com.", "app.example.com:443", "app.example.com:8443"} {
		w := newWorld(t)
		b := w.browser()
		b.host = host
		b.open("/x").wants(t, http.StatusUnauthorized, "Sign in to app.example.com")
		h := with(clicked, "X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example", "X-Original-URL", "https://evil.example/")
		a := b.post(h, "/email", "email", ana)
		if got := a.Header.Get("Location"); got != origin+"/x" {
			t.Errorf("%s: Location = %q", host, got)
		}
		if n := w.mailbox.last(t); n.Host != "app.example.com" || n.App != "app.example.com" {
			t.Errorf("%s: mail for %q at %q", host, n.App, n.Host)
		}
	}
}

func TestAHostThatIsNotConfiguredIsMisdirected(t *testing.T) {
	w := newWorld(t)
	for _, host := range []string{"evil.example", "app.example.com.evil.example", "evilapp.example.com", "xapp.example.com", "app.example.com@evil.example", "[::1]", "127.0.0.1", ""} {
		b := w.browser()
		b.host = host
		for _, target := range []string{"/x", "/.doorcode/begin", "/.doorcode/session", "/.doorcode/jwks.json"} {
			a := b.do(http.MethodGet, target, nil, clicked)
			if a.wants(t, http.StatusMisdirectedRequest, "This address isn't served here"); len(a.Cookies()) > 0 || strings.Contains(a.body, "evil") {
				t.Errorf("%s%s: cookies %v\n%s", host, target, a.Cookies(), a.body)
			}
		}
		b.do(http.MethodGet, "/x", nil, terminal).wantsProblem(t, http.StatusMisdirectedRequest, "misdirected")
	}
	w.arrive = func(in *web.Arrival, _ *http.Request) { in.Public = true }
	b := w.browser()
	b.host = "other.example.com"
	b.open("/x").wants(t, http.StatusOK)
}

// Two origins of one host name have sessions of their own.
func TestPortAndSchemeTellOriginsApart(t *testing.T) {
	w := newWorld(t, func(s *settings) {
		s.web.Origins = []string{"http://localhost:8080", "http://localhost:9090", "https://localhost:443"}
	})
	for host, want := range map[string]string{
		"localhost:8080": "http://localhost:8080/x", "localhost:9090": "http://localhost:9090/x", "LOCALHOST:9090": "http://localhost:9090/x",
		"localhost:1234": "http://localhost:8080/x",
	} {
		w.arrive = func(in *web.Arrival, _ *http.Request) { in.Secure = false }
		b := w.browser()
		b.host = host
		b.open("/x")
		if got := b.post(clicked, "/email", "email", "").Header.Get("Location"); got != want {
			t.Errorf("%s leads to %q, want %q", host, got, want)
		}
	}
	w.arrive = nil
	for _, host := range []string{"localhost", "localhost:443"} {
		b := w.browser()
		b.host = host
		b.open("/x")
		if got := b.post(clicked, "/email", "email", "").Header.Get("Location"); got != "https://localhost/x" {
			t.Errorf("https at %s leads to %q", host, got)
		}
	}
}

func TestAPublicPathKnowsASessionAndRenewsNone(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana, "remember", "1")
	w.arrive = func(in *web.Arrival, _ *http.Request) { in.Public = true }
	if a := b.open("/p"); a.StatusCode != http.StatusOK || a.Header.Get("Who") != ana {
		t.Errorf("status %d, %q", a.StatusCode, a.Header.Get("Who"))
	}
	w.clock.advance(13 * time.Hour) // the session is over, the browser remembered
	w.store.since()
	if a := b.open("/p"); a.StatusCode != http.StatusOK || a.Header.Get("Who") != "" || len(a.Cookies()) > 0 {
		t.Errorf("status %d, %q", a.StatusCode, a.Header.Get("Who"))
	}
	if gets, puts := w.store.since(); gets+puts > 0 {
		t.Errorf("%d reads, %d writes", gets, puts)
	}
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	for _, origins := range [][]string{nil, {""}, {"app.example.com"}, {"ftp://app.example.com"}, {"https://"}, {"https://x/y"}, {"https://x?y"}, {"https://u@x"}, {origin, "::"}} {
		if _, err := web.New(web.Options{Origins: origins}); err == nil {
			t.Errorf("origins %q were taken", origins)
		}
	}
}
