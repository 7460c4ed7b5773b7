// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// Whoever switches passkeys on, or requires keys, must not find out from their visitors that browsers have
// none at such an address.
func TestASiteWhereBrowsersHaveNoPasskeysDoesNotStartWithThem(t *testing.T) {
	const refused = "passkeys cannot be used at ORIGIN: browsers have passkeys over https, or at localhost, and for names alone; use such an address, or write 'passkeys off' for this site"
	const keyless = "device_bound required cannot be used at ORIGIN: browsers make keys over https alone; use such an address, or write 'device_bound auto' for this site"
	for _, tt := range []struct{ name, lines, origin, want string }{
		{"https", "passkeys", "https://app.example.com", ""},
		{"localhost", "passkeys", "http://localhost:8080", ""},
		{"http", "passkeys", "http://app.example.com", refused},
		{"an address", "passkeys", "https://192.0.2.1", refused},
		{"http without passkeys", "reveal", "http://app.example.com", ""},
		{"http where only codes are accepted", "passkeys\naccept code", "http://app.example.com", ""},
		{"keys over https", "session {\ndevice_bound required\n}", "https://192.0.2.1", ""},
		{"keys over http", "session {\ndevice_bound required\n}", "http://app.example.com", keyless},
		{"keys at localhost", "session {\ndevice_bound required\n}", "http://localhost:18692", keyless},
		{"keys where they can be had", "session {\ndevice_bound auto\n}", "http://localhost:18692", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, _ := handler(t, site(tt.lines))
			got := ""
			if err := caddymodule.CheckPasskeys(caddymodule.WithDefaults(h.Settings), tt.origin); err != nil {
				got = err.Error()
			}
			if want := strings.ReplaceAll(tt.want, "ORIGIN", tt.origin); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
