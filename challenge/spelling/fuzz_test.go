// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package spelling_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/spelling"
)

func sorted(forms spelling.Forms) spelling.Forms {
	return slices.Sorted(slices.Values(forms))
}

// escapeAll escapes every byte of a form but slashes and what nobody escapes.
func escapeAll(form string) string {
	var b strings.Builder
	for _, c := range []byte(form) {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("/-._", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// FuzzFold checks what holds for every path: the bounds, rooted and distinct
// forms, agreement with Plain, and that the forms are closed: who reads a form
// again finds nothing that was not listed. Thus a chain of any number of readers
// in any order ends in a form that was judged.
func FuzzFold(f *testing.F) {
	for _, seed := range []string{
		"", "*", "/", "/admin;v=1/x", "/%5cadmin", "/a//../b", "/public/%252e%252e/admin", "/x/..%c0%af..%c1%1cadmin",
		"/%u002fadmin%00.png", "/\uff21dmin\u200b/", "/admin./x%20/...", "/a:$i30:$INDEX_ALLOCATION", "/files/50%.pdf", "/%EF%B7%BA",
		"/\u00bd/\u0131\u017f\u212a", "/a+b%3fc%23d",
		"/a%2fb%61", "/x/index.php/(S(a))/%20admin.PHP/b", "/a/..../b", "/a.aspx/(a(b)c(d))",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		forms := spelling.Fold(p)
		checkForms(t, p, forms)
		if forms.Unreadable() {
			return
		}
		for _, form := range forms {
			again := spelling.Fold(escapeAll(form))
			if again.Unreadable() && len(escapeAll(form)) > spelling.MaxPath {
				continue
			}
			for _, reading := range again {
				if !slices.Contains(forms, reading) {
					t.Fatalf("Fold(%q) has %q, which reads as %q, not listed in %q", p, form, reading, forms)
				}
			}
		}
	})
}

func checkForms(t *testing.T, p string, forms spelling.Forms) {
	t.Helper()
	total := 0
	for _, form := range forms {
		total += len(form)
		if !strings.HasPrefix(form, "/") {
			t.Fatalf("Fold(%q) has %q, which has no root", p, form)
		}
	}
	if len(forms) == 0 || len(forms) > spelling.MaxForms || total > spelling.MaxTotal {
		t.Fatalf("Fold(%q) has %d forms of %d bytes", p, len(forms), total)
	}
	if distinct := slices.Compact(sorted(forms)); len(distinct) != len(forms) {
		t.Fatalf("Fold(%q) repeats itself: %q", p, forms)
	}
	if spelling.Plain(p) && len(p) <= spelling.MaxPath && (len(forms) != 1 || forms[0] != p) {
		t.Fatalf("%q is plain, yet Fold gives %q", p, forms)
	}
}
