// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

const labelHeld keyring.Label = "held form"

// MaxHeld bounds what SealHeld makes and OpenHeld reads, in characters. It
// travels in a page and comes back in a form, never in a header.
const MaxHeld = 92 << 10

// errHeld reports a value that SealHeld did not make for the audience.
var errHeld = errors.New("held form cannot be opened")

// SealHeld makes the hidden value in which a page carries what the app has not
// been sent yet, bound to an audience. It is empty where that is too much.
func (g *Gate) SealHeld(plain []byte, audience string) string {
	sealed := base64.RawURLEncoding.EncodeToString(g.house.ring.Seal(labelHeld, plain, []byte(audience)))
	if len(sealed) > MaxHeld {
		return ""
	}
	return sealed
}

// OpenHeld reads what SealHeld made.
func (g *Gate) OpenHeld(sealed, audience string) ([]byte, error) {
	// The decoder would skip line breaks.
	if len(sealed) > MaxHeld || strings.ContainsAny(sealed, "\r\n") {
		return nil, errHeld
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return nil, errHeld
	}
	return g.house.ring.Open(labelHeld, raw, []byte(audience))
}
