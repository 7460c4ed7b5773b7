// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

func TestAMailIsTriedUntilItsCodeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{fails: always(errUnreachable)}
		outbox, l := post(t, mailer.OutboxOptions{}, r)
		n := fresh()
		send(t, outbox, n)
		time.Sleep(time.Hour)

		at, _, _ := r.seen()
		want := []time.Duration{2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60}
		for i := 1; i < len(at); i++ {
			got, middle := at[i].Sub(at[i-1]), want[min(i, len(want))-1]*time.Second
			if got < middle*3/4 || got > middle*5/4 {
				t.Errorf("wait %d is %v, want %v give or take a quarter", i, got, middle)
			}
		}
		if len(at) < 10 || at[len(at)-1].After(n.Expires) {
			t.Errorf("%d tries, the last at %v of a code that ends at %v", len(at), at[len(at)-1], n.Expires)
		}
		reports := l.all()
		last := reports[len(reports)-1]
		if last.Outcome != mailer.Failed || last.Try != len(at) || last.Reason != "no route to host; code ended before the mail could be handed over" {
			t.Errorf("last report is %+v", last)
		}
		for i, r := range reports[:len(reports)-1] {
			if r.Outcome != mailer.Deferred || r.Wait <= 0 || r.Try != i+1 {
				t.Errorf("report %d is %+v", i, r)
			}
		}
		if outbox.Pending() != 0 {
			t.Errorf("%d places are still taken", outbox.Pending())
		}
	})
}

func TestAPermanentRefusalIsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{fails: always(unknownMailbox)}
		outbox, l := post(t, mailer.OutboxOptions{}, r)
		send(t, outbox, fresh())
		time.Sleep(time.Hour)
		if at, _, _ := r.seen(); len(at) != 1 {
			t.Errorf("%d tries, want 1", len(at))
		}
		if got := l.all(); len(got) != 1 || got[0].Outcome != mailer.Bounced || got[0].Reason != "naming recipient: 550 unknown" {
			t.Errorf("reports are %+v", got)
		}
	})
}

func TestML10RetriesAreTheSameMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{fails: first(3, brokenLate)}
		outbox, l := post(t, mailer.OutboxOptions{}, r)
		send(t, outbox, fresh())
		time.Sleep(time.Hour)
		_, mails, _ := r.seen()
		if len(mails) != 4 {
			t.Fatalf("%d tries, want 4", len(mails))
		}
		for i, m := range mails {
			if !bytes.Equal(m.Raw, mails[0].Raw) {
				t.Errorf("try %d is another mail", i+1)
			}
		}
		for _, report := range l.all() {
			if report.MessageID != mails[0].ID {
				t.Errorf("report names %q, want %q", report.MessageID, mails[0].ID)
			}
		}
	})
}

// Ruling 15: strangers cannot fill the half that is kept for known people.
func TestHalfOfTheQueueIsKeptForKnownPeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outbox, _ := post(t, mailer.OutboxOptions{Size: 10, Workers: 1}, &relay{silent: true})
		fill := func(known, decoy bool) (taken int) {
			for {
				n := fresh()
				n.Known, n.Decoy = known, decoy && taken%2 == 0
				err := outbox.Send(t.Context(), n)
				if errors.Is(err, challenge.ErrQueueFull) {
					return taken
				}
				if err != nil {
					t.Fatalf("Send: %v", err)
				}
				taken++
			}
		}
		if got := fill(false, true); got != 5 {
			t.Errorf("strangers took %d places of 10, want 5", got)
		}
		if got := fill(true, true); got != 5 {
			t.Errorf("known people took %d places more, want 5", got)
		}
		if got := outbox.Pending(); got != 10 {
			t.Errorf("Pending = %d, want 10", got)
		}
	})
}

func TestSendRefusesWithoutARouteAndAfterClose(t *testing.T) {
	outbox, _ := post(t, mailer.OutboxOptions{}, &relay{})
	n := fresh()
	n.Gate = "other"
	if err := outbox.Send(t.Context(), n); !errors.Is(err, mailer.ErrNoRoute) {
		t.Errorf("Send for an unknown gate = %v, want ErrNoRoute", err)
	}
	if err := outbox.Close(t.Context()); err != nil {
		t.Errorf("Close = %v", err)
	}
	if err := outbox.Send(t.Context(), fresh()); !errors.Is(err, mailer.ErrClosed) {
		t.Errorf("Send after Close = %v, want ErrClosed", err)
	}
}

// A reload that mends the settings must not leave people waiting.
func TestUseAppliesToMailsThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outbox, l := post(t, mailer.OutboxOptions{}, &relay{fails: always(errUnreachable)})
		send(t, outbox, fresh())
		time.Sleep(100 * time.Second)
		tries := len(l.all())

		mended := &relay{}
		other := style()
		other.From.Address = "door@other.example"
		outbox.Use("app", mailer.Route{Transport: mended, Style: other})
		synctest.Wait()
		_, mails, _ := mended.seen()
		if len(mails) != 1 || mails[0].From != "door@other.example" || !strings.Contains(mails[0].Text, secret) {
			t.Fatalf("the new route got %v", mails)
		}
		reports := l.all()
		if last := reports[len(reports)-1]; last.Outcome != mailer.Sent || last.Try != tries+1 {
			t.Errorf("last report is %+v after %d tries", last, tries)
		}
		if outbox.Down("app") {
			t.Error("the new transport counts as failing")
		}
	})
}

func TestAForgottenGateSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{fails: always(errUnreachable)}
		outbox, l := post(t, mailer.OutboxOptions{}, r)
		send(t, outbox, fresh())
		synctest.Wait()
		outbox.Use("app")
		synctest.Wait()
		if got := l.outcomes(); !slices.Equal(got, []mailer.Outcome{mailer.Deferred, mailer.Failed}) {
			t.Errorf("outcomes are %v", got)
		}
	})
}

func TestTheNextRouteStepsIn(t *testing.T) {
	for name, tt := range map[string]struct {
		fails  func(int) error
		second int // mails that the second route gets
		last   mailer.Outcome
	}{
		"when the first is failing":         {always(errUnreachable), 1, mailer.Sent},
		"but not when a mailbox is refused": {always(unknownMailbox), 0, mailer.Bounced},
		"nor when the first does its work":  {first(0, nil), 0, mailer.Sent},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				one, two := &relay{fails: tt.fails}, &relay{}
				outbox, l := post(t, mailer.OutboxOptions{}, one)
				outbox.Use("app", mailer.Route{Transport: one, Style: style()}, mailer.Route{Transport: two, Style: style()})
				send(t, outbox, fresh())
				synctest.Wait()
				if _, mails, _ := two.seen(); len(mails) != tt.second {
					t.Errorf("the second route got %d mails, want %d", len(mails), tt.second)
				}
				if got := l.outcomes(); !slices.Equal(got, []mailer.Outcome{tt.last}) || outbox.Down("app") {
					t.Errorf("outcomes are %v, down %v", got, outbox.Down("app"))
				}
			})
		})
	}
}

// One gate's dead mail server keeps one worker, not all.
func TestAFailingGateLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := &relay{takes: 10 * time.Second, fails: always(errUnreachable)}
		alive := &relay{}
		outbox, _ := post(t, mailer.OutboxOptions{Workers: 2}, dead)
		outbox.Use("other", mailer.Route{Transport: alive, Style: style()})
		for range 20 {
			send(t, outbox, fresh())
		}
		time.Sleep(25 * time.Second)
		n := fresh()
		n.Gate = "other"
		send(t, outbox, n)
		synctest.Wait()
		if _, mails, _ := alive.seen(); len(mails) != 1 {
			t.Errorf("the other gate's mail is %d times out, want once and at once", len(mails))
		}
	})
}

// LOG-02: the relay quotes the mail back, as some do.
func TestLOG02TheCodeIsInNoReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quotes := &mailer.DeliveryError{
			Step: "handing over mail", Mailbox: true,
			Reply: "451 <Ana@Example.com> Subject: 482917 is your code\n4 8 2 9 1 7",
		}
		outbox, l := post(t, mailer.OutboxOptions{}, &relay{fails: first(2, quotes)})
		send(t, outbox, fresh())
		time.Sleep(time.Hour)
		reports := l.all()
		if len(reports) != 3 || reports[0].Mailbox != "ana@example.com" {
			t.Fatalf("reports are %+v", reports)
		}
		for _, r := range reports {
			encoded, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			printed := fmt.Sprintf("%v %+v %#v %s", r, r, r, encoded)
			if strings.Contains(printed, secret) || strings.Contains(printed, "4 8 2") {
				t.Errorf("report tells the code: %s", printed)
			}
			if strings.Contains(strings.ToLower(r.Reason), "ana@") || strings.ContainsAny(r.Reason, "\r\n") {
				t.Errorf("reason is %q", r.Reason)
			}
		}
		for _, mail := range []any{outbox, letter()} {
			if printed := fmt.Sprintf("%+v", mail); strings.Contains(printed, secret) {
				t.Errorf("%T prints the code", mail)
			}
		}
	})
}

func TestSendIsSafeForManyAtOnce(t *testing.T) {
	r := &relay{}
	outbox, l := post(t, mailer.OutboxOptions{Size: 1000}, r)
	var senders sync.WaitGroup
	for i := range 64 {
		senders.Go(func() {
			for range 10 {
				n := fresh()
				n.Known, n.Decoy = i%2 == 0, i%4 == 0
				if err := outbox.Send(t.Context(), n); err != nil {
					t.Errorf("Send: %v", err)
				}
				outbox.Use("app", mailer.Route{Transport: r, Style: style()})
				outbox.Down("app")
			}
		})
	}
	senders.Wait()
	if err := outbox.Close(t.Context()); err != nil {
		t.Fatalf("Close: %v", err)
	}
	counts := map[mailer.Outcome]int{}
	for _, report := range l.all() {
		counts[report.Outcome]++
	}
	if counts[mailer.Sent] != 480 || counts[mailer.Withheld] != 160 || outbox.Pending() != 0 {
		t.Errorf("outcomes are %v, %d pending", counts, outbox.Pending())
	}
}
