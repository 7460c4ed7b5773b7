// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// F-16: an app that is down, or that hangs up, costs nobody their code or their session.
// Caddy says 502, and everything goes on where it was once the app is back.
func TestF16AnAppThatIsAwayCostsNobodyTheirCodeOrSession(t *testing.T) {
	c := harness.Prepare(t)
	back := c.App.Address
	c.App.Address = "127.0.0.1:" + harness.FreePort(t) // where nobody listens
	c.Load(t, site())
	in := c.Browser(t)
	code := ask(t, c, in, "/wanted", ana)
	page := in.Do(t, http.MethodPost, "/.doorcode/verify", form(t, in, code), sameOrigin)
	if page.Status != http.StatusSeeOther || setCookies(page)["doorcode"] == nil {
		t.Fatalf("a right code while the app is away: status %d, %q", page.Status, page.Header)
	}
	for range 3 {
		answer := in.Fetch(t, "/wanted")
		wantStatus(t, "the app is away", answer, http.StatusBadGateway)
		if cookie := setCookies(answer)["doorcode"]; cookie != nil {
			t.Errorf("an app that is away changed the session: %s", cookie)
		}
	}
	stranger := c.Browser(t)
	wantStatus(t, "a stranger meanwhile", stranger.Fetch(t, "/wanted"), http.StatusUnauthorized)

	c.App.Address = back
	c.Load(t, site())
	wantStatus(t, "the same session once the app is back", in.Fetch(t, "/wanted"), http.StatusOK)
	c.App.Answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	wantStatus(t, "an app that hangs up", in.Fetch(t, "/wanted"), http.StatusBadGateway)
	c.App.Answer(nil)
	wantStatus(t, "and the session still", in.Fetch(t, "/wanted"), http.StatusOK)
}
