// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// wantFields fails unless an event has these fields with these values; nil wants
// any value.
func wantFields(t *testing.T, what string, e event, want event) {
	t.Helper()
	for name, value := range want {
		got, there := e[name]
		if !there || got == "" || value != nil && fmt.Sprint(got) != fmt.Sprint(value) {
			t.Errorf("%s: %s is %v, want %v: %v", what, name, got, value, e)
		}
	}
}

// audible are decisions that an operator sees: those about somebody.
func audible(t *testing.T, c *harness.Caddy) []event {
	t.Helper()
	var found []event
	for _, e := range events(t, c, "decided") {
		if e["level"] != "debug" {
			found = append(found, e)
		}
	}
	return found
}

// LOG-01: each change of a decision about somebody is one line that tells what it
// was made by, and names nobody in clear. Requests that a session passes are no
// change, however many they are.
func TestLOG01EachChangeOfADecisionIsOneEvent(t *testing.T) {
	c := located(t, "sensitive /admin/*", "countries not ES")
	b := browserIn(t, c, lisbon)
	b.Open(t, "/")
	if e := audible(t, c); len(e) != 0 {
		t.Errorf("a stranger's visit is told at %v", e)
	}
	steps := 0
	step := func(what string, act func(), want event) {
		t.Helper()
		act()
		all := audible(t, c)
		if len(all) != steps+1 {
			t.Fatalf("%s: %d events, want 1: %v", what, len(all)-steps, all[steps:])
		}
		steps++
		e := all[steps-1]
		wantFields(t, what, e, event{"account": nil, "request": nil, "took": nil, "gate": nil, "ts": nil, "address": "a••@example.com"})
		wantFields(t, what, e, want)
	}
	quiet := func(what, address, path string) {
		t.Helper()
		b.From = address
		for range 30 {
			b.Fetch(t, path)
		}
		if all := audible(t, c); len(all) != steps {
			t.Errorf("%s: 30 requests are %d events: %v", what, len(all)-steps, all[steps:])
		}
	}
	at := func(address, path string) func() { return func() { b.From = address; b.Fetch(t, path) } }
	step("signing in", func() { b.SignIn(t, c, "/", ana, true) }, event{
		"decision": "pass", "factor": "code", "country": "PT", "asn": 64_500, "network": "81.2.69.0/24", "session": nil, "device": nil,
	})
	quiet("a session", lisbon, "/")
	quiet("a café", lisbonCafe, "/")
	step("abroad", at(tokyo, "/"), event{"decision": "check", "reason": "travel", "factor": "session", "country": "JP", "device": nil, "session": nil})
	quiet("abroad again", tokyo, "/")
	step("kept out", at(madrid, "/"), event{"decision": "deny", "barred": true, "country": "ES"})
	quiet("kept out again", madrid, "/")
	b.Drop(t, "doorcode")
	step("renewed", at(lisbon, "/"), event{"decision": "pass", "factor": "browser", "country": "PT", "device": nil})
	quiet("renewed again", lisbon, "/")
	step("sensitive", at(lisbon, "/admin/x"), event{"decision": "check", "reason": "sensitive", "factor": "session"})
	quiet("sensitive again", lisbon, "/admin/x")
	wantCheck(t, "the page", b.Open(t, "/admin/x"), onSensitive)
	step("confirmed", func() { enter(t, b, c.Mailbox.WaitCode(t, ana, 2).Code(t)) }, event{"decision": "pass", "factor": "code"})
	quiet("confirmed again", lisbon, "/admin/x")
}

// LOG-01: neither is it a change when somebody whom an earlier step names comes
// again and again without a code, as programs do.
func TestLOG01SomebodyWhoIsAskedIsToldOfOnce(t *testing.T) {
	c := charted(t, behindPassword(databases, "deny carol@example.com"))
	b := as(t, browserIn(t, c, lisbon), "alice")
	for range 30 {
		b.Fetch(t, "/")
	}
	all := audible(t, c)
	if len(all) != 1 {
		t.Fatalf("30 requests are %d events, want 1: %v", len(all), all)
	}
	wantFields(t, "the event", all[0], event{"decision": "check", "reason": "new_browser", "user": "alice", "account": nil, "country": "PT"})
	wantStatus(t, "page", b.Open(t, "/"), http.StatusUnauthorized)
	wantStatus(t, "after the code", enter(t, b, c.Mailbox.WaitCode(t, ana, 1).Code(t)), http.StatusOK)
	all = audible(t, c)
	if len(all) != 2 {
		t.Fatalf("%d events, want 2: %v", len(all), all)
	}
	wantFields(t, "the event", all[1], event{"decision": "pass", "factor": "code", "user": "alice"})
}

// nasty is text that breaks out of careless logs: of a line, of JSON, of a
// terminal.
var nasty = []string{
	`","event":"verified","level":"error","x":"`, "\u2028\u2029\u0085", `\u000a\r\n{"event":"verified"}`, "{http.doorcode.session}", "%0d%0a%1b[31m",
	"</script>'\"`", "\u202e\u200b",
}

// LOG-02, LOG-03: whatever visitors write into every field that is logged, each
// line is one line and one event, nothing of it moves a terminal, and no secret is
// among it.
func TestLOG03NothingBreaksOutOfTheLog(t *testing.T) {
	c := charted(t, strings.Replace(site(databases, "observe new_network", "sensitive /admin/*"), "{\n", "{\n\tlog {\n\t\toutput file FOLDER/access.log\n\t\tformat json\n\t}\n", 1))
	secrets := map[string]string{}
	b := renewed(t, c, lisbon)
	for n, text := range nasty {
		b.Agent = text
		b.Extra = http.Header{"Forwarded": {"for=" + text}, "Referer": {text}, "X-Request-Id": {text}, "Accept-Language": {text}}
		b.From = []string{text + ", " + lisbon, lisbon, text}[n%3]
		b.Open(t, "/x"+url.PathEscape(text)+"?token=letmein-"+url.QueryEscape(text))
		b.Do(t, http.MethodPost, "/x", url.Values{"a": {text}}, http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}})
		stranger := browserIn(t, c, madrid)
		stranger.Agent = text
		stranger.Open(t, "/x"+url.PathEscape(text))
		stranger.Submit(t, "email", url.Values{"email": {text + "@example.com\r\nX: y"}})
	}
	ask(t, c, browserIn(t, c, lisbon), "/", ana)
	b.Agent, b.Extra, b.From = chrome, nil, lisbon
	b.Open(t, "/admin/x")
	code := notice(t, c, ana, "to confirm it's you", 1).Code(t)
	secrets["wrong code"] = notThis(code, 3)
	enter(t, b, secrets["wrong code"])
	wantStatus(t, "after the code", enter(t, b, code), http.StatusOK)
	for n, mail := range c.Mailbox.Codes(t, ana) {
		secrets[fmt.Sprint("code ", n)] = mail.Code(t)
	}
	for name, value := range b.Cookies(t) {
		secrets["cookie "+name] = value
	}
	wantCleanLogs(t, c, secrets)
}

func wantCleanLogs(t *testing.T, c *harness.Caddy, secrets map[string]string) {
	t.Helper()
	ours := ""
	for _, name := range []string{"caddy.log", "access.log"} {
		file := filepath.Join(c.Folder, name)
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.ContainsAny(raw, "\x1b\x00\r") {
			t.Errorf("%s holds raw control characters", name)
		}
		for _, line := range logOf(t, file) {
			if logger, _ := line["logger"].(string); strings.HasPrefix(logger, "http.handlers.doorcode") || strings.HasPrefix(logger, "doorcode") {
				ours += fmt.Sprintln(line)
			}
		}
		for what, secret := range secrets {
			if regexp.MustCompile(`(^|[^0-9.])` + regexp.QuoteMeta(secret) + `([^0-9]|$)`).Match(raw) { // no part of a number
				t.Errorf("%s holds the %s", name, what)
			}
		}
	}
	if strings.Contains(ours, "letmein-") {
		t.Error("our lines hold a query")
	}
	for _, e := range events(t, c, "verified") {
		if e["level"] == "error" || e["address"] != ana && e["address"] != ben {
			t.Errorf("somebody wrote an event of their own: %v", e)
		}
	}
	for _, e := range events(t, c, "decided") {
		if strings.Contains(fmt.Sprint(e), ana) {
			t.Errorf("a decision names a person in clear: %v", e)
		}
	}
}
