// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

// TestRuling19AnotherSecretSignsEverybodyOut: changing the secret is how an
// operator ends everything at once, so it must neither stop the start nor leave
// anything alive, and a stolen store opens nothing under another root.
func TestRuling19AnotherSecretSignsEverybodyOut(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	b.wantPass("before")

	other := newWorld(t)
	other.store, other.clock = w.store, w.clock
	ring, err := keyring.New([]byte("another secret of thirty-two bytes"))
	if err != nil {
		t.Fatal(err)
	}
	other.ring = ring
	other.house = other.machine()
	b.w, b.gate = other, other.gate(challenge.GateOptions{})
	b.wantCheck("under another secret", challenge.NewBrowser)
	if !other.diary.has(challenge.KeysReplaced) {
		t.Error("the operator was not told")
	}
	b.signIn(ana, false).wantPass("after a new code")

	again := other.machine()
	calm := &diary{}
	if _, err := again.NewGate(t.Context(), challenge.GateOptions{ID: "gate", Recorder: calm}); err != nil {
		t.Fatal(err)
	}
	if calm.has(challenge.KeysReplaced) {
		t.Error("keys were replaced although the secret is the same")
	}
}
