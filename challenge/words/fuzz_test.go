// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words_test

import (
	"encoding/json"
	"strings"
	"testing"

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
