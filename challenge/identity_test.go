// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func basic(user string, e challenge.Email) *challenge.Identity {
	return &challenge.Identity{Source: "http.auth.user.id", User: user, Email: e}
}

// signInAs goes the whole way for somebody whom an earlier step has named.
func (b *browser) signInAs(who *challenge.Identity, remember bool) *browser {
	b.w.t.Helper()
	b.earlier = who
	return b.signIn(who.Email, remember)
}

var others = map[string]*challenge.Identity{
	"another user":    basic("eve", ana),
	"another source":  {Source: "http.request.tls.client.subject", User: "ana", Email: ana},
	"another address": basic("ana", bob),
}

func TestRuling2WhatWasMadeForOneIdentityCountsForNoOther(t *testing.T) {
	for name, other := range others {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			g := w.gate(challenge.GateOptions{})
			b := w.browser(g).signInAs(basic("ana", ana), true)
			b.wantPass("as ana")

			switched := *b
			switched.earlier = other
			switched.wantCheck("by session", challenge.NewBrowser)
			switched.session = ""
			switched.wantCheck("by device cookie", challenge.NewBrowser)

			pending := w.browser(g)
			pending.earlier = basic("ana", ana)
			pending.mailed(ana)
			sealed := g.SealFlow(pending.flow)
			pending.earlier = other
			if _, err := g.OpenFlow(sealed, pending.visit()); !errors.Is(err, challenge.ErrNoFlow) {
				t.Errorf("by flow: OpenFlow = %v, want ErrNoFlow", err)
			}
			b.wantPass("as ana again")
		})
	}
}

func TestRuling2NoIdentityRefusesWhateverTheCookie(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signInAs(basic("ana", ana), true)
	b.earlier = basic("ana", "")
	if v := b.open(); v.Decision != challenge.Deny || v.Admission != nil {
		t.Errorf("%+v, want Deny without an admission", v)
	}
	if !w.diary.has(challenge.IdentityMissing) {
		t.Error("the operator is not told")
	}
	b.earlier = nil
	b.session = ""
	b.wantCheck("the device cookie where addresses are typed", challenge.NewBrowser)
}

// The session proves the address, whoever else was asked before.
func TestRuling1ASessionOpensAGateThatAsksForTheAddressOnly(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signInAs(basic("ana", ana), false)
	b.gate, b.earlier = w.gate(challenge.GateOptions{ID: "asks"}), nil
	if got := b.wantPass("at the other gate").Identity; got.Email != ana || got.User != string(ana) {
		t.Errorf("identity %+v, want the address alone", got)
	}
	stranger := w.browser(b.gate).signIn(ana, false)
	stranger.gate, stranger.earlier = w.gate(challenge.GateOptions{}), basic("ana", ana)
	stranger.wantCheck("a typed address behind an earlier step", challenge.NewBrowser)
}

func TestRuling1EachGateAppliesItsOwnList(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	b.wantPass("here")
	other := *b
	other.gate = w.gate(challenge.GateOptions{ID: "other", Access: access(t, challenge.AccessOptions{Allow: []string{string(bob)}})})
	for range 3 { // the second time from memory
		if v := other.open(); v.Decision != challenge.Deny {
			t.Errorf("there: %v, want Deny", v.Decision)
		}
		b.wantPass("here, afterwards")
	}
}

func TestAnIdentityThatMayNotPassIsDeniedAndMailedNothing(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{}))
	b.earlier = basic("eve", nobody)
	if v := b.open(); v.Decision != challenge.Deny || v.Identity.Email != nobody {
		t.Errorf("%+v, want Deny", v)
	}
	if len(w.mailbox.all()) != 0 {
		t.Error("a mail was queued")
	}
}

func (b *browser) greet() (challenge.Sent, error) {
	sent, err := b.gate.Greet(context.Background(), b.visit(), b.flow)
	if sent.Flow != nil {
		b.flow = sent.Flow
	}
	return sent, err
}

func TestRuling17RestoredTabsMailOnce(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	limits := roomy
	limits.SendIP = []challenge.Rate{{N: 20, Per: time.Hour}}
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: limits}})
	ip := elsewhere()
	tab := func() *browser {
		b := w.browser(g)
		b.ip, b.earlier = ip, basic("ana", ana)
		return b
	}
	var mailed, recently atomic.Int32
	var all sync.WaitGroup
	// No tab acts before all have seen that there is no mail yet.
	var meet sync.WaitGroup
	meet.Add(20)
	store.meet.Store(&meet)
	for range 20 {
		all.Go(func() {
			switch sent, err := tab().greet(); {
			case err == nil && sent.Recently && sent.Flow == nil && sent.Progress.Phase == challenge.Waiting:
				recently.Add(1)
			case err == nil && sent.Flow != nil:
				mailed.Add(1)
			}
		})
	}
	all.Wait()
	store.meet.Store(nil)
	if mailed.Load() != 1 || recently.Load() != 19 || len(w.mailbox.all()) != 1 {
		t.Fatalf("%d tabs were mailed, %d told of it, %d mails; want 1, 19, 1", mailed.Load(), recently.Load(), len(w.mailbox.all()))
	}

	// Nothing was charged for the nineteen: the network has all of its mails but
	// one.
	for n := range 19 {
		colleague := w.browser(g)
		colleague.ip = ip
		colleague.mailed(someone(n))
	}
	if _, err := tab().ask(bob); limitOf(err) != challenge.LimitSendIP {
		t.Errorf("mail 21: Begin = %v, want the limit of the network", err)
	}

	w.clock.advance(time.Hour)
	if sent, err := tab().greet(); err != nil || sent.Recently {
		t.Errorf("later, in another browser: %+v, %v, want a mail", sent, err)
	}
}

func TestRuling17TabsAreToldOfTheMailThoughTheNetworkHasNoneLeft(t *testing.T) {
	w := newWorld(t)
	limits := roomy
	limits.SendIP = []challenge.Rate{{N: 1, Per: time.Hour}}
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: limits}})
	b := w.browser(g)
	b.earlier = basic("ana", ana)
	for range 10 {
		tab := *b
		if _, err := tab.greet(); err != nil {
			t.Fatalf("Greet = %v", err)
		}
	}
	colleague := w.browser(g)
	colleague.ip, colleague.earlier = b.ip, basic("bob", bob)
	if _, err := colleague.greet(); limitOf(err) != challenge.LimitSendIP {
		t.Errorf("a colleague in the same network: Greet = %v, want the limit of the network", err)
	}
}

// Reloading the page for minutes must not mail again while the code works.
func TestRuling17AReloadedPageMailsNothing(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{}))
	b.earlier = basic("ana", ana)
	for n := range 9 {
		if sent, err := b.greet(); err != nil || sent.Recently != (n > 0) {
			t.Fatalf("minute %d: %+v, %v", n, sent, err)
		}
		w.clock.advance(time.Minute)
	}
	if err := b.enter(b.lastCode(), false); err != nil || len(w.mailbox.all()) != 1 {
		t.Errorf("Verify = %v after %d mails, want 1", err, len(w.mailbox.all()))
	}
}

func TestRuling15AnEarlierFactorHasABucketOfItsOwn(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	for range 30 {
		_, _ = guess(w, g, ana, 5)
	}
	if _, err := w.browser(g).ask(ana); limitOf(err) == "" {
		t.Fatal("strangers still get mail; the test shows nothing")
	}
	w.browser(g).signInAs(basic("ana", ana), false)

	live := w.browser(g)
	live.session = w.browser(g).signInAs(basic("ana", ana), false).session
	if _, err := live.ask(ana); err != nil {
		t.Errorf("with a live session: Begin = %v", err)
	}
	if !slices.ContainsFunc(w.mailbox.all(), func(n challenge.Notice) bool { return n.Known }) {
		t.Error("no notice may use the half of the queue that is kept for known people")
	}
}

// Whoever holds the password but not the mailbox must not lock the owner out.
func TestRuling15StrangersBucketIsUntouchedByAnEarlierFactor(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: triesOnly})
	thief := w.browser(g)
	thief.earlier = basic("ana", ana)
	for range 4 {
		thief.flow = nil
		if _, err := thief.ask(ana); err != nil {
			break
		}
		code := thief.lastCode()
		for n := range 5 {
			_ = thief.enter(wrong(code, n), false)
		}
	}
	if _, err := thief.ask(ana); limitOf(err) != challenge.LimitTryAddress {
		t.Fatalf("Begin = %v; the test shows nothing", err)
	}
	w.browser(g).signIn(ana, false)
}

func TestTheAppIsToldWhatTheEarlierStepSaysFirst(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Access: access(t, challenge.AccessOptions{
		People: []challenge.Member{{Mailbox: string(ana), User: "ana.smith", Name: "Ana Smith", Groups: []string{"staff"}}},
		Groups: map[string][]string{"all": {"*@example.com"}, "few": {string(bob)}},
	})})
	named := basic("ana", ana)
	named.Groups = []string{"wheel", "staff"}
	for _, tt := range []struct {
		name    string
		earlier *challenge.Identity
		want    challenge.Identity
	}{
		{"a typed address", nil, challenge.Identity{User: "ana.smith", Email: ana, Name: "Ana Smith", Groups: []string{"staff", "all"}}},
		{"an earlier step", named, challenge.Identity{Source: named.Source, User: "ana", Email: ana, Name: "Ana Smith", Groups: []string{"wheel", "staff", "all"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := w.browser(g)
			b.earlier = tt.earlier
			got := b.signIn(ana, false).wantPass("in").Identity
			if got.Source != tt.want.Source || got.User != tt.want.User || got.Name != tt.want.Name || slices.Compare(got.Groups, tt.want.Groups) != 0 {
				t.Errorf("identity %+v, want %+v", got, tt.want)
			}
		})
	}
	t.Run("groups that change show on the next request", func(t *testing.T) {
		b := w.browser(g).signInAs(named, false)
		b.wantPass("before")
		changed := *named
		changed.Groups = []string{"guests"}
		b.earlier = &changed
		if got := b.wantPass("after").Identity.Groups[0]; got != "guests" {
			t.Errorf("first group %q, want guests", got)
		}
	})
}

func TestRuling26AssertionsAreKeptForEachOrigin(t *testing.T) {
	w := newWorld(t)
	a := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false).wantPass("in").Admission
	sign := func(origin string) string {
		t.Helper()
		token, err := a.Assertion(origin, w.clock.now())
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	first := sign(origin)
	if again := sign(origin); again != first {
		t.Error("the assertion is signed anew on every request")
	}
	if other := sign("https://other.example.com"); cmp.Compare(other, first) == 0 {
		t.Error("another origin gets the same assertion")
	}
	first = sign(origin)
	w.clock.advance(31 * time.Second)
	if sign(origin) == first {
		t.Error("the assertion is not renewed before it ends")
	}
}
