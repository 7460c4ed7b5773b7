// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// ML-08, ruling 16: what happens in the queue for an address that gets no mail
// is what happens for one that does.
func TestML08ADecoyIsLikeAMailInTheQueue(t *testing.T) {
	type event struct {
		after   time.Duration
		pending int
		down    bool
	}
	watch := func(t *testing.T, about challenge.Subject, decoy bool, r *relay) (events []event, outcomes []mailer.Outcome) {
		synctest.Test(t, func(t *testing.T) {
			outbox, l := post(t, mailer.OutboxOptions{Workers: 1}, r)
			send(t, outbox, fresh()) // the real delivery that decoys take after
			time.Sleep(time.Minute)
			n := fresh()
			n.Subject, n.Decoy = about, decoy
			began := time.Now()
			send(t, outbox, n)
			n.Mailbox = "next@example.com" // waits for the worker
			n.Decoy = false
			send(t, outbox, n)
			for range 40 {
				synctest.Wait()
				e := event{time.Since(began), outbox.Pending(), outbox.Down("app")}
				if len(events) == 0 || events[len(events)-1].pending != e.pending || events[len(events)-1].down != e.down {
					events = append(events, e)
				}
				time.Sleep(500 * time.Millisecond)
			}
			outcomes = l.outcomes()
		})
		return events, outcomes
	}
	for name, subject := range subjects {
		t.Run(name, func(t *testing.T) {
			real, _ := watch(t, subject, false, &relay{takes: 3 * time.Second})
			r := &relay{takes: 3 * time.Second}
			decoy, outcomes := watch(t, subject, true, r)
			if !slices.Equal(real, decoy) || len(real) != 3 {
				t.Errorf("a mail gives %v, a decoy %v", real, decoy)
			}
			if want := []mailer.Outcome{mailer.Sent, mailer.Withheld, mailer.Sent}; !slices.Equal(outcomes, want) {
				t.Errorf("outcomes are %v, want %v", outcomes, want)
			}
			if _, mails, probes := r.seen(); len(mails) != 2 || mails[1].To != "next@example.com" || probes != 1 {
				t.Errorf("relay got %v and %d probes", mails, probes)
			}
		})
	}
}

// A transport that fails is learned from decoys as from mails, and a decoy waits
// for it as a mail does.
func TestML08ADecoyLearnsOfAFailingTransport(t *testing.T) {
	for _, decoy := range []bool{false, true} {
		t.Run(fmt.Sprint("decoy ", decoy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &relay{fails: always(errUnreachable), probe: func() error { return errUnreachable }}
				outbox, l := post(t, mailer.OutboxOptions{}, r)
				n := fresh()
				n.Decoy = decoy
				send(t, outbox, n)
				synctest.Wait()
				if !outbox.Down("app") || outbox.Pending() != 1 {
					t.Errorf("down %v, %d pending; want down and one waiting", outbox.Down("app"), outbox.Pending())
				}
				if got := l.outcomes(); !slices.Equal(got, []mailer.Outcome{mailer.Deferred}) {
					t.Errorf("outcomes are %v", got)
				}
			})
		})
	}
}

func TestDownIsAboutTheTransportAlone(t *testing.T) {
	for name, tt := range map[string]struct {
		fails func(int) error
		probe func() error
		other bool // a mail to another mailbox follows the first
		decoy bool // and then a decoy
		want  bool
	}{
		"a delivery shows that it works":         {first(0, nil), nil, false, false, false},
		"a transport that fails is down":         {always(errUnreachable), nil, false, false, true},
		"a mailbox that is refused says nothing": {always(unknownMailbox), nil, true, false, false},
		"nor does one that is put off":           {always(greylisted), nil, true, false, false},
		"a probe that gets through lifts it":     {always(errUnreachable), nil, false, true, false},
		"but not what a probe does not look at":  {always(brokenLate), nil, true, true, true},
		"which one mailbox may be to blame for":  {always(brokenLate), nil, false, true, false},
		"a probe that fails is a failure":        {first(0, nil), func() error { return errUnreachable }, false, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				outbox, _ := post(t, mailer.OutboxOptions{}, &relay{fails: tt.fails, probe: tt.probe})
				if outbox.Down("app") || outbox.Down("other") {
					t.Error("down before anything was tried")
				}
				send(t, outbox, fresh())
				synctest.Wait()
				if tt.other {
					n := fresh()
					n.Mailbox = "ben@example.com"
					send(t, outbox, n)
					synctest.Wait()
				}
				if tt.decoy {
					n := fresh()
					n.Decoy = true
					send(t, outbox, n)
					synctest.Wait()
				}
				if got := outbox.Down("app"); got != tt.want {
					t.Errorf("Down = %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestDownEndsWithADelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outbox, l := post(t, mailer.OutboxOptions{}, &relay{fails: first(2, errUnreachable)})
		send(t, outbox, fresh())
		synctest.Wait()
		if !outbox.Down("app") {
			t.Error("not down after a failure")
		}
		time.Sleep(time.Minute)
		if outbox.Down("app") {
			t.Error("down after a delivery")
		}
		if got := l.outcomes(); !slices.Equal(got, []mailer.Outcome{mailer.Deferred, mailer.Deferred, mailer.Sent}) {
			t.Errorf("outcomes are %v", got)
		}
	})
}
