// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

// put writes a record as it is.
func put(t testing.TB, s challenge.Store, key, raw string) {
	t.Helper()
	err := s.Update(context.Background(), key, func([]byte, time.Time) ([]byte, time.Duration, error) { return []byte(raw), day, nil })
	if err != nil {
		t.Fatal(err)
	}
}

// keyOf is the name of the one record of a kind.
func keyOf(t testing.TB, w *world, kind string) string {
	t.Helper()
	for key := range dump(t, w) {
		if strings.HasPrefix(key, kind) {
			return key
		}
	}
	t.Fatalf("no record of kind %s", kind)
	return ""
}

func TestF19NothingIsCopiedThatIsNotUnderstood(t *testing.T) {
	edit := func(kind, old, with string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			key := keyOf(t, w, kind)
			put(t, w.store, key, strings.Replace(dump(t, w)[key], old, with, 1))
		}
	}
	add := func(key string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) { put(t, w.store, key, "{}") }
	}
	for name, tt := range map[string]struct {
		change func(*testing.T, *world)
		want   string
	}{
		"a person of a later format":      {edit("person/", `"v":1`, `"v":2`), "kind person/: reading stored record: it has format 2"},
		"a door of a later format":        {edit("door/", `"v":1`, `"v":7`), "kind door/: reading stored record: it has format 7"},
		"a damaged person":                {edit("person/", `{`, `[`), "kind person/: reading stored record"},
		"a damaged door":                  {edit("door/", `"keep":`, `"keep":"`), "kind door/: reading stored record"},
		"a damaged network":               {edit("net/", `"keep":`, `"keep":"`), "kind net/: reading stored record"},
		"damaged ends":                    {func(t *testing.T, w *world) { put(t, w.store, "ended", "{") }, "kind ended: reading stored record"},
		"a damaged count of mails":        {func(t *testing.T, w *world) { put(t, w.store, "budget", `{"x":1}`) }, "kind budget: reading stored record"},
		"a kind that is not known":        {add("tokens/AAAAAAAAAAAAAAAAAAAAAA"), `records of a later version: "tokens/"`},
		"a record that is not known":      {add("policy"), `records of a later version: "policy"`},
		"a kind between those known":      {add("door2/AAAAAAAAAAAAAAAAAAAAAA"), `records of a later version: "door2/"`},
		"keys that do not open":           {func(t *testing.T, w *world) { put(t, w.store, "keys", "nonsense") }, challenge.ErrOtherSecret.Error()},
		"people of whom no keys are kept": {func(t *testing.T, w *world) { remove(t, w.store, "keys") }, "no signing keys"},
	} {
		for side, spoil := range map[string]bool{"at the source": true, "at the destination": false} {
			t.Run(name+" "+side, func(t *testing.T) {
				from := newWorld(t)
				from.browser(roomyGate(from)).signIn(ana, true)
				to := from.apart()
				b := to.browser(roomyGate(to))
				b.ip = desk
				b.signIn(ana, true)
				copyNetworks(t, from.rest(), to.rest())
				if spoil {
					tt.change(t, from)
				} else {
					tt.change(t, to)
				}
				before, source := dump(t, to), dump(t, from)
				_, err := challenge.Move(t.Context(), from.store, to.store, from.ring)
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("Move = %v, want an error with %q", err, tt.want)
				}
				if err != nil && strings.Contains(err.Error(), `"v"`) {
					t.Errorf("Move = %v, which shows what is in the record", err)
				}
				if diff := cmp.Diff(before, dump(t, to)); diff != "" {
					t.Errorf("it was written: -before +after:\n%s", diff)
				}
				if diff := cmp.Diff(source, dump(t, from)); diff != "" {
					t.Errorf("the source was written: -before +after:\n%s", diff)
				}
			})
		}
	}
}

func TestF19ANameThatIsNoPersonsIsRefused(t *testing.T) {
	from := newWorld(t)
	from.browser(roomyGate(from)).signIn(ana, true)
	put(t, from.store, "person/"+strings.Repeat("A", 23), "{}")
	to := from.apart()
	if _, err := challenge.Move(t.Context(), from.store, to.store, from.ring); err == nil || !strings.Contains(err.Error(), "kind person/") {
		t.Errorf("Move = %v, want an error about a person", err)
	}
	if all := dump(t, to); len(all) > 0 {
		t.Errorf("%d records were written", len(all))
	}
}

func remove(t testing.TB, s challenge.Store, key string) {
	t.Helper()
	err := s.Update(context.Background(), key, func([]byte, time.Time) ([]byte, time.Duration, error) { return nil, 0, nil })
	if err != nil {
		t.Fatal(err)
	}
}

// copyNetworks makes both know the same networks.
func copyNetworks(t *testing.T, from, to *world) {
	t.Helper()
	for key, raw := range dump(t, from) {
		if strings.HasPrefix(key, "net/") {
			for other := range dump(t, to) {
				if strings.HasPrefix(other, "net/") {
					remove(t, to.store, other)
				}
			}
			put(t, to.store, key, raw)
		}
	}
}

func TestRuling19RecordsOfAnotherSecretAreRefused(t *testing.T) {
	from := newWorld(t)
	from.browser(roomyGate(from)).signIn(ana, true)
	other, err := keyring.New(bytes.Repeat([]byte("another secret!!"), 2))
	if err != nil {
		t.Fatal(err)
	}
	to := memstore.New(memstore.Options{Now: from.clock.now})
	if _, err := challenge.Move(t.Context(), from.store, to, other); !errors.Is(err, challenge.ErrOtherSecret) {
		t.Errorf("Move = %v, want ErrOtherSecret", err)
	}
	if keys, err := to.List(t.Context(), "", "", 10); len(keys) > 0 || err != nil {
		t.Errorf("%q, %v were written", keys, err)
	}
}

// A copyOf is a store that says that it was put back from a copy, until it is told
// that this was dealt with.
type copyOf struct {
	*memstore.Store
	settled bool
}

func (c *copyOf) Restored() bool { return !c.settled }

func (c *copyOf) Settle() error {
	c.settled = true
	return nil
}

// What a copy lets in may have been ended since it was made.
func TestF19ACopyOfAStoreLetsNobodyIn(t *testing.T) {
	from := newWorld(t)
	g := roomyGate(from)
	b, known := from.browser(g).signIn(ana, true), from.browser(g).signIn(bob, true)
	guesses, err := guess(from, g, bob, 3)
	if guesses != 3 || err == nil {
		t.Fatal(guesses, err)
	}
	to := from.apart()
	live := *known
	live.w, live.gate = to, roomyGate(to)
	from.moveTo(to)
	live.wantPass("before")

	from.store = &copyOf{Store: from.store.(*memstore.Store)}
	into := from.apart()
	for range 2 {
		for _, w := range []*world{to, into} {
			if moved := from.moveTo(w); !moved.PutBack || moved.People != 2 {
				t.Errorf("Moved = %+v, want two people, put back", moved)
			}
		}
	}
	b.in(into).wantCheck("by what the copy remembers", challenge.Expired)
	live.in(to).wantPass("whoever was let in by the destination itself")
	if raw := doorOf(t, into); !strings.Contains(raw, `"keep"`) {
		t.Error("the counters did not go along")
	}
	b.in(into).signIn(ana, true).wantPass("with a new code")
}

func TestF19ADestinationThatIsACopyRevivesNobody(t *testing.T) {
	from := newWorld(t)
	b := from.browser(roomyGate(from)).signIn(ana, true)
	to := from.apart()
	old := to.browser(roomyGate(to)).signIn(ana, true)
	into := &copyOf{Store: to.store.(*memstore.Store)}
	to.store = into
	to.rest()
	from.moveTo(to)
	if !into.settled {
		t.Error("the destination goes on saying that it is a copy")
	}
	b.in(to).wantPass("whom the source has let in")
	old.in(to).wantCheck("whom the copy remembers", challenge.Ended)
}

// A lender is a store that can only be read.
type lender struct {
	*memstore.Store
	err error
}

func (l *lender) Update(context.Context, string, func([]byte, time.Time) ([]byte, time.Duration, error)) error {
	return l.err
}

func TestASourceThatCanOnlyBeReadIsCopied(t *testing.T) {
	from := newWorld(t)
	b := from.browser(roomyGate(from)).signIn(ana, true)
	from.store = &lender{from.store.(*memstore.Store), fmt.Errorf("file is read-only: %w", errors.ErrUnsupported)}
	to := from.apart()
	from.moveTo(to)
	b.in(to).wantPass("afterwards")

	from.store.(*lender).err = errDown
	if _, err := challenge.Move(t.Context(), from.store, from.apart().store, from.ring); !errors.Is(err, errDown) {
		t.Errorf("Move from a store that fails = %v, want its error", err)
	}
}

// A tiring store fails after some updates, as one that is pulled away.
type tiring struct {
	*memstore.Store
	left atomic.Int64
}

func (s *tiring) Update(ctx context.Context, key string, edit func([]byte, time.Time) ([]byte, time.Duration, error)) error {
	if s.left.Add(-1) < 0 {
		return errDown
	}
	return s.Store.Update(ctx, key, edit)
}

// Wherever it stops, the same command goes on; and until then nobody has more than
// one of the stores allowed.
func TestACopyThatWasInterruptedIsRunAgain(t *testing.T) {
	from := newWorld(t)
	g := roomyGate(from)
	gone := from.linked(g).at(tokyo).signIn(ana, true)
	_ = from.linked(g).at(lisbon).signIn(ana, true)
	stale := *gone
	gone.signOut(false)
	from.linked(g).signIn(bob, false)
	if n, err := guess(from, g, bob, 7); n != 7 || err == nil {
		t.Fatal(n, err)
	}
	to := from.apart()
	local := to.linked(roomyGate(to)).at(porto).signIn(ana, true)
	ended := *local
	local.signOut(true)
	kept := to.linked(local.gate).signIn(ana, true)
	begun := dump(t, to.rest())
	from.rest()

	whole := restart(t, from, begun)
	from.moveTo(whole)
	want := plain(dump(t, whole))
	steps := 0
	for ; ; steps++ {
		part := restart(t, from, begun)
		tired := &tiring{Store: part.store.(*memstore.Store)}
		tired.left.Store(int64(steps))
		_, err := challenge.Move(t.Context(), from.store, tired, from.ring)
		visited := restart(t, from, dump(t, part))
		stale.in(visited).wantOut("whoever was signed out at the source")
		ended.in(visited).wantOut("whoever was signed out at the destination")
		kept.in(visited).wantPass("whoever is signed in at the destination")
		if err == nil {
			break
		}
		if !errors.Is(err, errDown) {
			t.Fatalf("Move = %v", err)
		}
		from.moveTo(part)
		if diff := cmp.Diff(want, plain(dump(t, part))); diff != "" {
			t.Fatalf("after %d updates: at once (-) and in two goes (+):\n%s", steps, diff)
		}
	}
	if steps < 10 {
		t.Errorf("%d updates, which shows little", steps)
	}
}

// wantOut is wantCheck for whatever reason.
func (b *browser) wantOut(when string) {
	b.w.t.Helper()
	if v := b.open(); v.Decision != challenge.Check {
		b.w.t.Fatalf("%s: decision %v, want Check", when, v.Decision)
	}
}

// restart is an installation as it was.
func restart(t *testing.T, w *world, records map[string]string) *world {
	t.Helper()
	s := memstore.New(memstore.Options{Now: w.clock.now})
	for key, raw := range records {
		put(t, s, key, raw)
	}
	return newWorldOn(t, w.clock, s)
}

func TestMovingStopsWithItsContext(t *testing.T) {
	from := newWorld(t)
	from.browser(roomyGate(from)).signIn(ana, true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := challenge.Move(ctx, from.store, from.apart().store, from.ring); !errors.Is(err, context.Canceled) {
		t.Errorf("Move = %v, want context.Canceled", err)
	}
}
