// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

func TestNewSecretsParseAndDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		text, err := keyring.NewSecret()
		if err != nil || len(text) != 43 || seen[text] {
			t.Fatalf("NewSecret = %d characters, %v, new: %t", len(text), err, !seen[text])
		}
		seen[text] = true
		root, err := keyring.ParseSecret(text)
		if err != nil || len(root) != 32 {
			t.Fatalf("ParseSecret = %d bytes, %v, want 32", len(root), err)
		}
	}
}

func TestJWT06WeakAndShortSecretsAreRefused(t *testing.T) {
	word := base64.RawURLEncoding.EncodeToString(knownRoot())
	for _, tt := range []struct {
		name, text string
		want       []byte
		err        error
	}{
		{"a printed secret stands for its 32 bytes", word, knownRoot(), nil},
		{"a final newline does not count", word + "\r\n", knownRoot(), nil},
		{"other text stands for itself", "correct horse battery staple and so on", []byte("correct horse battery staple and so on"), nil},
		{"64 hexadecimal digits stand for themselves", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", []byte("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"), nil},
		{"nothing is too short", "", nil, keyring.ErrShort},
		{"31 characters are too short", "correct horse battery staple an", nil, keyring.ErrShort},
		{"white space adds no length", "correct horse" + strings.Repeat(" ", 40), nil, keyring.ErrShort},
		{"one letter over and over is weak", strings.Repeat("x", 64), nil, keyring.ErrWeak},
		{"changeme over and over is weak", strings.Repeat("changeme", 8), nil, keyring.ErrWeak},
		{"a printed secret of zeros is weak", strings.Repeat("A", 43), nil, keyring.ErrWeak},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root, err := keyring.ParseSecret(tt.text)
			if !errors.Is(err, tt.err) || !bytes.Equal(root, tt.want) {
				t.Errorf("ParseSecret = %q, %v, want %q, %v", root, err, tt.want, tt.err)
			}
			if err != nil && tt.text != "" && strings.Contains(err.Error(), tt.text) {
				t.Errorf("the error quotes the secret: %v", err)
			}
		})
	}
}
