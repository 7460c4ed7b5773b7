// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
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

// FuzzPlaces fills the pages of places, held forms and stops with anything: they
// have the elements of any such page, and nothing that runs.
func FuzzPlaces(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, "PT", text, 20, uint8(pages.ReasonNewPlace))
	}
	f.Add("Lisbon", "\xff", "javascript:alert(1)", -1, uint8(0))
	r, err := pages.New(pages.LookOptions{Name: "Example"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, city, country, text string, radius int, reason uint8) {
		spot := words.Spot{City: city, Country: country, Radius: radius}
		details := pages.StopDetails{Browser: text, Near: spot, Network: text, Credit: text}
		every := []pages.Page{
			pages.Code{Confirm: true, Address: text, GoBack: text, Reason: pages.Reason(reason), Near: spot, Credit: text, Held: text, Ref: text},
			pages.Code{
				Way: pages.Way(reason % 6), For: pages.Purpose(radius), Offers: everyWay, Trouble: pages.Trouble(reason % 17),
				Address: text, Typed: text, Flow: text, Ref: text, SignedOut: true,
			},
			pages.Email{Held: text, SignedOut: true},
			pages.Send{Held: text},
			pages.NoCountry{Country: country},
			pages.Stop{Action: text, Nonce: text, Keep: text, Asked: details},
			pages.Stopped{Undo: text, Nonce: text},
			pages.Restored{Home: text},
			pages.StopOver{Home: text},
			pages.SendForm{Action: text, Path: text, Discard: text},
		}
		for _, page := range every {
			doc := parse(t, render(t, r, page))
			_, runs := page.(pages.Check)
			if len(doc.all("h1")) != 1 || len(doc.all("main")) != 1 || len(doc.all("script")) > 0 != runs || len(doc.all("img")) > 0 {
				t.Errorf("%T has other elements: %v", page, doc.elements)
			}
			for _, e := range doc.elements {
				if target := strings.ToLower(e.attrs["href"] + e.attrs["action"]); strings.HasPrefix(target, "javascript:") {
					t.Errorf("%T: %v runs a script", page, e)
				}
			}
		}
	})
}

// FuzzSendForm checks that whatever a browser can send reaches it unchanged.
func FuzzSendForm(f *testing.F) {
	for _, text := range hostile {
		f.Add("name", text)
		f.Add(text, "value")
		f.Add("_charset_", text)
	}
	r, err := pages.New(pages.LookOptions{Name: "Example"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		fields := []pages.Field{{Name: name, Value: value}, {Name: "last", Value: "x"}}
		body := render(t, r, pages.SendForm{Action: "/", Fields: fields})
		if got := fieldsOf(t, body); fields[0].Exact() && !slices.Equal(got, fields) {
			t.Errorf("fields are %q, want %q", got, fields)
		}
		if doc := parse(t, body); len(doc.all("form")) != 1 || len(doc.all("button")) != 1 {
			t.Errorf("page has other elements: %v", doc.elements)
		}
	})
}

// FuzzTemplates checks that a template either renders every screen as it has to be, or is
// refused.
func FuzzTemplates(f *testing.F) {
	f.Add(`{{template "top" .}}<body>{{template "brand" .}}<main><h1>{{.Heading}}</h1></main>{{template "bottom" .}}`)
	f.Add(`{{define "top"}}{{end}}`)
	f.Add(`<script>{{.Body}}`)
	f.Fuzz(func(t *testing.T, source string) {
		if set, err := pages.ReadTemplates(fstest.MapFS{"plain.html": {Data: []byte(source)}}); (set == nil) == (err == nil) {
			t.Errorf("%q = %v, %v", source, set, err)
		}
	})
}

// FuzzCSS checks that a style that is taken stays inside its element.
func FuzzCSS(f *testing.F) {
	for _, s := range []string{"p{}", "</style", "url(", "@import", "\x00", "url(\"data:image/png,x\")"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, css string) {
		if pages.CheckCSS(css) == nil && (strings.Contains(strings.ToLower(css), "</style") || len(css) > pages.MaxCSS) {
			t.Errorf("CheckCSS takes %q", css)
		}
	})
}

// FuzzPages fills each page with anything, wherever it has a text.
func FuzzPages(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Add("\x00+&#43;'\"<b>")
	all := looks(f)
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range screens() {
			compare(t, all[len(text)%len(all)], english(), filled(s.page, text))
		}
	})
}
