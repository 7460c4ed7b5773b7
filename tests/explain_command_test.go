// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// explainable has what explain must not touch: a log, a mail server, Caddy's own
// authority, which makes keys when it is loaded.
const explainable = `{
	log {
		output file FOLDER/caddy.log
	}
	admin localhost:1
	doorcode {
		mail smtp smtp.invalid:465 {
			from login@example.com
		}
		deny eve@example.com
		geoip FOLDER/city.mmdb FOLDER/asn.mmdb
	}
}

app.localhost {
	tls internal
	log {
		output file FOLDER/access.log
	}
	redir /old/* /new
	handle_path /inner/* {
		doorcode *@inner.example {
			pages {
				name Inner
			}
		}
	}
	handle {
		doorcode ana@example.com *@example.org {
			sensitive /admin/*
			public /robots.txt
			countries not JP
		}
		reverse_proxy 127.0.0.1:1
	}
}

http://behind.example.com {
	doorcode ana@example.com {
		origins https://behind.example.com
	}
	respond app
}

tls.example.com {
	tls internal
	doorcode {
		identity {http.request.tls.client.san.emails.0}
	}
	reverse_proxy 127.0.0.1:1
}

auth.example.com {
	tls internal
	forward_auth 127.0.0.1:1 {
		uri /verify
		copy_headers Remote-User
	}
	doorcode {
		identity {header.Remote-User} {
			from forward_auth
			map boss ana@example.com
		}
	}
	reverse_proxy 127.0.0.1:1
}

open.example.com {
	tls internal
	respond open
}
`

// writeExplainable writes the configuration and its databases.
func writeExplainable(t *testing.T) (folder, config string) {
	t.Helper()
	folder = t.TempDir()
	drawAtlas(t, &harness.Caddy{Folder: folder})
	config = filepath.Join(folder, "Caddyfile")
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(explainable, "FOLDER", folder)), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder, config
}

func filesIn(t *testing.T, folder string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		files = append(files, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestExplainTellsByItsExitCode, and leaves nothing behind: it runs as a process of
// its own, with everything that it could write in one folder.
func TestExplainTellsByItsExitCode(t *testing.T) {
	folder, config := writeExplainable(t)
	before := filesIn(t, folder)
	for _, tt := range []struct {
		code int
		args []string
	}{
		{0, []string{"--path", "/robots.txt"}},
		{0, []string{"--session", "5m"}},
		{3, nil},
		{4, []string{"--ip", tokyo}},
		{4, []string{"--email", "eve@example.com", "--session", "5m"}},
		{1, []string{"--ip", "nowhere"}},
		{1, []string{"--host", "elsewhere.example.com"}},
	} {
		cmd := harness.Command(folder, append([]string{
			"doorcode", "explain", "--config", config, "--host", "app.localhost", "--email", ana, "--ip", lisbon,
		}, tt.args...)...)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != tt.code {
			t.Errorf("%q: exit code %d, want %d:\n%s", tt.args, got, tt.code, out)
		}
		if strings.Contains(string(out), "exiting with status") {
			t.Errorf("%q: the exit code is printed as an error:\n%s", tt.args, out)
		}
	}
	if diff := cmp.Diff(before, filesIn(t, folder)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

func TestExplainFindsTheGate(t *testing.T) {
	_, config := writeExplainable(t)
	for _, tt := range []struct {
		name, args, decision, reason, scope, rule string
	}{
		{"a stranger", "--host app.localhost --path /x", "check", "new_browser", "guarded", "allow ana@example.com"},
		{"everybody of a domain", "--host app.localhost --email zoe@example.org", "check", "new_browser", "guarded", "allow *@example.org"},
		{"somebody who is on no list", "--host app.localhost --email zoe@example.net --session 5m", "deny", "", "guarded", "not allowed"},
		{"somebody who was taken off", "--host app.localhost --email eve@example.com --session 5m", "deny", "", "guarded", "deny eve@example.com"},
		{"a public path", "--host app.localhost --path /robots.txt", "public", "", "public", "allow ana@example.com"},
		{"a public path with a step in it", "--host app.localhost --path /x/..%2frobots.txt", "check", "new_browser", "guarded", "allow ana@example.com"},
		{"a known browser at a sensitive page", "--host app.localhost --path /admin/x --known-browser", "check", "sensitive", "guarded", "allow ana@example.com"},
		{"a fresh code at a sensitive page", "--host app.localhost --path /admin/x --session 5m", "pass", "", "guarded", "allow ana@example.com"},
		{"a country that is kept out", "--host app.localhost --ip " + tokyo + " --usual " + lisbon, "deny", "", "guarded", "allow ana@example.com"},
		{"a session that has moved", "--host app.localhost --ip " + milan + " --usual " + lisbon + " --session 5m", "check", "travel", "guarded", "allow ana@example.com"},
		{"a session that is over", "--host app.localhost --session 13h", "check", "expired", "guarded", "allow ana@example.com"},
		{"the part of another gate", "--host app.localhost --path /inner/x", "check", "new_browser", "guarded", "not allowed"},
		{"one whom that gate lets in", "--host app.localhost --path /inner/x --email zoe@inner.example --session 5m", "pass", "", "guarded", "allow *@inner.example"},
		{"an endpoint of the gate", "--host app.localhost --path /.doorcode/ping", "own", "", "guarded", "allow ana@example.com"},
		{"a site behind a proxy", "--host behind.example.com", "check", "new_browser", "guarded", "allow ana@example.com"},
		{"a client certificate", "--host tls.example.com --session 1h", "pass", "", "guarded", "identity {http.request.tls.client.san.emails.0}"},
		{"a user of forward_auth", "--host auth.example.com --user boss", "check", "new_browser", "guarded", "identity {http.request.header.Remote-User}"},
		{"one whom nobody has mapped", "--host auth.example.com --user clerk", "deny", "", "guarded", "the earlier step knows no address of this user"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := explain(t, append([]string{"--config", config, "--email", ana, "--ip", lisbon, "--json"}, strings.Fields(tt.args)...)...)
			var e explained
			if json.Unmarshal([]byte(out), &e) != nil || len(e.Gates) != 1 {
				t.Fatalf("explain: %v\n%s", err, out)
			}
			got := []string{e.Decision, e.Reason, e.Gates[0].Scope, e.Gates[0].Person.Rule}
			if diff := cmp.Diff([]string{tt.decision, tt.reason, tt.scope, tt.rule}, got); diff != "" {
				t.Errorf("explained (-want +got):\n%s\n%s", diff, out)
			}
		})
	}
}

func TestExplainSaysWhatIsWrongWithTheQuestion(t *testing.T) {
	_, config := writeExplainable(t)
	ungated := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(ungated, []byte("http://localhost:1 {\n\trespond ok\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"--ip 203.0.113.7":                                                            "--email and --ip say whose request it is",
		"--email ana@example.com --ip 203.0.113":                                      "--ip takes an IP address such as 203.0.113.7, got '203.0.113'",
		"--email ana --ip 203.0.113.7":                                                "--email takes an address such as alice@example.com, got 'ana'",
		"--email ana@example.com --ip 203.0.113.7 --usual here":                       "--usual takes an IP address",
		"--email ana@example.com --ip 203.0.113.7 --path admin":                       "--path takes a path such as /admin, got 'admin'",
		"--email ana@example.com --ip 203.0.113.7 --method A/B":                       "--method takes a method such as POST, got 'A/B'",
		"--email ana@example.com --ip 203.0.113.7 --session soon":                     "--session takes a duration such as 45m, 12h or 20d",
		"--email ana@example.com --ip 203.0.113.7 --session 1h --last 2h":             "leave --last out",
		"--email ana@example.com --ip 203.0.113.7":                                    "--host says which site is meant: app.localhost, auth.example.com, behind.example.com or tls.example.com",
		"--email ana@example.com --ip 203.0.113.7 --host x.example.com":               "no gate stands at 'x.example.com'; there are gates at app.localhost, auth.example.com, behind.example.com, tls.example.com",
		"--email ana@example.com --ip 203.0.113.7 --host open.example.com":            "no gate stands at 'open.example.com'",
		"--email ana@example.com --ip 203.0.113.7 --host app.localhost --path /old/x": "no gate stands before /old/x at app.localhost, which is answered by static_response",
		"--email ana@example.com --ip 203.0.113.7 --config " + ungated:                "there is no doorcode in this configuration",
		"--email ana@example.com --ip 203.0.113.7 --config /nonexistent":              "reading config from file",
	} {
		fields := strings.Fields(args)
		if !slices.Contains(fields, "--config") {
			fields = append(fields, "--config", config)
		}
		if out, err := explain(t, fields...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q\n%s", args, err, want, out)
		}
	}
}

var wide = regexp.MustCompile(`[ ]{2,}`)

// TestGEO08ExplainIsATable that says of each rule whether it speaks, what follows, and
// why.
func TestGEO08ExplainIsATable(t *testing.T) {
	_, config := writeExplainable(t)
	out, _ := explain(t, "--config", config, "--email", ana, "--ip", milan, "--usual", lisbon, "--host", "app.localhost", "--path", "/admin/x", "--session", "50m")
	for _, want := range []string{
		"GET app.localhost/admin/x from " + milan,
		"decision | check", "reason | travel", `answer | 401, "Confirm it's you"`, "site | https://app.localhost",
		"person | ana@example.com, may pass by 'allow ana@example.com'", "place | Milan, IT, AS64505",
		"allow | ana@example.com *@example.org", "deny | eve@example.com", "countries | not JP",
		"sensitive | wants a code of the last 30m",
		"ways in | mailed code, backup codes, authenticator, second address (allowed) for 60d after a mailed code",
		"RULE | SAYS | EFFECT | WHY",
		"new_place | yes | asks | Country IT is new; known is PT.",
		"new_browser | no | off | The browser is known for this person.",
		"sensitive | yes | asks | The last code is 50m old; the page allows 30m.",
	} {
		if !slices.Contains(strings.Split(wide.ReplaceAllString(out, " | "), "\n"), want) {
			t.Errorf("no line %q in\n%s", want, out)
		}
	}
}

// Where all is only observed, 'countries' refuses nobody, and what it would do is what the
// operator wants to know.
func TestExplainSaysWhatCountriesWouldDo(t *testing.T) {
	_, config := writeExplainable(t)
	watched := strings.Replace(read(t, config), "countries not JP", "countries not JP\n\t\t\tobserve all", 1)
	if err := os.WriteFile(config, []byte(watched), 0o600); err != nil {
		t.Fatal(err)
	}
	const would = ", from where nobody would be let in ('observe all')"
	for ip, want := range map[string]bool{tokyo: true, lisbon: false} {
		args := []string{"--config", config, "--email", ana, "--ip", ip, "--host", "app.localhost"}
		out, err := explain(t, args...)
		if strings.Contains(out, would) != want || strings.Contains(out, "nobody may pass") {
			t.Errorf("from %s: would be refused is %t, want %t: %v\n%s", ip, !want, want, err, out)
		}
		var e struct {
			Decision string
			Gates    []struct {
				Place struct {
					Barred   bool
					WouldBar bool `json:"would_bar"`
				}
			}
		}
		out, err = explain(t, append(args, "--json")...)
		if json.Unmarshal([]byte(out), &e) != nil || e.Decision != "pass" || e.Gates[0].Place.Barred || e.Gates[0].Place.WouldBar != want {
			t.Errorf("from %s: %v\n%s", ip, err, out)
		}
	}
}
