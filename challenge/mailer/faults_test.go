// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// ML-08: the page waits for no mail server.
func TestML08SendReturnsWhileTheServerIsSilent(t *testing.T) {
	addr := listen(t, silence)
	transport := newSMTP(t, mailer.SMTPOptions{Address: addr})
	outbox, l := post(t, mailer.OutboxOptions{Workers: 1}, transport)
	for range 20 {
		send(t, outbox, fresh()) // the server answers only when the test is over
	}
	if outbox.Pending() != 20 || len(l.all()) != 0 {
		t.Errorf("%d pending, reports %+v", outbox.Pending(), l.all())
	}
}

// ML-09, F-03: the operator learns how a delivery failed.
func TestML09FailuresAreReported(t *testing.T) {
	once := func(err error) func(int, *smtp.Conn) error {
		return func(n int, _ *smtp.Conn) error {
			if n == 1 {
				return err
			}
			return nil
		}
	}
	for name, tt := range map[string]struct {
		sink *sink
		want mailer.Outcome
		text string
		down bool
	}{
		"put off":                 {&sink{onRcpt: once(answer(451, "later"))}, mailer.Deferred, "451 4.1.1 later", false},
		"refused":                 {&sink{onRcpt: once(answer(550, "no such user"))}, mailer.Bounced, "550 5.1.1 no such user", false},
		"mail refused":            {&sink{onData: once(answer(554, "spam"))}, mailer.Bounced, "554 5.1.1 spam", false},
		"without TLS":             {&sink{noTLS: true}, mailer.Deferred, "STARTTLS", true},
		"reset after it was read": {&sink{onData: func(n int, c *smtp.Conn) error { return c.Conn().Close() }}, mailer.Deferred, "handing over mail", false}, // one mailbox says nothing
	} {
		t.Run(name, func(t *testing.T) {
			s := tt.sink.open(t)
			outbox, l := post(t, mailer.OutboxOptions{}, s.client(t, mailer.SMTPOptions{}))
			send(t, outbox, fresh())
			got := l.wait(t, 1)[0]
			if got.Outcome != tt.want || !strings.Contains(got.Reason, tt.text) || got.Mailbox != "ana@example.com" {
				t.Errorf("report is %+v", got)
			}
			if outbox.Down("app") != tt.down {
				t.Errorf("Down = %v, want %v", outbox.Down("app"), tt.down)
			}
		})
	}
}

// ML-10: the server takes the mail and the line breaks before it says so. The
// mail goes out again, but no second code does.
func TestML10ABrokenLineYieldsNoSecondCode(t *testing.T) {
	s := (&sink{onData: func(n int, c *smtp.Conn) error {
		if n == 1 {
			return c.Conn().Close()
		}
		return nil
	}}).open(t)
	outbox, l := post(t, mailer.OutboxOptions{}, s.client(t, mailer.SMTPOptions{}))
	send(t, outbox, fresh())
	l.wait(t, 1)
	outbox.Use("app", mailer.Route{Transport: s.client(t, mailer.SMTPOptions{}), Style: style()}) // tries at once
	reports := l.wait(t, 2)
	if reports[0].Outcome != mailer.Deferred || reports[1].Outcome != mailer.Sent || reports[0].MessageID != reports[1].MessageID {
		t.Errorf("reports are %+v", reports)
	}
	bodies := s.seen().bodies
	if len(bodies) != 2 || !bytes.Equal(bodies[0], bodies[1]) {
		t.Errorf("%d mails went out, and they differ", len(bodies))
	}
}

func TestADecoyReachesNoMailbox(t *testing.T) {
	s := (&sink{}).open(t)
	outbox, l := post(t, mailer.OutboxOptions{}, s.client(t, mailer.SMTPOptions{}))
	n := fresh()
	n.Decoy = true
	send(t, outbox, n)
	if got := l.wait(t, 1)[0]; got.Outcome != mailer.Withheld || got.Mailbox != n.Mailbox {
		t.Errorf("report is %+v", got)
	}
	if seen := s.seen(); len(seen.rcpts) != 0 || len(seen.bodies) != 0 {
		t.Errorf("sink saw %+v", seen)
	}
}
