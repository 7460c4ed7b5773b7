// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// password of every user in these tests, and its bcrypt hash of the least cost.
const (
	password     = "tango-lima"
	passwordHash = "$2a$04$Seek1sAUjBcdgV2ffVosouFUgpZKVJBay0z/9jl5cfPNsbtolRq8O" //nolint:gosec // of the password above
)

// basicAuth is a first step with users.
func basicAuth(users ...string) string {
	var b strings.Builder
	b.WriteString("\tbasic_auth {\n")
	for _, user := range users {
		b.WriteString("\t\t" + user + " " + passwordHash + "\n")
	}
	b.WriteString("\t}\n")
	return b.String()
}

// as is a browser that sends a password with every request.
func as(t *testing.T, b *harness.Browser, user string) *harness.Browser {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth(user, password)
	b.Extra = http.Header{"Authorization": r.Header["Authorization"]}
	return b
}

const basicGate = `http://localhost:PORT {
USERS
	doorcode {
		identity {http.auth.user.id} {
			map alice ana@example.com
			domain example.com
		}
		deny carol@example.com
		mail file MAIL
		storage embedded FOLDER/doorcode.db
	}
	reverse_proxy APP
}
`

// knownIn goes through the check of somebody whom an earlier step has named.
func knownIn(t *testing.T, c *harness.Caddy, b *harness.Browser, address string) {
	t.Helper()
	before := len(c.Mailbox.Mails(t, address))
	wantStatus(t, address+" before the code", b.Open(t, "/"), http.StatusUnauthorized)
	wantStatus(t, address+" after the code", enter(t, b, c.Mailbox.Wait(t, address, before+1).Code(t)), http.StatusOK)
}

// Ruling 2, RL-05: the second factor behind a password. The user's address comes
// from the operator, not from the visitor, and one mail goes out however many
// tabs are opened.
func TestRuling2BasicAuthInFront(t *testing.T) {
	c := harness.Start(t, strings.Replace(basicGate, "USERS", basicAuth("alice", "ben", "carol"), 1))
	wantStatus(t, "no password", c.Browser(t).Open(t, "/"), http.StatusUnauthorized)

	alice := as(t, c.Browser(t), "alice")
	page := alice.Open(t, "/")
	if page.Status != http.StatusUnauthorized || strings.Contains(page.Body, ana) {
		t.Errorf("before the code the page tells more than a hint of the address:\n%s", page.Text())
	}
	alice.Open(t, "/tab")
	wantStatus(t, "alice", enter(t, alice, c.Mailbox.Wait(t, ana, 1).Code(t)), http.StatusOK)
	if mails := c.Mailbox.Mails(t, ana); len(mails) != 1 {
		t.Errorf("%d mails for two tabs, want 1", len(mails))
	}
	seen := c.App.Last(t).Header
	if seen.Get("Remote-User") != "alice" || seen.Get("Remote-Email") != ana {
		t.Errorf("the app saw %q", seen)
	}

	knownIn(t, c, as(t, c.Browser(t), "ben"), ben)
	carol := as(t, c.Browser(t), "carol").Open(t, "/")
	wantStatus(t, "carol", carol, http.StatusForbidden)
	if mails := c.Mailbox.Mails(t, "carol@example.com"); len(mails) != 0 {
		t.Errorf("a user who is denied was mailed %d times", len(mails))
	}
}

// Ruling 2: a session counts only for the user for whom it was made. Otherwise
// whoever has one password could use the session of anybody whose cookie they
// copied, or their own session with somebody else's password.
func TestRuling2AnotherUsersSessionDoesNotCount(t *testing.T) {
	c := harness.Start(t, strings.Replace(basicGate, "USERS", basicAuth("alice", "ben"), 1))
	b := as(t, c.Browser(t), "alice")
	knownIn(t, c, b, ana)
	reached := len(c.App.Seen())
	as(t, b, "ben")
	wantStatus(t, "ben with the cookie of alice", b.Fetch(t, "/"), http.StatusUnauthorized)
	wantStatus(t, "ben with the cookie of alice, page", b.Open(t, "/"), http.StatusUnauthorized)
	b.Extra = nil
	wantStatus(t, "the cookie without a password", b.Fetch(t, "/"), http.StatusUnauthorized)
	c.App.Untouched(t, reached)
	as(t, b, "alice")
	wantStatus(t, "alice again", b.Fetch(t, "/"), http.StatusOK)
}

// Ruling 2: two names that mean one mailbox are two identities, and a code that
// one of them asked for lets in nobody else.
func TestRuling2AFlowBelongsToItsUser(t *testing.T) {
	c := harness.Start(t, strings.Replace(basicGate, "USERS", basicAuth("alice", "ana"), 1))
	b := as(t, c.Browser(t), "alice")
	b.Open(t, "/")
	code := c.Mailbox.Wait(t, ana, 1).Code(t)
	form := b.Page()
	as(t, b, "ana") // ana@example.com by the domain
	hidden := url.Values{"flow": {form.Hidden(t, "verify")}, "code": {code}}
	b.Do(t, http.MethodPost, "/.doorcode/verify", hidden, sameOrigin)
	wantStatus(t, "ana with the code of alice", b.Fetch(t, "/"), http.StatusUnauthorized)
	c.App.Untouched(t, 0)
}

// Ruling 2: whom nobody has given an address is refused, whatever cookie comes.
func TestRuling2AUserWithoutAnAddressIsRefused(t *testing.T) {
	config := strings.Replace(basicGate, "\n\t\t\tdomain example.com", "", 1)
	c := harness.Start(t, strings.Replace(config, "USERS", basicAuth("alice", "nobody"), 1))
	b := as(t, c.Browser(t), "alice")
	knownIn(t, c, b, ana)
	reached := len(c.App.Seen())
	as(t, b, "nobody")
	wantStatus(t, "no address, with a session", b.Open(t, "/"), http.StatusForbidden)
	wantStatus(t, "no address", as(t, c.Browser(t), "nobody").Fetch(t, "/"), http.StatusForbidden)
	c.App.Untouched(t, reached)
}

// forwardAuth is a sign-in server in front: it knows one user by a cookie of
// its own, and says so in header fields.
const forwardAuth = `http://localhost:PORT {
	forward_auth AUTH {
		uri /check
		copy_headers Remote-User Remote-Email Remote-Groups
	}
	doorcode {
		identity {http.request.header.Remote-User} {
			from forward_auth
			email {http.request.header.Remote-Email}
			groups {http.request.header.Remote-Groups}
		}
		public /public/*
		mail file MAIL
		storage embedded FOLDER/doorcode.db
	}
	reverse_proxy APP
}
`

// signInServer answers for whoever its map knows by the "sso" cookie.
func signInServer(t *testing.T, users map[string]http.Header) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("sso")
		if err != nil || users[cookie.Value] == nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		for name, values := range users[cookie.Value] {
			w.Header()[name] = values
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// Ruling 2, HDR-09: the identity that forward_auth copies counts; the same field
// from the visitor does not, although the gate reads it from the request.
func TestHDR09ForwardAuthInFront(t *testing.T) {
	auth := signInServer(t, map[string]http.Header{
		"alice": {"Remote-User": {"alice"}, "Remote-Email": {ana}, "Remote-Groups": {"staff,admins"}},
		"ghost": {"X-Nothing": {"here"}},
	})
	c := harness.Start(t, strings.Replace(forwardAuth, "AUTH", auth, 1))
	claims := http.Header{"Remote-User": {"alice"}, "Remote-Email": {"mallory@example.com"}, "Remote-Groups": {"root"}}

	mallory := c.Browser(t)
	mallory.Extra = claims.Clone()
	wantStatus(t, "claims alone", mallory.Fetch(t, "/"), http.StatusUnauthorized)
	mallory.Extra.Set("Cookie", "sso=ghost") // the server lets it by, but names nobody
	wantStatus(t, "claims where the server names nobody", mallory.Fetch(t, "/"), http.StatusForbidden)

	alice := c.Browser(t)
	address, err := url.Parse(alice.Base)
	if err != nil {
		t.Fatal(err)
	}
	alice.Jar.SetCookies(address, []*http.Cookie{{Name: "sso", Value: "alice"}})
	alice.Extra = claims
	knownIn(t, c, alice, ana)
	seen := c.App.Last(t)
	for name, want := range map[string]string{"Remote-User": "alice", "Remote-Email": ana, "Remote-Groups": "staff,admins", "Cookie": "sso=alice"} {
		if got := strings.Join(seen.Header[name], "|"); got != want {
			t.Errorf("the app saw %s %q, want %q", name, got, want)
		}
	}
	if mails := c.Mailbox.Mails(t, "mallory@example.com"); len(mails) != 0 {
		t.Error("the visitor's claim was mailed")
	}
}

// HDR-09, ruling 2: a header, cookie or query that nobody vouches for is no
// identity, and a configuration that says so is refused.
func TestHDR09TheVisitorsOwnWordIsRefusedAsIdentity(t *testing.T) {
	c := harness.Start(t, site())
	for _, source := range []string{
		"{http.request.header.Remote-User}", "{header.Remote-User}", "{http.request.cookie.user}", "{cookie.user}",
		"{http.request.uri.query.user}", "{query.user}", "{http.auth.candidate.id}", "{http.request.body}", "{env.USER}",
	} {
		if err := c.TryLoad(t, site("identity "+source)); err == nil {
			t.Errorf("identity %s was accepted", source)
		}
	}
	wantStatus(t, "the configuration before", c.Browser(t).Open(t, "/"), http.StatusUnauthorized)
}
