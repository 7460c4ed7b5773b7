// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"crypto/rand"
	"strings"
)

// refAlphabet has no characters that look alike, and no vowels but A and E.
const refAlphabet = "23456789ABCDEFGHJKMNPQRTVWXY"

// unwelcome are letters that should not stand in a mail.
var unwelcome = []string{"FAG", "GAY", "JEW", "KKK", "FAT", "XXX", "DAM", "FCK", "WTF", "RAP", "NGR", "DYK"}

// newRef draws the three letters that a person matches between page and mail.
// They are a label, not a secret; they differ from the one before.
func newRef(before string) string {
	for {
		ref := draw(rand.Reader, refAlphabet, 3)
		if ref == before || isUnwelcome(ref) {
			continue
		}
		return ref
	}
}

func isUnwelcome(ref string) bool {
	for _, word := range unwelcome {
		if strings.Contains(ref, word) {
			return true
		}
	}
	// Three digits could pass for the beginning of the code.
	return strings.Trim(ref, "23456789") == ""
}
