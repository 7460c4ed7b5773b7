// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package spelling_test

import (
	"regexp"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

var windowsReaders = map[string]reader{
	"IIS":                         iis,
	"IIS that decodes twice":      func(raw string) (string, bool) { return iisFile(percent(wide(percent(raw)))), true },
	"IIS of overlong UTF-8":       func(raw string) (string, bool) { return iisFile(shorten(percent(wide(raw)))), true },
	"IIS with a code page":        func(raw string) (string, bool) { return iisFile(bestFit(percent(wide(raw)))), true },
	"an extension of IIS in C":    inC,
	"ASP.NET that reads a ticket": ticketed,
	"Windows as documented":       documented,
}

func TestPTH03ModelsOfWindowsReadAsIsKnown(t *testing.T) {
	checkKnown(t, windowsReaders, map[string][]known{
		"IIS": {
			{"/ADMIN/x", "/admin/x"},
			{`/a\..\admin`, "/admin"},
			{"/%5cadmin", "/admin"},
			{"/admin./x", "/admin/x"},
			{"/admin%20/x...", "/admin/x"},
			{"/%u0061dmin", "/admin"},
			{"/admin::$INDEX_ALLOCATION/x", "/admin/x"},
			{"/a:$I30:$INDEX_ALLOCATION", "/a"},
			{"/admin%00", ""},
			{"/a//b", "/a/b"},
			{"/%2561", "/%61"},
			{"/admin;v=1", "/admin;v=1"},
		},
		"IIS that decodes twice":      {{"/%2561dmin", "/admin"}, {"/a/..%255cadmin", "/admin"}},
		"IIS of overlong UTF-8":       {{"/a/..%c0%afadmin", "/admin"}, {"/a/..%c1%9cadmin", "/admin"}, {"/a/..%e0%80%afadmin", "/admin"}, {"/a/..%c1%1cadmin", "/admin"}},
		"IIS with a code page":        {{"/%ef%bd%81dmin%ef%bc%8fx", "/admin/x"}, {"/a/%ef%bc%8e%ef%bc%8e/b", "/b"}, {"/a%u2215b", "/a/b"}},
		"an extension of IIS in C":    {{"/admin%00.png", "/admin"}, {"/Admin%00/x", "/admin"}},
		"ASP.NET that reads a ticket": {{"/(S(abc))/admin/x", "/admin/x"}, {"/a/(A(x)F(y))/B", "/a/b"}, {"/ad/(S(x))min", "/admin"}, {"/(admin)/x", "/(admin)/x"}},
		"Windows as documented":       {{"/admin./x", "/admin/x"}, {"/admin../x", "/admin./x"}, {"/a /x. .", "/a /x"}, {"/a/.../b", "/a/.../b"}, {"/A/..", "/"}},
	})
}

var (
	blankEnd = regexp.MustCompile(`([^./ ])[. ]+(/|$)`)
	stream   = regexp.MustCompile(`(?i)(/[^:/]*):[^:/]*:\$[a-z_]+(/|$)`)
	ticket   = regexp.MustCompile(`/\(([A-Z]\([^/()]*\))+\)`)
	lastEnd  = regexp.MustCompile(`([^./ ])[. ]+$`)
	dotEnd   = regexp.MustCompile(`([^./])(\.+)\./|([^./])\./`)
)

// iis decodes once, wide escapes too, and refuses NUL.
func iis(raw string) (string, bool) {
	p := percent(wide(raw))
	return iisFile(p), !strings.Contains(p, "\x00")
}

// iisFile is the file that a decoded path names: backslashes part, slashes merge,
// dots are resolved, dots and spaces at the end of names and streams are nothing,
// and case does not matter.
func iisFile(p string) string {
	p = slashes.ReplaceAllString(strings.ReplaceAll(p, `\`, "/"), "/")
	p = clean(blankEnd.ReplaceAllString(stream.ReplaceAllString(p, "$1$2"), "$1$2"))
	return strings.ToLower(p)
}

// shorten reads the forms of UTF-8 that are longer than needed, as IIS 4 and 5 did.
func shorten(p string) string {
	return strings.NewReplacer("\xc0\xaf", "/", "\xc1\x1c", `\`, "\xc1\x9c", `\`, "\xe0\x80\xaf", "/").Replace(p)
}

// bestFit is what a conversion to a code page makes of letters that it lacks.
func bestFit(p string) string {
	return norm.NFKC.String(strings.NewReplacer("\u2215", "/", "\u2044", "/", "\u2216", `\`).Replace(p))
}

// inC hands the path to C, where it ends at NUL.
func inC(raw string) (string, bool) {
	p, _, _ := strings.Cut(percent(raw), "\x00")
	return iisFile(p), true
}

// ticketed is ASP.NET, which finds what else would be in cookies within the path.
func ticketed(raw string) (string, bool) {
	p, ok := iis(ticket.ReplaceAllString(percent(raw), ""))
	return p, ok
}

// documented does what the documentation of file names says and no more: one dot
// goes at the end of a name within the path, and all dots and spaces at its end.
func documented(raw string) (string, bool) {
	p := dotEnd.ReplaceAllString(strings.ReplaceAll(percent(raw), `\`, "/"), "$1$2$3/")
	return strings.ToLower(clean(lastEnd.ReplaceAllString(p, "$1"))), true
}
