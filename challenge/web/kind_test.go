// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// a row of product.md 4.1.
type row struct {
	method  string
	header  http.Header
	status  int
	media   string // of the answer; empty: it has no body
	starts  bool   // the answer sets a flow cookie
	further map[string]string
}

const (
	problemMedia = "application/problem+json"
	htmlMedia    = "text/html; charset=utf-8"
	textMedia    = "text/plain; charset=utf-8"
	scriptMedia  = "text/javascript; charset=utf-8"
)

var rows = map[string]row{
	"06 a WebSocket": {
		header: http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}}, status: 401, further: map[string]string{"Connection": "close"},
	},
	"06 an extended CONNECT": {method: http.MethodConnect, status: 401},
	"07 a preflight": {
		method: http.MethodOptions, header: http.Header{"Origin": {"https://other.example"}, "Access-Control-Request-Method": {"PUT"}}, status: 401,
	},
	"08 a prefetch":          {header: with(clicked, "Sec-Purpose", "prefetch;prerender"), status: 401},
	"08 an older prefetch":   {header: with(clicked, "Purpose", "prefetch"), status: 401},
	"08 Firefox's prefetch":  {header: with(clicked, "X-Moz", "prefetch"), status: 401},
	"08 a preview":           {header: with(clicked, "X-Purpose", "preview"), status: 401},
	"09 htmx":                {header: with(scripted, "HX-Request", "true"), status: 401, media: problemMedia, further: map[string]string{"HX-Refresh": "true"}},
	"10 Inertia":             {header: with(scripted, "X-Inertia", "true"), status: 409, further: map[string]string{"X-Inertia-Location": origin + "/x?y=1"}},
	"11 a Turbo frame":       {header: with(scripted, "Turbo-Frame", "cart"), status: 401, media: htmlMedia},
	"12 a foreign form":      {method: http.MethodPost, header: with(clicked, "Sec-Fetch-Site", "cross-site"), status: 401, media: htmlMedia},
	"12 a sibling's form":    {method: http.MethodPost, header: with(clicked, "Sec-Fetch-Site", "same-site"), status: 401, media: htmlMedia},
	"12 an old foreign form": {method: http.MethodPost, header: http.Header{"Accept": {"text/html"}, "Origin": {"https://evil.example"}}, status: 401, media: htmlMedia},
	"12 a form from nowhere": {method: http.MethodPost, header: http.Header{"Accept": {"text/html"}, "Origin": {"null"}}, status: 401, media: htmlMedia},
	"13 a frame":             {header: with(clicked, "Sec-Fetch-Dest", "iframe"), status: 401, media: htmlMedia},
	"14 a manifest":          {header: with(scripted, "Sec-Fetch-Dest", "manifest"), status: 401, media: textMedia},
	"15 an image":            {header: with(scripted, "Sec-Fetch-Dest", "image", "Sec-Fetch-Mode", "no-cors"), status: 401, media: textMedia},
	"15 a worker":            {header: with(scripted, "Sec-Fetch-Dest", "worker"), status: 401, media: textMedia},
	"15 a service worker":    {header: with(scripted, "Sec-Fetch-Dest", "serviceworker", "Service-Worker", "script"), status: 200, media: scriptMedia},
	"16 gRPC":                {method: http.MethodPost, header: http.Header{"Content-Type": {"application/grpc+proto"}}, status: 401},
	"17 an event stream":     {header: with(scripted, "Accept", "text/event-stream"), status: 401, media: problemMedia},
	"18 git":                 {header: http.Header{"User-Agent": {"git/2.39.5"}, "Accept": {"*/*"}}, status: 403, media: textMedia},
	"18 git-lfs":             {header: http.Header{"User-Agent": {"git-lfs/3.3.0"}}, status: 403, media: textMedia},
	"18 WebDAV":              {method: "PROPFIND", header: http.Header{"Accept": {"*/*"}}, status: 401, media: problemMedia},
	"18 WebDAV's OPTIONS":    {method: http.MethodOptions, header: http.Header{"Accept": {"*/*"}}, status: 401, media: problemMedia},
	"19 a page":              {header: clicked, status: 401, media: htmlMedia, starts: true},
	"19 a page that a worker passes on": {
		header: with(clicked, "Sec-Fetch-Dest", "", "Accept", "*/*"), status: 401, media: htmlMedia, starts: true,
	},
	"19 an old browser's page":   {header: http.Header{"Accept": {"text/html,*/*;q=0.8"}}, status: 401, media: htmlMedia, starts: true},
	"20 a form of ours":          {method: http.MethodPost, header: clicked, status: 401, media: htmlMedia, starts: true},
	"20 an old browser's form":   {method: http.MethodPost, header: http.Header{"Accept": {"text/html"}, "Origin": {origin}}, status: 401, media: htmlMedia, starts: true},
	"21 a fetch":                 {header: scripted, status: 401, media: problemMedia},
	"21 a fetch that wants HTML": {header: with(scripted, "Accept", "text/html"), status: 401, media: problemMedia},
	"21 a beacon":                {method: http.MethodPost, header: with(scripted, "Sec-Fetch-Site", "cross-site"), status: 401, media: problemMedia},
	"22 curl":                    {header: terminal, status: 401, media: problemMedia},
	"22 an API client":           {header: http.Header{"Accept": {"application/json"}, "X-Requested-With": {"XMLHttpRequest"}}, status: 401, media: problemMedia},
	"22 nothing said":            {status: 401, media: problemMedia},
	"22 a PUT is never a page":   {method: http.MethodPut, header: clicked, status: 401, media: problemMedia},
	"22 nor is a DELETE":         {method: http.MethodDelete, header: http.Header{"Accept": {"text/html"}}, status: 401, media: problemMedia},
}

func TestEachKindOfRequestIsAnsweredInItsOwnWords(t *testing.T) {
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if row.method == "" {
				row.method = http.MethodGet
			}
			a := w.browser().do(row.method, "/x?y=1", nil, row.header)
			a.wants(t, row.status)
			if got := a.Header.Get("Content-Type"); got != row.media || (got == "") != (a.body == "") {
				t.Errorf("Content-Type = %q, want %q; %d bytes", got, row.media, len(a.body))
			}
			if got := len(a.Cookies()) > 0; got != row.starts {
				t.Errorf("cookies: %v", a.Header["Set-Cookie"])
			}
			if got := a.Header.Get("WWW-Authenticate") != ""; got != (row.status == http.StatusUnauthorized) {
				t.Errorf("WWW-Authenticate = %q with status %d", a.Header.Get("WWW-Authenticate"), row.status)
			}
			for field, want := range row.further {
				if got := a.Header.Get(field); got != want {
					t.Errorf("%s = %q, want %q", field, got, want)
				}
			}
			if a.Header.Get("Location") != "" || len(w.mailbox.all()) > 0 || w.passed.Load() > 0 {
				t.Error("redirected, mailed or passed on")
			}
			if row.media == problemMedia {
				if s := a.wantsProblem(t, 401, "check-needed"); s.Begin != origin+"/x/.doorcode/begin" || s.Reason != "new_browser" {
					t.Errorf("problem: %+v", s)
				}
			}
			if row.media == textMedia && len(a.body) > 64 {
				t.Errorf("%d bytes of text", len(a.body))
			}
		})
	}
}

func TestHEADIsAnsweredAsGETButStartsNothing(t *testing.T) {
	for name, row := range rows {
		if row.method != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			get := newWorld(t).browser().do(http.MethodGet, "/x?y=1", nil, row.header)
			head := newWorld(t).browser().do(http.MethodHead, "/x?y=1", nil, row.header)
			get.Header.Del("Set-Cookie")
			if head.StatusCode != get.StatusCode || head.body != "" || head.Header.Get("Set-Cookie") != "" {
				t.Errorf("HEAD: %d, %d bytes, %v", head.StatusCode, len(head.body), head.Header["Set-Cookie"])
			}
			for field := range get.Header {
				if got, want := head.Header.Get(field), get.Header.Get(field); got != want {
					t.Errorf("%s = %q, GET has %q", field, got, want)
				}
			}
		})
	}
}

func TestTheOperatorsAnswerGoesFirst(t *testing.T) {
	for answer, want := range map[web.Answer]struct {
		status int
		media  string
	}{
		web.AnswerJSON: {401, problemMedia}, web.Answer401: {401, ""}, web.Answer403: {403, ""}, web.Answer503: {503, ""},
	} {
		for _, header := range []http.Header{clicked, scripted, terminal} {
			w := newWorld(t)
			w.arrive = func(in *web.Arrival, _ *http.Request) { in.Answer = answer }
			a := w.browser().do(http.MethodGet, "/dav/x", nil, header)
			a.wants(t, want.status)
			if a.Header.Get("Content-Type") != want.media || len(a.Cookies()) > 0 {
				t.Errorf("answer %d: %v", answer, a.Header)
			}
			if (a.Header.Get("Retry-After") != "") != (want.status == 503) || (a.Header.Get("WWW-Authenticate") != "") != (want.status == 401) {
				t.Errorf("answer %d: %v", answer, a.Header)
			}
		}
	}
}

func TestPTH11APreflightPassesOnlyByOptionAndWithoutABody(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.web.PassPreflight = true })
	r := w.browser().request(http.MethodOptions, "/api", map[string][]string{"x": {"y"}}, rows["07 a preflight"].header)
	r.Header.Set("Content-Length", "3")
	w.browser().send(r).wants(t, http.StatusOK, "app")
	if r.Body != http.NoBody || r.ContentLength != 0 || r.Header.Get("Content-Length") != "" {
		t.Error("the preflight brings a body")
	}
	w.browser().do(http.MethodOptions, "/api", nil, terminal).wants(t, http.StatusUnauthorized)
	w.browser().open("/api").wants(t, http.StatusUnauthorized)
}

// A remembered browser is let in whatever it asks for.
func TestARememberedBrowserIsRenewedOnEveryKindOfRequest(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/", ana, "remember", "1")
	for name, row := range rows {
		tab := b.clone()
		delete(tab.jar, "__Host-Http-doorcode")
		if row.method == "" {
			row.method = http.MethodGet
		}
		if a := tab.do(row.method, "/x", nil, row.header); a.StatusCode != http.StatusOK || tab.jar["__Host-Http-doorcode"] == "" {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
	}
}

func TestAcceptSaysWhetherAPageIsWanted(t *testing.T) {
	for accept, want := range map[string]bool{
		"":                                      false,
		"*/*":                                   false,
		"text/*":                                false,
		"text/html":                             true,
		"TEXT/HTML; charset=utf-8":              true,
		"application/xhtml+xml":                 true,
		"text/html,application/xml;q=0.9,*/*":   true,
		"application/json":                      false,
		"application/json, text/html;q=0.5":     false,
		"text/html;q=0.5, image/png;q=0.5":      true,
		"text/html;q=0":                         false,
		"text/html;q=nonsense":                  false,
		"text/html;q=NaN, a/b":                  false,
		"text/html;q=Inf, a/b":                  false,
		"a/b;q=NaN, text/html":                  true,
		"a/b;q=-1, text/html":                   true,
		strings.Repeat("a/b,", 1000):            false,
		"text/html" + strings.Repeat(",a", 999): false,
	} {
		if got := web.PrefersHTML(http.Header{"Accept": {accept}}); got != want {
			t.Errorf("PrefersHTML(%.40q) = %v", accept, got)
		}
	}
}
