// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A signer signs and verifies one type of token with one key.
type signer struct {
	redacted
	*key
	typ    string
	prefix string // the first segment of all its tokens
	parser *jwt.Parser
}

func newSigner(k *key, typ string) *signer {
	s := &signer{key: k, typ: typ, parser: jwt.NewParser(
		// The algorithm is the key's, whatever the token says.
		jwt.WithValidMethods([]string{string(k.algorithm)}),
		jwt.WithStrictDecoding(),
		jwt.WithoutClaimsValidation(),
	)}
	// Never fails: a map of strings and no claims.
	text, _ := s.token(jwt.MapClaims{}).SigningString()
	s.prefix, _, _ = strings.Cut(text, ".")
	return s
}

func (s *signer) token(c jwt.Claims) *jwt.Token {
	t := jwt.NewWithClaims(s.method, c)
	t.Header["kid"], t.Header["typ"] = s.id, s.typ
	return t
}

func (s *signer) sign(c jwt.Claims) (string, error) {
	return s.token(c).SignedString(s.signing)
}

// A relay signs one type of token with keys that follow one another. One of them
// lasts: see NewIssuer.
type relay struct {
	redacted
	keys    chain
	signers []*signer // of keys
}

func newRelay(keys chain, typ string) relay {
	r := relay{keys: keys}
	for _, k := range keys {
		r.signers = append(r.signers, newSigner(k, typ))
	}
	return r
}

// sign signs with the key whose turn it is at now. The time decides on every
// signature, so that a set which was read before a take-over follows it.
func (r relay) sign(c jwt.Claims, now time.Time) (string, error) {
	return r.signers[r.keys.at(now.Unix())].sign(c)
}
