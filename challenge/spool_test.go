// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/geo"
)

// letter is a notice with all that one can say.
func (w *world) letter(name string) challenge.Spooled {
	now := w.clock.now().UTC()
	return challenge.Spooled{
		ID: name, Queued: now, Until: now.Add(time.Hour), Tries: 3,
		Notice: challenge.Notice{
			ID: "a mail", Mail: 1, Gate: "gate", Subject: challenge.NewSignIn, Mailbox: "Ana@Example.com", Known: true, Ref: "7KQ",
			Host: "app.example.com", App: "An App", Agent: chrome, IP: netip.MustParseAddr("2001:8a0::1"),
			Place:  geo.Place{City: "Lisbon", Country: "PT", Point: geo.Point{Latitude: 38.72, Longitude: -9.14}, Located: true, Radius: 10, ASN: 3243, Credit: "by a test"},
			Reason: challenge.Travel, Stop: "https://app.example.com/.doorcode/no/x", Asked: now, Expires: now.Add(time.Hour), Language: "de",
			Change: challenge.AddApp, Count: 7, Due: now.Add(24 * time.Hour), Why: "lost phone", Second: true, Account: string(ana), Quietly: true, Urge: true,
		},
	}
}

func spoolIn(t testing.TB, s *challenge.Spool, letter challenge.Spooled) {
	t.Helper()
	if err := s.Keep(t.Context(), letter); err != nil {
		t.Fatalf("Keep = %v", err)
	}
}

// adopts wants a spool to adopt the notices of these names.
func adopts(t testing.TB, when string, s *challenge.Spool, want ...string) []challenge.Spooled {
	t.Helper()
	list, err := s.Adopt(t.Context())
	if err != nil {
		t.Fatalf("%s: Adopt = %v", when, err)
	}
	got := []string{}
	for _, l := range list {
		got = append(got, l.ID)
	}
	sorted := cmpopts.SortSlices(func(a, b string) bool { return a < b })
	if diff := cmp.Diff(want, got, sorted, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s, -want +got:\n%s", when, diff)
	}
	return list
}

func spoolKeys(t testing.TB, w *world) (keys []string) {
	t.Helper()
	for key := range dump(t, w) {
		if strings.HasPrefix(key, "spool/") {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestML10ANoticeThatWaitsOutlivesItsProcess(t *testing.T) {
	w := newWorld(t)
	here := w.house.Spool()
	letter := w.letter("one")
	spoolIn(t, here, letter)
	there := w.machine().Spool()
	adopts(t, "while it is held", there)
	adopts(t, "by its holder", here)
	w.clock.advance(90 * time.Second)
	letter.Tries = 4
	spoolIn(t, here, letter)
	w.clock.advance(90 * time.Second)
	adopts(t, "while it is held still", there)
	w.clock.advance(31 * time.Second)
	list := adopts(t, "when its process is gone", there, "one")
	if diff := cmp.Diff([]challenge.Spooled{letter}, list, cmpopts.EquateComparable(netip.Addr{}), cmpopts.IgnoreUnexported(challenge.Code{})); diff != "" {
		t.Errorf("what was kept (-) and what is adopted (+):\n%s", diff)
	}
	if err := here.Keep(t.Context(), letter); !errors.Is(err, challenge.ErrSpoolTaken) {
		t.Errorf("Keep by whoever lost it: %v, want ErrSpoolTaken", err)
	}
	if err := here.Done(t.Context(), "one"); err != nil || len(spoolKeys(t, w)) != 1 {
		t.Errorf("Done by whoever lost it: %v, %q kept", err, spoolKeys(t, w))
	}
	if err := there.Done(t.Context(), "one"); err != nil || len(spoolKeys(t, w)) != 0 {
		t.Errorf("Done: %v, %q kept", err, spoolKeys(t, w))
	}
	w.clock.advance(time.Hour)
	adopts(t, "what was sent", w.machine().Spool())
}

// A queue tries seldom in the end; that it lives is told by looking through the store.
func TestML10AdoptingHoldsWhatOneHas(t *testing.T) {
	w := newWorld(t)
	here, there := w.house.Spool(), w.machine().Spool()
	spoolIn(t, here, w.letter("one"))
	for range 30 {
		w.clock.advance(time.Minute)
		adopts(t, "by its holder", here)
		adopts(t, "by another", there)
	}
	w.clock.advance(30 * time.Minute)
	adopts(t, "after its time", there)
	if keys := spoolKeys(t, w); len(keys) != 0 {
		t.Errorf("after its time: %q kept", keys)
	}
}

func TestML10OneOfManyMachinesAdopts(t *testing.T) {
	w := newWorld(t)
	left := w.house.Spool()
	for n := range 20 {
		spoolIn(t, left, w.letter(fmt.Sprint("letter ", n)))
	}
	w.clock.advance(3 * time.Minute)
	var got sync.Map
	var twice atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		s := w.machine().Spool()
		all.Go(func() {
			list, err := s.Adopt(t.Context())
			if err != nil {
				t.Error(err)
			}
			for _, l := range list {
				if _, had := got.LoadOrStore(l.ID, true); had {
					twice.Add(1)
				}
			}
		})
	}
	all.Wait()
	n := 0
	got.Range(func(any, any) bool { n++; return true })
	if n != 20 || twice.Load() != 0 {
		t.Errorf("%d of 20 were adopted, %d of them twice", n, twice.Load())
	}
}

func TestOTC07NoCodeIsSpooled(t *testing.T) {
	w := newWorld(t)
	s := w.house.Spool()
	for name, spoil := range map[string]func(n *challenge.Notice){
		"a code":              func(n *challenge.Notice) { n.Code = challenge.NewCode("123456") },
		"a mail to sign in":   func(n *challenge.Notice) { n.Subject = challenge.SignInCode },
		"a mail to confirm":   func(n *challenge.Notice) { n.Subject = challenge.ConfirmCode },
		"a mail for a change": func(n *challenge.Notice) { n.Subject = challenge.ChangeCode },
	} {
		letter := w.letter("one")
		spoil(&letter.Notice)
		if err := s.Keep(t.Context(), letter); !errors.Is(err, challenge.ErrSpoolsNoCodes) {
			t.Errorf("%s: Keep = %v, want ErrSpoolsNoCodes", name, err)
		}
	}
	if keys := spoolKeys(t, w); len(keys) != 0 {
		t.Errorf("%q kept", keys)
	}
}

// Whoever has the store reads no mail in it, and cannot pass one for another.
func TestWhatIsSpooledIsSealed(t *testing.T) {
	w := newWorld(t)
	s := w.house.Spool()
	spoolIn(t, s, w.letter("one"))
	spoolIn(t, s, w.letter("two"))
	keys := spoolKeys(t, w)
	all := dump(t, w)
	for _, key := range keys {
		for _, said := range []string{"xample", "Lisbon", "7KQ", "one", "two", "no/x", "2001"} {
			if strings.Contains(key+all[key], said) {
				t.Errorf("%s holds %q: %s", key, said, all[key])
			}
		}
	}
	if _, ok := challenge.OpenSpooled(s, keys[0], all[keys[0]]); !ok {
		t.Error("a record does not open under its own name")
	}
	if _, ok := challenge.OpenSpooled(s, keys[0], all[keys[1]]); ok {
		t.Error("a record opens under the name of another")
	}
}

func TestTheSpoolIsBounded(t *testing.T) {
	w := newWorld(t)
	s := w.house.Spool()
	for n := range challenge.MaxSpool {
		spoolIn(t, s, w.letter(fmt.Sprint(n)))
	}
	if err := s.Keep(t.Context(), w.letter("one more")); !errors.Is(err, challenge.ErrSpoolFull) {
		t.Errorf("Keep = %v, want ErrSpoolFull", err)
	}
	spoolIn(t, s, w.letter("7")) // which is there
	other := w.machine().Spool()
	adopts(t, "at the start", other)
	if err := other.Keep(t.Context(), w.letter("one more")); !errors.Is(err, challenge.ErrSpoolFull) {
		t.Errorf("Keep at another machine = %v, want ErrSpoolFull", err)
	}
	if err := s.Done(t.Context(), "7"); err != nil {
		t.Fatal(err)
	}
	spoolIn(t, s, w.letter("one more"))
}

// What comes from a copy of the store was sent long ago, or is old news.
func TestF19WhatWasSpooledInACopyIsNotSentAgain(t *testing.T) {
	w := newWorld(t)
	spoolIn(t, w.house.Spool(), w.letter("one"))
	if err := w.house.EndRestored(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(3 * time.Minute)
	s := w.machine().Spool()
	adopts(t, "from a copy", s)
	if keys := spoolKeys(t, w); len(keys) != 0 {
		t.Errorf("%q kept", keys)
	}
	spoolIn(t, s, w.letter("one"))
	w.clock.advance(3 * time.Minute)
	adopts(t, "since", w.machine().Spool(), "one")
}

func TestRuling35WhatWaitsInTheSpoolStaysThere(t *testing.T) {
	from := newWorld(t)
	from.browser(roomyGate(from)).signIn(ana, true)
	spoolIn(t, from.house.Spool(), from.letter("one"))
	to := from.apart()
	from.moveTo(to)
	if here, there := spoolKeys(t, from), spoolKeys(t, to); len(here) != 1 || len(there) != 0 {
		t.Errorf("%q here and %q there", here, there)
	}
}

func TestASpoolWithoutAStoreSaysSo(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	s := w.house.Spool()
	spoolIn(t, s, w.letter("one"))
	store.down.Store(true)
	_, err := s.Adopt(t.Context())
	for what, err := range map[string]error{"Keep": s.Keep(t.Context(), w.letter("two")), "Done": s.Done(t.Context(), "one"), "Adopt": err} {
		if !errors.Is(err, challenge.ErrUnavailable) && err == nil {
			t.Errorf("%s = %v, want ErrUnavailable", what, err)
		}
	}
}
