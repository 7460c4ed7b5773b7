// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// placed asks for what is new, wherever it is.
func placed(change func(p *challenge.Policy)) challenge.Policy {
	p := challenge.Policy{
		Limits: roomy, Session: challenge.SessionPolicy{Lifetime: 30 * day},
		Risk: risk.Policy{Ask: risk.SetOf(challenge.NewBrowser, challenge.NewPlace, challenge.Travel), Places: true, Bind: risk.BindPlace},
	}
	if change != nil {
		change(&p)
	}
	return p
}

func placedGate(w *world, change func(p *challenge.Policy)) *challenge.Gate {
	return w.gate(challenge.GateOptions{Policy: placed(change), Locator: world1, Networks: office})
}

// at moves a browser.
func (b *browser) at(ip netip.Addr) *browser {
	b.ip = ip
	return b
}

// settled is somebody who has signed in at Lisbon, and whom the gate has known
// for longer than it learns.
func settled(w *world, g *challenge.Gate, remember bool) *browser {
	b := w.linked(g).at(lisbon).signIn(ana, remember)
	w.clock.advance(20 * day)
	b.wantPass("settled")
	b.wantPass("with what it was given")
	return b
}

func TestAMoveWithinTheUsualAreaCostsNoStoreCall(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	b := settled(w, placedGate(w, nil), false)
	store.take()
	for name, ip := range map[string]netip.Addr{
		"to the next town": setubal, "to another city": porto, "to IPv6": lisbon6, "into the operator's network": desk, "back": lisbon,
	} {
		b.at(ip).wantPass(name)
		w.clock.advance(time.Hour)
	}
	if calls := store.take(); len(calls) != 0 {
		t.Errorf("store calls: %q, want none", calls)
	}
}

// A browser with two addresses, as with IPv4 and IPv6, uses both at once.
func TestRuling28TwoAddressesInTurnCostNothing(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	b := settled(w, placedGate(w, nil), false)
	visits := []*challenge.Visit{b.at(lisbon).visit(), b.at(lisbon6).visit()}
	store.take()
	n := 0
	allocations := testing.AllocsPerRun(1000, func() {
		if b.gate.Admit(context.Background(), visits[n%2]).Decision != challenge.Pass {
			t.Error("not admitted")
		}
		n++
	})
	if calls := store.take(); len(calls) != 0 || allocations != 0 {
		t.Errorf("store calls %q, %v allocations, want none", calls, allocations)
	}
}

// The sentence of the design: an unusual place asks again at once, and the code
// makes it a usual one.
func TestAnUnusualPlaceAsksAtOnceAndIsLearnedByTheCode(t *testing.T) {
	w := newWorld(t)
	b := settled(w, placedGate(w, nil), false)
	home := *b
	sid := b.wantPass("at home").Admission.Live.Key()
	w.clock.advance(time.Hour)
	b.at(funchal).wantCheck("an hour later on Madeira", challenge.NewPlace)
	v := b.open()
	if v.Admission == nil || v.Admission.Live.Key() != sid || v.Identity.Email != ana {
		t.Fatalf("verdict %+v, want the session that is to be confirmed", v)
	}
	home.wantPass("at home meanwhile")

	b.confirm = v.Admission.Live
	if err := b.enter(b.mailed(ana), false); err != nil {
		t.Fatalf("Verify = %v", err)
	}
	b.confirm = nil
	if got := b.wantPass("after the code").Admission.Live.Key(); got != sid {
		t.Errorf("session %s, want the same as before, %s", got, sid)
	}
	w.clock.advance(2 * day)
	b.at(lisbon).wantPass("at home again")
	w.clock.advance(2 * day)
	b.at(funchal).wantPass("on Madeira again")
	home.at(funchal).wantPass("the older cookie there")
	b.gate = placedGateOn(w, w.machine())
	b.wantPass("on another machine")
	b.at(tokyo).wantCheck("in Japan, on another machine", challenge.NewPlace)
}

func placedGateOn(w *world, h *challenge.House) *challenge.Gate {
	return w.gateOf(h, challenge.GateOptions{Policy: placed(nil), Locator: world1, Networks: office})
}

// A cookie thief abroad is asked though the session lives and the browser is
// remembered.
func TestARenewalSomewhereUnusualAsks(t *testing.T) {
	w := newWorld(t)
	b := settled(w, placedGate(w, nil), true)
	thief := *b
	thief.session = ""
	w.clock.advance(2 * day)
	thief.at(tokyo).wantCheck("the copied device cookie in Japan", challenge.NewPlace)
	b.session = ""
	b.wantPass("the owner at home")
	b.session = ""
	b.at(setubal).wantPass("the owner in the next town")
	b.session = ""
	w.clock.advance(2 * day)
	b.at(tokyo).wantCheck("the owner in Japan", challenge.NewPlace)
	b.signIn(ana, true)
	b.session = ""
	b.wantPass("the owner in Japan, after a code")
	w.clock.advance(2 * day)
	b.session = ""
	b.at(lisbon).wantPass("the owner at home again")
}

// Ruling 45: a new country always asks; other places of a known one do not
// during the first two weeks.
func TestRuling45WhileAPersonIsNewOnlyCountriesAsk(t *testing.T) {
	w := newWorld(t)
	b := w.linked(placedGate(w, nil)).at(lisbon).signIn(ana, false)
	w.clock.advance(5 * day)
	b.at(funchal).wantPass("on Madeira in the first week")
	b.at(tokyo).wantCheck("in Japan in the first week", challenge.NewPlace)
}

func TestSessionBind(t *testing.T) {
	stranger := netip.MustParseAddr("62.48.50.1") // in Lisbon, another provider
	places := atlas{stranger: city("Lisbon", "PT", 38.72, -9.14, 12542)}
	for ip, p := range world1 {
		places[ip] = p
	}
	for _, tt := range []struct {
		bind           risk.Bind
		network, place challenge.Reason // empty: passes
	}{
		{risk.BindNone, "", ""},
		{risk.BindPlace, "", challenge.NewPlace},
		{risk.BindNetwork, challenge.NewNetwork, challenge.NewPlace},
	} {
		w := newWorld(t)
		b := settled(w, w.gate(challenge.GateOptions{Policy: placed(func(p *challenge.Policy) { p.Risk.Bind = tt.bind }), Locator: places}), false)
		want := func(when string, reason challenge.Reason) {
			t.Helper()
			if reason == "" {
				b.wantPass(fmt.Sprintf("bind %d: %s", tt.bind, when))
			} else {
				b.wantCheck(fmt.Sprintf("bind %d: %s", tt.bind, when), reason)
			}
		}
		b.at(stranger)
		want("another network in the same city", tt.network)
		b.at(tokyo)
		want("in Japan", tt.place)
	}
}

// L-37, GEO-06: nothing is learned without a code, whoever tries.
func TestGEO06ManyUnverifiedVisitsTeachNothing(t *testing.T) {
	w := newWorld(t)
	b := settled(w, placedGate(w, nil), true)
	person := func() string {
		for key, raw := range dump(t, w) {
			if strings.HasPrefix(key, "person/") {
				return raw
			}
		}
		return ""
	}
	w.clock.advance(2 * day)
	before := person()
	withSession, withDevice := *b, *b
	withDevice.session = ""
	signedOut := *b
	signedOut.session = "junk"
	for range 1000 {
		stranger := w.linked(b.gate).at(tokyo)
		if _, err := stranger.ask(ana); err == nil {
			_ = stranger.enter(wrong(stranger.lastCode(), 0), true)
		}
		for name, thief := range map[string]*browser{"a stranger": stranger, "a copied session": &withSession, "a copied device cookie": &withDevice, "no session": &signedOut} {
			if v := thief.at(tokyo).open(); v.Decision != challenge.Check {
				t.Fatalf("%s: decision %v, want Check", name, v.Decision)
			}
		}
	}
	if diff := cmp.Diff(before, person()); diff != "" {
		t.Errorf("the person's record changed:\n%s", diff)
	}
	withDevice.at(tokyo).wantCheck("after all that", challenge.NewPlace)
}

func TestObservedReasonsAskNobody(t *testing.T) {
	w := newWorld(t)
	b := settled(w, placedGate(w, func(p *challenge.Policy) { p.Risk.Observe = risk.SetOf(challenge.NewPlace, challenge.Travel) }), true)
	w.clock.advance(2 * day)
	v := b.at(tokyo).wantPass("in Japan")
	if !v.Observed.Has(challenge.NewPlace) {
		t.Errorf("observed %v, want new_place", v.Observed.Reasons())
	}
	b.session = ""
	if v := b.wantPass("renewed in Japan"); !v.Observed.Has(challenge.NewPlace) {
		t.Errorf("observed %v, want new_place", v.Observed.Reasons())
	}
}

func TestWhereAllIsObservedNobodyIsAskedOrRefused(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{
		Policy:  placed(func(p *challenge.Policy) { p.Risk.ObserveAll, p.Countries.Deny = true, []string{"JP"} }),
		Locator: world1,
	})
	stranger := w.browser(g).at(tokyo)
	if v := stranger.wantPass("a stranger from a country that is denied"); v.Admission != nil || !v.Barred {
		t.Errorf("%+v, want nobody, barred", v)
	}
	if v := stranger.at(lisbon).wantPass("a stranger"); !v.Observed.Has(challenge.NewBrowser) {
		t.Errorf("observed %v, want new_browser", v.Observed.Reasons())
	}
	if g.Bars(tokyo) {
		t.Error("the endpoints are closed to a country")
	}
	if !g.WouldBar(tokyo) || g.WouldBar(lisbon) {
		t.Error("nobody can tell what 'countries' would do")
	}
	unlisted := w.browser(g)
	unlisted.earlier = basic("eve", nobody)
	if v := unlisted.wantPass("whom an earlier step named, off the list"); v.Identity.Email != nobody || v.Admission == nil {
		t.Errorf("%+v, want the identity", v)
	}
	first := unlisted.wantPass("again").Admission
	if unlisted.wantPass("and again").Admission != first {
		t.Error("each request makes an admission")
	}
	b := settled(w, g, false)
	w.clock.advance(2 * day)
	if v := b.at(tokyo).wantPass("a session in Japan"); !v.Observed.Has(challenge.NewPlace) || v.Identity.Email != ana {
		t.Errorf("%+v, want ana, with new_place observed", v)
	}
	b.page = risk.Page{MaxAge: time.Minute}
	if v := b.at(lisbon).wantPass("a sensitive page"); !v.Observed.Has(challenge.Sensitive) {
		t.Errorf("observed %v, want sensitive", v.Observed.Reasons())
	}
}

// Two days after a code in Lisbon the same browser may be in Japan; an hour after,
// it may not.
func TestNobodyIsFasterThanAnAeroplane(t *testing.T) {
	w := newWorld(t)
	b := settled(w, placedGate(w, nil), false)
	b.confirmed()
	w.clock.advance(time.Hour)
	b.at(tokyo).wantCheck("an hour after a code in Lisbon", challenge.Travel)
	w.clock.advance(day)
	b.wantCheck("a day after", challenge.NewPlace)
}
