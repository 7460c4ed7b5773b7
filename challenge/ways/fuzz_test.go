// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package ways_test

import (
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/ways"
)

// FuzzReadBackupCode: what is read is a code, and reads as itself in every form.
func FuzzReadBackupCode(f *testing.F) {
	f.Add("0123-4567-89ab-cdef")
	f.Add("Ol23 4567 89AB CDEF")
	f.Add("０１２３－４５６７－８９ＡＢ－ＣＤＥＦ")
	f.Add("\ufdfa\xff\u00ad")
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := ways.ReadBackupCode(typed)
		if !ok {
			if code != "" {
				t.Errorf("ReadBackupCode(%q) = %q, false", typed, code)
			}
			return
		}
		if len(code) != ways.BackupCodeLength || strings.Trim(code, crockford) != "" || len(typed) > 256 {
			t.Errorf("ReadBackupCode(%q) = %q", typed, code)
		}
		for _, form := range []string{code, ways.ShowBackupCode(code), strings.ToLower(code)} {
			if again, ok := ways.ReadBackupCode(form); again != code || !ok {
				t.Errorf("ReadBackupCode(%q) = %q, %v, want %q", form, again, ok, code)
			}
		}
	})
}

// FuzzReadAppCode: what is read are six digits, and they read as themselves.
func FuzzReadAppCode(f *testing.F) {
	f.Add("123 456")
	f.Add("１２３４５６")
	f.Add("١٢٣٤٥٦")
	f.Add("12345\xff")
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := ways.ReadAppCode(typed)
		if !ok {
			if code != "" {
				t.Errorf("ReadAppCode(%q) = %q, false", typed, code)
			}
			return
		}
		if len(code) != 6 || strings.Trim(code, "0123456789") != "" || len(typed) > 256 {
			t.Errorf("ReadAppCode(%q) = %q", typed, code)
		}
		if again, ok := ways.ReadAppCode(code); again != code || !ok {
			t.Errorf("ReadAppCode(%q) = %q, %v", code, again, ok)
		}
	})
}

// FuzzSeedOf: bytes of a store make a Seed only if they are one.
func FuzzSeedOf(f *testing.F) {
	f.Add([]byte("12345678901234567890"))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, kept []byte) {
		seed := ways.SeedOf(kept)
		if seed.IsZero() != (len(kept) != ways.SeedSize) {
			t.Fatalf("SeedOf(%x).IsZero() = %v", kept, seed.IsZero())
		}
		if !seed.IsZero() && string(seed.Bytes()) != string(kept) {
			t.Errorf("SeedOf(%x).Bytes() = %x", kept, seed.Bytes())
		}
	})
}
