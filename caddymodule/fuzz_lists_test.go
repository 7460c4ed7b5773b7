// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/caddymodule"
	"github.com/doorcode/caddy-doorcode/challenge"
)

// FuzzLists reads one text as each of the files that operators keep beside the
// Caddyfile. What is refused changes nothing, and what is taken lets nobody in whom it
// does not name.
func FuzzLists(f *testing.F) {
	for _, seed := range []string{
		"ana@example.com\n# comment\n*@example.com # those too\n@staff", "alice ana@example.com\nbob  BEN@example.com", "address,user,name,groups,until\nana@example.com,alice,Ana,staff admins,2027-01-31",
		"\ufeffana@example.com,,\"A, B\",a|b;c", "*", "", "\x00", "a@b.example,\n", "\"", ",", "ana@example.com,,,,2027-02-30", strings.Repeat("a", 70_000), "address\n", "#\n,",
	} {
		f.Add(seed)
	}
	file := filepath.Join(f.TempDir(), "list")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if allowed, err := caddymodule.AllowedIn(file); err == nil {
			for _, entry := range allowed {
				if entry == "" || strings.ContainsAny(entry, "\n#") || !strings.Contains(text, entry) {
					t.Errorf("%q allows %q", text, entry)
				}
			}
		}
		if users, err := caddymodule.UsersIn(file); err == nil {
			for user, email := range users {
				if parsed, err := challenge.ParseEmail(string(email)); err != nil || parsed != email || !strings.Contains(text, user) {
					t.Errorf("%q makes %q of %q", text, email, user)
				}
			}
		}
		people, err := caddymodule.PeopleIn(file)
		for _, line := range people {
			mailbox, _, _ := strings.Cut(line, "|")
			if _, wrong := challenge.ParseEmail(mailbox); err == nil && (wrong != nil || !strings.Contains(text, mailbox)) {
				t.Errorf("%q names %q", text, line)
			}
		}
	})
}

// FuzzForwardedIP reads what a proxy says of where somebody is.
func FuzzForwardedIP(f *testing.F) {
	for _, seed := range []string{"203.0.113.7", "203.0.113.7:80", "[2001:db8::1]:80", "2001:db8::1", "fe80::1%eth0", "[fe80::1%eth0]:1", "::ffff:203.0.113.7", "unknown", "_hidden", "1.2.3.4, 5.6.7.8", "", "%", ":", "[", "1.2.3.4%x:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ip := caddymodule.ForwardedIP(text)
		if ip.Zone() != "" || ip.Is4In6() {
			t.Errorf("%q is %v", text, ip)
		}
		if ip.IsValid() && caddymodule.ForwardedIP(ip.String()) != ip {
			t.Errorf("%q is %v, and that something else", text, ip)
		}
	})
}
