// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package sessions makes and checks the signed proof of a finished challenge.
//
// A [Session] travels in the browser's cookie as a JSON Web Token (RFC 7519).
// It says which address was proved, when and how, and never what that address
// may do. Whoever holds the cookie can read the token, so everything personal
// in it is sealed. An [Assertion] is the short-lived statement about a session
// that the app behind the gate receives; another key signs it, and neither
// kind of token passes for the other.
//
// Keys follow one another as a [Rotation] says, without anybody being signed
// out.
//
// This package keeps nothing and asks nobody: which sessions have ended since
// is for the caller to know.
package sessions

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Errors of Check and Sign.
var (
	// ErrInvalid says that a token is none of ours, was changed, or is meant
	// for another audience. It does not say which, and comes with no session.
	ErrInvalid = errors.New("the session token is not valid")
	// ErrExpired says that a token is genuine in everything but its age.
	ErrExpired = errors.New("the session has expired")
	// ErrUnsignable says that a session or an assertion lacks a field that it
	// must have, or has one that a token cannot carry unchanged.
	ErrUnsignable = errors.New("a field is missing or cannot be signed")
	// ErrTooLong says that a token would be longer than Check accepts.
	ErrTooLong = errors.New("the session token would be too long")
	// ErrNoKey says that there is no key for what is to be signed.
	ErrNoKey = errors.New("no such signing key")
)

// IssuerName is the iss claim of every session token.
const IssuerName = "doorcode"

const (
	// maxToken is the longest token that is looked at, in bytes.
	maxToken = 2 << 10

	// leeway is how far the clocks of two machines that share a key set may
	// differ. It never lengthens a session.
	leeway = 60 * time.Second

	sessionType = "doorcode-session+jwt"
)

// A Session is the proof that a browser's user reads the mail of an address.
// Times are kept to the second.
type Session struct {
	// ID tells this session from all others. It must come from [NewID].
	ID ID
	// Subject stands for the person and must say nothing about them: the
	// cookie shows it in clear.
	Subject string
	// Audience is the configured origin or shared domain that the session is
	// for.
	Audience string

	// Email is the proved address.
	Email string
	// User is who an earlier step said it was; empty if there is none.
	User string
	// Source names that earlier step.
	Source string
	// Browser is the id of the remembered browser; empty if it is none.
	Browser string
	// Place is where the session was verified from, in the words of the caller.
	Place string

	// Methods says how the person proved it (RFC 8176); at least one.
	Methods []string
	// AuthTime is when the last code was entered.
	AuthTime time.Time
	// Issued is when the session began.
	Issued time.Time
	// Active is when the session was last used, as far as the token knows.
	Active time.Time
	// Expires is the first moment at which the session is over, used or not.
	Expires time.Time
}

// Pack puts the texts of s, and others that are kept with it, into one piece of memory,
// for a session that is kept for long: each piece is looked at whenever garbage is
// collected.
func (s *Session) Pack(others ...*string) {
	texts := append([]*string{&s.Subject, &s.Audience, &s.Email, &s.User, &s.Source, &s.Browser, &s.Place}, others...)
	var all strings.Builder
	for _, text := range texts {
		all.WriteString(*text)
	}
	rest := strings.Clone(all.String())
	for _, text := range texts {
		*text, rest = rest[:len(*text)], rest[len(*text):]
	}
}

// IssuerOptions are what an [Issuer] is made of. All but Algorithm must be
// set. The functions must be safe for concurrent use, and each must work under
// a key of its own.
type IssuerOptions struct {
	// Keys sign and verify.
	Keys Keys
	// Algorithm is that of the key which signs sessions. Zero means ES256.
	// Session keys of the other algorithms go on verifying.
	Algorithm Algorithm
	// MAC marks session ids as ours.
	MAC MACFunc
	// Seal encrypts plain, bound to bound, with authentication.
	Seal func(plain, bound []byte) []byte
	// Open reverses Seal, and fails for anything that Seal did not make.
	Open func(sealed, bound []byte) ([]byte, error)
}

// An Issuer signs and checks. It never changes: which of its keys signs follows
// from the time. It is safe for concurrent use, and prints as "[secret]".
type Issuer struct {
	redacted
	options IssuerOptions

	session   relay
	assertion relay
	// verifiers are the session keys by the first segment of their tokens. Those
	// whose turn to sign is to come are among them: the clock of another machine
	// may be ahead.
	verifiers map[string]*signer
	published []publicKey
}

// NewIssuer makes an Issuer. It returns [ErrNoKey] if o.Keys has no session
// key of the algorithm or no assertion key that may sign for as long as it
// takes.
func NewIssuer(o IssuerOptions) (*Issuer, error) {
	if o.MAC == nil || o.Seal == nil || o.Open == nil {
		return nil, errors.New("the issuer needs MAC, Seal and Open")
	}
	if o.Algorithm == "" {
		o.Algorithm = ES256
	}
	session, assertion := kind{useSession, o.Algorithm}, kind{useAssertion, ES256}
	if !lasting(o.Keys.list, session) || !lasting(o.Keys.list, assertion) {
		return nil, fmt.Errorf("choosing keys for %s: %w", o.Algorithm, ErrNoKey)
	}
	published, err := o.Keys.published()
	if err != nil {
		return nil, fmt.Errorf("encoding public keys: %w", err)
	}
	i := &Issuer{
		options: o, verifiers: map[string]*signer{}, published: published,
		session:   newRelay(chainOf(o.Keys.list, session), sessionType),
		assertion: newRelay(chainOf(o.Keys.list, assertion), assertionType),
	}
	for _, k := range o.Keys.list {
		if k.use == useSession {
			s := newSigner(k, sessionType)
			i.verifiers[s.prefix] = s
		}
	}
	return i, nil
}

// Sign returns the token of s, at most 2 KiB long, signed with the key whose turn
// it is at s.Active. It returns [ErrUnsignable] or [ErrTooLong].
func (i *Issuer) Sign(s Session) (string, error) {
	c, err := i.claims(s)
	if err != nil {
		return "", fmt.Errorf("signing session: %w", err)
	}
	token, err := i.session.sign(c, s.Active)
	if err != nil {
		return "", fmt.Errorf("signing session: %w", err)
	}
	if len(token) > maxToken {
		return "", fmt.Errorf("signing session: %w", ErrTooLong)
	}
	return token, nil
}

// Check returns the session that token proves to audience at now. The error is
// [ErrInvalid], with no session, or [ErrExpired], with the session that was:
// all else about it has then been verified, but it admits nobody.
//
// What a stranger can make for nothing is refused before anything is decoded,
// let alone a signature verified: a token that is too long, has a header other
// than ours to the last byte, or a session id that this installation did not
// draw. So is what a key signed whose time is over, however long it claims to
// live.
func (i *Issuer) Check(token, audience string, now time.Time) (Session, error) {
	c, err := i.verify(token, now)
	if err != nil || !c.fit(audience, now) {
		return Session{}, ErrInvalid
	}
	s, err := i.unseal(c)
	if err != nil {
		return Session{}, ErrInvalid
	}
	if !now.Before(s.Expires) {
		return s, ErrExpired
	}
	return s, nil
}

// verify returns the claims of a token with a genuine session id and
// signature.
func (i *Issuer) verify(token string, now time.Time) (*claims, error) {
	if !wellFormed(token) {
		return nil, ErrInvalid
	}
	// Comparing the header as a whole leaves nothing to interpret: no other
	// algorithm or type, no key or critical extension brought along, and a key
	// id that is only ever looked up (RFC 8725, 3.1, 3.10 and 3.11).
	header, rest, _ := strings.Cut(token, ".")
	k, ok := i.verifiers[header]
	if !ok || k.over(now.Unix()) {
		return nil, ErrInvalid
	}
	id, ok := idOf(rest)
	if !ok || !id.Valid(i.options.MAC) {
		return nil, ErrInvalid
	}
	c := new(claims)
	_, err := k.parser.ParseWithClaims(token, c, func(*jwt.Token) (any, error) { return k.verification, nil })
	if err != nil || c.ID != id {
		return nil, ErrInvalid
	}
	return c, nil
}

// wellFormed reports whether token is three base64url segments of acceptable
// length. The decoder further on would skip line breaks.
func wellFormed(token string) bool {
	if len(token) > maxToken {
		return false
	}
	dots := 0
	for n := range len(token) {
		switch c := token[n]; {
		case c == '.':
			dots++
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return dots == 2
}
