// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package bound

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const (
	leastRSA    = 2048 // bits
	mostRSA     = 4096 // what follows costs more than a stranger may make us spend
	rsaExponent = 65537
	maxKey      = 1 << 10 // characters of a stored key; RSA of 4096 bits has 734
)

// strict refuses trailing bits, which would give one text several spellings.
var strict = base64.RawURLEncoding.Strict()

// A Key is the public key of a browser: P-256 for ES256, or RSA of 2048 to 4096
// bits for RS256. The zero Key is none.
type Key struct {
	public any    // *ecdsa.PublicKey or *rsa.PublicKey
	text   string // see String
}

// A Thumbprint tells keys apart: the first half of SHA-256 of the key as it is
// stored.
type Thumbprint [16]byte

// newKey takes what a header brings (RFC 7517).
func newKey(public any) (Key, error) {
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return Key{}, ErrKey
		}
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < leastRSA || bits > mostRSA || k.E != rsaExponent {
			return Key{}, ErrKey
		}
	default:
		return Key{}, ErrKey
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return Key{}, ErrKey
	}
	return Key{public, strict.EncodeToString(der)}, nil
}

// ParseKey reads what [Key.String] wrote. Its error is ErrKey.
func ParseKey(text string) (Key, error) {
	if len(text) > maxKey || strings.ContainsAny(text, "\r\n") { // which the decoder skips
		return Key{}, ErrKey
	}
	der, err := strict.DecodeString(text)
	if err != nil {
		return Key{}, ErrKey
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return Key{}, ErrKey
	}
	k, err := newKey(public)
	if err != nil || k.text != text {
		return Key{}, ErrKey
	}
	return k, nil
}

// String is the key as it is stored: its SubjectPublicKeyInfo (RFC 5280, section
// 4.1) in base64url.
func (k Key) String() string { return k.text }

// Thumbprint names the key.
func (k Key) Thumbprint() Thumbprint { return ThumbprintOf(k.text) }

// ThumbprintOf is the Thumbprint of a key that is stored as text, which need not be
// read for it.
func ThumbprintOf(text string) Thumbprint {
	sum := sha256.Sum256([]byte(text))
	return Thumbprint(sum[:len(Thumbprint{})])
}

// fits reports whether the key makes signatures of an algorithm.
func (k Key) fits(a jose.SignatureAlgorithm) bool {
	switch k.public.(type) {
	case *ecdsa.PublicKey:
		return a == jose.ES256
	case *rsa.PublicKey:
		return a == jose.RS256
	default:
		return false
	}
}
