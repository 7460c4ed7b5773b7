// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package spelling_test

import (
	"fmt"
	"path"
	"slices"
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

// atSegmentEnd, atSlash, anywhere, onLetter and atEnd say where a mutation takes hold.
func atSegmentEnd(s string) func(string, int) string {
	return func(p string, i int) string { return insert(p, segmentEnd(p, i), s) }
}

func atSlash(s string) func(string, int) string {
	return func(p string, i int) string {
		slash := strings.LastIndexByte(p[:i+1], '/')
		if slash == 0 {
			return "/" + strings.TrimPrefix(s, "/") + p[1:] // a request's path keeps its root
		}
		return p[:slash] + s + p[slash+1:]
	}
}

func anywhere(s string) func(string, int) string {
	return func(p string, i int) string { return insert(p, max(i, 1), s) }
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
	{"a space in front of a segment", atSlash("/%20")},
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
	{"a way round in full width", atSlash("/public/%ef%bc%8e%ef%bc%8e/")},
	{"a way up that is dropped", atSlash("/../")},
	{"three dots", atSlash("/.../")},
	{"an escaped slash", atSlash("%2f")},
	{"a slash escaped twice", atSlash("%252f")},
	{"a slash escaped thrice", atSlash("%25252f")},
	{"an escaped backslash", atSlash("%5c")},
	{"a backslash", atSlash(`\`)},
	{"a wide escape of a slash", atSlash("%u002f")},
	{"a wide escape of a full-width slash", atSlash("%uff0f")},
	{"a wide escape of a division slash", atSlash("%u2215")},
	{"an overlong slash", atSlash("%c0%af")},
	{"a longer overlong slash", atSlash("%e0%80%af")},
	{"an overlong backslash", atSlash("%c1%9c")},
	{"a full-width slash", atSlash("%ef%bc%8f")},
	{"a capital", onLetter("%c", 'A'-'a')},
	{"an escaped letter", onLetter("%%%02x", 0)},
	{"a letter escaped twice", onLetter("%%25%02x", 0)},
	{"a wide escape of a letter", onLetter("%%u%04x", 0)},
	{"a full-width letter", onLetter("%c", 0xff41-'a')},
	{"a script", atSlash("/index.php/")},
	{"a script in capitals", atSlash("/INDEX%2ePHP/")},
	{"a ticket", atSlash("/(S(x))/")},
	{"a line break at the end", atEnd("%0a")},
	{"an escaped question mark", atEnd("%3fx")},
	{"an escaped hash", atEnd("%23x")},
	{"a NUL and a suffix", atEnd("%00.png")},
}

// within are mutations that may tear a name, an escape or a character apart, so that
// nobody reads the path as what it was. Some reader may all the same.
var within = []mutation{
	{"a soft hyphen", anywhere("%c2%ad")},
	{"a NUL", anywhere("%00")},
	{"a way up that a filter drops", anywhere("../")},
	{"a way up that a filter makes", atSlash("/public/....//")},
	{"a ticket", anywhere("/(S(x)F(y))")},
	{"an escaped percent sign", anywhere("%25")},
}

// mutated writes a path in another way, by up to most mutations.
func mutated(t *rapid.T, p string, most int) string {
	all := slices.Concat(mutations, within)
	for range rapid.IntRange(1, most).Draw(t, "mutations") {
		m := rapid.SampledFrom(all).Draw(t, "mutation")
		p = m.apply(p, rapid.IntRange(0, len(p)-1).Draw(t, "place"))
	}
	return p
}

// below returns the question whether a path is root or below it. Case does not
// matter to Caddy's path matcher, nor should it to who writes a rule.
func below(root string) func(string) bool {
	return func(p string) bool { return strings.HasPrefix(strings.ToLower(p)+"/", root+"/") }
}

// resolving is a rule as Caddy's path matcher applies it: to what is left when
// slashes are merged and dots resolved.
func resolving(rule func(string) bool) func(string) bool {
	return func(p string) bool { return rule(path.Clean(p)) }
}

// TestPTH03WhatAnyServerReadsAsSensitiveIsGuarded: whatever a server makes of a
// mutated path, a rule for what it reads has hit, whether the rule resolves dots or
// not. What has too many readings is guarded as well.
func TestPTH03WhatAnyServerReadsAsSensitiveIsGuarded(t *testing.T) {
	readers := readers()
	for _, root := range []string{"/admin", "/app/admin", "/admin.php"} {
		t.Run(root, func(t *testing.T) {
			sensitive := below(root)
			rapid.Check(t, func(t *rapid.T) {
				raw := mutated(t, root+"/x", 4)
				if spelling.Any(raw, sensitive) && spelling.Any(raw, resolving(sensitive)) {
					return
				}
				for name, read := range readers {
					if got, ok := read(raw); ok && sensitive(got) {
						t.Fatalf("%s reads %q as %q, which is not among %q", name, raw, got, spelling.Fold(raw))
					}
				}
			})
		})
	}
}

// TestPTH03EveryReadingIsAmongTheForms: a rule may be of any shape, so it is not
// enough that some form lies at the same place.
func TestPTH03EveryReadingIsAmongTheForms(t *testing.T) {
	readers := readers()
	// These take half of a step that Fold takes as a whole, as all of Windows does.
	for _, partial := range []string{
		"an app that decodes nothing", "an app that knows Unicode", "Spring that trims names", "Tomcat that hands escaped slashes on", "a front controller that trims",
		"a front controller with a pattern that ends in $", "a front controller that drops dots",
	} {
		delete(readers, partial)
	}
	for name := range windowsReaders {
		delete(readers, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		raw := mutated(t, "/admin/x", 3)
		forms := spelling.Fold(raw)
		for name, read := range readers {
			got, ok := read(raw)
			if ok && !forms.Any(func(form string) bool { return form == got }) {
				t.Fatalf("%s reads %q as %q, which is not among %q", name, raw, got, forms)
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

// TestPTH02APublicRuleNeedsEveryReading: a path that is open in all forms
// is nowhere else to any server.
func TestPTH02APublicRuleNeedsEveryReading(t *testing.T) {
	public, readers := below("/public"), readers()
	rapid.Check(t, func(t *rapid.T) {
		raw := mutated(t, "/public/x/admin", 4)
		if !spelling.All(raw, resolving(public)) {
			return
		}
		for name, read := range readers {
			if got, ok := read(raw); ok && !public(got) {
				t.Fatalf("%s reads %q as %q, yet it counts as public: %q", name, raw, got, spelling.Fold(raw))
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
