// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package policytest_test

import (
	"strings"
	"testing"
)

// Whatever stands in a file, what is read of it is complete, and what is wrong has a
// line.
func FuzzParse(f *testing.F) {
	f.Add(whole)
	for _, text := range []string{"tests: [", "people: &a\n  ana: *a\n", "tests:\n  - {person: x}", "---\n---\n", "a: !!binary x", "? [a]\n: b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := parse(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "policy.yaml") {
				t.Errorf("error %q", err)
			}
			return
		}
		if len(file.Tests) == 0 {
			t.Error("no tests, and no error")
		}
		for _, test := range file.Tests {
			if test.Name == "" || test.Line == 0 || test.Email == "" || test.From.Text == "" || test.Want.Decision == "" || !strings.HasPrefix(test.Path, "/") {
				t.Errorf("incomplete: %+v", test)
			}
		}
	})
}
