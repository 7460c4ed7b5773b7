// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/bound"
	"github.com/doorcode/caddy-doorcode/challenge/bound/boundtest"
)

// lapsed is when a pass is over, for whoever is late.
const lapsed = bound.PassLife + bound.Slack

// A machine is a browser that has made a key.
type machine struct {
	*browser
	key *boundtest.Key
	sid string
}

// offered is what the browser's session is offered, if anything.
func (b *browser) offered() (challenge.Offer, bool) {
	b.w.t.Helper()
	live, ok := b.gate.Session(context.Background(), b.visit())
	if !ok {
		b.w.t.Fatal("no session that counts")
	}
	return b.gate.Offer(b.visit(), live)
}

// binds makes a key for a browser that has a session, and shows its pass once.
func (b *browser) binds() *machine {
	b.w.t.Helper()
	m := b.registers()
	m.wantPass("with its first pass")
	return m
}

// registers makes a key, and does not use what is answered.
func (b *browser) registers() *machine {
	b.w.t.Helper()
	m := &machine{browser: b, key: boundtest.NewKey()}
	o, wanted := b.offered()
	if !wanted {
		b.w.t.Fatal("no key is wanted")
	}
	got, err := b.gate.Bind(context.Background(), b.visit(), m.key.Register(o.Challenge, o.Authorization))
	if err != nil {
		b.w.t.Fatalf("Bind = %v", err)
	}
	m.sid, b.pass = got.Session, got.Pass
	return m
}

// asked is what the machine is to sign.
func (m *machine) asked() string {
	m.w.t.Helper()
	c, ok := m.gate.AskProof(m.visit(), m.sid)
	if !ok {
		m.w.t.Fatal("nothing is asked")
	}
	return c
}

func (m *machine) prove(token string) error {
	pass, err := m.gate.Prove(context.Background(), m.visit(), m.sid, token)
	if err == nil {
		m.pass = pass
	}
	return err
}

func (m *machine) refresh() error { return m.prove(m.key.Prove(m.asked())) }

// jar is a copy of all cookies of a machine, in other hands.
func (m *machine) jar() *browser {
	thief := *m.browser
	thief.ip, thief.flow = elsewhere(), nil
	return &thief
}

// both runs a test for browsers that are remembered, and for such that are not.
func both(t *testing.T, test func(t *testing.T, w *world, m *machine)) {
	for name, remember := range map[string]bool{"a remembered browser": true, "a browser that is not remembered": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test(t, w, w.browser(w.gate(challenge.GateOptions{})).signIn(ana, remember).binds())
		})
	}
}

func TestBND01ABoundSessionNeedsItsPass(t *testing.T) {
	both(t, func(t *testing.T, w *world, m *machine) {
		for range 4 {
			w.clock.advance(bound.PassLife + bound.Slack/2)
			m.wantPass("a request that was under way when the pass ran out")
			w.clock.advance(bound.Slack)
			m.wantCheck("without a new pass", challenge.Unproved)
			if err := m.refresh(); err != nil {
				t.Fatalf("Prove = %v", err)
			}
			m.wantPass("with a new pass")
		}
		m.pass = "nonsense"
		m.wantCheck("with something else", challenge.Unproved)
	})
}

// Requests are on their way while the first pass is set, and the ten tabs of a browser
// register at once.
func TestRequestsBesideARegistrationPass(t *testing.T) {
	both(t, func(t *testing.T, w *world, m *machine) {
		early := *m.browser
		early.pass = ""
		early.wantPass("sent before the answer to the registration arrived")
		w.clock.advance(2 * time.Minute)
		early.wantCheck("much later", challenge.Unproved)
		m.wantPass("with the pass")
	})
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	var offers []challenge.Offer
	for range 3 {
		w.clock.advance(time.Second)
		o, _ := b.offered()
		offers = append(offers, o)
	}
	taken := 0
	for _, o := range offers {
		if _, err := b.gate.Bind(t.Context(), b.visit(), boundtest.NewKey().Register(o.Challenge, o.Authorization)); err == nil {
			taken++
		} else if !errors.Is(err, challenge.ErrBoundAlready) {
			t.Errorf("Bind = %v, want ErrBoundAlready", err)
		}
	}
	if taken != 1 {
		t.Errorf("%d keys were taken of one browser, want 1", taken)
	}
}

func TestBND02AStolenJarIsRefusedAndAnnounced(t *testing.T) {
	both(t, func(t *testing.T, w *world, m *machine) {
		thief := m.jar()
		w.mailbox.clear()
		thief.wantPass("while the stolen pass lasts, as the protocol has it")
		w.clock.advance(lapsed)
		if err := m.refresh(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			thief.wantCheck("when it is over", challenge.Unproved)
			w.clock.advance(time.Second)
		}
		if n := w.diary.count(challenge.KeyUnproved); n != 1 {
			t.Errorf("the operator is told %d times, want once", n)
		}
		mails := w.mailbox.mails()
		if len(mails) != 1 || mails[0].Subject != challenge.CookiesCopied || mails[0].Mailbox != string(ana) {
			t.Errorf("mails = %+v, want one about copied cookies", mails)
		}
		v := m.wantPass("the owner, whom nobody has signed out")
		page, err := m.gate.Activity(t.Context(), m.visit(), v.Admission, challenge.ActivityQuery{Problems: true})
		if err != nil || len(page.Rows) != 1 || page.Rows[0].Kind != challenge.ActivityUnproved {
			t.Errorf("the person's activity says %+v, %v", page.Rows, err)
		}
	})
}

func TestBND02ThePersonIsToldAgainTheNextDay(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Session: challenge.SessionPolicy{Lifetime: 72 * time.Hour}}})
	m := w.browser(g).signIn(ana, false).binds()
	thief := m.jar()
	for range 5 {
		w.clock.advance(12 * time.Hour)
		thief.wantCheck("the copy", challenge.Unproved)
	}
	if n := w.diary.count(challenge.KeyUnproved); n != 3 {
		t.Errorf("told %d times in 60 hours, want 3", n)
	}
}

// A thief without the key is refused on each machine, whichever cached the session when.
func TestBND02EachMachineLearnsOfAKey(t *testing.T) {
	both(t, func(t *testing.T, w *world, _ *machine) {
		w.house = sharedMachine(w)
		there := sharedMachine(w)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(bob, true)
		copied := *b
		copied.ip, copied.gate = elsewhere(), w.gateOf(there, challenge.GateOptions{})
		copied.wantPass("cached on another machine before there was a key")
		m := b.binds()
		w.clock.advance(lapsed)
		waitFor(t, func() bool { return copied.open().Reason == challenge.Unproved })
		if err := m.refresh(); err != nil {
			t.Fatal(err)
		}
		m.gate = copied.gate
		m.wantPass("the owner, on that machine")
	})
}

func sharedMachine(w *world) *challenge.House {
	w.t.Helper()
	h, err := challenge.OpenHouse(context.Background(), challenge.HouseOptions{
		Store: w.store, Ring: w.ring, Sender: w.mailbox, Now: w.clock.now, Shared: true, Gather: time.Hour,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(h.Close)
	return h
}

// What is kept in memory of new keys is bounded: a session that has slept for too long
// is looked up anew.
func TestASessionThatSleptLearnsOfItsKeyFromTheRecord(t *testing.T) {
	w := newWorld(t)
	there := w.machine()
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	sleeper := *b
	sleeper.gate = w.gateOf(there, challenge.GateOptions{})
	sleeper.wantPass("cached before there was a key")
	b.binds()
	w.clock.advance(2 * time.Hour)
	challenge.NoteHolds(there, 600) // none of them its own: nobody told of that
	w.clock.advance(2 * time.Hour)
	challenge.NoteHolds(there, 300)
	sleeper.wantCheck("after what was told meanwhile is forgotten", challenge.Unproved)
}

// A cookie of the session from before its code was confirmed is another one in memory.
func TestAnOlderCookieOfABoundSessionIsHeldToTheKeyToo(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	older := *b
	older.ip = elsewhere()
	older.wantPass("cached")
	b.confirm = b.wantPass("signed in").Admission.Live
	if err := b.enter(b.mailed(ana), false); err != nil {
		t.Fatal(err)
	}
	b.confirm = nil
	b.binds()
	w.clock.advance(lapsed)
	older.wantCheck("a copy of the older cookie", challenge.Unproved)
}

func TestRuling46ABoundBrowserEntersByItsDeviceCookieOnlyWithProof(t *testing.T) {
	w := newWorld(t)
	m := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true).binds()
	thief := m.jar()
	w.clock.advance(13 * time.Hour)
	w.mailbox.clear()
	for range 2 {
		v := thief.open()
		if v.Decision != challenge.Check || v.Reason != challenge.Unproved || v.Remembered != "" {
			t.Errorf("the copy: %v (%s), address %q; want a check that names nobody", v.Decision, v.Reason, v.Remembered)
		}
		thief.session = ""
	}
	if mails := w.mailbox.mails(); len(mails) != 1 || mails[0].Subject != challenge.CookiesCopied {
		t.Errorf("mails = %+v, want one about copied cookies", mails)
	}
	m.wantCheck("the owner, before the proof", challenge.Unproved)
	if err := m.refresh(); err != nil {
		t.Fatal(err)
	}
	before := m.session
	m.wantPass("the owner, with the proof")
	if m.session == before {
		t.Error("there is no new session")
	}
	w.clock.advance(lapsed)
	m.wantCheck("the new session, without", challenge.Unproved)
	if _, wanted := w.browser(m.gate).signIn(bob, true).offered(); !wanted {
		t.Error("a browser without a key is not asked for one")
	}
}

// A copy must not use what its owner may, without the proof.
func TestRuling46ACopyHasNothingOfItsOwners(t *testing.T) {
	both(t, func(t *testing.T, w *world, m *machine) {
		known := func(b *browser) bool {
			b.mailed(ana)
			all := w.mailbox.all()
			return all[len(all)-1].Known
		}
		thief := m.jar()
		w.clock.advance(lapsed)
		if known(thief) {
			t.Error("the copy has the own bucket")
		}
		if err := m.refresh(); err != nil {
			t.Fatal(err)
		}
		if !known(m.browser) {
			t.Error("the owner has no own bucket")
		}
	})
}

func TestAPersonSeesWhichBrowsersAreBound(t *testing.T) {
	both(t, func(t *testing.T, _ *world, m *machine) {
		loose := m.w.browser(m.gate).signIn(ana, true)
		for _, b := range loose.account().Browsers {
			if b.Bound == b.This {
				t.Errorf("%+v: bound is %v", b, b.Bound)
			}
		}
	})
}

func TestAPersonsDataSaysSinceWhenABrowserIsBound(t *testing.T) {
	both(t, func(t *testing.T, w *world, _ *machine) {
		raw, err := w.house.ExportPerson(t.Context(), ana)
		if err != nil || strings.Count(string(raw), `"bound": "2026-08-01T12:00:00Z"`) != 1 {
			t.Errorf("%v in:\n%s", err, raw)
		}
	})
}

// A right code makes another browser of it, so that no key of anybody is replaced.
func TestRuling46ACodeMakesANewBrowser(t *testing.T) {
	both(t, func(t *testing.T, w *world, m *machine) {
		owner := m.jar()
		w.clock.advance(lapsed)
		owner.wantCheck("unproved", challenge.Unproved)
		w.mailbox.clear()
		owner.signIn(ana, true)
		owner.wantPass("after a code, without a key")
		told := false
		for _, n := range w.mailbox.mails() {
			told = told || n.Subject == challenge.NewSignIn
		}
		if !told {
			t.Error("nobody is told of a sign-in from a browser that did not prove to be known")
		}
		if err := m.refresh(); !errors.Is(err, challenge.ErrUnbound) {
			t.Errorf("the key of what the code replaced: %v, want ErrUnbound", err)
		}
		owner.binds()
	})
}

func TestBND01SigningOutEndsTheBinding(t *testing.T) {
	both(t, func(t *testing.T, w *world, m *machine) {
		asked := m.asked()
		if _, err := m.gate.SignOut(t.Context(), m.visit(), m.wantPass("in").Admission, false); err != nil {
			t.Fatal(err)
		}
		if err := m.prove(m.key.Prove(asked)); !errors.Is(err, challenge.ErrUnbound) {
			t.Errorf("Prove = %v, want ErrUnbound", err)
		}
		m.wantCheck("afterwards", challenge.Ended)
	})
}

func TestBND04ABrowserWithoutKeysSeesNoDifference(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	if _, wanted := b.offered(); !wanted {
		t.Error("it is not asked")
	}
	for range 11 {
		w.clock.advance(time.Hour)
		b.wantPass("in its session")
	}
	w.clock.advance(2 * time.Hour)
	b.wantPass("renewed")
	b.gate.Skipped(t.Context(), b.visit(), "quota_exceeded")
	if !w.diary.has(challenge.ProofSkipped) || w.diary.has(challenge.KeyUnproved) {
		t.Error("what a browser says of a skipped proof is not noted, or is believed")
	}
}
