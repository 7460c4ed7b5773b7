// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

// An Alphabet is what a code is made of.
type Alphabet string

// The alphabets of codes. Letters are the twenty consonants of RFC 8628
// section 6.1: none looks like a digit, and they spell no words.
const (
	Digits  Alphabet = "0123456789"
	Letters Alphabet = "BCDFGHJKLMNPQRSTVWXZ"
)

// A Form is the length and alphabet of a code.
type Form struct {
	Length   int
	Alphabet Alphabet
}

// minCode is the least number of characters of a code: six digits have 19.9
// bits. A shorter one, which only a tampered record can demand, never matches.
const minCode = 6

// strongForm is what unknown browsers get for an address that has been guessed
// at a lot: 34.6 bits instead of 19.9.
var strongForm = Form{Length: 8, Alphabet: Letters}

// A Code is what is mailed. Printing, logging or marshalling it shows nothing;
// Reveal is for the mail alone.
type Code struct {
	// A pointer, since fmt calls no method of a Code in another's unexported
	// field, and does not follow a pointer to a string.
	clear *string
}

// NewCode wraps a code that was made elsewhere, as previews and tests do.
func NewCode(clear string) Code { return Code{&clear} }

// Reveal returns the code as it is mailed.
func (c Code) Reveal() string {
	if c.clear == nil {
		return ""
	}
	return *c.clear
}

const hiddenCode = "[code]"

// String hides the code.
func (Code) String() string { return hiddenCode }

// Format hides the code from every verb.
func (Code) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenCode) }

// LogValue hides the code from structured logs.
func (Code) LogValue() slog.Value { return slog.StringValue(hiddenCode) }

// MarshalText hides the code from encoders.
func (Code) MarshalText() ([]byte, error) { return []byte(hiddenCode), nil }

const (
	labelCode  keyring.Label = "code"
	labelWrong keyring.Label = "wrong try"
)

// deriveCode computes the code of a challenge. Nothing of it is stored: the
// store alone, without the root secret, allows no guess to be checked.
func deriveCode(ring *keyring.Ring, s seed, about binding) Code {
	stream := ring.Stream(labelCode, s.ID[:], s.Seed[:], []byte(about.address), []byte(about.purpose), []byte(about.gate))
	return NewCode(draw(stream, string(s.Shape.Alphabet), s.Shape.Length))
}

// draw takes n characters of an alphabet from a stream that does not end. Bytes
// that would favour the first of them are left out, so that each is equally
// likely.
func draw(from io.Reader, alphabet string, n int) string {
	limit := 256 - 256%len(alphabet)
	drawn := make([]byte, 0, n)
	var b [1]byte
	for len(drawn) < n {
		if _, err := io.ReadFull(from, b[:]); err != nil {
			panic("challenge: random stream ended: " + err.Error())
		}
		if int(b[0]) < limit {
			drawn = append(drawn, alphabet[int(b[0])%len(alphabet)])
		}
	}
	return string(drawn)
}

// matches compares in constant time.
func (c Code) matches(typed string) bool {
	return subtle.ConstantTimeCompare([]byte(c.Reveal()), []byte(typed)) == 1
}

// maxTyped bounds what is looked at of a typed code, in bytes: enough for a
// pasted sentence.
const maxTyped = 512

// Normalize finds a code of the given form in what a person typed or pasted:
// digits of any script and full-width letters count, everything else is
// dropped. Where a whole sentence was pasted, the last word that fits wins.
// Its errors are a *MalformedError and cost no try.
func Normalize(typed string, form Form) (string, error) {
	if len(typed) > maxTyped {
		return "", &MalformedError{Want: form, Got: maxTyped}
	}
	typed = norm.NFKC.String(typed)
	whole := form.keep(typed)
	if len(whole) == form.Length {
		return whole, nil
	}
	words := strings.FieldsFunc(typed, unicode.IsSpace)
	for i := len(words) - 1; i >= 0; i-- {
		if word := form.keep(words[i]); len(words) > 1 && len(word) == form.Length {
			return word, nil
		}
	}
	return "", &MalformedError{
		Want: form, Got: len(whole),
		Letters: form.Alphabet == Digits && len(words) == 1 && strings.ContainsFunc(typed, unicode.IsLetter),
	}
}

// keep drops everything that is not in the alphabet.
func (f Form) keep(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Nd, r) {
			r = asciiDigit(r)
		}
		r = unicode.ToUpper(r)
		if r < unicode.MaxASCII && strings.ContainsRune(string(f.Alphabet), r) {
			return r
		}
		return -1
	}, s)
}

// asciiDigit maps a decimal digit of any script. Unicode keeps each script's
// ten digits together and in order (Unicode Standard, section 4.6).
func asciiDigit(r rune) rune {
	for _, table := range unicode.Nd.R16 {
		if rune(table.Lo) <= r && r <= rune(table.Hi) {
			return '0' + (r-rune(table.Lo))%10
		}
	}
	for _, table := range unicode.Nd.R32 {
		if rune(table.Lo) <= r && r <= rune(table.Hi) {
			return '0' + (r-rune(table.Lo))%10
		}
	}
	return r
}

// isLabel reports whether the letters beside the code were typed.
func isLabel(typed, ref string) bool {
	return ref != "" && strings.EqualFold(strings.TrimSpace(typed), ref)
}
