// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package spelling_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/spelling"
)

// A mutation writes an escaped path in another way, at byte i of it.
type mutation struct {
	name  string
	apply func(p string, i int) string
}

// segmentEnd returns the end of the segment that holds byte i.
func segmentEnd(p string, i int) int {
	if end := strings.IndexByte(p[i:], '/'); i > 0 && end >= 0 {
		return i + end
	}
	return len(p)
}

func insert(p string, i int, s string) string { return p[:i] + s + p[i:] }

// atSegmentEnd, atSlash, onLetter and atEnd say where a mutation takes hold.
func atSegmentEnd(s string) func(string, int) string {
	return func(p string, i int) string { return insert(p, segmentEnd(p, i), s) }
}

func atSlash(s string) func(string, int) string {
	return func(p string, i int) string {
		slash := strings.LastIndexByte(p[:i+1], '/')
		if slash == 0 {
			s = "/" + strings.TrimPrefix(s, "/") // a request's path keeps its root
		}
		return p[:slash] + s + p[slash+1:]
	}
}

func onLetter(format string, shift rune) func(string, int) string {
	return func(p string, i int) string {
		if p[i] < 'a' || p[i] > 'z' || strings.Contains(p[max(0, i-5):i], "%") {
			return p // no letter, or perhaps part of an escape
		}
		return p[:i] + fmt.Sprintf(format, rune(p[i])+shift) + p[i+1:]
	}
}

func atEnd(s string) func(string, int) string {
	return func(p string, _ int) string { return p + s }
}

var mutations = []mutation{
	{"a path parameter", atSegmentEnd(";v=1")},
	{"an escaped path parameter", atSegmentEnd("%3bv=1")},
	{"a dot at the end of a segment", atSegmentEnd(".")},
	{"a space at the end of a segment", atSegmentEnd("%20")},
	{"a zero-width space", atSegmentEnd("%e2%80%8b")},
	{"a NUL within", atSegmentEnd("%00")},
	{"a file stream", atSegmentEnd("::$INDEX_ALLOCATION")},
	{"a doubled slash", atSlash("//")},
	{"a dot segment", atSlash("/./")},
	{"an escaped dot segment", atSlash("/%2e/")},
	{"a way round", atSlash("/public/../")},
	{"an escaped way round", atSlash("/public/%2e%2e/")},
	{"a way round with an escaped slash", atSlash("/public/..%2f")},
	{"a way round with a parameter", atSlash("/public/..;/")},
	{"a way round escaped twice", atSlash("/public/%252e%252e/")},
	{"an escaped slash", atSlash("%2f")},
	{"a slash escaped twice", atSlash("%252f")},
	{"a slash escaped thrice", atSlash("%25252f")},
	{"an escaped backslash", atSlash("%5c")},
	{"a backslash", atSlash(`\`)},
	{"a wide escape of a slash", atSlash("%u002f")},
	{"an overlong slash", atSlash("%c0%af")},
	{"a longer overlong slash", atSlash("%e0%80%af")},
	{"an overlong backslash", atSlash("%c1%9c")},
	{"a full-width slash", atSlash("%ef%bc%8f")},
	{"a capital", onLetter("%c", 'A'-'a')},
	{"an escaped letter", onLetter("%%%02x", 0)},
	{"a letter escaped twice", onLetter("%%25%02x", 0)},
	{"a wide escape of a letter", onLetter("%%u%04x", 0)},
	{"a full-width letter", onLetter("%c", 0xff41-'a')},
	{"an escaped question mark", atEnd("%3fx")},
	{"an escaped hash", atEnd("%23x")},
	{"a NUL and a suffix", atEnd("%00.png")},
}

// TestPTH03EveryReadingIsAmongTheForms: whatever a server makes of a mutated
// path, the gate has judged just that. Three mutations at a time at most; what
// has more may be unreadable, which guards as well.
func TestPTH03EveryReadingIsAmongTheForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := "/admin/x"
		for range rapid.IntRange(1, 3).Draw(t, "mutations") {
			m := rapid.SampledFrom(mutations).Draw(t, "mutation")
			p = m.apply(p, rapid.IntRange(0, len(p)-1).Draw(t, "place"))
		}
		forms := spelling.Fold(p)
		for name, normalise := range normalisers {
			want := normalise(p)
			if want != "" && !forms.Any(func(form string) bool { return form == want }) {
				t.Fatalf("%s reads %q as %q, which is not among %q", name, p, want, forms)
			}
		}
	})
}

// TestPTH03AnyTwoOdditiesStayReadable keeps the test above honest: a limit low
// enough to call everything unreadable would pass it. So does the fully folded
// form: it must be there, whatever two oddities meet.
func TestPTH03AnyTwoOdditiesStayReadable(t *testing.T) {
	for _, first := range mutations {
		for _, second := range mutations {
			p := second.apply(first.apply("/admin/x", 2), 3)
			forms := spelling.Fold(p)
			if forms.Unreadable() {
				t.Errorf("%s, then %s: %q is unreadable", first.name, second.name, p)
			}
			guarded := func(form string) bool { return form == "/admin/x" || form == "/admin" }
			if !forms.Any(guarded) {
				t.Errorf("%s, then %s: %q is never read as /admin/x: %q", first.name, second.name, p, forms)
			}
		}
	}
}

// TestPTH03WhatCaddyLetsBy are the spellings that a path matcher of Caddy's alone
// was seen to let through to the app.
func TestPTH03WhatCaddyLetsBy(t *testing.T) {
	for _, p := range []string{
		"/admin;v=1/x", "/admin%3bv=1/x", "/%5cadmin/x", `/\admin/x`, "/admin./x", "/admin%20/x",
		"/public/%252e%252e/admin/x", "/admin%00/x", "/admin%23/x", "/admin%3f/x",
		"/%EF%BD%81dmin/x", "/\uff41dmin/x", "/adm%E2%80%8Bin/x", "/%41dmin/x", "/aDmIn%2fx",
		"/..%c0%afadmin/x", "/%u0061dmin/x", "/x/..%5c..%5cadmin", "/a\u0131/../adm\u0131n/x",
	} {
		guarded := func(form string) bool { return form == "/admin" || strings.HasPrefix(form, "/admin/") }
		if forms := spelling.Fold(p); forms.Unreadable() || !forms.Any(guarded) {
			t.Errorf("%q is never read as /admin: %q", p, forms)
		}
	}
}

// TestPTH02APublicRuleNeedsEveryReading: where all forms lie under /public, no
// server reads the path as anything else.
func TestPTH02APublicRuleNeedsEveryReading(t *testing.T) {
	public := func(form string) bool { return strings.HasPrefix(form, "/public/") }
	rapid.Check(t, func(t *rapid.T) {
		p := "/public/x/admin"
		for range rapid.IntRange(1, 4).Draw(t, "mutations") {
			m := rapid.SampledFrom(mutations).Draw(t, "mutation")
			p = m.apply(p, rapid.IntRange(0, len(p)-1).Draw(t, "place"))
		}
		if !spelling.Fold(p).All(public) {
			return
		}
		for name, normalise := range normalisers {
			if got := normalise(p); got != "" && !public(got+"/") {
				t.Fatalf("%s reads %q as %q, yet it counts as public: %q", name, p, got, spelling.Fold(p))
			}
		}
	})
}

func TestPTH02OddPathsAreNotPublic(t *testing.T) {
	public := func(form string) bool { return strings.HasPrefix(form, "/public/") }
	for _, p := range []string{
		"/public/../admin/x", "/public/%2e%2e/admin/x", "/public/..%2fadmin/x", "/public/..%5cadmin/x",
		"/public/..;/admin/x", "/public/%252e%252e/admin/x", "/public/.%00./admin", "/public/%u002e./admin",
		"/public/.%E2%80%8B./admin", "/public/..%c0%afadmin", "/public/\u2025/admin", "/public/.. /admin",
		"/public%23/x", "/public%3f/../x", "/public%00/x", "/public;/../x",
		strings.Repeat("/public/", spelling.MaxPath/8) + "/x",
	} {
		if forms := spelling.Fold(p); forms.All(public) {
			t.Errorf("%q counts as public: %q", p, forms)
		}
	}
}
