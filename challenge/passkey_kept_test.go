// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
)

// keysAt is the browser at another installation, with a gate that has passkeys.
func (b *browser) keysAt(w *world) *browser {
	there := *b
	there.w, there.flow = w, nil
	there.gate = w.gateOf(w.machine(), challenge.GateOptions{Policy: challenge.Policy{Limits: roomy, Ways: challenge.WaysPolicy{Passkeys: true}}})
	return &there
}

func TestRuling35PasskeysGoAlong(t *testing.T) {
	from := newWorld(t)
	owner := from.settled(from.keysGate(), ana)
	key := owner.passkey("phone")
	if err := from.linked(owner.gate).signs(key, false); err != nil {
		t.Fatal(err)
	}
	clone := key.Copy()
	clone.Count = 0
	to := from.apart()
	from.moveTo(to)
	from.moveTo(to) // the same once more changes nothing
	there := owner.keysAt(to)
	if s := there.account().Passkeys; len(s) != 1 || s[0].Name != "phone" || s[0].Used.IsZero() {
		t.Fatalf("there are %+v", s)
	}
	if err := to.linked(there.gate).signs(key, false); err != nil {
		t.Fatalf("at the other store: %v", err)
	}
	wantRefused(t, "with a count from before", to.linked(there.gate).signs(clone, false))
}

func TestRuling35APasskeyThatWasRemovedDoesNotComeBack(t *testing.T) {
	from := newWorld(t)
	owner := from.settled(from.keysGate(), ana)
	gone, kept := owner.passkey("gone"), owner.passkey("kept")
	to := from.apart()
	from.moveTo(to)
	there := owner.keysAt(to)
	from.clock.advance(time.Minute)
	for _, s := range there.account().Passkeys {
		if s.Name != "gone" {
			continue
		}
		if _, err := there.removePasskey(s.ID); err != nil {
			t.Fatal(err)
		}
	}
	from.moveTo(to)
	wantRefused(t, "the one that was removed there", to.linked(there.gate).signs(gone, false))
	if err := to.linked(there.gate).signs(kept, false); err != nil {
		t.Errorf("the other one: %v", err)
	}
}

func TestF19PasskeysOfACopyCountForNothing(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := owner.passkey("phone")
	if err := w.house.EndRestored(t.Context()); err != nil {
		t.Fatal(err)
	}
	owner.session, owner.device, owner.flow = "", "", nil
	owner.signIn(ana, true) // so that the mailbox is proved
	wantRefused(t, "after the store was put back", w.linked(owner.gate).signs(key, false))
	if s := owner.account().Passkeys; len(s) != 1 || !s[0].Suspended {
		t.Errorf("its person sees %+v", s)
	}
}

func TestRuling41APasskeyIsTakenBackByTheLinkOfItsMail(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	kept := owner.passkey("kept")
	w.clock.advance(8 * 24 * time.Hour)
	owner.wantPass("eight days later")
	w.mailbox.clear()
	taken := owner.passkey("taken back")
	w.browser(owner.gate).mustReport(w.mailbox.link(t, challenge.WaysChanged))
	wantRefused(t, "what was taken back", w.linked(owner.gate).signs(taken, false))
	if err := w.linked(owner.gate).signs(kept, false); err != nil {
		t.Errorf("what was there before: %v", err)
	}
}

func TestRuling41APasskeyThatABackupCodeAllowedWaitsADay(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	codes := owner.codes()
	change := challenge.Change{Kind: challenge.AddPasskey}
	flow, err := owner.allowedBy(challenge.ByBackup, codes[0], owner.began(change))
	if err != nil {
		t.Fatal(err)
	}
	a := owner.admitted()
	offer := must[challenge.PasskeyOffer](t)(owner.gate.NewPasskey(t.Context(), owner.visit(), a, flow))
	made := must[[]byte](t)(passkeystest.New(origin).Create(offer.Options))
	due, err := owner.gate.AddPasskey(t.Context(), owner.visit(), a, flow, challenge.PasskeyMade{Sealed: offer.Sealed, Response: made})
	if err != nil {
		t.Fatal(err)
	}
	wantDue(t, "the passkey", due, w.clock.now().Add(24*time.Hour))
}

func TestARemovalThatWaitsNamesItsPasskey(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	one, other := owner.passkey("one"), owner.passkey("other")
	ids := map[string]string{}
	for _, s := range owner.account().Passkeys {
		ids[s.Name] = s.ID
	}
	young := w.linked(owner.gate).signIn(ana, true)
	for range 2 { // the second takes the place of the first
		for _, id := range ids {
			due, err := young.removePasskey(id)
			if err != nil {
				t.Fatal(err)
			}
			wantDue(t, "the removal", due, w.clock.now().Add(24*time.Hour))
		}
	}
	waiting := young.account().Waiting
	if len(waiting) != 2 {
		t.Fatalf("%d changes wait", len(waiting))
	}
	for _, c := range waiting {
		if c.Passkey != ids[c.Called] {
			t.Errorf("%q is called %q", c.Passkey, c.Called)
		}
		if c.Called == "one" {
			if err := owner.gate.CancelChange(t.Context(), owner.visit(), owner.admitted(), c.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.clock.advance(24 * time.Hour)
	if err := w.linked(owner.gate).signs(one, false); err != nil {
		t.Errorf("the one whose removal was cancelled: %v", err)
	}
	wantRefused(t, "the other", w.linked(owner.gate).signs(other, false))
}

// Challenges that were answered are few, and none is forgotten before its time: it could
// be answered again.
func TestWAU02NoAnsweredChallengeIsPushedOut(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := owner.passkey("phone")
	key.Step = 0
	first := w.linked(owner.gate)
	response := must[[]byte](t)(key.Get(first.asksForPasskey()))
	if err := first.answers(response, false); err != nil {
		t.Fatal(err)
	}
	var limit *challenge.LimitError
	for n := 0; limit == nil; n++ {
		if n > 20 {
			t.Fatal("no limit was reached")
		}
		if err := w.linked(owner.gate).signs(key, false); !errors.As(err, &limit) && err != nil {
			t.Fatal(err)
		}
	}
	err := first.answers(response, false)
	wantRefused(t, "the first once more", err)
	w.clock.advance(6 * time.Minute)
	if err := w.linked(owner.gate).signs(key, false); err != nil {
		t.Errorf("six minutes later: %v", err)
	}
}
