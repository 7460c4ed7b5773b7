// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

func FuzzSuggest(f *testing.F) {
	for _, s := range []string{"ana@gmial.com", "a@b.con", "@", "a@@gmial.com", "a@.con", "\xff@gmial.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		better, ok := pages.Suggest(address)
		if !ok {
			return
		}
		at := strings.LastIndexByte(address, '@')
		if !strings.HasPrefix(better, address[:at+1]) || better == address {
			t.Errorf("Suggest(%q) = %q", address, better)
		}
		if again, ok := pages.Suggest(better); ok {
			t.Errorf("%q is suggested for %q, and %q for that", better, address, again)
		}
	})
}

func FuzzParseColor(f *testing.F) {
	for _, s := range []string{"0b5fff", "#fff", "teal", "", "##", "é00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := pages.ParseColor(s)
		if err != nil {
			return
		}
		if again, err := pages.ParseColor(c.String()); err != nil || again != c {
			t.Errorf("ParseColor(%q) = %s, which is read as %s, %v", s, c, again, err)
		}
	})
}

// FuzzLook takes an operator's settings: whatever New accepts can be rendered,
// and is the same page.
func FuzzLook(f *testing.F) {
	f.Add("Example", "mailto:help@example.com", "https://example.com", []byte("GIF89a"))
	f.Add("<b>", "https://[::1]/%zz", "https://x\"y", []byte("<svg>"))
	f.Fuzz(func(t *testing.T, name, support, privacy string, logo []byte) {
		uri, err := pages.LogoURI(logo)
		if err != nil {
			uri = ""
		}
		r, err := pages.New(pages.LookOptions{Name: name, Support: support, Privacy: privacy, Logo: uri})
		if err != nil {
			return
		}
		doc := parse(t, render(t, r, pages.NoAccess{Address: "ana@example.com"}))
		if len(doc.all("h1")) != 1 || len(doc.all("script")) != 0 || len(doc.all("img")) > 1 {
			t.Errorf("page has other elements: %v", doc.elements)
		}
	})
}
