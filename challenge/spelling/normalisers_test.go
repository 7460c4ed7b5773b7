// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package spelling_test

import (
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// normalisers model how servers and frameworks read an escaped path. They are
// written without regard to the package under test. An empty result means that
// this reader refuses the path.
var normalisers = map[string]func(escaped string) string{
	"a Go mux":                      goMux,
	"Tomcat":                        tomcat,
	"IIS":                           iis,
	"nginx":                         nginx,
	"PHP on a file system":          php,
	"a browser's URL parser":        browser,
	"an app that decodes twice":     func(p string) string { return clean(percent(percent(p))) },
	"an app that decodes thrice":    func(p string) string { return clean(percent(percent(percent(p)))) },
	"an app that drops escaped NUL": func(p string) string { return clean(strings.ReplaceAll(percent(p), "\x00", "")) },
	"an app that knows Unicode":     unicodeApp,
}

var (
	parameters   = regexp.MustCompile(`;[^/]*`)
	wideEscape   = regexp.MustCompile(`(?i)%u[0-9a-f]{4}`)
	narrowEscape = regexp.MustCompile(`(?i)%[0-9a-f]{2}`)
	trailing     = regexp.MustCompile(`([^./ ])[. ]+(/|$)`)
	slashes      = regexp.MustCompile(`//+`)
)

// percent decodes leniently.
func percent(p string) string {
	return narrowEscape.ReplaceAllStringFunc(p, func(s string) string {
		n, _ := strconv.ParseUint(s[1:], 16, 8)
		return string([]byte{byte(n)})
	})
}

func clean(p string) string { return path.Clean("/" + p) }

func goMux(escaped string) string {
	decoded, err := url.PathUnescape(escaped)
	if err != nil {
		return ""
	}
	return clean(decoded)
}

func tomcat(escaped string) string {
	decoded := percent(parameters.ReplaceAllString(escaped, ""))
	if strings.Contains(decoded, "\x00") {
		return ""
	}
	return clean(strings.ReplaceAll(decoded, `\`, "/"))
}

func iis(escaped string) string {
	p := wideEscape.ReplaceAllStringFunc(escaped, func(s string) string {
		n, _ := strconv.ParseUint(s[2:], 16, 32)
		return string(rune(n))
	})
	p = percent(percent(p))
	p = strings.NewReplacer("\xc0\xaf", "/", "\xc1\x1c", `\`, "\xc1\x9c", `\`, "\xe0\x80\xaf", "/").Replace(p)
	p = slashes.ReplaceAllString(strings.ReplaceAll(p, `\`, "/"), "/")
	return strings.ToLower(clean(trailing.ReplaceAllString(p, "$1$2")))
}

func nginx(escaped string) string {
	raw, _, _ := strings.Cut(escaped, "#")
	decoded := percent(raw)
	if strings.Contains(decoded, "\x00") {
		return ""
	}
	return clean(slashes.ReplaceAllString(decoded, "/"))
}

func php(escaped string) string {
	p, _, _ := strings.Cut(percent(escaped), "\x00")
	p, _, _ = strings.Cut(p, "?")
	return clean(p)
}

// browser follows the URL standard: it resolves dots, escaped ones included,
// before anything is decoded, and never merges slashes.
func browser(escaped string) string {
	p := strings.NewReplacer("%2e", ".", "%2E", ".", `\`, "/").Replace(escaped)
	var kept []string
	parts := strings.Split(p[1:], "/")
	for i, part := range parts {
		last := i == len(parts)-1
		if part == ".." && len(kept) > 0 {
			kept = kept[:len(kept)-1]
		}
		if part != "." && part != ".." {
			kept = append(kept, part)
		} else if last {
			kept = append(kept, "")
		}
	}
	return percent("/" + strings.Join(kept, "/"))
}

func unicodeApp(escaped string) string {
	p := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, percent(escaped))
	return clean(strings.ToLower(norm.NFKC.String(p)))
}
