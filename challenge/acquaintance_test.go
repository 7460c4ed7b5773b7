// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// What another machine has seen, this one has not.
func TestRuling25AKnownBrowserIsOneThatThisProcessHasSeen(t *testing.T) {
	for name, tt := range map[string]struct {
		see  func(w *world, b *browser, here, there *challenge.Gate)
		want bool // it passes
	}{
		"its code was entered here": {func(_ *world, b *browser, here, _ *challenge.Gate) {
			b.gate = here
			b.signIn(ana, true)
		}, true},
		"its session was looked up here": {func(_ *world, b *browser, here, there *challenge.Gate) {
			b.gate = there
			b.signIn(ana, true)
			b.gate = here
			b.wantPass("looked up")
		}, true},
		"it was given a session here": {func(w *world, b *browser, here, there *challenge.Gate) {
			b.gate = there
			b.signIn(ana, true)
			w.clock.advance(13 * time.Hour)
			b.gate = here
			b.wantPass("renewed")
		}, true},
		"a code was entered in its session here, where it is now": {func(w *world, b *browser, here, _ *challenge.Gate) {
			b.gate = here
			b.signIn(ana, true)
			w.clock.advance(20 * day)
			b.wantPass("at home")
			b.at(tokyo).flow = nil
			b.confirm = b.open().Admission.Live
			b.signIn(ana, false).confirm = nil
		}, true},
		"another browser of its person came in here": {func(w *world, b *browser, here, there *challenge.Gate) {
			b.gate = there
			b.signIn(ana, true)
			w.browser(here).at(lisbon).signIn(ana, true)
		}, true},
		"it was never here": {func(_ *world, b *browser, here, there *challenge.Gate) {
			b.gate = there
			b.signIn(ana, true)
			b.gate = here
		}, false},
		"it was here before a restart": {func(w *world, b *browser, here, _ *challenge.Gate) {
			b.gate = here
			b.signIn(ana, true)
			b.gate = w.gateOf(w.machine(), loyal(nil))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, w *world, store *probe, here, there *challenge.Gate) {
				b := w.browser(here).at(lisbon)
				tt.see(w, b, here, there)
				if tt.want {
					b.gate = here
				}
				w.clock.advance(13 * time.Hour)
				poll()
				store.down.Store(true)
				if v := b.open(); (v.Decision == challenge.Pass) != tt.want {
					t.Errorf("decision %v (%s)", v.Decision, v.Reason)
				}
			})
		})
	}
}

// A record that cannot be read may say that the browser has ended.
func TestF02ADamagedRecordIsNoStoreThatIsAway(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world, _ *probe, g, _ *challenge.Gate) {
		b := w.browser(g).at(lisbon).signIn(ana, true)
		for key := range dump(t, w) {
			if !strings.HasPrefix(key, "person/") {
				continue
			}
			err := w.store.Update(t.Context(), key, func([]byte, time.Time) ([]byte, time.Duration, error) { return []byte("{"), 0, nil })
			if err != nil {
				t.Fatal(err)
			}
		}
		w.clock.advance(13 * time.Hour)
		b.wantRefused("with the store there")
	})
}

// The record of ends is read again with each new one.
func TestF02AnEndThatIsToldOfAgainChangesNothing(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world, store *probe, here, there *challenge.Gate) {
		b := w.browser(here).at(lisbon).signIn(ana, true)
		for _, session := range []string{"", b.session} { // over, and given a successor
			b.session = session
			w.clock.advance(time.Hour)
			b.wantPass("renewed")
		}
		err := w.store.Update(t.Context(), "ended", func(old []byte, _ time.Time) ([]byte, time.Duration, error) {
			return []byte(strings.Replace(string(old), `"ring":[`, `"ring":[{"s":"x","e":4000000000},`, 1)), 0, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w.browser(there).at(lisbon).signIn(bob, true).signOut(false)
		poll()
		w.clock.advance(13 * time.Hour)
		store.down.Store(true)
		b.wantPass("with the store away")
	})
}

// A house that closes knows nothing any more.
func TestF02AStoreThatWasClosedIsNotAway(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world, store *probe, g, _ *challenge.Gate) {
		b := w.browser(g).at(lisbon).signIn(ana, true)
		w.clock.advance(13 * time.Hour)
		poll()
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		b.wantRefused("at once")
		poll()
		b.wantRefused("after the next look")
	})
}

// A late store answers with what a record was some time ago.
type late struct {
	*probe
	meanwhile atomic.Pointer[func()] // between the answer and its arrival, once
}

func (l *late) Get(ctx context.Context, key string) ([]byte, error) {
	raw, err := l.probe.Get(ctx, key)
	if strings.HasPrefix(key, "person/") {
		if meanwhile := l.meanwhile.Swap(nil); meanwhile != nil {
			(*meanwhile)()
		}
	}
	return raw, err
}

func TestF02WhatWasSeenLateIsNotKnown(t *testing.T) {
	for name, upset := range map[string]struct {
		do   func(t *testing.T, w *world, b *browser)
		want bool // it passes
	}{
		"nothing happened meanwhile": {func(*testing.T, *world, *browser) {}, true},
		"its person signed out":      {func(_ *testing.T, _ *world, b *browser) { b.signOut(false) }, false},
		"some end was missed": {func(t *testing.T, w *world, b *browser) {
			b.signOut(false)
			pushOut(w)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClock()
				store := &late{probe: newProbe(c)}
				w := newWorldOn(t, c, store)
				b := w.browser(w.gate(loyal(nil))).at(lisbon).signIn(ana, true)
				copied := b.elsewhereOf(w.gateOf(w.machine(), loyal(nil)))
				meanwhile := func() {
					upset.do(t, w, b)
					poll()
				}
				store.meanwhile.Store(&meanwhile)
				copied.open()
				w.clock.advance(13 * time.Hour)
				w.browser(copied.gate).signIn(bob, true).signOut(false)
				poll()
				store.down.Store(true)
				copied.session = ""
				if v := copied.open(); (v.Decision == challenge.Pass) != upset.want {
					t.Errorf("decision %v (%s)", v.Decision, v.Reason)
				}
			})
		})
	}
}

// Whoever has passed without a store may not pass for ever.
func TestF02WhoPassesWhileTheStoreIsAwayIsJudgedOnEachRequest(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, b *browser){
		"its address may not pass any more": func(t *testing.T, b *browser) {
			b.gate.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(bob)}}))
		},
		"its person signs out": func(t *testing.T, b *browser) {
			if _, err := b.gate.SignOut(t.Context(), b.visit(), b.wantPass("signing out").Admission, false); err == nil {
				t.Error("SignOut = nil with the store away")
			}
		},
		"it goes abroad":                         func(_ *testing.T, b *browser) { b.at(tokyo) },
		"it asks for a page with a fresh code":   func(_ *testing.T, b *browser) { b.page = risk.Page{MaxAge: day} },
		"its time is over":                       func(_ *testing.T, b *browser) { b.w.clock.advance(30 * day) },
		"an earlier step says that it is bob":    func(_ *testing.T, b *browser) { b.earlier = basic("bob", bob) },
		"an earlier step says that it is ana":    func(_ *testing.T, b *browser) { b.earlier = basic("ana", ana) },
		"an earlier step says that it is nobody": func(_ *testing.T, b *browser) { b.earlier = &challenge.Identity{Source: "http.auth.user.id"} },
		"its cookie is changed":                  func(_ *testing.T, b *browser) { b.device = b.device[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, w *world, store *probe, g, _ *challenge.Gate) {
				b := settled(w, g, true)
				b.session = ""
				poll()
				store.down.Store(true)
				poll()
				b.wantPass("before")
				b.wantPass("once more")
				change(t, b)
				for range 2 {
					b.wantRefused("afterwards")
				}
			})
		})
	}
}

// Another gate may have remembered the browser for less than this one would.
func TestF02APassEndsWithTheCookieThatItIsFor(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world, store *probe, g, _ *challenge.Gate) {
		b := w.browser(w.gate(loyal(func(p *challenge.Policy) { p.Devices.Idle = time.Hour }))).at(lisbon).signIn(ana, true)
		b.gate, b.session = g, ""
		poll()
		store.down.Store(true)
		poll()
		b.wantPass("within the hour")
		w.clock.advance(time.Hour)
		b.wantRefused("after the hour")
	})
}

// What a session costs, a known browser costs while the store is away (ruling 28).
func TestRuling28AKnownBrowserAllocatesNothingWhileTheStoreIsAway(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world, store *probe, g, _ *challenge.Gate) {
		b := w.browser(g).at(lisbon).signIn(ana, true)
		b.session = ""
		store.down.Store(true)
		poll()
		b.wantPass("first")
		v := b.visit()
		if n := testing.AllocsPerRun(1000, func() { b.gate.Admit(context.Background(), v) }); n != 0 {
			t.Errorf("%v allocations, want none", n)
		}
	})
}

func TestF02APassIsOfOneAudience(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world, store *probe, g, _ *challenge.Gate) {
		b := w.browser(g).at(lisbon).signIn(ana, true)
		b.session = ""
		poll()
		store.down.Store(true)
		poll()
		b.wantPass("where it is remembered")
		v := b.visit()
		v.Audience = "https://other.example.com"
		if g.Admit(t.Context(), v).Decision == challenge.Pass {
			t.Error("it passes elsewhere")
		}
	})
}

// An earlier step's person is remembered by what it says, and by nothing else.
func TestF02AKnownBrowserOfAnEarlierStep(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world, store *probe, g, _ *challenge.Gate) {
		b := w.browser(g).at(lisbon)
		b.earlier = basic("ana", ana)
		b.signIn(ana, true)
		w.clock.advance(13 * time.Hour)
		store.down.Store(true)
		poll()
		for range 2 {
			if v := b.wantPass("as whom it is remembered"); v.Identity.User != "ana" {
				t.Errorf("admitted as %+v", v.Identity)
			}
		}
		for _, other := range []*challenge.Identity{basic("bob", ana), basic("ana", bob), nil} {
			b.earlier = other
			b.wantRefused("as somebody else")
		}
	})
}

// BenchmarkStranded is to be compared with BenchmarkAdmit/session=cached.
func BenchmarkStranded(b *testing.B) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(b, c, store)
	w.diary.shut = true
	in := w.browser(w.gate(loyal(nil))).at(lisbon).signIn(ana, true)
	in.session = ""
	store.down.Store(true)
	waitFor(b, func() bool { // until the next look at the store has failed
		in.wantPass("asking the store")
		return len(store.take()) == 0
	})
	v := in.visit()
	b.ReportAllocs()
	for b.Loop() {
		if in.gate.Admit(b.Context(), v).Decision != challenge.Pass {
			b.Fatal("not admitted")
		}
	}
}
