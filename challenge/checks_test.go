// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

// of are the events of a name.
func (d *diary) of(name challenge.EventName) (list []challenge.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.events {
		if e.Name == name {
			list = append(list, e)
		}
	}
	return list
}

// toldWorld is one whose house tells, too.
func toldWorld(t testing.TB, store challenge.Store, c *clock) *world {
	t.Helper()
	w := newWorldOn(t, c, store)
	h, err := challenge.OpenHouse(context.Background(), challenge.HouseOptions{
		Store: store, Ring: w.ring, Sender: w.mailbox, Now: c.now, Gather: time.Hour, Recorder: w.diary,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	w.house = h
	return w
}

// results are how checks ended, once all have.
func (w *world) results() (all []challenge.CheckResult) {
	w.t.Helper()
	w.clock.advance(11 * time.Minute)
	challenge.EndChecks(w.t.Context(), w.house)
	for _, e := range w.diary.of(challenge.CheckEnded) {
		all = append(all, e.Result)
	}
	return all
}

func TestACheckThatEndsIsToldOf(t *testing.T) {
	type results = []challenge.CheckResult
	for name, c := range map[string]struct {
		do   func(w *world, b *browser)
		want results
	}{
		"where nothing was entered": {func(*world, *browser) {}, results{challenge.CheckAbandoned}},
		"where the code was not right": {func(_ *world, b *browser) {
			_ = b.enter(wrong(b.lastCode(), 0), false)
		}, results{challenge.CheckExpired}},
		"where no try was left": {func(_ *world, b *browser) {
			for n := range 5 {
				_ = b.enter(wrong(b.lastCode(), n), false)
			}
		}, results{challenge.CheckCancelled}},
		"where a newer code took its place": {func(w *world, b *browser) {
			w.clock.advance(6 * time.Minute)
			if _, err := b.resend(); err != nil {
				w.t.Fatal(err)
			}
			_ = b.enter(b.lastCode(), false)
		}, results{challenge.CheckCancelled}},
		"each of two, where neither was entered": {func(w *world, b *browser) {
			w.clock.advance(6 * time.Minute)
			if _, err := b.resend(); err != nil {
				w.t.Fatal(err)
			}
		}, results{challenge.CheckCancelled, challenge.CheckAbandoned}},
		"where another address was entered": {func(_ *world, b *browser) {
			_ = b.enter(b.mailed(bob), false)
		}, results{challenge.CheckCancelled}},
		"where its person stopped it": {func(w *world, b *browser) {
			w.linked(b.gate).mustReport(w.mailbox.link(w.t, challenge.SignInCode))
		}, results{challenge.CheckStopped}},
		"but not where the code was right": {func(_ *world, b *browser) { _ = b.enter(b.lastCode(), false) }, nil},
		"nor where it was right on another machine": {func(w *world, b *browser) {
			b.gate = w.gateOf(w.machine(), challenge.GateOptions{})
			if err := b.enter(b.lastCode(), false); err != nil {
				w.t.Fatal(err)
			}
		}, nil},
		"nor where an operator's code let its person in": {func(w *world, b *browser) {
			code, _ := w.letIn(b.gate, 0)
			b.gate = w.gateOf(w.machine(), challenge.GateOptions{})
			if err := b.enter(code, false); err != nil {
				w.t.Fatal(err)
			}
		}, nil},
		"once for a code that was mailed twice": {func(w *world, b *browser) {
			w.clock.advance(time.Minute)
			if _, err := b.resend(); err != nil {
				w.t.Fatal(err)
			}
		}, results{challenge.CheckAbandoned}},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			w := toldWorld(t, memstore.New(memstore.Options{Now: clock.now}), clock)
			b := w.linked(w.gate(challenge.GateOptions{}))
			b.mailed(ana)
			challenge.EndChecks(t.Context(), w.house)
			if list := w.diary.of(challenge.CheckEnded); len(list) != 0 {
				t.Errorf("before its end: %+v", list)
			}
			c.do(w, b)
			if diff := cmp.Diff(c.want, w.results()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(c.want, w.results()); diff != "" {
				t.Errorf("later, -want +got:\n%s", diff)
			}
			if n := challenge.Following(w.house); n != 0 {
				t.Errorf("%d are followed still", n)
			}
		})
	}
}

// Whatever machines its mails were asked for at.
func TestACheckIsToldOfByOneMachine(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	here, there := toldWorld(t, store, c), toldWorld(t, store, c)
	b := here.linked(here.gate(challenge.GateOptions{}))
	b.mailed(ana)
	c.advance(time.Minute)
	b.gate = there.gate(challenge.GateOptions{})
	if _, err := b.resend(); err != nil {
		t.Fatal(err)
	}
	b.gate.Opened(b.flow)
	got := here.results()
	store.take()
	if got = append(got, there.results()...); len(got) != 1 {
		t.Errorf("told %q, want it once", got)
	}
	if calls := store.take(); len(calls) != 0 {
		t.Errorf("the other machine asks the store %q", calls)
	}
}

// An address may have come to the list between two mails.
func TestACheckIsToldOfOnceItsAddressMayPass(t *testing.T) {
	c := newClock()
	w := toldWorld(t, memstore.New(memstore.Options{Now: c.now}), c)
	b := w.linked(w.gate(challenge.GateOptions{}))
	b.mailed(nobody)
	b.gate.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(nobody)}}))
	c.advance(time.Minute)
	if _, err := b.resend(); err != nil {
		t.Fatal(err)
	}
	if got := w.results(); len(got) != 1 {
		t.Errorf("told %q, want it once", got)
	}
}

func TestWhatIsToldOfACheckThatEnded(t *testing.T) {
	c := newClock()
	w := toldWorld(t, memstore.New(memstore.Options{Now: c.now}), c)
	b := w.linked(w.gate(challenge.GateOptions{}))
	b.earlier = basic("ana", ana)
	b.mailed(ana)
	w.results()
	e := w.diary.of(challenge.CheckEnded)[0]
	sent := w.diary.of(challenge.CodeSent)[0]
	if e.Gate != "gate" || e.Address != ana || e.Source != sent.Source || e.Source == "" || e.User != "ana" || e.Ref == "" || e.Ref != sent.Ref || e.Reason != sent.Reason {
		t.Errorf("%+v, want what was said of %+v", e, sent)
	}
}

// Ruling 16: whether there was anybody is not to be seen by what the machine does; and
// the operator was told already that nothing was mailed.
func TestRuling16TheEndOfADecoyCostsTheSameAndIsNotTold(t *testing.T) {
	calls := func(to challenge.Email) ([]string, int) {
		c := newClock()
		store := newProbe(c)
		w := toldWorld(t, store, c)
		b := w.linked(w.gate(challenge.GateOptions{}))
		b.mailed(to)
		b.gate.Opened(b.flow)
		store.take()
		w.results()
		return store.take(), len(w.diary.of(challenge.CheckEnded)) + len(w.diary.of(challenge.CheckOpened))
	}
	known, told := calls(ana)
	unknown, untold := calls(nobody)
	if diff := cmp.Diff(known, unknown); diff != "" || len(known) == 0 {
		t.Errorf("store calls %q, -known +unknown:\n%s", known, diff)
	}
	if told != 2 || untold != 0 {
		t.Errorf("%d events of a known address and %d of an unknown one, want 2 and 0", told, untold)
	}
}

func TestAMailThatTheQueueDidNotTakeIsNoCheck(t *testing.T) {
	c := newClock()
	w := toldWorld(t, memstore.New(memstore.Options{Now: c.now}), c)
	w.mailbox.breaks(challenge.ErrQueueFull)
	b := w.linked(w.gate(challenge.GateOptions{}))
	_, _ = b.ask(ana)
	if n := challenge.Following(w.house); n != 0 {
		t.Errorf("%d are followed", n)
	}
	b.gate.Opened(b.flow) // its page says that the mail waits
	w.mailbox.breaks(nil)
	if _, err := b.resend(); err != nil || challenge.Following(w.house) != 1 {
		t.Errorf("when it is taken: %v, %d are followed", err, challenge.Following(w.house))
	}
	b.gate.Opened(b.flow)
	if n := w.diary.count(challenge.CheckOpened); n != 1 {
		t.Errorf("told of its page %d times, want once", n)
	}
	if got := w.results(); len(got) != 1 {
		t.Errorf("told %q, want it once", got)
	}
}

func TestChecksAreKeptWhileTheStoreIsAway(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := toldWorld(t, store, c)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
	for n := range 3 {
		w.browser(g).mailed(someone(n))
	}
	store.down.Store(true)
	if got := w.results(); len(got) != 0 {
		t.Errorf("told %q without the store", got)
	}
	store.down.Store(false)
	if got := w.results(); len(got) != 3 {
		t.Errorf("told %q, want all three", got)
	}
	w.browser(g).mailed(someone(4))
	store.down.Store(true)
	w.results()
	w.clock.advance(3 * time.Hour)
	w.results()
	if n := challenge.Following(w.house); n != 0 {
		t.Errorf("%d are followed of which the store has no record any more", n)
	}
}

// A failing store is one that does something where a door is read, and does not answer.
type failing struct {
	*memstore.Store
	door func()
}

func (f *failing) Get(ctx context.Context, key string) ([]byte, error) {
	if strings.HasPrefix(key, "door/") && f.door != nil {
		f.door()
		return nil, errDown
	}
	return f.Store.Get(ctx, key)
}

func TestChecksAreBounded(t *testing.T) {
	c := newClock()
	store := &failing{Store: memstore.New(memstore.Options{Now: c.now})}
	w := toldWorld(t, store, c)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: challenge.Limits{SendAddress: flood, SendIP: flood, SendTotal: flood, TryAddress: flood, TryIP: flood}}})
	come := 0
	flood := func(n int) {
		for range n {
			come++
			b := w.browser(g)
			b.mailed(someone(come))
			g.Opened(b.flow)
		}
		w.mailbox.clear()
	}
	want := func(when string) {
		t.Helper()
		if list, tags := challenge.Following(w.house), challenge.FollowingTags(w.house); list != challenge.MaxChecks || tags != list {
			t.Errorf("%s: %d are followed by %d names, want %d", when, list, tags, challenge.MaxChecks)
		}
	}
	for range 10 {
		flood(challenge.MaxChecks/10 + 10)
	}
	want("more than there is room for")
	store.door = func() { flood(10); store.door = func() {} }
	w.results()
	want("when those that could not be looked at are given back")
	store.door = nil
	w.results()
	if last := w.diary.of(challenge.CheckEnded); len(last) != challenge.MaxChecks || last[len(last)-1].Address != someone(come) && last[9].Address != someone(come) {
		t.Errorf("told of %d, and not of the newest: those that are given back have taken its place", len(last))
	}
}

func TestAPageThatAsksForACodeIsToldOfOnce(t *testing.T) {
	w := newWorld(t)
	b := w.linked(w.gate(challenge.GateOptions{}))
	want := func(when string, n int) {
		t.Helper()
		for range 3 {
			b.gate.Opened(b.flow)
		}
		if list := w.diary.of(challenge.CheckOpened); len(list) != n || list[n-1].Address != ana || list[n-1].Gate != "gate" {
			t.Errorf("%s: %d events, want %d: %+v", when, len(list), n, list)
		}
	}
	b.gate.Opened(nil)
	b.gate.Opened(b.gate.NewFlow(b.visit()))
	b.mailed(ana)
	want("a code", 1)
	w.clock.advance(time.Minute)
	if _, err := b.resend(); err != nil {
		t.Fatal(err)
	}
	want("the same code once more", 1)
	w.clock.advance(6 * time.Minute)
	if _, err := b.resend(); err != nil {
		t.Fatal(err)
	}
	want("a new code", 2)
	b.gate = w.gateOf(w.machine(), challenge.GateOptions{})
	want("by another machine", 3)
	stranger := w.linked(w.gate(challenge.GateOptions{}))
	stranger.mailed(nobody)
	b.gate.Opened(stranger.flow)
	want("by another machine, of an address that may not pass", 3)
}

// The house looks by itself, and stops when it closes.
func TestTheHouseFollowsChecksByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring, err := keyring.New(bytes.Repeat([]byte("0123456789abcdef"), 2))
		if err != nil {
			t.Fatal(err)
		}
		told := new(diary)
		h, err := challenge.OpenHouse(t.Context(), challenge.HouseOptions{Store: memstore.New(memstore.Options{}), Ring: ring, Sender: new(Mailbox), Recorder: told})
		if err != nil {
			t.Fatal(err)
		}
		g, err := h.NewGate(t.Context(), challenge.GateOptions{ID: "gate", Grace: longAgo, Access: access(t, challenge.AccessOptions{Allow: []string{"*"}}), Recorder: told})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Begin(t.Context(), &challenge.Visit{Now: time.Now(), IP: lisbon, Audience: origin}, nil, ana); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if told.has(challenge.CheckEnded) {
			t.Error("told before the end")
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if n := told.count(challenge.CheckEnded); n != 1 {
			t.Errorf("told %d times, want once", n)
		}
		h.Close()
	})
}
