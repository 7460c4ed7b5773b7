// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// relayed is a site whose mail goes to a relay.
func relayed(relay *harness.Relay, lines ...string) string {
	mail := "mail smtp " + relay.Address + " {\nfrom \"Example <login@example.com>\"\n}"
	return strings.Replace(site(lines...), "mail file MAIL", mail, 1)
}

// ML-07: the whole way of a code through a real mail server, over TLS with a
// certificate that is checked.
func TestML07SignInThroughARelay(t *testing.T) {
	relay := harness.NewRelay(t)
	relay.Up(t)
	c := harness.Start(t, relayed(relay))
	b := c.Browser(t)
	b.Open(t, "/x?a=b")
	b.Submit(t, "email", url.Values{"email": {" Ana@Example.com "}})
	mail := relay.Wait(t, ana, 1)
	if page := b.Open(t, "/x?a=b"); !strings.Contains(page.Text(), mail.Ref(t)) {
		t.Errorf("the page does not show the letters of the mail, %s:\n%s", mail.Ref(t), page.Text())
	}
	wantStatus(t, "after the code", enter(t, b, mail.Code(t)), http.StatusOK)
	if seen := c.App.Last(t); seen.URI != "/x?a=b" || seen.Header.Get("Remote-Email") != ana {
		t.Errorf("the app got %+v", seen)
	}
	if !relay.Secured() {
		t.Error("the mail went in clear text")
	}
	if to := relay.Recipients(); len(to) != 1 || to[0] != ana {
		t.Errorf("the relay was asked for %q", to)
	}
}

// ML-07: a relay whose certificate nobody vouches for gets no code to read.
func TestML07NoMailToARelayThatCannotProveItself(t *testing.T) {
	relay := harness.NewImpostor(t)
	relay.Up(t)
	c := harness.Start(t, relayed(relay))
	b := c.Browser(t)
	b.Open(t, "/")
	b.Submit(t, "email", url.Values{"email": {ana}})
	harness.Eventually(t, "the page to say that mail is down", func() bool { return b.Open(t, "/").Status == http.StatusServiceUnavailable })
	if to := relay.Recipients(); len(to) != 0 {
		t.Errorf("the relay was asked for %q", to)
	}
}

// F-03: a relay that is down neither stops the start nor makes anybody wait. The
// page says so, for every address alike, and the code arrives once it is up.
func TestF03ARelayThatIsDown(t *testing.T) {
	relay := harness.NewRelay(t)
	c := harness.Start(t, relayed(relay))
	b, stranger := c.Browser(t), c.Browser(t)
	b.Open(t, "/")
	b.Submit(t, "email", url.Values{"email": {ana}})
	var page harness.Page
	harness.Eventually(t, "the page to say that mail is down", func() bool {
		page = b.Open(t, "/")
		return page.Status == http.StatusServiceUnavailable
	})
	if page.Header.Get("Retry-After") == "" || !strings.Contains(page.Text(), "couldn't send") && !strings.Contains(page.Text(), "couldn’t send") {
		t.Errorf("Retry-After %q, page:\n%s", page.Header.Get("Retry-After"), page.Text())
	}
	stranger.Open(t, "/")
	wantStatus(t, "an unknown address", stranger.Submit(t, "email", url.Values{"email": {eve}}), http.StatusServiceUnavailable)

	relay.Up(t)
	code := relay.Wait(t, ana, 1).Code(t)
	harness.Eventually(t, "the page to say that mail works", func() bool { return b.Open(t, "/").Status == http.StatusUnauthorized })
	wantStatus(t, "after the code", enter(t, b, code), http.StatusOK)
	if mails := relay.Mails(t, eve); len(mails) != 0 {
		t.Errorf("an unknown address got %d mails", len(mails))
	}
}

// ML-09: a mailbox that the relay refuses is the operator's to know. A stranger
// sees what they see for every address.
func TestML09ARefusedMailboxIsNotToldToStrangers(t *testing.T) {
	relay := harness.NewRelay(t)
	relay.Refuse(&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"})
	relay.Up(t)
	c := harness.Start(t, relayed(relay))
	b := c.Browser(t)
	b.Open(t, "/")
	wantStatus(t, "after the address", b.Submit(t, "email", url.Values{"email": {ana}}), http.StatusUnauthorized)
	harness.Eventually(t, "the relay to be asked", func() bool { return len(relay.Recipients()) == 1 })
	wantStatus(t, "after the refusal", b.Open(t, "/"), http.StatusUnauthorized)
	relay.Refuse(nil)
	signIn := c.Browser(t)
	signIn.Open(t, "/")
	signIn.Submit(t, "email", url.Values{"email": {ben}})
	wantStatus(t, "somebody else", enter(t, signIn, relay.Wait(t, ben, 1).Code(t)), http.StatusOK)
}

// The next transport takes over while the first is down.
func TestF03TheNextTransportTakesOver(t *testing.T) {
	relay := harness.NewRelay(t)
	c := harness.Start(t, strings.Replace(relayed(relay), "storage", "mail file MAIL\n\t\tstorage", 1))
	b := c.Browser(t)
	wantStatus(t, "after the code", enter(t, b, ask(t, c, b, "/", ana)), http.StatusOK)
}
