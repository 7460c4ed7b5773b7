// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package passkeys

import (
	"encoding/binary"
	"errors"

	"github.com/go-webauthn/webauthn/protocol"
)

// A Credential is a passkey as the site knows it: nothing in it lets anybody in.
type Credential struct {
	ID        []byte // 1 to 1023 bytes, chosen by the authenticator
	PublicKey []byte // COSE_Key (RFC 9052, section 7)
	SignCount uint32 // of the last use; 0: its authenticator may not count
	AAGUID    [16]byte
	// Transports are how browsers may reach its authenticator.
	Transports Transports
	// BackupEligible: its provider may copy it to other machines; that never changes.
	// BackedUp: it has.
	BackupEligible, BackedUp bool
	Created                  int64  // Unix seconds
	RPID                     string // that it is bound to
}

// Transports are ways to reach an authenticator (section 5.8.4), as bits.
type Transports uint8

var transports = []protocol.AuthenticatorTransport{
	protocol.USB, protocol.NFC, protocol.BLE, protocol.SmartCard, protocol.Hybrid, protocol.Internal,
}

func transportsOf(said []protocol.AuthenticatorTransport) (t Transports) {
	for i, known := range transports {
		for _, one := range said {
			if one == known {
				t |= 1 << i
			}
		}
	}
	return t
}

func (t Transports) names() (names []string) {
	for i, known := range transports {
		if t&(1<<i) != 0 {
			names = append(names, string(known))
		}
	}
	return names
}

// credentialFormat begins what Encode writes.
const credentialFormat = 1

const (
	flagEligible = 1 << iota
	flagBackedUp
)

// The longest that Parse accepts, in bytes. IDs are bounded by section 4.
const (
	maxID   = 1023
	maxRPID = 253
)

// errCredential reports bytes that Encode did not write.
var errCredential = errors.New("not a passkey")

// Encode writes a credential in about 150 bytes.
func (c *Credential) Encode() []byte {
	flags := byte(0)
	if c.BackupEligible {
		flags |= flagEligible
	}
	if c.BackedUp {
		flags |= flagBackedUp
	}
	b := []byte{credentialFormat, flags, byte(c.Transports)}
	b = binary.BigEndian.AppendUint32(b, c.SignCount)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Created))
	b = append(b, c.AAGUID[:]...)
	for _, part := range [][]byte{c.ID, c.PublicKey, []byte(c.RPID)} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(part)))
		b = append(b, part...)
	}
	return b
}

// fixed is how long the part of a credential is that has no length of its own.
const fixed = 3 + 4 + 8 + 16

// Parse reads what Encode wrote.
func Parse(b []byte) (Credential, error) {
	if len(b) < fixed || b[0] != credentialFormat || b[1] > flagEligible|flagBackedUp || b[2] >= 1<<len(transports) {
		return Credential{}, errCredential
	}
	c := Credential{
		BackupEligible: b[1]&flagEligible != 0, BackedUp: b[1]&flagBackedUp != 0, Transports: Transports(b[2]),
		SignCount: binary.BigEndian.Uint32(b[3:]), Created: int64(binary.BigEndian.Uint64(b[7:])),
	}
	copy(c.AAGUID[:], b[15:])
	var parts [3][]byte
	rest, ok := b[fixed:], true
	for i, most := range []int{maxID, maxKey, maxRPID} {
		if parts[i], rest, ok = cut(rest, most); !ok {
			return Credential{}, errCredential
		}
	}
	if len(rest) > 0 {
		return Credential{}, errCredential
	}
	c.ID, c.PublicKey, c.RPID = parts[0], parts[1], string(parts[2])
	return c, nil
}

// cut cuts one part with its length off the front, which is never empty.
func cut(b []byte, most int) (part, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; n == 0 || n > most || n > len(b) {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}
