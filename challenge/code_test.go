// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
)

var sixDigits = challenge.Form{Length: 6, Alphabet: challenge.Digits}

// A code that is likelier than others is guessed first. The bounds are those of
// a chance of one in a hundred million, so that honest luck does not fail.
func TestOTC01EveryCodeIsEquallyLikely(t *testing.T) {
	const codes = 200_000
	w := newWorld(t)
	var places [6][10]int
	var buckets [1000]int
	leadingZero := false
	for range codes {
		code := challenge.DrawCode(w.ring, sixDigits).Reveal()
		for place, digit := range code {
			places[place][digit-'0']++
		}
		var value int
		if _, err := fmt.Sscanf(code, "%06d", &value); err != nil {
			t.Fatalf("code %q: %v", code, err)
		}
		buckets[value/1000]++
		leadingZero = leadingZero || code[0] == '0'
	}
	for place, counts := range places {
		if x := chiSquare(counts[:], codes); x > 9+6*math.Sqrt(2*9)*1.8 {
			t.Errorf("digits at place %d: chi-square %.0f with 9 degrees of freedom: %v", place, x, counts)
		}
	}
	if x := chiSquare(buckets[:], codes); x > 999+6*math.Sqrt(2*999) {
		t.Errorf("1000 buckets: chi-square %.0f with 999 degrees of freedom", x)
	}
	if !leadingZero {
		t.Error("no code starts with 0")
	}
}

func chiSquare(counts []int, events int) (x float64) {
	want := float64(events) / float64(len(counts))
	for _, n := range counts {
		x += (float64(n) - want) * (float64(n) - want) / want
	}
	return x
}

func TestOTC12CodesHaveTheFullSpace(t *testing.T) {
	for _, form := range []challenge.Form{sixDigits, {Length: 8, Alphabet: challenge.Letters}} {
		if bits := float64(form.Length) * math.Log2(float64(len(form.Alphabet))); bits < 19.9 {
			t.Errorf("%v has %.1f bits", form, bits)
		}
		w := newWorld(t)
		seen := map[byte]bool{}
		for range 300 {
			code := challenge.DrawCode(w.ring, form).Reveal()
			if len(code) != form.Length || strings.Trim(code, string(form.Alphabet)) != "" {
				t.Fatalf("code %q is not of form %v", code, form)
			}
			seen[code[0]] = true
		}
		if len(seen) != len(form.Alphabet) {
			t.Errorf("%d of %d characters are drawn", len(seen), len(form.Alphabet))
		}
	}
}

func TestOTC10ForgivingInput(t *testing.T) {
	letters := challenge.Form{Length: 8, Alphabet: challenge.Letters}
	for _, tt := range []struct {
		name, typed, want string
		form              challenge.Form
	}{
		{"as it stands", "123456", "123456", sixDigits},
		{"with spaces", " 123 456 ", "123456", sixDigits},
		{"with a hyphen", "123-456", "123456", sixDigits},
		{"full width", "１２３-４５６", "123456", sixDigits},
		{"Arabic-Indic digits", "١٢٣٤٥٦", "123456", sixDigits},
		{"Persian digits", "۱۲۳۴۵۶", "123456", sixDigits},
		{"Devanagari digits", "१२३४५६", "123456", sixDigits},
		{"a pasted sentence", "Your code is 123-456", "123456", sixDigits},
		{"a sentence with an exclamation mark", "Your code is 123 456!", "123456", sixDigits},
		{"a sentence with the label", "Code for 7KQ: 123456", "123456", sixDigits},
		{"a sentence with other numbers", "It works for 10 minutes: 123456", "123456", sixDigits},
		{"invisible characters", "\u200e123\u200b456\u2060", "123456", sixDigits},
		{"lower-case letters", "bcdf-ghjk", "BCDFGHJK", letters},
		{"letters in a sentence", "Your code is bcdf-ghjk", "BCDFGHJK", letters},
		{"full-width letters", "ＢＣＤＦＧＨＪＫ", "BCDFGHJK", letters},
		{"leading zeros", "000123", "000123", sixDigits},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := challenge.Normalize(tt.typed, tt.form); got != tt.want {
				t.Errorf("Normalize(%q) = %q, %v, want %q", tt.typed, got, err, tt.want)
			}
		})
	}
}

func TestTextThatCannotBeTheCodeIsMalformed(t *testing.T) {
	for _, tt := range []struct {
		name, typed string
		got         int
		letters     bool
	}{
		{"nothing", "", 0, false},
		{"too short", "1234", 4, false},
		{"too long", "1234567", 7, false},
		{"letters", "abcdef", 0, true},
		{"a page of text", strings.Repeat("1", 513), 512, false},
		{"broken UTF-8", "\xff\xfe12", 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := challenge.Normalize(tt.typed, sixDigits)
			var malformed *challenge.MalformedError
			if !errors.As(err, &malformed) || malformed.Got != tt.got || malformed.Letters != tt.letters {
				t.Errorf("Normalize(%q) = %#v, want Got %d, Letters %v", tt.typed, err, tt.got, tt.letters)
			}
		})
	}
}

func TestOTC11CodesCannotBePrinted(t *testing.T) {
	const secret = "824617"
	code := challenge.NewCode(secret)
	hidden := struct{ inner struct{ code challenge.Code } }{}
	hidden.inner.code = code
	values := map[string]any{
		"a code": code, "a pointer": &code, "a notice": challenge.Notice{Code: code}, "an unexported field": hidden,
		"a list": []challenge.Code{code}, "a try": challenge.Try{Typed: secret}, "a pointer to a try": &challenge.Try{Typed: secret},
	}
	for name, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
			if out := fmt.Sprintf(verb, value); strings.Contains(out, secret) || strings.Contains(out, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s of %s shows it: %s", verb, name, out)
			}
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", value)
		if strings.Contains(log.String(), secret) {
			t.Errorf("slog of %s shows it: %s", name, log.String())
		}
	}
	if out, err := json.Marshal(challenge.Notice{Code: code}); err != nil || strings.Contains(string(out), secret) {
		t.Errorf("JSON shows it: %s, %v", out, err)
	}
	if got := code.Reveal(); got != secret {
		t.Errorf("Reveal = %q, want %q", got, secret)
	}
}
