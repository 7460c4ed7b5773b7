// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/caddymodule"
	"github.com/doorcode/caddy-doorcode/challenge"
)

func TestPeopleFile(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // mailbox, user, name, groups, until
		fault      string
	}{
		{
			name: "a row with everything", text: "ana@example.com,ana,Ana Lima,staff editors,2027-01-31\n",
			want: []string{"ana@example.com|ana|Ana Lima|staff+editors|2027-02-01"},
		},
		{name: "only an address", text: "ana@example.com\n", want: []string{"ana@example.com||||"}},
		{
			name: "a heading, comments and a byte order mark", text: "\ufeffaddress,user,name,groups,until\n# old\nana@example.com,ana\n",
			want: []string{"ana@example.com|ana|||"},
		},
		{name: "groups in one quoted cell", text: "ana@example.com,,,\"staff, admins\",\n", want: []string{"ana@example.com|||staff+admins|"}},
		{name: "columns in another order", text: "address,name,groups,user,until\nana@example.com,Ana\n", fault: "in this order"},
		{name: "semicolons", text: "ana@example.com;ana;Ana\n", fault: "separated by commas"},
		{name: "a date that is none", text: "ana@example.com,,,,31.1.2027\n", fault: "2027-01-31"},
		{name: "too many columns", text: "ana@example.com,a,b,c,2027-01-31,x\n", fault: "address,user,name,groups,until"},
		{name: "a group that is no name", text: "ana@example.com,,,a/b,\n", fault: "cannot name a group"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "people.csv")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := caddymodule.PeopleIn(path)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Fatalf("error = %v, want one with %q", err, tt.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestOneListDoesNotHoldUpWhatAnotherTakesAway: a broken file, or a group that lost
// its last member, kept people in who were struck off elsewhere.
func TestOneListDoesNotHoldUpWhatAnotherTakesAway(t *testing.T) {
	folder := t.TempDir()
	allowed, people := filepath.Join(folder, "allowed"), filepath.Join(folder, "people.csv")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(){
		"the other file is broken":              func() { write(allowed, "oops oops"); write(people, "cleo@example.com,,,staff,\n") },
		"the other file loses a whole group":    func() { write(allowed, ""); write(people, "ana@example.com\n") },
		"the other file is gone":                func() { _ = os.Remove(allowed); write(people, "cleo@example.com,,,staff,\n") },
		"the operator's group has a member yet": func() { write(allowed, "# nobody"); write(people, "") },
	} {
		t.Run(name, func(t *testing.T) {
			write(allowed, "bob@example.com\n")
			write(people, "ana@example.com,,,staff,\n")
			s := caddymodule.WithDefaults(caddymodule.Settings{})
			s.Allow, s.AllowFile, s.PeopleFile = []string{"group:staff"}, allowed, people
			before, after, err := caddymodule.Reread(s, change)
			if err != nil {
				t.Fatal(err)
			}
			gone := challenge.Email("bob@example.com") // struck off the first file
			if strings.Contains(name, "broken") || strings.Contains(name, "gone") {
				gone = "ana@example.com" // or off the second
			}
			if !before.Judge(gone, time.Now()).Allowed || after.Judge(gone, time.Now()).Allowed {
				t.Errorf("%s: allowed %t before and %t after", gone, before.Judge(gone, time.Now()).Allowed, after.Judge(gone, time.Now()).Allowed)
			}
		})
	}
}
