// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// voting are the reasons whose rules speak, and those that ask for a code by that.
func voting(t *rapid.T, b *browser) (said, asks []challenge.Reason) {
	votes, err := b.gate.Votes(context.Background(), b.visit())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range votes {
		if v.Why == "" {
			t.Errorf("the vote of %s gives no cause", v.Reason)
		}
		if v.Says {
			said = append(said, v.Reason)
		}
		if v.Says && v.Effect == risk.Asks {
			asks = append(asks, v.Reason)
		}
	}
	return said, asks
}

// wilful draws a policy, and an earlier step where the policy needs one.
func wilful(t *rapid.T) (p challenge.Policy, earlier *challenge.Identity) {
	draw := func(from []challenge.Reason, label string) (set risk.Set) {
		for _, r := range from {
			if rapid.Bool().Draw(t, label+string(r)) {
				set |= risk.SetOf(r)
			}
		}
		return set
	}
	places := []challenge.Reason{challenge.NewPlace, challenge.Travel, challenge.NewNetwork}
	p = placed(func(p *challenge.Policy) {
		p.Risk.Ask, p.Risk.Observe = draw(places, "ask "), draw(places, "observe ")
		p.Risk.Bind = rapid.SampledFrom([]risk.Bind{risk.BindNone, risk.BindPlace, risk.BindNetwork}).Draw(t, "bind")
		p.Risk.ObserveAll = rapid.IntRange(0, 9).Draw(t, "observe all") == 0
		p.Session.Lifetime = rapid.SampledFrom([]time.Duration{time.Hour, 30 * day}).Draw(t, "lifetime")
	})
	if rapid.Bool().Draw(t, "earlier step") {
		earlier = &challenge.Identity{Source: "http.auth.user.id", User: "ana", Email: ana}
		proof := []challenge.Reason{challenge.NewBrowser, challenge.Always}
		p.Risk.Ask |= draw(proof, "ask ")
		p.Risk.Observe |= draw(proof, "observe ")
		p.Never = p.Risk.Ask == 0
		return p, earlier
	}
	p.Risk.Ask |= risk.SetOf(rapid.SampledFrom([]challenge.Reason{challenge.NewBrowser, challenge.Always}).Draw(t, "proof"))
	return p, nil
}

// TestGEO08VotesAgreeWithTheDecision: what explains a decision must not be able to
// say anything else than what was decided.
func TestGEO08VotesAgreeWithTheDecision(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		policy, earlier := wilful(rt)
		g := w.gate(challenge.GateOptions{Policy: policy, Locator: world1, Networks: office})
		b := w.browser(g).at(lisbon)
		b.earlier = earlier
		b.signIn(ana, rapid.Bool().Draw(rt, "remember"))
		w.clock.advance(rapid.SampledFrom([]time.Duration{time.Minute, 20 * day}).Draw(rt, "learned for"))
		if rapid.Bool().Draw(rt, "again") {
			b.flow = nil
			b.signIn(ana, rapid.Bool().Draw(rt, "remember again"))
		}
		w.clock.advance(rapid.SampledFrom([]time.Duration{time.Minute, 40 * time.Minute, 2 * time.Hour, 3 * day}).Draw(rt, "later"))
		if rapid.Bool().Draw(rt, "session dropped") {
			b.session = ""
		}
		if rapid.Bool().Draw(rt, "device dropped") {
			b.device = ""
		}
		b.at(rapid.SampledFrom([]netip.Addr{lisbon, setubal, porto, lisbon6, funchal, tokyo, intern, desk, {}}).Draw(rt, "from"))
		b.page = rapid.SampledFrom([]risk.Page{{}, {MaxAge: 10 * time.Minute}, {MaxAge: 30 * time.Minute, Extends: true}}).Draw(rt, "page")

		for range 2 { // the second visit goes by what the first was given
			said, asks := voting(rt, b)
			switch v := b.open(); {
			case v.Decision != challenge.Pass && v.Decision != challenge.Check:
				rt.Fatalf("decision %v", v.Decision)
			case (v.Decision == challenge.Check) != (len(asks) > 0):
				rt.Fatalf("decision %v (%s), though %v ask", v.Decision, v.Reason, asks)
			case v.Decision == challenge.Check && !slices.Contains(said, v.Reason):
				rt.Fatalf("asks because of %q; by the votes %v speak", v.Reason, said)
			}
		}
	})
}

// TestVotesChangeNothing: an operator who asks what would happen must not make it
// happen.
func TestVotesChangeNothing(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	b := settled(w, placedGate(w, nil), true)
	b.session = ""
	for _, ip := range []netip.Addr{lisbon, tokyo} {
		store.take()
		if _, err := b.gate.Votes(context.Background(), b.at(ip).visit()); err != nil {
			t.Fatal(err)
		}
		for _, call := range store.take() {
			if call != "get person" {
				t.Errorf("store call %q", call)
			}
		}
	}
	b.at(lisbon).wantPass("with the secret that was not spent")
}

func TestVotesSayThatTheStoreIsDown(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	b := settled(w, placedGate(w, nil), true)
	b.session = ""
	store.down.Store(true)
	if _, err := b.gate.Votes(context.Background(), b.visit()); !errors.Is(err, challenge.ErrUnavailable) {
		t.Errorf("Votes = %v, want ErrUnavailable", err)
	}
}
