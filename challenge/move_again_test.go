// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

// A street has two houses, of which people use one at a time, or both, and between
// which an operator copies.
type street struct {
	t      *rapid.T
	houses [2]*world
	gates  [2]*challenge.Gate
	at     int // the house that is used

	in    []*browser // with what they were given, for as long as nobody signs them out
	out   []*browser // copies of the cookies of whoever was signed out or reported
	codes []*browser // with a code that was mailed before the last copying
	typed []string
}

func newStreet(t *testing.T, rt *rapid.T) *street {
	s, c := &street{t: rt}, newClock()
	ring, err := keyring.New(bytes.Repeat([]byte("0123456789abcdef"), 2))
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.houses {
		s.houses[i] = &world{t: t, clock: c, store: memstore.New(memstore.Options{Now: c.now}), ring: ring, mailbox: new(Mailbox), diary: new(diary)}
		s.start(i)
	}
	return s
}

// start starts the machine of a house anew: it knows what is in the store alone.
func (s *street) start(i int) {
	w := s.houses[i]
	if w.house != nil {
		w.house.Close()
	}
	house, err := challenge.OpenHouse(context.Background(), challenge.HouseOptions{Store: w.store, Ring: w.ring, Sender: w.mailbox, Now: w.clock.now})
	if err != nil {
		s.t.Fatal(err)
	}
	w.house = house
	s.gates[i] = w.gate(challenge.GateOptions{Policy: located, Locator: world1})
}

func (s *street) close() {
	for _, w := range s.houses {
		w.house.Close()
	}
}

// here brings a browser to the house that is used.
func (s *street) here(b *browser) *browser {
	b.w, b.gate = s.houses[s.at], s.gates[s.at]
	return b
}

func (s *street) signIn(t *rapid.T) {
	who := rapid.SampledFrom([]challenge.Email{ana, bob}).Draw(t, "who")
	s.in = append(s.in, s.enter(t, who, rapid.Bool().Draw(t, "remember")))
}

func (s *street) enter(t *rapid.T, who challenge.Email, remember bool) *browser {
	b := s.here(&browser{ip: elsewhere(), link: base, agent: firefox})
	_, err := b.ask(who)
	if err == nil {
		err = b.enter(b.lastCode(), remember)
	}
	if err != nil {
		t.Fatalf("signing in: %v", err)
	}
	return b
}

// pick takes a browser that was signed in; nil when there is none.
func (s *street) pick(t *rapid.T) (at int, b *browser) {
	if len(s.in) == 0 {
		return 0, nil
	}
	at = rapid.IntRange(0, len(s.in)-1).Draw(t, "browser")
	return at, s.here(s.in[at])
}

func (s *street) visit(t *rapid.T) {
	if _, b := s.pick(t); b != nil {
		b.open()
	}
}

func (s *street) signOut(t *rapid.T) {
	i, b := s.pick(t)
	if b == nil {
		return
	}
	v := b.open()
	if v.Decision != challenge.Pass {
		return
	}
	stolen := *b
	if _, err := b.gate.SignOut(context.Background(), b.visit(), v.Admission, rapid.Bool().Draw(t, "forget")); err != nil {
		t.Fatal(err)
	}
	s.out = append(s.out, &stolen)
	s.in = append(s.in[:i:i], s.in[i+1:]...)
}

// report follows the link in the mail of a code that was used.
func (s *street) report(t *rapid.T) {
	b := s.enter(t, ana, rapid.Bool().Draw(t, "remember"))
	if _, err := b.report(b.w.mailbox.link(b.w.t, challenge.SignInCode)); err != nil {
		t.Fatal(err)
	}
	s.out = append(s.out, b)
}

// ask leaves a code on its way.
func (s *street) ask(t *rapid.T) {
	b := s.here(&browser{ip: elsewhere()})
	if _, err := b.ask("open@example.org"); err == nil {
		s.codes, s.typed = append(s.codes, b), append(s.typed, b.lastCode())
	}
}

// guess tries wrong codes.
func (s *street) guess(t *rapid.T) {
	b := s.here(&browser{ip: elsewhere()})
	if _, err := b.ask("guessed@example.org"); err != nil {
		return
	}
	for n := range rapid.IntRange(1, 4).Draw(t, "tries") {
		_ = b.enter(wrong(b.lastCode(), n), false)
	}
}

func (s *street) wait(t *rapid.T) {
	s.houses[0].clock.advance(time.Duration(rapid.IntRange(1, 8*60).Draw(t, "minutes")) * time.Minute)
}

// crowd ends so many sessions of others that no list of ends tells of the ones
// before.
func (s *street) crowd(t *rapid.T) {
	if err := challenge.FillRing(context.Background(), s.houses[s.at].store); err != nil {
		t.Fatal(err)
	}
}

// passes says who is let in at the house that is used, by a machine that has just
// started.
func (s *street) passes() (who []bool) {
	s.start(s.at)
	for _, b := range s.in {
		who = append(who, s.here(b).open().Decision == challenge.Pass)
	}
	return who
}

func (s *street) move(from, to int) {
	before := s.counts()
	moved, err := challenge.Move(context.Background(), s.houses[from].store, s.houses[to].store, s.houses[0].ring)
	if err != nil {
		s.t.Fatalf("Move = %+v, %v", moved, err)
	}
	after := s.counts()
	for _, of := range before {
		for what, n := range of {
			if bounded(what, after[to][what]) < bounded(what, n) {
				s.t.Fatalf("%s was %d, and is %d", what, n, after[to][what])
			}
		}
	}
}

// bounded leaves out what is over by the time of the copying.
func bounded(what string, n int) int {
	if strings.HasSuffix(what, "starts") || strings.HasSuffix(what, "blocks") || strings.HasSuffix(what, "spent") {
		return 0
	}
	return n
}

// counts are those of each address at both houses.
func (s *street) counts() (all [2]map[string]int) {
	for i, w := range s.houses {
		all[i] = map[string]int{}
		for key, raw := range dump(w.t, w) {
			if !strings.HasPrefix(key, "door/") {
				continue
			}
			counts, err := challenge.DoorCounts(raw)
			if err != nil {
				s.t.Fatal(err)
			}
			if int64(counts["keep"]) <= w.clock.now().Unix() {
				continue // no counter in it matters any more
			}
			for what, n := range counts {
				all[i][key+" "+what] = n
			}
		}
	}
	return all
}

// check is for after a copying: who was let in before is let in, nobody who was
// signed out is, and no code of before is right.
func (s *street) check(before []bool) {
	for i, passed := range s.passes() {
		if passed != before[i] {
			s.t.Fatalf("browser %d: let in %v before, %v after", i, before[i], passed)
		}
	}
	for _, b := range s.out {
		if s.here(b).open().Decision == challenge.Pass {
			s.t.Fatalf("somebody who was signed out is let in")
		}
	}
	for i, b := range s.codes {
		if b.w == s.houses[s.at] {
			continue // it was mailed here
		}
		if err := s.here(b).enter(s.typed[i], false); err == nil {
			s.t.Fatalf("a code of before was right")
		}
	}
	s.codes, s.typed = nil, nil
}

func (s *street) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"sign in": s.signIn, "sign out": s.signOut, "report": s.report, "visit": s.visit,
		"ask": s.ask, "guess": s.guess, "wait": s.wait, "crowd": s.crowd,
	}
}

// live lets a few things happen, in any order.
func (s *street) live(actions map[string]func(*rapid.T)) {
	names := slices.Sorted(maps.Keys(actions))
	for range rapid.IntRange(1, 12).Draw(s.t, "actions") {
		actions[rapid.SampledFrom(names).Draw(s.t, "action")](s.t)
	}
}

var events = []string{"sign in", "sign in", "sign out", "report", "visit", "ask", "guess", "wait"}

// apart lets both houses be used for a while, and makes one of them. Whoever was let
// in at either is let in.
func (s *street) apart() {
	var in []*browser
	for s.at = range s.houses {
		s.in = nil
		for range rapid.IntRange(0, 6).Draw(s.t, "events") {
			s.actions()[rapid.SampledFrom(events).Draw(s.t, "event")](s.t)
		}
		in = append(in, s.in...)
		s.in = nil
	}
	before := make([]bool, len(in))
	for s.at = range s.houses {
		for i, b := range in {
			if b.w == s.houses[s.at] {
				before[i] = s.here(b).open().Decision == challenge.Pass
			}
		}
	}
	s.at, s.in = rapid.IntRange(0, 1).Draw(s.t, "into"), in
	s.move(1-s.at, s.at)
	s.check(before)
}

// People use one house at a time, as is meant. However often and whichever way its
// records are copied, however long ago the others were: nobody is signed out and
// nobody comes back.
func TestRuling35CopyingAgainAndBackRevivesNobody(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newStreet(t, rt)
		defer s.close()
		s.apart()
		actions := s.actions()
		actions["move on"] = func(*rapid.T) {
			before := s.passes()
			s.move(s.at, 1-s.at)
			s.at = 1 - s.at
			s.check(before)
		}
		actions["copy the old records once more"] = func(*rapid.T) {
			before := s.passes()
			s.move(1-s.at, s.at)
			s.check(before)
		}
		actions["copy what is new to the old records"] = func(*rapid.T) { s.move(s.at, 1-s.at) }
		s.live(actions)
	})
}

// Nobody should use two houses as if they were one. If somebody does, an end at one
// is an end at the other from the next copying on.
func TestRuling35HousesThatAreBothUsedReviveNobody(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newStreet(t, rt)
		defer s.close()
		var known, ended [2]map[*browser]bool
		for i := range known {
			known[i], ended[i] = map[*browser]bool{}, map[*browser]bool{}
		}
		s.live(map[string]func(*rapid.T){
			"go to the other": func(*rapid.T) { s.at = 1 - s.at },
			"sign in": func(t *rapid.T) {
				s.signIn(t)
				known[s.at][s.in[len(s.in)-1]] = true
			},
			"sign out": func(t *rapid.T) {
				_, b := s.pick(t)
				if b == nil || !known[s.at][b] || ended[s.at][b] {
					return
				}
				v := b.wantPass("signing out")
				if _, err := b.gate.SignOut(context.Background(), b.visit(), v.Admission, rapid.Bool().Draw(t, "forget")); err != nil {
					t.Fatal(err)
				}
				if ended[s.at][b] = true; rapid.Bool().Draw(t, "among others") {
					s.crowd(t)
				}
			},
			"copy and go there": func(t *rapid.T) {
				s.move(s.at, 1-s.at)
				maps.Copy(known[1-s.at], known[s.at])
				maps.Copy(ended[1-s.at], ended[s.at])
				s.at = 1 - s.at
				for i, passed := range s.passes() {
					if b := s.in[i]; passed != (known[s.at][b] && !ended[s.at][b]) {
						t.Fatalf("browser %d: let in %v, known %v, ended %v", i, passed, known[s.at][b], ended[s.at][b])
					}
				}
			},
		})
	})
}
