// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package passkeystest

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"math/big"
)

// generate makes the key of the passkey.
func (a *Authenticator) generate() (err error) {
	switch a.Algorithm {
	case EdDSA:
		_, a.key, err = ed25519.GenerateKey(rand.Reader)
	case RS256:
		a.key, err = rsa.GenerateKey(rand.Reader, cmp.Or(a.Bits, 2048))
	default:
		a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return err
}

func (a *Authenticator) sign(data []byte) ([]byte, error) {
	if a.Algorithm == EdDSA {
		return a.key.Sign(rand.Reader, data, crypto.Hash(0))
	}
	digest := sha256.Sum256(data)
	return a.key.Sign(rand.Reader, digest[:], crypto.SHA256)
}

// coseKey is the public key as RFC 9052 writes it: a map that begins with the kind of
// key and the algorithm.
func (a *Authenticator) coseKey() ([]byte, error) {
	switch public := a.key.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			return nil, err
		}
		key := []byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01} // on P-256
		key = append(append(key, 0x21), bytes(point[1:33])...)
		return append(append(key, 0x22), bytes(point[33:])...), nil
	case ed25519.PublicKey:
		key := []byte{0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06} // on Ed25519
		return append(append(key, 0x21), bytes(public)...), nil
	case *rsa.PublicKey:
		key := []byte{0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00}
		key = append(append(key, 0x20), bytes(public.N.Bytes())...)
		return append(append(key, 0x21), bytes(big.NewInt(int64(public.E)).Bytes())...), nil
	default:
		return nil, errors.New("no such kind of key")
	}
}
