// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// hallway is an address in another part of the office.
func hallway(n int) netip.Addr { return netip.AddrFrom4([4]byte{133, 9, byte(1 + n), 7}) }

// The guest network of an office is in its range, too.
func TestRL07AGuestInTheOfficeCannotTouchARememberedBrowser(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Networks: office, Policy: triesOnly})
	owner := w.browser(g).signIn(ana, true)
	owner.session, owner.flow = "", nil
	code := owner.mailed(ana)
	var err error
	for n := 0; n < 100 && limitOf(err) == ""; n++ {
		guest := w.browser(g).at(hallway(n))
		if _, err = guest.ask(ana); err != nil {
			break
		}
		for k := 0; k < 5 && limitOf(err) == ""; k++ {
			err = guest.enter(wrong(guest.lastCode(), k), false)
		}
	}
	if limitOf(err) != challenge.LimitTryAddress {
		t.Fatalf("guests: %v, want a lock, or this test shows nothing", err)
	}
	if err := owner.enter(code, true); err != nil {
		t.Errorf("remembered, elsewhere: Verify = %v", err)
	}
	owner.session, owner.flow = "", nil
	if err := owner.at(desk).enter(owner.mailed(ana), true); err != nil {
		t.Errorf("remembered, in the office: Verify = %v", err)
	}
	if err := w.browser(g).signIn(ana, false).open(); err.Decision != challenge.Pass {
		t.Error("strangers elsewhere are locked out")
	}
	guest := w.browser(g).at(desk)
	guest.earlier = basic("ana", ana)
	if _, err := guest.greet(); err != nil {
		t.Errorf("behind an earlier step, in the office: Greet = %v", err)
	}
}

func TestRuling14AnOfficeCannotPushOutAnOwnChallenge(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	owner := w.browser(g).signIn(ana, true)
	owner.session, owner.flow = "", nil
	code := owner.mailed(ana)
	for n := range 30 {
		w.browser(g).at(hallway(n)).mailed(ana)
	}
	if err := owner.enter(code, true); err != nil {
		t.Errorf("Verify = %v; the office pushed the challenge out", err)
	}
}

// Nor do strangers push out the office, while there are some of their own; and
// nobody is left without a place.
func TestRuling14StrangersPushOutStrangersFirst(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	colleague := w.browser(g).at(desk)
	code := colleague.mailed(ana)
	for range 30 {
		w.browser(g).mailed(ana)
	}
	if err := colleague.enter(code, false); err != nil {
		t.Errorf("Verify = %v; strangers pushed the office out", err)
	}
	for n := range 8 {
		w.browser(g).at(hallway(n)).mailed(ana)
	}
	w.browser(g).signIn(ana, false)
}

func TestRuling16OnePartOfAnOfficeStartsThreeChallenges(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	for range 3 {
		w.browser(g).at(desk).mailed(ana)
	}
	if _, err := w.browser(g).at(desk).ask(ana); limitOf(err) != challenge.LimitStarts {
		t.Errorf("Begin = %v, want the limit of starts", err)
	}
	w.browser(g).at(desk).mailed(bob)
	remembered := w.browser(g).signIn(ana, true)
	remembered.session, remembered.flow = "", nil
	remembered.at(desk).mailed(ana)
}

// Strangers next door must not use up what the office may start.
func TestRuling16TheNeighboursOfAnOfficeCountApart(t *testing.T) {
	w := newWorld(t)
	own := []challenge.Network{{Name: "office", Prefixes: []netip.Prefix{netip.PrefixFrom(desk, 32)}}}
	g := w.gate(challenge.GateOptions{Policy: located, Locator: world1, Networks: own})
	for range 3 {
		w.browser(g).at(desk.Next()).mailed(ana)
	}
	if _, err := w.browser(g).at(desk.Next()).ask(ana); limitOf(err) != challenge.LimitStarts {
		t.Fatalf("next door: Begin = %v, want the limit of starts", err)
	}
	for range 4 { // a right code gives its start back
		w.browser(g).at(desk).signIn(ana, false)
	}
}

// What is counted in the office is told there, and there alone.
func TestRuling15ALockOfTheOfficeIsItsOwn(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Networks: office, Policy: only(func(l *challenge.Limits) { l.TryAddress = []challenge.Rate{{N: 2, Per: time.Hour}} })})
	guest := w.browser(g).at(desk)
	code := guest.mailed(ana)
	for n := range 2 {
		_ = guest.enter(wrong(code, n), false)
	}
	if p, err := g.Progress(context.Background(), guest.visit(), guest.flow); err != nil || p.Phase != challenge.LockedOut {
		t.Errorf("in the office: %v, %v, want a lock", p.Phase, err)
	}
	stranger := w.browser(g)
	stranger.mailed(ana)
	if p, err := g.Progress(context.Background(), stranger.visit(), stranger.flow); err != nil || p.Phase != challenge.Waiting {
		t.Errorf("elsewhere: %v, %v, want no lock", p.Phase, err)
	}
	if len(w.mailbox.about(challenge.WrongCodes)) == 0 {
		t.Error("the person is not told")
	}
}
