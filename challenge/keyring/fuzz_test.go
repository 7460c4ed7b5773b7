// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

// FuzzOpen: nothing opens that was not sealed, and what opens is written in
// the one way that SealString writes it.
func FuzzOpen(f *testing.F) {
	ring := newRing(f, knownRoot())
	const genuine = "ZGVmZ2hpamtsbW5vn6bwkBGbFRPULj9KUbkiCecp0Kmnwg63nqTJS-Djpyoaw8kIiWQNLguWxQ"
	f.Add(genuine, []byte("bound"))
	f.Add(genuine+"\n", []byte("bound"))
	f.Add("", []byte(nil))
	f.Add("====", []byte("bound"))
	f.Fuzz(func(t *testing.T, sealed string, bound []byte) {
		plain, err := ring.OpenString("cookie", sealed, bound)
		if err == nil && (sealed != genuine || !bytes.Equal(bound, []byte("bound"))) {
			t.Errorf("OpenString(%q, %q) = %q", sealed, bound, plain)
		}
		if err != nil && (!errors.Is(err, keyring.ErrOpen) || plain != nil) {
			t.Errorf("OpenString = %q, %v, want only ErrOpen", plain, err)
		}
	})
}

// FuzzParseSecret: whatever is taken for a secret makes a Ring.
func FuzzParseSecret(f *testing.F) {
	f.Add("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
	f.Add("correct horse battery staple and so on")
	f.Add(" \n")
	f.Fuzz(func(t *testing.T, text string) {
		root, err := keyring.ParseSecret(text)
		if err != nil {
			return
		}
		if _, err := keyring.New(root); err != nil {
			t.Errorf("New(ParseSecret(%q)) = %v", text, err)
		}
	})
}
