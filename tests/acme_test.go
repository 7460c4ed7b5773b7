// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// PTH-10: Caddy answers the challenges of its own certificates before any handler, and
// nothing else is exempt by itself: paths that other programs leave open, for
// certificates, for probes or for robots, are guarded like any other.
func TestPTH10NoPathIsExemptByItself(t *testing.T) {
	c := harness.Start(t, site())
	b := c.Browser(t)
	for _, path := range []string{
		"/.well-known/acme-challenge/LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/..%2f..%2fadmin",
		"/.well-known/pki-validation/fileauth.txt", "/.well-known/security.txt", "/robots.txt", "/favicon.ico",
		"/health", "/healthz", "/ping", "/ready", "/metrics", "/server-status", "/_next/static/x", "/static/app.css",
	} {
		page := b.Fetch(t, path)
		wantStatus(t, path, page, http.StatusUnauthorized)
	}
	c.App.Untouched(t, 0)
}
