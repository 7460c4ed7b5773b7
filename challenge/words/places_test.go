// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words_test

import (
	"html/template"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

func TestNear(t *testing.T) {
	l := words.For("en")
	tests := []struct {
		name string
		spot words.Spot
		text string
		html template.HTML
	}{
		{"nothing known", words.Spot{}, "", ""},
		{
			"a city",
			words.Spot{City: "Lisbon", Country: "PT", Radius: 20},
			"near Lisbon, Portugal", "near <bdi>Lisbon</bdi>, Portugal",
		},
		{"a city at the limit", words.Spot{City: "Lisbon", Country: "PT", Radius: 200}, "near Lisbon, Portugal", "near <bdi>Lisbon</bdi>, Portugal"},
		{"a city beyond it", words.Spot{City: "Lisbon", Country: "PT", Radius: 201}, "Portugal", "Portugal"},
		{"a country", words.Spot{Country: "BT", Radius: 534}, "Bhutan", "Bhutan"},
		{"a city without a country", words.Spot{City: "Porto"}, "near Porto", "near <bdi>Porto</bdi>"},
		{"a city too far without a country", words.Spot{City: "Porto", Radius: 500}, "", ""},
		{"a country without a name", words.Spot{City: "Here", Country: "XX"}, "near Here, XX", "near <bdi>Here</bdi>, XX"},
		{"a private network", words.Spot{Private: true}, "a private network", "a private network"},
		{"a private network that a database knows better", words.Spot{Private: true, City: "Lisbon", Country: "PT"}, "a private network", "a private network"},
		{
			"a city that is markup",
			words.Spot{City: "<b>&{country}", Country: "PT"},
			"near <b>&{country}, Portugal", "near <bdi>&lt;b&gt;&amp;{country}</bdi>, Portugal",
		},
		{
			"a city on several lines",
			words.Spot{City: " Sankt\r\nGallen\t", Country: "CH"},
			"near Sankt Gallen, Switzerland", "near <bdi>Sankt Gallen</bdi>, Switzerland",
		},
		{"a city that turns text round", words.Spot{City: "\u202eotroP\u2066\x00\xff", Country: "PT"}, "near otroP, Portugal", "near <bdi>otroP</bdi>, Portugal"},
		{"a city of nothing readable", words.Spot{City: "\u202e \x00", Country: "PT"}, "Portugal", "Portugal"},
		{"a city that is too long", words.Spot{City: strings.Repeat("é", 61)}, "near " + strings.Repeat("é", 60), template.HTML("near <bdi>" + strings.Repeat("é", 60) + "</bdi>")},
		{"a country that is markup", words.Spot{Country: "<b>\n"}, "<b>", "&lt;b&gt;"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := l.Near(tt.spot); got != tt.text {
				t.Errorf("Near = %q, want %q", got, tt.text)
			}
			if got := l.NearHTML(tt.spot); got != tt.html {
				t.Errorf("NearHTML = %q, want %q", got, tt.html)
			}
		})
	}
}

func TestCountriesHaveTheNamesOfTheLanguage(t *testing.T) {
	c := open(t, map[string]string{"en/a.json": `{}`, "de/a.json": `{}`, "ar/a.json": `{}`})
	tests := []struct{ lang, code, want string }{
		{"en", "PT", "Portugal"},
		{"en", "pt", "Portugal"},
		{"en", "CH", "Switzerland"},
		{"de", "CH", "Schweiz"},
		{"ar", "PT", "البرتغال"},
		{"en", "XK", "Kosovo"},
		{"en", "EU", "European Union"},
		{"en", "ZZ", "ZZ"},
		{"en", "XX", "XX"},
		{"en", "A1", "A1"},
		{"en", "", ""},
		{"en", "x\r\ny", "x y"},
	}
	for _, tt := range tests {
		if got := c.For(tt.lang).Country(tt.code); got != tt.want {
			t.Errorf("%s: Country(%q) = %q, want %q", tt.lang, tt.code, got, tt.want)
		}
	}
}
