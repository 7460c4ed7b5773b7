// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package tokens says what access tokens look like and what they reach.
//
// A [Token] names its person, so that one look at one record tells whether it
// lives, and carries a keyed check, so that an invented one costs no look at all. A
// [Scope] is what a token opens: a host, a path and, if so made, only what changes
// nothing. Whatever an app might read a request as has to be inside.
package tokens

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Prefix begins every token. Scanners find leaked ones by it, and the gate those
// that are its own among what apps accept.
const Prefix = "dct_"

// Length is that of a token's text, in characters.
const Length = len(Prefix) + textSize

const (
	personSize = 16
	secretSize = 20 // 160 random bits
	checkSize  = 9  // 72 bits of a MAC: nobody invents a token that is looked up
	rawSize    = personSize + secretSize + checkSize
	textSize   = rawSize * 8 / 5 // exactly: no bits trail, so that a token has one spelling
)

// ErrInvalid says that a text is no token, or none that was made under this secret.
var ErrInvalid = errors.New("not an access token")

// encoding uses characters that a double click selects as one word.
var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// A MACFunc computes a MAC of parts, told apart from each other, under a key that
// serves only this. It must be safe for concurrent use.
type MACFunc func(parts ...[]byte) [32]byte

// A Token lets a program in as its person. Printing, logging or marshalling it shows
// nothing; Reveal is for the person alone.
type Token struct {
	// A pointer, since fmt calls no method of a Token in another's unexported field.
	raw *[rawSize]byte
}

// New makes a token for a person, who is named by keyed bytes, and marks it with
// check.
func New(person [personSize]byte, check MACFunc) Token {
	t := Token{new([rawSize]byte)}
	copy(t.raw[:], person[:])
	// Never fails: the runtime ends the process when there is no randomness.
	_, _ = rand.Read(t.raw[personSize : personSize+secretSize])
	sum := check(t.raw[:personSize], t.secret())
	copy(t.raw[personSize+secretSize:], sum[:])
	return t
}

// Parse reads what [Token.Reveal] wrote, and nothing that was not made with the same
// check. Its error is ErrInvalid.
func Parse(text string, check MACFunc) (Token, error) {
	encoded, ok := strings.CutPrefix(text, Prefix)
	if !ok || len(encoded) != textSize {
		return Token{}, ErrInvalid
	}
	t := Token{new([rawSize]byte)}
	// The decoder skips line breaks, which leave too few bytes.
	if n, err := encoding.Decode(t.raw[:], []byte(encoded)); err != nil || n != rawSize {
		return Token{}, ErrInvalid
	}
	sum := check(t.raw[:personSize], t.secret())
	if subtle.ConstantTimeCompare(sum[:checkSize], t.raw[personSize+secretSize:]) != 1 {
		return Token{}, ErrInvalid
	}
	return t, nil
}

// Reveal is the token as its person copies it.
func (t Token) Reveal() string { return Prefix + encoding.EncodeToString(t.raw[:]) }

// Person names whose token it is.
func (t Token) Person() [personSize]byte { return [personSize]byte(t.raw[:personSize]) }

// Hash is what may be stored of the token: a keyed hash of all that is secret in it.
func (t Token) Hash(mac MACFunc) [32]byte { return mac(t.raw[:personSize], t.secret()) }

func (t Token) secret() []byte { return t.raw[personSize : personSize+secretSize] }

const hidden = "[access token]"

// String hides the token.
func (Token) String() string { return hidden }

// Format hides the token from every verb.
func (Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue hides the token from structured logs.
func (Token) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the token from encoders.
func (Token) MarshalText() ([]byte, error) { return []byte(hidden), nil }
