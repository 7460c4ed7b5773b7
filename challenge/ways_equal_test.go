// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A tale is what whoever stands before a door can learn, and what it costs.
type tale struct {
	Calls  [][]string
	Said   []string
	Queued []string
}

// everyWay goes through the ways at an address, with codes that are wrong.
func everyWay(t *testing.T, w *world, store *probe, g *challenge.Gate, to challenge.Email) (all tale) {
	queued := len(w.mailbox.all())
	store.take()
	step := func(what any, err error) {
		if sent, ok := what.(challenge.Sent); ok {
			what = sent.Progress
		}
		if p, ok := what.(challenge.Progress); ok {
			p.Ref = "" // is drawn
			what = p
		}
		all.Calls = append(all.Calls, store.take())
		all.Said = append(all.Said, fmt.Sprint(what, err))
	}
	b := w.browser(g)
	step(b.ask(to))
	for _, way := range []challenge.Way{challenge.ByBackup, challenge.ByApp} {
		b.turn(way)
		step(g.Progress(t.Context(), b.visit(), b.flow))
		step(g.OffersAt(b.flow), nil)
		step(nil, b.enter("12", false))
	}
	step(nil, b.turn(challenge.ByBackup).enter(noCode, false))
	step(nil, b.enter(noCode, true))
	for n := range 6 { // one more than there may be in a day
		step(nil, b.turn(challenge.ByApp).enter(fmt.Sprintf("%06d", n), false))
	}
	step(b.askSecond())
	step(nil, b.enter(wrong(b.lastCode(), 0), false))
	step(nil, b.enter(wrong(b.lastCode(), 0), false))
	w.clock.advance(time.Minute)
	step(b.resend())
	step(g.Progress(t.Context(), b.visit(), b.flow))
	b.turn(challenge.ByMail)
	step(nil, b.enter(wrong(b.lastCode(), 1), false))
	step(b.resend())
	step(nil, b.enter("12345678", false))
	for n := range 20 {
		if n%5 == 0 {
			step(w.browser(g).ask(to))
		}
		step(nil, b.turn(challenge.ByBackup).enter(noCode, false))
	}
	step(g.Progress(t.Context(), b.visit(), b.flow))
	step(b.askSecond())
	for _, n := range w.mailbox.all()[queued:] {
		all.Queued = append(all.Queued, fmt.Sprint(n.Subject, n.Known, n.Second, n.Expires))
	}
	return all
}

// Rulings 16 and 50: at [2], [3] and [5] nothing tells whose address it is, what they
// have, and what became of it.
func TestRuling16EveryWayIsTheSameForEveryAddress(t *testing.T) {
	tell := func(to challenge.Email, prepare func(w *world, g *challenge.Gate)) tale {
		c := newClock()
		store := newProbe(c)
		w := newWorldOn(t, c, store)
		limits := challenge.Limits{SendAddress: many, SendIP: many, SendTotal: many, TryIP: many, TryAddress: []challenge.Rate{{N: 25, Per: time.Hour}}}
		g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: limits, Ways: challenge.WaysPolicy{Tokens: true}}})
		prepare(w, g)
		c.nanoseconds.Store(newClock().now().Add(time.Hour).UnixNano())
		return everyWay(t, w, store, g, to)
	}
	everything := func(w *world, g *challenge.Gate) {
		b := w.linked(g).signIn(ana, true)
		b.codes()
		b.app()
		b.second(spare)
	}
	people := map[string]tale{
		"every way":   tell(ana, everything),
		"no way":      tell(ana, func(w *world, g *challenge.Gate) { w.linked(g).signIn(ana, true) }),
		"never seen":  tell(bob, func(*world, *challenge.Gate) {}),
		"not allowed": tell(nobody, func(*world, *challenge.Gate) {}),
		"guarded": tell(ana, func(w *world, g *challenge.Gate) {
			w.linked(g).signIn(ana, false)
			everything(w, g)
			w.stop(challenge.NewSignIn)
		}),
		"let in": tell(ana, func(w *world, g *challenge.Gate) {
			everything(w, g)
			if _, err := g.LetIn(t.Context(), ana, 2*time.Hour, ""); err != nil {
				t.Fatal(err)
			}
			w.clock.advance(-time.Second)
		}),
		"taken off the list": tell(ana, func(w *world, g *challenge.Gate) {
			everything(w, g)
			g.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(bob)}}))
		}),
	}
	want := people["not allowed"]
	for _, name := range slices.Sorted(maps.Keys(people)) {
		if diff := gocmp.Diff(want, people[name]); diff != "" {
			t.Errorf("%s differs from one that may not pass (-may not +%s):\n%s", name, name, diff)
		}
	}
	if !slices.ContainsFunc(want.Calls, func(c []string) bool { return slices.Contains(c, "update belongings") }) {
		t.Errorf("nothing was compared: %q", want.Calls)
	}
}

// What a gate does not have is not there for anybody, and a session is confirmed by
// what does not get people in when all else fails.
func TestRuling16TheWaysAreThoseOfTheGate(t *testing.T) {
	none := challenge.WaysPolicy{BackupCodes: -1, NoApp: true, Second: challenge.SecondOff}
	every := challenge.Offers{BackupCodes: true, App: true, Second: true}
	for name, tt := range map[string]struct {
		ways    challenge.WaysPolicy
		confirm bool
		change  challenge.ChangeKind
		want    challenge.Offers
	}{
		"to sign in":                     {want: every},
		"to sign in where there is none": {ways: none},
		"to confirm a session":           {confirm: true, want: challenge.Offers{App: true}},
		"to make backup codes":           {change: challenge.MakeBackupCodes, want: challenge.Offers{App: true, Second: true}},
		"to test one":                    {change: challenge.TestBackupCode, want: challenge.Offers{App: true, Second: true}},
		"to add an app":                  {change: challenge.AddApp, want: every},
		"to prove a second address":      {change: challenge.ProveSecond},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy, Ways: tt.ways}})
			b := w.browser(g)
			if tt.confirm || tt.change != "" {
				b.signIn(ana, true)
			}
			if tt.confirm {
				b.confirm = b.admitted().Live
			}
			b.flow = nil
			b.mailed(ana)
			if tt.change != "" {
				b.flow = b.began(challenge.Change{Kind: tt.change})
			}
			if got := g.OffersAt(b.flow); got != tt.want {
				t.Errorf("OffersAt = %+v, want %+v", got, tt.want)
			}
			for way, offered := range map[challenge.Way]bool{
				challenge.ByMail: true, challenge.ByBackup: tt.want.BackupCodes, challenge.ByApp: tt.want.App, challenge.BySecond: tt.want.Second,
				"let_in": false, "x": false,
			} {
				turned, err := g.ChooseWay(b.flow, way)
				if offered != (err == nil) || !offered && !errors.Is(err, challenge.ErrNotOffered) {
					t.Errorf("ChooseWay(%q) = %v", way, err)
				}
				forged := *b.flow
				forged.Way = way
				if turned != nil {
					forged = *turned
				}
				_, err = g.Verify(t.Context(), b.visit(), &forged, challenge.Try{Typed: cmp.Or(map[challenge.Way]string{challenge.ByBackup: noCode}[way], "000000")})
				if kind := errors.Is(err, challenge.ErrCodeExpired); kind == offered {
					t.Errorf("a try %q: %v", way, err)
				}
			}
			if _, err := b.askSecond(); tt.want.Second != (err == nil) {
				t.Errorf("SendSecond = %v", err)
			}
		})
	}
}
