// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// looking is a browser that looks for a new version of a service worker.
var looking = with(scripted, "Accept", "*/*", "Sec-Fetch-Dest", "serviceworker", "Sec-Fetch-Mode", "same-origin", "Service-Worker", "script")

// An app whose worker answers from its cache would never come to the check.
func TestAStuckAppShellIsReleased(t *testing.T) {
	w := newWorld(t)
	for name, header := range map[string]http.Header{
		"a browser": looking, "an old browser": {"Accept": {"*/*"}, "Service-Worker": {"script"}},
	} {
		a := w.browser().do(http.MethodGet, "/sw.js", nil, header)
		a.wants(t, http.StatusOK, "skipWaiting()", "clients.claim()", "!fetch")
		if a.Header.Get("Content-Type") != scriptMedia || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Service-Worker-Allowed") != "/" || len(a.Cookies()) > 0 {
			t.Errorf("%s: %v", name, a.Header)
		}
	}
	b := w.browser().signIn("/x", ana)
	passed := w.passed.Load()
	b.do(http.MethodGet, "/sw.js", nil, looking).wants(t, http.StatusOK, "app")
	if w.passed.Load() != passed+1 {
		t.Error("the app's own worker is not its own")
	}
	w.clock.advance(13 * time.Hour)
	b.do(http.MethodGet, "/sw.js", nil, looking).wants(t, http.StatusOK, "skipWaiting()")
}

func TestNothingElseIsTakenForAnAppShell(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct {
		method string
		header http.Header
		status int
		change func(in *web.Arrival)
	}{
		"kept":                    {http.MethodGet, looking, 401, func(in *web.Arrival) { in.KeepShell = true }},
		"answered otherwise":      {http.MethodGet, looking, 401, func(in *web.Arrival) { in.Answer = web.AnswerJSON }},
		"refused":                 {http.MethodGet, looking, 403, func(in *web.Arrival) { in.Answer = web.Answer403 }},
		"a POST":                  {http.MethodPost, looking, 401, nil},
		"a script of the page":    {http.MethodGet, with(looking, "Sec-Fetch-Dest", "script"), 401, nil},
		"a fetch":                 {http.MethodGet, with(looking, "Sec-Fetch-Dest", "empty"), 401, nil},
		"a page":                  {http.MethodGet, with(clicked, "Service-Worker", "script"), 401, nil},
		"an old browser's page":   {http.MethodGet, http.Header{"Accept": {"text/html"}, "Service-Worker": {"script"}}, 401, nil},
		"another header":          {http.MethodGet, with(looking, "Service-Worker", "yes"), 401, nil},
		"a worker that says less": {http.MethodGet, with(looking, "Service-Worker", ""), 401, nil},
		"htmx":                    {http.MethodGet, with(looking, "HX-Request", "true"), 401, nil},
		"git":                     {http.MethodGet, http.Header{"User-Agent": {"git/2"}, "Service-Worker": {"script"}}, 403, nil},
		"a prefetch":              {http.MethodGet, with(looking, "Sec-Purpose", "prefetch"), 401, nil},
	} {
		w.arrive = func(in *web.Arrival, _ *http.Request) {
			if test.change != nil {
				test.change(in)
			}
		}
		if a := w.browser().do(test.method, "/sw.js", nil, test.header); a.StatusCode != test.status || strings.Contains(a.body, "skipWaiting") {
			t.Errorf("%s: status %d, want %d:\n%s", name, a.StatusCode, test.status, a.body)
		}
	}
	w.arrive = nil
	w.store.breaks(true)
	down := newWorld(t, func(s *settings) { s.gate.Grace = time.Minute })
	down.store.breaks(true)
	down.clock.advance(time.Hour)
	down.browser().do(http.MethodGet, "/sw.js", nil, looking).wants(t, http.StatusServiceUnavailable)
}

// An app's web view that shows an error of its own for a 401 never shows the
// check.
func TestTheStatusOfTheCheckPageCanBeChosen(t *testing.T) {
	for _, status := range []int{200, 401, 403} {
		w := newWorld(t, roomy)
		w.arrive = func(in *web.Arrival, _ *http.Request) { in.Status = status }
		b := w.browser()
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := b.clone().do(method, "/x", nil, clicked)
			if a.StatusCode != status || a.Header.Get("Cache-Control") != "no-store" || (a.Header.Get("WWW-Authenticate") != "") != (status == 401) || a.Header.Get("Doorcode-Reason") == "" {
				t.Errorf("%s: status %d, headers %v", method, a.StatusCode, a.Header)
			}
		}
		for name, row := range rows {
			if row.method != "" && !row.starts {
				continue
			}
			if got := w.browser().do(http.MethodGet, "/x", nil, row.header).StatusCode; got != row.status && !row.starts || got != status && row.starts {
				t.Errorf("%s: status %d", name, got)
			}
		}
		w.browser().do(http.MethodPost, "/x", nil, clicked).wants(t, http.StatusUnauthorized)
		w.browser().do(http.MethodPost, "/x/.doorcode/begin", nil, clicked).wants(t, http.StatusUnauthorized)
		b.open("/x").wants(t, status, "Sign in to")
		b.submit("/email", "email", ana).wants(t, status, "Check your email")
		w.mailbox.breaks(nil, true)
		b.open("/x").wants(t, http.StatusServiceUnavailable, "We couldn't send the email")
		w.mailbox.breaks(nil, false)
		b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "app")
	}
}
