// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var inlined = regexp.MustCompile(`(?s)<(style|script)>.*?</(?:style|script)>`)

// versioned is what changes with the script of passkeys.
var versioned = regexp.MustCompile(`\?[\w-]{4}" integrity="[^"]*"`)

// TestGolden keeps what people read and what browsers are told. The style and
// script are left out: they are the same everywhere.
func TestGolden(t *testing.T) {
	r := renderer(t, nil)
	seen := map[string]bool{}
	for _, s := range screens() {
		t.Run(s.name, func(t *testing.T) {
			got := inlined.ReplaceAllString(render(t, r, s.page), "<$1>…</$1>")
			got = versioned.ReplaceAllString(got, `?…" integrity="…"`)
			// Some file systems do not tell capitals from small letters.
			name := filepath.Join("testdata", "golden", strings.ReplaceAll(s.name, "2L", "2ll")+".html")
			seen[name] = true
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs from %s; got:\n%s", s.name, name, got)
			}
		})
	}
	names, err := filepath.Glob("testdata/golden/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !seen[name] {
			t.Errorf("%s belongs to no screen", name)
		}
	}
}

func TestSentencesAreTheSameForScripts(t *testing.T) {
	r := renderer(t, nil)
	trouble := func(change func(*pages.Code)) pages.Check { return code(change).(pages.Code) }
	tests := []struct {
		name string
		page pages.Check
		want string
	}{
		{"nothing to say", asked(), ""},
		{
			"a wrong code", trouble(func(c *pages.Code) { c.Trouble, c.TriesLeft = pages.WrongCode, 1 }),
			"That code isn't right. Look at the email with the letters 7KQ. You have 1 try left.",
		},
		{
			"trouble before notice", trouble(func(c *pages.Code) { c.Trouble, c.Notice = pages.EarlierCode, pages.SentNew }),
			"That code is from an earlier email. Use the one with the letters 7KQ.",
		},
		{
			"too early", trouble(func(c *pages.Code) { c.Notice = pages.TooEarly }),
			"You can ask again in 24 seconds.",
		},
		{
			"a limit, with the time as it is without scripts",
			trouble(func(c *pages.Code) { c.Trouble, c.RetryAt = pages.AddressMails, noon.Add(90) }),
			"Too many codes were sent for this address. Try again in 1 minute, or use a code that you already have.",
		},
		{
			"a code of letters", trouble(func(c *pages.Code) {
				c.Trouble, c.Length, c.Alphabet, c.Entered = pages.WrongLength, 8, "BCDFGHJKLMNPQRSTVWXZ", 5
			}),
			"The code has 8 letters. You entered 5.",
		},
		{
			"a locked address, known or not", trouble(func(c *pages.Code) { c.Trouble, c.RetryAt = pages.AddressLocked, noon.Add(time.Hour) }),
			"Too many wrong codes for this address. If it can use Example, we emailed it about this.",
		},
		{
			"a wrong code that was to confirm", trouble(func(c *pages.Code) { *c = confirm(); c.Trouble, c.TriesLeft = pages.WrongCode, 2 }),
			"That code isn't right. Look at the email with the letters 7KQ. You have 2 tries left.",
		},
		{"a held form is no trouble", trouble(func(c *pages.Code) { c.Held = held }), ""},
		{"a held form is no trouble with the address", pages.Email{Held: held}, ""},
		{"an address left out", pages.Email{Trouble: pages.EmailMissing}, "Enter your email address."},
		{
			"an address not on the list",
			pages.Email{Trouble: pages.EmailNotOnList, Address: "<ana>@example.com"},
			"<ana>@example.com isn't on the list for Example. Ask help@example.com.",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := r.Sentence(english(), tt.page); got != tt.want {
				t.Errorf("Sentence = %q, want %q", got, tt.want)
			}
		})
	}
}
