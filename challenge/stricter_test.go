// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// One session serves all gates of a site, and it used to last everywhere for as
// long as the gate that made it said. A part that the operator had given an hour
// stayed open for the twelve of the rest, to whoever found the browser. Now each
// gate counts its own lifetime from the session's beginning.
func TestRuling1AStricterGateCountsItsOwnLifetime(t *testing.T) {
	w := newWorld(t)
	rest := w.gate(challenge.GateOptions{ID: "rest"})
	hour := w.gate(challenge.GateOptions{ID: "hour", Policy: challenge.Policy{Session: challenge.SessionPolicy{Lifetime: time.Hour}}})
	b := w.browser(rest).signIn(ana, false)
	at := func(g *challenge.Gate) *browser {
		b.gate = g
		return b
	}
	w.clock.advance(time.Hour - time.Second)
	at(hour).wantPass("within the hour")
	w.clock.advance(time.Second)
	at(hour).wantCheck("after the hour", challenge.Expired)
	at(rest).wantPass("the rest, after the hour")

	elsewhere := *b // a machine that has not seen the session decides alike
	elsewhere.gate = w.gateOf(w.machine(), challenge.GateOptions{ID: "hour", Policy: hour.Policy()})
	elsewhere.wantCheck("another machine, after the hour", challenge.Expired)

	at(hour).signIn(ana, false).wantPass("by a new code")
	w.clock.advance(time.Hour)
	at(rest).wantCheck("what the stricter gate made ends with it", challenge.Expired)
}

// A gate that remembers no browsers asks for a code every time. It used to take
// the session which another gate had made for a remembered browser, so that one
// request to the rest of the site, first, was the way around the question. Now
// such a session, made later than its last code, does not count there.
func TestRuling21AGateThatRemembersNobodyTakesNoRenewedSession(t *testing.T) {
	w := newWorld(t)
	rest := w.gate(challenge.GateOptions{ID: "rest"})
	never := w.gate(challenge.GateOptions{ID: "never", Policy: challenge.Policy{Devices: challenge.DevicePolicy{Choice: challenge.ChoiceNever}}})
	b := w.browser(rest).signIn(ana, true)
	at := func(g *challenge.Gate) *browser {
		b.gate = g
		return b
	}
	at(never).wantPass("by the code of the rest")
	w.clock.advance(time.Hour)
	b.session = "" // the browser was closed
	at(never).wantCheck("remembered", challenge.Always)
	at(rest).wantPass("the rest, remembered")
	at(never).wantCheck("by way of the rest", challenge.Expired)
	w.clock.advance(time.Hour)
	at(rest).wantPass("the rest, later")
	at(never).wantCheck("by way of the rest, later", challenge.Expired)
	at(never).signIn(ana, false).wantPass("by a code")
	at(rest).wantPass("the rest, by the code of the other")
}
