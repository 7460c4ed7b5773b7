// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// Ruling 41: both mailboxes have to say yes.
func TestRuling41ASecondAddressTakesBothCodes(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	b := w.linked(g).signIn(ana, true)
	a, first := b.permit(challenge.Change{Kind: challenge.SetSecond, Detail: string(spare)})
	if n := w.wantTold("the first code", ana, challenge.ChangeCode, 1); n.Change != challenge.SetSecond || n.Second {
		t.Errorf("the mail says %+v", n)
	}
	set := func(f *challenge.Flow) error {
		_, err := g.SetSecond(t.Context(), b.visit(), a, f)
		return err
	}
	if err := set(first); !errors.Is(err, challenge.ErrNoPermit) {
		t.Errorf("by the first code alone: %v", err)
	}
	sent, err := g.BeginSecond(t.Context(), b.visit(), a, first)
	if err != nil {
		t.Fatal(err)
	}
	n := w.wantTold("the second code", spare, challenge.ChangeCode, 1)
	if n.Change != challenge.ProveSecond || !n.Second || n.Account != string(ana) {
		t.Errorf("the mail says %+v", n)
	}
	if err := set(sent.Flow); !errors.Is(err, challenge.ErrNoPermit) {
		t.Errorf("before the second code: %v", err)
	}
	if _, err := b.allowedBy(challenge.ByMail, wrong(n.Code.Reveal(), 0), sent.Flow); !errors.Is(err, challenge.ErrWrongCode) {
		t.Errorf("a wrong second code: %v", err)
	}
	second, err := b.allowedBy(challenge.ByMail, n.Code.Reveal(), sent.Flow)
	if err != nil {
		t.Fatal(err)
	}
	// Its own code may have been had for it only if it was sent there.
	_, own := b.permit(challenge.Change{Kind: challenge.ProveSecond, Detail: "thief@example.org"})
	if err := set(own); !errors.Is(err, challenge.ErrNoPermit) {
		t.Errorf("by a code that went to the first address: %v", err)
	}
	if err := set(second); err != nil {
		t.Fatal(err)
	}
	if err := set(second); !errors.Is(err, challenge.ErrNoPermit) {
		t.Errorf("a second time: %v", err)
	}
	again := *first
	if sent, err = g.BeginSecond(t.Context(), b.visit(), a, &again); err != nil {
		t.Fatal(err)
	}
	if second, err = b.allowedBy(challenge.ByMail, b.lastCode(), sent.Flow); err != nil {
		t.Fatal(err)
	}
	if err := set(second); !errors.Is(err, challenge.ErrNoPermit) {
		t.Errorf("with the first code of before: %v", err)
	}
}

// An address that may not pass looks the same to whoever types it, and never gets
// there; where any may be had, it does.
func TestRuling41ASecondAddressThatMayNotPassLooksTheSame(t *testing.T) {
	outcome := func(address challenge.Email, policy challenge.SecondPolicy) (said []string, mailed int, calls [][]string, set error) {
		c := newClock()
		store := newProbe(c)
		w := newWorldOn(t, c, store)
		g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy, Ways: challenge.WaysPolicy{Second: policy}}})
		b := w.linked(g).signIn(ana, true)
		a, f := b.permit(challenge.Change{Kind: challenge.SetSecond, Detail: string(address)})
		store.take()
		sent, err := g.BeginSecond(t.Context(), b.visit(), a, f)
		if err != nil {
			t.Fatal(err)
		}
		code := b.lastCode()
		said = append(said, fmt.Sprint(sent.Progress.Left, sent.Progress.Ends, sent.Again, sent.Recently))
		calls = append(calls, store.take())
		_, err = b.allowedBy(challenge.ByMail, wrong(code, 0), sent.Flow)
		said, calls = append(said, fmt.Sprint(err, leftOf(t, err))), append(calls, store.take())
		f, err = b.allowedBy(challenge.ByMail, code, sent.Flow)
		if err == nil {
			_, err = g.SetSecond(t.Context(), b.visit(), a, f)
		}
		return said, len(w.mailbox.to(address, challenge.ChangeCode)), calls, err
	}
	wantSaid, mailed, wantCalls, err := outcome(spare, challenge.SecondAllowed)
	if mailed != 1 || err != nil {
		t.Fatalf("one that may pass: %d mails, %v", mailed, err)
	}
	said, mailed, calls, err := outcome(nobody, challenge.SecondAllowed)
	if mailed != 0 || !errors.Is(err, challenge.ErrWrongCode) {
		t.Errorf("one that may not: %d mails, %v", mailed, err)
	}
	if !slices.Equal(said, wantSaid) || fmt.Sprint(calls) != fmt.Sprint(wantCalls) {
		t.Errorf("they differ: %q %q, want %q %q", said, calls, wantSaid, wantCalls)
	}
	if _, mailed, _, err = outcome(nobody, challenge.SecondAny); mailed != 1 || err != nil {
		t.Errorf("where any may be had: %d mails, %v", mailed, err)
	}
}

func TestASecondAddressGetsInWhileItMayPass(t *testing.T) {
	for _, policy := range []challenge.SecondPolicy{challenge.SecondAllowed, challenge.SecondAny} {
		t.Run(string(policy), func(t *testing.T) {
			w := newWorld(t)
			g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy, Ways: challenge.WaysPolicy{Second: policy}}})
			w.linked(g).signIn(ana, true).second(spare)
			enter := func() error {
				b := w.browser(g)
				b.mailed(ana)
				if _, err := b.askSecond(); err != nil {
					return err
				}
				return b.enter(b.lastCode(), false)
			}
			if err := enter(); err != nil {
				t.Fatal(err)
			}
			n := w.wantTold("a code", spare, challenge.SignInCode, 1)
			if !n.Second || n.Account != string(ana) {
				t.Errorf("the mail says %+v", n)
			}
			g.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(ana)}}))
			if err := enter(); (err == nil) != (policy == challenge.SecondAny) {
				t.Errorf("after it was taken off the list: %v", err)
			}
		})
	}
}

// A code is for the address that it was mailed to, and dies with it.
func TestACodeAtASecondAddressEndsWithIt(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(owner *browser)
	}{
		"it is removed":      {func(b *browser) { _, _ = b.remove(challenge.RemoveSecond) }},
		"there is another":   {func(b *browser) { b.second("other@example.org") }},
		"it may not pass":    {func(b *browser) { b.gate.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(ana)}})) }},
		"an entry is denied": {func(b *browser) { b.w.stop(challenge.NewSignIn) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			g := w.waysGate()
			owner := w.linked(g).signIn(ana, true)
			owner.second(spare)
			w.clock.advance(time.Hour)
			w.linked(g).signIn(ana, false)
			thief := w.browser(g)
			thief.mailed(ana)
			if _, err := thief.askSecond(); err != nil {
				t.Fatal(err)
			}
			code := thief.lastCode()
			tt.change(owner)
			if err := thief.enter(code, false); !errors.Is(err, challenge.ErrWrongCode) {
				t.Errorf("its code: %v, want ErrWrongCode", err)
			}
		})
	}
}

// Ruling 11: where there is no second address, a code is made all the same, and never
// matches.
func TestRuling11TheCodeOfASecondAddressThatIsNotThereNeverMatches(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	w.linked(g).signIn(ana, true)
	for _, who := range []challenge.Email{ana, bob, nobody} {
		b := w.browser(g)
		b.mailed(who)
		if _, err := b.askSecond(); err != nil {
			t.Fatal(err)
		}
		if err := b.enter(b.lastCode(), false); !errors.Is(err, challenge.ErrWrongCode) {
			t.Errorf("%s: %v", who, err)
		}
	}
}

// Neither of the two codes fits where the other is asked for.
func TestTheCodesOfBothAddressesAreNotOne(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	w.linked(g).signIn(ana, true).second(spare)
	b := w.browser(g)
	first := b.mailed(ana)
	before := *b
	if _, err := b.askSecond(); err != nil {
		t.Fatal(err)
	}
	second := b.lastCode()
	if err := before.enter(second, false); !errors.Is(err, challenge.ErrWrongCode) {
		t.Errorf("the second address's in the page of the first: %v", err)
	}
	if err := b.enter(first, false); !errors.Is(err, challenge.ErrWrongCode) {
		t.Errorf("the first address's in the page of the second: %v", err)
	}
	if err := b.enter(second, false); err != nil {
		t.Error(err)
	}
}

// ML-11: whoever has one mailbox must not be the only one to read it.
func TestML11ASecondAddressIsToldOfEverything(t *testing.T) {
	const other = challenge.Email("other@example.org")
	w := newWorld(t)
	g := w.waysGate()
	owner := w.linked(g).signIn(ana, true)
	owner.second(spare)
	w.wantTold("it is set", ana, challenge.WaysChanged, 1)
	w.wantTold("it is set", spare, challenge.WaysChanged, 1)
	owner.second(other)
	if n := w.wantTold("another is set", ana, challenge.WaysChanged, 2); n.Account != string(other) {
		t.Errorf("the mail names %q", n.Account)
	}
	w.wantTold("another is set", spare, challenge.WaysChanged, 2)
	w.wantTold("another is set", other, challenge.WaysChanged, 1)
	if _, err := owner.remove(challenge.RemoveSecond); err != nil {
		t.Fatal(err)
	}
	w.wantTold("it is removed", other, challenge.WaysChanged, 2)
	w.wantTold("it is removed", spare, challenge.WaysChanged, 2)
	owner.second(spare)
	w.clock.advance(48 * time.Hour)
	w.linked(g).signIn(ana, false)
	w.wantTold("a new browser", ana, challenge.NewSignIn, 1)
	if n := w.wantTold("a new browser", spare, challenge.NewSignIn, 1); n.Stop == "" || n.Account != string(ana) {
		t.Errorf("the mail says %+v", n)
	}
	if err := g.SetSettings(t.Context(), owner.visit(), owner.admitted(), challenge.PersonSettings{Quiet: true}); err != nil {
		t.Fatal(err)
	}
	w.wantTold("being told less", spare, challenge.WaysChanged, 4)
	w.clock.advance(48 * time.Hour)
	w.linked(g).signIn(ana, false)
	w.wantTold("a new browser that nobody wants to hear of", ana, challenge.NewSignIn, 1)
	w.wantTold("a new browser that nobody wants to hear of", spare, challenge.NewSignIn, 1)
}

func TestTheSecondAddressIsInNoCookieAndInNoClearText(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	w.linked(g).signIn(ana, true).second("a-very-long-address-of-somebody@example.org")
	w.linked(g).signIn(bob, true)
	lengths := map[int]bool{}
	for _, who := range []challenge.Email{"ana@example.com", "bob@example.com"} {
		b := w.browser(g)
		b.mailed(who)
		if _, err := b.askSecond(); err != nil {
			t.Fatal(err)
		}
		lengths[len(g.SealFlow(b.flow))] = true
	}
	if len(lengths) != 1 {
		t.Errorf("the cookies differ in length: %v", lengths)
	}
	for key, value := range dump(t, w) {
		if strings.Contains(key+value, "a-very-long") {
			t.Errorf("%s holds the address", key)
		}
	}
}
