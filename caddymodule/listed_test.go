// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// A name comes from a file of somebody else's, or from an identity: it must not clear the
// screen, add a row or turn the rest of the line around.
func TestAListOfPeopleMovesNoTerminal(t *testing.T) {
	for _, asCSV := range []bool{false, true} {
		var out strings.Builder
		if err := caddymodule.PrintNamed(&out, "A\x1b[2J\nna\u202e", asCSV); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); !strings.Contains(got, "A\uFFFD[2J\uFFFDna\uFFFD") || strings.ContainsAny(got, "\x1b\u202e") || strings.Count(got, "\n") != 2 {
			t.Errorf("CSV %v: printed %q", asCSV, got)
		}
	}
}
