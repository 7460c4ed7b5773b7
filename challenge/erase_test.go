// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func (b *browser) erase() (due time.Time, err error) {
	b.w.t.Helper()
	a, f := b.permit(challenge.Change{Kind: challenge.EraseData})
	return b.gate.Erase(b.w.t.Context(), b.visit(), a, f)
}

// passes lets time pass, of the clock and of the machines.
func (w *world) passes(d time.Duration) {
	w.clock.advance(d)
	<-time.After(time.Minute)
	synctest.Wait()
}

// lively is somebody of whom there is a record of each kind, beside somebody else.
func (w *world) lively() (owner *browser, bobs map[string]string) {
	w.t.Helper()
	g := w.waysGate()
	eve := w.linked(g).signIn(bob, true)
	eve.codes()
	challenge.WriteJournal(w.t.Context(), w.house)
	bobs = maps.Clone(dump(w.t, w))
	maps.DeleteFunc(bobs, func(key, _ string) bool { return !personal(key) })
	owner = w.settled(g, ana)
	owner.codes()
	owner.app()
	owner.second(spare)
	owner.token(laptop)
	for n := range 120 { // full pages of activity too
		if err := owner.gate.RenameBrowser(w.t.Context(), owner.visit(), owner.admitted(), owner.account().Browsers[0].ID, fmt.Sprint("laptop ", n)); err != nil {
			w.t.Fatal(err)
		}
		w.clock.advance(time.Second)
	}
	return owner, bobs
}

func personal(key string) bool {
	kind, _, _ := strings.Cut(key, "/")
	return slices.Contains([]string{"person", "belongings", "activity"}, kind)
}

// wantErased wants nothing left but what there was of somebody else.
func (w *world) wantErased(bobs map[string]string) {
	w.t.Helper()
	doors := 0
	for key := range dump(w.t, w) {
		if strings.HasPrefix(key, "door/") {
			doors++
		}
		if _, theirs := bobs[key]; personal(key) && !theirs {
			w.t.Errorf("there is still %s", key)
		}
	}
	for key := range bobs {
		if _, err := w.store.Get(w.t.Context(), key); err != nil {
			w.t.Errorf("somebody else's %s: %v", key, err)
		}
	}
	if doors < 2 {
		w.t.Error("what was counted is gone")
	}
}

func TestAPersonIsForgottenADayAfterTheyAskedForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		there := w.waysGateOf(w.machine())
		owner, bobs := w.lively()
		token := owner.tokens()[0]
		other := w.linked(there).signIn(ana, true)
		stream := other.connect()
		due, err := owner.erase()
		if err != nil {
			t.Fatal(err)
		}
		wantDue(t, "the end", due, w.clock.now().Add(24*time.Hour))
		for _, mailbox := range []challenge.Email{ana, spare} {
			list := w.mailbox.to(mailbox, challenge.WaysChanged)
			if n := list[len(list)-1]; n.Change != challenge.EraseData || !n.Due.Equal(due) || n.Stop == "" {
				t.Errorf("%s is told %+v", mailbox, n)
			}
		}
		poll()
		stream.want("at the other machine", false)
		for name, b := range map[string]*browser{"this browser": owner, "another one": other} {
			b.over(name)
		}
		reader := w.linked(there).signIn(ana, false)
		if waits := account(reader.account()).waiting(); !slices.Equal(waits, []challenge.ChangeKind{challenge.EraseData}) || reader.account().Backup.Left != 10 {
			t.Errorf("%q wait", waits)
		}
		w.passes(24*time.Hour - time.Minute)
		late := w.linked(there).signIn(ana, true)
		if late.account().Backup.Left != 10 || len(late.tokens()) != 1 || late.tokens()[0].ID != token.ID {
			t.Error("something is gone before its time")
		}
		w.passes(time.Minute)
		w.wantErased(bobs)
		wantNoErasures(t, w)
		late.over("a session of before")
		again := w.linked(there).signIn(ana, true)
		if a := again.account(); a.Backup.Of != 0 || len(a.Browsers) != 1 || len(a.Waiting) != 0 {
			t.Errorf("who comes back finds %+v", a)
		}
		w.passes(48 * time.Hour)
		again.wantPass("two days later")
	})
}

func TestErasingIsCancelled(t *testing.T) {
	for name, cancel := range map[string]func(w *world, g *challenge.Gate) error{
		"by whoever signs in": func(w *world, g *challenge.Gate) error {
			b := w.linked(g).signIn(ana, false)
			return g.CancelChange(w.t.Context(), b.visit(), b.admitted(), b.account().Waiting[0].ID)
		},
		"by the link of its mail": func(w *world, g *challenge.Gate) error {
			_, err := w.browser(g).report(w.mailbox.link(w.t, challenge.WaysChanged))
			return err
		},
		"by a report of the entry before it": func(w *world, g *challenge.Gate) error {
			_, err := w.browser(g).report(w.mailbox.link(w.t, challenge.NewSignIn))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				g := w.waysGate()
				owner := w.settled(g, ana)
				owner.codes()
				w.clock.advance(8 * 24 * time.Hour)
				thief := w.linked(g).signIn(ana, true)
				w.clock.advance(time.Hour)
				if _, err := thief.erase(); err != nil {
					t.Fatal(err)
				}
				w.passes(time.Hour)
				if err := cancel(w, g); err != nil {
					t.Fatal(err)
				}
				wantNoErasures(t, w)
				w.passes(48 * time.Hour)
				owner.session, owner.flow = "", nil
				owner.signIn(ana, true)
				if a := owner.account(); a.Backup.Left != 10 || len(a.Waiting) != 0 || !a.Guarded.IsZero() {
					t.Errorf("two days later: %+v", a)
				}
			})
		})
	}
}

// What fails half-way must neither be announced for nothing nor be done in spite of
// having been cancelled.
func TestErasingSurvivesAStoreThatFails(t *testing.T) {
	t.Run("asking for it", func(t *testing.T) {
		w, s := newFailing(t)
		owner := w.settled(w.waysGate(), ana)
		s.denyOnce("erasures")
		if _, err := owner.erase(); !errors.Is(err, challenge.ErrUnavailable) {
			t.Fatalf("Erase = %v", err)
		}
		owner.wantPass("still in")
		if waits := owner.account().Waiting; len(waits) != 0 || len(w.mailbox.about(challenge.WaysChanged)) != 0 {
			t.Errorf("%d changes wait, and %d mails tell of it", len(waits), len(w.mailbox.about(challenge.WaysChanged)))
		}
	})
	for _, denied := range []string{"erasures", "belongings/"} {
		t.Run("cancelling it: "+denied, func(t *testing.T) {
			w, s := newFailing(t)
			g := w.waysGate()
			if _, err := w.settled(g, ana).erase(); err != nil {
				t.Fatal(err)
			}
			b := w.linked(g).signIn(ana, true)
			id := b.account().Waiting[0].ID
			s.denyOnce(denied)
			if err := g.CancelChange(t.Context(), b.visit(), b.admitted(), id); !errors.Is(err, challenge.ErrUnavailable) {
				t.Fatalf("CancelChange = %v", err)
			}
			if _, err := w.store.Get(t.Context(), "erasures"); err == nil && len(b.account().Waiting) == 0 {
				t.Error("the person will be forgotten and cannot cancel that")
			}
			if err := g.CancelChange(t.Context(), b.visit(), b.admitted(), id); err != nil {
				t.Errorf("once more: %v", err)
			}
			wantNoErasures(t, w)
		})
	}
	for _, denied := range []string{"person/", "activity/", "belongings/", "ended", "erasures"} {
		t.Run("doing it: "+denied, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, s := newFailing(t)
				owner := w.settled(w.waysGate(), ana)
				owner.codes()
				owner.token(laptop)
				if _, err := owner.erase(); err != nil {
					t.Fatal(err)
				}
				w.linked(owner.gate).signIn(ana, true)
				s.denyOnce(denied)
				w.passes(25 * time.Hour)
				s.mu.Lock()
				left := slices.DeleteFunc(slices.Collect(maps.Keys(s.records)), func(key string) bool { return !personal(key) && key != "erasures" })
				s.mu.Unlock()
				if len(left) > 0 {
					t.Errorf("there is still %q", left)
				}
			})
		})
	}
	// An old list that came back must not have anybody forgotten who has cancelled.
	t.Run("an old list", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, s := newFailing(t)
			g := w.waysGate()
			owner := w.settled(g, ana)
			owner.codes()
			if _, err := owner.erase(); err != nil {
				t.Fatal(err)
			}
			revert := s.snapshotOf("erasures")
			b := w.linked(g).signIn(ana, true)
			if err := g.CancelChange(t.Context(), b.visit(), b.admitted(), b.account().Waiting[0].ID); err != nil {
				t.Fatal(err)
			}
			revert()
			w.passes(25 * time.Hour)
			if got := w.linked(g).signIn(ana, true).account().Backup.Of; got != 10 {
				t.Errorf("%d codes are there, want 10", got)
			}
		})
	})
}

// An operator forgets at once, and what is asked for later by nobody is not done.
func TestAnOperatorForgetsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		there := w.waysGateOf(w.machine())
		owner, bobs := w.lively()
		p := w.program(there)
		token := owner.token(challenge.TokenSpec{Name: "Phone", Path: "/", Days: 30})
		p.wantShown("before", token, challenge.Pass, nil)
		if _, err := owner.erase(); err != nil {
			t.Fatal(err)
		}
		b := w.linked(there).signIn(ana, true)
		if found, err := w.house.Forget(t.Context(), "Ana+x@example.com"); err != nil || found {
			t.Errorf("another spelling: %t, %v", found, err)
		}
		if found, err := w.house.Forget(t.Context(), ana); err != nil || !found {
			t.Fatalf("Forget = %t, %v", found, err)
		}
		w.wantErased(bobs)
		wantNoErasures(t, w)
		poll()
		b.over("at the other machine")
		p.wantShown("after", token, 0, challenge.ErrTokenInvalid)
		if found, err := w.house.Forget(t.Context(), ana); err != nil || found {
			t.Errorf("a second time: %t, %v", found, err)
		}
	})
}
