// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// mailsOnly lets an address, or a network, have so many mails a day.
func mailsOnly(address, network int) func(*settings) {
	return func(s *settings) {
		roomy(s)
		s.gate.Policy.Limits.SendAddress = []challenge.Rate{{N: address, Per: 24 * time.Hour}}
		s.gate.Policy.Limits.SendIP = []challenge.Rate{{N: network, Per: 24 * time.Hour}}
	}
}

const field = `name="code"`

// Before, the page had a field for codes of which none could be right any more.
func TestAPageOfALimitHasAFieldOnlyWhereACodeCanBeRight(t *testing.T) {
	const address, network = "Too many codes were sent for this address.", "Too many codes were sent from this network."
	tests := map[string]struct {
		address, network int
		goes             func(b *browser)
		field            bool
		says             []string
	}{
		"a code that waits": {1, 100, func(b *browser) {
			b.ask("/x", ana)
			b.w.clock.advance(6 * time.Minute)
			b.submit("/resend")
		}, true, []string{address, "use a code that you already have"}},
		"a code that was used up": {1, 100, func(b *browser) {
			code := b.ask("/x", ana)
			for n := range 5 {
				b.submit("/verify", "code", wrongCode(code, n))
			}
			b.page.wants(t, http.StatusUnauthorized, "This code no longer works")
			b.submit("/resend")
		}, false, []string{"Try again in", address, "Use a backup code"}},
		"a code whose time is over, as one may be read out": {1, 100, func(b *browser) {
			b.ask("/x", ana)
			b.w.clock.advance(11 * time.Minute)
			b.submit("/resend")
		}, true, []string{address}},
		"no code for a change": {1, 100, func(b *browser) {
			b.signIn("/x", ana).startsChange(codesPage, challenge.MakeBackupCodes)
			b.w.clock.advance(11 * time.Minute)
			b.submit("/resend")
		}, false, []string{"Try again in", address, "Go back", "!Confirm it's you"}},
		"no code for a page that wants a fresh one": {100, 1, func(b *browser) {
			b.signIn("/x", ana)
			b.w.clock.advance(time.Hour)
			b.w.sensitive()
			b.open("/delete")
		}, false, []string{"Try again in", network, "Go back"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newWorld(t, mailsOnly(test.address, test.network)).browser()
			test.goes(b)
			b.page.wants(t, http.StatusTooManyRequests, test.says...)
			if got := strings.Contains(b.page.body, field); got != test.field {
				t.Errorf("a field: %v, want %v:\n%s", got, test.field, b.page.text())
			}
			if !test.field {
				b.page.wants(t, http.StatusTooManyRequests, "!that you already have")
			}
		})
	}
}
