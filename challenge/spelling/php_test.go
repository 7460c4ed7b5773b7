// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package spelling_test

import (
	"regexp"
	"strings"
	"testing"
)

var phpReaders = map[string]reader{
	"PHP on a file system":            phpFiles,
	"a front controller that decodes": frontController(percent),
	"a front controller that trims":   trimming,
	"a front controller of forms":     frontController(formDecode),
	"a front controller behind PATH_INFO": func(raw string) (string, bool) {
		return frontController(percent)(percent(raw)) // decoded by the server already
	},
	"a front controller with a pattern that ends in $": func(raw string) (string, bool) {
		return strings.TrimSuffix(percent(raw), "\n"), true
	},
	"a front controller that drops dots": droppingDots,
	"a filter that drops dots":           func(raw string) (string, bool) { return strings.ReplaceAll(percent(raw), "../", ""), true },
	"PHP that runs a script":             scriptFile,
}

func TestPTH03ModelsOfPHPReadAsIsKnown(t *testing.T) {
	checkKnown(t, phpReaders, map[string][]known{
		"PHP on a file system":                             {{"/admin%00.png", "/admin"}, {"/a/..%2fadmin", "/admin"}, {"/admin%3fx", "/admin"}, {"/a;b", "/a;b"}},
		"a front controller that decodes":                  {{"/%61dmin/x", "/admin/x"}, {"/app/index.php/admin/x", "/app/admin/x"}, {"/a/../b", "/a/../b"}, {"/a+b", "/a+b"}, {"/index.php", "/index.php"}},
		"a front controller that trims":                    {{"//admin/x//", "/admin/x"}, {"/index.php//admin", "/admin"}},
		"a front controller of forms":                      {{"/a+b%2b", "/a b+"}},
		"a front controller behind PATH_INFO":              {{"/index.php/%2561dmin", "/admin"}, {"/index%2ephp%2fadmin", "/admin"}},
		"a front controller with a pattern that ends in $": {{"/admin%0a", "/admin"}, {"/admin%0a%0a", "/admin\n"}},
		"a front controller that drops dots":               {{"/a/../admin//x", "/a/admin/x"}, {"/../a/.", "/a/."}, {"/a/%2e%2e/b%01", "/a/b"}},
		"a filter that drops dots":                         {{"/a/../admin", "/a/admin"}, {"/ad../min", "/admin"}, {"/....//a", "/../a"}},
		"PHP that runs a script":                           {{"/admin.php/x.css", "/admin.php"}, {"/a/b.PHP", "/a/b.PHP"}, {"/a%2ephp%2fb", "/a.php"}, {"/a.php5/b", "/a.php5/b"}},
	})
}

// script is a file that PHP runs, in front of more.
var script = regexp.MustCompile(`(?i)/[^/]*\.php/`)

// phpFiles opens what the path names: old versions ended it at NUL, and what
// builds URLs by hand ends it at a question mark.
func phpFiles(raw string) (string, bool) {
	p, _, _ := strings.Cut(percent(raw), "\x00")
	p, _, _ = strings.Cut(p, "?")
	return clean(p), true
}

// frontController leaves the script out, decodes once, and resolves nothing.
func frontController(decode func(string) string) reader {
	return func(raw string) (string, bool) {
		if at := script.FindStringIndex(raw); at != nil {
			raw = raw[:at[0]] + raw[at[1]-1:]
		}
		return decode(raw), true
	}
}

func formDecode(p string) string { return percent(strings.ReplaceAll(p, "+", " ")) }

// trimming is a front controller that trims slashes off both ends first.
func trimming(raw string) (string, bool) {
	p, ok := frontController(percent)(raw)
	return "/" + strings.Trim(p, "/"), ok
}

// droppingDots leaves out control characters, empty segments, and "..", which it
// does not follow.
func droppingDots(raw string) (string, bool) {
	p := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, percent(raw))
	kept := ""
	for segment := range strings.SplitSeq(p, "/") {
		if segment != "" && segment != ".." {
			kept += "/" + segment
		}
	}
	return kept, kept != ""
}

// scriptFile is the script that the server finds in a path: the rest is PATH_INFO.
func scriptFile(raw string) (string, bool) {
	p := percent(raw)
	if at := script.FindStringIndex(p); at != nil {
		p = p[:at[1]-1]
	}
	return p, true
}
