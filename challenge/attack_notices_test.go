// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// Whoever breaks in must not choose in which language its owner is told.
func TestNoticesAreInTheLanguageOfTheirPerson(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.settled(g, ana)
	if err := g.SetSettings(t.Context(), owner.visit(), owner.admitted(), challenge.PersonSettings{Language: "de"}); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Minute)
	intruder := w.browser(g)
	foreign := func() *challenge.Visit {
		v := intruder.visit()
		v.Language = "ja"
		return v
	}
	sent, err := g.Begin(t.Context(), foreign(), nil, ana)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Verify(t.Context(), foreign(), sent.Flow, challenge.Try{Typed: intruder.lastCode(), Remember: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.LetIn(t.Context(), ana, 0, "phone is broken"); err != nil {
		t.Fatal(err)
	}
	told := map[challenge.Subject]string{}
	for _, n := range w.mailbox.mails() {
		told[n.Subject] = n.Language
	}
	// The code's mail follows the page, which must not tell who is known.
	if told[challenge.NewSignIn] != "de" || told[challenge.CodeReadOut] != "de" || told[challenge.SignInCode] != "ja" {
		t.Errorf("languages of mails by subject: %v", told)
	}
}

// Strangers can run into one lock as often as they like, at no cost. What operators read
// must not fill with it.
func TestALockIsToldOnce(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	stranger := w.browser(g)
	for range 40 {
		if _, err := stranger.ask(nobody); err != nil {
			break
		}
		for _, code := range []string{"000001", "000002", "000003", "000004", "000005"} {
			stranger.enter(code, false)
		}
	}
	before := w.diary.count(challenge.Locked)
	for range 100 {
		if _, err := w.browser(g).ask(nobody); err == nil {
			t.Fatal("a locked address was mailed")
		}
	}
	if more := w.diary.count(challenge.Locked) - before; before == 0 || more > 0 {
		t.Errorf("%d times told at first, %d times more for the same lock", before, more)
	}
}
