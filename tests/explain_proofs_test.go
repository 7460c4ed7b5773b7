// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// proving has a site for passkeys alone, and one for browsers with keys.
const proving = `{
	doorcode {
		mail smtp smtp.invalid:465 {
			from login@example.com
		}
	}
}

app.localhost {
	tls internal
	doorcode ana@example.com {
		passkeys on
		accept passkey
	}
	reverse_proxy 127.0.0.1:1
}

keys.localhost {
	tls internal
	doorcode ana@example.com {
		session {
			device_bound required
		}
	}
	reverse_proxy 127.0.0.1:1
}
`

func TestExplainAndCheckKnowPasskeysAndKeys(t *testing.T) {
	config := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(config, []byte(proving), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, args, policy, decision, reason, why string }{
		{"a session that a code began", "--host app.localhost --session 5m", "session: 5m", "check", "passkey", "The last proof was a code."},
		{"a session that a passkey began", "--host app.localhost --session 5m --passkey", "session: 5m, proof: passkey", "pass", "", "The last proof was a passkey."},
		{"a passkey of a person with a past", "--host app.localhost --session 5m --passkey --usual " + lisbon, "session: 5m, proof: passkey, person: old", "pass", "", "The last proof was a passkey."},
		{"a browser that a passkey let be remembered", "--host app.localhost --known-browser --passkey", "remembered: true, proof: passkey", "pass", "", "The last proof was a passkey."},
		{"a remembered browser of a code", "--host app.localhost --known-browser", "remembered: true", "check", "passkey", "The last proof was a code."},
		{"a session without a key", "--host keys.localhost --session 5m", "session: 5m", "deny", "keyless", "The browser made no key within a minute."},
		{"a session whose minute is not over", "--host keys.localhost --session 20s", "session: 20s", "pass", "", "The session is younger than a minute."},
		{"a session with a key", "--host keys.localhost --session 5m --bound", "session: 5m, bound: true", "pass", "", "The browser has a key of its machine."},
		{"a remembered browser with a key", "--host keys.localhost --known-browser --bound", "remembered: true, bound: true", "pass", "", "The browser has a key of its machine."},
		{"a remembered browser without one", "--host keys.localhost --known-browser", "remembered: true", "check", "expired", "The browser has no key of its machine, and device_bound is required."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := explain(t, append([]string{"--config", config, "--adapter", "caddyfile", "--email", ana, "--ip", lisbon, "--json"}, strings.Fields(tt.args)...)...)
			var e explained
			if json.Unmarshal([]byte(out), &e) != nil || len(e.Gates) != 1 {
				t.Fatalf("explain: %v\n%s", err, out)
			}
			var whys []string
			for _, v := range e.Gates[0].Votes {
				whys = append(whys, v.Why)
			}
			if e.Decision != tt.decision || e.Reason != tt.reason || !slices.Contains(whys, tt.why) {
				t.Errorf("explained %s %s by %q, want %s %s by %q", e.Decision, e.Reason, whys, tt.decision, tt.reason, tt.why)
			}
			host := strings.Fields(tt.args)[1]
			if !strings.Contains(tt.policy, "person:") {
				tt.policy += ", person: ana"
			}
			expect := "expect: " + tt.decision
			if tt.decision == "check" {
				expect += ", reason: " + tt.reason
			}
			policy := "site: " + host + "\npeople:\n  ana: {email: ana@example.com}\n  old: {email: ana@example.com, usual: " + lisbon + "}\n" +
				"tests:\n  - {from: " + lisbon + ", " + tt.policy + ", " + expect + "}\n"
			if out, err := check(t, policy, "--config", config, "--adapter", "caddyfile"); err != nil {
				t.Errorf("check: %v\n%s\n%s", err, out, policy)
			}
		})
	}
	if _, err := explain(t, "--config", config, "--email", ana, "--ip", lisbon, "--bound"); err == nil || !strings.Contains(err.Error(), "add --known-browser, or --session") {
		t.Errorf("a key of a browser that was never here: %v", err)
	}
}

// Who has never typed a code must not read of how old it is.
func TestExplainSaysAPasskeyWhereItWasOne(t *testing.T) {
	config := filepath.Join(t.TempDir(), "Caddyfile")
	text := strings.Replace(proving, "accept passkey\n", "accept passkey\n\t\tsensitive /admin/* 10m\n", 1) +
		"\nboth.localhost {\n\ttls internal\n\tdoorcode ana@example.com {\n\t\tpasskeys on\n\t\tsensitive /admin/* 10m\n\t}\n\treverse_proxy 127.0.0.1:1\n}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	const either, alone = "sensitive | wants a code or passkey of the last 10m", "sensitive | wants a passkey of the last 10m"
	for _, tt := range []struct{ args, wants, vote string }{
		{"--host both.localhost --path /admin/ --session 5m --passkey", either, "no | asks | The last proof, a passkey, is 5m old, under 10m."},
		{"--host both.localhost --path /admin/ --session 15m --passkey", either, "yes | asks | The last proof, a passkey, is 15m old; the page allows 10m."},
		{"--host both.localhost --path /admin/ --known-browser --passkey", either, "yes | asks | The session was renewed without the passkey."},
		{"--host both.localhost --path / --session 5m --passkey", "", "no | asks | The page asks for no fresh code or passkey."},
		{"--host app.localhost --path /admin/ --session 5m --passkey", alone, "no | asks | The last proof, a passkey, is 5m old, under 10m."},
		{"--host both.localhost --path /admin/ --session 5m", either, "no | asks | The last code is 5m old, under 10m."},
		{"--host both.localhost --path /admin/ --known-browser", either, "yes | asks | The session was renewed without a code."},
	} {
		out, _ := explain(t, append([]string{"--config", config, "--adapter", "caddyfile", "--email", ana, "--ip", lisbon}, strings.Fields(tt.args)...)...)
		lines := strings.Split(wide.ReplaceAllString(out, " | "), "\n")
		for _, want := range []string{tt.wants, "sensitive | " + tt.vote} {
			if want != "" && !slices.Contains(lines, want) {
				t.Errorf("%s: no line %q in\n%s", tt.args, want, out)
			}
		}
	}
}
