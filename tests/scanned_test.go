// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// links are what a scanner finds to follow in a mail.
var links = regexp.MustCompile(`https?://[^\s"'<>]+`)

// OTC-14, L-29, L-30: what reads mails ahead of people fetches each link in them, from a
// data centre, often with a browser. It is let in by none, spends no code, stops
// nothing, and is handed no session.
func TestOTC14AScannerOfMailsSpendsNothingAndIsLetInByNothing(t *testing.T) {
	c := harness.Start(t, site())
	b := c.Browser(t)
	code := ask(t, c, b, "/", ana)
	mail := c.Mailbox.WaitCode(t, ana, 1)
	found := append(links.FindAllString(mail.Text, -1), links.FindAllString(mail.HTML, -1)...)
	if len(found) == 0 {
		t.Fatal("the mail has no link, so this test shows nothing")
	}
	for n, link := range found {
		to, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		scanner := from(t, c, n)
		for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodGet, http.MethodOptions} {
			page := scanner.Do(t, method, to.RequestURI(), nil, []http.Header{nil, harness.Navigation}[n%2])
			if session := setCookies(page)["doorcode"]; session != nil {
				t.Errorf("%s %s sets %s", method, to.Path, session)
			}
		}
		scanner.Do(t, http.MethodPost, to.RequestURI(), url.Values{"code": {code}}, harness.Navigation)
	}
	c.App.Untouched(t, 0)
	wantStatus(t, "the code of the mail that was scanned", enter(t, b, code), http.StatusOK)
}
