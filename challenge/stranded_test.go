// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// loyal is a gate that lets known browsers pass while the store is away.
func loyal(change func(p *challenge.Policy)) challenge.GateOptions {
	return challenge.GateOptions{Locator: world1, Networks: office, Policy: placed(func(p *challenge.Policy) {
		p.OnStoreFailure, p.Session.Lifetime = challenge.AllowKnownBrowsers, 12*time.Hour
		if change != nil {
			change(p)
		}
	})}
}

// bubble runs a test in a world whose store can be made to fail, and whose other
// machine is at there.
func bubble(t *testing.T, change func(p *challenge.Policy), test func(t *testing.T, w *world, store *probe, here, there *challenge.Gate)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		store := newProbe(c)
		w := newWorldOn(t, c, store)
		test(t, w, store, w.gate(loyal(change)), w.gateOf(w.machine(), loyal(change)))
	})
}

// told are the events of a name, in their order.
func (d *diary) told(name challenge.EventName) []challenge.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.events), func(e challenge.Event) bool { return e.Name != name })
}

func (b *browser) wantRefused(when string) {
	b.w.t.Helper()
	if v := b.open(); v.Decision == challenge.Pass {
		b.w.t.Errorf("%s: it passes", when)
	}
}

func TestF02AKnownBrowserPassesWhileTheStoreIsAway(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world, store *probe, g, _ *challenge.Gate) {
		b := w.browser(g).at(lisbon).signIn(ana, true)
		for n := range 2 {
			last := b.wantPass("in its session").Admission.Live.Key()
			w.clock.advance(13 * time.Hour)
			store.down.Store(true)
			cookies := *b
			first := b.wantPass("with its session over")
			poll()
			store.take()
			for range 100 {
				if v := b.wantPass("again"); v.Admission != first.Admission {
					t.Fatal("judged anew on each request")
				}
			}
			b.at(setubal).wantPass("in the next town")
			b.at(lisbon).wantPass("at home again")
			if calls := store.take(); len(calls) != 0 {
				t.Errorf("store calls %q, want none after the first", calls)
			}
			if b.session != cookies.session || b.device != cookies.device {
				t.Error("its cookies have changed")
			}
			if first.Identity.Email != ana || first.Admission.Live.Key() != last {
				t.Errorf("admitted as %+v, want %s in the name of the last session", first.Identity, ana)
			}
			if at, _ := first.Admission.Proved(); !at.IsZero() {
				t.Error("its code counts as a fresh one")
			}
			if got := len(w.diary.told(challenge.Stranded)); got != n+1 {
				t.Errorf("told %d times, want once in each outage", got)
			}
			if d := w.diary.told(challenge.Decided); d[len(d)-1].Factor != challenge.FactorBrowser || d[len(d)-1].Decision != challenge.Pass {
				t.Errorf("decided %+v, want that it passes as a browser", d[len(d)-1])
			}
			store.down.Store(false)
			poll()
			if v := b.wantPass("with the store back"); v.SetSession == "" || v.SetDevice == "" {
				t.Error("the store is back, and the browser has no new session")
			}
			b.wantPass("with what it was given")
		}
	})
}

func TestF02WhoIsNotKnownWaitsForTheStore(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world, store *probe, g, _ *challenge.Gate) {
		w.browser(g).at(lisbon).signIn(ana, true)
		forgetful := w.browser(g).at(lisbon).signIn(ana, false)
		w.clock.advance(13 * time.Hour)
		store.down.Store(true)
		for _, when := range []string{"at once", "after the next look"} {
			w.browser(g).at(lisbon).wantRefused("a new browser, " + when)
			forgetful.wantRefused("one that is not remembered, " + when)
			poll()
		}
	})
}

// elsewhereOf is the browser at another machine.
func (b *browser) elsewhereOf(there *challenge.Gate) *browser {
	other := *b
	other.gate = there
	return &other
}

// An upset is what may happen to a known browser before the store goes away, or
// while it is: then it is no longer one.
type upset struct {
	name string
	do   func(t *testing.T, w *world, store *probe, b *browser, there *challenge.Gate)
}

var upsets = []upset{
	{"its person signed out", func(_ *testing.T, _ *world, _ *probe, b *browser, _ *challenge.Gate) { b.signOut(false) }},
	{"its person signed out and forgot it", func(_ *testing.T, _ *world, _ *probe, b *browser, _ *challenge.Gate) { b.signOut(true) }},
	{"its person signed out on another machine", func(_ *testing.T, _ *world, _ *probe, b *browser, there *challenge.Gate) {
		b.elsewhereOf(there).signOut(false)
	}},
	{"its person signed out there in a session of a gate that remembers nobody", func(_ *testing.T, w *world, _ *probe, b *browser, there *challenge.Gate) {
		other := b.elsewhereOf(w.gateOf(w.machine(), loyal(func(p *challenge.Policy) { p.Devices.Choice = challenge.ChoiceNever })))
		other.session = ""
		other.signIn(ana, false).signOut(false)
	}},
	{"it was no longer to be remembered", func(t *testing.T, w *world, _ *probe, b *browser, _ *challenge.Gate) {
		w.clock.advance(13 * time.Hour)
		b.session = ""
		if _, err := b.gate.Unremember(t.Context(), b.visit(), false); err != nil {
			t.Fatal(err)
		}
	}},
	{"its person signed out while the store was away", func(t *testing.T, w *world, store *probe, b *browser, _ *challenge.Gate) {
		w.clock.advance(13 * time.Hour)
		store.down.Store(true)
		v := b.wantPass("before")
		if _, err := b.gate.SignOut(t.Context(), b.visit(), v.Admission, false); err == nil {
			t.Error("SignOut = nil with the store away")
		}
	}},
	{"a code was entered in it without remembering it", func(_ *testing.T, _ *world, _ *probe, b *browser, _ *challenge.Gate) {
		b.flow = nil
		b.signIn(ana, false)
	}},
	{"its session gave way to later ones", func(_ *testing.T, w *world, _ *probe, b *browser, there *challenge.Gate) {
		w.browser(w.gateOf(w.machine(), loyal(func(p *challenge.Policy) { p.Session.Max = 1 }))).at(lisbon).signIn(ana, false)
	}},
	{"its session was given a successor on another machine", func(_ *testing.T, w *world, _ *probe, b *browser, there *challenge.Gate) {
		other := b.elsewhereOf(there)
		other.session = ""
		other.wantPass("renewed there")
	}},
	{"it had the next session from another machine", func(_ *testing.T, w *world, _ *probe, b *browser, there *challenge.Gate) {
		w.clock.advance(13 * time.Hour)
		b.elsewhereOf(there).wantPass("renewed there")
	}},
	{"its secret was replaced a minute ago", func(_ *testing.T, w *world, _ *probe, b *browser, _ *challenge.Gate) {
		w.clock.advance(13 * time.Hour)
		next := *b
		next.wantPass("renewed")
		w.clock.advance(time.Minute)
	}},
	{"its address may not pass any more", func(t *testing.T, _ *world, _ *probe, b *browser, _ *challenge.Gate) {
		b.gate.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(bob)}}))
	}},
	{"its time is over", func(_ *testing.T, w *world, _ *probe, _ *browser, _ *challenge.Gate) { w.clock.advance(30 * day) }},
	{"some end was missed", func(t *testing.T, w *world, _ *probe, _ *browser, _ *challenge.Gate) {
		err := w.store.Update(t.Context(), "ended", func([]byte, time.Time) ([]byte, time.Duration, error) {
			return []byte(`{"last":1000,"ring":[]}`), 0, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}},
	{"an end was told of by a version that did not say whose", func(t *testing.T, w *world, _ *probe, _ *browser, _ *challenge.Gate) {
		err := w.store.Update(t.Context(), "ended", func([]byte, time.Time) ([]byte, time.Duration, error) {
			return []byte(`{"last":1,"ring":[{"s":"x","e":4000000000}]}`), 0, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}},
	{"the store was put back from a copy", func(t *testing.T, w *world, _ *probe, _ *browser, _ *challenge.Gate) {
		if err := w.house.EndRestored(t.Context()); err != nil {
			t.Fatal(err)
		}
	}},
}

func TestF02ABrowserThatIsNoLongerKnownWaitsForTheStore(t *testing.T) {
	nothing := upset{"nothing, which proves the rest", func(*testing.T, *world, *probe, *browser, *challenge.Gate) {}}
	for _, tt := range append([]upset{nothing}, upsets...) {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, w *world, store *probe, here, there *challenge.Gate) {
				b := w.linked(here).at(lisbon).signIn(ana, true)
				w.clock.advance(time.Hour)
				b.wantPass("in use")
				copied := *b
				copied.session = ""
				passer := w.browser(here).signIn(someone(1), false)
				passes := passer.wantPass("in use")
				tt.do(t, w, store, b, there)
				poll()
				store.down.Store(true)
				for _, when := range []string{"while its session might live", "when its session is over, and was forgotten"} {
					if v := copied.open(); (v.Decision == challenge.Pass) != (tt.name == nothing.name) {
						t.Errorf("%s: decision %v (%s)", when, v.Decision, v.Reason)
					}
					w.clock.advance(14 * time.Hour)
					_, _ = here.SignOut(t.Context(), passer.visit(), passes.Admission, false) // ends of sessions that are over go with each new one
				}
			})
		})
	}
}

// A report takes back what the thief has taught, also where the owner's cookie
// was copied, and where nothing of the entry is left that could end.
func TestF02AReportedEntryTeachesNothingThatCountsWhileTheStoreIsAway(t *testing.T) {
	for _, tt := range []struct {
		name                string
		remember, far, over bool
	}{
		{"of a remembered browser", true, false, false},
		{"of one that is not remembered", false, false, false},
		{"of one that has left", false, false, true},
		{"of a remembered browser, on another machine", true, true, false},
		{"of one that is not remembered, on another machine", false, true, false},
		{"of one that has left, on another machine", false, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, w *world, store *probe, here, there *challenge.Gate) {
				owner := w.linked(here).at(lisbon).signIn(ana, true)
				w.clock.advance(20 * day)
				thief := w.linked(here).at(tokyo).signIn(ana, tt.remember)
				copied := *thief
				copied.session = ""
				if tt.over {
					thief.signOut(true)
				}
				owner.wantPass("renewed")
				stolen := *owner
				stolen.session = ""
				reader := w.browser(here)
				if tt.far {
					reader.gate = there
				}
				reader.mustReport(w.mailbox.link(t, challenge.NewSignIn))
				poll()
				w.clock.advance(13 * time.Hour)
				store.down.Store(true)
				stolen.at(tokyo).wantRefused("the owner's cookie, at the thief's")
				if tt.remember {
					copied.wantRefused("the thief")
				}
				if !tt.far {
					owner.wantPass("the owner at home")
				}
			})
		})
	}
}

func TestF02WhatAKnownBrowserDoesNotReachWhileTheStoreIsAway(t *testing.T) {
	hungUp, hangUp := context.WithCancel(context.Background())
	hangUp()
	for _, tt := range []struct {
		name  string
		ctx   context.Context
		visit func(b *browser)
		want  bool // it passes
	}{
		{"the app, from where it always is", t.Context(), func(*browser) {}, true},
		{"the app, from an own network of the operator", t.Context(), func(b *browser) { b.at(desk) }, true},
		{"the app, from a place that is new", t.Context(), func(b *browser) { b.at(tokyo) }, false},
		{"the app, from a country that it is closed to", t.Context(), func(b *browser) {
			b.gate = b.w.gate(loyal(func(p *challenge.Policy) { p.Countries.Deny = []string{"PT"} }))
		}, false},
		{"a page that wants a fresh code", t.Context(), func(b *browser) { b.page = risk.Page{MaxAge: day} }, false},
		{"the app, where an earlier step names somebody else", t.Context(), func(b *browser) {
			b.earlier = &challenge.Identity{Source: "http.auth.user.id", User: "bob", Email: bob}
		}, false},
		{"the app, where an earlier step gives the address to somebody", t.Context(), func(b *browser) {
			b.earlier = &challenge.Identity{Source: "http.auth.user.id", User: "ana", Email: ana}
		}, false},
		{"the app, when it hangs up", hungUp, func(*browser) {}, false},
		{"a gate that denies all", t.Context(), func(b *browser) {
			b.gate = b.w.gate(loyal(func(p *challenge.Policy) { p.OnStoreFailure = challenge.DenyAll }))
		}, false},
		{"a gate that always asks", t.Context(), func(b *browser) {
			b.gate = b.w.gate(loyal(func(p *challenge.Policy) { p.Risk.Ask |= risk.SetOf(challenge.Always) }))
		}, false},
		{"a gate that remembers for less", t.Context(), func(b *browser) {
			b.gate = b.w.gate(loyal(func(p *challenge.Policy) { p.Devices.Idle = time.Hour }))
		}, false},
		{"the app, with a secret that this process has not seen", t.Context(), func(b *browser) {
			other := b.elsewhereOf(b.w.gateOf(b.w.machine(), loyal(func(p *challenge.Policy) { p.OnStoreFailure = challenge.DenyAll })))
			other.session = ""
			other.wantPass("on a machine that tells nobody")
			b.device = other.device
		}, false},
		{"the app, after the grace", t.Context(), func(b *browser) {
			b.gate = b.w.gate(challenge.GateOptions{Policy: b.gate.Policy(), Locator: world1, Grace: 12 * time.Hour})
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, w *world, store *probe, g, _ *challenge.Gate) {
				b := settled(w, g, true)
				tt.visit(b)
				poll()
				store.down.Store(true)
				w.clock.advance(13 * time.Hour)
				for _, when := range []string{"at once", "after the next look"} {
					if v := b.gate.Admit(tt.ctx, b.visit()); (v.Decision == challenge.Pass) != tt.want {
						t.Errorf("%s: decision %v (%s)", when, v.Decision, v.Reason)
					}
					poll()
				}
			})
		})
	}
}
