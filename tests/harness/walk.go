// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"iter"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Follow goes where the first link leads whose text begins with these words.
func (b *Browser) Follow(t testing.TB, words string) Page {
	t.Helper()
	for n := range b.page.elements(t, "a") {
		if !strings.HasPrefix(textOf(n), words) {
			continue
		}
		at, err := b.page.URL.Parse(attribute(n, "href"))
		if err != nil {
			t.Fatal(err)
		}
		return b.Open(t, at.String())
	}
	t.Fatalf("no link %q on the page:\n%s", words, b.page.Text())
	return Page{}
}

// Press presses the first button whose text begins with these words, with fields
// filled in, and goes where that leads. What is filled in already, or chosen, is sent
// as it stands.
func (b *Browser) Press(t testing.TB, words string, fields url.Values) Page {
	t.Helper()
	target, filled, ok := b.page.Button(t, words)
	if !ok {
		t.Fatalf("no button %q on the page:\n%s", words, b.page.Text())
	}
	for name, values := range fields {
		filled[name] = values
	}
	sent := b.Do(t, http.MethodPost, target, filled, Navigation)
	if sent.Status == http.StatusSeeOther {
		return b.Open(t, sent.Header.Get("Location"))
	}
	b.page = sent
	return sent
}

// Button is what a button sends, and where; ok is false where there is none whose
// text begins with these words.
func (p Page) Button(t testing.TB, words string) (target string, filled url.Values, ok bool) {
	t.Helper()
	for n := range p.elements(t, "button") {
		if !strings.HasPrefix(textOf(n), words) {
			continue
		}
		form := n.Parent
		for form != nil && form.Data != "form" {
			form = form.Parent
		}
		if form == nil {
			continue // it needs a script
		}
		filled = filledIn(form)
		if name := attribute(n, "name"); name != "" {
			filled.Set(name, attribute(n, "value"))
		}
		action := attribute(n, "formaction")
		if action == "" {
			action = attribute(form, "action")
		}
		at, err := p.URL.Parse(action)
		if err != nil {
			t.Fatal(err)
		}
		return at.String(), filled, true
	}
	return "", nil, false
}

// filledIn is what the fields of a form hold.
func filledIn(form *html.Node) url.Values {
	filled := url.Values{}
	for n := range form.Descendants() {
		name := attribute(n, "name")
		if n.Type != html.ElementNode || n.Data != "input" || name == "" {
			continue
		}
		switch attribute(n, "type") {
		case "checkbox", "radio":
			if !has(n, "checked") {
				continue
			}
		}
		filled.Set(name, attribute(n, "value"))
	}
	return filled
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// elements are those of one kind on a page.
func (p Page) elements(t testing.TB, kind string) iter.Seq[*html.Node] {
	t.Helper()
	root, err := html.Parse(strings.NewReader(p.Body))
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(*html.Node) bool) {
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && n.Data == kind && !yield(n) {
				return
			}
		}
	}
}

func textOf(n *html.Node) string {
	var b strings.Builder
	collect(n, &b)
	return strings.Join(strings.Fields(b.String()), " ")
}
