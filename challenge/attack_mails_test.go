// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A stolen session must not use up the mails by which its person signs in.
func TestRL05CodesForChangesLeaveMailsToSignInBy(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	owner := w.settled(g, ana)
	thief := w.linked(g).signIn(ana, true)
	began := w.clock.now()
	export := thief.changing(challenge.Change{Kind: challenge.ExportData})
	sent, err := g.Begin(t.Context(), export, nil, ana)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Minute)
	export.Now = w.clock.now()
	if _, err := g.Resend(t.Context(), export, sent.Flow); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []challenge.ChangeKind{challenge.AddApp, challenge.EraseData} {
		thief.began(challenge.Change{Kind: kind})
	}
	for name, ask := range map[string]func() (challenge.Sent, error){
		"a change": func() (challenge.Sent, error) {
			return g.Begin(t.Context(), thief.changing(challenge.Change{Kind: challenge.RemoveApp}), nil, ana)
		},
		"a resend": func() (challenge.Sent, error) { return g.Resend(t.Context(), export, sent.Flow) },
		"the second address": func() (challenge.Sent, error) {
			return g.SendSecond(t.Context(), thief.changing(challenge.Change{Kind: challenge.AddApp}), sent.Flow)
		},
	} {
		w.clock.advance(time.Minute)
		export.Now = w.clock.now()
		_, err := ask()
		if limitOf(err) != challenge.LimitSendAddress || !untilOf(t, err).Equal(began.Add(time.Hour)) {
			t.Errorf("%s after four mails: %v", name, err)
		}
	}
	owner.session, owner.flow = "", nil
	owner.signIn(ana, true)
	w.clock.advance(time.Hour)
	owner.wantPass("an hour later")
	owner.began(challenge.Change{Kind: challenge.ExportData})
}

// Whoever reads the mails may change as much as they like.
func TestACodeThatWasRightGivesTheMailsOfItsChangeBack(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.settled(g, ana)
	app := owner.app()
	change := challenge.Change{Kind: challenge.ExportData}
	for n := range 6 {
		f := owner.began(change)
		w.clock.advance(time.Minute)
		sent, err := g.Resend(t.Context(), owner.changing(change), f)
		if err != nil {
			t.Fatalf("change %d: %v", n, err)
		}
		way, code := challenge.ByMail, owner.lastCode()
		if n%2 == 1 {
			way, code = challenge.ByApp, app.shows(0)
		}
		if _, err := owner.allowedBy(way, code, sent.Flow); err != nil {
			t.Fatalf("change %d: %v", n, err)
		}
	}
	w.mailbox.breaks(challenge.ErrQueueFull)
	for range 5 {
		if _, err := g.Begin(t.Context(), owner.changing(change), nil, ana); err == nil {
			t.Fatal("mailed")
		}
	}
	w.mailbox.breaks(nil)
	owner.began(change)
}

func TestRuling35MailsForChangesGoAlong(t *testing.T) {
	from := newWorld(t)
	owner := from.browser(roomyGate(from)).signIn(ana, false)
	change := challenge.Change{Kind: challenge.ExportData}
	for range 4 {
		owner.began(change)
	}
	to := from.apart()
	to.browser(roomyGate(to)).signIn(ana, false) // there is a record to join
	from.moveTo(to)
	moved := owner.in(to)
	if _, err := moved.gate.Begin(t.Context(), moved.changing(change), nil, ana); limitOf(err) != challenge.LimitSendAddress {
		t.Errorf("Begin = %v, want the limit", err)
	}
}
