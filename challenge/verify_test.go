// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// Two houses on one store are two machines.
func TestOTC04ExactlyOneOfManyRightAnswersWins(t *testing.T) {
	w := newWorld(t)
	policy := challenge.Policy{Limits: roomy, Code: challenge.CodePolicy{Attempts: 1000}}
	gates := []*challenge.Gate{
		w.gate(challenge.GateOptions{Policy: policy}), w.gateOf(w.machine(), challenge.GateOptions{Policy: policy}),
	}
	for range 5 {
		b := w.browser(gates[0])
		code := b.mailed(ana)
		var wins atomic.Int32
		var all sync.WaitGroup
		for i := range 200 {
			rival := *b
			rival.gate = gates[i%2]
			all.Go(func() {
				if err := rival.enter(code, i%3 == 0); err == nil {
					wins.Add(1)
				}
			})
		}
		all.Wait()
		if wins.Load() != 1 {
			t.Fatalf("%d of 200 got in, want 1", wins.Load())
		}
	}
}

func TestOTC05ACodeIsBoundToItsChallenge(t *testing.T) {
	w := newWorld(t)
	gate := w.gate(challenge.GateOptions{})
	other := w.gate(challenge.GateOptions{ID: "other"})
	b := w.browser(gate)
	code := b.mailed(ana)

	t.Run("another browser is refused", func(t *testing.T) {
		thief := w.browser(gate)
		thief.mailed(ana)
		if err := thief.enter(code, false); !errors.Is(err, challenge.ErrWrongCode) || leftOf(t, err) != 4 {
			t.Errorf("Verify = %v, want ErrWrongCode and 4 tries left", err)
		}
	})
	t.Run("another address is refused", func(t *testing.T) {
		flow := *b.flow
		flow.Address = bob
		thief := &browser{w: w, gate: gate, ip: elsewhere(), flow: &flow}
		if err := thief.enter(code, false); !errors.Is(err, challenge.ErrCodeExpired) {
			t.Errorf("Verify = %v, want ErrCodeExpired", err)
		}
	})
	t.Run("another tag of the address is refused", func(t *testing.T) {
		owner := w.browser(gate)
		code := owner.mailed("ana@example.org")
		flow := *owner.flow
		flow.Address = "ana+x@example.org"
		thief := &browser{w: w, gate: gate, ip: elsewhere(), flow: &flow}
		if err := thief.enter(code, false); !errors.Is(err, challenge.ErrWrongCode) {
			t.Errorf("Verify = %v, want ErrWrongCode", err)
		}
	})
	t.Run("another gate is refused", func(t *testing.T) {
		if _, err := other.OpenFlow(gate.SealFlow(b.flow), b.visit()); !errors.Is(err, challenge.ErrNoFlow) {
			t.Errorf("OpenFlow = %v, want ErrNoFlow", err)
		}
		moved := *b
		moved.gate = other
		if err := moved.enter(code, false); !errors.Is(err, challenge.ErrWrongCode) {
			t.Errorf("Verify = %v, want ErrWrongCode", err)
		}
	})
	t.Run("its own browser gets in", func(t *testing.T) {
		if err := b.enter(code, false); err != nil {
			t.Errorf("Verify = %v", err)
		}
	})
}

func TestOTC06ANewCodeEndsTheOlderOne(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{}))
	old := b.mailed(ana)
	first := b.w.mailbox.all()[0].Ref
	w.clock.advance(6 * time.Minute)
	sent, err := b.resend()
	if err != nil || sent.Again || sent.Progress.Ref == first {
		t.Fatalf("Resend = %+v, %v, want a new challenge with other letters", sent, err)
	}
	for n := range 3 {
		if err := b.enter(old, false); !errors.Is(err, challenge.ErrOldCode) || leftOf(t, err) != 5 {
			t.Fatalf("old code, time %d: Verify = %v, want ErrOldCode and 5 tries left", n+1, err)
		}
	}
	if err := b.enter(old, false); !errors.Is(err, challenge.ErrWrongCode) || leftOf(t, err) != 4 {
		t.Errorf("old code, time 4: Verify = %v, want ErrWrongCode and 4 tries left", err)
	}
	if err := b.enter(b.lastCode(), false); err != nil {
		t.Errorf("new code: Verify = %v", err)
	}
}

func TestRL01AfterFiveWrongTriesTheRightCodeFails(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{}))
	code := b.mailed(ana)
	for n, want := range []int{4, 3, 2, 1, 0} {
		if err := b.enter(wrong(code, n), false); leftOf(t, err) != want {
			t.Fatalf("try %d: %d left, want %d", n+1, leftOf(t, err), want)
		}
	}
	if err := b.enter(code, false); !errors.Is(err, challenge.ErrCodeCancelled) {
		t.Errorf("right code: Verify = %v, want ErrCodeCancelled", err)
	}
}

// Of 500 at once, no more are compared than there are tries. Whatever was not
// compared says that the code is cancelled.
func TestOTC09CountsBeforeItCompares(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}}))
	code := b.mailed(ana)
	var mu sync.Mutex
	var left []int
	var all sync.WaitGroup
	for n := range 500 {
		all.Go(func() {
			err := b.enter(wrong(code, n), false)
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, challenge.ErrWrongCode) {
				left = append(left, leftOf(t, err))
			}
		})
	}
	all.Wait()
	slices.Sort(left)
	// The fifth try is compared too, and answers that the code is cancelled.
	if !slices.Equal(left, []int{1, 2, 3, 4}) {
		t.Errorf("compared with these tries left: %v, want 1 2 3 4 and the last", left)
	}
}

func TestF24AmongManyWrongCodesTheRightOneWinsAtMostOnce(t *testing.T) {
	for range 3 {
		w := newWorld(t)
		b := w.browser(w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}}))
		code := b.mailed(ana)
		var wins, compared atomic.Int32
		var all sync.WaitGroup
		for n := range 1000 {
			rival := *b
			all.Go(func() {
				typed := wrong(code, n)
				if n == 100 {
					typed = code
				}
				switch err := rival.enter(typed, false); {
				case err == nil:
					wins.Add(1)
				case errors.Is(err, challenge.ErrWrongCode):
					compared.Add(1)
				}
			})
		}
		all.Wait()
		if wins.Load() > 1 || compared.Load()+wins.Load() > 5 {
			t.Fatalf("%d got in and %d were compared, want at most 1 and 5 together", wins.Load(), compared.Load())
		}
	}
}

func TestRuling12TheSameWrongCodeCostsNothing(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{}))
	code := b.mailed(ana)
	for n, want := range []int{4, 4, 4, 4, 3} {
		if err := b.enter(wrong(code, 0), false); !errors.Is(err, challenge.ErrWrongCode) || leftOf(t, err) != want {
			t.Fatalf("time %d: Verify = %v with %d left, want %d", n+1, err, leftOf(t, err), want)
		}
	}
}

func TestMalformedTextCostsNoTry(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{}))
	code := b.mailed(ana)
	label := w.mailbox.all()[0].Ref
	for range 10 {
		if err := b.enter("1234", false); leftOf(t, err) != 5 {
			t.Fatalf("too short: %d tries left, want 5", leftOf(t, err))
		}
		if err := b.enter(label, false); !errors.Is(err, challenge.ErrLabel) || leftOf(t, err) != 5 {
			t.Fatalf("label: Verify = %v, want ErrLabel and 5 tries left", err)
		}
	}
	if err := b.enter(code, false); err != nil {
		t.Errorf("right code: Verify = %v", err)
	}
}

// Otherwise an old code, which whoever stole it may have from an old mail, would
// be compared for ever.
func TestRuling13NothingIsGivenBackToALockedAddress(t *testing.T) {
	w := newWorld(t)
	limits := roomy
	limits.TryAddress = []challenge.Rate{{N: 2, Per: time.Hour}}
	b := w.browser(w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: limits}}))
	old := b.mailed(ana)
	w.clock.advance(6 * time.Minute)
	if _, err := b.resend(); err != nil {
		t.Fatal(err)
	}
	if err := b.enter(wrong(b.lastCode(), 0), false); leftOf(t, err) != 4 {
		t.Fatalf("%d tries left, want 4", leftOf(t, err))
	}
	if err := b.enter(old, false); limitOf(err) != challenge.LimitTryAddress {
		t.Errorf("old code as the last try: Verify = %v, want a lock", err)
	}
	if err := b.enter(b.lastCode(), false); limitOf(err) != challenge.LimitTryAddress {
		t.Errorf("right code: Verify = %v, want a lock", err)
	}
}

func TestRuling14AFlowEndsOnlyItsOwnChallenge(t *testing.T) {
	w := newWorld(t)
	gate := w.gate(challenge.GateOptions{})
	b, stranger := w.browser(gate), w.browser(gate)
	code := b.mailed(ana)
	other := stranger.mailed(ana)
	for n := range 5 {
		_ = stranger.enter(wrong(other, n), false)
	}
	if err := b.enter(code, false); err != nil {
		t.Errorf("Verify = %v; the challenge of another browser was touched", err)
	}
}

// A flow that goes on with another address must not leave a code behind that
// still opens the door.
func TestRuling13TheChallengeAtAnotherAddressIsDeadToo(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{}))
	code := b.mailed(ana)
	before := *b
	b.mailed(bob)
	if err := before.enter(code, false); !errors.Is(err, challenge.ErrCodeExpired) {
		t.Errorf("Verify = %v, want ErrCodeExpired", err)
	}
	if err := b.enter(b.lastCode(), false); err != nil {
		t.Errorf("new code: Verify = %v", err)
	}
}

func TestProgressTellsHowFarAFlowIs(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: challenge.Limits{TryAddress: []challenge.Rate{{N: 6, Per: time.Hour}}}}}))
	phase := func() challenge.Phase {
		t.Helper()
		p, err := b.gate.Progress(t.Context(), b.visit(), b.flow)
		if err != nil {
			t.Fatal(err)
		}
		return p.Phase
	}
	b.flow = b.gate.NewFlow(b.visit())
	b.flow.Address = ana
	if got := phase(); got != challenge.NoChallenge {
		t.Errorf("before any mail: phase %d, want NoChallenge", got)
	}
	code := b.mailed(ana)
	if got := phase(); got != challenge.Waiting {
		t.Errorf("after the mail: phase %d, want Waiting", got)
	}
	for n := range 5 {
		_ = b.enter(wrong(code, n), false)
	}
	if got := phase(); got != challenge.Cancelled {
		t.Errorf("after five tries: phase %d, want Cancelled", got)
	}
	code = b.mailed(ana)
	_ = b.enter(wrong(code, 0), false)
	if got := phase(); got != challenge.LockedOut {
		t.Errorf("after six tries: phase %d, want LockedOut", got)
	}
	w.clock.advance(time.Hour)
	if got := phase(); got != challenge.Lapsed {
		t.Errorf("an hour later: phase %d, want Lapsed", got)
	}
}

// Whoever can write to the store can end codes, but not make one that is
// guessed at once.
func TestOTC02ATamperedRecordCannotShortenTheCode(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{}))
	code := b.mailed(ana)
	for key := range dump(t, w) {
		if !strings.HasPrefix(key, "door/") {
			continue
		}
		err := w.store.Update(t.Context(), key, func(old []byte, _ time.Time) ([]byte, time.Duration, error) {
			return bytes.Replace(old, []byte(`"Length":6`), []byte(`"Length":1`), 1), time.Hour, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := b.enter(code[:1], false); !errors.Is(err, challenge.ErrCodeExpired) {
		t.Errorf("Verify = %v, want ErrCodeExpired", err)
	}
}
