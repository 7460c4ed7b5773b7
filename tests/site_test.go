// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

const ana, ben, eve = "ana@example.com", "ben@example.com", "eve@elsewhere.example"

// kept says where mail and storage of a test's gate are.
const kept = `
		mail file MAIL
		storage embedded FOLDER/doorcode.db`

// site is a gate for everybody at example.com in front of the app, with further
// lines in its block.
func site(lines ...string) string {
	return "http://localhost:PORT {\n" + gate("*@example.com", lines...) + "\n\treverse_proxy APP\n}\n"
}

// gate is a doorcode line with its block.
func gate(arguments string, lines ...string) string {
	return "\tdoorcode " + arguments + " {" + kept + "\n\t\t" + strings.Join(lines, "\n\t\t") + "\n\t}"
}

// signedIn is a browser with a session.
func signedIn(t testing.TB, c *harness.Caddy, address string) *harness.Browser {
	t.Helper()
	b := c.Browser(t)
	b.SignIn(t, c, "/", address, false)
	return b
}

// cookies is the Cookie line that a browser sends.
func cookies(t testing.TB, b *harness.Browser) string {
	t.Helper()
	var pairs []string
	held := b.Cookies(t)
	for _, name := range slices.Sorted(maps.Keys(held)) {
		pairs = append(pairs, name+"="+held[name])
	}
	return strings.Join(pairs, "; ")
}

// ask begins a check and has a code sent. It returns the code.
func ask(t testing.TB, c *harness.Caddy, b *harness.Browser, path, address string) string {
	t.Helper()
	if page := b.Open(t, path); page.Status != http.StatusUnauthorized {
		t.Fatalf("status before the check = %d, want 401:\n%s", page.Status, page.Text())
	}
	before := len(c.Mailbox.Codes(t, address))
	b.Submit(t, "email", url.Values{"email": {address}})
	return c.Mailbox.WaitCode(t, address, before+1).Code(t)
}

// enter submits a code.
func enter(t testing.TB, b *harness.Browser, code string) harness.Page {
	t.Helper()
	return b.Submit(t, "verify", url.Values{"code": {code}})
}

// notThis is a code that is not this one, a different one for each n.
func notThis(code string, n int) string {
	digits := []byte(code)
	digits[0] = '0' + (digits[0]-'0'+1+byte(n/10)%9)%10
	digits[1] = '0' + (digits[1]-'0'+byte(n%10))%10
	return string(digits)
}

// wantStatus fails when a page has another status.
func wantStatus(t testing.TB, what string, page harness.Page, want int) {
	t.Helper()
	if page.Status != want {
		t.Errorf("%s: status = %d, want %d:\n%s", what, page.Status, want, page.Text())
	}
}

// folded is a field name as CGI and its heirs hand it to an app.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		default:
			return '_'
		}
	}, name)
}

// asCGI are the values that an app behind CGI finds for a field.
func asCGI(seen harness.Seen, field string) (values []string) {
	for _, header := range []http.Header{seen.Header, seen.Trailer} {
		for name, lines := range header {
			if folded(name) == folded(field) {
				values = append(values, lines...)
			}
		}
	}
	return values
}

// spellings are a name with each of its hyphens written in each way.
func spellings(name string) []string {
	head, tail, found := strings.Cut(name, "-")
	if !found {
		return []string{name}
	}
	var all []string
	for _, rest := range spellings(tail) {
		for _, separator := range []string{"-", "_", "."} {
			all = append(all, head+separator+rest)
		}
	}
	return all
}
