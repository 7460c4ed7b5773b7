// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

func under(id string) func(*challenge.Notice) {
	return func(n *challenge.Notice) { n.ID = id }
}

// to is a mail to what is no mailbox: it ends before anything is written, so that there
// can be many.
func to(kind string, i int) func(*challenge.Notice) {
	return func(n *challenge.Notice) { n.Mailbox = fmt.Sprintf("%s %d", kind, i) }
}

// Each answer of a real mail server makes a stage of its own.
func TestHowFarAMailCameByWhatTheServerAnswered(t *testing.T) {
	say := func(code int) func(int, *smtp.Conn) error {
		return func(int, *smtp.Conn) error { return answer(code, "so it is") }
	}
	for name, tt := range map[string]struct {
		sink *sink
		want challenge.DeliveryStage
	}{
		"taken":                           {&sink{}, challenge.DeliveryAccepted},
		"greylisted":                      {&sink{onRcpt: say(451)}, challenge.DeliveryDelayed},
		"mailbox full for now":            {&sink{onData: say(452)}, challenge.DeliveryDelayed},
		"no such mailbox":                 {&sink{onRcpt: say(550)}, challenge.DeliveryRefused},
		"refused for what it says":        {&sink{onData: say(554)}, challenge.DeliveryRefused},
		"sender refused":                  {&sink{onMail: say(550)}, challenge.DeliveryTrouble},
		"server closing":                  {&sink{onRcpt: say(421)}, challenge.DeliveryTrouble},
		"line broken after the mail":      {&sink{onData: func(_ int, c *smtp.Conn) error { return c.Conn().Close() }}, challenge.DeliveryTrouble},
		"no encryption to be had":         {&sink{noTLS: true}, challenge.DeliveryTrouble},
		"another name in the certificate": {&sink{name: "other.example"}, challenge.DeliveryTrouble},
	} {
		t.Run(name, func(t *testing.T) {
			s := tt.sink.open(t)
			outbox, l := post(t, mailer.OutboxOptions{}, s.client(t, mailer.SMTPOptions{}))
			n := fresh()
			n.ID = "a mail"
			send(t, outbox, n)
			report := l.wait(t, 1)[0]
			if got := outbox.Delivery("a mail"); got.Stage != tt.want || !got.At.Equal(report.Time) {
				t.Errorf("Delivery = %+v, want stage %d at %v", got, tt.want, report.Time)
			}
		})
	}
}

func TestADeliveryGoesFromStageToStage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{takes: time.Second, fails: func(n int) error {
			return []error{errUnreachable, greylisted, greylisted, nil}[n-1]
		}}
		outbox, _ := post(t, mailer.OutboxOptions{}, r)
		began := time.Now()
		send(t, outbox, func() challenge.Notice { n := fresh(); n.ID = "it"; return n }())
		var stages []challenge.DeliveryStage
		var last challenge.Delivery
		for range 40 {
			if d := outbox.Delivery("it"); d != last {
				stages, last = append(stages, d.Stage), d
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		want := []challenge.DeliveryStage{challenge.DeliveryQueued, challenge.DeliveryTrouble, challenge.DeliveryDelayed, challenge.DeliveryAccepted}
		if fmt.Sprint(stages) != fmt.Sprint(want) || last.At.Sub(began) < 10*time.Second {
			t.Errorf("stages are %v, the last after %v", stages, last.At.Sub(began))
		}
	})
}

func TestADeliveryThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outbox, _ := post(t, mailer.OutboxOptions{}, &relay{fails: always(errUnreachable)})
		pass(t, outbox, under("late"))
		time.Sleep(11 * time.Minute)
		if got := outbox.Delivery("late").Stage; got != challenge.DeliveryGivenUp {
			t.Errorf("stage is %d of a code that is over, want given up", got)
		}
	})
}

// Ruling 16: an address that gets no mail has come as far as another would.
func TestADecoyIsDeliveredLikeAMail(t *testing.T) {
	for name, r := range map[string]*relay{
		"where the transport works": {}, "where it fails": {fails: always(errUnreachable), probe: func() error { return errUnreachable }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				outbox, _ := post(t, mailer.OutboxOptions{}, r)
				pass(t, outbox, under("real"))
				pass(t, outbox, under("decoy"), decoy)
				if real, decoy := outbox.Delivery("real"), outbox.Delivery("decoy"); real != decoy {
					t.Errorf("a mail came to %+v and a decoy to %+v", real, decoy)
				}
			})
		})
	}
}

func TestDeliveriesAreForgottenInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outbox, _ := post(t, mailer.OutboxOptions{Size: 100}, &relay{})
		if got := outbox.Delivery(""); got != (challenge.Delivery{}) {
			t.Errorf("Delivery of nothing = %+v", got)
		}
		pass(t, outbox, under("first"))
		pass(t, outbox) // nobody asks of it
		time.Sleep(15*time.Minute - time.Second)
		if got := outbox.Delivery("first").Stage; got != challenge.DeliveryAccepted {
			t.Errorf("stage is %d within a quarter of an hour", got)
		}
		pass(t, outbox, under("second"))
		time.Sleep(time.Second)
		if got := outbox.Delivery("first"); got != (challenge.Delivery{}) {
			t.Errorf("Delivery after a quarter of an hour = %+v", got)
		}
		for i := range 10_000 {
			pass(t, outbox, under(fmt.Sprint(i)), to("nowhere", i))
		}
		if outbox.Delivery("second").Stage != challenge.DeliveryUnknown || outbox.Delivery("0").Stage != challenge.DeliveryGivenUp {
			t.Error("more or fewer than the last 10,000 are known")
		}
	})
}

// Of two mails under one name, the later is meant.
func TestALaterMailOfOneNameCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outbox, l := post(t, mailer.OutboxOptions{}, &relay{fails: always(errUnreachable)})
		outbox.Use("other", route(&relay{name: "works"}))
		pass(t, outbox, under("it"), func(n *challenge.Notice) { n.Expires = time.Now().Add(30 * time.Second) })
		pass(t, outbox, under("it"), func(n *challenge.Notice) { n.Gate = "other" })
		time.Sleep(time.Minute)
		if got := outbox.Delivery("it").Stage; got != challenge.DeliveryAccepted || !slices.Contains(l.outcomes(), mailer.Failed) {
			t.Errorf("stage is %d, want accepted; outcomes are %v", got, l.outcomes())
		}
	})
}

func TestAHistoryHasTheLastMailsOfAMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{name: "one", fails: first(2, errUnreachable)}
		outbox, _ := post(t, mailer.OutboxOptions{}, r)
		pass(t, outbox)
		time.Sleep(time.Minute)
		got := outbox.History("Ana@Example.com")
		if len(got) != 1 || got[0].Outcome != mailer.Sent || got[0].Try != 3 || got[0].Route != "one" || time.Since(got[0].Time) < 30*time.Second {
			t.Errorf("History = %+v, want one mail as it is now", got)
		}
		pass(t, outbox, decoy)
		for i := range 5 {
			time.Sleep(time.Second)
			pass(t, outbox, func(n *challenge.Notice) { n.Ref = fmt.Sprint("R", i) })
		}
		got = outbox.History("ana@example.com")
		if len(got) != 5 || got[0].Ref != "R4" || got[4].Ref != "R0" {
			t.Errorf("History = %+v, want five, the newest first", got)
		}
		if other := outbox.History("ben@example.com"); len(other) != 0 {
			t.Errorf("History of nobody = %+v", other)
		}
	})
}

// Strangers may write down addresses without end: what people got stays.
func TestStrangersPushNobodyOutOfTheHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outbox, _ := post(t, mailer.OutboxOptions{}, &relay{})
		pass(t, outbox)
		for i := range 3000 {
			pass(t, outbox, to("stranger", i), decoy)
		}
		if len(outbox.History("ana@example.com")) != 1 || len(outbox.History("stranger 2999")) != 1 || len(outbox.History("stranger 1")) != 0 {
			t.Error("the history is not that of people, or has no end")
		}
		for i := range 2000 {
			pass(t, outbox, to("person", i))
		}
		if len(outbox.History("ana@example.com")) != 0 || len(outbox.History("person 0")) != 1 {
			t.Error("more or fewer than 2,000 mailboxes are known")
		}
	})
}
