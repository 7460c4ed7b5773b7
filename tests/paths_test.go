// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// oddAdmin are spellings that some server, framework or file system reads as a
// path below /admin.
var oddAdmin = []string{
	"/admin/x", "/admin", "/admin/", "/admin?x", "/ADMIN/x", "//admin/x", "/./admin/x", "/%2e/admin/x", "/%61dmin/x", "/admin%2fx",
	"/public/../admin/x", "/public/%2e%2e/admin/x", "/public/..%2fadmin/x", "/public%2f..%2fadmin/x", "/public/%252e%252e/admin/x",
	"/admin;v=1/x", "/admin%3bv=1/x", "/public/..;/admin/x", "/%5cadmin/x", `/\admin/x`, "/public%5c..%5cadmin/x", "/admin./x", "/admin%20/x",
	"/admin%00/x", "/admin%23/x", "/admin%3f/x", "/admin%252fx", "/%ef%bd%81dmin/x", "/%e2%80%8badmin/x", "/admin%09/x", "/%2fadmin/x",
	"http://HOST/admin/x", "http://HOST//admin/x", "http://HOST/public/..%2fadmin/x",
}

// Ruling 3, PTH-03: Caddy's own "path /admin/*" lets some of these by, and the
// app behind then reads them as /admin. One spelling that leads there is enough.
func TestPTH03NoSpellingGetsPastAGuardedPath(t *testing.T) {
	c := harness.Start(t, "http://localhost:PORT {\n"+gate("/admin/* *@example.com")+"\n\treverse_proxy APP\n}\n")
	for _, target := range []string{"/other", "/administrator", "/public/50%25.pdf", "/a%20b"} {
		page := c.Raw(t, "GET "+target+" HTTP/1.1", "Host: HOST", "Connection: close", "", "")
		wantStatus(t, target, page, http.StatusOK)
		if got := c.App.Last(t).URI; got != target {
			t.Errorf("the app received %s for %s", got, target)
		}
	}
	reached := len(c.App.Seen())
	for _, target := range oddAdmin {
		page := c.Raw(t, "GET "+target+" HTTP/1.1", "Host: HOST", "Connection: close", "", "")
		if page.Status != http.StatusUnauthorized && page.Status != http.StatusBadRequest {
			t.Errorf("%s: status %d", target, page.Status)
		}
	}
	c.App.Untouched(t, reached)
}

// Ruling 3, PTH-02: a public rule opens only what every reading of a path agrees
// on, and its query takes no part.
func TestPTH02NoSpellingMakesAPathPublic(t *testing.T) {
	c := harness.Start(t, site("public /public/* /robots.txt"))
	for _, target := range []string{"/public/x", "/public/a/b.css", "/public/50%25.pdf", "/public/a%20b", "/public/a%2fb", "/robots.txt", "/robots.txt?/admin/x", "/public/x?..%2fadmin"} {
		wantStatus(t, target, c.Raw(t, "GET "+target+" HTTP/1.1", "Host: HOST", "Connection: close", "", ""), http.StatusOK)
	}
	reached := len(c.App.Seen())
	odd := append([]string{
		"/x?/public/x", "/x;/public/x", "/x%3f/public/x", "/x#/public/x", "/public%2fx/../../x", "/public/%00/../x", "/public/..", "/public/%5c..%5cx", "/robots.txt/..%2fx",
		"/robots.txt;/x", "/robots.txt%00.html", "/x/..%2frobots.txt", "/x/../robots.txt", "/x/%2e%2e/robots.txt", "/x/%2e%2e%2frobots.txt", "/public/x/../y", "/public%2fx", "/public%2F%00x", "//public/x", "/public//x", "/public/./x", "/public/x//", "/public/x%252f..%252f..%252fadmin",
	}, oddAdmin...)
	for _, target := range odd {
		page := c.Raw(t, "GET "+target+" HTTP/1.1", "Host: HOST", "Connection: close", "", "")
		if page.Status == http.StatusOK {
			t.Errorf("%s: a stranger got status 200; the app received %s", target, c.App.Last(t).URI)
		}
	}
	c.App.Untouched(t, reached)
}

// PTH-01, PTH-05, PTH-06, PTH-09: what is odd is guarded; no method, no user
// agent of a health check and no header of a proxy opens the door.
func TestPTH01WhatIsOddIsGuarded(t *testing.T) {
	c := harness.Start(t, site())
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "FOO", "get", "GETX"} {
		page := c.Raw(t, method+" /x HTTP/1.1", "Host: HOST", "Connection: close", "Content-Length: 0", "", "")
		wantRefusal(t, method, page)
	}
	for _, line := range []string{
		"User-Agent: ELB-HealthChecker/2.0", "User-Agent: GoogleHC/1.0", "User-Agent: kube-probe/1.34", "User-Agent: Mozilla/5.0 (compatible; Let's Encrypt validation server)",
		"X-Original-URL: /public", "X-Rewrite-URL: /public", "X-Forwarded-Uri: /public", "X-Forwarded-Host: other.example", "X-Forwarded-Method: OPTIONS",
		"X-HTTP-Method-Override: OPTIONS", "Forwarded: for=127.0.0.1;host=other.example", "X-Real-IP: 127.0.0.1", "Authorization: Bearer x", "Cookie: doorcode=1",
		"Remote-User: root", "Sec-Fetch-Dest: image", "Sec-Purpose: prefetch", "Hx-Request: true", "X-Inertia: true", "Turbo-Frame: x",
	} {
		wantRefusal(t, line, c.Raw(t, "GET /x HTTP/1.1", "Host: HOST", line, "Connection: close", "", ""))
	}
	wantRefusal(t, "HTTP/1.0", c.Raw(t, "GET /x HTTP/1.0", "Host: HOST", "", ""))
	// To these Caddy has no site, and answers by itself.
	c.Raw(t, "GET /x HTTP/1.0", "", "")
	c.Raw(t, "GET http://other.example/x HTTP/1.1", "Host: HOST", "Connection: close", "", "")
	c.Raw(t, "OPTIONS * HTTP/1.1", "Host: HOST", "Connection: close", "", "")
	c.App.Untouched(t, 0)
}

func wantRefusal(t *testing.T, what string, page harness.Page) {
	t.Helper()
	if page.Status < 400 || page.Status >= 500 {
		t.Errorf("%s: status = %d, want a refusal", what, page.Status)
	}
}

// Ruling 5: a rule about methods judges the method that a framework will take
// from the query too.
func TestRuling5AMethodInTheQueryIsJudged(t *testing.T) {
	c := harness.Start(t, "http://localhost:PORT {\n\t@write method POST PUT DELETE\n"+gate("@write *@example.com")+"\n\treverse_proxy APP\n}\n")
	b := c.Browser(t)
	wantStatus(t, "GET", b.Fetch(t, "/x"), http.StatusOK)
	for _, path := range []string{"/x?_method=delete", "/x?a=b&_method=PUT", "/x?_method=POST&_method=GET", "/x?%5fmethod=PUT", "/x?_method=GET&_method=PUT", "/x?a=b;_method=put"} {
		wantStatus(t, path, b.Fetch(t, path), http.StatusUnauthorized)
	}
	b.Extra = http.Header{"X-Http-Method-Override": {"DELETE"}}
	wantStatus(t, "override header", b.Fetch(t, "/x"), http.StatusOK)
	if got := c.App.Last(t).Header.Get("X-Http-Method-Override"); got != "" {
		t.Errorf("the app saw the override %q", got)
	}
}

// PTH-07: below the gate's own segment there is nothing of the app, not even for
// somebody who is in; and the gate shows nothing of its own by another spelling.
func TestPTH07TheAppIsNotReachableAtOurEndpoints(t *testing.T) {
	c := harness.Start(t, site("public /public/* /.doorcode/*"))
	b, stranger := signedIn(t, c, ana), c.Browser(t)
	reached := len(c.App.Seen())
	for _, path := range []string{
		"/.doorcode", "/.doorcode/", "/.doorcode/x", "/.doorcode/../x", "/a/.doorcode/x", "/a/b/.doorcode/../../x", "/%2edoorcode/x",
		"/.doorcode%2fx", "/public/.doorcode/x", "/public/x/.doorcode", "/.doorcode/verify/x", "/.doorcode/.doorcode/", "/.doorcode/%2e%2e/x",
	} {
		for who, browser := range map[string]*harness.Browser{"signed in": b, "stranger": stranger} {
			page := browser.Fetch(t, path)
			if page.Status == http.StatusOK {
				t.Errorf("%s, %s: status 200", path, who)
			}
		}
	}
	c.App.Untouched(t, reached)
}

// PTH-07: endpoints that are pinned to a prefix are ours there alone.
func TestPTH07PinnedEndpoints(t *testing.T) {
	c := harness.Start(t, site("endpoints /door/.doorcode"))
	b := c.Browser(t)
	b.SignIn(t, c, "/a/b", ana, false)
	reached := len(c.App.Seen())
	wantStatus(t, "pinned", b.Fetch(t, "/door/.doorcode/nothing"), http.StatusNotFound)
	c.App.Untouched(t, reached)
	wantStatus(t, "elsewhere", b.Fetch(t, "/a/.doorcode/nothing"), http.StatusOK)
	wantStatus(t, "elsewhere, a stranger", c.Browser(t).Fetch(t, "/a/.doorcode/nothing"), http.StatusUnauthorized)
}

// PTH-11: a preflight passes by option only, and without an identity.
func TestPTH11PreflightsPassByOptionOnly(t *testing.T) {
	preflight := http.Header{"Origin": {"https://other.example"}, "Access-Control-Request-Method": {"PUT"}}
	for option, want := range map[string]int{"preflight deny": http.StatusUnauthorized, "preflight pass": http.StatusOK} {
		c := harness.Start(t, site(option))
		b := c.Browser(t)
		wantStatus(t, option, b.Do(t, http.MethodOptions, "/x", nil, preflight), want)
		wantStatus(t, option+", no preflight", b.Do(t, http.MethodOptions, "/x", nil), http.StatusUnauthorized)
		page := c.Raw(t, "OPTIONS /x HTTP/1.1", "Host: HOST", "Origin: https://other.example", "Access-Control-Request-Method: PUT", "Content-Length: 5", "Connection: close", "", "hello")
		wantStatus(t, option+", with a body", page, want)
		for _, seen := range c.App.Seen() {
			if seen.Body != "" || seen.Header.Get("Remote-User") != "" {
				t.Errorf("%s: the app got %+v", option, seen)
			}
		}
	}
}

// PTH-08: what a person types is text. Where Caddy would expand it, a visitor
// reads the environment and the files of the server.
func TestPTH08PlaceholdersInTypedTextStayText(t *testing.T) {
	const secret = "value-of-the-variable"
	t.Setenv("doorcode_tests_secret", secret)
	c := harness.Start(t, `http://localhost:PORT {
`+gate("*@example.com")+`
	respond /me "You are {http.auth.user.id}"
	reverse_proxy APP {
		header_up X-Who {http.auth.user.id}
	}
}
`)
	typed := "{env.doorcode_tests_secret}@example.com"
	b := c.Browser(t)
	b.Agent = "Mozilla {env.doorcode_tests_secret}"
	page := b.Open(t, "/{env.doorcode_tests_secret}?q={env.doorcode_tests_secret}")
	page.Body += b.Submit(t, "email", url.Values{"email": {typed}}).Body
	mail := c.Mailbox.Wait(t, typed, 1)
	page.Body += b.Submit(t, "verify", url.Values{"code": {"{env.doorcode_tests_secret}"}}).Body
	in := enter(t, b, mail.Code(t))
	wantStatus(t, "after the code", in, http.StatusOK)
	me := b.Open(t, "/me")
	if !strings.Contains(me.Body, typed) {
		t.Errorf("/me says %q", me.Body)
	}
	seen := c.App.Last(t)
	for what, text := range map[string]string{"pages": page.Body + in.Body + me.Body, "mail": mail.Raw, "app": fmt.Sprint(seen)} {
		if strings.Contains(text, secret) {
			t.Errorf("the %s shows the variable", what)
		}
	}
	if seen.Header.Get("X-Who") != typed || seen.Header.Get("Remote-Email") != typed {
		t.Errorf("the app saw %q", seen.Header)
	}
}
