// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package spelling_test

import (
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

// A reader models how a server or framework reads the path of a request line. It
// is written without regard to the package under test. What has no meaning to it,
// it refuses. Where an escaped slash parts nothing, it stays "%2f".
type reader func(raw string) (path string, ok bool)

// readers are all models: the ones below, and those of the files for Java, PHP and
// Windows.
func readers() map[string]reader {
	all := map[string]reader{}
	for _, some := range []map[string]reader{generalReaders, javaReaders, phpReaders, windowsReaders} {
		for name, read := range some {
			all[name] = read
		}
	}
	return all
}

var generalReaders = map[string]reader{
	"a mux of Go":                   goMux,
	"a file server of Go":           goFiles,
	"nginx":                         nginx(true),
	"nginx that keeps slashes":      nginx(false),
	"a browser's URL parser":        browser,
	"an app that decodes nothing":   func(raw string) (string, bool) { return raw, true },
	"an app that decodes twice":     func(raw string) (string, bool) { return clean(percent(percent(raw))), true },
	"an app that decodes thrice":    func(raw string) (string, bool) { return clean(percent(percent(percent(raw)))), true },
	"an app that drops escaped NUL": func(raw string) (string, bool) { return clean(strings.ReplaceAll(percent(raw), "\x00", "")), true },
	"an app that knows Unicode":     unicodeApp,
	"nginx before one that decodes": func(raw string) (string, bool) {
		once, ok := nginx(true)(raw)
		return clean(percent(once)), ok
	},
}

// A known is what a reader is known to make of a path; no want means that it
// refuses.
type known struct{ raw, want string }

func checkKnown(t *testing.T, readers map[string]reader, table map[string][]known) {
	t.Helper()
	for name := range readers {
		if len(table[name]) == 0 {
			t.Errorf("nothing is known of %s", name)
		}
	}
	for name, rows := range table {
		for _, row := range rows {
			got, ok := readers[name](row.raw)
			if !ok {
				got = ""
			}
			if got != row.want {
				t.Errorf("%s reads %q as %q, want %q", name, row.raw, got, row.want)
			}
		}
	}
}

func TestPTH03GeneralModelsReadAsIsKnown(t *testing.T) {
	checkKnown(t, generalReaders, map[string][]known{
		"a mux of Go": {
			{"/admin/x", "/admin/x"}, {"/admin%2fx", "/admin%2fx"}, {"//admin/./x", "/admin/x"}, {"/a/%2e%2e/x", "/a/../x"}, {"/%61dmin;v=1/", "/admin;v=1/"}, {"/%zz", ""},
		},
		"a file server of Go": {
			{"/admin%2fx", "/admin/x"}, {"/a/%2e%2e/admin/x", "/admin/x"}, {"/../x", "/x"}, {`/a%5cb`, `/a\b`}, {"/%u0061", ""},
		},
		"nginx": {
			{"/a//../b", "/b"},
			{"/a/%2e%2E/b", "/b"},
			{"/a%2f..%2fb", "/b"},
			{"/a/..", "/"},
			{"/a/.", "/a/"},
			{"/..", ""},
			{"/a%00", ""},
			{"/a%2", ""},
			{"/a%3fb%23c%25d", "/a?b#c%d"},
			{"/a;v=1/b", "/a;v=1/b"},
			{"/a#b", "/a"},
			{"/a?b", "/a"},
			{"/%252e%252e/a", "/%2e%2e/a"},
			{"/a./b%20", "/a./b "},
			{"/.../a", "/.../a"},
		},
		"nginx that keeps slashes":      {{"/a//b", "/a//b"}, {"/a//../b", "/a/b"}, {"/a/../b", "/b"}},
		"nginx before one that decodes": {{"/%252e%252e/a", "/a"}, {"/a%2561", "/aa"}, {"/a%00", ""}},
		"a browser's URL parser":        {{"/a/%2e%2E/b", "/b"}, {"/a//../b", "/a/b"}, {`/a\..\b`, "/b"}, {"/a/..", "/"}, {"/a%2f../b", "/a/../b"}, {"/../../a", "/a"}},
		"an app that decodes nothing":   {{"/%61", "/%61"}},
		"an app that decodes twice":     {{"/%2561/%252e%252e/b", "/b"}, {"/%252561", "/%61"}},
		"an app that decodes thrice":    {{"/%252561", "/a"}},
		"an app that drops escaped NUL": {{"/a%00dmin", "/admin"}, {"/.%00./a", "/a"}},
		"an app that knows Unicode":     {{"/%ef%bd%81%e2%80%8bB", "/ab"}, {"/%ef%bc%8e%ef%bc%8e/a", "/a"}},
	})
}

var (
	narrowEscape = regexp.MustCompile(`(?i)%[0-9a-f]{2}`)
	badEscape    = regexp.MustCompile(`(?i)%([^0-9a-f]|.[^0-9a-f]|.?$)`)
	slashes      = regexp.MustCompile(`//+`)
)

// percent decodes leniently: what is no escape stays.
func percent(p string) string {
	return narrowEscape.ReplaceAllStringFunc(p, func(s string) string {
		n, _ := strconv.ParseUint(s[1:], 16, 8)
		return string([]byte{byte(n)})
	})
}

// strict decodes, and refuses what is no escape.
func strict(p string) (string, bool) {
	return percent(p), !badEscape.MatchString(p)
}

func clean(p string) string { return path.Clean("/" + p) }

// follow resolves "." and "..", and refuses to climb above the root. Empty
// segments count as segments.
func follow(p string) (string, bool) {
	var kept []string
	parts := strings.Split(strings.TrimPrefix(p, "/"), "/")
	for i, part := range parts {
		switch part {
		case "..":
			if len(kept) == 0 {
				return "", false
			}
			kept = kept[:len(kept)-1]
		case ".":
		default:
			kept = append(kept, part)
			continue
		}
		if i == len(parts)-1 {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/"), true
}

// goMux cleans the path as it was sent, and then decodes each segment by itself.
func goMux(raw string) (string, bool) {
	u, err := url.ParseRequestURI(raw)
	if err != nil {
		return "", false
	}
	escaped := u.EscapedPath()
	cleaned := clean(escaped)
	if strings.HasSuffix(escaped, "/") && cleaned != "/" {
		cleaned += "/"
	}
	return apart(cleaned, func(segment string) string { return strings.ReplaceAll(percent(segment), "/", "%2f") }), true
}

// apart edits what stands between slashes.
func apart(p string, edit func(segment string) string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = edit(parts[i])
	}
	return strings.Join(parts, "/")
}

func goFiles(raw string) (string, bool) {
	u, err := url.ParseRequestURI(raw)
	if err != nil {
		return "", false
	}
	return clean(u.Path), true
}

// TestPTH03TheModelOfGoIsItsMux: of this server the original is at hand.
func TestPTH03TheModelOfGoIsItsMux(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/admin/", http.NotFoundHandler())
	mux.Handle("/", http.NotFoundHandler())
	rapid.Check(t, func(t *rapid.T) {
		raw := mutated(t, "/admin/x", 3)
		u, err := url.ParseRequestURI(raw)
		got, ok := goMux(raw)
		if ok != (err == nil) {
			t.Fatalf("%q is refused: %v, %v", raw, !ok, err)
		}
		if !ok {
			return
		}
		_, pattern := mux.Handler(&http.Request{Method: http.MethodGet, URL: u})
		if want := pattern == "/admin/"; want != strings.HasPrefix(got+"/", "/admin/") {
			t.Fatalf("%q is read as %q, yet goes to %s", raw, got, pattern)
		}
	})
}

// nginx decodes once; escaped slashes and dots count as if they were not escaped.
func nginx(merging bool) reader {
	return func(raw string) (string, bool) {
		raw = raw[:strings.IndexAny(raw+"?", "?#")]
		decoded, ok := strict(raw)
		if !ok || strings.Contains(decoded, "\x00") {
			return "", false
		}
		if merging {
			decoded = slashes.ReplaceAllString(decoded, "/")
		}
		return follow(decoded)
	}
}

// browser follows the URL standard: it resolves dots, escaped ones included,
// before anything is decoded, and never merges slashes.
func browser(raw string) (string, bool) {
	p := strings.NewReplacer("%2e", ".", "%2E", ".", `\`, "/").Replace(raw)
	for up := "/.."; strings.HasPrefix(p+"/", up+"/"); {
		p = p[len(up):] // the root is its own parent
	}
	resolved, ok := follow(p)
	return percent(resolved), ok
}

func unicodeApp(raw string) (string, bool) {
	p := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, percent(raw))
	return clean(strings.ToLower(norm.NFKC.String(p))), true
}
