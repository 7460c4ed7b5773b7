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

const insecure = "cookie {\n\t\t\tinsecure\n\t\t}"

// PTH-04: a host that is written differently is the same host to the app, so it
// must be to the gate. Above a hundred hosts Caddy looks them up in another way.
func TestPTH04HostsAreComparedAsBrowsersDo(t *testing.T) {
	var hosts []string
	for n := range 101 {
		hosts = append(hosts, fmt.Sprintf("http://h%d.example.test:PORT", n))
	}
	c := harness.Start(t, strings.Join(hosts, ", ")+" {\n"+gate("*@example.com", insecure)+"\n\treverse_proxy APP\n}\n")
	for _, host := range []string{
		"h0.example.test", "h100.example.test", "H0.EXAMPLE.TEST", "h0.example.test.", "H100.Example.Test:80", "h50.example.test:" + c.Port,
	} {
		page := c.Raw(t, "GET / HTTP/1.1", "Host: "+host, "Connection: close", "", "")
		if page.Status == http.StatusOK && page.Body == "" {
			continue // Caddy has no such site, so neither gate nor app hear of it
		}
		wantStatus(t, host, page, http.StatusUnauthorized)
	}
	c.App.Untouched(t, 0)

	b := c.Browser(t)
	b.Base = "http://h100.example.test:" + c.Port
	b.SignIn(t, c, "/", ana, false)
	reached, session := len(c.App.Seen()), cookies(t, b)
	for _, host := range []string{"H100.example.TEST:" + c.Port, "h100.example.test:" + c.Port} {
		wantStatus(t, host, c.Raw(t, "GET / HTTP/1.1", "Host: "+host, "Cookie: "+session, "Connection: close", "", ""), http.StatusOK)
	}
	other := c.Raw(t, "GET / HTTP/1.1", "Host: h99.example.test:"+c.Port, "Cookie: "+session, "Connection: close", "", "")
	wantStatus(t, "the session at another host", other, http.StatusUnauthorized)
	if got := len(c.App.Seen()); got != reached+2 {
		t.Errorf("%d requests reached the app, want %d", got, reached+2)
	}
}

// Ruling 1: on a site that takes any host, the Host header is the visitor's
// word. Only hosts that the operator named are served; no page, link or mail of
// ours ever takes up another.
func TestRuling1AHostThatNoOriginCoversIsMisdirected(t *testing.T) {
	c := harness.Start(t, "http://:PORT {\n"+gate("*@example.com", "origins http://app.example.test:PORT", "public /public/*", insecure, "pages {\n\t\t\tname Example\n\t\t}")+
		"\n\treverse_proxy APP\n}\n")
	b := c.Browser(t)
	b.Base = "http://app.example.test:" + c.Port
	b.SignIn(t, c, "/", ana, false)
	session, reached := cookies(t, b), len(c.App.Seen())
	for _, host := range []string{"evil.example", "app.example.test.evil.example", "127.0.0.1", "[::1]:" + c.Port, "localhost"} {
		for _, path := range []string{"/", "/.doorcode/begin", "/.doorcode/jwks.json"} {
			page := c.Raw(t, "GET "+path+" HTTP/1.1", "Host: "+host, "Cookie: "+session, "Accept: text/html", "Connection: close", "", "")
			wantStatus(t, host+path, page, http.StatusMisdirectedRequest)
			if strings.Contains(page.Body+fmt.Sprint(page.Header), "evil.example") {
				t.Errorf("%s%s: the answer takes up the host", host, path)
			}
		}
	}
	c.App.Untouched(t, reached)
	wantStatus(t, "public path", c.Raw(t, "GET /public/x HTTP/1.1", "Host: evil.example", "Connection: close", "", ""), http.StatusOK)
}

// ML-04, RD-01: the host in the mail and in every address that the gate sends a
// browser to is the configured one.
func TestML04TheHostHeaderDoesNotReachTheMail(t *testing.T) {
	c := harness.Start(t, site())
	b := c.Browser(t)
	b.Extra = http.Header{
		"X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Server": {"evil.example"}, "Forwarded": {"host=evil.example"},
		"X-Original-Url": {"https://evil.example/"}, "X-Forwarded-Proto": {"http"}, "Referer": {"https://evil.example/"},
	}
	page := b.Open(t, "/x")
	sent := b.Post(t, "email", url.Values{"email": {ana}}, nil)
	location := sent.Header.Get("Location")
	if location != b.Base+"/x" {
		t.Errorf("led to %q", location)
	}
	mail := c.Mailbox.Wait(t, ana, 1)
	for what, text := range map[string]string{"mail": mail.Raw + mail.Text + mail.HTML, "page": page.Body, "header": fmt.Sprint(sent.Header)} {
		if strings.Contains(text, "evil.example") {
			t.Errorf("the %s takes up a host of the visitor:\n%s", what, text)
		}
	}
	b.Open(t, "/x")
	wantStatus(t, "after the code", enter(t, b, mail.Code(t)), http.StatusOK)
}

// RD-01, RD-02: where a check leads back to is sealed and of this origin.
func TestRD01AReturnToAnotherOriginIsNotTaken(t *testing.T) {
	c := harness.Start(t, site())
	for _, target := range []string{
		"//evil.example/", "///evil.example", `/\evil.example`, "/%5cevil.example", "/%2f%2fevil.example", "/%09/evil.example", `\\evil.example`,
		"//evil.example/.doorcode/begin", "/%0d%0aLocation:%20https://evil.example/", "http://evil.example/",
	} {
		for _, path := range []string{target, strings.TrimSuffix(target, "/") + "/.doorcode/begin?probe=x", "/.doorcode/begin?probe=" + url.QueryEscape(target)} {
			page := c.Raw(t, "GET "+path+" HTTP/1.1", "Host: HOST", "Cookie: doorcode-flow=x", "Accept: text/html", "Connection: close", "", "")
			location := page.Header.Get("Location")
			at, err := url.Parse(location)
			if err != nil || location != "" && (at.Host != "localhost:"+c.Port || strings.HasPrefix(at.Path, "//")) {
				t.Errorf("%s: status %d leads to %q", path, page.Status, location)
			}
		}
	}
	c.App.Untouched(t, 0)
}
