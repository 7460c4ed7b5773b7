// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words_test

import (
	"errors"
	"html/template"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// open makes a catalogue from folder/file names and their contents, failing the
// test if it has faults.
func open(t testing.TB, files map[string]string) *words.Catalogue {
	t.Helper()
	c, err := words.Open(folders(files))
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return c
}

func folders(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

func english(t testing.TB, content string) *words.Lexicon {
	t.Helper()
	return open(t, map[string]string{"en/a.json": content}).For("")
}

func TestMessages(t *testing.T) {
	l := english(t, `{
		"plain": "Check your email",
		"odd": "Tom & <Jerry>",
		"named": "Sign in to {app}",
		"strong": "We sent it to **{address}**. Look for **7KQ**.",
		"tries": {"one": "One try left, {name}.", "other": "{count} tries left, {name}."}
	}`)
	tests := []struct {
		name string
		key  string
		args words.Args
		text string
		html template.HTML
	}{
		{"a constant is itself", "plain", nil, "Check your email", "Check your email"},
		{"a text's own signs are escaped in HTML only", "odd", nil, "Tom & <Jerry>", "Tom &amp; &lt;Jerry&gt;"},
		{"an argument is put in and escaped", "named", words.Args{"app": `<b>"&`}, `Sign in to <b>"&`, "Sign in to &lt;b&gt;&#34;&amp;"},
		{"HTML given as such is left alone", "named", words.Args{"app": template.HTML("<bdi>x</bdi>")}, "Sign in to <bdi>x</bdi>", "Sign in to <bdi>x</bdi>"},
		{
			"marks become strong round an argument too", "strong",
			words.Args{"address": "a&b@example.com"},
			"We sent it to a&b@example.com. Look for 7KQ.",
			"We sent it to <strong>a&amp;b@example.com</strong>. Look for <strong>7KQ</strong>.",
		},
		{"marks in an argument mean nothing", "named", words.Args{"app": "**x** {app}"}, "Sign in to **x** {app}", "Sign in to **x** {app}"},
		{"one is singular", "tries", words.Args{"count": 1, "name": "Ana"}, "One try left, Ana.", "One try left, Ana."},
		{"three is plural", "tries", words.Args{"count": 3, "name": "Ana"}, "3 tries left, Ana.", "3 tries left, Ana."},
		{"none is plural", "tries", words.Args{"count": int64(0), "name": "Ana"}, "0 tries left, Ana.", "0 tries left, Ana."},
		{"surplus arguments are ignored", "plain", words.Args{"x": 1}, "Check your email", "Check your email"},
		{"a missing argument yields the key", "named", nil, "named", "named"},
		{"a missing count yields the key", "tries", words.Args{"name": "Ana"}, "tries", "tries"},
		{"a missing key yields itself", "no<key>", nil, "no<key>", "no&lt;key&gt;"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := l.Text(tt.key, tt.args); got != tt.text {
				t.Errorf("Text = %q, want %q", got, tt.text)
			}
			if got := l.HTML(tt.key, tt.args); got != tt.html {
				t.Errorf("HTML = %q, want %q", got, tt.html)
			}
		})
	}
}

func TestPluralsFollowTheRulesOfTheLanguage(t *testing.T) {
	c := open(t, map[string]string{
		"en/a.json": `{"n": {"one": "one", "other": "other"}}`,
		"pl/a.json": `{"n": {"one": "one", "few": "few", "many": "many", "other": "other"}}`,
		"ja/a.json": `{"n": {"other": "other"}}`,
	})
	tests := []struct {
		lang  string
		count int
		want  string
	}{
		{"pl", 1, "one"},
		{"pl", 3, "few"},
		{"pl", 5, "many"},
		{"pl", 22, "few"},
		{"pl", 1_000_000_022, "few"},
		{"en", -1, "one"},
		{"ja", 1, "other"},
	}
	for _, tt := range tests {
		if got := c.For(tt.lang).Text("n", words.Args{"count": tt.count}); got != tt.want {
			t.Errorf("%s, %d = %q, want %q", tt.lang, tt.count, got, tt.want)
		}
	}
}

func TestOpenFindsEveryFault(t *testing.T) {
	tests := []struct {
		name    string
		content string
		want    error
	}{
		{"a brace left open", `{"k": "Hi {name"}`, words.ErrPlaceholder},
		{"a brace never opened", `{"k": "Hi name}"}`, words.ErrPlaceholder},
		{"a placeholder without a name", `{"k": "Hi {}"}`, words.ErrPlaceholder},
		{"a placeholder with a strange name", `{"k": "Hi {Na me}"}`, words.ErrPlaceholder},
		{"a mark without its partner", `{"k": "**Hi {name}"}`, words.ErrStrong},
		{"an unknown plural", `{"k": {"single": "a", "other": "b"}}`, words.ErrPlural},
		{"no plural for the rest", `{"k": {"one": "a"}}`, words.ErrPlural},
		{"no text", `{"k": " "}`, words.ErrEmpty},
		{"a key that stands twice", `{"k": "a", "k": "b"}`, words.ErrDuplicate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := words.Open(folders(map[string]string{"en/a.json": tt.content}))
			if !errors.Is(err, tt.want) {
				t.Errorf("Open = %v, want %v", err, tt.want)
			}
			if c.For("en").Text("missing", nil) != "missing" {
				t.Error("a faulty catalogue does not serve")
			}
		})
	}
	for _, content := range []string{"", "[]", `{"k": 1}`, `{"k": "a"`, "null"} {
		if _, err := words.Open(folders(map[string]string{"en/a.json": content})); err == nil {
			t.Errorf("Open accepts %q", content)
		}
	}
	if _, err := words.Open(fstest.MapFS{}); !errors.Is(err, words.ErrNoLanguage) {
		t.Errorf("Open of nothing = %v, want ErrNoLanguage", err)
	}
}

func TestAKeyMayNotStandInTwoFilesOfOneLanguage(t *testing.T) {
	_, err := words.Open(folders(map[string]string{"en/a.json": `{"k": "a"}`, "en/b.json": `{"k": "b"}`}))
	if !errors.Is(err, words.ErrDuplicate) {
		t.Errorf("Open = %v, want ErrDuplicate", err)
	}
}

func TestForChoosesALanguage(t *testing.T) {
	c := open(t, map[string]string{
		"ar/a.json": `{}`, "de/a.json": `{}`, "en/a.json": `{}`, "pt-BR/a.json": `{}`, "zh-Hans/a.json": `{}`,
	})
	long := strings.Repeat("x-nonsense,", 40)
	tests := []struct{ name, accept, lang, dir string }{
		{"nothing asked for", "", "en", "ltr"},
		{"a language that is here", "de", "de", "ltr"},
		{"a region of it", "de-AT,de;q=0.9,en;q=0.8", "de", "ltr"},
		{"the first that is here", "tlh, ar;q=0.5", "ar", "rtl"},
		{"weights decide", "en;q=0.1, de;q=0.9", "de", "ltr"},
		{"a region's script", "zh-CN", "zh-Hans", "ltr"},
		{"a sister region", "pt-PT", "pt-BR", "ltr"},
		{"one that nobody has", "tlh", "en", "ltr"},
		{"anything", "*", "en", "ltr"},
		{"malformed", "de;q=x,,;;", "en", "ltr"},
		{"bytes that are no text", "\xff\xfe\x00", "en", "ltr"},
		{"far too long, wish in front", "de," + long, "de", "ltr"},
		{"far too long, wish behind", long + "de", "en", "ltr"},
		{"far too long without a comma", strings.Repeat("a-", 100_000), "en", "ltr"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := c.For(tt.accept)
			if l.Lang() != tt.lang || l.Dir() != tt.dir || l.Tag().String() != tt.lang {
				t.Errorf("For = %s %s (%s), want %s %s", l.Lang(), l.Dir(), l.Tag(), tt.lang, tt.dir)
			}
		})
	}
}

func TestPlaceholdersAndKeysAreListedInOrder(t *testing.T) {
	l := english(t, `{"z": "{b} {a} {b}", "a": {"other": "few {x}"}}`)
	if got, want := l.Keys(), []string{"a", "z"}; !slices.Equal(got, want) {
		t.Errorf("Keys = %v, want %v", got, want)
	}
	if got, want := l.Placeholders("z"), []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("Placeholders = %v, want %v", got, want)
	}
	if got, want := l.Placeholders("a"), []string{"count", "x"}; !slices.Equal(got, want) {
		t.Errorf("Placeholders = %v, want %v", got, want)
	}
	if l.Placeholders("none") != nil || l.Has("none") || !l.Has("z") {
		t.Error("an unknown key is known")
	}
}

// A count that goes down by the second must not push its unit to the next line, as on
// buttons in Ukrainian.
func TestNoLineEndsBetweenSecondsAndTheirUnit(t *testing.T) {
	for _, lang := range words.Languages() {
		lex, _ := words.Standard().In(lang)
		for _, key := range lex.Keys() {
			if lex.Has(key) && strings.Contains(lex.Text(key, words.Args{"seconds": "{seconds}"}), "{seconds} ") {
				t.Errorf("%s: a line of %s can end before the unit", lang, key)
			}
		}
	}
}
