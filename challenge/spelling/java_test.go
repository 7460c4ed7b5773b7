// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package spelling_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

var javaReaders = map[string]reader{
	"Tomcat":                               tomcat("refuse", false),
	"Tomcat that decodes slashes":          tomcat("decode", false),
	"Tomcat that hands escaped slashes on": tomcat("keep", false),
	"Tomcat that takes backslashes":        tomcat("decode", true),
	"Jetty":                                jetty,
	"Spring by patterns of Ant":            springAnt,
	"Spring that trims names":              springTrimmed,
	"Spring by parsed patterns":            springParsed,
}

func TestPTH03ModelsOfJavaReadAsIsKnown(t *testing.T) {
	checkKnown(t, javaReaders, map[string][]known{
		"Tomcat": {
			{"/admin;v=1/x", "/admin/x"},
			{"/public/..;/admin/x", "/admin/x"},
			{"/..;x/../a", ""},
			{"/admin%3bv=1/x", "/admin;v=1/x"},
			{"/a//./b", "/a/b"},
			{"/a/..", "/"},
			{"/a%2fb", ""},
			{"/a%5cb", ""},
			{`/a\b`, ""},
			{"/a%00b", ""},
			{"/a%zz", ""},
			{"/a%c0%afb", ""},
			{"/%c0%af/../b", "/b"},
			{"/%252e%252e/a", "/%2e%2e/a"},
			{"/a/%2e%2e/b", "/b"},
			{"/a/;x/b", "/a/b"},
		},
		"Tomcat that decodes slashes":          {{"/public/..%2fadmin", "/admin"}, {"/a;%2fb/c", "/a/c"}},
		"Tomcat that hands escaped slashes on": {{"/a%2Fb", "/a%2Fb"}, {"/a/..%2fb", "/a/..%2fb"}, {"/%61%252f", "/a%252f"}},
		"Tomcat that takes backslashes":        {{"/public%5c..%5cadmin", "/admin"}, {`/\admin`, "/admin"}},
		"Jetty":                                {{"/%u0061dmin;v/x", "/admin/x"}, {"/public/..;/admin", "/admin"}, {"/a//b", "/a//b"}, {"/..", ""}, {"/a%2fb", "/a/b"}, {"/a%", ""}},
		"Spring by patterns of Ant":            {{"/admin;v=1/x", "/admin/x"}, {"//admin/x", "/admin/x"}, {"/a%3bb/x", "/a;b/x"}, {"/a/../b", "/a/../b"}, {"/a%2fb", "/a/b"}},
		"Spring that trims names":              {{"/%20admin%20/x%09", "/admin/x"}, {"/%20;v=1/admin", "/admin"}},
		"Spring by parsed patterns":            {{"/admin;v=1/x", "/admin/x"}, {"/a%2fb", "/a%2fb"}, {"/%61;%2f", "/a"}},
	})
}

var (
	parameters   = regexp.MustCompile(`;[^/]*`)
	wideEscape   = regexp.MustCompile(`(?i)%u[0-9a-f]{4}`)
	escapedSlash = regexp.MustCompile(`(?i)%2f`)
	handedOn     = regexp.MustCompile(`(?i)%2[f5]`)
)

// tomcat cuts parameters before it decodes, decodes once, and then resolves. What
// it does with an escaped slash is a setting, and so are backslashes. Where it hands
// slashes on, it hands on escaped percent signs as well, lest the two be confused.
func tomcat(slash string, backslashes bool) reader {
	return func(raw string) (string, bool) {
		p := parameters.ReplaceAllString(raw, "")
		if slash == "refuse" && escapedSlash.MatchString(p) {
			return "", false
		}
		if slash == "keep" {
			p = handedOn.ReplaceAllStringFunc(p, func(s string) string { return "%25" + s[1:] })
		}
		p, ok := strict(p)
		if !ok || strings.Contains(p, "\x00") || !backslashes && strings.Contains(p, `\`) {
			return "", false
		}
		p, ok = follow(slashes.ReplaceAllString(strings.ReplaceAll(p, `\`, "/"), "/"))
		return p, ok && utf8.ValidString(p) // what was left on the way may be broken
	}
}

// jetty of the versions before 10 knows wide escapes, and keeps empty segments.
func jetty(raw string) (string, bool) {
	p, ok := strict(wide(parameters.ReplaceAllString(raw, "")))
	if !ok {
		return "", false
	}
	return follow(p)
}

func wide(p string) string {
	return wideEscape.ReplaceAllStringFunc(p, func(s string) string {
		n, _ := strconv.ParseUint(s[2:], 16, 32)
		return string(rune(n))
	})
}

// springAnt reads the path by itself, whatever the server below made of it, and
// resolves nothing.
func springAnt(raw string) (string, bool) {
	p, ok := strict(parameters.ReplaceAllString(raw, ""))
	return slashes.ReplaceAllString(p, "/"), ok
}

// springTrimmed is Spring up to 4.2, which trimmed every name and passed over what
// was left empty (CVE-2016-5007).
func springTrimmed(raw string) (string, bool) {
	p, ok := springAnt(raw)
	p = apart(p, func(segment string) string {
		return strings.TrimFunc(segment, func(r rune) bool { return r <= ' ' })
	})
	return slashes.ReplaceAllString(p, "/"), ok
}

// springParsed parts first, then cuts and decodes each segment by itself.
func springParsed(raw string) (string, bool) {
	_, ok := strict(raw)
	return apart(raw, func(segment string) string {
		name, _, _ := strings.Cut(segment, ";")
		return strings.ReplaceAll(percent(name), "/", "%2f")
	}), ok
}
