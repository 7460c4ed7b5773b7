// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// What the tests know of the samples.
const (
	endpoints, flow, held = pages.SampleEndpoints, pages.SampleFlow, pages.SampleHeld
	nonce, credit         = pages.SampleNonce, pages.SampleCredit
)

var (
	noon, tomorrow    = pages.SampleNow, pages.SampleTomorrow
	lisbon, porto     = pages.SampleLisbon, pages.SamplePorto
	asked, known      = pages.SampleCode, pages.SampleKnown
	confirm, changing = pages.SampleConfirm, pages.SampleChange
)

// screen is a page under a name, as goldens and pictures are called.
type screen struct {
	name string
	page pages.Page
}

// everyWay is what a gate offers unless its operator says otherwise.
var everyWay = asked().Offers

func code(change func(*pages.Code)) pages.Page {
	c := asked()
	change(&c)
	return c
}

// screens is every screen in every state.
func screens() (all []screen) {
	for _, s := range pages.Samples() {
		all = append(all, screen{s.Name, s.Page})
	}
	return all
}

func renderer(t testing.TB, change func(*pages.LookOptions)) *pages.Renderer {
	t.Helper()
	options := pages.LookOptions{
		Name: "Example", Support: "mailto:help@example.com", Privacy: "https://example.com/privacy",
	}
	if change != nil {
		change(&options)
	}
	r, err := pages.New(options)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return r
}

func render(t testing.TB, r *pages.Renderer, page pages.Page) string {
	t.Helper()
	return renderIn(t, r, english(), page)
}

func renderIn(t testing.TB, r *pages.Renderer, lex *words.Lexicon, page pages.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Render(&b, lex, page); err != nil {
		t.Fatalf("Render: %v", err)
	}
	return b.String()
}

// arabic is the English catalogue as if it were Arabic.
func arabic(t testing.TB) *words.Lexicon {
	t.Helper()
	files := fstest.MapFS{}
	names, err := filepath.Glob("../words/en/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		list, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files["ar/"+filepath.Base(name)] = &fstest.MapFile{Data: list}
	}
	catalogue, err := words.Open(files)
	if err != nil {
		t.Fatal(err)
	}
	return catalogue.For("ar")
}
