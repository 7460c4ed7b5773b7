// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// BKP-06, ruling 41: what a code allows it allows in its own session, for its own
// change, at its own gate, once.
func TestRuling41APermitIsOfNoUseElsewhere(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	b := w.linked(g).signIn(ana, true)
	_, flow := b.permit(challenge.Change{Kind: challenge.MakeBackupCodes})
	cookie := g.SealFlow(flow)
	if f, err := g.OpenFlow(cookie, b.visit()); err != nil || !g.Permitted(b.visit(), b.admitted(), f, challenge.MakeBackupCodes) {
		t.Fatalf("where it belongs: %v", err)
	}
	use := func(b *browser, f *challenge.Flow) error {
		_, _, err := b.gate.MakeBackupCodes(t.Context(), b.visit(), b.admitted(), f)
		return err
	}
	t.Run("in another session of the same person", func(t *testing.T) {
		other := w.linked(g).signIn(ana, true)
		f, err := g.OpenFlow(cookie, other.visit())
		if err != nil {
			t.Fatal(err)
		}
		if err := use(other, f); !errors.Is(err, challenge.ErrNoPermit) {
			t.Errorf("MakeBackupCodes = %v", err)
		}
	})
	t.Run("in somebody else's session", func(t *testing.T) {
		eve := w.linked(g).signIn(bob, true)
		if err := use(eve, flow); !errors.Is(err, challenge.ErrNoPermit) {
			t.Errorf("MakeBackupCodes = %v", err)
		}
	})
	t.Run("at another gate", func(t *testing.T) {
		there := w.gate(challenge.GateOptions{ID: "there"})
		if _, err := there.OpenFlow(cookie, b.visit()); !errors.Is(err, challenge.ErrNoFlow) {
			t.Errorf("OpenFlow = %v", err)
		}
	})
	t.Run("after signing out and in again", func(t *testing.T) {
		back := *b
		b.signOut(false)
		back.session, back.flow = "", nil
		back.signIn(ana, true)
		if err := use(&back, flow); !errors.Is(err, challenge.ErrNoPermit) {
			t.Errorf("MakeBackupCodes = %v", err)
		}
	})
}

// The code of one change allows no other, signs nobody in and confirms nothing; nor
// do codes for those allow a change.
func TestRuling41TheCodeOfAChangeIsForNothingElse(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	b, other := w.linked(g).signIn(ana, true), w.linked(g).signIn(ana, true)
	change := challenge.Change{Kind: challenge.SetSecond, Detail: string(spare)}
	flow := b.began(change)
	code := b.lastCode()
	try := func(b *browser, f *challenge.Flow) error {
		_, err := g.Verify(t.Context(), b.visit(), f, challenge.Try{Typed: code})
		return err
	}
	for name, edit := range map[string]func(f *challenge.Flow){
		"another change": func(f *challenge.Flow) { f.Change = &challenge.Change{Kind: challenge.EraseData} },
		"another address": func(f *challenge.Flow) {
			f.Change = &challenge.Change{Kind: challenge.SetSecond, Detail: "x@example.org"}
		},
		"a session":  func(f *challenge.Flow) { f.Change = nil },
		"signing in": func(f *challenge.Flow) { f.Change, f.Session = nil, "" },
	} {
		forged := *flow
		edit(&forged)
		if err := try(b, &forged); !errors.Is(err, challenge.ErrWrongCode) {
			t.Errorf("for %s: %v", name, err)
		}
	}
	if err := try(other, flow); !errors.Is(err, challenge.ErrCodeExpired) {
		t.Errorf("in another session: %v", err)
	}
	gone := *b
	b.signOut(false)
	if err := try(&gone, flow); !errors.Is(err, challenge.ErrCodeExpired) {
		t.Errorf("after signing out: %v", err)
	}

	b.flow = nil
	code = b.signIn(ana, true).mailed(ana)
	forged := *b.flow
	forged.Session, forged.Change = b.admitted().Live.Key(), &change
	if err := try(b, &forged); !errors.Is(err, challenge.ErrWrongCode) {
		t.Errorf("a code to sign in: %v", err)
	}
}

// A permit that was used, or is over, must not be in the way of the next one.
func TestAChangeCanBeBegunAnewWhenItsPermitIsOver(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	b := w.linked(g).signIn(ana, true)
	change := challenge.Change{Kind: challenge.MakeBackupCodes}
	_, before := b.permit(change)
	w.clock.advance(6 * time.Minute)
	sent, err := g.Begin(t.Context(), b.changing(change), before, ana)
	if err != nil {
		t.Fatal(err)
	}
	if !sent.Flow.Proves() || g.Permitted(b.visit(), b.admitted(), sent.Flow, change.Kind) {
		t.Error("the flow does not wait for its code")
	}
	flow, err := b.allowedBy(challenge.ByMail, b.lastCode(), sent.Flow)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.MakeBackupCodes(t.Context(), b.visit(), b.admitted(), flow); err != nil {
		t.Error(err)
	}
	if _, err := g.Verify(t.Context(), b.changing(change), flow, challenge.Try{Typed: b.lastCode()}); !errors.Is(err, challenge.ErrCodeExpired) {
		t.Errorf("a code for a flow that has its permit: %v", err)
	}
}

// However many changes are made meanwhile, each permit is used once.
func TestRuling41APermitIsUsedOnceWhateverComesAfterIt(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	b := w.linked(g).signIn(ana, true)
	app := b.app()
	spec := challenge.Change{Kind: challenge.AddToken, Detail: laptop.Detail()}
	a, first := b.permit(spec)
	if _, _, err := g.AddToken(t.Context(), b.visit(), a, first, laptop); err != nil {
		t.Fatal(err)
	}
	for range 25 { // one in each step of the app, until the permit is nearly over
		w.clock.advance(30 * time.Second)
		flow, err := b.allowedBy(challenge.ByApp, app.shows(0), b.began(challenge.Change{Kind: challenge.ExportData}))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := g.Export(t.Context(), b.visit(), a, flow); err != nil {
			t.Fatal(err)
		}
	}
	if !g.Permitted(b.visit(), a, first, challenge.AddToken) {
		t.Fatal("the permit is over")
	}
	if _, _, err := g.AddToken(t.Context(), b.visit(), a, first, laptop); !errors.Is(err, challenge.ErrNoPermit) {
		t.Errorf("the permit once more: %v", err)
	}
}

func TestBKP02ACodeIsTestedWithoutBeingSpent(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	b := w.linked(g).signIn(ana, true)
	codes := b.codes()
	eves := w.linked(g).signIn(bob, true).codes()
	a, flow := b.permit(challenge.Change{Kind: challenge.TestBackupCode})
	test := func(typed string) (bool, error) { return g.TestBackupCode(t.Context(), b.visit(), a, flow, typed) }
	if _, err := g.TestBackupCode(t.Context(), b.visit(), a, nil, codes[0]); !errors.Is(err, challenge.ErrNoPermit) {
		t.Errorf("without a code of its own: %v", err)
	}
	if err := w.browser(g).enterBy(challenge.ByBackup, codes[9], false); err != nil {
		t.Fatal(err)
	}
	for n, tt := range []struct {
		typed string
		want  bool
	}{{codes[0], true}, {spelled(codes[0]), true}, {codes[9], false}, {eves[0], false}, {"", false}} {
		if unused, err := test(tt.typed); err != nil || unused != tt.want {
			t.Errorf("test %d: %t, %v, want %t", n, unused, err, tt.want)
		}
	}
	began := w.clock.now()
	_, err := test(codes[0])
	if limitOf(err) != challenge.LimitTestBackup || !untilOf(t, err).Equal(began.Add(time.Hour)) {
		t.Errorf("the sixth test in an hour: %v", err)
	}
	if got := b.account().Backup.Left; got != 9 {
		t.Errorf("%d codes are left, want 9", got)
	}
	w.wantTold("the one that was used", ana, challenge.BackupCodeUsed, 1)
	w.clock.advance(5 * time.Minute)
	if _, err := test(codes[0]); !errors.Is(err, challenge.ErrNoPermit) {
		t.Errorf("after five minutes: %v", err)
	}
	a, flow = b.permit(challenge.Change{Kind: challenge.TestBackupCode})
	if _, err := test(codes[0]); limitOf(err) != challenge.LimitTestBackup {
		t.Errorf("with another code in the same hour: %v", err)
	}
	w.clock.advance(56 * time.Minute)
	a, flow = b.permit(challenge.Change{Kind: challenge.TestBackupCode})
	if unused, err := test(codes[0]); err != nil || !unused {
		t.Errorf("an hour later: %t, %v", unused, err)
	}
	if err := w.browser(g).enterBy(challenge.ByBackup, codes[0], false); err != nil {
		t.Errorf("the code that was tested: %v", err)
	}
}

// Two answers at once to the page of one permit make one change.
func TestRuling41APermitIsUsedOnceAlsoByTwoAtOnce(t *testing.T) {
	w := newWorld(t)
	there := w.waysGateOf(w.machine())
	b := w.linked(w.waysGate()).signIn(ana, true)
	a, flow := b.permit(challenge.Change{Kind: challenge.MakeBackupCodes})
	results := make(chan error, 16)
	for n := range cap(results) {
		go func() {
			g := b.gate
			if n%2 == 0 {
				g = there
			}
			_, _, err := g.MakeBackupCodes(t.Context(), b.visit(), a, flow)
			results <- err
		}()
	}
	made := 0
	for range cap(results) {
		if err := <-results; err == nil {
			made++
		} else if !errors.Is(err, challenge.ErrNoPermit) {
			t.Error(err)
		}
	}
	if made != 1 {
		t.Errorf("%d of the answers made codes, want 1", made)
	}
}
