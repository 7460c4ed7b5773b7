// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

// shared opens one more machine of many.
func (w *world) shared(ring *keyring.Ring) (*challenge.House, *diary) {
	w.t.Helper()
	own := new(diary)
	h, err := challenge.OpenHouse(context.Background(), challenge.HouseOptions{
		Store: w.store, Ring: ring, Sender: w.mailbox, Now: w.clock.now, Shared: true, Recorder: own,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(h.Close)
	return h, own
}

func TestF01MachinesWaitForAStoreThatIsNotThereYet(t *testing.T) {
	w, s := newFailing(t)
	s.stop(true)
	h, own := w.shared(w.ring)
	g := w.gateOf(h, challenge.GateOptions{})
	b := w.browser(g)
	if v := b.open(); v.Decision != challenge.Unavailable {
		t.Errorf("decision %v, want Unavailable", v.Decision)
	}
	if _, err := b.ask(ana); !errors.Is(err, challenge.ErrUnavailable) {
		t.Errorf("Begin = %v, want ErrUnavailable", err)
	}
	if _, err := g.JWKS(); !errors.Is(err, challenge.ErrUnavailable) {
		t.Errorf("JWKS = %v, want ErrUnavailable", err)
	}
	if health := h.Health(); health.Reads || health.Fault == nil || !health.Read.IsZero() {
		t.Errorf("Health = %+v", health)
	}
	s.stop(false)
	waitFor(t, func() bool { return h.Health().Reads })
	b.signIn(ana, false).wantPass("once the store is there")
	if !own.has(challenge.StoreAway) || !own.has(challenge.StoreBack) {
		t.Error("the operator was not told")
	}
}

func TestRuling19AnotherSecretIsRefusedWhereMachinesShare(t *testing.T) {
	w, _ := newFailing(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	other, err := keyring.New(bytes.Repeat([]byte("fedcba9876543210"), 2))
	if err != nil {
		t.Fatal(err)
	}
	h, _ := w.shared(other)
	if _, err := h.NewGate(t.Context(), challenge.GateOptions{ID: "gate"}); !errors.Is(err, challenge.ErrOtherSecret) {
		t.Errorf("NewGate = %v, want ErrOtherSecret", err)
	}
	b.gate = w.gateOf(w.machine(), challenge.GateOptions{})
	b.wantPass("under the secret that the records were kept under")
}

func TestJWT07KeysTurnOnEveryMachineAndNobodyIsSignedOut(t *testing.T) {
	w, _ := newFailing(t)
	here, own := w.shared(w.ring)
	there, _ := w.shared(w.ring)
	a, b := w.gateOf(here, challenge.GateOptions{}), w.gateOf(there, challenge.GateOptions{})
	early := w.browser(a).signIn(ana, false)
	before := here.KeyList(w.clock.now())

	keys, err := here.RotateKeys(t.Context())
	if err != nil || len(keys) != 2*len(before) {
		t.Fatalf("RotateKeys = %d keys, %v, want %d", len(keys), err, 2*len(before))
	}
	if again, err := here.RotateKeys(t.Context()); err != nil || len(again) != len(keys) {
		t.Errorf("pressed twice: %d keys, %v", len(again), err)
	}
	waitFor(t, func() bool { return len(there.KeyList(w.clock.now())) == len(keys) })
	if !bytes.Equal(jwks(t, a), jwks(t, b)) {
		t.Error("two machines publish different keys")
	}
	w.clock.advance(2 * time.Hour)
	late := w.browser(b).signIn(bob, false)
	for _, one := range []*browser{early, late} {
		for _, g := range []*challenge.Gate{a, b} {
			one.gate = g
			one.wantPass("under old and new keys")
		}
	}
	if kidOf(early.session) == kidOf(late.session) {
		t.Error("the new key does not sign")
	}
	w.clock.advance(10 * 24 * time.Hour)
	here.Rotate(24 * time.Hour)
	waitFor(t, func() bool { return own.has(challenge.KeysRotated) })
}

func kidOf(token string) string {
	head, _, _ := bytes.Cut([]byte(token), []byte("."))
	return string(head)
}
