// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

func TestBND02WhereAllIsObservedNobodyIsMailedThatACopyWasRefused(t *testing.T) {
	for name, late := range map[string]time.Duration{"in a session": lapsed, "after it": 13 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			m := w.browser(w.gate(challenge.GateOptions{Policy: challenge.Policy{Risk: risk.Policy{ObserveAll: true}}})).signIn(ana, true).binds()
			w.clock.advance(late)
			w.mailbox.clear()
			m.jar().wantPass("the copy")
			if n := w.diary.count(challenge.KeyUnproved); n != 1 {
				t.Errorf("the operator is told %d times, want once", n)
			}
			if mails := w.mailbox.mails(); len(mails) != 0 {
				t.Errorf("mails = %+v, want none", mails)
			}
		})
	}
}

// A machine whose announcement of a key fails tells of it later, and ends nothing by it.
func TestBND02AKeyIsToldAgainWhereThatFailed(t *testing.T) {
	both(t, func(t *testing.T, w *world, _ *machine) {
		disk := newServer(w.clock)
		w.store = disk
		w.house = sharedMachine(w)
		there := sharedMachine(w)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(bob, true)
		copied := *b
		copied.ip, copied.gate = elsewhere(), w.gateOf(there, challenge.GateOptions{})
		copied.wantPass("cached on another machine before there was a key")
		disk.denyOnce("ended")
		m := b.binds()
		w.clock.advance(lapsed)
		waitFor(t, func() bool { return copied.open().Reason == challenge.Unproved })
		if err := m.refresh(); err != nil {
			t.Fatal(err)
		}
		m.wantPass("the owner, whose session has not ended")
	})
}
