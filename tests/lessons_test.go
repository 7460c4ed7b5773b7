// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// L-08: a gate that goes by what a proxy says of a request, and goes on where it says
// nothing, is open to whoever says nothing. Whatever is missing, empty or there twice
// leaves a request guarded.
func TestL08WhatIsMissingEmptyOrDoubledOpensNothing(t *testing.T) {
	c := harness.Start(t, site("public /public/*", "preflight pass"))
	refused := func(lines ...string) {
		t.Helper()
		page := c.Raw(t, append(append([]string{"GET /private HTTP/1.1", "Host: HOST"}, lines...), "Connection: close", "", "")...)
		wantRefusal(t, strings.Join(lines, ", "), page)
	}
	for _, name := range []string{
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Original-URL", "X-Original-Method", "Forwarded",
		"Cookie", "Authorization", "Origin", "Referer", "User-Agent", "Accept", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Remote-User", "Remote-Email", "Doorcode-Assertion",
		"Content-Type", "Access-Control-Request-Method", "Upgrade", "Early-Data", "Host",
	} {
		public := map[string]string{"X-Forwarded-Uri": "/public/x", "X-Original-URL": "/public/x", "X-Forwarded-Method": "OPTIONS", "X-Original-Method": "OPTIONS"}[name]
		refused(name + ":")
		refused(name+":", name+":")
		refused(name+": "+public, name+": ")
		refused(name+": ", name+": "+public)
		refused(strings.ToLower(name)+": ,"+public+",", name+":\t")
	}
	for _, cookie := range []string{"doorcode", "doorcode=", "doorcode=;doorcode=", "=", "=doorcode", "doorcode=\"\"", ";;;", "doorcode-device=", "doorcode-flow="} {
		refused("Cookie: " + cookie)
	}
	c.App.Untouched(t, 0)
}

// L-43: a prefix that is compared as text covers a neighbour whose name only begins
// alike. A rule about a path ends where a segment ends: what opens covers no more, and
// what guards no less.
func TestL43ARuleAboutAPathEndsWithASegment(t *testing.T) {
	c := harness.Start(t, site("public /pub /pub/*", "answer json /api/*"))
	for _, target := range []string{"/pub-backup/x", "/pub.old", "/pubx", "/pub%2dx", "/publ", "/pu", "/pub;x", "/pub%20x"} {
		wantRefusal(t, target, c.Raw(t, "GET "+target+" HTTP/1.1", "Host: HOST", "Connection: close", "", ""))
	}
	c.App.Untouched(t, 0)
	wantStatus(t, "what is public", c.Browser(t).Fetch(t, "/pub/x"), http.StatusOK)

	c.Load(t, "http://localhost:PORT {\n"+gate("/admin/* *@example.com")+"\n\treverse_proxy APP\n}\n")
	reached := len(c.App.Seen())
	for _, target := range []string{"/admin", "/admin/", "/admin/x", "/admin?x", "/admin;v=1"} {
		wantRefusal(t, target, c.Raw(t, "GET "+target+" HTTP/1.1", "Host: HOST", "Connection: close", "", ""))
	}
	c.App.Untouched(t, reached)
	wantStatus(t, "a neighbour of what is guarded", c.Browser(t).Fetch(t, "/admin-docs/x"), http.StatusOK)
}
