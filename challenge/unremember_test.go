// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// TestABrowserCanBeForgottenByWhoeverIsNoLongerListed: the button to forget it did
// nothing for them, and the browser was let in when they were listed again.
func TestABrowserCanBeForgottenByWhoeverIsNoLongerListed(t *testing.T) {
	for _, forget := range []bool{true, false} {
		w := newWorld(t)
		g := w.gate(challenge.GateOptions{})
		b := w.browser(g).signIn(ana, true)
		b.session = ""
		nobody, err := challenge.NewAccess(challenge.AccessOptions{Allow: []string{"somebody@elsewhere.example"}})
		if err != nil {
			t.Fatal(err)
		}
		everybody := challenge.AccessOf(g)
		g.SetAccess(nobody)
		if b.device, err = g.Unremember(t.Context(), b.visit(), forget); err != nil {
			t.Fatal(err)
		}
		if forget != (b.device == "") {
			t.Errorf("forget %t: device cookie %q", forget, b.device)
		}
		g.SetAccess(everybody)
		if v := b.open(); v.Decision != challenge.Check {
			t.Errorf("forget %t: decision %v after being listed again, want Check", forget, v.Decision)
		}
	}
}

// TestAGateThatRemembersNobodyForgetsNobodyElsewhere: signing in at such a gate,
// where there is no box to tick, took the browser from the gate beside it.
func TestAGateThatRemembersNobodyForgetsNobodyElsewhere(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	remembering := b.gate
	b.gate = w.gateOf(w.house, challenge.GateOptions{ID: "admin", Policy: challenge.Policy{Devices: challenge.DevicePolicy{Choice: challenge.ChoiceNever}}})
	b.session, b.flow = "", nil
	b.signIn(ana, false)
	b.session = ""
	if !b.gate.Remembers(t.Context(), b.visit()) {
		t.Error("its sign-out page says that nobody is in, and the gate beside it lets the browser in")
	}
	b.gate = remembering
	b.wantPass("at the gate that remembers")
}
