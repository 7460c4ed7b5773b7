// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// Ruling 16: whoever knows a mailbox at which a server hangs could make the page say to
// everybody that no mail goes out, and learn from that page which addresses get mail.
func TestRuling16OneMailboxSaysNothingOfATransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outbox, _ := post(t, mailer.OutboxOptions{}, &relay{fails: always(brokenLate)})
		for range 3 {
			send(t, outbox, fresh())
			synctest.Wait()
			if outbox.Down("app") {
				t.Fatal("one mailbox brought the transport down")
			}
		}
		other := fresh()
		other.Mailbox = "ben@example.com"
		send(t, outbox, other)
		synctest.Wait()
		if !outbox.Down("app") {
			t.Error("two mailboxes have met the same, and the transport counts as working")
		}
	})
}

// Ruling 16: mails and decoys say the same of a service that takes requests and answers
// none.
func TestRuling16ADecoyHealsNoSilentAPI(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"it hangs up":          func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"it refuses the token": says(http.StatusUnauthorized, ""),
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					answer(w, r)
				}
			})
			outbox, l := post(t, mailer.OutboxOptions{Workers: 1}, open(t, mailer.HTTPOptions{URL: a.URL, Body: plainBody}))
			for n, address := range []string{"ana@example.com", "ben@example.com", "stranger@example.net"} {
				m := fresh()
				m.Mailbox, m.Decoy = address, n == 2
				send(t, outbox, m)
				l.wait(t, n+1)
			}
			if !outbox.Down("app") {
				t.Error("a decoy has healed it")
			}
		})
	}
}

// A stranger can choose a mailbox that a service refuses.
func TestRuling16AMailboxThatAnAPIRefusesIsNoFailure(t *testing.T) {
	a := newAPI(t, says(http.StatusUnprocessableEntity, `{"error":"suppressed"}`))
	outbox, l := post(t, mailer.OutboxOptions{}, open(t, mailer.HTTPOptions{URL: a.URL, Body: plainBody}))
	for n := range 4 {
		m := fresh()
		m.Mailbox = fmt.Sprintf("mailbox%d@example.com", n)
		send(t, outbox, m)
		if got := l.wait(t, n+1)[n]; got.Outcome != mailer.Bounced || outbox.Down("app") {
			t.Errorf("report is %+v, down %v", got, outbox.Down("app"))
		}
	}
}

// A relay that is over its quota refuses each mailbox alike, and says so by a status
// that is not about mailboxes.
func TestARelayOverItsQuotaLeavesTheMailToTheNextWay(t *testing.T) {
	for name, refusal := range map[string]*smtp.SMTPError{
		"for good":      {Code: 550, EnhancedCode: smtp.EnhancedCode{5, 4, 5}, Message: "daily quota exceeded"},
		"for a time":    {Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "rate of sender"},
		"by its policy": {Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 60}, Message: "may not send as this"},
	} {
		t.Run(name, func(t *testing.T) {
			first := (&sink{onRcpt: func(int, *smtp.Conn) error { return refusal }}).open(t)
			second := (&sink{}).open(t)
			outbox, l := post(t, mailer.OutboxOptions{}, first.client(t, mailer.SMTPOptions{}))
			outbox.Use("app",
				mailer.Route{Name: "first", Transport: first.client(t, mailer.SMTPOptions{}), Style: style()},
				mailer.Route{Name: "second", Transport: second.client(t, mailer.SMTPOptions{}), Style: style()})
			send(t, outbox, fresh())
			if got := l.wait(t, 1)[0]; got.Outcome != mailer.Sent || got.Route != "second" || outbox.Down("app") {
				t.Errorf("report is %+v, down %v", got, outbox.Down("app"))
			}
		})
	}
}

// A service that takes a mail and hangs is late as a mail server is.
func TestAMailAPIThatHangsIsLate(t *testing.T) {
	a := newAPI(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	err := open(t, mailer.HTTPOptions{URL: a.URL, Body: plainBody, Timeout: 50 * time.Millisecond}).Deliver(t.Context(), render(t, letter()))
	failure, ok := err.(*mailer.DeliveryError) //nolint:errorlint // it is returned as it is
	if !ok || !failure.Late || failure.Anybody || failure.Mailbox {
		t.Errorf("Deliver = %#v", err)
	}
}
