// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// An Algorithm is a JWS signature algorithm (RFC 7518, RFC 8037).
type Algorithm string

// The algorithms that session tokens may have. Each fixes its key: P-256,
// Ed25519, and 32 random bytes.
const (
	ES256 Algorithm = "ES256"
	EdDSA Algorithm = "EdDSA"
	HS256 Algorithm = "HS256"
)

// ErrAlgorithm says that an algorithm is none of ES256, EdDSA and HS256.
var ErrAlgorithm = errors.New("unknown signature algorithm")

// privateSize is the length of the private part of a key of any algorithm.
const privateSize = 32

// Known returns nil for the three algorithms and otherwise [ErrAlgorithm].
// Names are compared exactly.
func (a Algorithm) Known() error {
	switch a {
	case ES256, EdDSA, HS256:
		return nil
	}
	return fmt.Errorf("%w %q", ErrAlgorithm, string(a))
}

// draw makes the private part of a new key.
func (a Algorithm) draw() ([]byte, error) {
	if a == ES256 {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		return k.Bytes()
	}
	private := make([]byte, privateSize)
	_, err := rand.Read(private)
	return private, err
}

// material is a key as the JWT library wants it.
type material struct {
	method       jwt.SigningMethod
	signing      any
	verification any
	public       any // what may be published; nil for a symmetric key
}

// restore makes the key of a private part that draw made.
func (a Algorithm) restore(private []byte) (material, error) {
	if len(private) != privateSize {
		return material{}, fmt.Errorf("a private part of %d bytes", len(private))
	}
	switch a {
	case ES256:
		k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), private)
		if err != nil {
			return material{}, errors.New("a private part outside of P-256")
		}
		return material{jwt.SigningMethodES256, k, &k.PublicKey, &k.PublicKey}, nil
	case EdDSA:
		k := ed25519.NewKeyFromSeed(private)
		return material{jwt.SigningMethodEdDSA, k, k.Public(), k.Public()}, nil
	case HS256:
		return material{jwt.SigningMethodHS256, private, private, nil}, nil
	}
	return material{}, a.Known()
}
