// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package boundtest is the part of a browser that makes keys and signs with them, in
// software, for tests of device bound session credentials. It forges, too.
package boundtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
)

// A Key is what a browser keeps on its machine.
type Key struct {
	signer    crypto.Signer
	algorithm string
}

// NewKey makes a key for ES256.
func NewKey() *Key {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return made(k, "ES256", err)
}

// NewRSA makes a key for RS256 of so many bits.
func NewRSA(bits int) *Key {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	return made(k, "RS256", err)
}

// NewOn makes a key on another curve than ES256 has.
func NewOn(curve elliptic.Curve) *Key {
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	return made(k, "ES256", err)
}

func made(signer crypto.Signer, algorithm string, err error) *Key {
	if err != nil {
		panic("boundtest: making a key: " + err.Error())
	}
	return &Key{signer, algorithm}
}

// JWK is the public key (RFC 7517).
func (k *Key) JWK() map[string]any {
	switch public := k.signer.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 4, x and y (SEC 1, section 2.3.3)
		if err != nil {
			panic("boundtest: writing a key: " + err.Error())
		}
		half := (len(point) - 1) / 2
		return map[string]any{"kty": "EC", "crv": public.Curve.Params().Name, "x": encode(point[1 : 1+half]), "y": encode(point[1+half:])}
	case *rsa.PublicKey:
		return map[string]any{"kty": "RSA", "n": encode(public.N.Bytes()), "e": encode(big.NewInt(int64(public.E)).Bytes())}
	default:
		panic("boundtest: a key of no kind")
	}
}

// An Offer asks a browser to make a key.
type Offer struct{ Path, Challenge, Authorization string }

var offer = regexp.MustCompile(`^\(ES256 RS256\);path="(/[^"]*)";challenge="([\w-]+)";authorization="([\w-]+)"$`)

// ReadOffer reads a value of Secure-Session-Registration. It reports false for what a
// browser could not answer.
func ReadOffer(value string) (Offer, bool) {
	parts := offer.FindStringSubmatch(value)
	if parts == nil {
		return Offer{}, false
	}
	return Offer{parts[1], parts[2], parts[3]}, true
}

// Register is what a browser answers to an offer.
func (k *Key) Register(challenge, authorization string) string {
	return k.Sign(
		map[string]any{"alg": k.algorithm, "typ": "dbsc+jwt", "jwk": k.JWK()},
		map[string]any{"jti": challenge, "authorization": authorization},
	)
}

// Prove is what a browser answers to a challenge.
func (k *Key) Prove(challenge string) string {
	return k.Sign(map[string]any{"alg": k.algorithm, "typ": "dbsc+jwt"}, map[string]any{"jti": challenge})
}

// Sign signs whatever head and payload are: values, or JSON as it is to be.
func (k *Key) Sign(head, payload any) string {
	signed := encode(text(head)) + "." + encode(text(payload))
	return signed + "." + encode(k.signature(signed))
}

func (k *Key) signature(signed string) []byte {
	sum := sha256.Sum256([]byte(signed))
	private, isEC := k.signer.(*ecdsa.PrivateKey)
	if !isEC {
		sig, err := k.signer.Sign(rand.Reader, sum[:], crypto.SHA256)
		if err != nil {
			panic("boundtest: signing: " + err.Error())
		}
		return sig
	}
	r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
	if err != nil {
		panic("boundtest: signing: " + err.Error())
	}
	half := (private.Curve.Params().BitSize + 7) / 8 // RFC 7518, section 3.4
	return append(r.FillBytes(make([]byte, half)), s.FillBytes(make([]byte, half))...)
}

func text(v any) []byte {
	if s, ok := v.(string); ok {
		return []byte(s)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("boundtest: encoding %v: %v", v, err))
	}
	return raw
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
