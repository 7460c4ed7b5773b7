// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package received reads the header of a mail as it arrived, and explains what the
// server that took it found out about its sender: SPF (RFC 7208), DKIM (RFC 6376) and
// DMARC (RFC 7489). It asks nobody.
package received

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
)

// A Header is what this package wants to know of a mail.
type Header struct {
	// From is the domain of the sender that people see, in lower case.
	From string
	// Server is who wrote Results: the server that took the mail over last. Empty where
	// it does not name itself.
	Server  string
	Results []Result
	// Took is how long the mail was on its way; zero where that cannot be told.
	Took time.Duration
}

// A Result is one verdict of an Authentication-Results field (RFC 8601).
type Result struct {
	Method string // spf, dkim, dmarc …
	Value  string // pass, fail, none …
	Note   string // comments, which no program is to rely on
	// Properties are what it was judged by, such as smtp.mailfrom and header.d.
	Properties map[string]string
}

// Errors of Read.
var (
	// ErrNoHeader means a text without the fields of a mail.
	ErrNoHeader = errors.New("this is not the header of a mail")
	// ErrNoFrom means that the mail does not say who sent it.
	ErrNoFrom = errors.New("the header has no From field with an address")
	// ErrNoResults means that no server has written down what it found.
	ErrNoResults = errors.New("the header has no Authentication-Results field")
)

// maxHeader bounds what is read, in bytes.
const maxHeader = 256 << 10

// Read reads a mail, or its header alone, as mail programs show it. It takes the
// Authentication-Results field that stands first: whoever sends a mail can write further
// ones below.
func Read(text io.Reader) (*Header, error) {
	fields, err := readFields(io.LimitReader(text, maxHeader))
	if err != nil {
		return nil, err
	}
	if len(fields) == 0 {
		return nil, ErrNoHeader
	}
	h := new(Header)
	from, err := mail.ParseAddress(first(fields, "from"))
	if err != nil {
		return nil, ErrNoFrom
	}
	h.From = domainOf(from.Address)
	results := first(fields, "authentication-results")
	if results == "" {
		results = first(fields, "arc-authentication-results")
	}
	if results == "" {
		return nil, ErrNoResults
	}
	h.Server, h.Results = parseResults(results)
	h.Took = onItsWay(fields)
	return h, nil
}

// A field is one of a header, unfolded.
type field struct{ name, value string }

// readFields reads up to the first empty line behind a field. A line that is no field
// does not end it: what was copied from a page may have any.
func readFields(text io.Reader) (fields []field, err error) {
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, maxHeader+1)
	for lines.Scan() {
		line := strings.TrimRight(strings.Map(printable, lines.Text()), " ")
		folded := strings.TrimLeft(line, " ")
		name, value, found := strings.Cut(line, ":")
		switch {
		case line == "" && len(fields) > 0:
			return fields, nil
		case folded != line && len(fields) > 0:
			fields[len(fields)-1].value += " " + folded
		case found && isName(name):
			fields = append(fields, field{strings.ToLower(name), strings.TrimSpace(value)})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading mail: %w", err)
	}
	return fields, nil
}

// printable keeps out what a terminal would obey: the text comes from strangers.
func printable(c rune) rune {
	if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
		return ' '
	}
	return c
}

func isName(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' })
}

func first(fields []field, name string) string {
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return ""
	}
	return fields[i].value
}

// onItsWay is how long it took from the Date to the last server, by two clocks.
func onItsWay(fields []field) time.Duration {
	sent, err := mail.ParseDate(first(fields, "date"))
	if err != nil {
		return 0
	}
	received := first(fields, "received")
	came, err := mail.ParseDate(strings.TrimSpace(received[strings.LastIndexByte(received, ';')+1:]))
	if err != nil {
		return 0
	}
	return max(0, came.Sub(sent))
}

// domainOf is the part behind the @, or all of what has none, in lower case.
func domainOf(address string) string {
	address = strings.Trim(address, "<>\"")
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}

// parseResults reads an Authentication-Results field. Some servers leave their name out.
func parseResults(text string) (server string, results []Result) {
	for i, part := range split(text, ';') {
		plain, notes := comments(part)
		words := split(strings.TrimSpace(plain), ' ')
		method, value, found := strings.Cut(words[0], "=")
		if !found {
			if i == 0 {
				server = words[0]
			}
			continue
		}
		method, _, _ = strings.Cut(method, "/") // its version
		r := Result{Method: strings.ToLower(method), Value: strings.ToLower(value), Note: notes, Properties: map[string]string{}}
		for _, word := range words[1:] {
			if name, value, ok := strings.Cut(word, "="); ok {
				r.Properties[strings.ToLower(name)] = strings.Trim(value, `"`)
			}
		}
		results = append(results, r)
	}
	return server, results
}

// split cuts at a separator that stands neither in quotes nor in a comment.
func split(text string, at rune) (parts []string) {
	depth, quoted, start := 0, false, 0
	for i, c := range text {
		switch {
		case c == '"' && depth == 0:
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case c == at && depth == 0:
			parts = append(parts, text[start:i])
			start = i + len(string(c))
		}
	}
	parts = append(parts, text[start:])
	parts = slices.DeleteFunc(parts, func(p string) bool { return strings.TrimSpace(p) == "" })
	if len(parts) == 0 {
		return []string{""}
	}
	return parts
}

// comments takes comments out of a text.
func comments(text string) (plain, notes string) {
	var kept, taken strings.Builder
	depth, quoted := 0, false
	for _, c := range text {
		if c == '"' && depth == 0 {
			quoted = !quoted
		}
		switch {
		case c == '(' && !quoted:
			if depth++; depth == 1 {
				continue
			}
		case c == ')' && !quoted && depth > 0:
			if depth--; depth == 0 {
				kept.WriteByte(' ')
				taken.WriteByte(' ')
				continue
			}
		}
		if depth > 0 {
			taken.WriteRune(c)
		} else {
			kept.WriteRune(c)
		}
	}
	return kept.String(), strings.TrimSpace(taken.String())
}
