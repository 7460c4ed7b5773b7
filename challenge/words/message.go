// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// countName is the argument whose number chooses among a message's plurals.
const countName = "count"

// Faults of a message, as Open reports them.
var (
	// ErrPlaceholder means a brace that does not belong to a {name}.
	ErrPlaceholder = errors.New("bad placeholder")
	// ErrStrong means a ** without its partner.
	ErrStrong = errors.New("unpaired **")
	// ErrPlural means an unknown plural category, or a missing "other".
	ErrPlural = errors.New("bad plural")
	// ErrEmpty means a message without text.
	ErrEmpty = errors.New("empty message")
)

// segment is one piece of a text: a literal, or the value of an argument.
type segment struct {
	plain string // the literal as it stands
	html  string // the literal escaped, with its strong marks as tags
	arg   string // the argument's name; "" for a literal
}

// text is one parsed sentence.
type text struct {
	segments []segment
	size     int // bytes of all literals, the larger of plain and HTML
}

// message is one text, or one for each plural category.
type message struct {
	forms   [plural.Many + 1]*text // by plural.Form; Other is always there
	plurals bool
}

var categories = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two,
	"few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// parseMessage reads a message from its JSON: a string, or an object of strings
// by plural category. It returns ErrPlaceholder, ErrStrong, ErrPlural and
// ErrEmpty.
func parseMessage(raw json.RawMessage) (message, error) {
	var m message
	var single string
	if json.Unmarshal(raw, &single) == nil {
		t, err := parseText(single)
		m.forms[plural.Other] = t
		return m, err
	}
	var several map[string]string
	if err := json.Unmarshal(raw, &several); err != nil {
		return m, fmt.Errorf("reading message: %w", err)
	}
	m.plurals = true
	for category, s := range several {
		form, ok := categories[category]
		if !ok {
			return message{}, fmt.Errorf("%w: category %q", ErrPlural, category)
		}
		t, err := parseText(s)
		if err != nil {
			return message{}, err
		}
		m.forms[form] = t
	}
	if m.forms[plural.Other] == nil {
		return message{}, fmt.Errorf("%w: no \"other\"", ErrPlural)
	}
	return m, nil
}

// parseText splits a sentence once, so that rendering only joins pieces.
func parseText(s string) (*text, error) {
	if strings.TrimSpace(strings.ReplaceAll(s, "**", "")) == "" {
		return nil, ErrEmpty
	}
	t := &text{}
	strong := false
	for s != "" {
		literal, rest, found := cutBrace(s)
		if literal != "" {
			t.segments = append(t.segments, literalSegment(literal, &strong))
		}
		if !found {
			break
		}
		name, after, ok := cutName(rest)
		if !ok {
			return nil, fmt.Errorf("%w: at %q", ErrPlaceholder, rest)
		}
		t.segments = append(t.segments, segment{arg: name})
		s = after
	}
	if strong {
		return nil, ErrStrong
	}
	for _, seg := range t.segments {
		t.size += max(len(seg.plain), len(seg.html))
	}
	return t, nil
}

// cutBrace cuts s before its first brace of either kind.
func cutBrace(s string) (literal, rest string, found bool) {
	i := strings.IndexAny(s, "{}")
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i:], true
}

// cutName cuts a {name} of lower-case ASCII letters off the front of s.
func cutName(s string) (name, after string, ok bool) {
	inner, isOpen := strings.CutPrefix(s, "{")
	name, after, closed := strings.Cut(inner, "}")
	if !isOpen || !closed || name == "" {
		return "", "", false
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && r != '_' {
			return "", "", false
		}
	}
	return name, after, true
}

// literalSegment makes both renderings of a literal; strong carries over from
// one literal to the next, since a placeholder may stand between two marks.
func literalSegment(literal string, strong *bool) segment {
	parts := strings.Split(literal, "**")
	var html strings.Builder
	for i, part := range parts {
		if i > 0 {
			*strong = !*strong
			html.WriteString(map[bool]string{true: "<strong>", false: "</strong>"}[*strong])
		}
		html.WriteString(template.HTMLEscapeString(part))
	}
	return segment{plain: strings.Join(parts, ""), html: html.String()}
}

// choose returns the text for the count in args, by the language's CLDR rules.
func (m *message) choose(tag language.Tag, args Args) *text {
	if !m.plurals {
		return m.forms[plural.Other]
	}
	n, ok := number(args[countName])
	if !ok {
		return m.forms[plural.Other]
	}
	if t := m.forms[plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)]; t != nil {
		return t
	}
	return m.forms[plural.Other]
}

// number is a count's absolute value, kept within what the rules can tell
// apart: they look at the last six digits at most.
func number(v any) (int, bool) {
	var n int64
	switch v := v.(type) {
	case int:
		n = int64(v)
	case int64:
		n = v
	case uint:
		n = int64(v % 10_000_000)
	default:
		return 0, false
	}
	n %= 10_000_000
	return int(max(n, -n)), true
}

// constant is the text of a message without placeholders, which costs nothing.
func (t *text) constant(html bool) (string, bool) {
	if len(t.segments) != 1 || t.segments[0].arg != "" {
		return "", false
	}
	if html {
		return t.segments[0].html, true
	}
	return t.segments[0].plain, true
}

// write renders the text, and returns false where an argument is missing.
func (t *text) write(b *strings.Builder, args Args, html bool) bool {
	for i := range t.segments {
		s := &t.segments[i]
		switch {
		case s.arg == "" && html:
			b.WriteString(s.html)
			continue
		case s.arg == "":
			b.WriteString(s.plain)
			continue
		}
		v, ok := args[s.arg]
		if !ok {
			return false
		}
		if html {
			b.WriteString(valueHTML(v))
		} else {
			b.WriteString(valueText(v))
		}
	}
	return true
}

func valueHTML(v any) string {
	if safe, ok := v.(template.HTML); ok {
		return string(safe)
	}
	return template.HTMLEscapeString(valueText(v))
}

func valueText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case template.HTML:
		return string(v)
	default:
		return fmt.Sprint(v)
	}
}

func (m message) placeholders() []string {
	names := m.written()
	if m.plurals && !slices.Contains(names, countName) {
		names = append(names, countName)
		slices.Sort(names)
	}
	return names
}

// written are the placeholders that stand in any form, sorted.
func (m message) written() []string {
	var names []string
	for _, t := range m.forms {
		if t != nil {
			names = append(names, t.placeholders()...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// placeholders are the names of the arguments, sorted.
func (t *text) placeholders() []string {
	var names []string
	for _, s := range t.segments {
		if s.arg != "" {
			names = append(names, s.arg)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// plain is the text as it was written, without marks.
func (t *text) plain() string {
	var b strings.Builder
	for _, s := range t.segments {
		if s.arg != "" {
			b.WriteString("{" + s.arg + "}")
		}
		b.WriteString(s.plain)
	}
	return b.String()
}

// strong tells what is marked, sorted: a placeholder by its name, mere words
// by "".
func (t *text) strong() []string {
	var marked []string
	inside := false
	name := ""
	for _, s := range t.segments {
		if inside && s.arg != "" {
			name += "{" + s.arg + "}"
		}
		for _, tag := range strongTags.FindAllString(s.html, -1) {
			inside = tag == "<strong>"
			if !inside {
				marked = append(marked, name)
			}
			name = ""
		}
	}
	slices.Sort(marked)
	return marked
}

var strongTags = regexp.MustCompile("</?strong>")

// words counts what a translator has to work on: words of three letters and more,
// of which names and units are left out.
func (t *text) words() int {
	n := 0
	for _, s := range t.segments {
		for word := range strings.FieldsFuncSeq(s.plain, func(r rune) bool { return !unicode.IsLetter(r) }) {
			if utf8.RuneCountInString(word) >= 3 {
				n++
			}
		}
	}
	return n
}
