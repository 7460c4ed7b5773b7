// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

func route(r *relay) mailer.Route {
	return mailer.Route{Name: r.name, Transport: r, Style: style()}
}

// calls is how often a relay was called, by mails and by decoys.
func (r *relay) calls() int {
	_, mails, probes := r.seen()
	return len(mails) + probes
}

// A bell keeps what an outbox tells of transports.
type bell struct {
	mu      sync.Mutex // guards below
	told    []string
	reasons []string // why, each time
}

func (b *bell) ring(route string, down bool, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = append(b.told, fmt.Sprint(route, " ", down))
	b.reasons = append(b.reasons, reason)
}

func (b *bell) all() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.told)
}

// pass sends a mail and waits until it came to rest.
func pass(t *testing.T, o *mailer.Outbox, change ...func(*challenge.Notice)) {
	t.Helper()
	n := fresh()
	for _, c := range change {
		c(&n)
	}
	send(t, o, n)
	synctest.Wait()
}

func decoy(n *challenge.Notice) { n.Decoy = true }

// The breaker is learned from and works for decoys as for mails: who gets none must
// not be told apart by the way that the queue goes.
func TestABrokenTransportIsLeftAloneForTwiceAsLongEachTime(t *testing.T) {
	for name, kind := range map[string]func(*challenge.Notice){"for mails": func(*challenge.Notice) {}, "for decoys": decoy} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dead := &relay{name: "one", fails: always(errUnreachable), probe: func() error { return errUnreachable }}
				alive := &relay{name: "two"}
				outbox, l := post(t, mailer.OutboxOptions{}, dead)
				outbox.Use("app", route(dead), route(alive))
				pass(t, outbox, kind)
				pass(t, outbox, kind)
				if dead.calls() != 2 {
					t.Fatalf("called %d times for two mails, want 2", dead.calls())
				}
				for i, rest := range []time.Duration{5, 10, 20, 40, 80, 120, 120} {
					time.Sleep(rest*time.Second - time.Millisecond)
					pass(t, outbox, kind)
					if dead.calls() != 2+i {
						t.Errorf("called %d times within rest %d, want %d", dead.calls(), i+1, 2+i)
					}
					time.Sleep(2 * time.Millisecond)
					pass(t, outbox, kind)
					pass(t, outbox, kind)
					if dead.calls() != 3+i {
						t.Errorf("called %d times after rest %d, want %d", dead.calls(), i+1, 3+i)
					}
				}
				for _, r := range l.all() {
					if r.Route != "two" || r.Outcome != mailer.Sent && r.Outcome != mailer.Withheld {
						t.Errorf("report is %+v", r)
					}
				}
				if outbox.Down("app") {
					t.Error("the gate is down though one transport works")
				}
			})
		})
	}
}

func TestOneMailAtATimeTriesWhetherATransportIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &relay{name: "one", takes: 3 * time.Second, fails: first(2, errUnreachable)}
		alive := &relay{name: "two"}
		outbox, l := post(t, mailer.OutboxOptions{}, slow)
		outbox.Use("app", route(slow), route(alive))
		for range 2 {
			pass(t, outbox)
			time.Sleep(3 * time.Second)
		}
		time.Sleep(5 * time.Second)
		for range 4 {
			send(t, outbox, fresh())
		}
		synctest.Wait()
		if slow.calls() != 3 || len(l.all()) != 2+3 {
			t.Errorf("%d calls and %d mails out, want 3 and 5: three go by at once", slow.calls(), len(l.all()))
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		for range 4 {
			send(t, outbox, fresh())
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if slow.calls() != 7 {
			t.Errorf("%d calls, want 7: one success is enough", slow.calls())
		}
	})
}

// Failures that began before a transport was left alone must not prolong its rest.
func TestManyFailuresAtOnceAreOneBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := &relay{name: "one", takes: time.Second, fails: always(errUnreachable)}
		outbox, _ := post(t, mailer.OutboxOptions{Workers: 8}, dead)
		outbox.Use("app", route(dead), route(&relay{name: "two"}))
		for range 8 {
			send(t, outbox, fresh())
		}
		time.Sleep(time.Second + 5*time.Second)
		synctest.Wait()
		pass(t, outbox)
		if dead.calls() != 9 {
			t.Errorf("%d calls after five seconds, want 9", dead.calls())
		}
	})
}

func TestWhatAMailboxAnswersClosesTheBreaker(t *testing.T) {
	for name, answer := range map[string]error{"refused": unknownMailbox, "put off": greylisted} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &relay{name: "one", fails: func(n int) error {
					if n == 2 {
						return answer
					}
					return errUnreachable
				}}
				other := &relay{name: "two"}
				outbox, _ := post(t, mailer.OutboxOptions{}, r)
				outbox.Use("app", route(r), route(other))
				for range 3 {
					pass(t, outbox)
				}
				if r.calls() != 3 || other.calls() != 2 {
					t.Errorf("%d and %d calls, want 3 and 2: two failures were not in a row", r.calls(), other.calls())
				}
			})
		})
	}
}

func TestAGateIsDownOnlyWhenEveryTransportIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := &relay{name: "one", fails: always(errUnreachable)}
		two := &relay{name: "two", fails: first(1, errUnreachable)}
		outbox, _ := post(t, mailer.OutboxOptions{}, one)
		outbox.Use("app", route(one), route(two))
		outbox.Use("other", route(one))
		pass(t, outbox)
		if !outbox.Down("app") || !outbox.Down("other") {
			t.Errorf("Down = %v and %v after both failed", outbox.Down("app"), outbox.Down("other"))
		}
		time.Sleep(5 * time.Second) // the next try
		if outbox.Down("app") || !outbox.Down("other") {
			t.Errorf("Down = %v and %v when the second is back", outbox.Down("app"), outbox.Down("other"))
		}
	})
}

// Gates that send by the same mail server learn from each other's mails.
func TestGatesShareTheHealthOfATransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead, alive := &relay{name: "one", fails: always(errUnreachable)}, &relay{name: "two"}
		outbox, _ := post(t, mailer.OutboxOptions{}, dead)
		outbox.Use("app", route(dead), route(alive))
		outbox.Use("other", route(dead), route(alive))
		pass(t, outbox)
		pass(t, outbox)
		pass(t, outbox, func(n *challenge.Notice) { n.Gate = "other" })
		if dead.calls() != 2 {
			t.Errorf("%d calls, want 2: the other gate's mail knew", dead.calls())
		}
		outbox.Use("app", route(dead), route(alive)) // a reload
		pass(t, outbox)
		if dead.calls() != 2 {
			t.Errorf("%d calls, want 2: a reload forgets nothing", dead.calls())
		}
	})
}

// Where every transport is left alone, mails are tried as if none were: there is
// nothing to lose.
func TestNoMailWaitsForABreakerAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := &relay{name: "one", fails: first(3, errUnreachable)}
		two := &relay{name: "two", fails: always(errUnreachable)}
		outbox, l := post(t, mailer.OutboxOptions{}, one)
		outbox.Use("app", route(one), route(two))
		pass(t, outbox)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if !outbox.Down("app") {
			t.Fatal("not down")
		}
		pass(t, outbox)
		pass(t, outbox)
		if got := l.outcomes(); got[len(got)-1] != mailer.Sent {
			t.Errorf("outcomes are %v: the last mail has not tried", got)
		}
	})
}

func TestItIsToldOnceThatATransportFailsAndThatItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bell{}
		r := &relay{name: "one", fails: first(5, errUnreachable)}
		outbox, _ := post(t, mailer.OutboxOptions{Failing: b.ring}, r)
		outbox.Use("app", route(r))
		pass(t, outbox)
		if got := b.all(); got != nil {
			t.Errorf("one failure is told: %q", got)
		}
		time.Sleep(2 * time.Minute)
		if got := b.all(); !slices.Equal(got, []string{"one true", "one false"}) {
			t.Errorf("told %q", got)
		}
	})
}

func TestATransportThatIsGoneFailsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bell{}
		r := &relay{name: "one", fails: always(errUnreachable)}
		outbox, _ := post(t, mailer.OutboxOptions{Failing: b.ring}, r)
		outbox.Use("app", route(r), route(&relay{name: "two"}))
		pass(t, outbox)
		pass(t, outbox)
		outbox.Use("app", route(r), route(&relay{name: "three"}))
		if got := b.all(); !slices.Equal(got, []string{"one true"}) {
			t.Errorf("a reload told %q", got)
		}
		outbox.Use("app", route(&relay{name: "three"}))
		if got := b.all(); !slices.Equal(got, []string{"one true", "one false"}) {
			t.Errorf("told %q of what is gone", got)
		}
	})
}

// A password that was put right makes another transport, of which nothing is known
// until it works: it gets mails at once, and nobody is told that it is back before.
func TestAnotherPasswordIsAnotherTransport(t *testing.T) {
	b := &bell{}
	s := (&sink{user: "u", pass: "right", login: "PLAIN"}).open(t)
	other := &relay{name: "two"}
	outbox, l := post(t, mailer.OutboxOptions{Failing: b.ring}, other)
	by := func(password mailer.Password) mailer.Route {
		return mailer.Route{Name: "smtp", Transport: s.client(t, mailer.SMTPOptions{Username: "u", Password: password}), Style: style()}
	}
	outbox.Use("app", by("wrong"), route(other))
	for i := range 3 {
		send(t, outbox, fresh())
		l.wait(t, i+1)
	}
	if seen := s.seen(); seen.logins != 1 {
		t.Fatalf("%d log-ins, want 1", seen.logins)
	}
	outbox.Use("app", by("wrong, too"), route(other))
	send(t, outbox, fresh())
	l.wait(t, 4)
	outbox.Use("app", by("right"), route(other))
	if got := b.all(); !slices.Equal(got, []string{"smtp true"}) {
		t.Errorf("told %q before it has worked", got)
	}
	send(t, outbox, fresh())
	if got := l.wait(t, 5)[4]; got.Route != "smtp" || got.Outcome != mailer.Sent {
		t.Errorf("report is %+v", got)
	}
	if got := b.all(); !slices.Equal(got, []string{"smtp true", "smtp false"}) {
		t.Errorf("told %q", got)
	}
}
