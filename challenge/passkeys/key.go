// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package passkeys

import (
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

const (
	maxKey      = 1 << 10 // bytes of a public key; one of RSA with 4096 bits has about 530
	leastRSA    = 2048    // bits
	mostRSA     = 4096    // what follows costs more than a stranger may make us spend
	rsaExponent = 65537
	edLength    = 32 // bytes of a point of Ed25519
)

var (
	errKeyKind  = errors.New("public key is not of its algorithm's kind")
	errKeyWorth = errors.New("public key is one that proves nothing")
)

// checkKey wants a key of an algorithm that was asked for, with which only its owner can
// sign. An authenticator that makes another one is broken, or none.
func checkKey(key []byte) error {
	var kind webauthncose.PublicKeyData
	if len(key) > maxKey {
		return errors.New("public key is too long")
	}
	if err := webauthncbor.Unmarshal(key, &kind); err != nil {
		return fmt.Errorf("reading public key: %w", err)
	}
	algorithm := webauthncose.COSEAlgorithmIdentifier(kind.Algorithm)
	if !slices.Contains(algorithms, algorithm) {
		return fmt.Errorf("algorithm %d was not asked for", kind.Algorithm)
	}
	parsed, err := webauthncose.ParsePublicKey(key)
	if err != nil {
		return fmt.Errorf("reading public key: %w", err)
	}
	switch k := parsed.(type) {
	case webauthncose.EC2PublicKeyData:
		if algorithm != webauthncose.AlgES256 || k.Curve != int64(webauthncose.P256) {
			return errKeyKind
		}
	case webauthncose.OKPPublicKeyData:
		if algorithm != webauthncose.AlgEdDSA || k.Curve != int64(webauthncose.Ed25519) || len(k.XCoord) != edLength {
			return errKeyKind
		}
		return checkPoint([edLength]byte(k.XCoord))
	case webauthncose.RSAPublicKeyData:
		if algorithm != webauthncose.AlgRS256 {
			return errKeyKind
		}
		return checkRSA(k.Modulus, k.Exponent)
	default:
		return errKeyKind
	}
	return nil
}

// checkRSA counts bits, since zeros in front of a modulus make it no longer.
func checkRSA(modulus, exponent []byte) error {
	n, e := new(big.Int).SetBytes(modulus), new(big.Int).SetBytes(exponent)
	if bits := n.BitLen(); bits < leastRSA || bits > mostRSA || !e.IsInt64() || e.Int64() != rsaExponent {
		return errKeyWorth
	}
	return nil
}

// checkPoint refuses the points of Ed25519 whose order is eight or less, for which
// signatures are made without a key. All spellings are listed, without the sign (RFC 8032,
// section 5.1.2).
func checkPoint(point [edLength]byte) error {
	point[edLength-1] &^= 0x80
	if slices.Contains(smallOrder, point) {
		return errKeyWorth
	}
	return nil
}

var smallOrder = [][edLength]byte{
	ends(0x00, 0x00, 0x00), // of order four
	ends(0x01, 0x00, 0x00), // of order one
	ends(0xec, 0xff, 0x7f), // of order two
	ends(0xed, 0xff, 0x7f), // zero, and one, written with the prime added
	ends(0xee, 0xff, 0x7f),
	{ // of order eight
		0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
	},
	{
		0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
	},
}

// ends is a point of which all bytes but the first and the last are the same.
func ends(first, middle, last byte) (point [edLength]byte) {
	for i := range point {
		point[i] = middle
	}
	point[0], point[edLength-1] = first, last
	return point
}
