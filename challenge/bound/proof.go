// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package bound

import (
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// maxProof bounds a proof, in characters. One with an RSA key of 4096 bits and an
// authorization of ours has about 2,500.
const maxProof = 6 << 10

// proofType is the typ of a proof: no other token of anybody stands in for one
// (RFC 8725, section 3.11).
const proofType = "dbsc+jwt"

// algorithms are those that browsers have: neither "none" nor a shared secret.
var algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.RS256}

// A Proof is a token that a browser signed, or so it says: nothing in it is true
// before [Proof.Registered] or [Proof.By] has looked at the signature. Its challenge
// costs less to look at, so that comes first.
type Proof struct {
	// Challenge is what the browser was asked to sign.
	Challenge string
	// Authorization is what it was given with the offer to register; else empty.
	Authorization string

	signed    *jose.JSONWebSignature
	algorithm jose.SignatureAlgorithm
	brings    *jose.JSONWebKey // nil where it brings no key
}

// ReadProof reads a token. Its error is ErrProof.
func ReadProof(token string) (*Proof, error) {
	if len(token) > maxProof || !isCompact(token) {
		return nil, ErrProof
	}
	signed, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil || len(signed.Signatures) != 1 {
		return nil, ErrProof
	}
	head := signed.Signatures[0].Protected
	if head.ExtraHeaders[jose.HeaderType] != proofType || head.ExtraHeaders["crit"] != nil {
		return nil, ErrProof
	}
	p := &Proof{signed: signed, algorithm: jose.SignatureAlgorithm(head.Algorithm), brings: head.JSONWebKey}
	if err := p.read(signed.UnsafePayloadWithoutVerification()); err != nil {
		return nil, err
	}
	return p, nil
}

// read takes the claims. A member that is there twice, which two readers might read
// differently, is an error of the decoder.
func (p *Proof) read(payload []byte) error {
	var claims struct {
		Challenge     *string `json:"jti"`
		Authorization *string `json:"authorization"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Challenge == nil || *claims.Challenge == "" {
		return ErrProof
	}
	p.Challenge = *claims.Challenge
	if claims.Authorization != nil {
		p.Authorization = *claims.Authorization
	}
	return nil
}

// isCompact reports whether a text is three parts of base64url, each in its one
// spelling. Decoders are more lenient, and what is signed would have several forms.
func isCompact(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	for _, part := range parts {
		if part == "" || strings.ContainsAny(part, "\r\n") {
			return false
		}
		if _, err := strict.DecodeString(part); err != nil {
			return false
		}
	}
	return true
}

// Registered is the key that the proof brings, by which it is signed. Only a
// registration brings one. Its errors are ErrProof and ErrKey.
func (p *Proof) Registered() (Key, error) {
	if p.brings == nil || len(p.brings.Certificates) > 0 || p.brings.CertificatesURL != nil {
		return Key{}, ErrProof
	}
	k, err := newKey(p.brings.Key)
	if err != nil {
		return Key{}, err
	}
	if err := p.verify(k); err != nil {
		return Key{}, err
	}
	return k, nil
}

// By reports whether a key made the proof, with nil or ErrProof. A proof that brings a
// key is none: anybody can sign with a key of their own.
func (p *Proof) By(k Key) error {
	if p.brings != nil {
		return ErrProof
	}
	return p.verify(k)
}

func (p *Proof) verify(k Key) error {
	if !k.fits(p.algorithm) {
		return ErrProof
	}
	if _, err := p.signed.Verify(k.public); err != nil {
		return ErrProof
	}
	return nil
}
