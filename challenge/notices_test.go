// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/geo"
)

const chrome = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36"

// A coming is what a person does, or a thief, after a browser of theirs was
// remembered at Lisbon.
type coming struct {
	name string
	do   func(w *world, b *browser)
	told int
}

// fresh is a new browser.
func fresh(w *world, b *browser, ip netip.Addr, agent string) *browser {
	n := w.linked(b.gate).at(ip)
	n.agent = agent
	return n
}

var comings = []coming{
	{"not of the very first", func(*world, *browser) {}, 0},
	{"of a new browser", func(w *world, b *browser) { fresh(w, b, lisbon, chrome).signIn(ana, false) }, 1},
	{"of a new browser that is to be remembered", func(w *world, b *browser) { fresh(w, b, lisbon, chrome).signIn(ana, true) }, 1},
	{"not of a remembered browser's next code", func(_ *world, b *browser) {
		b.session = ""
		b.signIn(ana, true)
	}, 0},
	{"of a remembered browser's code in an unusual place", func(_ *world, b *browser) {
		b.session, b.ip = "", tokyo
		b.signIn(ana, true)
	}, 1},
	{"once a day of one remembered browser in an unusual place", func(w *world, b *browser) {
		for range 10 {
			b.session, b.ip = "", tokyo
			b.signIn(ana, true)
			b.wantPass("with the new cookies")
			w.clock.advance(time.Hour)
		}
	}, 1},
	{"not of a remembered browser's code in a named network", func(_ *world, b *browser) {
		b.session, b.ip = "", desk
		b.signIn(ana, true)
	}, 0},
	{"not of a remembered browser that was signed out", func(_ *world, b *browser) {
		b.signOut(false)
		b.signIn(ana, true)
	}, 0},
	{"of a browser that was forgotten", func(_ *world, b *browser) {
		b.signOut(true)
		b.signIn(ana, true)
	}, 1},
	{"of a copy of the browser's old cookie", func(w *world, b *browser) {
		old := *b
		old.session = ""
		w.clock.advance(13 * time.Hour)
		b.wantPass("renewed")
		b.wantPass("with the new secret")
		w.clock.advance(time.Minute)
		old.signIn(ana, true)
	}, 1},
	{"of a browser that somebody else is remembered in", func(w *world, b *browser) {
		n := fresh(w, b, lisbon, firefox).signIn(bob, true)
		n.flow = nil
		n.signIn(ana, false)
	}, 1},
	{"once a day of one kind of browser and place", func(w *world, b *browser) {
		for range 10 {
			fresh(w, b, lisbon, chrome).signIn(ana, false)
			fresh(w, b, netip.AddrFrom4([4]byte{62, 48, 10, 200}), chrome).signIn(ana, false) // another address of that place
			w.clock.advance(time.Hour)
		}
	}, 1},
	{"again a day later", func(w *world, b *browser) {
		fresh(w, b, lisbon, chrome).signIn(ana, false)
		w.clock.advance(24 * time.Hour)
		fresh(w, b, lisbon, chrome).signIn(ana, false)
	}, 2},
	{"of each kind of browser", func(w *world, b *browser) {
		fresh(w, b, lisbon, chrome).signIn(ana, false)
		fresh(w, b, lisbon, firefox).signIn(ana, false)
	}, 2},
	{"of each place", func(w *world, b *browser) {
		fresh(w, b, lisbon, chrome).signIn(ana, false)
		fresh(w, b, tokyo, chrome).signIn(ana, false)
		fresh(w, b, netip.MustParseAddr("198.18.1.1"), chrome).signIn(ana, false)
		fresh(w, b, netip.MustParseAddr("198.18.2.1"), chrome).signIn(ana, false) // unknown, and another network
	}, 4},
	{"not of a session that is confirmed", func(_ *world, b *browser) { b.confirmed() }, 0},
	{"of a session that is confirmed in an unusual place", func(_ *world, b *browser) {
		b.ip = tokyo
		b.confirmed()
	}, 1},
	{"once a day of one that is confirmed there often", func(w *world, b *browser) {
		b.ip = tokyo
		for range 5 {
			b.confirmed()
			w.clock.advance(time.Hour)
		}
	}, 1},
	{"not of a renewal", func(w *world, b *browser) {
		w.clock.advance(13 * time.Hour)
		b.wantPass("renewed")
	}, 0},
	{"not of a wrong code", func(w *world, b *browser) {
		n := fresh(w, b, tokyo, chrome)
		_ = n.enter(wrong(n.mailed(ana), 0), false)
	}, 0},
}

// M2 in the design's words.
func TestAPersonIsToldOfNewBrowsersAndUnusualPlaces(t *testing.T) {
	for _, tt := range comings {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			places := atlas{netip.MustParseAddr("62.48.10.200"): world1[lisbon]}
			for ip, p := range world1 {
				places[ip] = p
			}
			b := w.linked(w.gate(challenge.GateOptions{Policy: located, Locator: places, Networks: office}))
			b.ip = lisbon
			b.signIn(ana, true)
			b.wantPass("confirmed")
			w.clock.advance(time.Hour)
			tt.do(w, b)
			if got := len(w.mailbox.about(challenge.NewSignIn)); got != tt.told {
				t.Errorf("%d notices, want %d", got, tt.told)
			}
		})
	}
}

func TestWhatAPersonIsToldOfAnEntry(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Locator: world1, Access: access(t, challenge.AccessOptions{Allow: []string{"Ana@Example.com"}})})
	w.linked(g).signIn(ana, true)
	b := w.linked(g)
	b.ip = tokyo
	b.signIn(ana, true)
	n := w.mailbox.about(challenge.NewSignIn)[0]
	if n.Stop == "" || n.Code.Reveal() != "" || n.Ref != "" {
		t.Errorf("link %q, code %q, letters %q, want only a link", n.Stop, n.Code.Reveal(), n.Ref)
	}
	n.Stop, n.Code = "", challenge.Code{}
	want := challenge.Notice{
		Gate: "gate", Subject: challenge.NewSignIn, Mailbox: "Ana@Example.com", Known: true, Host: "app.example.com", Agent: firefox,
		IP: tokyo, Place: *world1[tokyo], Asked: w.clock.now(), Expires: w.clock.now().Add(7 * day),
	}
	if diff := cmp.Diff(want, n, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.AllowUnexported(challenge.Code{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A person whose record is older than the memory of entries was here before.
func TestAPersonOfAnEarlierVersionIsToldOfANewBrowser(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	w.linked(g).signIn(ana, true)
	for key := range dump(t, w) {
		if key[:4] != "pers" {
			continue
		}
		err := w.store.Update(t.Context(), key, func(old []byte, _ time.Time) ([]byte, time.Duration, error) {
			return withoutKeys(t, old, "last", "places", "entries", "told", "door"), day, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.linked(g).signIn(ana, true)
	if got := len(w.mailbox.about(challenge.NewSignIn)); got != 1 {
		t.Errorf("%d notices, want 1", got)
	}
}

func TestAnEntryStandsThoughItsNoticeCannotBeSent(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	w.linked(g).signIn(ana, true)
	b := w.linked(g)
	code := b.mailed(ana)
	w.mailbox.breaks(challenge.ErrQueueFull)
	if err := b.enter(code, true); err != nil {
		t.Errorf("Verify = %v", err)
	}
	b.wantPass("afterwards")
	if !w.diary.has(challenge.NoticeFailed) {
		t.Error("the operator is not told")
	}
}

// M4. An address that may not pass costs the same, and is sent nothing.
func TestALockIsToldToThePersonOnceAnHour(t *testing.T) {
	for _, to := range []challenge.Email{ana, nobody} {
		w := newWorld(t)
		rates := []challenge.Rate{{N: 5, Per: 5 * time.Minute}}
		g := w.gate(challenge.GateOptions{Locator: world1, Policy: only(func(l *challenge.Limits) { l.TryAddress, l.Lockout = rates, 10*time.Minute })})
		told := func() (first []challenge.Notice) {
			all := w.mailbox.about(challenge.WrongCodes)
			for _, n := range all {
				switch {
				case !n.Second:
					first = append(first, n)
				case !n.Decoy: // it takes the place of one, for there is no second address
					t.Errorf("%s: a second address is mailed at %q", to, n.Mailbox)
				}
			}
			if len(all) != 2*len(first) {
				t.Errorf("%s: %d notices for %d locks", to, len(all), len(first))
			}
			return first
		}
		thief := w.browser(g)
		thief.ip = tokyo
		code := thief.mailed(to)
		for n := range 4 {
			_ = thief.enter(wrong(code, n), false)
		}
		if len(told()) != 0 {
			t.Errorf("%s: a notice before the lock", to)
		}
		until := untilOf(t, thief.enter(wrong(code, 4), false))
		want := []challenge.Notice{{
			Gate: "gate", Subject: challenge.WrongCodes, Mailbox: string(to), Decoy: to == nobody, Host: "app.example.com", Agent: "Mozilla/5.0",
			IP: tokyo, Place: *world1[tokyo], Asked: w.clock.now(), Expires: until,
		}}
		if diff := cmp.Diff(want, told(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.AllowUnexported(challenge.Code{}, geo.Place{})); diff != "" {
			t.Errorf("%s: -want +got:\n%s", to, diff)
		}
		for range 10 { // tries during the lock are no news
			if err := thief.enter(wrong(code, 0), false); limitOf(err) != challenge.LimitTryAddress {
				t.Errorf("%s: Verify = %v, want a lock", to, err)
			}
		}
		w.clock.advance(until.Sub(w.clock.now()))
		_, _ = guess(w, g, to, 5) // the second lock is within the hour
		if n := len(told()); n != 1 {
			t.Errorf("%s: %d notices, want 1 in an hour", to, n)
		}
		w.clock.advance(50 * time.Minute)
		_, _ = guess(w, g, to, 5)
		if n := len(told()); n != 2 {
			t.Errorf("%s: %d notices after the next hour's lock, want 2", to, n)
		}
	}
}

// A person who mistypes is told, too: whoever has their session might be guessing.
func TestALockOfTheOwnBucketIsToldAsWell(t *testing.T) {
	w := newWorld(t)
	b := w.linked(w.gate(challenge.GateOptions{})).signIn(ana, true)
	var err error
	for n := 0; n < 30 && limitOf(err) == ""; n++ {
		if n%5 == 0 {
			b.flow = nil
			b.mailed(ana)
		}
		err = b.enter(wrong(b.lastCode(), n), true)
	}
	told := slices.DeleteFunc(w.mailbox.about(challenge.WrongCodes), func(n challenge.Notice) bool { return n.Decoy })
	if limitOf(err) != challenge.LimitTryAddress || len(told) != 1 {
		t.Errorf("Verify = %v, %d notices, want a lock and one notice", err, len(told))
	}
}

func TestALockStandsThoughItsNoticeCannotBeSent(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: only(func(l *challenge.Limits) { l.TryAddress = []challenge.Rate{{N: 1, Per: time.Minute}} })})
	b := w.browser(g)
	code := b.mailed(ana)
	w.mailbox.breaks(errors.New("full"))
	if err := b.enter(wrong(code, 0), false); limitOf(err) != challenge.LimitTryAddress {
		t.Errorf("Verify = %v, want a lock", err)
	}
	if !w.diary.has(challenge.NoticeFailed) {
		t.Error("the operator is not told")
	}
}

// TestEveryMailTellsTheClockThatItsPersonChose: before, the mails with codes told UTC, and
// the notices that followed them another time.
func TestEveryMailTellsTheClockThatItsPersonChose(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	b := w.linked(g).signIn(ana, true)
	if err := g.SetSettings(t.Context(), b.visit(), b.admitted(), challenge.PersonSettings{Zone: "Europe/Lisbon"}); err != nil {
		t.Fatal(err)
	}
	w.mailbox.clear()
	b.second(spare)
	w.clock.advance(time.Hour)
	w.linked(g).mailed(ana)
	told := map[challenge.Subject]int{}
	for _, n := range w.mailbox.all() {
		want := "Europe/Lisbon"
		if n.Change == challenge.ProveSecond && n.Subject == challenge.ChangeCode {
			want = "" // a mailbox that may be anybody's
		}
		if told[n.Subject]++; n.Zone != want {
			t.Errorf("mail %d (%s) to %s is in the zone %q, want %q", n.Subject, n.Change, n.Mailbox, n.Zone, want)
		}
	}
	if told[challenge.ChangeCode] != 2 || told[challenge.SignInCode] != 1 || told[challenge.WaysChanged] == 0 {
		t.Errorf("there are %v", told)
	}
	w.mailbox.clear()
	if w.linked(g).mailed(bob); w.mailbox.all()[0].Zone != "" {
		t.Error("somebody else is told that of another")
	}
}
