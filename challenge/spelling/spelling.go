// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package spelling lists the ways in which some app might read a path.
//
// A gate judges a path once; the app behind it may judge it again and differ:
// Tomcat drops ";v=1", Windows drops trailing dots and takes "\" for "/", some
// code decodes twice, PHP stopped at NUL. A rule that guards must therefore hit
// when any reading hits ([Any]), and a rule that opens only when every reading is
// open ([All]).
//
// [Fold] takes the readings of readings.go and closes the path over them: every
// form is read again in every way until nothing new appears, so order and
// repetition of the readings need no thought. What it cannot know is what only
// the app's own disk, tables or query know: 8.3 names, symbolic links, homoglyphs
// that a database compares as equal, "/index.php?page=admin".
package spelling

import (
	"slices"
	"strings"
)

const (
	// MaxPath is the longest escaped path, in bytes, that Fold reads.
	MaxPath = 8 << 10
	// MaxForms is the largest number of forms that Fold returns.
	MaxForms = 64
	// MaxTotal is the largest sum of the lengths of these forms, in bytes. It
	// bounds the work that a hostile path can cause.
	MaxTotal = 64 << 10

	maxRawForms = 16
)

// unreadable stands alone for a path with more readings than may be listed. No
// path rule matches it but one that matches every path.
const unreadable = "/\x00"

// Forms are the distinct readings of one path, decoded, each beginning with "/".
// The first is the path as it stands, decoded once. There is always at least one.
type Forms []string

// Unreadable reports that the path was longer than MaxPath or had more readings
// than MaxForms or MaxTotal allow, so that it could not be judged. The only form
// is then "/\x00".
func (f Forms) Unreadable() bool {
	return len(f) == 1 && f[0] == unreadable
}

// Any reports whether match holds for at least one reading: the question to ask
// for a rule that guards. A form that ends in "/" is also tried without it, since
// many apps serve both alike. An unreadable path is always a hit.
func (f Forms) Any(match func(path string) bool) bool {
	if f.Unreadable() {
		return true // what cannot be judged is guarded
	}
	for _, path := range f {
		if hits(path, match) {
			return true
		}
	}
	return false
}

// All reports whether match holds for every reading: the question to ask for a
// rule that opens. An unreadable path never passes, nor does a stepped one.
func (f Forms) All(match func(path string) bool) bool {
	if f.Unreadable() || f.Stepped() {
		return false // what cannot be judged is not public
	}
	for _, path := range f {
		if !match(path) {
			return false
		}
	}
	return len(f) > 0
}

// Stepped reports whether some reading has an empty segment, "." or "..", or the
// path is unreadable. What such a path means depends on who resolves it, and whether
// anybody does: "/admin/../x" may be below /admin yet. A rule that leaves something
// out must not take it at any of its readings.
func (f Forms) Stepped() bool {
	return f.Unreadable() || slices.ContainsFunc(f, stepped)
}

func stepped(path string) bool {
	path = strings.TrimSuffix(path, "/")
	if strings.Contains(path, "//") || strings.Contains(path, "/./") || strings.Contains(path, "/../") {
		return true
	}
	return strings.HasSuffix(path, "/") || strings.HasSuffix(path, "/.") || strings.HasSuffix(path, "/..")
}

func hits(path string, match func(path string) bool) bool {
	if match(path) {
		return true
	}
	bare := strings.TrimSuffix(path, "/")
	return bare != "" && bare != path && match(bare)
}

// Any is Fold(escapedPath).Any(match). A plain path costs no allocation.
func Any(escapedPath string, match func(path string) bool) bool {
	if len(escapedPath) <= MaxPath && Plain(escapedPath) {
		return hits(escapedPath, match)
	}
	return Fold(escapedPath).Any(match)
}

// All is Fold(escapedPath).All(match). A plain path costs no allocation.
func All(escapedPath string, match func(path string) bool) bool {
	if len(escapedPath) <= MaxPath && Plain(escapedPath) {
		return match(escapedPath)
	}
	return Fold(escapedPath).All(match)
}

// Stepped is Fold(escapedPath).Stepped(). A plain path costs no allocation.
func Stepped(escapedPath string) bool {
	if len(escapedPath) <= MaxPath && Plain(escapedPath) {
		return false
	}
	return Fold(escapedPath).Stepped()
}

// plain marks the bytes that every reader takes for themselves: lower-case ASCII
// letters, digits and the RFC 3986 section 3.3 characters of a segment, less
// "%" (escapes), ";" (parameters), "+" (a space to form decoders) and ":"
// (file streams). Slash and dot depend on their neighbours.
var plain = byteSet("abcdefghijklmnopqrstuvwxyz0123456789-_~!$&'()*,=@/.")

// cased adds the letters that are plain to all but those who ignore case.
var cased = byteSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~!$&'()*,=@/.")

func byteSet(members string) *[256]bool {
	set := new([256]bool)
	for _, c := range []byte(members) {
		set[c] = true
	}
	return set
}

// Plain reports whether escapedPath has one reading only, the path itself: it
// begins with "/", holds nothing but plain bytes, no empty segment, no segment that
// ends in a dot or begins with a parenthesis, and no script with more behind it. It
// allocates nothing. Where it is true, Fold returns the path alone.
func Plain(escapedPath string) bool {
	return regular(escapedPath, plain)
}

func regular(path string, allowed *[256]bool) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	last := byte(0)
	for i := range len(path) {
		c := path[i]
		switch {
		case !allowed[c], last == '/' && (c == '/' || c == '('):
			return false
		case c == '/' && (last == '.' || dotted(path[:i]) && isScript(path[:i])):
			return false
		}
		last = c
	}
	return last != '.'
}

// Fold returns every reading of an escaped path, as net/url's EscapedPath gives
// it or as it was sent. Malformed escapes stand for themselves. It never fails:
// see [Forms.Unreadable] for a path that has too many readings.
func Fold(escapedPath string) Forms {
	if len(escapedPath) > MaxPath {
		return Forms{unreadable}
	}
	if Plain(escapedPath) {
		return Forms{escapedPath}
	}
	if regular(escapedPath, cased) {
		return Forms{escapedPath, strings.ToLower(escapedPath)} // spares ordinary file names the search
	}
	raw := search{limit: maxRawForms}
	raw.add(escapedPath)
	decoded := search{limit: MaxForms}
	if !raw.close(rawReadings) || !decoded.decode(raw.forms) || !decoded.close(readings) {
		return Forms{unreadable}
	}
	return decoded.forms
}

// search collects distinct forms within the limits.
type search struct {
	forms Forms
	bytes int
	limit int
}

// decode starts a search with the forms that decoding gives.
func (s *search) decode(raw Forms) bool {
	for _, form := range raw {
		if !s.add(unescape(form)) || !s.add(unescapeWide(form)) || !s.add(unescapeNeeded(form)) {
			return false
		}
	}
	return true
}

// close adds the readings of every form, those it adds included. It reports
// whether all of them fitted.
func (s *search) close(readings []reading) bool {
	for i := 0; i < len(s.forms); i++ {
		for _, read := range readings {
			if !s.add(read(s.forms[i])) {
				return false
			}
		}
	}
	return true
}

// add keeps a form unless it is known, and reports whether there was room.
func (s *search) add(form string) bool {
	if !strings.HasPrefix(form, "/") {
		form = "/" + form
	}
	for _, known := range s.forms {
		if known == form {
			return true
		}
	}
	if len(s.forms) == s.limit || s.bytes+len(form) > MaxTotal {
		return false
	}
	s.bytes += len(form)
	s.forms = append(s.forms, form)
	return true
}
