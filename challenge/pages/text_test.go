// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// hostile is text that breaks out of something, if anything lets it.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus='alert(1)`,
	`</title><script>alert(1)</script>`, `</style><svg onload=alert(1)>`, `javascript:alert(1)`,
	`JaVaScRiPt:alert(1)`, "java\tscript:alert(1)", `data:text/html,<script>alert(1)</script>`,
	`{{.}}`, `{app}`, `**x**`, `<!--`, `-->`, `]]>`, "\x00", "\xff\xfe", "\u202e", "\u2028", "a\r\nb",
	`x" formaction="javascript:alert(1)`, `</form><form action=//evil.example>`, `&lt;b&gt;`, "`${alert(1)}`",
	`<base href=//evil.example>`, `x onmouseover=alert(1)`, `<meta http-equiv=refresh content=0;url=//evil.example>`,
	strings.Repeat("A", 1000), strings.Repeat("<", 100),
}

// TestWEB04EveryFieldIsEscaped fills every text of every page, and the app's
// name, with hostile text, and demands the same elements and attributes as with
// harmless text.
func TestWEB04EveryFieldIsEscaped(t *testing.T) {
	outline := func(r *pages.Renderer, page pages.Page) []string {
		var lines []string
		for _, e := range parse(t, render(t, r, page)).elements {
			var names []string
			for name, value := range e.attrs {
				names = append(names, name)
				lower := strings.ToLower(value)
				runs := name == "href" || name == "action" || name == "formaction" || name == "src"
				if runs && (strings.Contains(lower, "script:") || strings.HasPrefix(lower, "data:text")) {
					t.Errorf("%T: %s=%q", page, name, value)
				}
			}
			slices.Sort(names)
			lines = append(lines, fmt.Sprint(e.name, names))
		}
		return lines
	}
	plain := renderer(t, func(o *pages.LookOptions) { o.Name = "x" })
	want := map[string][]string{}
	for _, s := range screens() {
		want[s.name] = outline(plain, filled(s.page, "x"))
	}
	for _, text := range hostile {
		r := plain
		if text == strings.ToValidUTF8(text, "") && !strings.ContainsFunc(text, unicode.IsControl) {
			r = renderer(t, func(o *pages.LookOptions) { o.Name = "x" + text })
		}
		for _, s := range screens() {
			if got := outline(r, filled(s.page, text)); !slices.Equal(got, want[s.name]) {
				t.Errorf("%s with %q\ngot  %v\nwant %v", s.name, text, got, want[s.name])
			}
		}
	}
}

// filled is a copy of a page with a text in each of its fields of text.
func filled(page pages.Page, text string) pages.Page {
	v := reflect.New(reflect.TypeOf(page)).Elem()
	v.Set(reflect.ValueOf(page))
	fill(v, text)
	return v.Interface().(pages.Page)
}

func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Slice:
		fields := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			fill(fields.Index(i), text)
		}
		v.Set(fields)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		if v.Type() == reflect.TypeFor[words.Spot]() || v.Type() == reflect.TypeFor[pages.NoCountry]() {
			text = "x" + text // nothing readable would be no place
		}
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	}
}

// TestEveryKeyOfTheCatalogueIsUsedAndEveryUsedKeyExists reads the sources: keys
// are always written out, but for a number at the end.
func TestEveryKeyOfTheCatalogueIsUsedAndEveryUsedKeyExists(t *testing.T) {
	lex := english()
	list, err := os.ReadFile("../words/en/pages.json")
	if err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	key := regexp.MustCompile(`"([a-z]+(?:_[a-z]+)*\.[a-z_]+)"`)
	used := map[string]bool{}
	for _, entry := range names {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "samples") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range key.FindAllStringSubmatch(string(source), -1) {
			if !strings.HasSuffix(m[1], ".html") && !strings.HasSuffix(m[1], ".js") && !strings.Contains(m[1], ".com") {
				used[m[1]] = true
			}
		}
	}
	for k := range used {
		numbered := strings.HasSuffix(k, "_") && lex.Has(k+"1")
		if !lex.Has(k) && !numbered && !isDomain(k) {
			t.Errorf("%s is used and not in the catalogue", k)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^  "([^"]+)":`).FindAllStringSubmatch(string(list), -1) {
		if !used[m[1]] {
			t.Errorf("%s is in the catalogue and not used", m[1])
		}
	}
}

// isDomain tells the entries of the list of misspelt domains from keys.
func isDomain(s string) bool {
	_, misspelt := pages.Suggest("a@" + s)
	return misspelt || slices.Contains([]string{"gmx.de", "web.de", "proton.me"}, s)
}

// TestNoPageShowsAKeyOrAPlaceholder finds messages that miss an argument.
func TestNoPageShowsAKeyOrAPlaceholder(t *testing.T) {
	r := renderer(t, func(o *pages.LookOptions) { o.Support, o.Privacy = "", "" })
	for _, s := range screens() {
		html := inlined.ReplaceAllString(render(t, r, s.page), "")
		html = strings.NewReplacer("{time}", "", "{seconds}", "", "{title}", "").Replace(html)
		if strings.ContainsAny(html, "{}") || strings.Contains(html, "**") {
			t.Errorf("%s shows a placeholder:\n%s", s.name, html)
		}
		for _, key := range english().Keys() {
			if strings.Contains(html, ">"+key+"<") || strings.Contains(html, `"`+key+`"`) {
				t.Errorf("%s shows the key %s", s.name, key)
			}
		}
	}
}

func TestAPageInARightToLeftLanguageKeepsTheFieldsLeftToRight(t *testing.T) {
	arabic := arabic(t)
	r := renderer(t, nil)
	for _, page := range []pages.Page{asked(), pages.Email{Endpoints: endpoints}} {
		doc := parse(t, renderIn(t, r, arabic, page))
		if root := doc.all("html")[0]; root.attrs["lang"] != "ar" || root.attrs["dir"] != "rtl" {
			t.Errorf("html has %v", root.attrs)
		}
		field, ok := doc.byID("code")
		if !ok {
			field, ok = doc.byID("email")
		}
		if !ok || field.attrs["dir"] != "ltr" {
			t.Errorf("field has %v", field.attrs)
		}
	}
}

func english() *words.Lexicon { return words.For("en") }
