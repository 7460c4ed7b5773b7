// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

const (
	// MaxCookies is how many names a Jar knows.
	MaxCookies = 4
	// MaxValues is how many different values of one cookie are kept.
	MaxValues = 4
)

// A Jar finds the gate's own cookies in requests, by exact name: browsers compare
// names exactly, so __HOST-x is somebody else's cookie. It is safe for concurrent
// use.
type Jar struct {
	names []string
}

// NewJar returns a Jar for at most MaxCookies names. It panics if there are more,
// since the names come from the gate and not from its operator.
func NewJar(names ...string) *Jar {
	if len(names) > MaxCookies {
		panic("upstream: too many cookie names")
	}
	return &Jar{names: slices.Clone(names)}
}

// Found holds the values of the gate's cookies in one request.
type Found struct {
	values [MaxCookies][MaxValues]string
	counts [MaxCookies]int // MaxValues+1: too many to tell which is whose
}

// Values returns the different values of the cookie with the given index in the
// names of the Jar, in the order in which they came, as raw text between "=" and
// ";". A cookie with more than MaxValues different values has none: they cannot all
// be tried, and a value planted by a neighbouring site must not win by its place.
// The slice is valid as long as f is.
func (f *Found) Values(name int) []string {
	if n := f.counts[name]; n <= MaxValues {
		return f.values[name][:n]
	}
	return nil
}

// Format prints no value: each opens the door.
func (f Found) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, "[cookies]")
}

func (f *Found) add(name int, value string) {
	n := min(f.counts[name], MaxValues)
	if slices.Contains(f.values[name][:n], value) {
		return
	}
	f.counts[name] = n + 1
	if n < MaxValues {
		f.values[name][n] = value
	}
}

// Read returns the values of the gate's cookies in all Cookie lines of h. It
// changes nothing and allocates nothing.
func (j *Jar) Read(h http.Header) Found {
	var found Found
	for _, line := range h["Cookie"] {
		for line != "" {
			var pair string
			pair, line = cutPair(line)
			if name, value := j.own(trimLeft(pair)); name >= 0 {
				found.add(name, value)
			}
		}
	}
	return found
}

// Remove takes the gate's cookies out of h, so that the app never holds what opens
// the door. All others stay, byte for byte and in order. It allocates only where a
// cookie of ours stands between others.
func (j *Jar) Remove(h http.Header) {
	lines := h["Cookie"]
	kept := lines[:0]
	for _, line := range lines {
		if rest, some := j.without(line); some {
			kept = append(kept, rest)
		}
	}
	if len(kept) == len(lines) {
		return
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

// without returns line less our cookies, and whether there is a line left.
func (j *Jar) without(line string) (rest string, some bool) {
	var runs cookieRuns
	ours := false
	for start := 0; start < len(line); {
		pair, next := cutPair(line[start:])
		end := start + len(pair)
		pair = trimLeft(pair)
		switch name, _ := j.own(pair); {
		case name >= 0:
			ours = true
			runs.broken = true
		case pair != "":
			runs.keep(line, end-len(pair), end)
		}
		start = len(line) - len(next)
	}
	if !ours {
		return line, true
	}
	return runs.text(line)
}

// cookieRuns gathers the parts of a line that stay. One run is a substring; only a
// second one needs memory of its own.
type cookieRuns struct {
	joined     []byte
	start, end int
	broken     bool // a cookie of ours was met since the end of the last run
}

func (c *cookieRuns) keep(line string, start, end int) {
	if c.broken && c.end > 0 {
		if c.joined == nil {
			c.joined = make([]byte, 0, len(line))
		}
		c.joined = append(append(c.joined, line[c.start:c.end]...), "; "...)
	}
	if c.broken || c.end == 0 {
		c.start = start
	}
	c.broken = false
	c.end = end
}

func (c *cookieRuns) text(line string) (string, bool) {
	if c.joined == nil {
		return line[c.start:c.end], c.end > 0
	}
	return string(append(c.joined, line[c.start:c.end]...)), true
}

// own returns the index of our cookie that pair holds, or -1, and its value. A pair
// has no blanks in front.
func (j *Jar) own(pair string) (name int, value string) {
	for i, own := range j.names {
		if len(pair) <= len(own) || pair[:len(own)] != own {
			continue
		}
		if rest := trimLeft(pair[len(own):]); rest != "" && rest[0] == '=' {
			return i, trim(rest[1:])
		}
	}
	return -1, ""
}

// trim cuts the optional white space of RFC 9110 section 5.6.3 off both ends.
func trim(s string) string {
	s = trimLeft(s)
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

func trimLeft(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	return s
}

// cutPair splits a Cookie line at its first semicolon. Quotes do not matter:
// browsers end a value at the semicolon whether or not it is quoted.
func cutPair(line string) (pair, rest string) {
	if i := strings.IndexByte(line, ';'); i >= 0 {
		return line[:i], line[i+1:]
	}
	return line, ""
}
