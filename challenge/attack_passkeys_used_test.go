// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// Of two answers of one authenticator the earlier may come later: its count is no sign of
// a copy.
func TestWAU02AnAnswerThatWasHeldUpEndsNoPasskey(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := owner.passkey("phone")
	first, second := w.linked(owner.gate), w.linked(owner.gate)
	late := must[[]byte](t)(key.Get(first.asksForPasskey()))
	w.clock.advance(5 * time.Second)
	soon := must[[]byte](t)(key.Get(second.asksForPasskey()))
	if err := second.answers(soon, false); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Minute)
	wantRefused(t, "the one that was held up", first.answers(late, false))
	if w.diary.count(challenge.PasskeyCloned) != 0 {
		t.Error("it is told of as a copy")
	}
	if err := w.linked(owner.gate).signs(key, false); err != nil {
		t.Errorf("the passkey afterwards: %v", err)
	}
}

// Whoever is known is let through where a network has no room; that gives its strangers no
// tries.
func TestDOS01APasskeyGivesBackNoTryThatWasNotCounted(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{
		Limits: challenge.Limits{TryIP: []challenge.Rate{{N: 3, Per: time.Hour}}}, Ways: challenge.WaysPolicy{Passkeys: true},
	}})
	owner := w.settled(g, ana)
	key := owner.passkey("phone")
	forged := key.Copy()
	forged.ID = []byte("unknown")
	b, judged := w.linked(g), 0
	tries := func() {
		for limit := (*challenge.LimitError)(nil); judged < 10; judged++ {
			if b.flow = nil; errors.As(b.signs(forged, false), &limit) {
				return
			}
		}
	}
	tries()
	for range 3 {
		owner.flow, owner.ip = nil, b.ip
		if err := owner.signs(key, false); err != nil {
			t.Fatal(err)
		}
		tries()
	}
	if judged != 3 {
		t.Errorf("%d passkeys of strangers were judged, want 3", judged)
	}
}

// The passkey of a stolen phone may be years old.
func TestRuling40ThePasskeyOfAReportedEntryIsSuspended(t *testing.T) {
	for name, enters := range map[string]func(thief *browser, sign func(b *browser) error) error{
		"which it made":      func(thief *browser, sign func(b *browser) error) error { return sign(thief) },
		"which it confirmed": confirmsWith,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			owner := w.settled(w.keysGate(), ana)
			stolen, other := owner.passkey("stolen"), owner.passkey("other")
			w.clock.advance(10 * 24 * time.Hour)
			owner.wantPass("ten days later")
			thief := w.linked(owner.gate)
			if err := enters(thief, func(b *browser) error { return b.signs(stolen, true) }); err != nil {
				t.Fatal(err)
			}
			w.browser(owner.gate).mustReport(w.mailbox.link(t, challenge.NewSignIn))
			wantRefused(t, "the same passkey", w.linked(owner.gate).signs(stolen, true))
			if err := w.linked(owner.gate).signs(other, false); err != nil {
				t.Errorf("another passkey of that time: %v", err)
			}
			for _, s := range owner.account().Passkeys {
				if s.Suspended != (s.Name == "stolen") {
					t.Errorf("%s: suspended %v", s.Name, s.Suspended)
				}
			}
		})
	}
}

// confirmsWith comes in by a mailed code, and then confirms that.
func confirmsWith(thief *browser, sign func(b *browser) error) error {
	thief.signIn(ana, true)
	thief.flow, thief.confirm = nil, must[*challenge.Live](thief.w.t)(thief.live())
	defer func() { thief.flow, thief.confirm = nil, nil }()
	return sign(thief)
}

func TestRuling40TheAppOfAReportedEntryIsSuspended(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.waysGate(), ana)
	app := owner.app()
	w.clock.advance(10 * 24 * time.Hour)
	owner.wantPass("ten days later")
	if err := w.linked(owner.gate).enterBy(challenge.ByApp, app.shows(0), false); err != nil {
		t.Fatal(err)
	}
	w.browser(owner.gate).mustReport(w.mailbox.link(t, challenge.NewSignIn))
	w.clock.advance(time.Hour)
	if err := w.linked(owner.gate).enterBy(challenge.ByApp, app.shows(0), false); err == nil {
		t.Error("the same app let in again")
	}
}
