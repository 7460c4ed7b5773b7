// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const (
	// MaxCookies is how many names a Jar reads.
	MaxCookies = 5
	// MaxValues is how many different values of one cookie are kept.
	MaxValues = 4
	// maxCuts is how many cookies of ours are remembered by their places.
	maxCuts = 8
)

// A Jar finds the gate's own cookies in requests, by exact name: browsers compare
// names exactly, so __HOST-x is somebody else's cookie. It is safe for concurrent
// use.
type Jar struct {
	names []string // those that are read come first
	read  int
	first [256]bool // bytes with which one of the names begins
}

// NewJar returns a Jar for at most MaxCookies names. It panics if there are more,
// since the names come from the gate and not from its operator.
func NewJar(names ...string) *Jar { return NewJarOf(names, nil) }

// NewJarOf returns a Jar that reads cookies of some names and takes those of others
// out with them.
func NewJarOf(read, others []string) *Jar {
	if len(read) > MaxCookies {
		panic("upstream: too many cookie names")
	}
	j := &Jar{names: slices.Concat(read, others), read: len(read)}
	for _, name := range j.names {
		j.first[name[0]] = true
	}
	return j
}

// Found holds the values of the gate's cookies in one request, and where they are.
type Found struct {
	values [MaxCookies][MaxValues]string
	counts [MaxCookies]int // MaxValues+1: too many to tell which is whose

	line  string // in which they are; empty where there are several lines
	cuts  [maxCuts]cut
	ncuts int // maxCuts+1: more than are remembered
}

// A cut is where a cookie of ours stands in a line, up to its semicolon.
type cut struct{ start, end int }

// Values returns the different values of the cookie with the given index in the
// names of the Jar, in the order in which they came, as raw text between "=" and
// ";". A cookie with more than MaxValues different values has none: they cannot all
// be tried, and a value planted by a neighbouring site must not win by its place.
// The slice is valid as long as f is. Nil has found nothing.
func (f *Found) Values(name int) []string {
	if f == nil || f.counts[name] > MaxValues {
		return nil
	}
	return f.values[name][:f.counts[name]]
}

// Clear makes f ready for another request. It leaves alone what was not used.
func (f *Found) Clear() {
	if f == nil {
		return
	}
	for i, n := range f.counts {
		if n > 0 {
			clear(f.values[i][:min(n, MaxValues)])
		}
	}
	f.counts, f.line, f.ncuts = [MaxCookies]int{}, "", 0
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

func (f *Found) mark(start, end int) {
	if f.ncuts < maxCuts {
		f.cuts[f.ncuts] = cut{start, end}
	}
	f.ncuts = min(f.ncuts, maxCuts) + 1
}

// Read returns the values of the gate's cookies in all Cookie lines of h. It
// changes nothing and allocates nothing.
func (j *Jar) Read(h http.Header) (found Found) {
	j.Find(h["Cookie"], &found)
	return found
}

// Find is Read for Cookie lines alone. It fills in found, which has to be clear.
func (j *Jar) Find(lines []string, found *Found) {
	if len(lines) == 1 {
		found.line = lines[0]
	}
	for _, line := range lines {
		for start := 0; start < len(line); {
			end := pairEnd(line, start)
			if name, value := j.own(trimLeft(line[start:end])); name >= 0 {
				found.mark(start, end)
				j.keep(found, name, value)
			}
			start = end + 1
		}
	}
}

// keep keeps a value of a cookie that is not only taken out.
func (j *Jar) keep(found *Found, name int, value string) {
	if name < j.read {
		found.add(name, value)
	}
}

// Remove takes the gate's cookies out of h, so that the app never holds what opens
// the door. All others stay, byte for byte and in order. It allocates only, once in
// many requests, room for lines in which a cookie of ours stands between others.
func (j *Jar) Remove(h http.Header) {
	lines := h["Cookie"]
	kept := lines[:0]
	for _, line := range lines {
		var found Found
		j.Find([]string{line}, &found)
		if rest, some := j.without(line, &found); some {
			kept = append(kept, rest)
		}
	}
	switch {
	case len(kept) == len(lines):
	case len(kept) == 0:
		delete(h, "Cookie")
	default:
		h["Cookie"] = kept
	}
}

// RemoveFound is Remove for a header whose cookies were found before. Where it has
// changed since, it is read anew.
func (j *Jar) RemoveFound(h http.Header, found *Found) {
	lines := h["Cookie"]
	if found == nil || len(lines) != 1 || found.line != lines[0] { // a comparison of pointers, where they are the same
		j.Remove(h)
		return
	}
	if rest, some := j.without(lines[0], found); some {
		lines[0] = rest
	} else {
		delete(h, "Cookie")
	}
}

// without returns line less our cookies, and whether there is a line left.
func (j *Jar) without(line string, found *Found) (rest string, some bool) {
	switch {
	case found.ncuts == 0:
		return line, true
	case found.ncuts > maxCuts:
		return j.withoutMany(line)
	}
	var runs cookieRuns
	start := 0
	for _, c := range found.cuts[:found.ncuts] {
		runs.keep(line, start, c.start)
		start = c.end + 1
	}
	runs.keep(line, start, len(line))
	return runs.text(line)
}

// withoutMany is without for more cookies of ours than any browser has.
func (j *Jar) withoutMany(line string) (rest string, some bool) {
	var runs cookieRuns
	from := 0
	for start := 0; start < len(line); {
		end := pairEnd(line, start)
		if name, _ := j.own(trimLeft(line[start:end])); name >= 0 {
			runs.keep(line, from, start)
			from = end + 1
		}
		start = end + 1
	}
	runs.keep(line, from, len(line))
	return runs.text(line)
}

// cookieRuns gathers the parts of a line that stay. One part is a substring; only a
// second one needs memory of its own.
type cookieRuns struct {
	joined     *strings.Builder // of texts; this one begins at from
	from       int
	start, end int // of the last part
}

// keep adds the part from start to end, if there is any cookie in it.
func (c *cookieRuns) keep(line string, start, end int) {
	for start < end && (line[start] == ';' || space(line[start])) {
		start++
	}
	for end > start && line[lastOf(line, start, end)] == ';' {
		end = lastOf(line, start, end)
	}
	if start >= end {
		return
	}
	if c.end > 0 {
		if c.joined == nil {
			c.joined = roomFor(len(line))
			c.from = c.joined.Len()
		}
		c.join(line)
		c.joined.WriteString("; ")
	}
	c.start, c.end = start, end
}

func (c *cookieRuns) join(line string) { c.joined.WriteString(line[c.start:c.end]) }

func (c *cookieRuns) text(line string) (string, bool) {
	if c.joined == nil {
		return line[c.start:c.end], c.end > 0
	}
	c.join(line)
	text := c.joined.String()[c.from:]
	texts.Put(c.joined)
	return text, true
}

// lastOf is the last place of a part that holds no blank.
func lastOf(line string, start, end int) int {
	for end-1 > start && space(line[end-1]) {
		end--
	}
	return end - 1
}

// texts are builders that many requests append to. What was written for one is never
// written again, so that a string of it stays what it is.
var texts = sync.Pool{New: func() any { return new(strings.Builder) }}

// textsAtOnce is how many bytes are asked for at once: as many as memory is handed
// out for without asking all cores.
const textsAtOnce = 32 << 10

// roomFor takes a builder out of texts that has room for n bytes.
func roomFor(n int) *strings.Builder {
	b := texts.Get().(*strings.Builder)
	if b.Cap()-b.Len() < n {
		b.Reset()
		b.Grow(max(n, textsAtOnce))
	}
	return b
}

// pairEnd is where the pair that begins at start ends: at the first semicolon. Quotes
// do not matter: browsers end a value there whether or not it is quoted.
func pairEnd(line string, start int) int {
	if i := strings.IndexByte(line[start:], ';'); i >= 0 {
		return start + i
	}
	return len(line)
}

// own returns the index of our cookie that pair holds, or -1, and its value. A pair
// has no blanks in front.
func (j *Jar) own(pair string) (name int, value string) {
	if pair == "" || !j.first[pair[0]] {
		return -1, ""
	}
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
	for s != "" && space(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func trimLeft(s string) string {
	for s != "" && space(s[0]) {
		s = s[1:]
	}
	return s
}

func space(c byte) bool { return c == ' ' || c == '\t' }
