// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/netip"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

// An id is 16 random or keyed bytes.
type id [16]byte

func newID() id {
	var i id
	// crypto/rand.Read never returns an error since Go 1.24.
	_, _ = rand.Read(i[:])
	return i
}

// String is the id in base64url, for logs and records.
func (i id) String() string { return base64.RawURLEncoding.EncodeToString(i[:]) }

// MarshalText writes the id as String does.
func (i id) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

var errBadID = errors.New("not an id")

// UnmarshalText reads what MarshalText wrote.
func (i *id) UnmarshalText(text []byte) error {
	if base64.RawURLEncoding.DecodedLen(len(text)) != len(i) {
		return errBadID
	}
	_, err := base64.RawURLEncoding.Strict().Decode(i[:], text)
	return err
}

// AccountName is what stands for a person where their address must not, as in events
// and in the names of their records: the same with and without a "+tag".
func AccountName(ring *keyring.Ring, e Email) string { return personIn(ring, e).String() }

// NetworkName is what stands for a network where its addresses must not: the beginning
// of the name of its record.
func NetworkName(ring *keyring.Ring, p netip.Prefix) string { return networkIn(ring, p).String()[:8] }

func personIn(ring *keyring.Ring, e Email) id {
	return cut(ring.MAC(labelPerson, []byte(e.Canonical())))
}

func networkIn(ring *keyring.Ring, p netip.Prefix) id {
	return cut(ring.MAC(labelNetwork, []byte(p.String())))
}

// cut makes an id of a keyed hash.
func cut(mac [32]byte) id { return id(mac[:16]) }
