// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"strings"
	"time"
)

// challenges reads one line of challenges as RFC 9110 section 11.6.1 writes them.
// Commas part both challenges and the parameters of one, so only the form of what
// follows tells which of the two begins. One fault voids the whole line: after it
// nobody can say what belongs to whom, and a realm that quotes what a visitor typed
// must not be read as a demand.
type challenges struct {
	rest    string
	current credentials
	open    bool // parameters of current may follow
	ours    bool // the line is of parameters alone, ours, without a scheme
}

// credentials are what matters of one challenge.
type credentials struct {
	bearer  bool
	demands bool // a fresh code
	failed  bool // an error was given, whichever
	aged    bool // an age was given, sensible or not
	age     time.Duration
}

// age returns the strictest age that the line demands, or zero.
func (p *challenges) age() (age time.Duration) {
	for {
		p.rest = strings.TrimLeft(p.rest, " \t,") // empty elements are allowed, section 5.6.1.2
		if p.rest == "" {
			return stricter(age, p.demanded())
		}
		if name, value, rest, ok := cutParameter(p.rest); ok {
			p.rest = rest
			if !p.open || !p.current.take(name, value) {
				return 0
			}
		} else {
			age = stricter(age, p.demanded())
			if !p.begin() {
				return 0
			}
		}
		if p.rest = trimLeft(p.rest); p.rest != "" && p.rest[0] != ',' {
			return 0
		}
	}
}

// demanded returns what the challenge read so far asks for, or zero.
func (p *challenges) demanded() time.Duration {
	c := p.current
	switch {
	case !c.bearer || !c.demands:
		return 0
	case c.aged:
		return c.age
	case p.ours:
		return 0
	}
	return usualAge
}

// begin reads a scheme and the first of what belongs to it.
func (p *challenges) begin() bool {
	scheme, rest := cutToken(p.rest)
	if scheme == "" || p.ours {
		return false
	}
	p.current = credentials{bearer: equalFold(scheme, "bearer")}
	after := strings.TrimLeft(rest, " ")
	if p.open = after != rest; !p.open {
		p.rest = rest
		return true
	}
	if name, value, rest, ok := cutParameter(after); ok {
		p.rest = rest
		return p.current.take(name, value)
	}
	p.rest = cutToken68(after)
	p.open = p.rest == after
	return true
}

// take notes a parameter, and reports false for one that was given before.
func (c *credentials) take(name, value string) bool {
	switch {
	case !c.bearer:
	case equalFold(name, "error"):
		if c.failed {
			return false
		}
		c.failed = true
		c.demands = value == "insufficient_user_authentication"
	case equalFold(name, "max_age"):
		if c.aged {
			return false
		}
		c.aged, c.age = true, seconds(value)
	}
	return true
}

// cutParameter cuts an auth-param off the front of s: a token, "=", and a token or
// a quoted string, which it returns without its quotes.
func cutParameter(s string) (name, value, rest string, ok bool) {
	name, rest = cutToken(s)
	rest = trimLeft(rest)
	if name == "" || rest == "" || rest[0] != '=' {
		return "", "", "", false
	}
	rest = trimLeft(rest[1:])
	if rest != "" && rest[0] == '"' {
		value, rest, ok = cutQuoted(rest)
		return name, value, rest, ok
	}
	value, rest = cutToken(rest)
	return name, value, rest, value != ""
}

// cutToken cuts a token off the front of s, RFC 9110 section 5.6.2.
func cutToken(s string) (token, rest string) {
	i := 0
	for i < len(s) && tokenChar(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func tokenChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// cutToken68 returns what follows the credentials at the front of s that are no
// parameters, RFC 9110 section 11.2.
func cutToken68(s string) (rest string) {
	i := 0
	for i < len(s) && (tokenChar(s[i]) && strings.IndexByte("!#$%&'*^`|", s[i]) < 0 || s[i] == '/') {
		i++
	}
	if i == 0 {
		return s
	}
	return strings.TrimLeft(s[i:], "=")
}

// cutQuoted cuts a quoted string off the front of s, which begins with its quote,
// RFC 9110 section 5.6.4.
func cutQuoted(s string) (text, rest string, ok bool) {
	var b strings.Builder
	escaped := false
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c < ' ' && c != '\t' || c == 0x7f:
			return "", "", false
		case !escaped && c == '"':
			return b.String(), s[i+1:], true
		case !escaped && c == '\\':
			escaped = true
		default:
			escaped = false
			b.WriteByte(c)
		}
	}
	return "", "", false
}
