// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

// apart is another installation with the same secret and clock.
func (w *world) apart() *world {
	w.t.Helper()
	return newWorldOn(w.t, w.clock, memstore.New(memstore.Options{Now: w.clock.now}))
}

// rest stops the machine, which then writes down what it owes the store.
func (w *world) rest() *world {
	w.house.Close()
	return w
}

// moveTo copies what is kept.
func (w *world) moveTo(to *world) challenge.Moved {
	w.t.Helper()
	moved, err := challenge.Move(context.Background(), w.store, to.store, w.ring)
	if err != nil {
		w.t.Fatalf("Move = %v", err)
	}
	return moved
}

// in is the same browser at another installation, whose machine has just started.
func (b *browser) in(w *world) *browser {
	there := *b
	there.w, there.gate = w, w.gateOf(w.machine(), challenge.GateOptions{Policy: located, Locator: world1, Networks: office})
	return &there
}

func TestRuling35NobodyIsSignedOutByMoving(t *testing.T) {
	from := newWorld(t)
	g := roomyGate(from)
	short, long := from.browser(g).signIn(ana, false), from.browser(g).signIn(bob, true)
	to := from.apart()
	local := to.browser(roomyGate(to)).signIn(ana, true)

	want := challenge.Moved{People: 2, Doors: 2, Networks: 2, Keys: 2}
	if diff := cmp.Diff(want, from.moveTo(to)); diff != "" {
		t.Errorf("Moved, -want +got:\n%s", diff)
	}
	short.in(to).wantPass("a session")
	local.in(to).wantPass("a session of before")
	moved := long.in(to)
	moved.wantPass("a session of a remembered browser")
	to.clock.advance(13 * time.Hour)
	moved.wantPass("the remembered browser")
	local.in(to).wantPass("a remembered browser of before")
	short.in(to).wantCheck("a session whose time is over", challenge.Expired)
}

func TestRuling35OpenChallengesEnd(t *testing.T) {
	from := newWorld(t)
	theirs := from.browser(roomyGate(from))
	code := theirs.mailed(ana)
	to := from.apart()
	ours := to.browser(roomyGate(to))
	ourCode := ours.mailed(ana)
	if moved := from.moveTo(to); moved.Challenges != 1 {
		t.Errorf("%d challenges, want 1", moved.Challenges)
	}
	for range 2 {
		if err := theirs.in(to).enter(code, false); !errors.Is(err, challenge.ErrCodeExpired) {
			t.Errorf("their code: Verify = %v, want ErrCodeExpired", err)
		}
		if err := ours.enter(ourCode, false); !errors.Is(err, challenge.ErrCodeExpired) {
			t.Errorf("a code of an address that both know: Verify = %v, want ErrCodeExpired", err)
		}
		from.moveTo(to)
	}
	theirs.in(to).signIn(ana, false)
}

// What was counted at one machine must hold at the other: an attacker may not start
// anew because the operator moves.
func TestRuling35CountersGoAlong(t *testing.T) {
	from := newWorld(t)
	g := from.gate(challenge.GateOptions{Policy: only(func(l *challenge.Limits) {
		l.TryAddress, l.Lockout = []challenge.Rate{{N: 15, Per: time.Hour}}, 6*time.Hour
	})})
	n, err := guess(from, g, ana, 20)
	if n != 15 || limitOf(err) != challenge.LimitTryAddress {
		t.Fatalf("%d tries, %v", n, err)
	}
	until := untilOf(t, err)
	for name, into := range map[string]func(*world) *world{
		"into an empty store":                   func(w *world) *world { return w.apart() },
		"into one where the address is unknown": func(w *world) *world { to := w.apart(); to.browser(roomyGate(to)).signIn(bob, false); return to },
		"into one where the person is":          func(w *world) *world { to := w.apart(); to.browser(roomyGate(to)).signIn(ana, false); return to },
	} {
		t.Run(name, func(t *testing.T) {
			to := into(from)
			from.moveTo(to)
			if _, err := to.browser(to.gate(challenge.GateOptions{Policy: triesOnly})).ask(ana); limitOf(err) != challenge.LimitTryAddress || !untilOf(t, err).Equal(until) {
				t.Errorf("Begin = %v, want a lock until %v", err, until)
			}
		})
	}
}

func TestRuling35TriesOfTwoMachinesAddUp(t *testing.T) {
	from := newWorld(t)
	to := from.apart()
	for _, w := range []*world{from, to} {
		if n, err := guess(w, w.gate(challenge.GateOptions{Policy: triesOnly}), ana, 9); n != 9 || err == nil || limitOf(err) != "" {
			t.Fatalf("%d tries, %v", n, err)
		}
		w.clock.advance(time.Second) // events of one second may be the same
	}
	for range 3 {
		from.moveTo(to)
	}
	counts, err := challenge.DoorCounts(doorOf(t, to))
	if err != nil || counts["tries of unknown browsers"] != 18 {
		t.Errorf("%d tries, %v, want 18", counts["tries of unknown browsers"], err)
	}
}

// doorOf is the one record of an address.
func doorOf(t testing.TB, w *world) (door string) {
	t.Helper()
	for key, raw := range dump(t, w) {
		if strings.HasPrefix(key, "door/") {
			door = raw
		}
	}
	return door
}

func TestRuling39ABlockAndItsReportGoAlong(t *testing.T) {
	from := newWorld(t)
	thief := from.linked(roomyGate(from)).at(tokyo)
	thief.mailed(ana)
	id := from.mailbox.link(t, challenge.SignInCode)
	from.browser(thief.gate).mustReport(id)
	to := from.apart()
	from.moveTo(to)
	moved := thief.in(to)
	if moved.flow = nil; !moved.blocked(ana) {
		t.Error("the network can ask for the address still")
	}
	moved.wantNoReport("a link that was used", id)
}

// The budget of all mail counts the mails of both machines, once.
func TestRuling31TheMailBudgetGoesAlong(t *testing.T) {
	from := newWorld(t)
	to := from.apart()
	few := challenge.GateOptions{Policy: budgetOf(20, 24*time.Hour)}
	for i, w := range []*world{from, to} {
		g := w.gate(few)
		for n := range 4 + i {
			w.browser(g).mailed(someone(n))
		}
		w.rest().clock.advance(3 * time.Hour)
	}
	for range 3 {
		from.moveTo(to)
		to.clock.advance(time.Hour)
	}
	g := to.gateOf(to.machine(), few)
	sent := 0
	for n := range 20 {
		if _, err := to.browser(g).ask(someone(n)); err != nil {
			break
		}
		sent++
	}
	if sent != 1 { // strangers have half of it, and nine were sent
		t.Errorf("%d more mails, want 1", sent)
	}
}

func TestMovingThroughAFileAndBack(t *testing.T) {
	from := newWorld(t)
	g := roomyGate(from)
	b := from.linked(g).at(lisbon).signIn(ana, true)
	if n, err := guess(from, g, bob, 1); n != 1 || err == nil {
		t.Fatal(n, err)
	}
	copied := from.apart()
	from.rest().moveTo(copied)
	before := dump(t, copied)

	file, err := boltstore.Open(boltstore.Options{Path: t.TempDir() + "/doorcode.db", Now: from.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	back := from.apart()
	for _, step := range [][2]challenge.Store{{copied.store, file}, {file, back.store}, {back.store, copied.store}, {copied.store, file}, {file, from.store}} {
		if _, err := challenge.Move(t.Context(), step[0], step[1], from.ring); err != nil {
			t.Fatal(err)
		}
	}
	for name, w := range map[string]*world{"there and back": copied, "in another store": back, "where it all began": from} {
		if diff := cmp.Diff(plain(before), plain(dump(t, w))); diff != "" {
			t.Errorf("%s: -before +after:\n%s", name, diff)
		}
		b.in(w).wantPass(name)
	}
}

// plain leaves out what is sealed anew each time, and what only says how the records
// came here.
func plain(all map[string]string) map[string]string {
	rest := maps.Clone(all)
	maps.DeleteFunc(rest, func(key, _ string) bool { return key == "keys" || strings.HasPrefix(key, "moved/") })
	return rest
}

// What two machines hold of one person becomes one record of the usual size.
func TestRuling32AMergedPersonIsWithinBounds(t *testing.T) {
	from := newWorld(t)
	to := from.apart()
	newest := to.browser(roomyGate(to)).signIn(ana, true)
	for name, w := range map[string]*world{"theirs": from, "ours": to} {
		w.gate(challenge.GateOptions{})
		if err := challenge.PutPerson(t.Context(), w.house, ana, name, 99, w.clock.now()); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		from.moveTo(to)
		for key, raw := range dump(t, to) {
			if !strings.HasPrefix(key, "person/") {
				continue
			}
			if sessions, browsers, err := challenge.ListsOf(raw); sessions != 100 || browsers != 20 || err != nil {
				t.Errorf("%d sessions, %d browsers, %v, want 100 and 20", sessions, browsers, err)
			}
		}
	}
	newest.in(to).wantPass("the newest of all")
}

func TestAnEmptyStoreIsMovedWithoutAWord(t *testing.T) {
	from := newWorld(t)
	to := from.apart()
	to.browser(roomyGate(to)).signIn(ana, false)
	before := dump(t, to.rest())
	if moved := from.moveTo(to); moved != (challenge.Moved{}) {
		t.Errorf("Moved = %+v, want nothing", moved)
	}
	if diff := cmp.Diff(before, dump(t, to)); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
}
