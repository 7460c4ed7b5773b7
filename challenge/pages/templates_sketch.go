// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// A sketch is of a page what has to work, whatever it looks like.
type sketch struct {
	parts   []part
	scripts []string // of each script element
	styles  []string
	urls    []string
	barred  []barred
}

// A part is something that the server or the script relies on. Parts are compared
// as they are.
type part struct {
	kind  string // form, field, button, data, id, page, style or script
	form  string // where the form goes in which it stands
	name  string
	value string
}

// A barred thing must not be on any page.
type barred struct{ needle, what string }

// scriptIDs are the elements that the script looks for.
var scriptIDs = []string{"code", "email", "again", "back", "mail", "status", "error", "go", "left", "passkey", "unable"}

// urlAttributes are those whose values are addresses.
var urlAttributes = []string{"href", "src", "action", "formaction", "srcset", "poster", "data", "cite", "background", "ping", "manifest", "xlink:href"}

// foreignElements load or change what is around them.
var foreignElements = []string{"base", "iframe", "frame", "object", "embed", "applet", "portal", "fencedframe"}

func sketchOf(page string) sketch {
	var s sketch
	form := ""
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return s
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "form" {
				form = ""
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			if token.Data == "form" {
				form = attribute(token, "action")
			}
			s.element(token, form)
			if token.Data == "script" || token.Data == "style" {
				s.inlined(token, z)
			}
		}
	}
}

// inlined notes what stands in a script or style element.
func (s *sketch) inlined(t html.Token, z *html.Tokenizer) {
	content := ""
	if z.Next() == html.TextToken {
		content = string(z.Raw())
	}
	s.parts = append(s.parts, part{kind: t.Data, value: content})
	if t.Data == "script" {
		s.scripts = append(s.scripts, content+attribute(t, "src"))
	} else {
		s.styles = append(s.styles, content)
	}
}

func (s *sketch) element(t html.Token, form string) {
	name, value := attribute(t, "name"), attribute(t, "value")
	switch t.Data {
	case "html":
		s.parts = append(s.parts, part{kind: "page", name: attribute(t, "lang"), value: attribute(t, "dir")})
	case "form":
		s.parts = append(s.parts, part{kind: "form", form: form, value: attribute(t, "method") + attribute(t, "enctype")})
	case "button":
		s.parts = append(s.parts, part{kind: "button", form: cmp.Or(attribute(t, "formaction"), form), name: name, value: value})
	case "input", "select", "textarea":
		if kind := attribute(t, "type"); kind != "hidden" && kind != "radio" && kind != "checkbox" {
			value = "" // what is filled in is shown, and the person's to change
		}
		s.parts = append(s.parts, part{kind: "field", form: form, name: name, value: value})
	case "meta":
		if attribute(t, "http-equiv") != "" {
			s.barred = append(s.barred, barred{"http-equiv", "a meta element with http-equiv"})
		}
	}
	if slices.Contains(foreignElements, t.Data) {
		s.barred = append(s.barred, barred{"<" + t.Data, "an element <" + t.Data + ">, which no page may have"})
	}
	for _, a := range t.Attr {
		s.attribute(a)
	}
}

func (s *sketch) attribute(a html.Attribute) {
	switch {
	case slices.Contains(urlAttributes, a.Key):
		s.urls = append(s.urls, a.Val)
	case strings.HasPrefix(a.Key, "data-"):
		s.parts = append(s.parts, part{kind: "data", name: a.Key, value: a.Val})
	case a.Key == "id" && slices.Contains(scriptIDs, a.Val):
		s.parts = append(s.parts, part{kind: "id", name: a.Val})
	case a.Key == "style":
		s.barred = append(s.barred, barred{"style=", "an attribute style, which the policy of the page stops; write it into the file that css names"})
	case strings.HasPrefix(a.Key, "on"):
		s.barred = append(s.barred, barred{a.Key, "an attribute " + a.Key + ", which the policy of the page stops"})
	}
}

func attribute(t html.Token, key string) string {
	for _, a := range t.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// what is the part in words.
func (p part) what() string {
	to := p.form[strings.LastIndexByte(p.form, '/')+1:]
	to, _, _ = strings.Cut(to, "?")
	to = cmp.Or(to, p.form)
	switch p.kind {
	case "page":
		return `<html lang="{{.Lang}}" dir="{{.Dir}}">`
	case "form":
		return fmt.Sprintf("the form that posts to %q", to)
	case "button":
		if p.name != "" {
			return fmt.Sprintf("the button %s=%q that posts to %q", p.name, p.value, to)
		}
		return fmt.Sprintf("the button that posts to %q", to)
	case "field":
		return fmt.Sprintf("the field %q, with its value, in the form that posts to %q", p.name, to)
	case "id":
		return fmt.Sprintf("the element with id=%q, which the script looks for,", p.name)
	case "data":
		return fmt.Sprintf("the attribute %s, which the script reads,", p.name)
	case "style":
		return "the place of the style, {{.Style}},"
	default:
		return "the place of the script, {{.Script}},"
	}
}

// near is what stands about where the part belongs.
func (p part) near() string {
	switch p.kind {
	case "field", "button", "id":
		return "</form>"
	case "form":
		return "</main>"
	case "data":
		return "<body"
	case "style", "page":
		return "<head>"
	default:
		return "</body>"
	}
}
