// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// lines runs a test at two gates that let known browsers pass while the store is away,
// each on a machine with a line of its own to it.
func lines(t *testing.T, test func(t *testing.T, w *world, here, there *challenge.Gate, toHere, toThere *line)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w, other, toHere, toThere := newLines(t)
		test(t, w, w.gate(loyal(nil)), other.gate(loyal(nil)), toHere, toThere)
	})
}

// loses has the answers to the next updates of a kind of record be lost, though they
// were kept.
func (l *line) loses(kind string, times int32) {
	var left atomic.Int32
	left.Store(times)
	f := func(key string) error {
		if strings.HasPrefix(key, kind) && left.Add(-1) >= 0 {
			return errUnsure
		}
		return nil
	}
	l.kept.Store(&f)
}

// wantSelf wants a browser to pass as its own person.
func (b *browser) wantSelf(when string, who challenge.Email) challenge.Verdict {
	b.w.t.Helper()
	v := b.wantPass(when)
	if v.Identity.Email != who {
		b.w.t.Errorf("%s: %s passes as %s", when, who, v.Identity.Email)
	}
	return v
}

// F-07: the store renews a browser and its answer is lost. By then the browser may have
// another secret, so that it is known by none until answers come; then it passes, and is
// taken for no copy. Whoever has lost no answer passes meanwhile, as themselves.
func TestF07AnAnswerThatWasLostMakesNobodyKnown(t *testing.T) {
	for name, times := range map[string]int32{"one": 1, "several in a row": 4} {
		t.Run(name, func(t *testing.T) {
			lines(t, func(t *testing.T, w *world, here, there *challenge.Gate, toHere, _ *line) {
				anas, bobs := w.linked(here).at(lisbon).signIn(ana, true), w.linked(here).at(lisbon).signIn(bob, true)
				w.clock.advance(13 * time.Hour)
				copied := *anas
				copied.session = ""
				toHere.loses("person/", times)
				for range times {
					if v := anas.open(); v.Decision != challenge.Unavailable || v.SetSession+v.SetDevice != "" {
						t.Errorf("while an answer is lost: decision %v, with cookies: %t", v.Decision, v.SetSession+v.SetDevice != "")
					}
					w.clock.advance(2 * time.Minute)
				}
				toHere.cut.Store(true)
				poll()
				anas.wantRefused("with the store away")
				copied.wantRefused("with the store away, without its session")
				bobs.wantSelf("somebody else, with the store away", bob)
				toHere.cut.Store(false)
				poll()
				if v := anas.wantSelf("with the store back", ana); v.SetSession == "" || v.SetDevice == "" {
					t.Error("it has no new session")
				}
				anas.elsewhereOf(there).wantSelf("at another machine", ana)
				bobs.wantSelf("somebody else", bob)
				if w.diary.has(challenge.DeviceReplayed) {
					t.Error("it is taken for a copy")
				}
			})
		})
	}
}

// F-07: what was ended has ended, though the answer to that was lost: as a known browser
// nobody passes by it any more, whether the store is there or away.
func TestF07NobodyIsKnownByWhatALostAnswerEnded(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, w *world, b *browser, there *challenge.Gate, toHere, toThere *line){
		"by a sign-out": func(t *testing.T, _ *world, b *browser, _ *challenge.Gate, toHere, _ *line) {
			v := b.wantPass("before")
			toHere.loses("person/", 1)
			if _, err := b.gate.SignOut(t.Context(), b.visit(), v.Admission, false); err == nil {
				t.Error("SignOut = nil although its answer was lost")
			}
		},
		"by a sign-out at another machine": func(t *testing.T, _ *world, b *browser, there *challenge.Gate, _, toThere *line) {
			b = b.elsewhereOf(there)
			v := b.wantPass("before")
			toThere.loses("person/", 1)
			_, _ = b.gate.SignOut(t.Context(), b.visit(), v.Admission, false)
		},
		"by a sign-out of which the others' list was not told": func(t *testing.T, _ *world, b *browser, there *challenge.Gate, _, toThere *line) {
			b = b.elsewhereOf(there)
			v := b.wantPass("before")
			toThere.loses("ended", 1)
			_, _ = b.gate.SignOut(t.Context(), b.visit(), v.Admission, false)
		},
		"by an operator": func(t *testing.T, w *world, _ *browser, _ *challenge.Gate, toHere, _ *line) {
			toHere.loses("person/", 1)
			if _, err := w.house.Evict(t.Context(), challenge.Eviction{Address: ana}); err == nil {
				t.Error("Evict = nil although its answer was lost")
			}
		},
		"by an operator, with everybody": func(t *testing.T, w *world, _ *browser, _ *challenge.Gate, toHere, _ *line) {
			toHere.loses("ended", 1)
			if _, err := w.house.Evict(t.Context(), challenge.Eviction{Forget: true}); err == nil {
				t.Error("Evict = nil although its answer was lost")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			lines(t, func(t *testing.T, w *world, here, there *challenge.Gate, toHere, toThere *line) {
				b := w.linked(here).at(lisbon).signIn(ana, true)
				b.wantSelf("before", ana)
				bare := *b
				bare.session = ""
				end(t, w, b, there, toHere, toThere)
				poll()
				poll()
				toHere.cut.Store(true)
				poll()
				bare.wantRefused("with the store away")
				b.wantRefused("with the store away, with its session")
				toHere.cut.Store(false)
				poll()
				bare.wantRefused("with the store back")
				bare.elsewhereOf(there).wantRefused("at another machine")
			})
		})
	}
}

// F-07: a code of which the answer was lost was used all the same.
func TestF07ACodeIsUsedThoughTheAnswerIsLost(t *testing.T) {
	for _, kind := range []string{"door/", "person/"} {
		t.Run(kind, func(t *testing.T) {
			lines(t, func(t *testing.T, w *world, here, there *challenge.Gate, toHere, _ *line) {
				b := w.linked(here)
				code := b.mailed(ana)
				copied := *b.elsewhereOf(there)
				toHere.loses(kind, 1)
				if err := b.enter(code, true); err == nil {
					t.Fatal("Verify = nil although its answer was lost")
				}
				for when, again := range map[string]*browser{"the same once more": b, "at another machine": &copied} {
					if err := again.enter(code, true); !errors.Is(err, challenge.ErrCodeExpired) {
						t.Errorf("%s: %v, want ErrCodeExpired", when, err)
					}
				}
				w.clock.advance(time.Minute)
				b.flow = nil
				b.signIn(ana, true).wantSelf("with the next code", ana)
			})
		})
	}
}

// F-10: the store fails over to a server that has not heard of a sign-out. Whoever signed
// out is known nowhere, neither while nobody serves nor once the other one does.
func TestF10AFailoverMakesNobodyKnownAgain(t *testing.T) {
	lines(t, func(t *testing.T, w *world, here, there *challenge.Gate, toHere, toThere *line) {
		b, stays := w.linked(here).at(lisbon).signIn(ana, true), w.linked(here).at(lisbon).signIn(bob, true)
		bare := *b
		bare.session = ""
		b.wantSelf("before", ana)
		b.elsewhereOf(there).wantSelf("before, at another machine", ana)
		revert := toHere.snapshot()
		b.signOut(false)
		poll()
		toHere.cut.Store(true)
		toThere.cut.Store(true)
		revert()
		w.clock.advance(13 * time.Hour)
		poll()
		out := func(when string) {
			for machine, g := range map[string]*challenge.Gate{"here": here, "there": there} {
				bare.elsewhereOf(g).wantRefused(when + ", " + machine)
			}
		}
		out("while nobody serves")
		stays.wantSelf("who did not sign out, while nobody serves", bob)
		toHere.cut.Store(false)
		toThere.cut.Store(false)
		poll()
		poll()
		out("once another server does")
		stays.wantSelf("who did not sign out, once another server does", bob)
		stays.elsewhereOf(there).wantSelf("the same, at another machine", bob)
	})
}
