// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package terminal makes texts from outside harmless where they are printed for people.
package terminal

import (
	"strings"
	"unicode"
)

// Still returns a text that moves no terminal and stays on its line: control characters,
// separators of lines and paragraphs, and what turns the direction of writing become
// U+FFFD. A log, a file or a visitor could otherwise hide a row, or fake one.
func Still(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
