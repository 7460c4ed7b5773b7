// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

func TestTheFileOfBackupCodesHasAllThatThePaperHas(t *testing.T) {
	r := renderer(t, nil)
	p := pages.SampleMadeCodes()
	p.Due = tomorrow
	file := string(r.CodesFile(english(), p))
	want := `Backup codes for Example

Site: app.example.com
Address: ana@example.com
Created: 22 Nov 2026, 12:34 UTC
Work from: 23 Nov 2026, 12:34 UTC

 1. 7KQX-9M2F-VB3T-0HJN
`
	if !strings.HasPrefix(file, want) || strings.Contains(file, "<") {
		t.Errorf("file begins with\n%s\nwant\n%s", file, want)
	}
	for _, code := range pages.SampleMadeCodes().Codes {
		if strings.Count(file, code) != 1 {
			t.Errorf("%s stands %d times in the file", code, strings.Count(file, code))
		}
	}
}

// A page of secrets that is logged by mistake must not spill them.
func TestPagesOfSecretsCannotBePrinted(t *testing.T) {
	app := pages.AccountApp{Key: "JBSW Y3DP", PNG: []byte("picture"), Offer: "c2VhbGVk"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		printed := fmt.Sprintf(verb+" "+verb, pages.SampleMadeCodes(), app)
		for _, secret := range []string{pages.SampleMadeCodes().Codes[0], held, "JBSW", "c2VhbGVk", "7069637475"} {
			if strings.Contains(printed, secret) {
				t.Errorf("%s prints %q", verb, printed)
			}
		}
	}
}

// People copy by hand, print, download and copy by a button: every code is in the
// page exactly once, and neither paper nor clipboard holds anything else.
func TestEachBackupCodeIsOnThePageOnce(t *testing.T) {
	html := render(t, renderer(t, nil), pages.SampleMadeCodes())
	_, sheet, _ := strings.Cut(html, `<section class="sheet"`)
	sheet, after, _ := strings.Cut(sheet, "</section>")
	for _, code := range pages.SampleMadeCodes().Codes {
		if strings.Count(html, code) != 1 || !strings.Contains(sheet, code) {
			t.Errorf("%s stands %d times on the page", code, strings.Count(html, code))
		}
	}
	for _, text := range []string{"Backup codes for Example", "app.example.com", "ana@example.com", "22 Nov 2026"} {
		if !strings.Contains(sheet, text) {
			t.Errorf("the sheet lacks %s", text)
		}
	}
	if strings.Contains(sheet, "<button") || !strings.Contains(after, "data-print hidden") || !strings.Contains(after, `data-copy="codes"`) {
		t.Error("buttons that need the script are on the sheet, or not hidden without it")
	}
}
