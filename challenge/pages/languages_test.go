// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/net/html"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// around is where pages stand at a gate with several languages.
var around = pages.Surroundings{LanguageURL: endpoints + "language"}

// imprinted has all links that a footer can have.
func imprinted(t testing.TB) *pages.Renderer {
	return renderer(t, func(o *pages.LookOptions) { o.Imprint = "https://example.com/imprint" })
}

func renderAround(t testing.TB, r *pages.Renderer, lex *words.Lexicon, page pages.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.RenderIn(&b, lex, page, around); err != nil {
		t.Fatalf("RenderIn: %v", err)
	}
	return b.String()
}

// TestEveryScreenIsWholeInEveryLanguage leaves room for a sealed value of 300 bytes. A
// held form is as large as its person made it. Account pages have lists.
func TestEveryScreenIsWholeInEveryLanguage(t *testing.T) {
	r := imprinted(t)
	for _, lang := range words.Languages() {
		t.Run(lang, func(t *testing.T) {
			lex, _ := words.Standard().In(lang)
			for _, s := range append(screens(), largest()...) {
				page := renderAround(t, r, lex, s.page)
				size := len(page) + strings.Count(page, flow)*(300-len(flow)) - strings.Count(page, held)*len(held)
				most := 10 << 10
				if ofAccount(s.page) {
					most = 28 << 10
				}
				if size > most {
					t.Errorf("%s has %d bytes", s.name, size)
				}
				if root := parse(t, page).all("html")[0]; root.attrs["lang"] != lang || root.attrs["dir"] != words.Dir(lang) {
					t.Errorf("%s: html has %v", s.name, root.attrs)
				}
				shown := inlined.ReplaceAllString(page, "")
				shown = strings.NewReplacer("{time}", "", "{seconds}", "", "{title}", "").Replace(shown)
				if strings.ContainsAny(shown, "{}") || strings.Contains(shown, "**") {
					t.Errorf("%s shows a placeholder:\n%s", s.name, shown)
				}
				for _, text := range textsOf(t, page) {
					if lex.Has(text) {
						t.Errorf("%s shows the key %s", s.name, text)
					}
				}
			}
		})
	}
}

// spoken are the attributes that are read, or read out.
var spoken = []string{
	"aria-label", "alt", "title", "placeholder",
	"data-in", "data-now", "data-new", "data-expired", "data-busy", "data-done", "data-text", "data-error", "data-label",
}

// textsOf are the texts of a page that are read or read out, but for values, which
// stand in elements of their own.
func textsOf(t testing.TB, page string) (texts []string) {
	t.Helper()
	values := 0
	page = strings.NewReplacer("<noscript>", "", "</noscript>", "").Replace(inlined.ReplaceAllString(page, ""))
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return texts
		}
		token := z.Token()
		value := slices.Contains([]string{"bdi", "code", "pre", "option", "small", "textarea"}, token.Data)
		switch {
		case kind == html.TextToken && values == 0:
			texts = append(texts, strings.TrimSpace(token.Data))
		case kind == html.EndTagToken && value:
			values--
		case kind == html.StartTagToken && value:
			values++
		}
		for _, a := range token.Attr {
			if slices.Contains(spoken, a.Key) {
				texts = append(texts, a.Val)
			}
		}
	}
}

// disguised is the English catalogue with each letter as another one, as if it were
// another language.
func disguised(t testing.TB) *words.Lexicon {
	t.Helper()
	names, err := filepath.Glob("../words/en/*.json")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var texts map[string]any
		if err := json.Unmarshal(content, &texts); err != nil {
			t.Fatal(err)
		}
		for key, text := range texts {
			texts[key] = disguise(text)
		}
		encoded, err := json.Marshal(texts)
		if err != nil {
			t.Fatal(err)
		}
		files["uk/"+filepath.Base(name)] = &fstest.MapFile{Data: encoded}
	}
	c, err := words.Open(files)
	if err != nil {
		t.Fatal(err)
	}
	return c.For("uk")
}

var letters = regexp.MustCompile(`\{\w+\}|[A-Za-z]`)

func disguise(text any) any {
	switch text := text.(type) {
	case string:
		return letters.ReplaceAllStringFunc(text, func(s string) string {
			if len(s) > 1 {
				return s
			}
			return "ж"
		})
	case map[string]any:
		for category, form := range text {
			text[category] = disguise(form)
		}
	}
	return text
}

// given are words that no catalogue holds: placeholders, and the values of samples that
// stand in the midst of a sentence.
var given = regexp.MustCompile(`\{\w+\}|https?://\S+|[\w.@/-]*(?:example\.\w+|\.doorcode|gmail\.com)[\w./-]*|Example|` +
	`\b(?:Firefox|Safari|Chrome|Edge|Windows|macOS|Linux|Android)\b|Kitchen tablet|Backup|English|Deutsch|português|Caddy|UTF-8|(?:Europe|Pacific)/\w+|\b(?:UTC|WEST?)\b`)

// TestEveryTextOfAPageIsInTheCatalogue finds English that stands in a template or in a
// source: it stays English in every language.
func TestEveryTextOfAPageIsInTheCatalogue(t *testing.T) {
	r, lex := imprinted(t), disguised(t)
	word := regexp.MustCompile(`[A-Za-z]{3,}`)
	for _, s := range screens() {
		for _, text := range textsOf(t, renderAround(t, r, lex, s.page)) {
			if found := word.FindString(given.ReplaceAllString(text, "")); found != "" {
				t.Errorf("%s says %q in every language: %q", s.name, found, text)
			}
		}
	}
}

// TestEveryButtonIsKnownAsOne: what stands on a button has to be short in every
// language, so the list of those keys has to have all of them.
func TestEveryButtonIsKnownAsOne(t *testing.T) {
	c, err := words.Open(fstest.MapFS{"en/a.json": {Data: []byte(`{}`)}})
	if err != nil {
		t.Fatal(err)
	}
	r, keys := renderer(t, nil), c.For("en") // each text is its own key
	for _, s := range screens() {
		for _, key := range buttonsOf(t, renderAround(t, r, keys, s.page)) {
			if english().Has(key) && !words.IsButton(key) {
				t.Errorf("%s: %s stands on a button", s.name, key)
			}
		}
	}
}

// buttonsOf are the texts of buttons, and of links that look like one.
func buttonsOf(t testing.TB, page string) (texts []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		link := n.Data == "a" && slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "class" && strings.Contains(a.Val, "button") })
		if n.Type != html.ElementNode || n.Data != "button" && !link {
			continue
		}
		for inside := range n.ChildNodes() {
			if inside.Type == html.TextNode && strings.TrimSpace(inside.Data) != "" {
				texts = append(texts, strings.TrimSpace(inside.Data))
			}
		}
		for _, a := range n.Attr {
			if slices.Contains([]string{"data-busy", "data-new", "data-done"}, a.Key) {
				texts = append(texts, a.Val)
			}
		}
	}
	return texts
}
