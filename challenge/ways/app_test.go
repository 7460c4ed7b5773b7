// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package ways_test

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/unicode/rangetable"
	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/ways"
)

// RFC 6238 appendix B, for SHA-1, without the first two of the eight digits: a
// code is a remainder of the same number.
func TestCodesAreThoseOfRFC6238(t *testing.T) {
	seed := ways.SeedOf([]byte("12345678901234567890"))
	for unix, want := range map[int64]string{
		59:          "94287082",
		1111111109:  "07081804",
		1111111111:  "14050471",
		1234567890:  "89005924",
		2000000000:  "69279037",
		20000000000: "65353130",
	} {
		step := ways.Step(time.Unix(unix, 0))
		if got := seed.Code(step); got != want[2:] {
			t.Errorf("at %d: Code(%#x) = %q, want %q", unix, step, got, want[2:])
		}
	}
}

// RFC 4226 appendix D: the same function, counted instead of timed.
func TestCodesAreThoseOfRFC4226(t *testing.T) {
	seed := ways.SeedOf([]byte("12345678901234567890"))
	for step, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := seed.Code(int64(step)); got != want {
			t.Errorf("Code(%d) = %q, want %q", step, got, want)
		}
	}
}

func TestEveryAppCodeIsReached(t *testing.T) {
	const codes = 20_000
	seed := ways.NewSeed()
	var places [6][10]int
	for step := range int64(codes) {
		for place, digit := range seed.Code(step) {
			places[place][digit-'0']++
		}
	}
	for place, counts := range places {
		if x := chiSquare(counts[:], codes); x > unlikely(9) {
			t.Errorf("digits at place %d: chi-square %.0f with 9 degrees of freedom: %v", place, x, counts)
		}
	}
}

func TestReadAppCode(t *testing.T) {
	for _, tt := range []struct{ name, typed, want string }{
		{"as it stands", "123456", "123456"},
		{"as apps show it", "123 456", "123456"},
		{"with a hyphen", "123-456", "123456"},
		{"with a line end", " 123456\r\n", "123456"},
		{"full width", "１２３４５６", "123456"},
		{"Arabic-Indic digits", "١٢٣٤٥٦", "123456"},
		{"Thai digits", "๑๒๓๔๕๖", "123456"},
		{"digits of two scripts", "١٢٣456", "123456"},
		{"leading zeros", "000123", "000123"},
		{"nothing", "", ""},
		{"too short", "12345", ""},
		{"too long", "1234567", ""},
		{"letters that look like digits", "I23O56", ""},
		{"a word before it", "code 123456", ""},
		{"a sign", "+12345", ""},
		{"a number that is no digit", "12345Ⅵ", ""},
		{"broken UTF-8", "12345\xff", ""},
		{"a page of spaces", "123456" + strings.Repeat(" ", 256), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := ways.ReadAppCode(tt.typed); got != tt.want || ok != (tt.want != "") {
				t.Errorf("ReadAppCode(%q) = %q, %v, want %q", tt.typed, got, ok, tt.want)
			}
		})
	}
}

// Phones show digits in the script of their language, and people copy them.
func TestTheDigitsOfEveryScriptAreRead(t *testing.T) {
	rangetable.Visit(unicode.Nd, func(r rune) {
		code, ok := ways.ReadAppCode(strings.Repeat(string(r), 6))
		if !ok || code != strings.Repeat(code[:1], 6) {
			t.Errorf("ReadAppCode(six times %U) = %q, %v", r, code, ok)
		}
	})
}

func TestThereIsNoCodeBeforeTheFirstStep(t *testing.T) {
	seed := ways.NewSeed()
	if got := seed.Code(-1); got != "" {
		t.Errorf("Code(-1) = %q", got)
	}
}

// at draws a moment that a server may find itself in.
func at(t *rapid.T) time.Time {
	return time.Unix(rapid.Int64Range(1_000_000_000, 8_000_000_000).Draw(t, "unix"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
}

// seedWithout draws a seed whose codes of the steps around one all differ, as
// nearly all do, so that a match can be told by its code.
func seedWithout(t *rapid.T, around int64) ways.Seed {
	for {
		seed := ways.SeedOf(rapid.SliceOfN(rapid.Byte(), ways.SeedSize, ways.SeedSize).Draw(t, "seed"))
		seen := map[string]bool{}
		for step := around - 3; step <= around+3; step++ {
			seen[seed.Code(step)] = true
		}
		if len(seen) == 7 {
			return seed
		}
	}
}

func TestACodeMatchesOneStepEitherWayAndNoFurther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := at(t)
		seed := seedWithout(t, ways.Step(now))
		for off := int64(-3); off <= 3; off++ {
			shown := ways.Step(now) + off
			step, ok := seed.Match(seed.Code(shown), now, 0)
			if want := off >= -1 && off <= 1; ok != want || ok && step != shown {
				t.Fatalf("the code of step %+d: Match = %d, %v, want %v", off, step, ok, want)
			}
		}
	})
}

// Whoever looks over a shoulder, or replays a form, has a code that is spent; so
// are those before it, which were not typed.
func TestACodeMatchesOnceAndNoOlderOneAfterIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := at(t)
		seed := seedWithout(t, ways.Step(now))
		var last int64
		for _, off := range rapid.SliceOfN(rapid.Int64Range(-1, 1), 1, 8).Draw(t, "typed") {
			shown := ways.Step(now) + off
			step, ok := seed.Match(seed.Code(shown), now, last)
			if want := shown > last; ok != want || ok && step != shown {
				t.Fatalf("the code of step %+d after %d: Match = %d, %v, want %v", off, last-ways.Step(now), step, ok, want)
			}
			if ok {
				last = step
			}
		}
	})
}

// Keeping the older of two steps with one code would let the code in again.
func TestTheNewestOfTwoStepsWithOneCodeIsSpent(t *testing.T) {
	seed := ways.SeedOf([]byte("12345678901234567890"))
	const step = 33_852_542 // one of a million that have the code of the step after them
	if seed.Code(step) != "527595" || seed.Code(step+1) != "527595" {
		t.Fatalf("codes %q and %q, want one and the same", seed.Code(step), seed.Code(step+1))
	}
	now := time.Unix(step*30, 0)
	if got, ok := seed.Match("527595", now, 0); got != step+1 || !ok {
		t.Errorf("Match = %d, %v, want %d", got, ok, step+1)
	}
	if got, ok := seed.Match("527595", now, step+1); ok {
		t.Errorf("Match = %d once more", got)
	}
}

func TestWhatIsNoCodeNeverMatches(t *testing.T) {
	seed, now := ways.SeedOf([]byte("09876543210987654321")), time.Unix(1_800_000_000, 0)
	right := seed.Code(ways.Step(now))
	for _, tt := range []struct {
		name, code string
		seed       ways.Seed
		now        time.Time
		last       int64
	}{
		{"nothing", "", seed, now, 0},
		{"half a code", right[:3], seed, now, 0},
		{"a code and more", right + "0", seed, now, 0},
		{"a code that was not read", right[:3] + " " + right[3:], seed, now, 0},
		{"another's code", right, ways.SeedOf([]byte("12345678901234567890")), now, 0},
		{"nothing without a secret", "", ways.Seed{}, now, 0},
		{"zeros without a secret", "000000", ways.Seed{}, now, 0},
		{"a clock that is not set", "000000", seed, time.Time{}, 0},
		{"after a step of the far future", right, seed, now, math.MaxInt64},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if step, ok := tt.seed.Match(tt.code, tt.now, tt.last); ok || step != 0 {
				t.Errorf("Match(%q) = %d, %v, want none", tt.code, step, ok)
			}
		})
	}
}
