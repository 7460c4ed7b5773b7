// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// Whoever asks for the mail again gets it another way, if there is one that works.
func TestALaterMailOfAChallengeGoesAnotherWay(t *testing.T) {
	for name, tt := range map[string]struct {
		broken bool // the second transport
		want   string
	}{
		"in turn":                        {false, "one one two three one two"},
		"but not by one that is failing": {true, "one one three one three one"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				relays := []*relay{{name: "one"}, {name: "two"}, {name: "three"}}
				if tt.broken {
					relays[1].fails = always(errUnreachable)
				}
				outbox, l := post(t, mailer.OutboxOptions{}, relays[0])
				outbox.Use("break", route(relays[1]))
				if tt.broken {
					pass(t, outbox, func(n *challenge.Notice) { n.Gate = "break" })
					time.Sleep(3 * time.Second)
					synctest.Wait()
				}
				outbox.Use("app", route(relays[0]), route(relays[1]), route(relays[2]))
				before := len(l.all())
				ways := ""
				for mail := range 6 {
					pass(t, outbox, func(n *challenge.Notice) { n.Mail = mail })
				}
				for _, r := range l.all()[before:] {
					ways += r.Route + " "
				}
				if ways != tt.want+" " {
					t.Errorf("mails 0 to 5 went by %s, want %s", ways, tt.want)
				}
			})
		})
	}
}

// Greylisting lets a mail pass that comes again from where it came: a retry keeps to
// its way.
func TestAMailThatIsPutOffComesAgainTheSameWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := &relay{name: "one"}, &relay{name: "two", fails: first(1, greylisted)}
		outbox, _ := post(t, mailer.OutboxOptions{}, one)
		outbox.Use("app", route(one), route(two))
		pass(t, outbox, func(n *challenge.Notice) { n.Mail = 2 })
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if one.calls() != 0 || two.calls() != 2 {
			t.Errorf("%d and %d calls, want 0 and 2", one.calls(), two.calls())
		}
	})
}

// A fault of one gate's style says nothing of the transport that it shares.
func TestAStyleThatCannotBeRenderedBreaksNoTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, r := &bell{}, &relay{name: "one"}
		outbox, l := post(t, mailer.OutboxOptions{Failing: b.ring}, r)
		outbox.Use("other", mailer.Route{Name: "one", Transport: r})
		for range 3 {
			pass(t, outbox, func(n *challenge.Notice) { n.Gate = "other" })
		}
		outbox.Use("app", route(r))
		pass(t, outbox)
		got := l.outcomes()
		if len(b.all()) != 0 || outbox.Down("other") || got[len(got)-1] != mailer.Sent {
			t.Errorf("told %q, down %v, outcomes %v", b.all(), outbox.Down("other"), got)
		}
	})
}

// What every transport refuses for good is not tried again; what one of them might
// take later is.
func TestAMailIsHopelessOnlyWhereEveryTransportSaysSo(t *testing.T) {
	refusal := &mailer.DeliveryError{Step: "handing mail to its API", Permanent: true, Late: true, Reply: "HTTP 400"}
	for name, tt := range map[string]struct {
		first, second error
		want          mailer.Outcome
	}{
		"both refuse it":              {refusal, refusal, mailer.Failed},
		"the second is only away":     {refusal, errUnreachable, mailer.Deferred},
		"the first is only away":      {errUnreachable, refusal, mailer.Deferred},
		"the second takes it":         {refusal, nil, mailer.Sent},
		"the second knows no mailbox": {refusal, unknownMailbox, mailer.Bounced},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				one, two := &relay{name: "one", fails: always(tt.first)}, &relay{name: "two", fails: always(tt.second)}
				outbox, l := post(t, mailer.OutboxOptions{}, one)
				outbox.Use("app", route(one), route(two))
				pass(t, outbox)
				if got := l.all()[0]; got.Outcome != tt.want || got.Route != "two" || got.MessageID == "" {
					t.Errorf("report is %+v, want %s", got, tt.want)
				}
			})
		})
	}
}
