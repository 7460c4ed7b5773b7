// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package ways makes and checks the secrets by which people get in beside the
// mailed code: backup codes and authenticator apps.
//
// It stores nothing, and knows no clock and no person. Who may use what, how
// often, and whether it was used before is decided by whoever calls it: Match
// is told which step was the last, and counting tries is not done here.
package ways

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxTyped bounds what is looked at of typed text, in bytes. A backup code with
// its hyphens is 19 characters, of at most four bytes each.
const maxTyped = 256

// plain is what is left of typed text without what people and keyboards put
// between characters: white space, dashes, and invisible marks. Letters are
// upper-case and narrow, digits are those of ASCII. It is empty for text that is
// too long to be a code.
func plain(typed string) string {
	if len(typed) > maxTyped {
		return ""
	}
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Dash, r), unicode.Is(unicode.Cf, r):
			return -1
		case unicode.Is(unicode.Nd, r):
			return asciiDigit(r)
		}
		return unicode.ToUpper(r)
	}, norm.NFKC.String(typed))
}

// asciiDigit maps a decimal digit of any script. Unicode keeps each script's ten
// digits together and in order (Unicode Standard, section 4.6); sets may adjoin.
func asciiDigit(r rune) rune {
	zero := r
	for unicode.Is(unicode.Nd, zero-1) {
		zero--
	}
	return '0' + (r-zero)%10
}

// groups puts a separator after every four characters.
func groups(s, separator string) string {
	var parts []string
	for ; len(s) > 4; s = s[4:] {
		parts = append(parts, s[:4])
	}
	return strings.Join(append(parts, s), separator)
}
