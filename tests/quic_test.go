// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// encrypted is a site over https, which Caddy serves by HTTP/1.1, HTTP/2 and HTTP/3.
func encrypted(lines ...string) string {
	return "https://localhost:PORT {\n" + gate("*@example.com", lines...) + "\n\treverse_proxy APP\n}\n"
}

// The whole way over HTTP/3: the check, the session, the app, and the way out.
func TestSignInOverHTTP3(t *testing.T) {
	c := harness.Start(t, encrypted())
	b := c.SecureBrowser(t, "localhost").Over(c.H3(t, "localhost"))
	wantStatus(t, "after the code", b.SignIn(t, c, "/x", ana, true), http.StatusOK)
	if seen := c.App.Last(t); seen.Header.Get("Remote-Email") != ana || strings.Contains(seen.Header.Get("Cookie"), "doorcode") {
		t.Errorf("the app saw %v", seen.Header)
	}
	wantStatus(t, "a form", b.Do(t, http.MethodPost, "/form", url.Values{"a": {"b"}}, harness.Navigation), http.StatusOK)
	b.Open(t, "/.doorcode/signout")
	b.Submit(t, "signout", url.Values{})
	reached := len(c.App.Seen())
	wantStatus(t, "after the sign-out", b.Fetch(t, "/x"), http.StatusUnauthorized)
	c.App.Untouched(t, reached)
}

// F-23: somebody on the way sends early data again and again, which the server cannot
// tell from the first time: TLS has no end to it that a server with state would know.
// Nothing comes of it.
func TestF23EarlyDataThatIsReplayedChangesNothing(t *testing.T) {
	c := harness.Start(t, encrypted())
	b := c.SecureBrowser(t, "localhost")
	b.SignIn(t, c, "/", ana, true)
	session, device := b.Cookies(t)["__Host-Http-doorcode"], b.Cookies(t)["__Host-Http-doorcode-device"]
	other := c.SecureBrowser(t, "localhost")
	code := ask(t, c, other, "/", ben)
	flow := cookies(t, other)
	tickets, reached := c.Ticket(t, "localhost"), len(c.App.Seen())
	var replays sync.WaitGroup
	early := func(method, path, cookie, body string, want int) {
		t.Helper()
		wire := harness.NewDatagrams(t, c.Address())
		page := c.Early(t, harness.H2{Method: method, Host: "localhost", Path: path, Body: body, Fields: [][2]string{
			{"cookie", cookie}, {"content-type", "application/x-www-form-urlencoded"}, {"sec-fetch-site", "same-origin"}, {"accept", "text/html"},
		}}, wire, tickets)
		wantStatus(t, method+" "+path, page, want)
		if page.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s %s sets %q", method, path, page.Header["Set-Cookie"])
		}
		replays.Go(func() {
			if err := wire.Replay(); err != nil {
				t.Errorf("%s %s: %v", method, path, err)
			}
		})
	}
	early("POST", "/.doorcode/verify", flow, form(t, other, code).Encode(), http.StatusTooEarly)
	early("POST", "/pay", "__Host-Http-doorcode="+session, "a=b", http.StatusTooEarly)
	early("GET", "/x", "__Host-Http-doorcode-device="+device, "", http.StatusTooEarly)
	early("GET", "/x", "", "", http.StatusTooEarly)
	c.App.Untouched(t, reached)
	early("GET", "/x", "__Host-Http-doorcode="+session, "", http.StatusOK)
	replays.Wait()
	harness.Eventually(t, "the app to have it twice", func() bool { return len(c.App.Seen()) >= reached+2 })
	for _, seen := range c.App.Seen()[reached:] {
		if seen.Method != http.MethodGet || seen.Header.Get("Early-Data") != "1" {
			t.Errorf("the app saw %+v", seen)
		}
	}
	b.Drop(t, "__Host-Http-doorcode")
	wantStatus(t, "the remembered browser", b.Open(t, "/x"), http.StatusOK)
	wantStatus(t, "the code", enter(t, other, code), http.StatusOK)
}
