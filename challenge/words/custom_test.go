// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

func TestAnOperatorsTextsReplaceOurs(t *testing.T) {
	c, err := words.Custom(folders(map[string]string{
		"en/own.json":          `{"code.button": "Let me in"}`,
		"en/more.json":         `{"code.wrong": {"one": "No ({ref}, {count}).", "other": "Nope ({ref}, {count})."}}`,
		"code.html":            "a template",
		"..2026_data/own.json": `{"nothing": "of ours"}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	l := c.For("en-GB")
	if got := l.Text("code.button", nil); got != "Let me in" {
		t.Errorf("the button is %q", got)
	}
	if got := l.Text("code.wrong", words.Args{"count": 2, "ref": "7KQ"}); got != "Nope (7KQ, 2)." {
		t.Errorf("the error is %q", got)
	}
	standard := words.For("en")
	if got := l.Text("code.heading", nil); got != standard.Text("code.heading", nil) {
		t.Errorf("a text that was not replaced is %q", got)
	}
	if standard.Text("code.button", nil) == "Let me in" {
		t.Error("the built-in texts changed, too")
	}
	if !slices.Equal(c.Languages(), words.Languages()) {
		t.Errorf("the languages are %v", c.Languages())
	}
}

func TestAnOperatorsTextsHaveToFit(t *testing.T) {
	tests := []struct {
		name, file, content string
		want                error
	}{
		{"an unknown key", "en/a.json", `{"code.buton": "x"}`, words.ErrUnknownKey},
		{"another placeholder", "en/a.json", `{"email.heading": "Enter {name}"}`, words.ErrPlaceholder},
		{"a placeholder missing", "en/a.json", `{"email.heading": "Sign in"}`, words.ErrPlaceholder},
		{"a brace left open", "en/a.json", `{"email.heading": "Sign in to {app"}`, words.ErrPlaceholder},
		{"a plural missing", "en/a.json", `{"code.wrong": {"other": "No ({ref}, {count})."}}`, words.ErrPlural},
		{"no plurals", "en/a.json", `{"code.wrong": "No ({ref}, {count})."}`, words.ErrPlural},
		{"plurals where there are none", "en/a.json", `{"code.button": {"one": "Go", "other": "Go"}}`, words.ErrPlural},
		{"a character that turns text round", "en/a.json", "{\"code.button\": \"oG\u202e\"}", words.ErrUnreadable},
		{"a key that stands twice", "en/a.json", `{"code.button": "a", "code.button": "b"}`, words.ErrDuplicate},
		{"a language that lacks texts", "tlh/a.json", `{"code.button": "yIjaH"}`, words.ErrIncomplete},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := words.Custom(folders(map[string]string{tt.file: tt.content}))
			if !errors.Is(err, tt.want) {
				t.Fatalf("Custom = %v, want %v", err, tt.want)
			}
			where := tt.file
			if errors.Is(tt.want, words.ErrIncomplete) {
				where = "tlh is no built-in language and needs every text: account."
			}
			if !strings.Contains(err.Error(), where) {
				t.Errorf("Custom = %v, which does not say where", err)
			}
		})
	}
	for name, content := range map[string]string{"no language/a.json": "{}", "en/a.json": "{", "en/b.json": "[]"} {
		if _, err := words.Custom(folders(map[string]string{name: content})); err == nil {
			t.Errorf("Custom takes %s with %s", name, content)
		}
	}
}

func TestAnOperatorMayAddALanguage(t *testing.T) {
	texts := map[string]any{}
	english := words.For("en")
	for _, key := range english.Keys() {
		var args strings.Builder
		for _, name := range english.Placeholders(key) {
			args.WriteString(" {" + name + "}")
		}
		texts[key] = "x" + args.String()
		if english.Plurals(key) {
			texts[key] = map[string]string{"one": "x" + args.String(), "other": "y" + args.String()}
		}
	}
	content, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	c, err := words.Custom(fstest.MapFS{"eo/all.json": {Data: content}})
	if err != nil {
		t.Fatal(err)
	}
	if l := c.For("eo,en"); l.Lang() != "eo" || l.Text("code.heading", nil) != "x" {
		t.Errorf("For chose %s: %q", l.Lang(), l.Text("code.heading", nil))
	}
}

func TestAFolderWithoutTextsChangesNothing(t *testing.T) {
	c, err := words.Custom(folders(map[string]string{"code.html": "a template"}))
	if err != nil || !slices.Equal(c.Languages(), words.Languages()) {
		t.Errorf("Custom = %v, %v", c.Languages(), err)
	}
}

// The languages are those of the site, whatever the texts over them know.
func TestTextsOverOthersKeepTheirLanguages(t *testing.T) {
	read := func(files map[string]string) *words.Catalogue {
		c, err := words.Custom(folders(files))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	site, err := read(map[string]string{
		"de/a.json": `{"code.button": "Los", "mail_down.again": "Nochmal"}`, "en/a.json": `{"code.button": "Go"}`,
	}).Only([]string{"de", "en"}, "de")
	if err != nil {
		t.Fatal(err)
	}
	c := read(map[string]string{"de/b.json": `{"code.button": "Weiter"}`, "fr/b.json": `{"code.button": "Allez"}`}).Over(site)
	if !slices.Equal(c.Languages(), []string{"de", "en"}) || c.For("fr").Lang() != "de" {
		t.Errorf("the languages are %v, and French is %s", c.Languages(), c.For("fr").Lang())
	}
	for _, tt := range []struct{ asked, key, want string }{
		{"de", "code.button", "Weiter"},
		{"de", "mail_down.again", "Nochmal"},
		{"en", "code.button", "Go"},
		{"en", "code.heading", words.For("en").Text("code.heading", nil)},
	} {
		if got := c.For(tt.asked).Text(tt.key, nil); got != tt.want {
			t.Errorf("%s in %s is %q, want %q", tt.key, tt.asked, got, tt.want)
		}
	}
	if got := site.For("de").Text("code.button", nil); got != "Los" {
		t.Errorf("the site's own text became %q", got)
	}
}
