// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package ways

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// SeedSize is the length of a Seed in bytes: the 160 bits that RFC 4226 section 4
// (R6) recommends, and the size of the hash.
const SeedSize = 20

// A Seed is the secret that an authenticator app and this side share. Printing,
// logging or marshalling it shows nothing; Key, URL and QR are for the page that
// sets the app up, Bytes for what keeps it sealed. The zero Seed matches nothing.
type Seed struct {
	// A pointer, since fmt calls no method of a Seed in another's unexported
	// field, and to a string, since it follows one to an array for some verbs.
	key *string
}

// NewSeed draws a Seed.
func NewSeed() Seed {
	var drawn [SeedSize]byte
	_, _ = rand.Read(drawn[:]) // has no error: without randomness it ends the process
	return SeedOf(drawn[:])
}

// SeedOf returns the Seed that Bytes was called on. Of any other length than
// SeedSize it makes the zero Seed, which matches nothing.
func SeedOf(b []byte) Seed {
	if len(b) != SeedSize {
		return Seed{}
	}
	key := string(b)
	return Seed{&key}
}

// IsZero reports whether there is no secret.
func (s Seed) IsZero() bool { return s.key == nil }

// Bytes returns a copy of the secret, to be sealed and kept; nil of the zero Seed.
func (s Seed) Bytes() []byte {
	if s.IsZero() {
		return nil
	}
	return []byte(*s.key)
}

// Key returns the secret as it is typed into an app: base32 (RFC 4648 section 6)
// in groups of four.
func (s Seed) Key() string { return groups(s.base32(), " ") }

func (s Seed) base32() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(s.Bytes())
}

// URL returns the secret as apps read it from a QR code, with what they are to
// call it: the issuer is the site, the account the person there. Colons part the
// two in an app's eyes, so that those within either become spaces. The issuer may
// be empty.
func (s Seed) URL(issuer, account string) string {
	issuer, account = label(issuer), label(account)
	about := "secret=" + s.base32()
	if issuer != "" {
		account, about = issuer+":"+account, about+"&issuer="+issuer
	}
	return "otpauth://totp/" + account + "?" + about + fmt.Sprintf("&algorithm=SHA1&digits=%d&period=%d", appDigits, appPeriod)
}

// label escapes a name for both parts of the URL. Some apps show a plus sign as
// it stands, others as a space, so that spaces are written in the way that is
// the same to all.
func label(name string) string {
	words := strings.Fields(strings.ReplaceAll(name, ":", " "))
	return strings.ReplaceAll(url.QueryEscape(strings.Join(words, " ")), "+", "%20")
}

const hiddenSeed = "[seed]"

// String hides the secret.
func (Seed) String() string { return hiddenSeed }

// Format hides the secret from every verb.
func (Seed) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenSeed) }

// LogValue hides the secret from structured logs.
func (Seed) LogValue() slog.Value { return slog.StringValue(hiddenSeed) }

// MarshalText hides the secret from encoders.
func (Seed) MarshalText() ([]byte, error) { return []byte(hiddenSeed), nil }
