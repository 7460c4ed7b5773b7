// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package spelling

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A reading is one step that some app takes before it looks at a path. It
// returns its argument where it has nothing to do.
type reading func(path string) string

// rawReadings happen before decoding too. They matter where an escaped slash is
// no separator yet: "/a%2fb/../c" is "/c" to who resolves first, "/a/c" to who
// decodes first.
var rawReadings = []reading{
	unescapeUnreserved,
	cutParameters,
	backslashes,
	mergeSlashes,
	resolve,
	resolveBare,
	dropScript,
}

// readings are all steps of a decoded path. Decoding is among them: decoding
// until nothing changes covers the apps that decode twice or three times.
var readings = []reading{
	unescape,
	unescapeWide,
	overlong,
	plusSpaces,
	cutParameters,
	backslashes,
	mergeSlashes,
	resolve,
	resolveBare,
	dropUps,
	trimSegments,
	trimSpaces,
	dotHollow,
	emptyHollow,
	cutStreams,
	cutPathInfo,
	dropScript,
	dropTicket,
	cutNUL,
	dropNUL,
	cutQuery,
	cutFragment,
	compatible,
	visible,
	foldCase,
}

// cutParameters drops ";name=value" from every segment, as Tomcat and Spring do.
func cutParameters(path string) string {
	if strings.IndexByte(path, ';') < 0 {
		return path
	}
	return segments(path, func(segment string) string {
		segment, _, _ = strings.Cut(segment, ";")
		return segment
	})
}

// backslashes reads "\" as a separator, as Windows and browsers do.
func backslashes(path string) string {
	return strings.ReplaceAll(path, "\\", "/")
}

// plusSpaces reads "+" as a space: form decoding applied to a path.
func plusSpaces(path string) string {
	return strings.ReplaceAll(path, "+", " ")
}

// mergeSlashes makes one slash of several, as nginx and file systems do.
func mergeSlashes(path string) string {
	if !strings.Contains(path, "//") {
		return path
	}
	merged := make([]byte, 0, len(path))
	for i := range len(path) {
		if path[i] != '/' || i == 0 || path[i-1] != '/' {
			merged = append(merged, path[i])
		}
	}
	return string(merged)
}

// resolve removes "." and ".." as RFC 3986 section 5.2.4 does: an empty segment
// counts as one, and a dot segment at the end leaves a slash.
func resolve(path string) string {
	return removeDots(path, true)
}

// resolveBare is resolve without the slash that a dot segment at the end leaves,
// as path.Clean and file systems read it.
func resolveBare(path string) string {
	return removeDots(path, false)
}

func removeDots(path string, slash bool) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	kept, found, dots := make([]string, 0, 16), false, false
	for segment := range strings.SplitSeq(path[1:], "/") {
		dots = segment == "." || segment == ".."
		found = found || dots
		switch {
		case !dots:
			kept = append(kept, segment)
		case segment == ".." && len(kept) > 0:
			kept = kept[:len(kept)-1]
		}
	}
	if !found {
		return path
	}
	if dots && slash {
		kept = append(kept, "")
	}
	return "/" + strings.Join(kept, "/")
}

// dropUps leaves "../" out instead of following it, as filters do that mean to keep
// a path from climbing. Without it, a rule that resolves dots itself would not know
// that "/admin/../x" goes to /admin where nobody else resolves them.
func dropUps(path string) string {
	if strings.HasSuffix(path, "/..") {
		path = path[:len(path)-2]
	}
	return strings.ReplaceAll(path, "../", "")
}

// trimSegments drops dots and spaces at the end of names, as Windows does.
func trimSegments(path string) string {
	return hollowEnds(path, func(segment string) string {
		if name := strings.TrimRight(segment, ". "); name != "" {
			return name
		}
		return segment
	})
}

// trimSpaces drops spaces around names, as Spring did (CVE-2016-5007).
func trimSpaces(path string) string {
	if strings.Contains(path, " /") || strings.Contains(path, "/ ") || strings.HasSuffix(path, " ") {
		return segments(path, func(segment string) string { return strings.Trim(segment, " ") })
	}
	return path
}

// dotHollow reads a segment of dots and spaces alone as the "." or ".." that it
// begins with: what some Windows functions make of ".. " and others of "...".
func dotHollow(path string) string {
	return hollowEnds(path, func(segment string) string {
		switch {
		case !hollow(segment):
			return segment
		case strings.HasPrefix(segment, ".."):
			return ".."
		case segment[0] == '.':
			return "."
		}
		return segment
	})
}

// emptyHollow reads a segment of dots and spaces alone as empty: what other
// Windows functions make of them.
func emptyHollow(path string) string {
	return hollowEnds(path, func(segment string) string {
		if hollow(segment) {
			return ""
		}
		return segment
	})
}

// hollow reports whether segment is made of dots and spaces and is neither empty
// nor a dot segment.
func hollow(segment string) bool {
	return segment != "" && segment != "." && segment != ".." && strings.Trim(segment, ". ") == ""
}

// hollowEnds is segments for paths that have a segment ending in a dot or space.
func hollowEnds(path string, edit func(segment string) string) string {
	if strings.Contains(path, "./") || strings.Contains(path, " /") ||
		strings.HasSuffix(path, ".") || strings.HasSuffix(path, " ") {
		return segments(path, edit)
	}
	return path
}

// cutStreams drops NTFS stream names: "/admin::$INDEX_ALLOCATION/x" is /admin/x.
func cutStreams(path string) string {
	if strings.IndexByte(path, ':') < 0 {
		return path
	}
	return segments(path, func(segment string) string {
		if name, stream, _ := strings.Cut(segment, ":"); strings.Contains(stream, "$") {
			return name
		}
		return segment
	})
}

// segments applies edit, which may only shorten, to what stands between slashes.
func segments(path string, edit func(segment string) string) string {
	edited := make([]byte, 0, len(path))
	for segment := range strings.SplitSeq(path[1:], "/") {
		edited = append(edited, '/')
		edited = append(edited, edit(segment)...)
	}
	if len(edited) == len(path) {
		return path
	}
	return string(edited)
}

// cutNUL ends the path at NUL, as everything that hands it to C does.
func cutNUL(path string) string { return before(path, 0) }

// dropNUL leaves NUL out, as filters do that mean to protect such code.
func dropNUL(path string) string { return strings.ReplaceAll(path, "\x00", "") }

// cutQuery ends the path at a "?" that was escaped.
func cutQuery(path string) string { return before(path, '?') }

// cutFragment ends the path at a "#" that was escaped.
func cutFragment(path string) string { return before(path, '#') }

func before(path string, end byte) string {
	if i := strings.IndexByte(path, end); i >= 0 {
		return path[:i]
	}
	return path
}

// bestFit holds what code pages make of characters that NFKC leaves alone: the
// slashes of mathematics, and the currency signs that sit in the place of "\".
var bestFit = strings.NewReplacer(
	"\u2044", "/", "\u2215", "/", "\u29f8", "/",
	"\u2216", "\\", "\u29f5", "\\", "\u29f9", "\\", "\u00a5", "\\", "\u20a9", "\\",
)

// compatible reads full-width and other compatibility letters as plain ones.
func compatible(path string) string {
	if printable(path) {
		return path
	}
	return norm.NFKC.String(bestFit.Replace(path))
}

// visible drops what is not seen: control characters but NUL, format characters
// such as zero-width spaces, variation selectors, broken UTF-8.
func visible(path string) string {
	if printable(path) {
		return path
	}
	var kept []byte
	last := 0
	for i := 0; i < len(path); {
		r, size := utf8.DecodeRuneInString(path[i:])
		if invisible(r, size) {
			kept = append(kept, path[last:i]...)
			last = i + size
		}
		i += size
	}
	if last == 0 {
		return path
	}
	return string(append(kept, path[last:]...))
}

func invisible(r rune, size int) bool {
	if r < utf8.RuneSelf {
		return r < ' ' && r != 0 || r == 0x7f
	}
	return r == utf8.RuneError && size == 1 ||
		unicode.In(r, unicode.Cc, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// foldCase lowers letters by way of their capital, so that the dotless i and the
// long s become what a comparison without case takes them for.
func foldCase(path string) string {
	return strings.Map(func(r rune) rune {
		return unicode.ToLower(unicode.ToUpper(r))
	}, path)
}

// printable reports whether path is visible ASCII throughout.
func printable(path string) bool {
	for i := range len(path) {
		if path[i] < ' ' || path[i] >= 0x7f {
			return false
		}
	}
	return true
}
