// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// lastSecond is the end of the year 9999. Later times are no times but
// attempts at overflow.
const lastSecond = 253402300799

var strict = base64.RawURLEncoding.Strict()

// claims are what a session token says in clear.
type claims struct {
	// Only for the methods that the library asks for. The library judges no
	// claim: it allows several audiences, fractions, and a leeway on exp.
	jwt.RegisteredClaims `json:"-"`

	ID        ID       `json:"sid"` // must stay the first: see idOf
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  string   `json:"aud"`
	Methods   []string `json:"amr"`
	AuthTime  int64    `json:"auth_time"`
	IssuedAt  int64    `json:"iat"`
	NotBefore int64    `json:"nbf,omitempty"`
	Active    int64    `json:"act"`
	Expires   int64    `json:"exp"`
	Sealed    string   `json:"enc"`
}

// personal is the content of the enc claim. A session cookie shall hold no
// clear-text personal information (NIST SP 800-63B-4, 5.1.1).
type personal struct {
	Email   string `json:"e"`
	User    string `json:"u,omitempty"`
	Source  string `json:"s,omitempty"`
	Browser string `json:"b,omitempty"`
	Place   string `json:"p,omitempty"`
}

// claims returns what the token of s says, or ErrUnsignable.
func (i *Issuer) claims(s Session) (*claims, error) {
	// Two names with invalid UTF-8 would become one and the same in JSON.
	if !filled(s.Subject, s.Audience, s.Email) || !filled(s.Methods...) || len(s.Methods) == 0 ||
		!utf8.ValidString(s.User) || !utf8.ValidString(s.Source) || !utf8.ValidString(s.Browser) || !utf8.ValidString(s.Place) {
		return nil, ErrUnsignable
	}
	c := &claims{
		Issuer:   IssuerName,
		Subject:  s.Subject,
		Audience: s.Audience,
		ID:       s.ID,
		Methods:  s.Methods,
		AuthTime: s.AuthTime.Unix(),
		IssuedAt: s.Issued.Unix(),
		Active:   s.Active.Unix(),
		Expires:  s.Expires.Unix(),
	}
	if !c.timely() || !s.ID.Valid(i.options.MAC) {
		return nil, ErrUnsignable
	}
	plain, err := json.Marshal(personal{Email: s.Email, User: s.User, Source: s.Source, Browser: s.Browser, Place: s.Place})
	if err != nil {
		return nil, err
	}
	c.Sealed = strict.EncodeToString(i.options.Seal(plain, s.ID[:]))
	return c, nil
}

// idOf returns the session id at the beginning of the claims segment, without
// decoding the rest: {"sid":"…", in JSON are 42 bytes, and 56 characters in
// base64url without any bits of what follows.
func idOf(segment string) (id ID, ok bool) {
	const before, after = `{"sid":"`, `",`
	const size = len(before) + idText + len(after)
	var text [size / 3 * 4]byte
	var plain [size]byte
	if copy(text[:], segment) < len(text) {
		return id, false
	}
	if _, err := strict.Decode(plain[:], text[:]); err != nil {
		return id, false
	}
	inner, foundBefore := bytes.CutPrefix(plain[:], []byte(before))
	inner, foundAfter := bytes.CutSuffix(inner, []byte(after))
	return id, foundBefore && foundAfter && id.UnmarshalText(inner) == nil
}

// fit reports whether everything but the age and the sealed claim is as it
// must be.
func (c *claims) fit(audience string, now time.Time) bool {
	latest := now.Add(leeway).Unix()
	return c.Issuer == IssuerName &&
		audience != "" && c.Audience == audience &&
		c.Subject != "" &&
		filled(c.Methods...) && len(c.Methods) > 0 &&
		c.timely() &&
		c.IssuedAt <= latest && c.NotBefore <= latest && c.AuthTime <= latest && c.Active <= latest
}

// timely reports whether the times are there and within reason.
func (c *claims) timely() bool {
	for _, t := range [...]int64{c.AuthTime, c.IssuedAt, c.Active, c.Expires} {
		if t <= 0 || t > lastSecond {
			return false
		}
	}
	return c.IssuedAt < c.Expires && 0 <= c.NotBefore
}

// unseal returns the session of verified claims.
func (i *Issuer) unseal(c *claims) (Session, error) {
	sealed, err := strict.DecodeString(c.Sealed)
	if err != nil {
		return Session{}, err
	}
	plain, err := i.options.Open(sealed, c.ID[:])
	if err != nil {
		return Session{}, err
	}
	var p personal
	if err := json.Unmarshal(plain, &p); err != nil {
		return Session{}, err
	}
	if p.Email == "" {
		return Session{}, ErrInvalid
	}
	return Session{
		ID:       c.ID,
		Subject:  c.Subject,
		Audience: c.Audience,
		Email:    p.Email,
		User:     p.User,
		Source:   p.Source,
		Browser:  p.Browser,
		Place:    p.Place,
		Methods:  c.Methods,
		AuthTime: time.Unix(c.AuthTime, 0).UTC(),
		Issued:   time.Unix(c.IssuedAt, 0).UTC(),
		Active:   time.Unix(c.Active, 0).UTC(),
		Expires:  time.Unix(c.Expires, 0).UTC(),
	}, nil
}

// filled reports whether every text is there and valid UTF-8.
func filled(texts ...string) bool {
	for _, text := range texts {
		if text == "" || !utf8.ValidString(text) {
			return false
		}
	}
	return true
}
