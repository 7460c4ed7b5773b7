// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// Where a code leads no further than to a passkey, the button of the passkey is the main
// one, and whoever has scripts off is not sent a code in vain without being told.
func TestWhereOnlyAPasskeyWillDoItComesFirst(t *testing.T) {
	const off = "<noscript><p class=\"note\">This browser can&#39;t use passkeys, or its scripts are off. Try another browser.</p></noscript>"
	email := pages.Email{Endpoints: endpoints, Flow: flow, Passkeys: true}
	send := pages.Send{Endpoints: endpoints, Flow: flow, Address: "ana@example.com", Passkeys: true}
	onlyEmail, onlySend := email, send
	onlyEmail.OnlyPasskeys, onlySend.OnlyPasskeys = true, true
	for name, tt := range map[string]struct {
		page  pages.Page
		first bool
	}{
		"the address, where a code would do": {email, false},
		"the address":                        {onlyEmail, true},
		"a button, where a code would do":    {send, false},
		"a button":                           {onlySend, true},
		"the code that allows a passkey":     {code(func(c *pages.Code) { c.Passkeys = true }), false},
	} {
		t.Run(name, func(t *testing.T) {
			page := render(t, renderer(t, nil), tt.page)
			if got := strings.Contains(page, ` data-first></script>`); got != tt.first {
				t.Errorf("the button of the passkey comes first: %v", got)
			}
			if got := strings.Contains(page, off); got != tt.first {
				t.Errorf("it says that scripts are off: %v", got)
			}
		})
	}
}

func TestWhoHasAPasskeyIsNotAskedWhetherTheyHaveOne(t *testing.T) {
	for has, want := range map[bool]string{
		false: `No passkey yet? <a href="./reports/.doorcode/passkeys">Add one</a>`,
		true:  `hidden><a href="./reports/.doorcode/passkeys">Add a passkey</a>`,
	} {
		page := render(t, renderer(t, nil), pages.Passkey{Endpoints: "./reports/.doorcode/", Flow: flow, Address: "ana@example.com", Has: has})
		if !strings.Contains(page, want) || strings.Contains(page, "No passkey yet?") == has {
			t.Errorf("has one: %v; the page is\n%s", has, inlined.ReplaceAllString(page, ""))
		}
	}
}
