// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tokens_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/spelling"
	"github.com/doorcode/caddy-doorcode/challenge/tokens"
)

// FuzzParse looks for a second spelling of a token, and for a fault.
func FuzzParse(f *testing.F) {
	text := tokens.New(person, check).Reveal()
	f.Add(text)
	f.Add(text[:30] + "\r\n" + text[32:])
	f.Add(tokens.Prefix + strings.Repeat("=", tokens.Length-4))
	f.Fuzz(func(t *testing.T, text string) {
		if read, err := tokens.Parse(text, check); err == nil && read.Reveal() != text {
			t.Errorf("%q is a token, but not as it is written", text)
		}
	})
}

// FuzzScope looks for a path with a reading outside of the scope that covers it.
func FuzzScope(f *testing.F) {
	f.Add("/repo", "/repo/..%2fadmin")
	f.Add("/Team/a b", "/Team/a%20b/%2e%2e/x")
	f.Fuzz(func(t *testing.T, typed, path string) {
		prefix, ok := tokens.CleanPath(typed)
		if !ok {
			return
		}
		own := (&url.URL{Path: prefix}).EscapedPath()
		scope := tokens.Scope{Host: host, Path: prefix}
		if !scope.Covers(tokens.Request{Host: host, Path: own, Method: "GET"}) {
			t.Errorf("%q does not cover itself", prefix)
		}
		if prefix == "/" || !scope.Covers(tokens.Request{Host: host, Path: path, Method: "GET"}) {
			return
		}
		for _, form := range spelling.Fold(path) {
			if !strings.HasPrefix(strings.ToLower(form), strings.ToLower(prefix)) {
				t.Errorf("%q covers %q, which some app reads as %q", prefix, path, form)
			}
		}
	})
}
