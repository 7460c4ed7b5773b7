// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
)

const (
	idRandom = 16 // random bytes of an ID: 128 bits, as ASVS 5.0 V7.2.3 asks
	idSize   = idRandom + 8
	idText   = idSize / 3 * 4 // its length in base64url
)

// An ID names a session: 16 random bytes, and 8 bytes of a keyed MAC of them
// that tells within a microsecond ids of ours from invented ones.
type ID [idSize]byte

// A MACFunc computes a MAC of parts, told apart from each other, under a key
// that serves only this. It must be safe for concurrent use.
type MACFunc func(parts ...[]byte) [32]byte

var errID = errors.New("not a session id")

// NewID draws an ID and marks it with mac.
func NewID(mac MACFunc) ID {
	var id ID
	// Never fails: the runtime ends the process when there is no randomness.
	_, _ = rand.Read(id[:idRandom])
	sum := mac(id[:idRandom])
	copy(id[idRandom:], sum[:])
	return id
}

// Valid reports, in constant time, whether [NewID] made id with the same mac.
func (id ID) Valid(mac MACFunc) bool {
	sum := mac(id[:idRandom])
	return subtle.ConstantTimeCompare(sum[:idSize-idRandom], id[idRandom:]) == 1
}

// String returns id in base64url, 32 characters.
func (id ID) String() string { return strict.EncodeToString(id[:]) }

// Public returns 16 characters that stand for id outside of the gate, in
// assertions and logs. They are always the same for one id, and lead neither
// back to it nor to a cookie.
func (id ID) Public() string {
	sum := sha256.Sum256(append([]byte("doorcode public session id\x00"), id[:]...))
	return strict.EncodeToString(sum[:12])
}

// MarshalText writes the form of String.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the form of String and no other spelling of it. It does
// not check the MAC.
func (id *ID) UnmarshalText(text []byte) error {
	var out [idSize]byte
	if len(text) != idText {
		return errID
	}
	// A line break, which the decoder skips, leaves too few bytes.
	if n, err := strict.Decode(out[:], text); err != nil || n != idSize {
		return errID
	}
	*id = out
	return nil
}
