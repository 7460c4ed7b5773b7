// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package words holds every sentence that a person reads on a page or in a
// mail, by key and language.
//
// A language is a folder named by its BCP 47 tag. All JSON files in it are
// merged into one list: a key has a text, or an object of texts by CLDR plural
// category ("one", "few", "other" …), chosen by the argument named count. A
// text has placeholders such as {app}, and **marks** what is to be strong.
package words

import (
	"embed"
	"html/template"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Args are the values of a message's placeholders, by name. Values are
// strings, integers, template.HTML or anything that fmt can print.
type Args map[string]any

// Lexicon is every message in one language. It never changes once it is made
// and is safe for concurrent use.
type Lexicon struct {
	tag      language.Tag
	lang     string
	dir      string
	messages map[string]message
}

//go:embed */*.json
var files embed.FS

var builtIn = sync.OnceValue(func() *Catalogue {
	// A folder that is not there would have stopped the build.
	c, _ := shelve(files)
	return c
})

// Standard is the built-in catalogue, English first. Its languages are read when
// they are first asked for.
func Standard() *Catalogue { return builtIn() }

// For chooses among the built-in languages as Catalogue.For does.
func For(accept string) *Lexicon { return Standard().For(accept) }

// Languages are the built-in languages, English first, as For takes them.
func Languages() []string { return Standard().Languages() }

// OwnName is what a language is called in itself, such as "português" for pt.
// Whatever is no language is its own name.
func OwnName(tag string) string {
	parsed, err := language.Parse(tag)
	switch {
	case err != nil:
		return tag
	case tag == "zh-CN":
		// Who reads Chinese chooses by the script, which the name of the tag leaves out.
		parsed = language.SimplifiedChinese
	}
	return display.Self.Name(parsed)
}

// maxTag bounds a tag, in bytes (RFC 5646 section 4.4.1).
const maxTag = 35

// IsTag reports whether a text is the tag of a language (BCP 47), whatever there is
// in it.
func IsTag(text string) bool {
	_, err := language.Parse(text)
	return err == nil && len(text) <= maxTag
}

// Dir is the direction of a language's script, "ltr" or "rtl", whether it is in a
// catalogue or not.
func Dir(tag string) string { return direction(language.Make(tag)) }

// Text returns a message as plain text. It returns the key itself where the
// message does not exist or misses an argument; surplus arguments are ignored.
func (l *Lexicon) Text(key string, args Args) string {
	m, ok := l.messages[key]
	if !ok {
		return key
	}
	t := m.choose(l.tag, args)
	if s, ok := t.constant(false); ok {
		return s
	}
	var b strings.Builder
	b.Grow(t.size + 16*len(args))
	if !t.write(&b, args, false) {
		return key
	}
	return b.String()
}

// HTML returns a message as HTML: its text is escaped, what it marks becomes
// <strong>, and arguments are escaped unless they are template.HTML. Missing
// messages and arguments yield the escaped key, as in Text.
func (l *Lexicon) HTML(key string, args Args) template.HTML {
	m, ok := l.messages[key]
	if !ok {
		return template.HTML(template.HTMLEscapeString(key))
	}
	t := m.choose(l.tag, args)
	if s, ok := t.constant(true); ok {
		return template.HTML(s)
	}
	var b strings.Builder
	b.Grow(t.size + 32*len(args))
	if !t.write(&b, args, true) {
		return template.HTML(template.HTMLEscapeString(key))
	}
	return template.HTML(b.String())
}

// Constant is a message in both forms, where it has neither placeholders nor plurals;
// that costs nothing. ok is false for every other one.
func (l *Lexicon) Constant(key string) (text string, html template.HTML, ok bool) {
	m, ok := l.messages[key]
	if !ok || m.plurals {
		return "", "", false
	}
	text, ok = m.forms[plural.Other].constant(false)
	if !ok {
		return "", "", false
	}
	marked, _ := m.forms[plural.Other].constant(true)
	return text, template.HTML(marked), true
}

// Has says whether there is a message of that key.
func (l *Lexicon) Has(key string) bool {
	_, ok := l.messages[key]
	return ok
}

// Keys lists the keys of all messages, sorted.
func (l *Lexicon) Keys() []string {
	keys := make([]string, 0, len(l.messages))
	for key := range l.messages {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Placeholders lists the names of the arguments that a message needs, sorted,
// and count for one with plurals. It is nil for an unknown key.
func (l *Lexicon) Placeholders(key string) []string {
	return l.messages[key].placeholders()
}

// Plurals reports that a message has a text for each plural.
func (l *Lexicon) Plurals(key string) bool { return l.messages[key].plurals }

// Tag is the language.
func (l *Lexicon) Tag() language.Tag { return l.tag }

// Lang is the language as HTML's lang attribute and Content-Language want it.
func (l *Lexicon) Lang() string { return l.lang }

// Dir is the direction of the script: "ltr" or "rtl", as in HTML's dir
// attribute.
func (l *Lexicon) Dir() string { return l.dir }
