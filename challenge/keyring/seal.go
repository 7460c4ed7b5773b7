// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"encoding/base64"
	"strings"
)

// maxSealedString bounds what OpenString decodes, in characters. A browser
// sends 4 KiB of one cookie; whoever sends more is refused before any work.
const maxSealedString = 8 << 10

// strict refuses trailing bits, which would give one value several spellings.
var strict = base64.RawURLEncoding.Strict()

// Seal encrypts plain with AES-256-GCM under the key of label and a random
// nonce, and binds it to bound, which must be given again to [Ring.Open] and is
// not part of the result. The result is 28 bytes longer than plain.
//
// One label seals safely about four thousand million times (2^32).
func (r *Ring) Seal(label Label, plain, bound []byte) []byte {
	return r.of(label).aead.Seal(nil, nil, plain, bound)
}

// Open returns what [Ring.Seal] was given under the same label and bound to
// the same bytes, or [ErrOpen].
func (r *Ring) Open(label Label, sealed, bound []byte) ([]byte, error) {
	plain, err := r.of(label).aead.Open(nil, nil, sealed, bound)
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// SealString is [Ring.Seal] in base64url without padding, for cookies and
// hidden form fields. [Ring.OpenString] takes back up to about 6 KB of plain.
func (r *Ring) SealString(label Label, plain, bound []byte) string {
	return strict.EncodeToString(r.Seal(label, plain, bound))
}

// OpenString returns what [Ring.SealString] was given, or [ErrOpen]. It accepts
// the one spelling that SealString writes, and at most 8 KiB of it.
func (r *Ring) OpenString(label Label, sealed string, bound []byte) ([]byte, error) {
	// The decoder skips line breaks, even when strict.
	if len(sealed) > maxSealedString || strings.ContainsAny(sealed, "\r\n") {
		return nil, ErrOpen
	}
	raw, err := strict.DecodeString(sealed)
	if err != nil {
		return nil, ErrOpen
	}
	return r.Open(label, raw, bound)
}
