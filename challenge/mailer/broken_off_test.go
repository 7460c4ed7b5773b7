// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"bytes"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// ML-10: the first transport takes the mail and dies before it says so. Nobody can know
// whether it went on: the second gets it at once, and what may arrive twice is the same
// mail with the same code.
func TestML10ATransportThatDiesInMidStreamIsFollowedByTheNext(t *testing.T) {
	for name, dies := range map[string]*sink{
		"before the mail":        {onBody: func(_ int, c *smtp.Conn) error { return c.Conn().Close() }},
		"before its answer":      {onData: func(_ int, c *smtp.Conn) error { return c.Conn().Close() }},
		"by an answer that ends": {onData: func(int, *smtp.Conn) error { return answer(421, "closing") }},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := dies.open(t), (&sink{}).open(t)
			outbox, l := post(t, mailer.OutboxOptions{}, first.client(t, mailer.SMTPOptions{}))
			outbox.Use("app",
				mailer.Route{Name: "first", Transport: first.client(t, mailer.SMTPOptions{}), Style: style()},
				mailer.Route{Name: "second", Transport: second.client(t, mailer.SMTPOptions{}), Style: style()})
			n := fresh()
			n.ID = "mail"
			send(t, outbox, n)
			if got := l.wait(t, 1)[0]; got.Outcome != mailer.Sent || got.Route != "second" || got.Try != 1 {
				t.Errorf("report is %+v", got)
			}
			arrived := second.seen().bodies
			if len(arrived) != 1 || !bytes.Contains(arrived[0], []byte(secret)) {
				t.Fatalf("the second transport got %d mails", len(arrived))
			}
			for _, before := range first.seen().bodies {
				if !bytes.Equal(before, arrived[0]) {
					t.Errorf("two different mails went out:\n%s\n%s", before, arrived[0])
				}
			}
			if outbox.Down("app") {
				t.Error("the gate is down")
			}
		})
	}
}

// ML-10: what was refused for the mailbox is not sent by another way.
func TestML10ARefusedMailGoesNoOtherWay(t *testing.T) {
	refuses := (&sink{onData: func(int, *smtp.Conn) error { return answer(554, "no") }}).open(t)
	second := (&sink{}).open(t)
	outbox, l := post(t, mailer.OutboxOptions{}, refuses.client(t, mailer.SMTPOptions{}))
	outbox.Use("app",
		mailer.Route{Name: "first", Transport: refuses.client(t, mailer.SMTPOptions{}), Style: style()},
		mailer.Route{Name: "second", Transport: second.client(t, mailer.SMTPOptions{}), Style: style()})
	send(t, outbox, fresh())
	if got := l.wait(t, 1)[0]; got.Outcome != mailer.Bounced || got.Route != "first" || len(second.seen().bodies) != 0 {
		t.Errorf("report is %+v, the second transport got %d mails", got, len(second.seen().bodies))
	}
}
