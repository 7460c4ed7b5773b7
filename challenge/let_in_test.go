// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// letIn makes a code as an operator does.
func (w *world) letIn(g *challenge.Gate, lasts time.Duration) (code string, ends time.Time) {
	w.t.Helper()
	made, err := g.LetIn(w.t.Context(), ana, lasts, "lost phone")
	if err != nil {
		w.t.Fatal(err)
	}
	return made.Code.Reveal(), made.Ends
}

func TestRuling43ACodeThatIsReadOutWorksOnceForItsTime(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	w.linked(g).signIn(ana, true)
	t.Run("once", func(t *testing.T) {
		code, ends := w.letIn(g, 0)
		if len(code) != 8 || strings.Trim(code, "0123456789") != "" {
			t.Errorf("the code is %q, want eight digits", code)
		}
		wantDue(t, "its end", ends, w.clock.now().Add(15*time.Minute))
		b := w.browser(g)
		b.mailed(ana)
		if err := b.enter(code[:4]+" "+code[4:], false); err != nil {
			t.Fatal(err)
		}
		b.wantPass("with it")
		again := w.browser(g)
		again.mailed(ana)
		if err := again.enter(code, false); leftOf(t, err) != 4 || !errors.Is(err, challenge.ErrWrongCode) {
			t.Errorf("a second time: %v", err)
		}
	})
	t.Run("until its end", func(t *testing.T) {
		for lasts, want := range map[time.Duration]time.Duration{0: 15 * time.Minute, time.Minute: time.Minute, 24 * time.Hour: time.Hour} {
			code, ends := w.letIn(g, lasts)
			wantDue(t, "its end", ends, w.clock.now().Add(want))
			w.clock.advance(want)
			late := w.browser(g)
			late.mailed(ana)
			if err := late.enter(code, false); !errors.Is(err, challenge.ErrWrongCode) {
				t.Errorf("after %v: %v", want, err)
			}
			code, _ = w.letIn(g, lasts)
			w.clock.advance(want - time.Second)
			late.mailed(ana)
			if err := late.enter(code, false); err != nil {
				t.Errorf("just before %v: %v", want, err)
			}
		}
	})
	t.Run("until there is another", func(t *testing.T) {
		first, _ := w.letIn(g, 0)
		second, _ := w.letIn(g, 0)
		b := w.browser(g)
		b.mailed(ana)
		if err := b.enter(first, false); !errors.Is(err, challenge.ErrWrongCode) {
			t.Errorf("the first: %v", err)
		}
		if err := b.enter(second, false); err != nil {
			t.Errorf("the second: %v", err)
		}
	})
	t.Run("at its own address", func(t *testing.T) {
		code, _ := w.letIn(g, 0)
		b := w.browser(g)
		b.mailed(bob)
		if err := b.enter(code, false); !errors.Is(err, challenge.ErrWrongCode) {
			t.Errorf("at another address: %v", err)
		}
	})
	t.Run("in one life of the store", func(t *testing.T) {
		w, s := newFailing(t)
		g := w.waysGate()
		code, _ := w.letIn(g, 0)
		b := w.browser(g)
		b.mailed(ana)
		revert := s.snapshot()
		if err := b.enter(code, false); err != nil {
			t.Fatal(err)
		}
		revert()
		again := w.browser(g)
		again.mailed(ana)
		if err := again.enter(code, false); !errors.Is(err, challenge.ErrWrongCode) {
			t.Errorf("once more, after the store failed over: %v", err)
		}
	})
}

// Eight digits count whether there is such a code or not, and end the mailed code as
// any wrong ones do.
func TestRuling43WrongOnesCountLikeCodes(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: triesOnly})
	for _, there := range []bool{false, true} {
		code := "00000000"
		if there {
			code, _ = w.letIn(g, 0)
		}
		b := w.browser(g)
		b.mailed(ana)
		for left := 4; left >= 1; left-- {
			err := b.enter(wrong(code, left), false)
			if !errors.Is(err, challenge.ErrWrongCode) || leftOf(t, err) != left {
				t.Errorf("a code is there: %t: %v, %d left, want %d", there, err, leftOf(t, err), left)
			}
		}
		if err := b.enter(wrong(code, 1), false); !errors.Is(err, challenge.ErrWrongCode) || leftOf(t, err) != 1 {
			t.Errorf("the same wrong one again: %v", err)
		}
		for _, typed := range []string{"1234567", "123456789", "ABCDEFGH"} { // no try of either
			var malformed *challenge.MalformedError
			if err := b.enter(typed, false); !errors.As(err, &malformed) || leftOf(t, err) != 1 {
				t.Errorf("%q: %v", typed, err)
			}
		}
		if err := b.enter(wrong(code, 7), false); !errors.Is(err, challenge.ErrCodeCancelled) {
			t.Errorf("the last: %v", err)
		}
		if err := b.enter(code, false); !errors.Is(err, challenge.ErrCodeCancelled) {
			t.Errorf("the right one after five: %v", err)
		}
	}
	if tries, err := guess(w, g, ana, 20); limitOf(err) != challenge.LimitTryAddress || tries != 5 {
		t.Errorf("%d more tries, then %v, want 5 and the limit", tries, err)
	}
	code, _ := w.letIn(g, 0)
	b := w.browser(g)
	b.flow = g.NewFlow(b.visit())
	b.flow.Address = ana
	if err := b.enter(code, false); limitOf(err) != challenge.LimitTryAddress {
		t.Errorf("the right one while it is locked: %v", err)
	}
}

// Where mailed codes look alike, both fit.
func TestRuling43BothCodesFitWhereTheyLookAlike(t *testing.T) {
	w := newWorld(t)
	long := challenge.CodePolicy{Form: challenge.Form{Length: 8, Alphabet: challenge.Digits}}
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy, Code: long}})
	for range 2 {
		code, _ := w.letIn(g, 0)
		b := w.browser(g)
		mailed := b.mailed(ana)
		if err := b.enter(wrong(code, 0), false); !errors.Is(err, challenge.ErrWrongCode) {
			t.Error(err)
		}
		if err := b.enter(code, false); err != nil {
			t.Errorf("what was read out: %v", err)
		}
		if err := b.enter(mailed, false); !errors.Is(err, challenge.ErrCodeExpired) {
			t.Errorf("the mailed code after that: %v", err)
		}
		w.browser(g).signIn(ana, false)
	}
}

func TestRuling43LettingInRemembersNobodyAndForgetsNobody(t *testing.T) {
	for _, choice := range []challenge.Choice{challenge.ChoiceAsk, challenge.ChoiceAlways} {
		t.Run(string(choice), func(t *testing.T) {
			w := newWorld(t)
			g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy, Devices: challenge.DevicePolicy{Choice: choice}}})
			known := w.linked(g).signIn(ana, true)
			for _, b := range []*browser{w.browser(g), known} {
				code, _ := w.letIn(g, 0)
				b.flow = nil
				b.mailed(ana)
				if err := b.enter(code, true); err != nil {
					t.Fatal(err)
				}
				if live := b.admitted().Live; live.Browser != "" {
					t.Errorf("the browser is remembered as %s", live.Browser)
				}
				b.session = ""
				if v := b.open(); (v.Decision == challenge.Pass) != (b == known) {
					t.Errorf("without the session: %v; remembered before: %t", v.Decision, b == known)
				}
			}
		})
	}
}

func TestRuling43WhoWasLetInChangesNothing(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.linked(g).signIn(ana, true)
	codes := owner.codes()
	code, _ := w.letIn(g, 0)
	b := w.linked(g)
	b.mailed(ana)
	if err := b.enter(code, true); err != nil {
		t.Fatal(err)
	}
	if err := g.MayChange(t.Context(), b.visit(), b.admitted()); !errors.Is(err, challenge.ErrSuspended) {
		t.Errorf("MayChange = %v", err)
	}
	everyChange(t, b, codes[0], challenge.ErrSuspended)
	quiet := challenge.PersonSettings{Quiet: true}
	if err := g.SetSettings(t.Context(), b.visit(), b.admitted(), quiet); !errors.Is(err, challenge.ErrSuspended) {
		t.Errorf("being told less: %v", err)
	}
	if err := g.SetSettings(t.Context(), b.visit(), b.admitted(), challenge.PersonSettings{Zone: "Europe/Lisbon"}); err != nil {
		t.Errorf("a time zone: %v", err)
	}
	got := owner.account()
	if got.Backup.Left != 10 || !got.App.Made.IsZero() || got.Second.Address != "" || len(got.Waiting)+len(got.Tokens) != 0 {
		t.Errorf("the account has %+v", got)
	}
	// A code that is mailed makes it a session like any other.
	b.confirm = b.admitted().Live
	b.flow = nil
	if err := b.enter(b.mailed(ana), false); err != nil {
		t.Fatal(err)
	}
	b.confirm = nil
	if err := g.MayChange(t.Context(), b.visit(), b.admitted()); err != nil {
		t.Errorf("MayChange after a mailed code = %v", err)
	}
}

// everyChange tries each change, after a right code for it.
func everyChange(t *testing.T, b *browser, code string, want error) {
	t.Helper()
	wants := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	_, _, err := b.tryCodes()
	wants("backup codes", err)
	a, f := b.permit(challenge.Change{Kind: challenge.TestBackupCode})
	_, err = b.gate.TestBackupCode(t.Context(), b.visit(), a, f, code)
	wants("testing one", err)
	_, _, err = b.tryApp()
	wants("an app", err)
	_, err = b.trySecond(spare)
	wants("a second address", err)
	for _, kind := range []challenge.ChangeKind{challenge.RemoveApp, challenge.RemoveSecond} {
		_, err = b.remove(kind)
		wants(string(kind), err)
	}
	_, err = b.tryToken(laptop)
	wants("a token", err)
	a, f = b.permit(challenge.Change{Kind: challenge.ExportData})
	_, _, err = b.gate.Export(t.Context(), b.visit(), a, f)
	wants("export", err)
	a, f = b.permit(challenge.Change{Kind: challenge.EraseData})
	_, err = b.gate.Erase(t.Context(), b.visit(), a, f)
	wants("erase", err)
}

func TestRuling43LettingInIsAnnounced(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Host: "app.example.com", App: "Notes", Policy: challenge.Policy{Limits: roomy}})
	owner := w.linked(g).signIn(ana, true)
	owner.second(spare)
	made, err := g.LetIn(t.Context(), ana, 0, "lost\r\nphone \x1b[31m\u202e"+strings.Repeat("x", 300))
	if err != nil {
		t.Fatal(err)
	}
	why := "lost phone [31m " + strings.Repeat("x", 200-16)
	for _, mailbox := range []challenge.Email{ana, spare} {
		n := w.wantTold("a code to read out", mailbox, challenge.CodeReadOut, 1)
		if n.Why != why || !n.Expires.Equal(made.Ends) || n.Host != "app.example.com" || n.App != "Notes" || n.Code.Reveal() != "" || n.Stop != "" {
			t.Errorf("%s is told %+v", mailbox, n)
		}
	}
	w.diary.mu.Lock()
	last := w.diary.events[len(w.diary.events)-1]
	w.diary.mu.Unlock()
	if last.Name != challenge.LetInMade || last.Address != ana || last.Why != why || !last.Until.Equal(made.Ends) {
		t.Errorf("the log says %+v", last)
	}
	if rows := owner.activity(challenge.ActivityQuery{Rows: 1}).Rows; len(rows) != 1 || rows[0].Kind != challenge.ActivityLetIn || rows[0].Browser != "" {
		t.Errorf("the activity says %+v", rows)
	}
	if _, err := g.LetIn(t.Context(), nobody, 0, ""); !errors.Is(err, challenge.ErrNotListed) {
		t.Errorf("for an address that may not pass: %v", err)
	}
	if calls := w.mailbox.about(challenge.CodeReadOut); len(calls) != 2 {
		t.Errorf("%d mails, want 2", len(calls))
	}
	g.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(bob)}}))
	b := w.browser(g)
	b.mailed(ana)
	if err := b.enter(made.Code.Reveal(), false); !errors.Is(err, challenge.ErrWrongCode) {
		t.Errorf("after the address was taken off the list: %v", err)
	}
}

// An address that somebody else has mailed to the limit must not keep its person out:
// that is what such a code is for. It counts like any try, whether there is one or not.
func TestRuling43ACodeThatIsReadOutWorksWhereNoMailMayBeSent(t *testing.T) {
	limits := roomy
	limits.SendAddress, limits.TryAddress = []challenge.Rate{{N: 1, Per: time.Hour}}, []challenge.Rate{{N: 3, Per: time.Hour}}
	for _, there := range []bool{false, true} {
		w := newWorld(t)
		g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: limits}})
		w.browser(g).mailed(ana)
		code := "00000000"
		if there {
			code, _ = w.letIn(g, 0)
		}
		b := w.browser(g)
		b.flow = g.NewFlow(b.visit())
		if _, err := b.ask(ana); limitOf(err) != challenge.LimitSendAddress {
			t.Fatalf("Begin = %v, want the limit of the address", err)
		}
		b.flow.Address = ana // as its page does
		for _, typed := range []string{"12", "123456", "1234567"} {
			if err := b.enter(typed, false); !errors.Is(err, challenge.ErrCodeExpired) {
				t.Errorf("%q: %v", typed, err)
			}
		}
		for n := range 2 {
			if err := b.enter(wrong(code, n), false); !errors.Is(err, challenge.ErrCodeExpired) {
				t.Errorf("a code is there: %t: wrong one %d: %v", there, n, err)
			}
		}
		reported := *b
		if there {
			if err := b.enter(code, false); err != nil {
				t.Fatal(err)
			}
			b.wantPass("with it")
			if err := reported.enter(code, false); !errors.Is(err, challenge.ErrCodeExpired) {
				t.Errorf("a second time: %v", err)
			}
			continue
		}
		for range 2 {
			if err := b.enter(wrong(code, 7), false); limitOf(err) != challenge.LimitTryAddress {
				t.Errorf("the last try: %v, want the limit", err)
			}
		}
	}
}

func TestRuling43WhereNoChallengeWaitsItIsJudgedLikeElsewhere(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(w *world, b *browser)
		want  bool
	}{
		"where a code's time is over": {func(w *world, b *browser) { b.mailed(ana); w.clock.advance(11 * time.Minute) }, true},
		"not for whom the list has no more": {func(w *world, b *browser) {
			b.gate.SetAccess(access(w.t, challenge.AccessOptions{Allow: []string{string(bob)}}))
		}, false},
		"not at another address": {func(_ *world, b *browser) { b.flow.Address = bob }, false},
		"not from a network that was reported": {func(w *world, b *browser) {
			thief := w.linked(b.gate)
			thief.ip = b.ip
			thief.mailed(ana)
			w.linked(b.gate).mustReport(w.mailbox.link(w.t, challenge.SignInCode))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.linked(w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}}))
			b.flow = b.gate.NewFlow(b.visit())
			b.flow.Address = ana
			code, _ := w.letIn(b.gate, time.Hour)
			c.spoil(w, b)
			if err := b.enter(code, false); (err == nil) != c.want {
				t.Errorf("Verify = %v, want it to be right: %t", err, c.want)
			}
		})
	}
}
