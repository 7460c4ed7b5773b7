// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package stencil_test

import (
	"bytes"
	"html/template"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/stencil"
)

// An escaped place is one where html/template puts one escaper.
type escaped struct {
	source string // with ? for the value
	known  string // the field that is known to be safe there; empty: no type is
	only   bool   // that field alone is printed by a stencil
}

// places have every escaper that is written again here.
var places = map[string]escaped{
	"_html_template_htmlescaper":   {`<p>?</p>`, ".HTML", false},
	"_html_template_attrescaper":   {`<p title="?">`, ".HTML", false},
	"_html_template_rcdataescaper": {`<title>?</title>`, ".HTML", false},
	"_html_template_urlfilter _html_template_urlnormalizer _html_template_attrescaper": {`<a href="?">`, ".URL", false},
	"_html_template_htmlnamefilter": {`<p ?>`, ".Attr", true},
	"_html_template_cssvaluefilter": {`<style>p{color:?}</style>`, ".CSS", true},
}

// odd are characters that somebody may have treated as something else: at the borders of
// UTF-8, of planes and of what is assigned, and such as look like, fold to or normalise to
// what ends a text. The last ones are no characters at all.
var odd = []string{
	"\u0080", "\u0085", "\u00a0", "\u00ad", "é", "\u017f", "\u037e", "\u07ff", "\u0800", "\u1680", "\u180e", "\u200b", "\u200e", "\u2028", "\u2029",
	"\u202e", "\u212a", "\u2215", "\u2236", "\u3000", "\ud7ff", "\ue000", "\ufdd0", "\ufdef", "\ufeff", "\ufff0", "\ufffd", "\ufffe", "\uffff", "\uff02", "\uff07",
	"\uff0b", "\uff1a", "\uff1c", "\uff1e", "\U00010000", "\U0001f600", "\U000e0001", "\U0010ffff",
	"\x80", "\xbf", "\xc0", "\xc0\xbc", "\xe0\x80\xbc", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5", "\xff", "\xe2\x80", "\xf0\x9f",
}

// around is where a character is tried: what it means may depend on what stands beside it.
var around = []string{"?", "a?", "?a", "a?b?", "&?lt;", "https:?x", "mailto:?", "?:x", "/?:", "%?1", "%4?", "%41?", "//?@[?]", "<?", "<!--?-->"}

// texts are all characters of ASCII, and odd ones, wherever they are tried.
func texts() []string {
	characters := slices.Clone(odd)
	for c := range utf8.RuneSelf {
		characters = append(characters, string(rune(c)))
	}
	var all []string
	for _, c := range characters {
		for _, form := range around {
			all = append(all, strings.ReplaceAll(form, "?", c))
		}
	}
	return all
}

// TestWEB04EachEscaperWritesWhatHTMLTemplatesDoes: a version of Go that has one of them
// write something else is noticed here, though it calls it as before.
func TestWEB04EachEscaperWritesWhatHTMLTemplatesDoes(t *testing.T) {
	if diff := cmp.Diff(slices.Sorted(maps.Keys(places)), stencil.Escapers()); diff != "" {
		t.Fatalf("escapers that are tried, and that there are (-,+):\n%s", diff)
	}
	all := texts()
	for name, place := range places {
		for _, field := range []string{".Text", ".Named", ".HTML", ".Attr", ".URL", ".CSS"} {
			t.Run(name+" of "+field, func(t *testing.T) {
				set := template.Must(template.New("t").Parse(strings.ReplaceAll(place.source, "?", "{{"+field+"}}")))
				s, err := stencil.CutHTML(set, "t")
				if err != nil {
					t.Fatal(err)
				}
				if want := "{{" + field + " | " + strings.ReplaceAll(name, " ", " | ") + "}}"; !strings.Contains(set.Tree.Root.String(), want) {
					t.Fatalf("html/template makes %s, want %s in it", set.Tree.Root, want)
				}
				for _, text := range all {
					printsAlike(t, s, set, some(text), place.prints(field, text))
				}
			})
		}
	}
}

// prints reports whether a stencil prints a text itself. In attributes it leaves elements
// to html/template.
func (e escaped) prints(field, text string) bool {
	if e.only {
		return field == e.known
	}
	return !strings.HasPrefix(e.source, "<p title") || field != e.known || !strings.Contains(text, "<")
}

func printsAlike(t *testing.T, s *stencil.Stencil, set *template.Template, d *data, prints bool) {
	t.Helper()
	var got, want bytes.Buffer
	if err := set.Execute(&want, d); err != nil {
		t.Fatal(err)
	}
	if s.Print(&got, "t", d) != prints || prints && got.String() != want.String() {
		t.Errorf("%q is %q, want %q (or nothing: %v)", d.Text, &got, &want, !prints)
	}
}
