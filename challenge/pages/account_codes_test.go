// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

var (
	may      = time.Date(2026, 5, 3, 10, 12, 0, 0, time.UTC)
	tomorrow = noon.Add(24 * time.Hour)
	tenCodes = []string{
		"7KQX-9M2F-VB3T-0HJN", "YC8D-4RZE-6WPA-GS15", "M3NK-T7VX-2QJB-8FHD", "0ZSE-W6RY-C4PG-9A1K", "XJ5T-BQ8N-HD3M-7VFW",
		"2PRA-6GYE-KZ0C-S9T4", "F1WH-J8XQ-5BNV-D3M7", "9ATC-0KPG-R2ZY-6ESX", "BV4N-M7DF-8HTJ-WQ3K", "S6YP-5CRE-ZA1G-2X9M",
	}
)

// atCodes is the frame of the page of backup codes.
func atCodes() pages.AccountFrame {
	return pages.AccountFrame{
		Endpoints: "./", Current: "backup-codes", Address: "ana@example.com", Flow: flow, Now: noon,
		Tabs: pages.AccountTabs{BackupCodes: true, Ways: true},
	}
}

func madeCodes() pages.AccountCodesMade {
	return pages.AccountCodesMade{Frame: atCodes(), Codes: tenCodes, Sealed: held, Host: "app.example.com", Made: noon}
}

// codesScreens are the account pages of backup codes.
func codesScreens() []screen {
	some := pages.AccountCodes{Frame: atCodes(), Count: 10, Made: may, Left: 7, Of: 10, May: true}
	with := func(change func(*pages.AccountCodes)) pages.Page { p := some; change(&p); return p }
	waits := func(p *pages.AccountCodes) { p.Waiting, p.WaitingID = tomorrow, "1" }
	later := madeCodes()
	later.Due = tomorrow
	test := func(result pages.CodeTest) pages.Page {
		return pages.AccountCodeTest{Frame: atCodes(), Result: result, RetryAt: noon.Add(21 * time.Minute)}
	}
	confirm := func(question string) pages.Page {
		return pages.AccountConfirm{
			Frame: atCodes(), Question: question, Count: 10, Action: "confirm", Coded: true,
			Hidden: []pages.Field{{Name: "change", Value: "backup_codes"}},
		}
	}
	return []screen{
		{"account-codes", some},
		{"account-codes-none", pages.AccountCodes{Frame: atCodes(), Count: 10}},
		{"account-codes-few", with(func(p *pages.AccountCodes) { p.Left = 3 })},
		{"account-codes-used-up", with(func(p *pages.AccountCodes) { p.Left = 0 })},
		{"account-codes-suspended", with(func(p *pages.AccountCodes) { p.Suspended, p.Left = true, 0 })},
		{"account-codes-suspended-here", with(func(p *pages.AccountCodes) { p.Suspended, p.Left, p.May = true, 0, false })},
		{"account-codes-waiting", with(waits)},
		{"account-codes-waiting-first", with(func(p *pages.AccountCodes) { *p = pages.AccountCodes{Frame: atCodes(), Count: 10}; waits(p) })},
		{"account-codes-confirm", confirm("account_codes.first")},
		{"account-codes-confirm-again", confirm("account_codes.renew")},
		{"account-codes-made", madeCodes()},
		{"account-codes-made-due", later},
		{"account-codes-lost", pages.AccountCodesLost{Frame: atCodes()}},
		{"account-codes-test", test(pages.CodeUntested)},
		{"account-codes-test-missing", test(pages.CodeMissingInTest)},
		{"account-codes-test-unused", test(pages.CodeUnused)},
		{"account-codes-test-other", test(pages.CodeNotUnused)},
		{"account-codes-test-often", test(pages.CodeTestedOften)},
	}
}

func TestTheFileOfBackupCodesHasAllThatThePaperHas(t *testing.T) {
	r := renderer(t, nil)
	p := madeCodes()
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
	for _, code := range tenCodes {
		if strings.Count(file, code) != 1 {
			t.Errorf("%s stands %d times in the file", code, strings.Count(file, code))
		}
	}
}

// A page of secrets that is logged by mistake must not spill them.
func TestPagesOfSecretsCannotBePrinted(t *testing.T) {
	app := pages.AccountApp{Key: "JBSW Y3DP", PNG: []byte("picture"), Offer: "c2VhbGVk"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		printed := fmt.Sprintf(verb+" "+verb, madeCodes(), app)
		for _, secret := range []string{tenCodes[0], held, "JBSW", "c2VhbGVk", "7069637475"} {
			if strings.Contains(printed, secret) {
				t.Errorf("%s prints %q", verb, printed)
			}
		}
	}
}

// People copy by hand, print, download and copy by a button: every code is in the
// page exactly once, and neither paper nor clipboard holds anything else.
func TestEachBackupCodeIsOnThePageOnce(t *testing.T) {
	html := render(t, renderer(t, nil), madeCodes())
	_, sheet, _ := strings.Cut(html, `<section class="sheet"`)
	sheet, after, _ := strings.Cut(sheet, "</section>")
	for _, code := range tenCodes {
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
