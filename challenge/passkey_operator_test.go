// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
)

// taken removes passkeys of ana as an operator does.
func (w *world) taken(name string) []challenge.PasskeyState {
	w.t.Helper()
	return must[[]challenge.PasskeyState](w.t)(w.house.RemovePasskeys(w.t.Context(), ana, name))
}

func TestAPasskeyThatAnOperatorTookAwayIsRefusedOnEveryMachine(t *testing.T) {
	w := newWorld(t)
	g := w.keysGate()
	owner := w.linked(g).signIn(ana, true)
	phone, laptop := owner.passkey("Phone"), owner.passkey("Laptop")
	there := w.gateOf(w.machine(), challenge.GateOptions{ID: "gate", Policy: challenge.Policy{Limits: roomy, Ways: challenge.WaysPolicy{Passkeys: true}}})
	for _, at := range []*challenge.Gate{g, there} {
		if err := w.linked(at).signs(phone, false); err != nil {
			t.Fatalf("before: %v", err)
		}
	}
	list := must[[]challenge.PasskeyState](t)(w.house.PasskeysOf(t.Context(), ana))
	if len(list) != 2 || list[0].Name != "Laptop" || list[1].Name != "Phone" || list[1].Used.IsZero() || list[1].Site == "" {
		t.Fatalf("PasskeysOf = %+v", list)
	}
	gone := w.taken(list[1].ID)
	if len(gone) != 1 || gone[0].Name != "Phone" {
		t.Errorf("removed %+v, want the phone's", gone)
	}
	for _, at := range []*challenge.Gate{g, there} {
		wantRefused(t, "the removed passkey", w.linked(at).signs(phone, false))
		if err := w.linked(at).signs(laptop, false); err != nil {
			t.Errorf("the one that stays: %v", err)
		}
	}
	recent := must[challenge.Standing](t)(g.Standing(t.Context(), ana)).Recent
	told := slices.DeleteFunc(recent, func(r challenge.ActivityRow) bool { return r.Change != challenge.RemovePasskey })
	if len(told) != 1 || told[0].Kind != challenge.ActivityChanged || told[0].Browser != "" || told[0].Name != "Phone" {
		t.Errorf("the activity has %+v, want one removal of the phone's by no browser", told)
	}
	if _, err := w.house.RemovePasskeys(t.Context(), ana, list[1].ID); !errors.Is(err, challenge.ErrNoSuch) {
		t.Errorf("once more: %v, want ErrNoSuch", err)
	}
	owner.wantPass("a session of before")
}

func TestAllPasskeysThatAnOperatorTakesAwayAreThoseThatWaitToo(t *testing.T) {
	w := newWorld(t)
	g := w.keysGate()
	owner := w.linked(g).signIn(ana, true)
	key := owner.passkey("Laptop")
	w.clock.advance(3 * day)
	late := passkeystest.New(origin)
	if due, err := w.linked(g).signIn(ana, false).makes(late, "Thief"); err != nil || due.IsZero() {
		t.Fatalf("a passkey of a new browser: due %v, %v", due, err)
	}
	list := must[[]challenge.PasskeyState](t)(w.house.PasskeysOf(t.Context(), ana))
	if len(list) != 2 || list[0].Name != "Thief" || list[0].Due.IsZero() || !list[1].Due.IsZero() {
		t.Fatalf("PasskeysOf = %+v", list)
	}
	if gone := w.taken(""); len(gone) != 2 {
		t.Errorf("removed %+v, want both", gone)
	}
	w.clock.advance(2 * day)
	wantRefused(t, "the one that was there", w.linked(g).signs(key, false))
	wantRefused(t, "the one that waited", w.linked(g).signs(late, false))
	if gone := w.taken(""); len(gone) != 0 {
		t.Errorf("once more: %+v, want nothing", gone)
	}
}

func TestAPersonIsToldThatAnOperatorTookAPasskeyAway(t *testing.T) {
	w := newWorld(t)
	g := w.keysGate()
	w.linked(g).signIn(ana, true).passkey("Phone")
	w.taken("")
	g.TellOfRemovedPasskey(t.Context(), ana)
	n := w.mailbox.last()
	if n.Subject != challenge.WaysChanged || n.Change != challenge.RemovePasskey || n.Mailbox != string(ana) || n.Stop != "" {
		t.Errorf("mailed %+v", n)
	}
}
