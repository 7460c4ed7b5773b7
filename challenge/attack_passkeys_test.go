// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
)

func containsAll(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// A code that was mailed to sign in, a link, or somebody else's session must not be
// enough to make a passkey.
func TestWAU01APasskeyIsMadeInItsSessionWithItsOwnCodeAlone(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	a, flow := owner.permit(challenge.Change{Kind: challenge.AddPasskey})
	offer := must[challenge.PasskeyOffer](t)(owner.gate.NewPasskey(t.Context(), owner.visit(), a, flow))
	made := must[[]byte](t)(passkeystest.New(origin).Create(offer.Options))
	thief := w.linked(owner.gate).signIn(ana, false)
	_, permitted := thief.permit(challenge.Change{Kind: challenge.AddPasskey})
	_, forApp := thief.permit(challenge.Change{Kind: challenge.AddApp})
	for name, try := range map[string]struct {
		by   *browser
		flow *challenge.Flow
	}{
		"without a code":                     {thief, nil},
		"with the code of a sign-in":         {thief, thief.flow},
		"with a code for another change":     {thief, forApp},
		"with the permit of another session": {thief, flow},
		"with the offer of another session":  {thief, permitted},
	} {
		if _, err := thief.gate.AddPasskey(t.Context(), thief.visit(), thief.admitted(), try.flow, challenge.PasskeyMade{Sealed: offer.Sealed, Response: made}); !errors.Is(err, challenge.ErrNoPermit) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := thief.gate.NewPasskey(t.Context(), thief.visit(), thief.admitted(), try.flow); try.flow != permitted && !errors.Is(err, challenge.ErrNoPermit) {
			t.Errorf("%s, asking for an offer: %v", name, err)
		}
	}
	if _, err := owner.gate.AddPasskey(t.Context(), owner.visit(), a, flow, challenge.PasskeyMade{Sealed: offer.Sealed, Response: made}); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.gate.AddPasskey(t.Context(), owner.visit(), a, flow, challenge.PasskeyMade{Sealed: offer.Sealed, Response: made}); !errors.Is(err, challenge.ErrNoPermit) {
		t.Errorf("a second time with one code: %v", err)
	}
}

func TestWAU01TheChallengeOfANewPasskeyIsFresh(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	a, flow := owner.permit(challenge.Change{Kind: challenge.AddPasskey})
	old := must[challenge.PasskeyOffer](t)(owner.gate.NewPasskey(t.Context(), owner.visit(), a, flow))
	other := must[challenge.PasskeyOffer](t)(owner.gate.NewPasskey(t.Context(), owner.visit(), a, flow))
	made := must[[]byte](t)(passkeystest.New(origin).Create(old.Options))
	add := func(sealed string) error {
		_, err := owner.gate.AddPasskey(t.Context(), owner.visit(), a, flow, challenge.PasskeyMade{Sealed: sealed, Response: made})
		return err
	}
	if err := add(other.Sealed); !errors.Is(err, challenge.ErrWrongAnswer) {
		t.Errorf("for the challenge of another offer: %v", err)
	}
	w.clock.advance(5 * time.Minute)
	if err := add(old.Sealed); !errors.Is(err, challenge.ErrNoPermit) {
		t.Errorf("after five minutes: %v", err)
	}
}

// What the package passkeys refuses must be refused through the whole door, whatever is
// altered, and nobody may tell from the answer what was wrong.
func TestWAU02NoAlteredPasskeyLetsIn(t *testing.T) {
	for name, alter := range map[string]func(k *passkeystest.Authenticator){
		"the origin": func(k *passkeystest.Authenticator) { k.Origin = "https://evil.example" },
		"the site":   func(k *passkeystest.Authenticator) { k.Data = func(d []byte) []byte { d[0] ^= 1; return d } },
		"the challenge": func(k *passkeystest.Authenticator) {
			k.Client = func(said map[string]any) { said["challenge"] = "AAAA" }
		},
		"the kind": func(k *passkeystest.Authenticator) {
			k.Client = func(said map[string]any) { said["type"] = "webauthn.create" }
		},
		"a frame around it": func(k *passkeystest.Authenticator) {
			k.Client = func(said map[string]any) { said["crossOrigin"] = true }
		},
		"that nobody was there": func(k *passkeystest.Authenticator) { k.Flags &^= passkeystest.Present },
		"that nobody was asked": func(k *passkeystest.Authenticator) { k.Flags &^= passkeystest.Verified },
		"whose it is":           func(k *passkeystest.Authenticator) { k.Handle = []byte("sixteen bytes!!!") },
		"that it is nobody's":   func(k *passkeystest.Authenticator) { k.Handle = nil },
		"a longer handle":       func(k *passkeystest.Authenticator) { k.Handle = append(k.Handle, 0) },
		"which it is":           func(k *passkeystest.Authenticator) { k.ID = []byte("another credential") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			owner := w.settled(w.keysGate(), ana)
			key := owner.passkey("phone")
			alter(key)
			b := w.linked(owner.gate)
			wantRefused(t, "altered", b.signs(key, false))
			if b.session != "" {
				t.Error("it has a session")
			}
		})
	}
}

func TestWAU02APasskeyOfSomebodyElseLeadsToThemAlone(t *testing.T) {
	w := newWorld(t)
	g := w.keysGate()
	hers, his := w.settled(g, ana).passkey("hers"), w.settled(g, bob).passkey("his")
	his.Handle = hers.Handle
	wantRefused(t, "a key with the handle of somebody else", w.linked(g).signs(his, false))
	his.ID = hers.ID
	wantRefused(t, "and the name of their passkey", w.linked(g).signs(his, false))
}

func TestWAU02AChallengeIsAnsweredOnce(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := owner.passkey("phone")
	key.Step = 0 // no count gives a copy away
	b := w.linked(owner.gate)
	response := must[[]byte](t)(key.Get(b.asksForPasskey()))
	thief := *b
	thief.ip = elsewhere()
	if err := b.answers(response, false); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, "with cookie and answer of another browser", thief.answers(response, false))
	w.clock.advance(4 * time.Minute)
	wantRefused(t, "a while later", thief.answers(response, false))
}

func TestWAU02AChallengeIsGoodForFiveMinutes(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := owner.passkey("phone")
	b := w.linked(owner.gate)
	response := must[[]byte](t)(key.Get(b.asksForPasskey()))
	w.clock.advance(5 * time.Minute)
	wantRefused(t, "after five minutes", b.answers(response, false))
}

// A challenge is for its own flow, purpose, gate and site: what somebody signs to
// confirm a session must not be of use to sign in, to change their ways, or elsewhere.
func TestWAU02AChallengeIsOfNoUseForAnythingElse(t *testing.T) {
	w := newWorld(t)
	g := w.keysGate()
	owner := w.settled(g, ana)
	key := owner.passkey("phone")
	key.Step = 0
	signIn := w.linked(g)
	response := must[[]byte](t)(key.Get(signIn.asksForPasskey()))
	change := challenge.Change{Kind: challenge.AddToken}
	ofChange := *owner.began(change)
	ofChange.Passkey = signIn.flow.Passkey
	_, err := g.VerifyPasskey(t.Context(), owner.changing(change), &ofChange, challenge.PasskeyTry{Response: response})
	wantRefused(t, "for a change", err)
	other := w.linked(g)
	other.asksForPasskey()
	moved := *other.flow
	moved.Passkey = signIn.flow.Passkey
	other.flow = &moved
	wantRefused(t, "in another flow", other.answers(response, false))
	elsewhere := *signIn
	elsewhere.link = "https://other.example.com/.doorcode/"
	wantRefused(t, "at another site", elsewhere.answers(response, false))
	atOther := *signIn
	atOther.gate = w.keysGateAs("second gate", challenge.AcceptAny)
	wantRefused(t, "at another gate", atOther.answers(response, false))
	if err := signIn.answers(response, false); err != nil {
		t.Errorf("for what it is: %v", err)
	}
}

func TestWAU02ACopyOfAPasskeyIsRefusedAndToldOf(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := owner.passkey("phone")
	clone := key.Copy()
	for range 2 {
		if err := w.linked(owner.gate).signs(key, false); err != nil {
			t.Fatal(err)
		}
	}
	w.mailbox.clear()
	wantRefused(t, "the copy", w.linked(owner.gate).signs(clone, false))
	wantRefused(t, "the passkey itself after that", w.linked(owner.gate).signs(key, false))
	if n := w.mailbox.mails(); len(n) != 1 || n[0].Change != challenge.StopPasskey {
		t.Errorf("mails: %+v", n)
	}
	if !owner.account().Passkeys[0].Cloned || w.diary.count(challenge.PasskeyCloned) != 1 {
		t.Error("nobody is told")
	}
}

// STP-02: the same factor twice is one factor, and a step-up is worth what it was done
// by, no more and no less.
func TestSTP02ACodeNeverMakesASessionWorthAPasskey(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := owner.passkey("phone")
	codes := owner.codes()
	begins := map[string]func(b *browser){
		challenge.ClassRecovery: func(b *browser) {
			b.mailed(ana)
			b.recovers(challenge.ByBackup, codes[0])
			codes = codes[1:]
		},
		challenge.ClassCode:    func(b *browser) { b.signIn(ana, false) },
		challenge.ClassPasskey: func(b *browser) { _ = b.signs(key, false) },
	}
	steps := map[string]func(b *browser) error{
		challenge.ClassCode:    func(b *browser) error { return b.confirmsByCode() },
		challenge.ClassPasskey: func(b *browser) error { return b.confirms(key) },
	}
	for first, begin := range begins {
		for then, step := range steps {
			b := w.linked(owner.gate)
			begin(b)
			if got := b.class(); got != first {
				t.Errorf("it begins as %s, want %s", got, first)
			}
			if err := step(b); err != nil {
				t.Fatal(err)
			}
			if got := b.class(); got != then {
				t.Errorf("%s and then %s is %s", first, then, got)
			}
		}
	}
}

func TestSTP02OnlyAPasskeyOpensWhatAcceptsPasskeysAlone(t *testing.T) {
	w := newWorld(t)
	g := w.keysGateAs("gate", challenge.AcceptPasskey)
	w.settled(w.keysGateAs("another gate", challenge.AcceptAny), ana)
	b := w.linked(w.keysGateAs("gate", challenge.AcceptAny)).signIn(ana, true)
	w.clock.advance(48 * time.Hour)
	b.wantPass("where everything is accepted")
	key := b.passkey("phone")
	b.gate = g
	b.wantCheck("with a code", challenge.NeedsPasskey)
	if got := b.class(); got != challenge.ClassCode {
		t.Errorf("the account sees %s", got)
	}
	if err := b.confirmsByCode(); err != nil {
		t.Fatal(err)
	}
	b.wantCheck("with one more code", challenge.NeedsPasskey)
	if err := b.confirms(key); err != nil {
		t.Fatal(err)
	}
	b.wantPass("with a passkey")
	w.clock.advance(24 * time.Hour)
	b.wantPass("as a browser that is remembered since")
	if err := b.confirmsByCode(); err != nil {
		t.Fatal(err)
	}
	b.wantCheck("once a code was the last proof", challenge.NeedsPasskey)
}

func TestSTP02NoAccessTokenOpensWhatAcceptsPasskeysAlone(t *testing.T) {
	w := newWorld(t)
	all := w.keysGate()
	token := w.settled(all, ana).token(laptop)
	if _, err := w.program(all).shows(token); err != nil {
		t.Fatal(err)
	}
	strict := w.keysGateAs("strict", challenge.AcceptPasskey)
	if _, err := w.program(strict).shows(token); !errors.Is(err, challenge.ErrTokenScope) {
		t.Errorf("got %v", err)
	}
	if strict.Offers().Tokens {
		t.Error("they are offered")
	}
}

// Ruling 40: a passkey that was added since a reported entry, or shortly before, counts
// for nothing, and one that was there before goes on.
func TestRuling40APasskeyThatIsNewerThanTheReportIsSuspended(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	old := owner.passkey("old")
	w.clock.advance(10 * 24 * time.Hour)
	owner.wantPass("ten days later")
	fresh := owner.passkey("new")
	w.linked(owner.gate).signIn(ana, true)
	link := w.mailbox.link(t, challenge.NewSignIn)
	w.browser(owner.gate).mustReport(link)
	if err := w.linked(owner.gate).signs(old, false); err != nil {
		t.Errorf("the old one: %v", err)
	}
	wantRefused(t, "the new one", w.linked(owner.gate).signs(fresh, false))
	states := map[string]bool{}
	for _, s := range owner.account().Passkeys {
		states[s.Name] = s.Suspended
	}
	if states["old"] || !states["new"] {
		t.Errorf("suspended: %v", states)
	}
}
