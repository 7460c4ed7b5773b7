// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"math/rand/v2"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// understandings are how apps read the path that reaches them; ok is false where one
// refuses it. They know nothing of how the gate reads it.
var understandings = map[string]func(received string) (path string, ok bool){
	"a server of Go":          func(p string) (string, bool) { return path.Clean(decoded(p)), !badPercent.MatchString(p) },
	"nginx":                   func(p string) (string, bool) { return path.Clean(decoded(p)), !strings.Contains(decoded(p), "\x00") },
	"nginx that merges":       func(p string) (string, bool) { return dotless(many.ReplaceAllString(decoded(p), "/")) },
	"Tomcat":                  tomcat,
	"IIS":                     func(p string) (string, bool) { return onWindows(decoded(p)), !strings.Contains(decoded(p), "\x00") },
	"an app that decodes":     func(p string) (string, bool) { return decoded(p), true },
	"PHP of old":              func(p string) (string, bool) { return path.Clean(upTo(decoded(p), "\x00")), true },
	"an app that decodes two": func(p string) (string, bool) { return path.Clean(decoded(decoded(p))), true },
	"an app that takes all":   func(p string) (string, bool) { return p, true },
}

var (
	onePercent = regexp.MustCompile(`%[0-9a-fA-F]{2}`)
	badPercent = regexp.MustCompile(`%([^0-9a-fA-F]|.[^0-9a-fA-F]|.?$)`)
	many       = regexp.MustCompile(`//+`)
	ofTomcat   = regexp.MustCompile(`;[^/]*`)
	nameEnds   = regexp.MustCompile(`([^/. ])[. ]+(/|$)`)
)

func decoded(p string) string {
	return onePercent.ReplaceAllStringFunc(p, func(s string) string {
		n, _ := strconv.ParseUint(s[1:], 16, 8) // two hexadecimal digits
		return string([]byte{byte(n)})
	})
}

func upTo(p, end string) string {
	p, _, _ = strings.Cut(p, end)
	return p
}

// dotless follows "." and "..", and refuses to leave the root.
func dotless(p string) (string, bool) {
	depth := 0
	for segment := range strings.SplitSeq(strings.TrimPrefix(p, "/"), "/") {
		switch segment {
		case "..":
			depth--
		case ".":
		default:
			depth++
		}
		if depth < 0 {
			return "", false
		}
	}
	return path.Clean(p), true
}

func tomcat(p string) (string, bool) {
	read := decoded(ofTomcat.ReplaceAllString(p, ""))
	return path.Clean("/" + strings.ReplaceAll(read, `\`, "/")), !strings.Contains(read, "\x00")
}

func onWindows(p string) string {
	return strings.ToLower(path.Clean("/" + nameEnds.ReplaceAllString(strings.ReplaceAll(p, `\`, "/"), "$1$2")))
}

// below reports whether a path that was read leads into a folder.
func below(read, folder string) bool { return read == folder || strings.HasPrefix(read, folder+"/") }

// A plot is a site with rules about paths, and what its app must never be asked.
type plot struct {
	host, prefix string
	guarded      string // nothing that anybody reads as below it
	public       string // nothing but what everybody reads as below it
}

var plots = []plot{
	{host: "localhost", guarded: "/admin"}, // a sensitive rule, for a session that is not fresh
	{host: "matcher.localhost", guarded: "/admin"},
	{host: "named.localhost", guarded: "/admin"},
	{host: "public.localhost", public: "/public"},
	{host: "except.localhost", public: "/public"},
	{host: "handle.localhost", prefix: "/app", public: "/app/public"},
	{host: "stripped.localhost", prefix: "/app", public: "/public"},
}

func plotted() string {
	proxy := "\n\treverse_proxy APP\n"
	return "http://localhost:PORT {\n" + gate("*@example.com", "sensitive /admin/*") + proxy + "}\n" +
		"http://matcher.localhost:PORT {\n" + gate("/admin/* *@example.com") + proxy + "}\n" +
		"http://named.localhost:PORT {\n\t@admin path /admin/*\n" + gate("@admin *@example.com") + proxy + "}\n" +
		"http://public.localhost:PORT {\n" + gate("*@example.com", "public /public/*") + proxy + "}\n" +
		"http://except.localhost:PORT {\n\t@inner not path /public/*\n" + gate("@inner *@example.com") + proxy + "}\n" +
		"http://handle.localhost:PORT {\n\thandle /app/* {\n" + gate("*@example.com", "public /app/public/*") + proxy + "\t}\n\thandle {\n\t\trespond 404\n\t}\n}\n" +
		"http://stripped.localhost:PORT {\n\thandle_path /app/* {\n" + gate("*@example.com", "public /public/*") + proxy + "\t}\n\thandle {\n\t\trespond 404\n\t}\n}\n"
}

// PTH-01, PTH-02, PTH-03: thousands of spellings against what the app receives. The
// gate has asked wherever some app would find the guarded folder in it, and has let by
// only what all of them find in the public one.
func TestPTH03WhatTheAppReceivesIsReadAlikeByAll(t *testing.T) {
	c := harness.Start(t, loud+plotted())
	session := cookies(t, renewed(t, c, ""))
	seed, begun := uint64(time.Now().UnixNano()), len(c.App.Seen())
	t.Logf("seed %d", seed)
	random, pipeline := rand.New(rand.NewPCG(seed, 0)), c.Pipeline(t)
	asked := map[string]int{}
	for range spellingsTried {
		s := pick(random, plots)
		lines := []string{"GET " + s.prefix + odd(random) + " HTTP/1.1", "Host: " + s.host + ":" + c.Port, "X-Plot: " + s.host}
		if s.host == "localhost" {
			lines = append(lines, "Cookie: "+session)
		}
		if status := pipeline.Send(lines...); status == http.StatusUnauthorized {
			asked[s.host]++
		}
	}
	passed := map[string]int{}
	for _, seen := range c.App.Seen()[begun:] {
		host := seen.Header.Get("X-Plot")
		passed[host]++
		for _, s := range plots {
			if s.host == host {
				s.check(t, seen.URI)
			}
		}
	}
	for _, s := range plots {
		t.Logf("%s: %d passed, %d were asked", s.host, passed[s.host], asked[s.host])
		if passed[s.host] == 0 || asked[s.host] == 0 {
			t.Errorf("%s: nothing passed or nothing was asked, so this shows nothing", s.host)
		}
	}
	noFault(t, c)
}

// check judges what the app has received of somebody who was not asked.
func (s plot) check(t *testing.T, uri string) {
	t.Helper()
	received, _, _ := strings.Cut(uri, "?")
	for who, read := range understandings {
		at, ok := read(received)
		if !ok {
			continue
		}
		if s.guarded != "" && below(at, s.guarded) || s.public != "" && !below(at, s.public) {
			t.Errorf("%s: nobody was asked, and the app received %s, which %s reads as %s", s.host, received, who, at)
		}
	}
}

const spellingsTried = 6000

var (
	oddStarts = []string{"/admin/x", "/admin", "/public/x", "/public/a/b.css", "/public/admin/x", "/other/x", "/other/../admin/x", "/public/../admin/x", "/administrator", "/publican/x", "/x/admin/y"}
	oddPieces = []string{
		"/", "//", "/./", "/../", "..", ".", "...", "%2e", "%2E%2e", "%2f", "%2F", "%5c", `\`, ";", ";v=1", "%3b", "%3B..", "..;", "/..;/", "%00", "%23", "%3f", "%20", "%09", "%0a", "+", "%25", "%252f", "%252e%252e%252f", "%255c", "%c0%af",
		"%u002f", "%ef%bc%8f", "%ef%bd%81", "%e2%80%8b", "~", "::$DATA", ":$i30:$INDEX_ALLOCATION", "admin", "/admin/", "public", "/public/", "ADMIN", "%61dmin", "ad%6din", "x.php/", "/(S(x))/", "%", "%zz", "\xc3\xa9", "%c3%a9",
	}
)

// odd is a path with up to four pieces put in or in place of others.
func odd(random *rand.Rand) string {
	p := pick(random, oddStarts)
	for range random.IntN(5) {
		at, piece := 1+random.IntN(len(p)), pick(random, oddPieces)
		p = p[:at] + piece + p[min(len(p), at+random.IntN(2)*len(piece)):]
	}
	return p
}
