// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"cmp"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
)

// keysGate offers passkeys beside every other way, and has room.
func (w *world) keysGate() *challenge.Gate { return w.keysGateAs("gate", challenge.AcceptAny) }

func (w *world) keysGateAs(id string, accept challenge.Accept) *challenge.Gate {
	return w.gate(challenge.GateOptions{ID: id, Policy: challenge.Policy{
		Limits: roomy, Accept: accept, Ways: challenge.WaysPolicy{Tokens: true, Passkeys: true},
	}})
}

// must is the value of a call that has to work.
func must[T any](t testing.TB) func(value T, err error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// makes has an authenticator make a passkey for an offer, and adds it.
func (b *browser) makes(key *passkeystest.Authenticator, name string) (due time.Time, err error) {
	b.w.t.Helper()
	a, flow := b.permit(challenge.Change{Kind: challenge.AddPasskey})
	offer, err := b.gate.NewPasskey(b.w.t.Context(), b.visit(), a, flow)
	if err != nil {
		return time.Time{}, err
	}
	made := challenge.PasskeyMade{Sealed: offer.Sealed, Name: name, Response: must[[]byte](b.w.t)(key.Create(offer.Options))}
	return b.gate.AddPasskey(b.w.t.Context(), b.visit(), a, flow, made)
}

// passkey adds a passkey, that works already.
func (b *browser) passkey(name string) *passkeystest.Authenticator {
	b.w.t.Helper()
	key := passkeystest.New(origin)
	if due, err := b.makes(key, name); err != nil || !due.IsZero() {
		b.w.t.Fatalf("AddPasskey = %v, due %v", err, due)
	}
	return key
}

// asksForPasskey begins, if need be, and is handed a challenge.
func (b *browser) asksForPasskey() (options []byte) {
	b.w.t.Helper()
	if b.flow == nil {
		b.flow = b.gate.NewFlow(b.visit())
	}
	options, flow, err := b.gate.OfferPasskey(b.visit(), b.flow)
	if err != nil {
		b.w.t.Fatal(err)
	}
	b.flow = b.throughCookie(flow)
	return options
}

// throughCookie is a flow as it comes back from its browser.
func (b *browser) throughCookie(f *challenge.Flow) *challenge.Flow {
	b.w.t.Helper()
	return must[*challenge.Flow](b.w.t)(b.gate.OpenFlow(b.gate.SealFlow(f), b.visit()))
}

// answers brings what an authenticator has signed.
func (b *browser) answers(response []byte, remember bool) error {
	entry, err := b.gate.VerifyPasskey(b.w.t.Context(), b.visit(), b.flow, challenge.PasskeyTry{Response: response, Remember: remember})
	if err != nil {
		return err
	}
	b.session = cmp.Or(entry.SetSession, b.session)
	b.device = cmp.Or(entry.SetDevice, b.device)
	return nil
}

// signs goes the whole way with a passkey.
func (b *browser) signs(key *passkeystest.Authenticator, remember bool) error {
	b.w.t.Helper()
	return b.answers(must[[]byte](b.w.t)(key.Get(b.asksForPasskey())), remember)
}

// confirms confirms the browser's session with a passkey.
func (b *browser) confirms(key *passkeystest.Authenticator) error {
	b.w.t.Helper()
	b.flow, b.confirm = nil, must[*challenge.Live](b.w.t)(b.live())
	defer func() { b.flow, b.confirm = nil, nil }()
	return b.signs(key, false)
}

// confirmsByCode confirms it with a mailed code.
func (b *browser) confirmsByCode() error {
	b.w.t.Helper()
	b.flow, b.confirm = nil, must[*challenge.Live](b.w.t)(b.live())
	defer func() { b.flow, b.confirm = nil, nil }()
	return b.enter(b.mailed(challenge.Email(b.confirm.Email)), false)
}

// live is the session that the browser has, whatever a page wants.
func (b *browser) live() (*challenge.Live, error) {
	live, ok := b.gate.Session(b.w.t.Context(), b.visit())
	if !ok {
		return nil, challenge.ErrNoSuch
	}
	return live, nil
}

// class is the acr of the browser's session, as its own account pages see it.
func (b *browser) class() string {
	b.w.t.Helper()
	v := b.visit()
	v.Account = true
	verdict := b.gate.Admit(b.w.t.Context(), v)
	b.session = cmp.Or(verdict.SetSession, b.session)
	b.device = cmp.Or(verdict.SetDevice, b.device)
	if verdict.Decision != challenge.Pass {
		b.w.t.Fatalf("decision %v (%s), want Pass", verdict.Decision, verdict.Reason)
	}
	return verdict.Admission.Class()
}

// wantRefused wants a passkey to be refused, without a word of why.
func wantRefused(t testing.TB, when string, err error) {
	t.Helper()
	try, ok := err.(*challenge.TryError) //nolint:errorlint // it must be this very error
	if !ok || try.Kind != challenge.ErrPasskeyRefused || try.Left != -1 || try.Ref != "" {
		t.Errorf("%s: %v, want %v", when, err, challenge.ErrPasskeyRefused)
	}
}
