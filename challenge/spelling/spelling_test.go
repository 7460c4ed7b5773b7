// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package spelling_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/spelling"
)

func TestFoldListsEachReadingOnce(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		want       spelling.Forms
	}{
		{"a plain path has itself", "/reports/2026/q1.pdf", spelling.Forms{"/reports/2026/q1.pdf"}},
		{"the root has itself", "/", spelling.Forms{"/"}},
		{"an empty path is the root", "", spelling.Forms{"/"}},
		{"an asterisk is rooted", "*", spelling.Forms{"/*"}},
		{"a percent sign alone is itself", "/files/50%.pdf", spelling.Forms{"/files/50%.pdf"}},
		{"half an escape is itself", "/files/%4", spelling.Forms{"/files/%4"}},
		{"half a wide escape is itself", "/files/%u00", spelling.Forms{"/files/%u00"}},
		{"a space is decoded", "/files/a%20b.pdf", spelling.Forms{"/files/a b.pdf"}},
		{"a space may come as it is", "/files/a b.pdf", spelling.Forms{"/files/a b.pdf"}},
		{"an escaped slash separates or not", "/group%2fproject", spelling.Forms{"/group/project", "/group%2fproject"}},
		{"a letter that is escaped is one or not", "/%61b", spelling.Forms{"/ab", "/%61b"}},
		{"a tilde is often escaped", "/%7Ealice", spelling.Forms{"/~alice"}},
		{"a script may end the path or stay out of it", "/a/b.php/c", spelling.Forms{"/a/b.php/c", "/a/b.php", "/a/c"}},
		{"a script is one in capitals", "/a/B.PHP/c", spelling.Forms{"/a/B.PHP/c", "/a/B.PHP", "/a/c", "/a/b.php/c", "/a/b.php"}},
		{"a script at the end is a file", "/a/b.php", spelling.Forms{"/a/b.php"}},
		{"a folder may be called much like a script", "/aphp/c.php5/d.phps/e", spelling.Forms{"/aphp/c.php5/d.phps/e"}},
		{"a ticket is left out", "/a/(S(x)F(y))/b", spelling.Forms{"/a/(S(x)F(y))/b", "/a/b", "/a/(s(x)f(y))/b"}},
		{"a name in parentheses is no ticket", "/a/(b)/c", spelling.Forms{"/a/(b)/c"}},
		{"spaces around a name are dropped", "/%20a%20/b", spelling.Forms{"/ a /b", "/ a/b", "/a/b"}},
		{"case is also ignored", "/Docs/A", spelling.Forms{"/Docs/A", "/docs/a"}},
		{"a parameter is also cut", "/a;v=1/b", spelling.Forms{"/a;v=1/b", "/a/b"}},
		{"dots at the end leave a slash or none", "/a/b/.", spelling.Forms{"/a/b/.", "/a/b/", "/a/b"}},
		{"a step up is taken or left out", "/a/b/..", spelling.Forms{"/a/b/..", "/a/b/", "/a/", "/a"}},
		{"an escaped slash is passed over before or after decoding", "/a%2fb/../c", spelling.Forms{"/a/b/../c", "/c", "/a/c", "/a%2fb/../c", "/a%2fb/c", "/a/b/c"}},
		{"an empty segment counts or not", "/a//../b", spelling.Forms{"/a//../b", "/b", "/a/b", "/a/../b", "/a//b"}},
		{"NUL ends a path or is left out", "/a%00/b", spelling.Forms{"/a\x00/b", "/a", "/a/b"}},
		{"three dots are a name, two or none", "/a/.../b", spelling.Forms{"/a/.../b", "/a/../b", "/a//b", "/b", "/a/b", "/a/.b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(sorted(tt.want), sorted(spelling.Fold(tt.path))); diff != "" {
				t.Errorf("Fold(%q) (-want +got):\n%s", tt.path, diff)
			}
			if got := spelling.Fold(tt.path)[0]; got != tt.want[0] {
				t.Errorf("the first form is %q, want the path as it stands, %q", got, tt.want[0])
			}
		})
	}
}

// TestFoldKnowsTheOrderOfSteps: an escaped slash is no separator to who resolves
// dots first, and each step before decoding may prepare the next.
func TestFoldKnowsTheOrderOfSteps(t *testing.T) {
	for _, tt := range []struct{ name, path, want string }{
		{"dots after decoding", "/a%2fb/../c", "/a/c"},
		{"dots before decoding", "/a%2fb/../c", "/c"},
		{"escaped dots before other escapes", "/a%2fb/%2e%2e/c", "/c"},
		{"parameters, then dots, then escapes", "/a%2fb/..;v=1/c", "/c"},
		{"backslashes, then dots, then escapes", `/a%2fb\..\c`, "/c"},
		{"merged slashes, then dots, then escapes", "/a%2fb//../c", "/c"},
		{"dots at the end before escapes, with a slash", "/x/a%2fb/..", "/x/"},
		{"dots at the end before escapes, without", "/x/a%2fb/..", "/x"},
		{"parameters before an escaped semicolon", "/a%3bb;c/d", "/a;b/d"},
		{"backslashes before an escaped one", `/a%5cb\c`, `/a\b/c`},
		{"dots before escaped ones, and those once", "/%252e/%2e/b/../c", "/%2e/./c"},
		{"dots at the end before escaped ones", "/%252e/%2e/b/..", "/%2e/."},
		{"merged slashes before escaped ones, and those once", "/%252f%2f//a", "/%2f//a"},
		{"a script before an escaped one, and that once", "/%252f%2ephp/a.php/b", "/%2f.php/b"},
		{"escapes, then wide escapes", "/%25u0061", "/a"},
		{"escapes, then plus signs", "/a%2bb", "/a b"},
		{"three times escapes, then parameters", "/a%25253bx/b", "/a/b"},
		{"full-width letters, then escapes", "/%EF%BC%8561dmin", "/admin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := spelling.Fold(tt.path); !slices.Contains(got, tt.want) {
				t.Errorf("Fold(%q) = %q, want %q among them", tt.path, got, tt.want)
			}
		})
	}
}

// TestOrdinaryFilesStayPublic: a folding that is too eager locks the public out
// of files with a percent sign, a space, an accent or several dots in the name.
func TestOrdinaryFilesStayPublic(t *testing.T) {
	public := func(form string) bool { return strings.HasPrefix(strings.ToLower(form), "/files/") }
	for _, p := range []string{
		"/files/50%.pdf", "/files/50%25.pdf", "/files/a b.pdf", "/files/a%20b.pdf", "/files/C++.txt", "/files/v1..2.zip",
		"/files/R%C3%A9sum%C3%A9.pdf", "/files/%E6%97%A5%E6%9C%AC.txt", "/files/%C2%BD.pdf", "/files/a;b.txt", "/Files/A,B@2x.PNG",
		"/files/.well-known", "/files/x:y", "/files/etc...", "/files/100%25%20sure%3F.txt", "/files/a%2fb", "/files/%F0%9F%98%80.png",
		"/files/C%23%20%26%20%C3%89t%C3%A9;%20Vol.%201:%20A%2FB%3F.PDF", "/files/index.php/Readme.txt", "/files/A%20.%20B/%20x",
	} {
		if forms := spelling.Fold(p); !forms.All(public) {
			t.Errorf("%q is not under /files/ in every form: %q", p, forms)
		}
	}
}

func TestPlainPathsNeedNoFolding(t *testing.T) {
	for _, p := range []string{
		"/", "/a", "/a/", "/a/b.c", "/.well-known/x", "/a..b", "/~alice/x-y_z", "/@vite/client", "/a=b,c&d(e)*'f'!$",
		"/a.php", "/aphp/b", "/x.php5/b",
	} {
		if !spelling.Plain(p) {
			t.Errorf("Plain(%q) = false", p)
		}
	}
	for _, p := range []string{
		"", "a", "*", "//", "/a//b", "/.", "/..", "/a/.", "/a/../b", "/a.", "/a./b", "/A", "/a%20", "/a b", "/a;b",
		"/a.php/b", "/a.php/", "/a.aspx/b", "/(s(a))/b", "/a+b", "/a:b", `/a\b`, "/a?b", "/a#b", "/\u00e9", "/a\x00", "/a\x7f",
	} {
		if spelling.Plain(p) {
			t.Errorf("Plain(%q) = true", p)
		}
	}
}

func TestPlainPathsAllocateNothing(t *testing.T) {
	const path, other = "/api/v1/projects/door/app.min.js", "/admin"
	allocs := testing.AllocsPerRun(100, func() {
		match := func(p string) bool { return p == other }
		if !spelling.Plain(path) || spelling.Any(path, match) || spelling.All(path, match) || spelling.Stepped(path) {
			t.Error("a plain path is not judged as it stands")
		}
	})
	if allocs != 0 {
		t.Errorf("judging a plain path allocates %v times", allocs)
	}
}

// TestASlashAtTheEndDoesNotLeaveTheGuard: most frameworks serve /admin/ as
// /admin. To open a path its slash counts as it stands.
func TestASlashAtTheEndDoesNotLeaveTheGuard(t *testing.T) {
	exact := func(p string) bool { return p == "/admin" }
	for _, p := range []string{"/admin", "/admin/", "/admin/.", "/Admin/", "/admin/%00/x", "/admin//"} {
		if !spelling.Any(p, exact) || !spelling.Fold(p).Any(exact) {
			t.Errorf("%q is not guarded by a rule for /admin", p)
		}
	}
	if spelling.Any("/", func(p string) bool { return p == "" }) {
		t.Error("the root is tried as an empty path")
	}
	if spelling.All("/admin/", exact) || !spelling.All("/admin", exact) {
		t.Error("a rule that opens /admin must open it and not /admin/")
	}
}

// TestPTH02AStepIsNeverPublic: Caddy resolves steps before it compares, the app
// behind it may not.
func TestPTH02AStepIsNeverPublic(t *testing.T) {
	always := func(string) bool { return true }
	for _, p := range []string{
		"//", "//a", "/a//b", "/a//", "/./a", "/a/.", "/a/../b", "/a/..", "/a/%2e%2e/b", "/a%2f%2fb", "/a/..%2fb", "/a/..;/b", `/a/..\b`, "/a/%252e/b", "/a/;/b", "/a/.../b", "/a/%20/b",
	} {
		if !spelling.Stepped(p) || spelling.All(p, always) {
			t.Errorf("%q: stepped %v, public %v", p, spelling.Stepped(p), spelling.All(p, always))
		}
	}
	for _, p := range []string{"/", "/a", "/a/", "/a/b.c", "/a..b", "/.a/..b", "/a%20b", "/a%2fb", "/a;b", "/A"} {
		if spelling.Stepped(p) || !spelling.All(p, always) {
			t.Errorf("%q: stepped %v, public %v", p, spelling.Stepped(p), spelling.All(p, always))
		}
	}
}

// TestWhatCannotBeJudgedIsGuarded: a path may be so long, or so odd, that its
// readings are too many to list. It is then guarded and never public.
func TestWhatCannotBeJudgedIsGuarded(t *testing.T) {
	never := func(string) bool { return false }
	always := func(string) bool { return true }
	for name, p := range map[string]string{
		"a path beyond the limit": "/" + strings.Repeat("a", spelling.MaxPath),
		"escapes in escapes":      "/%" + strings.Repeat("25", 200) + "2f",
		"every oddity at once":    "/%5CPublic%2f%252e%252e;v=1//A./x%00+%3f%23%e2%80%8b%ef%bc%8f",
		"characters that expand":  "/A%20/;/" + strings.Repeat("\ufdfa", 2600),
	} {
		forms := spelling.Fold(p)
		if !forms.Unreadable() || !spelling.Stepped(p) || !forms.Any(never) || forms.All(always) || !spelling.Any(p, never) || spelling.All(p, always) {
			t.Errorf("%s: unreadable %v, any %v, all %v", name, forms.Unreadable(), forms.Any(never), forms.All(always))
		}
	}
	if spelling.Fold("/%00").Unreadable() {
		t.Error("an escaped NUL alone is taken for a path that cannot be judged")
	}
	if new(spelling.Forms).All(always) {
		t.Error("no forms at all count as public")
	}
}

func BenchmarkPlain(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		spelling.Plain("/api/v1/projects/door/app.min.js")
	}
}

func BenchmarkFold(b *testing.B) {
	for name, p := range map[string]string{
		"path=cased":   "/api/v1/Projects/door/app-Ba3.js",
		"path=escaped": "/files/Annual%20report.pdf",
		"path=script":  "/remote.php/dav/files/alice/x",
		"path=odd":     "/public/..;/ADMIN./x%20",
		"path=hostile": "/" + strings.Repeat("%c0%af;A.+/", 700),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				spelling.Fold(p)
			}
		})
	}
}
