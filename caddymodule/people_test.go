// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

func TestALettingInIsShortAndSaysWhy(t *testing.T) {
	for _, tt := range []struct{ name, address, lasts, why, want string }{
		{"as usual", "ana@example.com", "", "lost her phone", ""},
		{"the shortest", "ana@example.com", "1m", "new", ""},
		{"the longest", "ana@example.com", "1h", strings.Repeat("é", 200), ""},
		{"an address that is none", "ana", "", "lost her phone", "let-in takes an address such as alice@example.com"},
		{"nobody", "", "", "lost her phone", "let-in takes an address"},
		{"without a reason", "ana@example.com", "", "", "'why' needs 3 to 200 characters: the person is told, and it is logged"},
		{"a reason that says nothing", "ana@example.com", "", " \t- ", "'why' needs 3 to 200"},
		{"a reason that is a story", "ana@example.com", "", strings.Repeat("é", 201), "'why' needs 3 to 200"},
		{"a reason with a header in it", "ana@example.com", "", "phone\r\nBcc: eve@example.com", "'why' takes one line of text"},
		{"a reason that is no text", "ana@example.com", "", "pho\xffne", "'why' takes one line of text"},
		{"seconds", "ana@example.com", "59s", "lost her phone", "'for' must be 1m to 1h, got 59s"},
		{"a working day", "ana@example.com", "8h", "lost her phone", "'for' must be 1m to 1h, got 8h"},
		{"a time that is over", "ana@example.com", "-15m", "lost her phone", "'for' must be 1m to 1h, got -15m"},
		{"no unit", "ana@example.com", "15", "lost her phone", "'for' needs a duration such as 15m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			to, lasts, why, err := caddymodule.ReadLetting(tt.address, tt.lasts, tt.why)
			if tt.want == "" && (err != nil || to != "ana@example.com" || lasts < time.Minute || lasts > time.Hour || why != tt.why) {
				t.Errorf("letting = %q, %v, %q, %v", to, lasts, why, err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || tt.address != "" && strings.Contains(err.Error(), "'"+tt.address)) {
				t.Errorf("letting = %v, want %q", err, tt.want)
			}
		})
	}
	if _, lasts, _, _ := caddymodule.ReadLetting("ana@example.com", "", "lost her phone"); lasts != 15*time.Minute {
		t.Errorf("as usual, the code works for %v", lasts)
	}
}

// Whoever has not typed the address once more has not said yes.
func TestForgettingIsAskedFor(t *testing.T) {
	const address, unasked = "ana@example.com", "add --yes if that is meant"
	piped, err := os.Create(filepath.Join(t.TempDir(), "yes"))
	if err != nil {
		t.Fatal(err)
	}
	defer piped.Close() //nolint:errcheck // it is a temporary file
	if _, err := piped.WriteString(address + "\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := piped.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	device, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close() //nolint:errcheck // it is only read
	for _, tt := range []struct {
		name string
		in   io.Reader
		want string
	}{
		{"the address", strings.NewReader(address + "\n"), ""},
		{"the address, without an end of line", strings.NewReader("Ana@example.com"), ""},
		{"yes", strings.NewReader("yes\n"), "that is another address; nothing was erased"},
		{"an empty line", strings.NewReader("\n"), "that is another address"},
		{"another address", strings.NewReader("ben@example.com\n"), "that is another address"},
		{"nothing", strings.NewReader(""), unasked},
		{"a file in place of a terminal", piped, unasked},
		{"a device that is no terminal", device, unasked},
	} {
		var asked strings.Builder
		err := caddymodule.ConfirmForget(tt.in, &asked, address)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if asked.Len() > 0 && !strings.Contains(asked.String(), "erases sessions, browsers, places, ways in, tokens and activity of "+address+", for good") {
			t.Errorf("%s: asked %q", tt.name, asked.String())
		}
		if tt.want == unasked && asked.Len() > 0 && !strings.HasSuffix(asked.String(), ": \n") {
			t.Errorf("%s: what follows stands behind %q", tt.name, asked.String())
		}
	}
}
