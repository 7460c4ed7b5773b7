// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/doorcode/caddy-doorcode/caddymodule/telemetry"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// auditing gives the audit log a file of its own, and the rest another.
const auditing = "\tlog default {\n\t\toutput file FOLDER/caddy.log\n\t\tformat json\n\t\tlevel DEBUG\n\t\texclude doorcode.audit\n\t}\n" +
	"\tlog audit {\n\t\toutput file FOLDER/audit.log\n\t\tformat json\n\t\tinclude doorcode.audit\n\t}\n---\n"

func audited(t testing.TB, c *harness.Caddy, name string) (found []event) {
	t.Helper()
	for _, e := range logOf(t, filepath.Join(c.Folder, "audit.log")) {
		if e["event"] == name {
			found = append(found, e)
		}
	}
	return found
}

// What people and operators do is in the audit log, once, and nothing else is.
func TestTheAuditLogIsALogOfItsOwn(t *testing.T) {
	c := harness.Prepare(t)
	drawAtlas(t, c)
	c.Load(t, auditing+site(databases, "sensitive /admin/*"))
	b := browserIn(t, c, lisbon)
	code := ask(t, c, b, "/", ana)
	enter(t, b, notThis(code, 3))
	wantStatus(t, "after the code", enter(t, b, code), http.StatusOK)
	b.Fetch(t, "/admin/x")
	b.Open(t, "/.doorcode/signout")
	b.Submit(t, "signout", nil)
	c.Reload(t)

	for name, want := range map[string]int{"loaded": 2, "code_sent": 1, "wrong_code": 1, "verified": 1, "decided": 1, "signed_out": 1} {
		if got := audited(t, c, name); len(got) != want {
			t.Errorf("%s is audited %d times, want %d: %v", name, len(got), want, got)
		}
	}
	for _, e := range logOf(t, filepath.Join(c.Folder, "audit.log")) {
		if e["logger"] != "doorcode.audit" || e["event"] != e["msg"] || e["gate"] == nil || e["ts"] == nil {
			t.Errorf("an odd line: %v", e)
		}
	}
	explained := false
	for _, e := range logOf(t, filepath.Join(c.Folder, "caddy.log")) {
		if e["logger"] == "doorcode.audit" {
			t.Errorf("audited elsewhere too: %v", e)
		}
		explained = explained || e["event"] == "explained" && e["level"] == "debug" && len(e["why"].([]any)) > 1
	}
	if !explained {
		t.Error("no decision is explained on level DEBUG")
	}
	wantFields(t, "the decision", audited(t, c, "decided")[0], event{"decision": "pass", "factor": "code", "country": "PT", "city": "Lisbon", "network_name": "Example Telecom"})
}

// The audit log says which policy was in force: the same one has the same digest, and
// nobody can tell a secret from it.
func TestEachLoadTellsWhichPolicyIsInForce(t *testing.T) {
	c := harness.Prepare(t)
	digest := func(config string) string {
		t.Helper()
		before := len(auditedSoFar(t, c))
		c.Load(t, auditing+config)
		loads := audited(t, c, "loaded")
		e := loads[len(loads)-1]
		wantFields(t, "the load", e, event{"gate": nil, "version": nil, "origins": []any{"http://localhost:" + c.Port}})
		text, _ := e["policy"].(string)
		if before == len(loads) || !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(text) {
			t.Fatalf("%d loads before, %d now; policy %q", before, len(loads), text)
		}
		return text
	}
	relay := "mail smtp 127.0.0.1:25 {\n\t\t\tfrom login@example.com\n\t\t\tusername door\n\t\t\tpassword PASSWORD\n\t\t}"
	mailed := func(password string) string {
		return strings.Replace(site(), "mail file MAIL", strings.Replace(relay, "PASSWORD", password, 1), 1)
	}
	plain := digest(site())
	for name, config := range map[string]string{
		"a rule": site("sensitive /admin/*"), "a person": site("deny ben@example.com"), "a limit": site("limits {\n\t\t\tsend_ip 7/1h\n\t\t}"), "the mail": mailed("one"),
		"what is public": site("public /public/*"),
	} {
		if digest(config) == plain {
			t.Errorf("%s changes nothing in the digest", name)
		}
	}
	if digest(mailed("one")) != digest(mailed("two")) {
		t.Error("the digest depends on a password")
	}
	if digest(site()) != plain {
		t.Error("the same settings have another digest")
	}
}

// auditedSoFar are the loads that were audited, also before there is a log.
func auditedSoFar(t *testing.T, c *harness.Caddy) []event {
	t.Helper()
	if _, err := os.Stat(filepath.Join(c.Folder, "audit.log")); err != nil {
		return nil
	}
	return audited(t, c, "loaded")
}

// requested is the context of a request that has an id.
func requested(t *testing.T) context.Context {
	t.Helper()
	repl := caddy.NewReplacer()
	repl.Set("http.request.uuid", "x")
	return context.WithValue(t.Context(), caddy.ReplacerCtxKey, repl)
}

// With 'audit { ip hash }' no log of ours names a person or a network, and what belongs
// together can still be told.
func TestWhoeverWantsHashesGetsHashes(t *testing.T) {
	c := charted(t, site(databases, "audit {\n\t\t\tip hash\n\t\t}"))
	b := atHome(t, c, lisbon, true)
	b.From = tokyo
	b.Fetch(t, "/")
	decided, verified, sent := audible(t, c), events(t, c, "verified"), events(t, c, "code_sent")
	if len(decided) < 2 || len(verified) != 1 || len(sent) != 1 {
		t.Fatalf("%d decisions, %d entries, %d codes", len(decided), len(verified), len(sent))
	}
	account := decided[0]["account"]
	for _, e := range slices.Concat(decided, verified, sent, events(t, c, "mail_sent")) {
		if e["account"] != account || account == nil {
			t.Errorf("%v is about the account %v, want %v", e["event"], e["account"], account)
		}
	}
	if home, away := decided[0]["network"], decided[len(decided)-1]["network"]; home == nil || home == away || home != verified[0]["ip"] {
		t.Errorf("networks %v and %v, and %v", home, away, verified[0]["ip"])
	}
	b.From = lisbon
	wantText(t, "the person's own activity", b.Open(t, "/.doorcode/activity"), fmt.Sprint(decided[0]["network"]))
	for _, e := range logOf(t, filepath.Join(c.Folder, "caddy.log")) {
		logger, _ := e["logger"].(string)
		if said := fmt.Sprint(e); strings.Contains(logger, "doorcode") && regexp.MustCompile(`ana@|a••|81\.2\.69|89\.160\.20`).MatchString(said) {
			t.Errorf("a line names somebody: %s", said)
		}
	}
}

// The table in the documentation has the fields that lines of the audit log can have,
// and no other.
func TestEachFieldOfTheAuditLogIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n### Fields of the audit log\n")
	table, _, _ = strings.Cut(table, "\n#")
	documented := map[string]bool{}
	for line := range strings.Lines(table) {
		if cell, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | "); ok && strings.HasPrefix(line, "| `") {
			for _, name := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cell, -1) {
				documented[name[1]] = true
			}
		}
	}
	written := map[string]bool{"policy": true, "version": true, "origins": true, "bytes": true, "level": true, "ts": true, "logger": true, "msg": true}
	for _, keep := range []challenge.AuditIP{challenge.AuditFull, challenge.AuditHash} {
		for name := range everyField(t, keep) {
			written[name] = true
		}
	}
	names := func(of map[string]bool) []string { return slices.Sorted(maps.Keys(of)) }
	if diff := cmp.Diff(names(written), names(documented)); diff != "" {
		t.Errorf("fields (-written +documented):\n%s", diff)
	}
}

// everyField are the fields of events that have everything.
func everyField(t *testing.T, keep challenge.AuditIP) map[string]bool {
	t.Helper()
	source, err := os.ReadFile("../challenge/event.go")
	if err != nil {
		t.Fatal(err)
	}
	core, seen := observer.New(zapcore.DebugLevel)
	options := telemetry.RecorderOptions{
		Log: zap.NewNop(), Audit: zap.New(core), Keep: func() challenge.AuditIP { return keep }, About: []zap.Field{zap.String("storage", "x")},
		Names: telemetry.Names{Person: func(challenge.Email) string { return "x" }, Network: func(netip.Prefix) string { return "x" }},
	}
	fault, at := errors.New("x"), time.Unix(1, 0)
	for _, match := range regexp.MustCompile(`EventName = "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1) {
		telemetry.NewRecorder(options).Record(requested(t), challenge.Event{
			Name: challenge.EventName(match[1]), Gate: "x", Address: ana, Source: "x", User: "x", IP: netip.MustParseAddr("81.2.69.1"), Rule: "x", Ref: "x", Session: "x",
			Limit: "x", Until: at, Tries: 1, Again: true, Err: fault, Decision: challenge.Check, Reason: challenge.NewPlace, Observed: risk.SetOf(challenge.NewPlace), Barred: true,
			Factor: "x", Account: "x", Device: "x", Place: &geo.Place{Country: "x", City: "x", ASN: 1, Network: "x"}, Took: 1, Way: challenge.ByBackup, Change: "x", Due: at, Left: 1,
			Why: "x", Result: "x", Waited: time.Minute, Fresh: true, Held: risk.SetOf(challenge.NewPlace, challenge.Sensitive), Called: "x",
			Facts: challenge.DecisionFacts{Domain: "x", Distance: 1, Since: time.Minute, Speed: 1},
		})
	}
	fields := map[string]bool{}
	for _, entry := range seen.All() {
		for name := range entry.ContextMap() {
			fields[name] = true
		}
	}
	return fields
}

// LOG-02, acceptance 112: after everything that people and operators can do with
// secrets, no log holds any, not even on level DEBUG. The access log names the user,
// and the decision where the operator wants it.
func TestLOG02NoLogHoldsASecret(t *testing.T) {
	secrets := map[string]string{}
	t.Setenv("ROOT_SECRET", "a-root-secret-of-32-bytes-or-more-0123456789")
	config := strings.Replace(site(databases, "tokens on", "secret {env.ROOT_SECRET}"), "{\n",
		"{\n\tlog {\n\t\toutput file FOLDER/access.log\n\t\tformat json\n\t}\n\tlog_append decision {http.doorcode.decision}\n\tlog_append reason {http.doorcode.reason}\n", 1)
	c, port := harness.Prepare(t), harness.FreePort(t)
	drawAtlas(t, c)
	c.Load(t, adminAt(port, logged+config))
	secrets["root secret"] = os.Getenv("ROOT_SECRET")

	b := browserIn(t, c, lisbon)
	code := ask(t, c, b, "/?token=letmein", ana)
	secrets["wrong code"] = notThis(code, 3)
	enter(t, b, secrets["wrong code"])
	b.Submit(t, "verify", url.Values{"code": {code}, "remember": {"yes"}})
	b.Fetch(t, "/x")
	made := order(t, port, "/doorcode/let-in", `{"address":"ben@example.com","why":"lost her phone"}`)
	var letIn struct{ Code string }
	made.into(t, &letIn)
	secrets["let-in code"] = letIn.Code
	stranger := browserIn(t, c, madrid)
	ask(t, c, stranger, "/", ben)
	enter(t, stranger, letIn.Code)
	stopped := stopLink(t, c.Mailbox.WaitCode(t, ana, 1))
	secrets["link"] = stopped[strings.LastIndexByte(stopped, '/')+1:]
	press(t, c, stopped)
	for name, value := range b.Cookies(t) {
		secrets["cookie "+name] = value
	}
	for who, address := range map[string]string{"ana": ana, "ben": ben} {
		for n, mail := range c.Mailbox.Codes(t, address) {
			secrets[fmt.Sprint("code ", n, " of ", who)] = mail.Code(t)
		}
	}
	wantCleanLogs(t, c, secrets)

	var users, decided []string
	for _, line := range logOf(t, filepath.Join(c.Folder, "access.log")) {
		users = append(users, fmt.Sprint(line["user_id"]))
		decided = append(decided, fmt.Sprint(line["decision"], " ", line["reason"]))
	}
	if !slices.Contains(users, ana) || !slices.Contains(decided, "check new_browser") || !slices.ContainsFunc(decided, func(d string) bool { return strings.HasPrefix(d, "pass") }) {
		t.Errorf("the access log names %q, and decisions %q", users, decided)
	}
}
