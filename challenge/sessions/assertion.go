// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

const (
	// AssertionLifetime is how long an assertion holds. A recipient that keeps
	// one learns of a sign-out no later than that.
	AssertionLifetime = 60 * time.Second

	// JWKSMaxAge is how long whoever fetched the published keys may use them
	// before asking again.
	JWKSMaxAge = 5 * time.Minute

	assertionType = "doorcode-assertion+jwt"
)

// An Assertion is what the gate tells the app behind it about one request. The
// app verifies it with a public key of [Issuer.JWKS], and should compare the
// typ "doorcode-assertion+jwt", iss and aud.
type Assertion struct {
	// Issuer is the gate's configured origin.
	Issuer string
	// Audience is the configured origin of the app.
	Audience string
	// Subject is the session's.
	Subject string
	// Email is the proved address.
	Email string
	// Name is the person's name, if the operator gave one.
	Name string
	// Groups are those of the person at this gate.
	Groups []string
	// Methods and AuthTime are the session's.
	Methods  []string
	AuthTime time.Time
	// Class is what its last proof was worth, in words of the caller's own (acr);
	// empty where it is not told.
	Class string
	// Session is the session's id. The app sees its Public form only.
	Session ID
}

type assertionClaims struct {
	jwt.RegisteredClaims `json:"-"` // as in claims

	Issuer   string   `json:"iss"`
	Audience string   `json:"aud"`
	Subject  string   `json:"sub"`
	Email    string   `json:"email"`
	Name     string   `json:"name,omitempty"`
	Groups   []string `json:"groups"`
	Methods  []string `json:"amr"`
	Class    string   `json:"acr,omitempty"`
	AuthTime int64    `json:"auth_time"`
	Session  string   `json:"sid"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
}

// SignAssertion returns the token of a, which holds from now on for
// [AssertionLifetime]. Its length grows with the groups. It returns
// [ErrUnsignable].
func (i *Issuer) SignAssertion(a Assertion, now time.Time) (string, error) {
	if !filled(a.Issuer, a.Audience, a.Subject, a.Email) || !utf8.ValidString(a.Name) || !utf8.ValidString(a.Class) ||
		!filled(a.Groups...) || !filled(a.Methods...) || len(a.Methods) == 0 ||
		a.AuthTime.Unix() <= 0 || !a.Session.Valid(i.options.MAC) {
		return "", fmt.Errorf("signing assertion: %w", ErrUnsignable)
	}
	token, err := i.assertion.sign(&assertionClaims{
		Issuer:   a.Issuer,
		Audience: a.Audience,
		Subject:  a.Subject,
		Email:    a.Email,
		Name:     a.Name,
		Groups:   append([]string{}, a.Groups...), // an empty list is [], not null
		Methods:  a.Methods,
		Class:    a.Class,
		AuthTime: a.AuthTime.Unix(),
		Session:  a.Session.Public(),
		IssuedAt: now.Unix(),
		Expires:  now.Add(AssertionLifetime).Unix(),
	}, now)
	if err != nil {
		return "", fmt.Errorf("signing assertion: %w", err)
	}
	return token, nil
}

// JWKS returns the public keys as a JSON Web Key Set (RFC 7517): the assertion
// keys, and the session keys that have a public part. Keys whose turn to sign is
// to come are among them; keys that verify nothing any more at now are not.
func (i *Issuer) JWKS(now time.Time) []byte {
	return encodeSet(i.published, func(k *key) bool { return !k.over(now.Unix()) })
}

// A publicKey is a key as it is published.
type publicKey struct {
	*key
	encoded []byte
}

func (k Keys) published() (list []publicKey, err error) {
	for _, c := range k.list {
		// A secret key would be encoded as readily as a public one.
		if c.public == nil {
			continue
		}
		encoded, err := json.Marshal(jose.JSONWebKey{Key: c.public, KeyID: c.id, Algorithm: string(c.algorithm), Use: "sig"})
		if err != nil {
			return nil, err
		}
		list = append(list, publicKey{c, encoded})
	}
	return list, nil
}

func encodeSet(list []publicKey, wanted func(*key) bool) []byte {
	encoded := make([][]byte, 0, len(list))
	for _, k := range list {
		if wanted(k.key) {
			encoded = append(encoded, k.encoded)
		}
	}
	return fmt.Appendf(nil, `{"keys":[%s]}`, bytes.Join(encoded, []byte(",")))
}
