// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// Nobody would look at a first way that fails for weeks while the second one works.
func TestAMailSaysWhichWaysWereTriedBeforeAndWhatTheyAnswered(t *testing.T) {
	elsewhere := &mailer.DeliveryError{Step: "handing mail to its API", Mailbox: true, Permanent: true, Elsewhere: true, Reply: "over quota"}
	for name, tt := range map[string]struct {
		one, two, three error
		outcome         mailer.Outcome
		route, reason   string
		passed          []string
	}{
		"the first takes it":            {nil, nil, nil, mailer.Sent, "one", "", nil},
		"the second takes it":           {errUnreachable, nil, nil, mailer.Sent, "two", "no route to host", []string{"one"}},
		"the third takes it":            {errUnreachable, brokenLate, nil, mailer.Sent, "three", "no route to host; handing over mail: 421 closing", []string{"one", "two"}},
		"the second takes another's":    {elsewhere, nil, nil, mailer.Sent, "two", "handing mail to its API: over quota", []string{"one"}},
		"the second knows no mailbox":   {errUnreachable, unknownMailbox, nil, mailer.Bounced, "two", "no route to host; naming recipient: 550 unknown", []string{"one"}},
		"the second puts it off":        {errUnreachable, greylisted, nil, mailer.Deferred, "two", "no route to host; naming recipient: 451 later", []string{"one"}},
		"none takes it, each says once": {errUnreachable, brokenLate, errUnreachable, mailer.Deferred, "three", "no route to host; handing over mail: 421 closing; no route to host", []string{"one", "two"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				relays := []*relay{{name: "one", fails: always(tt.one)}, {name: "two", fails: always(tt.two)}, {name: "three", fails: always(tt.three)}}
				outbox, l := post(t, mailer.OutboxOptions{}, relays[0])
				outbox.Use("app", route(relays[0]), route(relays[1]), route(relays[2]))
				pass(t, outbox)
				got := l.all()[0]
				if got.Outcome != tt.outcome || got.Route != tt.route || got.Reason != tt.reason || !slices.Equal(got.Passed, tt.passed) {
					t.Errorf("report is %+v, want %+v", got, tt)
				}
			})
		})
	}
}

func TestItIsToldWhyATransportFailsUntilItIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bell{}
		one, two := &relay{name: "one", fails: first(2, errUnreachable)}, &relay{name: "two"}
		outbox, _ := post(t, mailer.OutboxOptions{Failing: b.ring}, one)
		outbox.Use("app", route(one), route(two))
		if got := outbox.Fails("one"); got != "" {
			t.Errorf("fails before the first mail: %q", got)
		}
		pass(t, outbox)
		pass(t, outbox)
		if got := outbox.Fails("one"); got != "no route to host" || outbox.Fails("two") != "" || outbox.Fails("three") != "" {
			t.Errorf("one fails because of %q, two of %q", got, outbox.Fails("two"))
		}
		time.Sleep(5 * time.Second)
		pass(t, outbox)
		if got := outbox.Fails("one"); got != "" {
			t.Errorf("a transport that is well again fails because of %q", got)
		}
		if diff := cmp.Diff([]string{"no route to host", ""}, b.reasons); diff != "" {
			t.Errorf("reasons that were told (-want +got):\n%s", diff)
		}
	})
}

// What a server answers may quote the mail.
func TestWhyATransportFailsHoldsNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bell{}
		quoting := &mailer.DeliveryError{Step: "handing over mail", Anybody: true, Late: true, Reply: "554 to Ana@example.com: 482 917\r\nX: y"}
		one := &relay{name: "one", fails: always(quoting)}
		outbox, l := post(t, mailer.OutboxOptions{Failing: b.ring}, one)
		outbox.Use("app", route(one), route(&relay{name: "two"}))
		pass(t, outbox)
		pass(t, outbox)
		all := append(b.reasons, outbox.Fails("one"), l.all()[0].Reason)
		for _, got := range all {
			if !strings.Contains(got, "554 to [mailbox]: [code]") || strings.ContainsAny(got, "\r\n") || len(all) != 3 {
				t.Errorf("reason is %q of %d", got, len(all))
			}
		}
	})
}
