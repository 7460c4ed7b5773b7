// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package ways_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/ways"
)

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// A code that is likelier than others is guessed first. The bounds are those of
// a chance of one in a hundred million, so that honest luck does not fail.
func TestBKP01EveryBackupCodeIsEquallyLikely(t *testing.T) {
	const codes = 50_000
	var places [ways.BackupCodeLength][len(crockford)]int
	var pairs [len(crockford) * len(crockford)]int // neighbours depend on each other if bits are used twice
	for range codes {
		code := ways.NewBackupCode()
		if len(code) != ways.BackupCodeLength || strings.Trim(code, crockford) != "" {
			t.Fatalf("NewBackupCode = %q", code)
		}
		for place := range code {
			value := strings.IndexByte(crockford, code[place])
			places[place][value]++
			if place%2 == 1 {
				pairs[strings.IndexByte(crockford, code[place-1])*len(crockford)+value]++
			}
		}
	}
	for place, counts := range places {
		if x := chiSquare(counts[:], codes); x > unlikely(len(counts)-1) {
			t.Errorf("characters at place %d: chi-square %.0f with %d degrees of freedom: %v", place, x, len(counts)-1, counts)
		}
	}
	if x := chiSquare(pairs[:], codes*ways.BackupCodeLength/2); x > unlikely(len(pairs)-1) {
		t.Errorf("pairs of characters: chi-square %.0f with %d degrees of freedom", x, len(pairs)-1)
	}
}

func chiSquare(counts []int, events int) (x float64) {
	want := float64(events) / float64(len(counts))
	for _, n := range counts {
		x += (float64(n) - want) * (float64(n) - want) / want
	}
	return x
}

// unlikely is what chi-square exceeds once in a hundred million times, by the
// approximation of Wilson and Hilferty.
func unlikely(freedom int) float64 {
	const deviations = 5.61
	k := 2 / (9 * float64(freedom))
	return float64(freedom) * math.Pow(1-k+deviations*math.Sqrt(k), 3)
}

func TestBKP01ABackupCodeHas80Bits(t *testing.T) {
	if bits := ways.BackupCodeLength * math.Log2(float64(len(crockford))); bits != 80 {
		t.Errorf("a backup code has %.1f bits", bits)
	}
	seen := map[string]bool{}
	var reached [ways.BackupCodeLength]map[byte]bool
	for place := range reached {
		reached[place] = map[byte]bool{}
	}
	for range 2000 {
		code := ways.NewBackupCode()
		if seen[code] {
			t.Fatalf("%s was drawn twice", code)
		}
		seen[code] = true
		for place := range reached {
			reached[place][code[place]] = true
		}
	}
	for place, characters := range reached {
		if len(characters) != len(crockford) {
			t.Errorf("%d of %d characters are drawn at place %d", len(characters), len(crockford), place)
		}
	}
}

func TestBackupCodesAreShownInGroups(t *testing.T) {
	for code, want := range map[string]string{
		"0123456789ABCDEF": "0123-4567-89AB-CDEF",
		"01234":            "0123-4",
		"0123":             "0123",
		"":                 "",
	} {
		if got := ways.ShowBackupCode(code); got != want {
			t.Errorf("ShowBackupCode(%q) = %q, want %q", code, got, want)
		}
	}
}

func TestReadBackupCode(t *testing.T) {
	const want = "0123456789ABCDEF"
	for _, tt := range []struct{ name, typed string }{
		{"as it is kept", "0123456789ABCDEF"},
		{"as it is shown", "0123-4567-89AB-CDEF"},
		{"lower case", "0123-4567-89ab-cdef"},
		{"spaces and a line end", " 0123 4567\t89AB CDEF \r\n"},
		{"no-break spaces", "0123\u00a04567\u202f89AB\u2007CDEF"},
		{"dashes that a word processor made", "0123\u20134567\u201489AB\u2011CDEF"},
		{"minus signs", "0123\u22124567\u221289AB\u2212CDEF"},
		{"soft hyphens", "0123\u00ad4567\u00ad89AB\u00adCDEF"},
		{"invisible marks", "\u200e0123\u200b4567\u206089AB\ufeffCDEF"},
		{"letters for digits", "oI23-4567-89AB-CDEF"},
		{"another letter for a digit", "Ol23-4567-89AB-CDEF"},
		{"full width", "０１２３－４５６７－８９ＡＢ－ＣＤＥＦ"},
		{"Arabic-Indic digits", "٠١٢٣-٤٥٦٧-٨٩AB-CDEF"},
		{"Persian digits", "۰۱۲۳-۴۵۶۷-۸۹AB-CDEF"},
		{"Devanagari digits", "०१२३-४५६७-८९AB-CDEF"},
		{"Adlam digits", "𞥐𞥑𞥒𞥓-𞥔𞥕𞥖𞥗-𞥘𞥙AB-CDEF"},
		{"a hyphen after every character", "0-1-2-3-4-5-6-7-8-9-A-B-C-D-E-F"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := ways.ReadBackupCode(tt.typed); got != want || !ok {
				t.Errorf("ReadBackupCode(%q) = %q, %v, want %q", tt.typed, got, ok, want)
			}
		})
	}
}

func TestWhatCannotBeABackupCodeIsNotRead(t *testing.T) {
	for _, tt := range []struct{ name, typed string }{
		{"nothing", ""},
		{"a mailed code", "123456"},
		{"one character short", "0123-4567-89AB-CDE"},
		{"one character more", "0123-4567-89AB-CDEF0"},
		{"a letter that is not in use", "0123-4567-89AB-CDEU"},
		{"a word before it", "code: 0123-4567-89AB-CDEF"},
		{"a word and nothing else", "backup 0123-4567-89AB-CDEF"},
		{"a number before it", "1. 0123-4567-89AB-CDEF"},
		{"two codes", "0123-4567-89AB-CDEF 0123-4567-89AB-CDEF"},
		{"quotes", `"0123-4567-89AB-CDEF"`},
		{"markup", "<b>0123456789</b>"},
		{"letters that only look right", "0123-4567-89АВ-СDЕF"},
		{"broken UTF-8", "0123-4567-89AB-CDE\xff"},
		{"16 bytes that are no characters", strings.Repeat("\xff", 16)},
		{"a NUL", "0123-4567-89AB-CDE\x00"},
		{"a page of spaces", "0123-4567-89AB-CDEF" + strings.Repeat(" ", 256)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := ways.ReadBackupCode(tt.typed); got != "" || ok {
				t.Errorf("ReadBackupCode(%q) = %q, %v, want none", tt.typed, got, ok)
			}
		})
	}
}

// However a person groups a code, and whatever they read a digit as, it is theirs.
func TestEveryBackupCodeIsReadAsItWasMade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := ways.NewBackupCode()
		var typed strings.Builder
		for _, r := range code {
			alike := map[rune][]rune{'0': []rune("0oO０"), '1': []rune("1iIlL１")}[r]
			if alike == nil {
				alike = []rune{r, []rune(strings.ToLower(string(r)))[0]}
			}
			typed.WriteRune(rapid.SampledFrom(alike).Draw(t, "character"))
			typed.WriteString(rapid.SampledFrom([]string{"", "", " ", "-", "–", "\u200b"}).Draw(t, "separator"))
		}
		if got, ok := ways.ReadBackupCode(typed.String()); got != code || !ok {
			t.Fatalf("ReadBackupCode(%q) = %q, %v, want %q", typed.String(), got, ok, code)
		}
		if got, ok := ways.ReadBackupCode(ways.ShowBackupCode(code)); got != code || !ok {
			t.Fatalf("ReadBackupCode(ShowBackupCode(%q)) = %q, %v", code, got, ok)
		}
	})
}
