// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

// A history is what happens to some browsers at two machines.
type history struct {
	t           *testing.T
	w           *world
	store       *probe
	houses      []*challenge.House
	here, there *challenge.Gate
	denies      *challenge.Gate // here, and lets nobody pass while the store is away
	browsers    []*browser
	copies      []*browser // cookies that somebody has copied, now and then
	passed      int        // visits while the store was away
}

func (h *history) end() {
	for _, house := range h.houses {
		house.Close()
	}
}

func newHistory(t *testing.T, policy challenge.Policy, machines int) *history {
	c := newClock()
	store := newProbe(c)
	h := &history{t: t, store: store, w: newWorldOn(t, c, store)}
	o := challenge.GateOptions{Locator: world1, Networks: office, Policy: policy}
	h.houses = []*challenge.House{h.w.house}
	if machines > 1 {
		h.houses = append(h.houses, h.w.machine())
	}
	h.here, h.there = h.w.gate(o), h.w.gateOf(h.houses[machines-1], o)
	o.Policy.OnStoreFailure = challenge.DenyAll
	h.denies = h.w.gate(o)
	for range 3 {
		h.browsers = append(h.browsers, h.w.linked(h.here).at(lisbon).signIn(ana, true))
	}
	h.w.clock.advance(20 * day)
	return h
}

// answered is what a machine says of a visit that has never seen anybody and has
// the store at hand. It works on a copy of that.
func (h *history) answered(v *challenge.Visit) challenge.Verdict {
	copied := memstore.New(memstore.Options{Now: h.w.clock.now})
	for key, raw := range dump(h.t, h.w) {
		err := copied.Update(context.Background(), key, func([]byte, time.Time) ([]byte, time.Duration, error) { return []byte(raw), 0, nil })
		if err != nil {
			h.t.Fatal(err)
		}
	}
	house, err := challenge.OpenHouse(context.Background(), challenge.HouseOptions{
		Store: copied, Ring: h.w.ring, Sender: h.w.mailbox, Now: h.w.clock.now,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	defer house.Close()
	g := h.w.gateOf(house, challenge.GateOptions{
		Locator: world1, Networks: office, Policy: h.here.Policy(), Access: challenge.AccessOf(h.here),
	})
	return g.Admit(context.Background(), v)
}

// outage has everybody come by while the store is away, with no session left.
func (h *history) outage(t *rapid.T) {
	poll()
	h.store.down.Store(true)
	var visits []*challenge.Visit
	for _, b := range append(h.copies, h.browsers...) {
		v := *b.at(anyPlace.Draw(t, "from"))
		v.session, v.gate = "", h.here
		v.page = rapid.SampledFrom([]risk.Page{{}, {}, {}, {MaxAge: time.Hour}}).Draw(t, "page")
		got, denied := v.open(), h.denies.Admit(context.Background(), v.visit())
		switch {
		case denied.Decision == challenge.Pass:
			t.Fatal("whoever denies all lets a browser pass")
		case got.Decision == challenge.Pass:
			visits = append(visits, v.visit())
			if got.SetDevice+got.SetSession != "" {
				t.Fatal("a cookie was set")
			}
		case got.Decision != denied.Decision || got.Reason != denied.Reason:
			t.Fatalf("decision %v (%s), without known browsers %v (%s)", got.Decision, got.Reason, denied.Decision, denied.Reason)
		}
	}
	h.store.down.Store(false)
	for _, v := range visits {
		h.passed++
		if want := h.answered(v); want.Decision != challenge.Pass {
			t.Fatalf("%s passes from %s, though a renewal says %v (%s)", h.here.ID(), v.IP, want.Decision, want.Reason)
		}
	}
	poll()
}

var anyPlace = rapid.SampledFrom([]netip.Addr{lisbon, lisbon, lisbon, lisbon, lisbon, setubal, porto, lisbon6, funchal, tokyo, intern, desk, {}})

func (h *history) machine(t *rapid.T) *challenge.Gate {
	if rapid.IntRange(0, 2).Draw(t, "machine") == 2 {
		return h.there
	}
	return h.here
}

func (h *history) any(t *rapid.T) *browser {
	b := h.browsers[rapid.IntRange(0, len(h.browsers)-1).Draw(t, "browser")]
	b.gate = h.machine(t)
	return b
}

// signsIn is a code that is asked for and entered. Limits may keep it from being
// mailed.
func (h *history) signsIn(t *rapid.T) {
	b := h.any(t).at(anyPlace.Draw(t, "from"))
	b.flow, b.confirm = nil, nil
	to := rapid.SampledFrom([]challenge.Email{ana, ana, ana, bob}).Draw(t, "whose address")
	if v := b.open(); v.Decision == challenge.Check && v.Admission != nil && rapid.Bool().Draw(t, "confirm") {
		b.confirm, to = v.Admission.Live, challenge.Email(v.Admission.Live.Email)
	}
	if _, err := b.ask(to); err == nil {
		_ = b.enter(b.lastCode(), rapid.IntRange(0, 3).Draw(t, "remember") > 0)
	}
	b.confirm = nil
}

func (h *history) signsOut(t *rapid.T) {
	b, forget := h.any(t), rapid.Bool().Draw(t, "forget")
	device, err := "", error(nil)
	if v := b.open(); v.Decision == challenge.Pass {
		device, err = b.gate.SignOut(context.Background(), b.visit(), v.Admission, forget)
	} else {
		device, err = b.gate.Unremember(context.Background(), b.visit(), forget)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.session, b.device = "", device
}

func (h *history) reports(t *rapid.T) {
	for _, n := range h.w.mailbox.all() {
		if n.Subject == challenge.NewSignIn && rapid.Bool().Draw(t, "which") {
			reader := h.w.linked(h.machine(t))
			_, _ = reader.report(n.Stop[len(base+"no/"):])
		}
	}
}

// bubbled is a test in a bubble, which has no deadline that anybody may ask for.
type bubbled struct{ testing.TB }

// TestF02NobodyPassesWhomARenewalWouldNotAdmit compares a machine without a store
// with one that has it, after whatever may happen.
func TestF02NobodyPassesWhomARenewalWouldNotAdmit(t *testing.T) {
	passed := 0
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(bubbled{t}, func(rt *rapid.T) {
			machines := rapid.IntRange(1, 2).Draw(rt, "machines")
			h := newHistory(t, loyal(func(p *challenge.Policy) {
				p.Session.Max = rapid.SampledFrom([]int{1, 2, 100}).Draw(rt, "sessions")
				p.Devices.Max = rapid.SampledFrom([]int{1, 2, 20}).Draw(rt, "browsers")
				p.Risk.Bind = rapid.SampledFrom([]risk.Bind{risk.BindNone, risk.BindPlace, risk.BindNetwork}).Draw(rt, "bind")
				if rapid.Bool().Draw(rt, "networks") {
					p.Risk.Ask |= risk.SetOf(challenge.NewNetwork)
				}
				// Where else a person was lately is learned from other machines with the
				// next look at the record only, which travel goes by.
				if machines == 1 && rapid.Bool().Draw(rt, "observe") {
					p.Risk.Observe = risk.SetOf(challenge.NewPlace)
				}
			}).Policy, machines)
			defer h.end()
			rt.Repeat(map[string]func(*rapid.T){
				"sign in":       h.signsIn,
				"sign in again": h.signsIn,
				"sign out":      h.signsOut,
				"report":        h.reports,
				"outage":        h.outage,
				"outage again":  h.outage,
				"visit":         func(t *rapid.T) { h.any(t).at(anyPlace.Draw(t, "from")).open() },
				"lose the session": func(t *rapid.T) {
					b := h.any(t)
					b.session = ""
					b.open()
				},
				"copy": func(t *rapid.T) {
					b := *h.any(t)
					h.copies = append(h.copies, &b)
					h.copies = h.copies[max(0, len(h.copies)-4):]
				},
				"wait": func(t *rapid.T) {
					h.w.clock.advance(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour, 13 * time.Hour, 9 * day}).Draw(t, "for"))
				},
				"change who may pass": func(t *rapid.T) {
					h.here.SetAccess(access(h.t, challenge.AccessOptions{Allow: rapid.SampledFrom([][]string{
						{string(ana), string(bob)}, {string(ana), string(bob)}, {string(bob)},
					}).Draw(t, "who")}))
					h.denies.SetAccess(challenge.AccessOf(h.here))
					h.there.SetAccess(challenge.AccessOf(h.here))
				},
			})
			passed += h.passed
		})
	})
	if passed == 0 {
		t.Error("nobody passed, so nothing was compared")
	}
	t.Logf("%d visits compared", passed)
}

func TestF02WhatAKnownBrowserOpensWhileTheStoreIsAway(t *testing.T) {
	const grace = 20 * time.Hour
	for _, tt := range []struct {
		name string
		do   func(w *world, store *probe, b *browser)
		open bool
	}{
		{"goes on within the grace", func(w *world, _ *probe, _ *browser) { w.clock.advance(grace / 4) }, true},
		{"is cut after the grace", func(w *world, _ *probe, _ *browser) { w.clock.advance(grace + 3*time.Second) }, false},
		{"is cut when its person signs out, though that cannot be kept", func(w *world, _ *probe, b *browser) {
			if _, err := b.gate.SignOut(context.Background(), b.visit(), b.wantPass("before").Admission, false); err == nil {
				b.w.t.Error("SignOut = nil with the store away")
			}
		}, false},
		{"is cut where the store is back and shows that it was ended meanwhile", func(w *world, store *probe, b *browser) {
			store.down.Store(false)
			other := b.elsewhereOf(w.gateOf(w.machine(), loyal(nil)))
			other.session = ""
			other.signOut(false)
		}, false},
		{"goes on in the session that it is given afterwards", func(w *world, store *probe, b *browser) {
			store.down.Store(false)
			poll()
			if v := b.wantPass("with the store back"); v.SetSession == "" {
				b.w.t.Error("no session")
			}
			w.clock.advance(2 * grace)
		}, true},
		{"is cut when its browser does not come back for one", func(w *world, store *probe, _ *browser) {
			store.down.Store(false)
			poll()
			w.clock.advance(2 * grace)
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, w *world, store *probe, here, _ *challenge.Gate) {
				g := w.gate(challenge.GateOptions{Policy: here.Policy(), Locator: world1, Grace: grace})
				b := w.browser(g).at(lisbon).signIn(ana, true)
				w.clock.advance(13 * time.Hour)
				poll()
				store.down.Store(true)
				s := b.connect()
				tt.do(w, store, b)
				poll()
				s.want("afterwards", tt.open)
				s.done()
			})
		})
	}
}
