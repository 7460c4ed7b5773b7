// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

const aWeekAndMore = 8 * 24 * time.Hour // nothing is young, and nothing that is done is kept

// Ruling 35: what a person took back at the new store does not return when the old one
// is copied again.
func TestRuling35AWayInThatWasTakenBackStaysSo(t *testing.T) {
	from := newWorld(t)
	owner := from.settled(from.keysGate(), ana)
	from.clock.advance(aWeekAndMore)
	owner.wantPass("later")
	from.mailbox.clear()
	stolen := owner.passkey("the thief's")
	passkeys := from.mailbox.link(t, challenge.WaysChanged)
	from.mailbox.clear()
	owner.app()
	app := from.mailbox.link(t, challenge.WaysChanged)
	to := from.copied(t)
	there := to.browser(to.keysGate())
	there.mustReport(passkeys)
	there.mustReport(app)
	from.moveTo(to)
	wantRefused(t, "a passkey that was taken back", to.linked(there.gate).signs(stolen, false))
	if a := to.browser(there.gate).signIn(ana, true).account(); !a.App.Made.IsZero() {
		t.Errorf("the app that was taken back is there again: %+v", a.App)
	}
}

func TestRuling35APasskeyThatWasRemovedLongAgoStaysSo(t *testing.T) {
	from := newWorld(t)
	owner := from.settled(from.keysGate(), ana)
	lost := owner.passkey("lost phone")
	id := owner.account().Passkeys[0].ID
	to := from.copied(t)
	there := *owner
	there.w, there.gate = to, to.keysGate()
	if _, err := there.removePasskey(id); err != nil {
		t.Fatal(err)
	}
	to.clock.advance(aWeekAndMore)
	there.wantPass("when that is no news any more")
	from.moveTo(to)
	wantRefused(t, "a passkey that was removed", to.linked(there.gate).signs(lost, false))
}

func TestRuling35AChangeThatWasCancelledStaysSo(t *testing.T) {
	from := newWorld(t)
	owner := from.settled(from.keysGate(), ana)
	from.clock.advance(aWeekAndMore)
	if _, due, err := from.browser(owner.gate).signIn(ana, true).tryApp(); err != nil || due.IsZero() {
		t.Fatalf("a strange browser's app is due at %v: %v", due, err)
	}
	to := from.copied(t)
	there := to.linked(to.keysGate()).signIn(ana, true)
	there.cancel()
	from.moveTo(to)
	to.clock.advance(25 * time.Hour)
	there.wantPass("a day later")
	if a := there.account(); !a.App.Made.IsZero() || len(a.Waiting) > 0 {
		t.Errorf("the app that was cancelled: %+v, waiting: %+v", a.App, a.Waiting)
	}
}

func TestRuling35WhoCancelledTheirErasureIsNotErased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := newWorld(t)
		owner := from.settled(from.keysGate(), ana)
		key := owner.passkey("phone")
		from.clock.advance(aWeekAndMore)
		owner.wantPass("later")
		if _, err := owner.erase(); err != nil {
			t.Fatal(err)
		}
		to := from.copied(t)
		there := to.linked(to.keysGate()).signIn(ana, true)
		there.cancel()
		from.moveTo(to)
		to.passes(25 * time.Hour)
		if err := to.linked(there.gate).signs(key, false); err != nil {
			t.Errorf("a day later the passkey of whoever cancelled is refused: %v", err)
		}
	})
}

func TestRuling35AnErasedPersonsPasskeyStaysErased(t *testing.T) {
	from := newWorld(t)
	owner := from.settled(from.keysGate(), ana)
	key := owner.passkey("phone")
	to := from.copied(t)
	if found, err := to.house.Forget(t.Context(), ana); err != nil || !found {
		t.Fatalf("erased %t, %v", found, err)
	}
	from.moveTo(to)
	wantRefused(t, "a passkey of whoever was erased", to.linked(to.keysGate()).signs(key, false))
}

// BND-03: two stores that are brought together know more browsers of a person than are
// kept. The one that goes takes its session along, which would count without its key.
func TestBND03BringingStoresTogetherFreesNoCopiedJar(t *testing.T) {
	for name, browsers := range map[string]int{"as many as are kept": 20, "fewer": 10} {
		t.Run(name, func(t *testing.T) {
			options := challenge.GateOptions{Policy: challenge.Policy{Limits: roomy, Session: challenge.SessionPolicy{Lifetime: 30 * 24 * time.Hour}}}
			from := newWorld(t)
			owner := from.browser(from.gate(options)).signIn(ana, true).binds()
			from.clock.advance(lapsed)
			thief := owner.jar()
			thief.wantCheck("a copied jar", challenge.Unproved)
			to := from.apart()
			g := to.gate(options)
			for range browsers {
				to.clock.advance(10 * time.Minute)
				to.browser(g).signIn(ana, true)
			}
			from.rest()
			from.moveTo(to)
			thief.device, thief.w, thief.gate = "", to, to.gateOf(to.machine(), options)
			if v := thief.open(); v.Decision == challenge.Pass {
				t.Error("the copied jar of a bound browser is in")
			}
		})
	}
}

// copied is another store that has had a copy of this one.
func (w *world) copied(t *testing.T) *world {
	t.Helper()
	w.rest()
	to := w.apart()
	w.moveTo(to)
	return to
}

// cancel takes back the one change that waits.
func (b *browser) cancel() {
	b.w.t.Helper()
	waiting := b.account().Waiting
	if len(waiting) != 1 {
		b.w.t.Fatalf("%d changes wait, want one", len(waiting))
	}
	if err := b.gate.CancelChange(b.w.t.Context(), b.visit(), b.admitted(), waiting[0].ID); err != nil {
		b.w.t.Fatal(err)
	}
}
