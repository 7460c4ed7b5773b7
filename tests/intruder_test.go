// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// A path that only looks like one of an endpoint reaches the app, so it is judged
// as it stands. It used to be judged as the page before it, which was "/" and asked
// for nothing.
func TestPTH07ASegmentOfOursLiftsNoRule(t *testing.T) {
	for _, lines := range [][]string{{"sensitive /admin/*"}, {"sensitive /admin/*", "endpoints /.doorcode"}} {
		c := harness.Start(t, site(append(lines, "public /open/*", "sensitive /open/admin/*")...))
		b, stranger := renewed(t, c, ""), c.Browser(t)
		reached := len(c.App.Seen())
		for _, path := range []string{
			"/admin/pay.php", "/admin/pay.php/.doorcodex", "/admin/.doorcode-x/../pay", "/admin/pay.php;/.doorcode;x",
			"/x/.doorcode/../../admin/secret", "/x/.doorcode/%2e%2e/%2e%2e/admin/secret", "/x/.doorcode/..%2f..%2fadmin/secret",
		} {
			if page := c.Raw(t, "GET "+path+" HTTP/1.1", "Host: HOST", "Cookie: "+cookies(t, b), "Connection: close", "", ""); page.Status < 400 {
				t.Errorf("%q, %s by an old code: status %d", lines, path, page.Status)
			}
		}
		wantStatus(t, "a stranger", stranger.Fetch(t, "/open/admin/pay.php/.doorcodex"), http.StatusUnauthorized)
		c.App.Untouched(t, reached)
	}
}

// A copied device cookie used to be laundered by the lenient of two gates: the
// session that it made there counted as proved in Tokyo at the strict one.
func TestRuling1ALenientGateVouchesForNoPlace(t *testing.T) {
	for name, lenient := range map[string][]string{
		"that does not ask by place": {databases, "challenge new_browser", "session 12h {\nbind none\n}"},
		"that only observes":         {databases, "observe new_place travel"},
	} {
		t.Run(name, func(t *testing.T) {
			c := charted(t, "http://localhost:PORT {\n\t@admin path /admin/*\n"+gate("*@example.com", lenient...)+"\n"+
				strings.Replace(gate("*@example.com", databases), "doorcode", "doorcode @admin", 1)+"\n\treverse_proxy APP\n}\n")
			thief := atHome(t, c, lisbon, true)
			thief.Drop(t, "doorcode")
			thief.From = tokyo
			wantStatus(t, "at the lenient gate", thief.Fetch(t, "/x"), http.StatusOK)
			reached := len(c.App.Seen())
			wantCheck(t, "at the strict gate", thief.Fetch(t, "/admin/x"), "new_place", "travel")
			c.App.Untouched(t, reached)
			thief.From = lisbon
			wantStatus(t, "in Lisbon", thief.Fetch(t, "/admin/x"), http.StatusOK)
		})
	}
}

// Behind two gates the check that an app demands used to lose its cookie to the
// guard of the outer one, which took it for the app's.
func TestRuling38ADemandBehindTwoGatesCanBeMet(t *testing.T) {
	c := harness.Start(t, "http://localhost:PORT {\n\t@admin path /admin/*\n"+gate("*@example.com")+"\n"+
		strings.Replace(gate("*@example.com"), "doorcode", "doorcode @admin", 1)+"\n\treverse_proxy APP\n}\n")
	c.App.Answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Doorcode-Require", "max_age=60") })
	b := atHome(t, c, "", true)
	b.Drop(t, "doorcode")
	wantStatus(t, "after the code", confirm(t, c, b, "/admin/pay"), http.StatusOK)
}

// What the app has had already is not held, to be sent a second time.
func TestRuling37AFormThatTheAppHasHadIsNotHeld(t *testing.T) {
	c := harness.Start(t, site())
	c.App.Answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Doorcode-Require", "max_age=60") })
	b := atHome(t, c, "", true)
	b.Drop(t, "doorcode")
	page := b.Do(t, http.MethodPost, "/do?x=1", url.Values{}, harness.Navigation, sameOrigin)
	wantStatus(t, "the form", page, http.StatusUnauthorized)
	if strings.Contains(page.Body, `name="held"`) || strings.Contains(page.Body, "name=held") {
		t.Error("the page holds a form that the app has acted on")
	}
}

// A stream of events is known by the app's answer: whoever asks can ask for
// anything, and used to keep the stream by not asking for one.
func TestRuling7AStreamIsCutWhateverWasAskedFor(t *testing.T) {
	for _, accept := range []string{"*/*", "Text/Event-Stream", ""} {
		c := harness.Start(t, site())
		c.App.Answer(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/events" {
				return
			}
			w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
			_, _ = io.WriteString(w, "data: hello\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		b := c.Browser(t)
		b.From = lisbon
		b.SignIn(t, c, "/", ana, false)
		conn := c.Dial(t)
		_, _ = io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: localhost:"+c.Port+"\r\nAccept: "+accept+"\r\nCookie: "+cookies(t, b)+"\r\n\r\n")
		buffer := make([]byte, 4<<10)
		if n, err := conn.Read(buffer); err != nil || !strings.HasPrefix(string(buffer[:n]), "HTTP/1.1 200") {
			t.Fatalf("Accept %q: the stream did not open: %q, %v", accept, buffer[:n], err)
		}
		b.Open(t, "/.doorcode/signout")
		b.Submit(t, "signout", url.Values{})
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("Accept %q: the stream goes on after the sign-out", accept)
		}
	}
}

// Each disguise of a path counts together with each of a method.
func TestPTH03APathAndAMethodInDisguiseAtOnce(t *testing.T) {
	c := harness.Start(t, site("sensitive 5m {\npath /export/*\nmethod DELETE\n}"))
	b := renewed(t, c, "")
	reached := len(c.App.Seen())
	for _, line := range []string{
		"DELETE /export/x", "POST /export/x?_method=DELETE", "DELETE /export;v=1/x", "POST /export;v=1/x?_method=DELETE", "delete /export;v=1/x",
	} {
		page := c.Raw(t, line+" HTTP/1.1", "Host: HOST", "Cookie: "+cookies(t, b), "Content-Length: 0", "Connection: close", "", "")
		if page.Status < 400 {
			t.Errorf("%s: status %d", line, page.Status)
		}
	}
	c.App.Untouched(t, reached)
}

// "remember { choice never }" made an observed reason one that asks.
func TestObservingNewBrowsersAsksNobodyWhereNoneIsRemembered(t *testing.T) {
	c := harness.Start(t, behindPassword("challenge new_browser", "observe new_browser", "remember {\nchoice never\n}"))
	b := as(t, c.Browser(t), "alice")
	wantStatus(t, "somebody with a password", b.Open(t, "/"), http.StatusOK)
}

// A check that is under way at a gate with endpoints of its own used to draw the
// paths of another gate's endpoints to it, which it guards no part of: it let them
// through to the app.
func TestRuling4AGateAnswersForItsOwnEndpointsAlone(t *testing.T) {
	for name, pins := range map[string][2]string{"one pinned": {"preflight deny", "endpoints /auth"}, "both pinned": {"endpoints /a/auth", "endpoints /b/auth"}} {
		t.Run(name, func(t *testing.T) {
			c := harness.Start(t, "http://localhost:PORT {\n\t@a path /a/* /admin/*\n\t@b path /b/*\n"+
				strings.Replace(gate("*@example.com", "sensitive /admin/*", pins[0]), "doorcode", "doorcode @a", 1)+"\n"+
				strings.Replace(gate("*@example.com", pins[1]), "doorcode", "doorcode @b", 1)+"\n\treverse_proxy APP\n}\n")
			stranger := c.Browser(t)
			wantStatus(t, "a check at the other gate", stranger.Open(t, "/b/x"), http.StatusUnauthorized)
			for _, path := range []string{"/admin/pay.php/.doorcode/x", "/a/secret.php/.doorcode", "/a/.doorcode/verify", "/a/auth/x", "/admin/.doorcode/verify"} {
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					if page := stranger.Do(t, method, path, nil, harness.Navigation, sameOrigin); page.Status == http.StatusOK {
						t.Errorf("%s %s: status 200", method, path)
					}
				}
			}
			c.App.Untouched(t, 0)
		})
	}
}

// What was only observed does not count as usual once it is enforced, and neither
// does what a gate let pass that knows no places.
func TestRuling45WhatWasOnlyObservedIsNotUsualLater(t *testing.T) {
	c := located(t, "observe new_place travel")
	thief := atHome(t, c, lisbon, true)
	thief.Drop(t, "doorcode")
	thief.From = tokyo
	wantStatus(t, "observed", thief.Fetch(t, "/"), http.StatusOK)
	c.Load(t, logged+site(databases))
	wantCheck(t, "enforced", thief.Fetch(t, "/"), "new_place", "travel")

	c = charted(t, "http://localhost:PORT {\n\t@admin path /admin/*\n"+gate("*@example.com")+"\n"+
		strings.Replace(gate("*@example.com", databases), "doorcode", "doorcode @admin", 1)+"\n\treverse_proxy APP\n}\n")
	thief = atHome(t, c, lisbon, true)
	thief.Drop(t, "doorcode")
	thief.From = tokyo
	wantStatus(t, "where no place is known", thief.Fetch(t, "/x"), http.StatusOK)
	wantCheck(t, "where places are", thief.Fetch(t, "/admin/x"), "new_place", "travel")
}
