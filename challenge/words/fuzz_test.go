// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

func FuzzFor(f *testing.F) {
	for _, s := range []string{"", "de-AT,de;q=0.9,en;q=0.8", "*", "a-b-c-d;q=1", "zh-Hant-TW-u-co-stroke", "\x00,\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		if l := words.For(accept); l == nil || l.Lang() == "" {
			t.Errorf("For(%q) chose nothing", accept)
		}
	})
}

// FuzzMessage checks what the escaping rests on: whatever a message and its
// argument are, the HTML has no tag but <strong>, and as many closed as opened.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{"Hi {name}", "**{name}** & <b>", "{", "}{", "****", "** {name} ** x **y**", "{name}{name}"} {
		f.Add(s, "<script>")
	}
	f.Fuzz(func(t *testing.T, message, value string) {
		encoded, err := json.Marshal(map[string]string{"k": message})
		if err != nil {
			t.Fatal(err)
		}
		c, err := words.Open(folders(map[string]string{"en/a.json": string(encoded)}))
		l := c.For("")
		got := string(l.HTML("k", words.Args{"name": value}))
		if err != nil && got != "k" {
			t.Errorf("%q has a fault and renders as %q", message, got)
		}
		if value != "" && l.Text("k", words.Args{"name": value}) == "" {
			t.Errorf("%q renders as nothing", message)
		}
		opened, closed := strings.Count(got, "<strong>"), strings.Count(got, "</strong>")
		if opened != closed || strings.Count(got, "<") != opened+closed {
			t.Errorf("%q renders as %q", message, got)
		}
	})
}

// FuzzNear checks what mails and pages rest on: whatever a database holds, a
// place is one line, and its HTML has no tag but one <bdi>.
func FuzzNear(f *testing.F) {
	f.Add("Lisbon", "PT", 20, false)
	f.Add("<b>\r\n\u202e\xff", "Z\x00", 0, false)
	f.Add("{country}", "001", -1, true)
	f.Fuzz(func(t *testing.T, city, country string, radius int, private bool) {
		spot := words.Spot{City: city, Country: country, Radius: radius, Private: private}
		l := words.For("en")
		text, html := l.Near(spot), string(l.NearHTML(spot))
		if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || strings.ContainsAny(text, "\u202e\u2028\u2066") {
			t.Errorf("Near(%+v) = %q", spot, text)
		}
		if (text == "") != (html == "") || utf8.RuneCountInString(text) > 250 {
			t.Errorf("Near(%+v) = %q, as HTML %q", spot, text, html)
		}
		inside := strings.NewReplacer("<bdi>", "", "</bdi>", "").Replace(html)
		if strings.ContainsAny(inside, "<>") || strings.Count(html, "<bdi>") > 1 {
			t.Errorf("NearHTML(%+v) = %q", spot, html)
		}
	})
}

// FuzzCustom checks what pages rest on: whatever an operator's file holds, it is either
// refused, or no page shows a placeholder or a key in place of a text.
func FuzzCustom(f *testing.F) {
	for _, s := range []string{
		`{"code.button": "Let me in"}`, `{"email.heading": "Enter {app}"}`, `{"email.heading": "{"}`, `[]`, "{\"code.button\": \"\u202e\"}",
		`{"code.wrong": {"one": "{ref} {count}", "other": "{ref} {count}"}}`, `{"code.wrong": {"other": ""}}`, `{"x": "y"}`,
	} {
		f.Add(s)
	}
	args := words.Args{"app": "Example", "ref": "7KQ", "count": 2}
	f.Fuzz(func(t *testing.T, content string) {
		c, err := words.Custom(folders(map[string]string{"en/own.json": content}))
		if err != nil {
			return
		}
		for _, key := range []string{"email.heading", "code.wrong"} { // which need an argument
			if got := c.For("en").Text(key, args); got == key || strings.ContainsAny(got, "\x00\u202e") || strings.TrimSpace(got) == "" {
				t.Errorf("%q: %s renders as %q", content, key, got)
			}
		}
	})
}
