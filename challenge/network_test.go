// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

var twoTriesOfANetwork = only(func(l *challenge.Limits) { l.TryIP = []challenge.Rate{{N: 2, Per: time.Hour}} })

// An office where everybody signs in by a right code never fills its network.
func TestRL02ARightCodeGivesTheTryOfItsNetworkBack(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: twoTriesOfANetwork})
	ip := elsewhere()
	for n := range 6 {
		b := w.browser(g)
		b.ip = ip
		b.signIn(someone(n), false)
	}
}

// Whoever has a bucket of their own is not kept out by what others typed in the
// same network, and gives nothing back that was not counted for them.
func TestRL07AFullNetworkKeepsOutStrangersOnly(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: twoTriesOfANetwork})
	owner := w.browser(g).signIn(ana, true)
	ip := owner.ip
	strangersAreOut := func(when string) {
		t.Helper()
		stranger := w.browser(g)
		stranger.ip = ip
		if err := stranger.enter(stranger.mailed(bob), false); limitOf(err) != challenge.LimitTryIP {
			t.Errorf("%s: Verify = %v for a stranger, want the limit of the network", when, err)
		}
	}
	thief := w.browser(g)
	thief.ip = ip
	code := thief.mailed(bob)
	for n := range 2 {
		_ = thief.enter(wrong(code, n), false)
	}
	strangersAreOut("when the network is full")

	owner.session = ""
	if err := owner.enter(owner.mailed(ana), true); err != nil {
		t.Errorf("remembered: Verify = %v", err)
	}
	named := w.browser(g)
	named.ip = ip
	named.signInAs(basic("p", someone(1)), false)
	strangersAreOut("after the others")
}
