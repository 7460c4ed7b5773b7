// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/web"
)

var getters = []string{"begin", "status", "session", "jwks.json", "signout", "ping"}

func TestEachEndpointHasItsMethods(t *testing.T) {
	w := newWorld(t)
	allow := map[string]string{
		"begin": "GET, HEAD, POST", "signout": "GET, HEAD, POST", "status": "GET, HEAD", "session": "GET, HEAD", "jwks.json": "GET, HEAD", "ping": "GET, HEAD",
		"email": "POST", "verify": "POST", "resend": "POST", "change": "POST", "backup": "POST", "way": "POST", "form": "POST", "no/x": "GET, HEAD, POST",
	}
	for name, want := range allow {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
			a := w.browser().do(method, "/.doorcode/"+name, nil, terminal)
			listed := strings.Contains(want, method)
			if (a.StatusCode == http.StatusMethodNotAllowed) == listed {
				t.Errorf("%s %s: status %d", method, name, a.StatusCode)
			}
			if !listed && a.Header.Get("Allow") != want {
				t.Errorf("%s %s: Allow = %q, want %q", method, name, a.Header.Get("Allow"), want)
			}
		}
	}
	w.browser().do(http.MethodPut, "/.doorcode/verify", nil, terminal).wantsProblem(t, 405, "method-not-allowed")
	w.browser().do(http.MethodPut, "/.doorcode/verify", nil, clicked).wants(t, http.StatusMethodNotAllowed, "This page can't do that")
	for _, name := range []string{"nothing", "no", "no/", "no/x/y", "verify/", "verify/x", "Verify", "../x", "inbox", "inbox/x", "sessions/", "sessions/x", "%00"} {
		w.browser().do(http.MethodGet, "/.doorcode/"+name, nil, clicked).wants(t, http.StatusNotFound, "Page not found")
		w.browser().do(http.MethodPost, "/.doorcode/"+name, nil, terminal).wantsProblem(t, http.StatusNotFound, "not-found")
	}
}

// Whoever refreshes the answer to a form, or comes back to it, is where the form
// was sent from: phones load a page anew that waits while its mail is read.
func TestTheAddressOfAFormLeadsBackToItsPage(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"email", "verify", "resend", "change", "backup", "way", "form?for=x"} {
		for at, back := range map[string]string{"/a%20b": "/a%20b", "": "/"} {
			a := w.browser().do(http.MethodGet, at+"/.doorcode/"+name, nil, clicked)
			if a.wants(t, http.StatusSeeOther); a.Header.Get("Location") != origin+back {
				t.Errorf("%s%s: led to %s", at, name, a.Header.Get("Location"))
			}
			for kind, header := range map[string]http.Header{"a script": scripted, "a prefetch": with(clicked, "Sec-Purpose", "prefetch")} {
				if a := w.browser().do(http.MethodGet, at+"/.doorcode/"+name, nil, header); a.StatusCode != http.StatusMethodNotAllowed {
					t.Errorf("%s: status %d", kind, a.StatusCode)
				}
			}
		}
	}
	w.browser().do(http.MethodGet, "//evil.example/.doorcode/email", nil, clicked).wants(t, http.StatusBadRequest)
}

func TestOTC13ReadingChangesNothing(t *testing.T) {
	w := newWorld(t)
	b := w.browser().signIn("/x", ana, "remember", "1")
	waiting := w.browser()
	code := waiting.ask("/x", ana)
	lapsed := b.clone() // remembered, and without a session
	delete(lapsed.jar, "__Host-Http-doorcode")
	mails, before := len(w.mailbox.all()), w.store.dump(t)
	for range 100 {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
			for _, name := range append([]string{"email", "verify?code=" + code, "resend", "change", "backup", "way", "nothing"}, getters...) {
				for _, tab := range []*browser{b.clone(), lapsed.clone(), waiting.clone(), w.browser()} {
					tab.do(method, "/x/.doorcode/"+name, nil, clicked)
				}
			}
		}
	}
	if !maps.Equal(before, w.store.dump(t)) || len(w.mailbox.all()) != mails {
		t.Error("reading changed the store, or sent a mail")
	}
	waiting.submit("/verify", "code", code).wants(t, http.StatusOK, "app")
}

func TestPTH07TheAppIsNeverReachedBelowTheSegment(t *testing.T) {
	for _, pinned := range []string{"", "/auth"} {
		prefix := "/.doorcode"
		if pinned != "" {
			prefix = pinned
		}
		w := newWorld(t, func(s *settings) { s.web.Endpoints = pinned })
		b := w.browser().signIn("/x", ana)
		for _, path := range []string{
			prefix, prefix + "/", prefix + "/x", prefix + "/../x", prefix + "/%2e%2e/x", prefix + "/..%2fx", prefix + "//x", prefix + "/verify/../../x",
			prefix + "/ping%2f..%2fx", prefix + "%2fping", prefix + "/;/x",
		} {
			for _, public := range []bool{false, true} {
				before := w.passed.Load()
				w.arrive = func(in *web.Arrival, _ *http.Request) { in.Public, in.Guarded = public, !public }
				b.clone().do(http.MethodGet, path, nil, clicked)
				if w.passed.Load() != before {
					t.Errorf("%s (public %v) reached the app", path, public)
				}
			}
		}
	}
	w := newWorld(t)
	for _, path := range []string{"/%2edoorcode/ping", "/a/b/.doorcode/ping", "/x/.doorcode/y/.doorcode/ping", "/x%2f.doorcode/ping"} {
		w.browser().do(http.MethodGet, path, nil, terminal).wants(t, http.StatusNoContent)
	}
	w.browser().do(http.MethodGet, "/x.doorcode/ping", nil, terminal).wants(t, http.StatusUnauthorized)
}

func TestTheWholeWayWorksBelowEveryPath(t *testing.T) {
	for _, pinned := range []string{"", "/auth"} {
		for _, path := range []string{"/", "/x", "/x/", "/a/b/c?d=e", "/a%20b/%C3%A9", "/a:b", "/a;b=1/c", "/x%2fy", "/a+b", "/x.doorcode", "/%25", "/a//b"} {
			w := newWorld(t, func(s *settings) { s.web.Endpoints = pinned })
			b := w.browser().signIn(path, ana)
			if got := b.at.RequestURI(); got != path {
				t.Errorf("%s (pinned %q) led to %s", path, pinned, got)
			}
		}
	}
}

func TestBeginAnswersAPostWithTheCheckItself(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.open("/x/.doorcode/begin").wants(t, http.StatusOK, "Sign in to", "Continue")
	b.page = b.post(with(clicked, "Referer", origin+"/cart?item=1"), "/begin")
	b.page.wants(t, http.StatusUnauthorized, "Email address")
	s := b.post(scripted, "/email", "email", ana).json(t)
	if s.To != "/cart?item=1" {
		t.Errorf("goes on to %q", s.To)
	}
	b.open(s.To)
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "app")
	a := b.do(http.MethodPost, "/x/.doorcode/begin", nil, with(clicked, "Referer", origin+"/cart"))
	if a.wants(t, http.StatusSeeOther); a.Header.Get("Location") != origin+"/cart" {
		t.Errorf("a person who is in is led to %q", a.Header.Get("Location"))
	}
	// The operator's answer is for the app's paths.
	w.arrive = func(in *web.Arrival, _ *http.Request) { in.Answer = web.AnswerJSON }
	w.browser().do(http.MethodPost, "/x/.doorcode/begin", nil, clicked).wants(t, http.StatusUnauthorized, "Email address")
}

func TestStatusTellsABrowserOfItself(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	if got := b.do(http.MethodGet, "/.doorcode/status", nil, scripted).body; got != `{"verified":false}`+"\n" {
		t.Errorf("a stranger: %s", got)
	}
	code := b.ask("/x", ana)
	w.clock.advance(6 * time.Second)
	if got := b.do(http.MethodGet, "/x/.doorcode/status", nil, scripted).body; got != `{"verified":false,"expires":"2026-08-01T12:10:00Z","resend_in":24}`+"\n" {
		t.Errorf("waiting: %s", got)
	}
	b.submit("/verify", "code", code)
	if got := b.do(http.MethodGet, "/x/.doorcode/status", nil, scripted).body; got != `{"verified":true}`+"\n" {
		t.Errorf("in: %s", got)
	}
}

func TestSessionTellsAnAppWhoIsIn(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.access.Groups = map[string][]string{"staff": {ana}} })
	b := w.browser()
	b.do(http.MethodGet, "/.doorcode/session", nil, scripted).wantsProblem(t, http.StatusUnauthorized, "check-needed")
	b.signIn("/x", ana)
	var got map[string]any
	if err := json.Unmarshal([]byte(b.do(http.MethodGet, "/.doorcode/session", nil, scripted).body), &got); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]any{"email": ana, "user": ana, "name": "", "verified_at": "2026-08-01T12:00:00Z", "expires": "2026-08-02T00:00:00Z"} {
		if got[field] != want {
			t.Errorf("%s = %v, want %v", field, got[field], want)
		}
	}
	if groups, ok := got["groups"].([]any); !ok || len(groups) != 1 || groups[0] != "staff" {
		t.Errorf("groups = %v", got["groups"])
	}
}

func TestJWKSMayBeKeptByAnybody(t *testing.T) {
	a := newWorld(t).browser().do(http.MethodGet, "/.doorcode/jwks.json", nil, terminal)
	a.wants(t, http.StatusOK)
	if a.Header.Get("Access-Control-Allow-Origin") != "*" || a.Header.Get("Content-Type") != "application/jwk-set+json" || len(a.Cookies()) > 0 {
		t.Errorf("headers %v", a.Header)
	}
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(a.body), &set); err != nil || len(set.Keys) == 0 {
		t.Errorf("%v: %s", err, a.body)
	}
	for _, key := range set.Keys {
		if key["d"] != nil || key["k"] != nil {
			t.Error("a private key is published")
		}
	}
}

func TestDOS02OwnFormsAreSmallAndOfOneKind(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	tests := map[string]struct {
		media, body string
		status      int
		kind        string
	}{
		"10 MB":              {form, "code=" + strings.Repeat("1", 10<<20), 413, "too-large"},
		"8 KiB and a byte":   {form, "code=" + strings.Repeat("1", 8<<10-4), 413, "too-large"},
		"multipart":          {"multipart/form-data; boundary=x", "--x\r\n\r\n--x--", 400, "bad-request"},
		"JSON":               {"application/json", `{"code":"123456"}`, 400, "bad-request"},
		"text":               {"text/plain", "code=123456", 400, "bad-request"},
		"no type":            {"", "code=123456", 400, "bad-request"},
		"a malformed type":   {form + "; =", "code=1", 400, "bad-request"},
		"a malformed escape": {form, "code=%zz", 400, "bad-request"},
		"a semicolon":        {form, "code=1;flow=2", 400, "bad-request"},
		"with a charset":     {form + "; charset=utf-8", "code=1", 409, "check-lost"},
		"8 KiB":              {form, "code=" + strings.Repeat("1", 8<<10-5), 409, "check-lost"},
		"nothing":            {form, "", 409, "check-lost"},
	}
	w := newWorld(t)
	for name, test := range tests {
		for _, endpoint := range []string{"email", "verify", "resend", "change", "backup", "way"} {
			for _, length := range []int64{int64(len(test.body)), -1} {
				body := strings.NewReader(test.body)
				r := w.browser().request(http.MethodPost, "/.doorcode/"+endpoint, nil, with(scripted, "Content-Type", test.media))
				r.Body, r.ContentLength = io.NopCloser(body), length
				w.browser().send(r).wantsProblem(t, test.status, test.kind)
				if read := len(test.body) - body.Len(); read > 9<<10 {
					t.Errorf("%s: %d bytes were read", name, read)
				}
			}
		}
	}
	r := w.browser().request(http.MethodPost, "/.doorcode/signout", nil, with(clicked, "Content-Type", form))
	r.Body = io.NopCloser(strings.NewReader("flow=" + strings.Repeat("1", 1<<20)))
	w.browser().send(r).wants(t, http.StatusRequestEntityTooLarge, "That was too much to send")
}

// wrapped is a writer as middlewares pass it on.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Before, the server hung up on whoever was still sending, and the refusal was
// lost on its way.
func TestDOS02TheRefusalOfALargeFormArrives(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.ServeHTTP(wrapped{rw}, r) }))
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 8 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/.doorcode/verify", strings.NewReader(strings.Repeat("1", 10<<20)))
		if err != nil {
			t.Fatal(err)
		}
		r.Host, r.Header = "app.example.com", with(scripted, "Content-Type", "application/x-www-form-urlencoded")
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d", response.StatusCode)
		}
	}
}

// A request in TLS early data can be sent again by whoever saw it (RFC 8470).
func TestEarlyDataChangesNothing(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	code := b.ask("/x", ana)
	early := with(clicked, "Early-Data", "1")
	b.post(early, "/verify", "code", code).wants(t, http.StatusTooEarly)
	b.submit("/verify", "code", code).wants(t, http.StatusOK)
	b.do(http.MethodPost, "/x", url.Values{}, early).wants(t, http.StatusTooEarly)
	b.do(http.MethodGet, "/x", nil, early).wants(t, http.StatusOK)
}

func TestPlainHTTPIsRefusedWhereverACookieIsNeeded(t *testing.T) {
	w := newWorld(t)
	w.arrive = func(in *web.Arrival, _ *http.Request) { in.Secure, in.Proxy = false, "172.18.0.3" }
	for _, target := range []string{"/x", "/.doorcode/begin", "/.doorcode/signout", "/.doorcode/session"} {
		a := w.browser().do(http.MethodGet, target, nil, clicked)
		if a.wants(t, http.StatusBadRequest, "172.18.0.3"); len(a.Cookies()) > 0 {
			t.Errorf("%s: cookies %v", target, a.Cookies())
		}
		w.browser().do(http.MethodGet, target, nil, terminal).wantsProblem(t, http.StatusBadRequest, "plain-http")
	}
	w.browser().do(http.MethodPost, "/.doorcode/email", nil, clicked).wants(t, http.StatusBadRequest)
	w.browser().do(http.MethodGet, "/.doorcode/ping", nil, terminal).wants(t, http.StatusNoContent)
	w.browser().do(http.MethodGet, "/.doorcode/jwks.json", nil, terminal).wants(t, http.StatusOK)
}

func TestTheInboxIsForThisMachineAlone(t *testing.T) {
	letters := []web.Letter{{To: ana, Subject: "123456 is <b>your</b> code", HTML: `<p onclick="x">"hi"</p>`, Text: "<script>"}}
	for _, pinned := range []string{"", "/auth"} {
		inbox := web.NewInbox(func() []web.Letter { return letters })
		w := newWorld(t, func(s *settings) {
			s.web.Inbox, s.web.Endpoints, s.web.Origins = inbox, pinned, []string{"http://localhost:8080"}
		})
		open := func(method, client, peer, path string, h http.Header) answer {
			w.arrive = func(in *web.Arrival, r *http.Request) {
				in.Secure, in.IP, r.RemoteAddr = false, netip.MustParseAddr(client), peer
			}
			b := w.browser()
			b.host = "localhost:8080"
			return b.do(method, path, nil, h)
		}
		path := inbox.Path()
		if !strings.HasPrefix(path, pinned+"/") || len(path) < 30 {
			t.Errorf("the inbox is at %q", path)
		}
		a := open(http.MethodGet, "127.0.0.1", "127.0.0.1:5000", path, clicked)
		a.wants(t, http.StatusOK, "123456 is <b>your</b> code")
		if strings.Contains(a.body, "<b>your") || strings.Contains(a.body, `onclick="`) || strings.Contains(a.body, "<script>") {
			t.Errorf("a letter is not escaped:\n%s", a.body)
		}
		open(http.MethodGet, "::1", "[::1]:5000", path, clicked).wants(t, http.StatusOK)
		open(http.MethodPost, "127.0.0.1", "127.0.0.1:5000", path, clicked).wants(t, http.StatusMethodNotAllowed)
		open(http.MethodGet, "127.0.0.1", "127.0.0.1:5000", path[:len(path)-1], clicked).wants(t, http.StatusNotFound)
		open(http.MethodGet, "203.0.113.7", "203.0.113.7:5000", path, clicked).wants(t, http.StatusForbidden, "!123456")
		open(http.MethodGet, "127.0.0.1", "203.0.113.7:5000", path, clicked).wants(t, http.StatusForbidden)
		open(http.MethodGet, "203.0.113.7", "127.0.0.1:5000", path, clicked).wants(t, http.StatusForbidden)
		open(http.MethodGet, "127.0.0.1", "@", path, clicked).wants(t, http.StatusForbidden)
		for _, header := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Via", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP"} {
			open(http.MethodGet, "127.0.0.1", "127.0.0.1:5000", path, with(clicked, header, "x")).wants(t, http.StatusForbidden, "!123456")
		}
	}
}
