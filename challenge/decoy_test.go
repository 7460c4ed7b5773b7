// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

// Rulings 16 and 50: the work is the same whether or not an address may pass.
func TestRuling50KnownAndUnknownAddressesCostTheSame(t *testing.T) {
	steps := func(to challenge.Email) (calls [][]string, queued int, said []string) {
		c := newClock()
		store := newProbe(c)
		w := newWorldOn(t, c, store)
		g := w.gate(challenge.GateOptions{})
		b := w.browser(g)
		store.take()
		step := func(_ any, err error) {
			calls = append(calls, store.take())
			said = append(said, fmt.Sprint(err))
		}
		step(b.ask(to))
		step(nil, b.enter(wrong(b.lastCode(), 0), false))
		step(nil, b.enter(wrong(b.lastCode(), 0), false))
		step(nil, b.enter("12", false))
		step(b.resend())
		c.advance(time.Minute)
		step(b.resend())
		c.advance(6 * time.Minute)
		old := b.lastCode()
		step(b.resend())
		step(nil, b.enter(old, true))
		for n := range 5 {
			step(nil, b.enter(wrong(b.lastCode(), n), false))
		}
		step(b.gate.Progress(t.Context(), b.visit(), b.flow))
		for range 8 {
			step(w.browser(g).ask(to))
		}
		_, _ = guess(w, g, to, 50)
		step(w.browser(g).ask(to))
		return calls, len(w.mailbox.all()), said
	}
	knownCalls, knownQueued, knownSaid := steps(ana)
	unknownCalls, unknownQueued, unknownSaid := steps(nobody)
	if diff := cmp.Diff(knownCalls, unknownCalls); diff != "" {
		t.Errorf("store operations differ (-known +unknown):\n%s", diff)
	}
	if diff := cmp.Diff(knownSaid, unknownSaid); diff != "" {
		t.Errorf("answers differ (-known +unknown):\n%s", diff)
	}
	if knownQueued != unknownQueued {
		t.Errorf("%d mails queued for a known address, %d for an unknown one", knownQueued, unknownQueued)
	}
	if !slices.ContainsFunc(knownCalls, func(c []string) bool { return slices.Contains(c, "update door") }) {
		t.Errorf("no door was opened: %q", knownCalls)
	}
}

func TestRuling11TheCodeOfAnAddressThatMayNotPassNeverMatches(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{}))
	code := b.mailed(nobody)
	if err := b.enter(code, true); leftOf(t, err) != 4 {
		t.Errorf("Verify = %v, want a wrong code with 4 tries left", err)
	}
	if got := w.mailbox.mails(); len(got) != 0 {
		t.Errorf("%d mails went out", len(got))
	}
	if !w.diary.has(challenge.CodeWithheld) {
		t.Error("the operator is not told that a code was withheld")
	}
	for key := range dump(t, w) {
		if strings.HasPrefix(key, "person/") {
			t.Errorf("a person record was written: %s", key)
		}
	}
}

func TestRuling11AnAddressThatWasRemovedMeanwhileGetsNobodyIn(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{}))
	code := b.mailed(ana)
	b.gate.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(bob)}}))
	if err := b.enter(code, true); leftOf(t, err) != 4 {
		t.Errorf("Verify = %v, want a wrong code with 4 tries left", err)
	}
}

func TestRevealSaysWhoIsNotOnTheList(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Reveal: true}})
	if _, err := w.browser(g).ask(nobody); err != challenge.ErrNotListed {
		t.Errorf("Begin = %v, want ErrNotListed", err)
	}
	w.browser(g).signIn(ana, false)
}

// L-25: a stolen store gives no live code, and without the root secret nothing
// to try guesses against.
func TestOTC07TheStoreHoldsNoCode(t *testing.T) {
	w := newWorld(t)
	// So long that no two are the same by chance.
	long := challenge.CodePolicy{Form: challenge.Form{Length: 10, Alphabet: challenge.Digits}}
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Code: long, Limits: roomy}})
	codes := map[string]*browser{}
	for n := range 100 {
		b := w.browser(g)
		codes[b.mailed(someone(n))] = b
		_ = b.enter(wrong(b.lastCode(), 0), false)
	}
	all := dump(t, w)
	var text strings.Builder
	for key, value := range all {
		fmt.Fprintln(&text, key, value)
	}
	// Whole numbers only: a seed in base64 may hold any six digits by chance.
	for _, number := range regexp.MustCompile(`[0-9A-Za-z_-]+`).FindAllString(text.String(), -1) {
		if codes[number] != nil {
			t.Errorf("the store holds the code %s", number)
		}
	}
	for _, personal := range []string{"example", "p7@", "app.example.com"} {
		if strings.Contains(text.String(), personal) {
			t.Errorf("the store holds %q in clear", personal)
		}
	}

	// Whoever has the store and all that a code is made of, but not the root,
	// finds no code by it. With the root the same computation finds them all.
	other, err := keyring.New([]byte("another root....another root...."))
	if err != nil {
		t.Fatal(err)
	}
	found := map[*keyring.Ring]int{}
	for key, value := range all {
		if !strings.HasPrefix(key, "door/") {
			continue
		}
		for n := range 100 {
			for _, ring := range []*keyring.Ring{w.ring, other} {
				code, err := challenge.CodeIn(ring, value, someone(n), "gate")
				if err != nil {
					t.Fatal(err)
				}
				if b := codes[code]; b != nil && b.flow.Address == someone(n) {
					found[ring]++
				}
			}
		}
	}
	if found[w.ring] != 100 || found[other] > 1 {
		t.Errorf("%d codes found with the root and %d without, want 100 and 0", found[w.ring], found[other])
	}
}

func TestRuling18NothingInANoticeLetsAnybodyInButTheCode(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{}))
	b.mailed(ana)
	raw, err := json.Marshal(w.mailbox.all()[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{b.flow.Key(), b.gate.SealFlow(b.flow), "http"} {
		if strings.Contains(string(raw), secret) {
			t.Errorf("the notice holds %q: %s", secret, raw)
		}
	}
}

func TestRuling8MailGoesToTheOperatorsSpelling(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Access: access(t, challenge.AccessOptions{
		Allow:  []string{"Ana.Smith@Example.com", "*@example.org"},
		People: []challenge.Member{{Mailbox: "Bob@Example.com"}},
	})})
	for typed, want := range map[string]string{
		"ANA.SMITH@EXAMPLE.COM": "Ana.Smith@Example.com", "bob@example.com": "Bob@Example.com", "X@ｅxample.org": "x@example.org",
	} {
		address, err := challenge.ParseEmail(typed)
		if err != nil {
			t.Fatal(err)
		}
		w.browser(g).mailed(address)
		all := w.mailbox.all()
		if got := all[len(all)-1].Mailbox; got != want {
			t.Errorf("%s is mailed at %s, want %s", typed, got, want)
		}
	}
}
