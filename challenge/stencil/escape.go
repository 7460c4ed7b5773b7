// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package stencil

import (
	"bytes"
	"html/template"
	"reflect"
	"strconv"
	"strings"
)

// An escaper prints a text as its place allows, or reports that it cannot.
type escaper func(dst *bytes.Buffer, text string, of content) bool

// content is what a text is known to be.
type content uint8

// The contents that matter to an escaper.
const (
	plain content = iota
	markup
	attributes
	style
	address
)

var contents = map[reflect.Type]content{
	reflect.TypeFor[template.HTML](): markup, reflect.TypeFor[template.HTMLAttr](): attributes,
	reflect.TypeFor[template.CSS](): style, reflect.TypeFor[template.URL](): address,
}

// escapers are those that html/template puts behind a value, by the names that it gives
// them in Go 1.26. Under other names nothing can be cut.
var escapers = map[string]escaper{
	"_html_template_htmlescaper":   inText,
	"_html_template_attrescaper":   inAttribute,
	"_html_template_rcdataescaper": inTitle,
	"_html_template_urlfilter _html_template_urlnormalizer _html_template_attrescaper": inLink,
	"_html_template_htmlnamefilter": ofContent(attributes),
	"_html_template_cssvaluefilter": ofContent(style),
}

// read is a value as text. Types with methods may have a text of their own.
func read(v reflect.Value) (text string, of content, ok bool) {
	kind := v.Kind()
	if kind == reflect.Invalid || v.Type().NumMethod() > 0 || v.CanAddr() && reflect.PointerTo(v.Type()).NumMethod() > 0 {
		return "", plain, false
	}
	switch kind {
	case reflect.String:
		return v.String(), contentOf(v.Type()), true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), plain, true
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), plain, true
	default:
		return "", plain, false
	}
}

var stringType = reflect.TypeFor[string]()

func contentOf(t reflect.Type) content {
	if t == stringType {
		return plain
	}
	return contents[t]
}

func asIs(dst *bytes.Buffer, text string, _ content) bool {
	dst.WriteString(text)
	return true
}

// ofContent prints only what is known to be safe in its place.
func ofContent(wanted content) escaper {
	return func(dst *bytes.Buffer, text string, of content) bool {
		dst.WriteString(text)
		return of == wanted
	}
}

func inText(dst *bytes.Buffer, text string, of content) bool {
	if of == markup {
		return asIs(dst, text, of)
	}
	replace(dst, text, &special)
	return true
}

// inTitle is for elements in which there are entities, but no other elements.
func inTitle(dst *bytes.Buffer, text string, of content) bool {
	if of == markup {
		replace(dst, text, &specialInMarkup)
	} else {
		replace(dst, text, &special)
	}
	return true
}

// inAttribute is for quoted attributes. Taking elements out is left to html/template.
func inAttribute(dst *bytes.Buffer, text string, of content) bool {
	return (of != markup || strings.IndexByte(text, '<') < 0) && inTitle(dst, text, of)
}

// inLink is for attributes that are a whole address. One in which html/template could
// find anything to change, other than for the attribute, it gets to see.
func inLink(dst *bytes.Buffer, text string, of content) bool {
	if isPlainAddress(text, of) {
		replace(dst, text, &special)
		return true
	}
	var v any = text
	if of == address {
		v = template.URL(text)
	}
	var b bytes.Buffer
	if links.Execute(&b, v) != nil {
		return false
	}
	written := bytes.TrimSuffix(bytes.TrimPrefix(b.Bytes(), []byte(linkStart)), []byte(linkEnd))
	dst.Write(written)
	return true
}

const linkStart, linkEnd = `<a href="`, `">`

var links = template.Must(template.New("").Parse(linkStart + "{{.}}" + linkEnd))

// isPlainAddress reports an address of characters that stand in addresses (RFC 3986,
// section 2), which names no scheme unless it is known to be safe.
func isPlainAddress(text string, of content) bool {
	safe := of == address || strings.HasPrefix(text, "https:") || strings.HasPrefix(text, "mailto:")
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == ':' && !safe:
			return false
		case c == '%':
			if i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2]) {
				return false
			}
		case strings.IndexByte("-._~!#$&*+,/:;=?@[]", c) < 0:
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// replacements are what is written in place of a byte; empty: itself.
type replacements [128]string

// special are the characters that end a text or an attribute in quotes, or begin
// something else in it. Browsers have taken a plus for the beginning of UTF-7.
var special = replacements{0: "\uFFFD", '"': "&#34;", '&': "&amp;", '\'': "&#39;", '+': "&#43;", '<': "&lt;", '>': "&gt;"}

// specialInMarkup leaves the entities of a text alone that has some.
var specialInMarkup = func() replacements {
	r := special
	r['&'] = ""
	return r
}()

func replace(dst *bytes.Buffer, text string, by *replacements) {
	written := 0
	for i := range len(text) {
		if c := text[i]; c < 128 && by[c] != "" {
			dst.WriteString(text[written:i])
			dst.WriteString(by[c])
			written = i + 1
		}
	}
	dst.WriteString(text[written:])
}
