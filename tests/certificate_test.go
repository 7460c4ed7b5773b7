// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

const certificateGate = `https://localhost:PORT {
	tls {
		client_auth {
			mode MODE
			trust_pool file FOLDER/ca.pem
		}
	}
	doorcode {
		identity {http.request.tls.client.san.emails.0}
		mail file MAIL
		storage embedded FOLDER/doorcode.db
	}
	reverse_proxy APP
}
`

func withCertificates(t *testing.T, mode string) (*harness.Caddy, *harness.Authority) {
	t.Helper()
	c, ca := harness.Prepare(t), harness.NewAuthority(t)
	if err := os.WriteFile(filepath.Join(c.Folder, "ca.pem"), ca.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Load(t, strings.Replace(certificateGate, "MODE", mode, 1))
	return c, ca
}

// Ruling 2: a client certificate in front, and the code after it.
func TestRuling2AClientCertificateInFront(t *testing.T) {
	c, ca := withCertificates(t, "require_and_verify")
	b := c.SecureBrowser(t, "localhost")
	b.Present(ca.Client(t, ana))
	knownIn(t, c, b, ana)
	if seen := c.App.Last(t).Header; seen.Get("Remote-Email") != ana {
		t.Errorf("the app saw %q", seen)
	}
	reached := len(c.App.Seen())
	b.Present(ca.Client(t, ben))
	wantStatus(t, "another person's certificate with the cookie", b.Fetch(t, "/"), http.StatusUnauthorized)
	c.App.Untouched(t, reached)
}

// Ruling 2: where Caddy takes any certificate, the address in one that the
// visitor made is the visitor's own word.
func TestRuling2ACertificateThatNobodyVerifiedIsNoIdentity(t *testing.T) {
	c, ca := withCertificates(t, "require")
	b := c.SecureBrowser(t, "localhost")
	b.Present(harness.NewAuthority(t).Client(t, ana))
	wantStatus(t, "made by the visitor", b.Open(t, "/"), http.StatusForbidden)
	b.Present(ca.Client(t, ana)) // signed by the right authority, but this mode does not look
	wantStatus(t, "not looked at", b.Open(t, "/"), http.StatusForbidden)
	c.App.Untouched(t, 0)
	if mails := c.Mailbox.Mails(t, ana); len(mails) != 0 {
		t.Errorf("%d mails went to an address that nobody has proven", len(mails))
	}
}

// Ruling 2: with verify_if_given a visitor may come without one, and is nobody.
func TestRuling2NoCertificateIsNobody(t *testing.T) {
	c, ca := withCertificates(t, "verify_if_given")
	b := c.SecureBrowser(t, "localhost")
	wantStatus(t, "none", b.Open(t, "/"), http.StatusForbidden)
	b.Present(ca.Client(t, ana))
	knownIn(t, c, b, ana)
}
