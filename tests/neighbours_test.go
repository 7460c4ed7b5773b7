// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// TestRuling2AnotherSitesGateServesNothingHere: endpoints used to be handed to
// any gate of the same host name, so that a site on another port lent out a gate
// whose earlier step had not run: a forged header named whoever one liked.
func TestRuling2AnotherSitesGateServesNothingHere(t *testing.T) {
	inner := harness.FreePort(t)
	c := harness.Start(t, "http://localhost:PORT {\n"+gate("/x/* *@example.com")+"\n"+gate("/z/* *@example.com")+"\n\treverse_proxy APP\n}\n"+
		"http://localhost:"+inner+` {
	forward_auth APP {
		uri /auth
		copy_headers Remote-User
	}
	doorcode {
		identity {http.request.header.Remote-User} {
			from forward_auth
		}
		mail file MAIL
		storage embedded FOLDER/doorcode.db
	}
	reverse_proxy APP
}
`)
	b := c.Browser(t)
	forged := http.Header{"Remote-User": {"ana@example.com"}}
	page := b.Do(t, http.MethodPost, "/.doorcode/begin", url.Values{}, http.Header{"Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Site": {"same-origin"}}, forged)
	if strings.Contains(page.Body, inner) || strings.Contains(page.Text(), "Check your email") {
		t.Errorf("a forged header was believed by another site's gate: %d\n%s", page.Status, page.Text())
	}
	if mails := c.Mailbox.Mails(t, "ana@example.com"); len(mails) > 0 {
		t.Errorf("%d mails were sent to somebody who was only named", len(mails))
	}
}

// TestRuling2AHeaderCountsOnlyWhereForwardAuthRan: the gate guards every spelling
// of its paths, forward_auth runs for Caddy's own reading only. At the others the
// header is the visitor's word, and once locked out whomever it named.
func TestRuling2AHeaderCountsOnlyWhereForwardAuthRan(t *testing.T) {
	c := harness.Start(t, `http://localhost:PORT {
	forward_auth /y/* APP {
		uri /auth
		copy_headers Remote-User
	}
	doorcode /y/* {
		identity {http.request.header.Remote-User} {
			from forward_auth
		}
		mail file MAIL
		storage embedded FOLDER/doorcode.db
	}
	reverse_proxy APP
}
`)
	for _, path := range []string{"/y;v=1/z", "/y./z", "/y%20/z"} {
		page := c.Raw(t, "GET "+path+" HTTP/1.1", "Host: HOST", "Connection: close", "Accept: text/html",
			"Remote-User: ana@example.com", "", "")
		if page.Status != http.StatusForbidden {
			t.Errorf("%s with a forged header: %d, want 403", path, page.Status)
		}
	}
	if mails := c.Mailbox.Mails(t, "ana@example.com"); len(mails) > 0 {
		t.Errorf("%d mails were sent to somebody who was only named", len(mails))
	}
	c.App.Untouched(t, 0)
}

// TestPTH03ExceptionsOfAGuardDoNotOpenStepsInPaths: what "not path /pub/*" leaves
// out was reached as /admin/..%2fpub/x, which an app may read as below /admin.
func TestPTH03ExceptionsOfAGuardDoNotOpenStepsInPaths(t *testing.T) {
	c := harness.Start(t, "http://localhost:PORT {\n\t@most not path /pub/*\n"+gate("@most *@example.com")+"\n\treverse_proxy APP\n}\n")
	for _, path := range []string{"/admin/..%2fpub/x", "/admin/../pub/x", "/admin/%2e%2e/pub/x", "/admin%2f..%2fpub/x", "/pub%2fadmin"} {
		if page := c.Raw(t, "GET "+path+" HTTP/1.1", "Host: HOST", "Connection: close", "", ""); page.Status != http.StatusUnauthorized {
			t.Errorf("%s: %d, want 401", path, page.Status)
		}
	}
	c.App.Untouched(t, 0)
	if page := c.Raw(t, "GET /pub/x HTTP/1.1", "Host: HOST", "Connection: close", "", ""); page.Status != http.StatusOK {
		t.Errorf("/pub/x: %d, want 200", page.Status)
	}
}

// TestTwoSecretsForOneStorageAreRefused: each would take the other's signing keys
// for a changed secret and sign everybody out in turn.
func TestTwoSecretsForOneStorageAreRefused(t *testing.T) {
	c := harness.Prepare(t)
	site := func(port, secret string) string {
		return "http://localhost:" + port + " {\n\tdoorcode *@example.com {\n\t\tmail file MAIL\n\t\tstorage embedded FOLDER/doorcode.db\n\t\tsecret " + secret + "\n\t}\n}\n"
	}
	err := c.TryLoad(t, site("PORT", "0123456789abcdefghijklmnopqrstuv")+site(harness.FreePort(t), "another-secret-of-thirty-two-bytes"))
	if err == nil || !strings.Contains(err.Error(), "share the storage") {
		t.Errorf("error = %v, want one that says that the storage is shared", err)
	}
}

// TestTwoStoragesInOneSiteAreRefused: its lines could not know each other's checks,
// so that the second one could never be passed.
func TestTwoStoragesInOneSiteAreRefused(t *testing.T) {
	c := harness.Prepare(t)
	line := func(path, file string) string {
		return "\tdoorcode " + path + " *@example.com {\n\t\tmail file MAIL\n\t\tstorage embedded FOLDER/" + file + "\n\t}\n"
	}
	err := c.TryLoad(t, "http://localhost:PORT {\n"+line("/x/*", "one.db")+line("/y/*", "two.db")+"}\n")
	if err == nil || !strings.Contains(err.Error(), "one 'storage'") {
		t.Errorf("error = %v, want one that asks for one storage", err)
	}
}
