// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func TestRL05MailLimits(t *testing.T) {
	tests := []struct {
		name   string
		limits func(l *challenge.Limits)
		visit  func(n int) (address challenge.Email, ip netip.Addr)
		limit  challenge.Limit
		want   int
	}{
		{
			"per address in an hour", func(l *challenge.Limits) { l.SendAddress = nil },
			func(int) (challenge.Email, netip.Addr) { return ana, elsewhere() }, challenge.LimitSendAddress, 6,
		},
		{
			"per network", func(l *challenge.Limits) { l.SendIP = nil },
			func(n int) (challenge.Email, netip.Addr) { return someone(n), netip.MustParseAddr("192.0.2.7") }, challenge.LimitSendIP, 60,
		},
		{
			"per IPv6 customer", func(l *challenge.Limits) { l.SendIP = nil },
			func(n int) (challenge.Email, netip.Addr) {
				return someone(n), netip.MustParseAddr(fmt.Sprintf("2001:db8:1:%x::%x", n, n))
			}, challenge.LimitSendIP, 60,
		},
		{
			"one IPv4 address in both spellings", func(l *challenge.Limits) { l.SendIP = nil },
			func(n int) (challenge.Email, netip.Addr) {
				return someone(n), netip.MustParseAddr([]string{"192.0.2.7", "::ffff:192.0.2.7"}[n%2])
			}, challenge.LimitSendIP, 60,
		},
		{
			"strangers together, half of all mail", func(l *challenge.Limits) { l.SendTotal = nil },
			func(n int) (challenge.Email, netip.Addr) { return someone(n), elsewhere() }, challenge.LimitSendTotal, 100,
		},
		{
			"ruling 16: one network at one address", func(*challenge.Limits) {},
			func(n int) (challenge.Email, netip.Addr) {
				return ana, netip.AddrFrom4([4]byte{192, 0, 2, byte(n)})
			}, challenge.LimitStarts, 3,
		},
		{
			"ruling 16: one IPv6 site at one address", func(*challenge.Limits) {},
			func(n int) (challenge.Email, netip.Addr) {
				return ana, netip.MustParseAddr(fmt.Sprintf("2001:db8:2:%x::1", n))
			}, challenge.LimitStarts, 3,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { mailUntilRefused(t, tt.limits, tt.visit, tt.limit, tt.want) })
	}
}

func mailUntilRefused(t *testing.T, change func(*challenge.Limits), visit func(n int) (challenge.Email, netip.Addr), limit challenge.Limit, want int) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: only(change)})
	sent := 0
	for n := range 300 {
		b := w.browser(g)
		var to challenge.Email
		to, b.ip = visit(n)
		_, err := b.ask(to)
		if err == nil {
			sent++
			continue
		}
		if limitOf(err) != limit || !untilOf(t, err).After(w.clock.now()) {
			t.Fatalf("Begin = %v, want limit %s", err, limit)
		}
	}
	if got := len(w.mailbox.all()); sent != want || got != want {
		t.Errorf("%d were accepted and %d queued, want %d", sent, got, want)
	}
	w.clock.advance(24*time.Hour + time.Minute)
	b := w.browser(g)
	var to challenge.Email
	if to, b.ip = visit(0); b.mailed(to) == "" {
		t.Error("a day later: no code")
	}
}

func someone(n int) challenge.Email { return challenge.Email(fmt.Sprintf("p%d@example.org", n)) }

func TestRL06OneAddressHasOneCount(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: only(func(l *challenge.Limits) { l.SendAddress = []challenge.Rate{{N: 40, Per: time.Hour}} })})
	spellings := []string{
		"ana@example.org", " ana@example.org\t", "ANA@EXAMPLE.ORG", "aNa@eXample.org", "ana@ｅｘａｍｐｌｅ.org", "ana@example。org",
		"ana@example．org", "ana@exam\u00adple.org", "ana+@example.org", "ana+a+b@example.org",
	}
	for n := range 30 {
		spellings = append(spellings, fmt.Sprintf("Ana+tag%d@Example.org", n))
	}
	for _, typed := range spellings {
		address, err := challenge.ParseEmail(typed)
		if err != nil {
			t.Fatalf("ParseEmail(%q) = %v", typed, err)
		}
		w.browser(g).mailed(address)
	}
	if _, err := w.browser(g).ask("ana@example.org"); limitOf(err) != challenge.LimitSendAddress {
		t.Errorf("after %d spellings: Begin = %v, want the limit of one address", len(spellings), err)
	}
}

// A person who signs in often must not run out of mails by it.
func TestRuling16ARightCodeGivesItsMailBack(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	ip := elsewhere()
	for range 20 {
		b := w.browser(g)
		b.ip = ip
		b.signIn(ana, false)
		w.clock.advance(time.Second)
	}
}

func TestResending(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{}))
	code := b.mailed(ana)

	w.clock.advance(29 * time.Second)
	if _, err := b.resend(); limitOf(err) != challenge.LimitResend || untilOf(t, err).Sub(w.clock.now()) != time.Second {
		t.Fatalf("after 29 s: Resend = %v, want a wait of 1 s", err)
	}
	w.clock.advance(time.Second)
	for n := 2; n <= 3; n++ {
		if sent, err := b.resend(); err != nil || !sent.Again || b.lastCode() != code {
			t.Fatalf("mail %d: Resend = %+v, %v, want the same code", n, sent, err)
		}
		w.clock.advance(30 * time.Second)
	}
	if _, err := b.resend(); !errors.Is(err, challenge.ErrUsedUp) {
		t.Fatalf("mail 4: Resend = %v, want ErrUsedUp", err)
	}
	if err := b.enter(code, false); err != nil {
		t.Errorf("Verify = %v", err)
	}
	t.Run("with less than 5 minutes left a new code comes", func(t *testing.T) {
		b := w.browser(b.gate)
		code := b.mailed(bob)
		w.clock.advance(5*time.Minute + time.Second)
		if sent, err := b.resend(); err != nil || sent.Again || b.lastCode() == code {
			t.Errorf("Resend = %+v, %v, want a new challenge", sent, err)
		}
	})
}

// ML-09: a mail that the queue refused counts nowhere, and may be asked for
// again at once.
func TestML09AMailThatWasNotTakenIsGivenBack(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: challenge.Limits{
		SendAddress: []challenge.Rate{{N: 1, Per: time.Hour}}, SendIP: []challenge.Rate{{N: 1, Per: time.Hour}}, SendTotal: []challenge.Rate{{N: 2, Per: time.Hour}},
	}}})
	b := w.browser(g)
	w.mailbox.breaks(challenge.ErrQueueFull)
	if sent, err := b.ask(ana); !errors.Is(err, challenge.ErrQueueFull) || sent.Progress.Phase != challenge.Waiting {
		t.Fatalf("Begin = %+v, %v, want ErrQueueFull and a waiting challenge", sent, err)
	}
	if _, err := b.resend(); !errors.Is(err, challenge.ErrQueueFull) {
		t.Fatalf("Resend = %v, want ErrQueueFull", err)
	}
	w.mailbox.breaks(nil)
	if _, err := b.resend(); err != nil {
		t.Fatalf("Resend = %v", err)
	}
	if err := b.enter(b.lastCode(), false); err != nil {
		t.Errorf("Verify = %v", err)
	}
}
