// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// TestEveryLanguageIsComplete names, for each fault, the language, the key and
// what is wrong with it.
func TestEveryLanguageIsComplete(t *testing.T) {
	for _, lang := range words.Languages() {
		t.Run(lang, func(t *testing.T) {
			c, err := words.Standard().Only([]string{"en", lang}, "en")
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Check(); err != nil {
				t.Error(err)
			}
			if l := words.For(lang); l.Lang() != lang || len(l.Keys()) == 0 {
				t.Errorf("For(%q) is %s with %d texts", lang, l.Lang(), len(l.Keys()))
			}
		})
	}
}

func TestCheckFindsWhatIsWrongWithATranslation(t *testing.T) {
	const english = `{
		"k": "Hello **{name}**, and welcome",
		"n": {"one": "an hour", "other": "{count} hours"},
		"code.button": "Go",
		"mail.sender": "The sender of {app}"
	}`
	const polish = `{"one": "godzina", "few": "{count} godziny", "many": "{count} godzin", "other": "{count} godziny"}`
	text := func(k, n, button, mail string) string {
		return `{"k": "` + k + `", "n": ` + n + `, "code.button": "` + button + `", "mail.sender": "` + mail + `"}`
	}
	const k, mail = "Witaj, **{name}**", "Nadawca {app}"
	tests := []struct {
		name, file string
		want       error
	}{
		{"all is well", text(k, polish, "Dalej", mail), nil},
		{"a key is missing", `{"k": "Witaj, **{name}**", "n": ` + polish + `, "code.button": "Dalej"}`, words.ErrIncomplete},
		{"a key is too many", strings.Replace(text(k, polish, "Dalej", mail), "{", `{"x": "y", `, 1), words.ErrUnknownKey},
		{"another placeholder", text("Witaj, **{imie}**", polish, "Dalej", mail), words.ErrPlaceholder},
		{"a placeholder missing in one plural", text(k, strings.Replace(polish, "{count} godzin\"", "godzin\"", 1), "Dalej", mail), words.ErrPlaceholder},
		{"a plural missing", text(k, `{"one": "godzina", "few": "{count} godziny", "other": "{count} godzin"}`, "Dalej", mail), words.ErrPlural},
		{"a plural too many", text(k, strings.Replace(polish, "{", `{"two": "{count} godziny", `, 1), "Dalej", mail), words.ErrPlural},
		{"one text for all plurals", text(k, `"{count} godz."`, "Dalej", mail), words.ErrPlural},
		{"nothing strong", text("Witaj, {name}", polish, "Dalej", mail), words.ErrMarks},
		{"something else strong", text("**Witaj**, {name}", polish, "Dalej", mail), words.ErrMarks},
		{"a button too long", text(k, polish, "Kontynuuj tutaj teraz", mail), words.ErrLong},
		{"a button as long as fits", text(k, polish, strings.Repeat("x", 18), mail), nil},
		{"an English sentence", text("Hello **{name}**, and welcome", polish, "Dalej", mail), words.ErrUntranslated},
		{"an English word", text(k, polish, "Go", mail), nil},
		{"a character that turns text round", text("Witaj, **{name}**\u202e", polish, "Dalej", mail), words.ErrUnreadable},
		{"a control character", text(`Witaj,\u0007 **{name}**`, polish, "Dalej", mail), words.ErrUnreadable},
		{"a year in a mail", text(k, polish, "Dalej", "Nadawca {app} 2026"), words.ErrUnreadable},
		{"a year on a page", text("Witaj, **{name}** 2026", polish, "Dalej", mail), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := open(t, map[string]string{"en/a.json": english, "pl/a.json": tt.file})
			err := c.Check()
			if !errors.Is(err, tt.want) {
				t.Errorf("Check = %v, want %v", err, tt.want)
			}
			if tt.want != nil && err != nil && !strings.HasPrefix(err.Error(), "pl: ") {
				t.Errorf("Check = %v, which does not name the language", err)
			}
		})
	}
}

// TestCheckKnowsWhichPluralsSayTheNumber: the Ukrainian form for one is also that
// for 21, so that "a day" would say too little.
func TestCheckKnowsWhichPluralsSayTheNumber(t *testing.T) {
	const english = `{"n": {"one": "a day", "other": "{count} days"}}`
	tests := []struct {
		lang, forms string
		fine        bool
	}{
		{"de", `{"one": "einen Tag", "other": "{count} Tage"}`, true},
		{"fr", `{"one": "un jour", "other": "{count} jours"}`, true},
		{"uk", `{"one": "день", "few": "{count} дні", "many": "{count} днів", "other": "{count} дня"}`, false},
		{"uk", `{"one": "{count} день", "few": "{count} дні", "many": "{count} днів", "other": "{count} дня"}`, true},
		{"ar", `{"zero": "بلا أيام", "one": "يوم", "two": "يومان", "few": "{count} أيام", "many": "{count} يومًا", "other": "{count} يوم"}`, true},
		{"ar", `{"zero": "بلا أيام", "one": "يوم", "two": "يومان", "few": "أيام", "many": "{count} يومًا", "other": "{count} يوم"}`, false},
		{"ja", `{"other": "{count}日"}`, true},
		{"ja", `{"other": "日"}`, false},
		{"ja", `{"one": "一日", "other": "{count}日"}`, false},
		{"zh-CN", `{"other": "{count} 天"}`, true},
	}
	for _, tt := range tests {
		c := open(t, map[string]string{"en/a.json": english, tt.lang + "/a.json": `{"n": ` + tt.forms + `}`})
		if err := c.Check(); (err == nil) != tt.fine {
			t.Errorf("%s: %s: Check = %v", tt.lang, tt.forms, err)
		}
	}
}

func TestCheckLetsFewTextsBeAsInEnglish(t *testing.T) {
	file := func(n int) string {
		var b strings.Builder
		b.WriteString(`{"z": "{label}: {link}"`)
		for i := range n {
			b.WriteString(`, "k` + strings.Repeat("x", i) + `": "Name"`)
		}
		return b.String() + "}"
	}
	for n, want := range map[int]error{30: nil, 31: words.ErrUntranslated} {
		c := open(t, map[string]string{"en/a.json": file(n), "de/a.json": file(n)})
		if err := c.Check(); !errors.Is(err, want) {
			t.Errorf("%d texts: Check = %v, want %v", n, err, want)
		}
	}
}
