// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// checked is what check prints as JSON.
type checked struct {
	Name, Want, Got, Why string
	OK                   bool
	Told                 []string
}

// policyOf writes people and what became of them as a file of tests.
func policyOf(visitors []visitor, verdicts []verdict) string {
	var people, tests strings.Builder
	for i, v := range visitors {
		fmt.Fprintf(&people, "  v%d:\n    email: %s\n    remembered: %v\n", i, v.email, v.known)
		if len(v.usual) > 0 {
			fmt.Fprintf(&people, "    usual: ['%s']\n", strings.Join(v.usual, "', '"))
		}
		age := "last_code"
		if v.session {
			age = "session"
		}
		fmt.Fprintf(&tests, "  - person: v%d\n    from: '%s'\n    path: '%s'\n    %s: %s\n    expect: %s\n", i, v.ip, v.path, age, v.last, verdicts[i].Decision)
		if v.passkey {
			tests.WriteString("    proof: passkey\n")
		}
		if v.bound {
			tests.WriteString("    bound: true\n")
		}
		if verdicts[i].Reason != "" {
			fmt.Fprintf(&tests, "    reason: %s\n", verdicts[i].Reason)
		}
		if verdicts[i].Status != 0 {
			fmt.Fprintf(&tests, "    status: %d\n", verdicts[i].Status)
		}
	}
	return "site: localhost\npeople:\n" + people.String() + "tests:\n" + tests.String()
}

// check runs the command on a file of tests.
func check(t *testing.T, policy string, args ...string) (out string, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = rehearse(t, append([]string{"check", file}, args...)...)
	return strings.ReplaceAll(out, file, "policy.yaml"), err
}

// wantChecked fails unless a file that expects what really happened goes well, and one
// that expects something else does not.
func wantChecked(t *testing.T, config string, visitors []visitor, real []verdict) {
	t.Helper()
	if out, err := check(t, policyOf(visitors, real), "--config", config, "--adapter", "caddyfile"); err != nil {
		t.Errorf("check: %v\n%s\n%s", err, out, policyOf(visitors, real))
	}
	wrong := make([]verdict, len(real))
	for i, v := range real {
		wrong[i] = verdict{Decision: "pass"}
		if v.Decision == "pass" {
			wrong[i].Decision = "check"
		}
	}
	out, err := check(t, policyOf(visitors, wrong), "--config", config, "--adapter", "caddyfile", "--json")
	var results []checked
	if err == nil || json.Unmarshal([]byte(out), &results) != nil || len(results) != len(real) {
		t.Fatalf("check of what is wrong: %v\n%s", err, out)
	}
	for i, r := range results {
		want := strings.TrimSpace(real[i].Decision + " " + real[i].Reason)
		if got, _, _ := strings.Cut(r.Got, ","); r.OK || got != want {
			t.Errorf("check of what is wrong: %+v, want %s", r, want)
		}
	}
}

const policy = `site: app.localhost
people:
  ana: {email: ana@example.com, usual: [Lisbon, 81.2.71.0/24], remembered: true}
  zoe: {email: zoe@example.net}
  boss: {email: ana@example.com, user: boss}
tests:
  - name: Ana at home
    person: ana
    expect: pass
  - name: Ana in the second of her homes
    person: ana
    from: Porto
    expect: pass
  - name: a sensitive page
    person: ana
    path: /admin/x
    session: 50m
    expect: check
    reason: sensitive
    status: 401
  - name: abroad
    person: ana
    from: IT
    expect: check
    reason: new_place
  - name: another browser
    person: ana
    remembered: false
    expect: check
    reason: new_browser
  - name: a country that is kept out
    person: ana
    from: JP
    expect: deny
    status: 403
  - name: somebody who is on no list
    person: zoe
    from: Lisbon
    session: 5m
    expect: deny
  - name: what is public
    person: zoe
    from: 198.51.100.7
    path: /robots.txt
    expect: public
  - name: what a program is told
    person: ana
    remembered: false
    headers: {Accept: application/json, Sec-Fetch-Mode: cors, Sec-Fetch-Dest: empty}
    expect: check
    status: 401
  - name: a user of forward_auth
    site: auth.example.com
    person: boss
    from: Lisbon
    expect: check
    reason: new_browser
`

func TestCheckTellsByItsExitCode(t *testing.T) {
	folder, config := writeExplainable(t)
	file := filepath.Join(folder, "policy.yaml")
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	before := filesIn(t, folder)
	for _, tt := range []struct {
		name, stdin string
		code        int
		args        []string
		want        []string
	}{
		{"all is well", "", 0, []string{file}, []string{"ok    Ana at home\n", "ok    a user of forward_auth\n10 tests, 0 failed\n"}},
		{
			"one is not", strings.Replace(policy, "from: IT\n    expect: check\n    reason: new_place", "from: IT\n    expect: pass", 1),
			1,
			[]string{"-"},
			[]string{
				"FAIL  abroad (standard input:21)\n      want pass; got check new_place, 401\n      GET app.localhost/ from 5.35.", "401, \"Sign in to app.localhost\"",
				"may pass by 'allow ana@example.com'", "new_place (asks): Country IT is new; known is PT.\n", "10 tests, 1 failed\n",
			},
		},
		{"no gate stands there", strings.Replace(policy, "site: app", "site: www", 1), 1, []string{"-"}, []string{"no gate stands at 'www.localhost'", "9 failed"}},
		{"a wrong file", strings.Replace(policy, "reason: sensitive", "reson: sensitive", 1), 2, []string{"-"}, []string{"Error: standard input:19: unknown key 'reson' of a test; did you mean 'reason'?"}},
		{"a place that is nowhere", strings.Replace(policy, "Porto", "Atlantis", 1), 2, []string{"-"}, []string{"no network in the databases is at 'Atlantis'"}},
		{"no file", "", 2, []string{filepath.Join(folder, "none.yaml")}, []string{"no such file"}},
		{"no configuration", "", 2, []string{file, "--config", "/nonexistent"}, []string{"reading config from file"}},
		{"nothing to check", "", 2, nil, []string{"'caddy doorcode check' takes the file with the tests, such as policy.yaml"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := harness.Command(folder, append([]string{"doorcode", "check", "--config", config}, tt.args...)...)
			cmd.Stdin = strings.NewReader(tt.stdin)
			out, _ := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != tt.code {
				t.Errorf("exit code %d, want %d:\n%s", got, tt.code, out)
			}
			for _, want := range tt.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
		})
	}
	if diff := cmp.Diff(before, filesIn(t, folder)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

// One test leaves nothing behind for the next: neither a session nor a place.
func TestEachPolicyTestBeginsAnew(t *testing.T) {
	_, config := writeExplainable(t)
	at := func(name, more string) string {
		return "  - {name: " + name + ", person: ana, from: Lisbon, " + more + "}\n"
	}
	text := "site: app.localhost\npeople:\n  ana: {email: ana@example.com}\ntests:\n" +
		at("before", "expect: check, reason: new_browser") + at("between", "session: 1m, path: /admin/x, expect: pass") + at("after", "expect: check, reason: new_browser")
	if out, err := check(t, text, "--config", config); err != nil {
		t.Errorf("check: %v\n%s", err, out)
	}
}
