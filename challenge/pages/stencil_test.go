// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// looks are pages with as little and with as much around them as there can be.
func looks(t testing.TB) []*pages.Renderer {
	return []*pages.Renderer{
		renderer(t, func(o *pages.LookOptions) { *o = pages.LookOptions{Name: "<Example>"} }),
		renderer(t, func(o *pages.LookOptions) {
			o.Imprint, o.Announcement, o.Logo = "https://example.com/?a=(b)&c=+", "Tonight <we> & you", "data:image/png;base64,AA+/=="
		}),
	}
}

// TestWEB04EveryPageIsWhatHTMLTemplateMakesOfIt also tells when a template has got
// something that its stencil does not understand, and pages take long again.
func TestWEB04EveryPageIsWhatHTMLTemplateMakesOfIt(t *testing.T) {
	for _, r := range looks(t) {
		for _, lang := range []string{"en", "ar"} {
			lex, _ := words.Standard().In(lang)
			for _, s := range append(screens(), largest()...) {
				compare(t, r, lex, s.page)
			}
		}
	}
}

func compare(t *testing.T, r *pages.Renderer, lex *words.Lexicon, page pages.Page) {
	t.Helper()
	printed, executed, fits, err := r.Both(lex, page, around)
	if err != nil || !fits || printed != executed {
		t.Errorf("%T (fits: %v, %v) is printed\n%s\nwant\n%s", page, fits, err, printed, executed)
	}
}

// TestATemplateThatNoStencilUnderstandsIsRenderedAllTheSame has an operator's call a
// function.
func TestATemplateThatNoStencilUnderstandsIsRenderedAllTheSame(t *testing.T) {
	source, err := os.ReadFile("templates/plain.html")
	if err != nil {
		t.Fatal(err)
	}
	own := strings.Replace(string(source), "{{.Heading}}", `{{printf "%s!" .Heading}}`, 1)
	set, err := pages.ReadTemplates(fstest.MapFS{"plain.html": {Data: []byte(own)}})
	if err != nil {
		t.Fatal(err)
	}
	r := renderer(t, func(o *pages.LookOptions) { o.Templates = set })
	if page := render(t, r, pages.NoAccess{}); !strings.Contains(page, "!</h1>") {
		t.Errorf("page is %s", page)
	}
	for page, want := range map[pages.Page]bool{pages.NoAccess{}: false, pages.Email{}: true} {
		if _, _, fits, _ := r.Both(english(), page, around); fits != want {
			t.Errorf("%T is printed by a stencil: %v", page, fits)
		}
	}
}
