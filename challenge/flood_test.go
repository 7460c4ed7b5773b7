// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/geo"
)

// RL-11: whoever floods a limit of their network has the store asked once a second,
// by each machine. What is given back counts at once on the machine that does it.
func TestRL11AFullNetworkCostsTheStoreOneUpdateASecond(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	b := w.browser(w.gate(challenge.GateOptions{Policy: only(func(l *challenge.Limits) { l.SendIP = []challenge.Rate{{N: 1, Per: time.Hour}} })}))
	b.mailed(ana)
	for second := range 3 {
		store.take()
		before := store.written.Load()
		for range 50 {
			if _, err := b.ask(bob); limitOf(err) != challenge.LimitSendIP {
				t.Fatalf("error = %v, want the limit of the network", err)
			}
		}
		if got := store.take(); !slices.Equal(got, []string{"update net"}) {
			t.Errorf("second %d: the store was asked %q, want one update", second, got)
		}
		if written := store.written.Load() - before; written != 0 {
			t.Errorf("second %d: a network that stays as it is was written %d times", second, written)
		}
		c.advance(time.Second)
	}
	c.advance(time.Hour)
	b.mailed(bob)
}

// RL-11: an address to which strangers have had all mails sent costs the store no more,
// from however many networks they ask. Whoever is known there is not kept out by that.
func TestRL11AnAddressThatWasMailedTooMuchCostsTheStoreOneUpdateASecond(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	g := w.gate(challenge.GateOptions{Policy: only(func(l *challenge.Limits) { l.SendAddress = []challenge.Rate{{N: 1, Per: time.Hour}} })})
	w.browser(g).mailed(ana)
	for second := range 3 {
		store.take()
		for range 50 {
			if _, err := w.browser(g).ask(ana); limitOf(err) != challenge.LimitSendAddress {
				t.Fatalf("error = %v, want the limit of the address", err)
			}
		}
		if got := store.take(); !slices.Equal(got, []string{"update net", "update door", "update net"}) {
			t.Errorf("second %d: the store was asked %q, want once", second, got)
		}
		c.advance(time.Second)
	}
	known := w.browser(g)
	known.earlier = basic("ana", ana)
	known.mailed(ana)
}

// RL-11: whoever goes on guessing at a code whose tries are used up, from however many
// networks, has the store count one guess a second. Another code is another matter.
func TestRL11AUsedUpCodeCostsTheStoreOneGuessASecond(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	b := w.browser(w.gate(challenge.GateOptions{Policy: triesOnly}))
	code := b.mailed(ana)
	for n := range 5 {
		_ = b.enter(wrong(code, n), false)
	}
	for second := range 3 {
		store.take()
		for n := range 50 {
			b.ip = netip.AddrFrom4([4]byte{198, 51, byte(second), byte(n)})
			if err := b.enter(wrong(code, n), false); !errors.Is(err, challenge.ErrCodeCancelled) {
				t.Fatalf("error = %v, want ErrCodeCancelled", err)
			}
		}
		asked, want := store.take(), []string{"update net", "update door"}
		if second == 0 {
			want = nil // the last try has said so
		}
		if !slices.Equal(asked, want) {
			t.Errorf("second %d: the store was asked %q, want %q", second, asked, want)
		}
		c.advance(time.Second)
	}
	if err := b.enter(b.mailed(ana), false); err != nil {
		t.Errorf("the code of another mail: %v", err)
	}
}

// A mailed code whose tries are used up says nothing of the other ways in.
func TestRL11AUsedUpCodeKeepsNobodyFromAnotherWay(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: triesOnly})
	codes := w.linked(g).signIn(ana, true).codes()
	b := w.browser(g)
	code := b.mailed(ana)
	for n := range 5 {
		_ = b.enter(wrong(code, n), false)
	}
	if err := b.enter(code, false); !errors.Is(err, challenge.ErrCodeCancelled) {
		t.Fatalf("error = %v, want ErrCodeCancelled", err)
	}
	if err := b.turn(challenge.ByBackup).enter(codes[0], false); err != nil {
		t.Errorf("a backup code: %v", err)
	}
}

// A try that changes nothing at its address is not written there.
func TestRL11ATryThatCannotBeRightIsNotWritten(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	g := w.gate(challenge.GateOptions{Policy: triesOnly})
	b := w.browser(g)
	code := b.mailed(ana)
	for n := range 5 {
		_ = b.enter(wrong(code, n), false)
	}
	c.advance(time.Second)
	store.take()
	before := store.written.Load()
	if err := b.enter(wrong(code, 6), false); !errors.Is(err, challenge.ErrCodeCancelled) {
		t.Fatalf("error = %v, want ErrCodeCancelled", err)
	}
	if asked, written := store.take(), store.written.Load()-before; len(asked) != 2 || written != 1 {
		t.Errorf("the store was asked %q and kept %d of it, want the count of the network alone", asked, written)
	}
}

// A counting atlas says how often it was asked.
type countingAtlas struct{ asked atomic.Int64 }

func (a *countingAtlas) Locate(netip.Addr) *geo.Place {
	a.asked.Add(1)
	return &geo.Place{}
}

// RL-11: nobody's place is looked up for a mail or a code that a limit refuses.
func TestRL11WhatALimitRefusesIsLocatedNowhere(t *testing.T) {
	once := []challenge.Rate{{N: 1, Per: time.Hour}}
	mail := func(b *browser, _ string) error { _, err := b.ask(ana); return err }
	try := func(b *browser, code string) error { return b.enter(wrong(code, 1), false) }
	for name, tt := range map[string]struct {
		limit func(l *challenge.Limits)
		again func(b *browser, code string) error
	}{
		"mails that a network asks for": {func(l *challenge.Limits) { l.SendIP = once }, mail},
		"all mail":                      {func(l *challenge.Limits) { l.SendTotal = once }, mail},
		"a mail to a locked address":    {func(l *challenge.Limits) { l.TryAddress = once }, mail},
		"a code for a locked address":   {func(l *challenge.Limits) { l.TryAddress = once }, try},
		"tries of a network":            {func(l *challenge.Limits) { l.TryIP = once }, try},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			places := new(countingAtlas)
			b := w.browser(w.gate(challenge.GateOptions{Policy: only(tt.limit), Locator: places}))
			code := b.mailed(ana)
			_ = b.enter(wrong(code, 0), false)
			before := places.asked.Load()
			if before == 0 {
				t.Fatal("no place was looked up for what was allowed; the test shows nothing")
			}
			for range 5 {
				if err := tt.again(b, code); limitOf(err) == "" {
					t.Fatalf("error = %v, want a limit", err)
				}
			}
			if asked := places.asked.Load() - before; asked != 0 {
				t.Errorf("a place was looked up %d times", asked)
			}
		})
	}
}

// RL-10: what a machine keeps of limits in memory is bounded, however many addresses
// and networks strangers come up with. The counters themselves expire in the store,
// where nothing pushes out the lock of an address.
func TestRL10WhatIsKeptOfLimitsIsBounded(t *testing.T) {
	w := newWorld(t)
	locked, full := challenge.FloodLimits(w.house, 200_000, w.clock.now().Add(time.Hour))
	if locked > challenge.MaxLocks || full > challenge.MaxUsedUp {
		t.Errorf("%d locks and %d networks are kept, want at most %d and %d", locked, full, challenge.MaxLocks, challenge.MaxUsedUp)
	}
	if locked < challenge.MaxLocks/2 || full < challenge.MaxUsedUp/2 {
		t.Errorf("%d locks and %d networks are kept; the test shows nothing", locked, full)
	}
}

// Sessions beyond the bound get in as well: each costs one read, as one that is new to
// the machine. What is kept stays below the bound.
func TestSessionsBeyondTheBoundOfTheCacheGetIn(t *testing.T) {
	const bound, people = 100, 400
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	list := signedIn(w, people)
	house := w.machine()
	house.CacheSessions(bound)
	g := w.gateOf(house, challenge.GateOptions{})
	for round := range 3 {
		store.take()
		for n, b := range list {
			b.gate = g
			b.wantPass(fmt.Sprintf("round %d, person %d", round, n))
		}
		calls := store.take()
		if i := slices.IndexFunc(calls, func(call string) bool { return call != "get person" }); i >= 0 {
			t.Errorf("round %d: the store was asked %q", round, calls[i])
		}
		if len(calls) < people-bound || len(calls) > people {
			t.Errorf("round %d: %d reads, want one for each of the %d that are not kept", round, len(calls), people-bound)
		}
		if kept := challenge.CachedSessions(house); kept > bound {
			t.Errorf("round %d: %d sessions are kept, want at most %d", round, kept, bound)
		}
	}
	house.CacheSessions(0)
	if most := challenge.MostSessions(house); most != challenge.DefaultCache {
		t.Errorf("without a bound of its own the cache keeps %d, want %d", most, challenge.DefaultCache)
	}
}

// A session keeps no more of its request in memory than its own cookie: one header
// line of a browser may hold thousands of bytes of other cookies.
func TestACachedSessionKeepsNoOtherCookies(t *testing.T) {
	const people, others = 500, 16 << 10
	w := newWorld(t)
	list := signedIn(w, people)
	if bytes, _ := weighCached(w, list, others); bytes > others/2 {
		t.Errorf("a session takes %.0f bytes where its browser sends %d bytes of other cookies", bytes, others)
	}
}

// BenchmarkCachedSession tells what a live session takes in memory, with the assertion
// that the app is sent.
func BenchmarkCachedSession(b *testing.B) {
	for b.Loop() {
		w := newWorld(b)
		bytes, pieces := weighCached(w, signedIn(w, 2000), 0)
		b.ReportMetric(bytes, "B/session")
		b.ReportMetric(pieces, "pieces/session") // each is looked at whenever garbage is collected
	}
	b.ReportMetric(0, "ns/op") // signing in took it: means nothing
}

func signedIn(w *world, people int) []*browser {
	w.t.Helper()
	limits := roomy
	limits.SendTotal = []challenge.Rate{{N: 1 << 30, Per: time.Minute}}
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: limits}})
	list := make([]*browser, people)
	for n := range list {
		list[n] = w.browser(g)
		if _, err := list[n].ask(someone(n)); err != nil {
			w.t.Fatal(err)
		}
		all := w.mailbox.all()
		if err := list[n].enter(all[len(all)-1].Code.Reveal(), false); err != nil {
			w.t.Fatal(err)
		}
		w.mailbox.clear()
	}
	return list
}

// weighCached is what a session takes on a machine that learns it from a request with
// so many bytes of other cookies.
func weighCached(w *world, list []*browser, others int) (bytes, pieces float64) {
	w.t.Helper()
	g := w.gateOf(w.machine(), challenge.GateOptions{})
	before := heapAfterGarbage()
	for n, b := range list {
		v := b.visit()
		line := strings.Repeat("x", others) + b.session
		v.Session, v.IP = line[others:], netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(n))))
		d := g.Admit(w.t.Context(), v)
		if d.Decision != challenge.Pass {
			w.t.Fatalf("decision %v", d.Decision)
		}
		if _, err := d.Admission.Assertion(origin, v.Now); err != nil {
			w.t.Fatal(err)
		}
	}
	after := heapAfterGarbage()
	runtime.KeepAlive(g)
	each := float64(len(list))
	return (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / each, (float64(after.HeapObjects) - float64(before.HeapObjects)) / each
}

func heapInUse() int64 {
	m := heapAfterGarbage()
	return int64(m.HeapAlloc)
}

func heapAfterGarbage() (m runtime.MemStats) {
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m
}
