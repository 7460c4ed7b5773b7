// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// twoGates is a site that everybody at example.com may enter, and whose admin
// part is for ana and for somebody from elsewhere, with its lines in two orders.
var twoGates = func() map[string]string {
	all, admin := gate("*@example.com"), gate("/admin/* ana@example.com "+eve)
	const head, tail = "http://localhost:PORT {\n", "\n\treverse_proxy APP\n}\n"
	return map[string]string{"admin first": head + admin + "\n" + all + tail, "admin last": head + all + "\n" + admin + tail}
}()

// Ruling 4: a request passes every doorcode line that it meets, and one session
// serves all of them. Both lines must see it, though the first takes our cookies
// out of the request; and the second may set some, though the first takes our
// names out of the answer.
func TestRuling4EveryLineThatMatchesMustPass(t *testing.T) {
	for order, config := range twoGates {
		t.Run(order, func(t *testing.T) {
			c := harness.Start(t, config)
			first := c.Browser(t)
			first.SignIn(t, c, "/admin/x", ana, false)
			wantApp(t, c, ana)
			wantStatus(t, "ana in the rest", first.Open(t, "/x"), http.StatusOK)
			wantApp(t, c, ana)
			if mails := c.Mailbox.Mails(t, ana); len(mails) != 1 {
				t.Errorf("ana was mailed %d times, want once", len(mails))
			}
			second := c.Browser(t)
			second.SignIn(t, c, "/x", ben, true)
			wantApp(t, c, ben)
			reached := len(c.App.Seen())
			wantStatus(t, "ben in the admin part", second.Open(t, "/admin/x"), http.StatusForbidden)
			wantStatus(t, "ben by another spelling", second.Fetch(t, "/x/..%2fadmin/x"), http.StatusForbidden)
			c.App.Untouched(t, reached)
			second.Drop(t, "doorcode")
			wantStatus(t, "ben, renewed by the browser", second.Open(t, "/x"), http.StatusOK)
			wantApp(t, c, ben)
			second.Drop(t, "doorcode")
			reached = len(c.App.Seen())
			second.Open(t, "/admin/x")
			c.App.Untouched(t, reached)
		})
	}
}

// wantApp fails unless the app was told who somebody is, and got no cookie.
func wantApp(t *testing.T, c *harness.Caddy, address string) {
	t.Helper()
	if seen := c.App.Last(t).Header; seen.Get("Remote-Email") != address || seen.Get("Doorcode-Assertion") == "" || seen.Get("Cookie") != "" {
		t.Errorf("the app saw %q, want %s", seen, address)
	}
}

// Ruling 4: who passes the inner line only is refused by the outer one.
func TestRuling4PassingOneLineIsNotEnough(t *testing.T) {
	c := harness.Start(t, twoGates["admin first"])
	b := c.Browser(t)
	wantStatus(t, "eve, whom only the admin part lists", enter(t, b, ask(t, c, b, "/admin/x", eve)), http.StatusForbidden)
	wantStatus(t, "eve in the rest", b.Open(t, "/x"), http.StatusForbidden)
	c.App.Untouched(t, 0)
}

// Ruling 4: the endpoints of each line work, whichever line stands first, and
// none of them is ever passed on to the app.
func TestRuling4EndpointsOfEveryLine(t *testing.T) {
	for order, config := range twoGates {
		t.Run(order, func(t *testing.T) {
			c := harness.Start(t, config)
			for _, path := range []string{"/x", "/admin/x", "/y/"} {
				b := c.Browser(t)
				b.SignIn(t, c, path, ana, false)
				reached := len(c.App.Seen())
				for _, at := range []string{"", "/admin", "/x/y"} {
					wantStatus(t, "session", b.Fetch(t, at+"/.doorcode/session"), http.StatusOK)
					wantStatus(t, "nothing", b.Fetch(t, at+"/.doorcode/nothing"), http.StatusNotFound)
					wantStatus(t, "verify by GET", b.Fetch(t, at+"/.doorcode/verify"), http.StatusMethodNotAllowed)
				}
				b.Open(t, "/admin/.doorcode/signout")
				wantStatus(t, "sign-out", b.Submit(t, "signout", nil), http.StatusOK)
				wantStatus(t, "after sign-out", b.Fetch(t, path), http.StatusUnauthorized)
				c.App.Untouched(t, reached)
			}
		})
	}
}

// Ruling 4: a code is for the line that asked for it. A flow that began at one
// line is not carried on by another, so nobody enters the admin part by a code
// of the rest, and going from one to the other in one browser just begins anew.
func TestRuling4AFlowCarriesItsGate(t *testing.T) {
	c := harness.Start(t, twoGates["admin first"])
	b := c.Browser(t)
	code := ask(t, c, b, "/x", ana)
	form := b.Page()
	page := b.Open(t, "/admin/x") // begins a flow at the other line
	wantStatus(t, "other line", page, http.StatusUnauthorized)
	b.Do(t, http.MethodPost, "/x/.doorcode/verify", map[string][]string{"flow": {form.Hidden(t, "verify")}, "code": {code}}, sameOrigin)
	wantStatus(t, "after the code of another line", b.Fetch(t, "/admin/x"), http.StatusUnauthorized)
	c.App.Untouched(t, 0)
	wantStatus(t, "the other line's own code", enter(t, b, ask(t, c, b, "/admin/x", ana)), http.StatusOK)
}
