// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A socket is a connection that stays open until it is cut or closed.
type socket struct {
	t    testing.TB
	cuts atomic.Int32
	done func()
}

// connect opens a connection in a browser's session.
func (b *browser) connect() *socket {
	b.w.t.Helper()
	s := &socket{t: b.w.t}
	s.done = b.gate.Stream(b.wantPass("opening a connection").Admission, func() { s.cuts.Add(1) })
	return s
}

func (s *socket) want(when string, open bool) {
	s.t.Helper()
	want := int32(1)
	if open {
		want = 0
	}
	if got := s.cuts.Load(); got != want {
		s.t.Errorf("%s: cut %d times, want %d", when, got, want)
	}
}

func (b *browser) signOut(forget bool) {
	b.w.t.Helper()
	device, err := b.gate.SignOut(b.w.t.Context(), b.visit(), b.wantPass("signing out").Admission, forget)
	if err != nil {
		b.w.t.Fatal(err)
	}
	b.session, b.device = "", device
}

// poll lets the machines of a world read what ended; the clock of a bubble is not
// the real one.
func poll() {
	<-time.After(600 * time.Millisecond)
	synctest.Wait()
}

// A turn is what may become of a session in which a connection is open.
type turn struct {
	name     string
	policy   challenge.Policy
	remember bool
	act      func(t *testing.T, b *browser)
	open     bool
}

var turns = []turn{
	{"when nothing happens it goes on", challenge.Policy{}, false, func(*testing.T, *browser) {}, true},
	{"when the person signs out it is cut", challenge.Policy{}, false, func(_ *testing.T, b *browser) { b.signOut(false) }, false},
	{"when a remembered browser is signed out it is cut", challenge.Policy{}, true, func(_ *testing.T, b *browser) { b.signOut(true) }, false},
	{"when the session expires it is cut", challenge.Policy{}, false, func(_ *testing.T, b *browser) { b.w.clock.advance(12 * time.Hour) }, false},
	{"when a remembered browser's session expires it goes on", challenge.Policy{}, true, func(_ *testing.T, b *browser) { b.w.clock.advance(12 * time.Hour) }, true},
	{"when the browser is no longer remembered it is cut", challenge.Policy{}, true, func(_ *testing.T, b *browser) { b.w.clock.advance(30 * day) }, false},
	{"when the browser's last code is too old it is cut", challenge.Policy{Devices: challenge.DevicePolicy{Most: 5 * day}}, true, func(_ *testing.T, b *browser) { b.w.clock.advance(5 * day) }, false},
	{"when no browser is remembered at the gate it is cut at the session's end", remembersNobody, true, func(_ *testing.T, b *browser) { b.w.clock.advance(12 * time.Hour) }, false},
	{"when a remembered browser renews its session it goes on", challenge.Policy{}, true, func(_ *testing.T, b *browser) {
		for range 5 {
			b.w.clock.advance(13 * time.Hour)
			b.wantPass("renewed")
			poll()
		}
	}, true},
	{"when a renewal takes the place of a live session it goes on", challenge.Policy{}, true, func(_ *testing.T, b *browser) {
		b.session = ""
		b.wantPass("renewed")
	}, true},
	{"when the session is signed out after some renewals it is cut", challenge.Policy{}, true, func(_ *testing.T, b *browser) {
		for range 3 {
			b.w.clock.advance(13 * time.Hour)
			b.wantPass("renewed")
			poll()
		}
		b.signOut(false)
	}, false},
	{"when a browser is signed out whose session is over it is cut", challenge.Policy{}, true, func(t *testing.T, b *browser) {
		b.w.clock.advance(13 * time.Hour)
		if _, err := b.gate.Unremember(t.Context(), b.visit(), false); err != nil {
			t.Fatal(err)
		}
	}, false},
	{"when a copy of the browser's cookie is found it is cut", challenge.Policy{}, true, func(_ *testing.T, b *browser) {
		copied := *b
		copied.session = ""
		b.w.clock.advance(13 * time.Hour)
		b.wantPass("renewed")
		b.wantPass("with the new secret")
		b.w.clock.advance(time.Minute)
		copied.wantCheck("the copy", challenge.Ended)
	}, false},
	{"when somebody enters by a code in the same browser it is cut", challenge.Policy{}, true, func(_ *testing.T, b *browser) {
		b.w.clock.advance(13 * time.Hour)
		b.session = ""
		b.signIn(ana, true)
	}, false},
	{"when too many browsers are remembered the oldest is cut", challenge.Policy{Devices: challenge.DevicePolicy{Max: 1}}, true, func(_ *testing.T, b *browser) {
		b.w.browser(b.gate).signIn(ana, true)
	}, false},
	{"when another session of the person ends it goes on", challenge.Policy{}, true, func(_ *testing.T, b *browser) {
		b.w.browser(b.gate).signIn(ana, true).signOut(true)
	}, true},
	{"when the session is confirmed it goes on", challenge.Policy{}, true, func(_ *testing.T, b *browser) {
		b.confirmed()
	}, true},
}

var remembersNobody = challenge.Policy{Devices: challenge.DevicePolicy{Choice: challenge.ChoiceNever}}

// In each of these a connection is open on this machine and on another.
func TestWhatIsOpenEndsWithItsSession(t *testing.T) {
	for _, tt := range turns {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				here := w.browser(w.gate(challenge.GateOptions{Policy: tt.policy})).signIn(ana, tt.remember)
				there := *here
				there.gate = w.gateOf(w.machine(), challenge.GateOptions{Policy: tt.policy})
				near, far := here.connect(), there.connect()
				tt.act(t, here)
				if here.w.clock.now().Equal(newClock().now()) { // what time ends, the next poll finds
					near.want("at once on this machine", tt.open)
				}
				poll()
				near.want("on this machine", tt.open)
				far.want("on the other machine", tt.open)
				poll()
				near.want("later on this machine", tt.open)
				far.want("later on the other machine", tt.open)
			})
		})
	}
}

// confirmed goes through a check that confirms the session.
func (b *browser) confirmed() {
	b.w.t.Helper()
	b.confirm = b.wantPass("before").Admission.Live
	code := b.mailed(challenge.Email(b.confirm.Email))
	if err := b.enter(code, false); err != nil {
		b.w.t.Fatalf("Verify = %v", err)
	}
	b.confirm = nil
}

func TestWhatIsOpenEndsWhenItsPersonMayNoLongerPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		until := w.clock.now().Add(time.Hour)
		lists := challenge.AccessOptions{Allow: []string{string(ana)}, People: []challenge.Member{{Mailbox: string(bob), Until: until}}}
		g := w.gate(challenge.GateOptions{Access: access(t, lists)})
		anas, bobs := w.browser(g).signIn(ana, true).connect(), w.browser(g).signIn(bob, true).connect()
		poll()
		g.SetAccess(access(t, lists))
		poll()
		anas.want("after the lists were read again", true)
		w.clock.advance(time.Hour)
		poll()
		anas.want("after bob's last day", true)
		bobs.want("after his last day", false)
		g.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(bob)}}))
		poll()
		anas.want("after she was taken off the list", false)
	})
}

func TestWhatAGuestHasOpenEndsWhenTheyMayNoLongerPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.browser(w.gate(challenge.GateOptions{Policy: challenge.Policy{Never: true}}))
		b.earlier = basic("ana", ana)
		s := b.connect()
		w.clock.advance(400 * day)
		poll()
		s.want("without a session there is no end", true)
		b.gate.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(bob)}}))
		poll()
		s.want("off the list", false)
	})
}

// Where nobody is refused, nothing that is open is cut.
func TestWhereAllIsObservedNobodysConnectionIsCutByAList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		policy := challenge.Policy{}
		policy.Risk.ObserveAll = true
		g := w.gate(challenge.GateOptions{Policy: policy})
		b := w.browser(g).signIn(ana, false)
		g.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(bob)}}))
		s := b.connect()
		poll()
		s.want("off the list", true)
		stranger := w.browser(g)
		done := g.Stream(stranger.wantPass("a stranger").Admission, func() { t.Error("a stranger's connection was cut") })
		poll()
		done()
	})
}

// Each renewal prolongs for how long the browser is remembered, and with it what
// it has open.
func TestWhatARememberedBrowserHasOpenGoesOnAsLongAsItIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
		s := b.connect()
		for range 4 {
			w.clock.advance(20 * day)
			b.wantPass("renewed")
			poll()
		}
		s.want("after eighty days", true)
		w.clock.advance(30 * day)
		poll()
		s.want("unused for thirty days", false)
	})
}

// A session that gives way to a newer one takes its connections with it, but not
// its remembered browser, which comes in again.
func TestWhatARememberedBrowserOpensOutlivesTheEndOfAnOlderSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Session: challenge.SessionPolicy{Max: 1}}})
		b := w.browser(g).signIn(ana, true)
		s := b.connect()
		w.browser(g).signIn(ana, true)
		s.want("when there are too many sessions", false)
		s = b.connect()
		w.browser(g).signIn(bob, false).signOut(false)
		poll()
		s.want("when somebody else's session ends", true)
	})
}

func TestWhatMovedToAnotherSessionEndsWithThat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		policy := challenge.Policy{Session: challenge.SessionPolicy{Max: 1}}
		b := w.browser(w.gate(challenge.GateOptions{Policy: policy})).signIn(ana, true)
		there := *b
		there.gate = w.gateOf(w.machine(), challenge.GateOptions{Policy: policy})
		near, far := b.connect(), there.connect()
		b.session = ""
		b.wantPass("renewed")
		poll()
		near.want("renewed", true)
		far.want("renewed, on the other machine", true)
		w.browser(b.gate).signIn(ana, true)
		near.want("when there are too many sessions", false)
		poll()
		far.want("when there are too many sessions, on the other machine", false)
	})
}

// A session can end between the request and the moment at which its connection
// is registered.
func TestWhatOpensWhileItsSessionEndsIsCut(t *testing.T) {
	for _, remember := range []bool{false, true} {
		w := newWorld(t)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, remember)
		v := b.wantPass("the request")
		b.signOut(false)
		var s socket
		done := b.gate.Stream(v.Admission, func() { s.cuts.Add(1) })
		if done(); s.cuts.Load() != 1 {
			t.Errorf("remembered %t: cut %d times, want once", remember, s.cuts.Load())
		}
	}
}

func TestWhatOpensWhileItsSessionIsRenewedGoesOn(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	v := b.wantPass("the request")
	b.session = ""
	b.wantPass("another tab's renewal")
	s := &socket{t: t}
	s.done = b.gate.Stream(v.Admission, func() { s.cuts.Add(1) })
	s.want("after the renewal", true)
	b.signOut(false)
	s.want("after the sign-out", false)
	var late socket
	b.gate.Stream(v.Admission, func() { late.cuts.Add(1) })()
	if late.cuts.Load() != 1 {
		t.Error("what opened after the sign-out was not cut")
	}
}

func TestWhatWasClosedIsNotCut(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	s := b.connect()
	s.done()
	b.signOut(false)
	s.want("after it was closed", true)
}
