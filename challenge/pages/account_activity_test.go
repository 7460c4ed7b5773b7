// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// deedKinds are all that can happen, as the domain calls it.
var deedKinds = []string{
	"code_sent", "entered", "confirmed", "wrong", "cancelled", "locked", "stopped", "unstopped", "remembered", "renewed", "signed_out", "ended",
	"replayed", "unproved", "renamed", "changed", "waits", "undone", "guarded", "unguarded", "let_in", "unlocked",
}

func TestEverythingThatHappensHasWords(t *testing.T) {
	r := renderer(t, nil)
	seen := map[string]string{}
	for _, kind := range deedKinds {
		for _, name := range []string{"", "Kitchen"} {
			page := pages.SampleActivity()
			page.Deeds = []pages.AccountDeed{{ID: "1", At: noon, Kind: kind, Name: name, Change: "add_app", Times: 1}}
			if kind == "confirmed" || kind == "renamed" {
				page.Deeds[0].Change = ""
			}
			var out bytes.Buffer
			if err := r.ActivityCSV(&out, english(), nil, page.Deeds); err != nil {
				t.Fatal(err)
			}
			what := strings.Split(strings.Split(out.String(), "\r\n")[1], ",")[1]
			if what == "Something else" || what == "" || strings.Contains(what, "{") || seen[what] != "" && seen[what] != kind {
				t.Errorf("%s is called %q, as %s", kind, what, seen[what])
			}
			seen[what] = kind
			if html := render(t, r, page); strings.Contains(html, "Something else") {
				t.Errorf("%s has no words", kind)
			}
		}
	}
	page := pages.SampleActivity()
	page.Deeds = []pages.AccountDeed{{ID: "1", At: noon, Kind: "of_a_later_version", Times: 1}}
	if html := render(t, r, page); !strings.Contains(html, "Something else") {
		t.Error("what a later version wrote is not shown")
	}
}

func TestTheFileHasEveryRowAndRunsNothing(t *testing.T) {
	r := renderer(t, nil)
	deeds := pages.SampleDeeds()
	deeds[5].Network, deeds[6].Network, deeds[7].Browser = "=cmd|' /C calc'!A0", "@SUM(1)", "-1+1"
	var out bytes.Buffer
	if err := r.ActivityCSV(&out, english(), time.FixedZone("WEST", 3600), deeds); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"Time", "What happened", "How often", "Browser", "Place", "Network", "Result"},
		{"2026-11-22T13:33:00+01:00", "Change made: new backup codes", "1", "Firefox on Windows", "near Lisbon, Portugal (approximate)", "203.0.113.0/24", "Done"},
	}
	if diff := cmp.Diff(want, rows[:2]); diff != "" || len(rows) != len(deeds)+1 {
		t.Errorf("%d rows, -want +got:\n%s", len(rows), diff)
	}
	if rows[6][1] != "Browser renamed: <Kitchen> & =1+1" || rows[6][5] != "'=cmd|' /C calc'!A0" || rows[7][5] != "'@SUM(1)" || rows[8][3] != "'-1+1" {
		t.Errorf("the file has %q, %q and %q", rows[6], rows[7], rows[8])
	}
}

func FuzzActivityCSV(f *testing.F) {
	f.Add("renamed", "", "=1+1", "Firefox on Windows", "Lisbon", "10.0.0.0/24")
	f.Add("entered", "let_in", "a\r\nb,\"c\"", "+", "\t=", "-")
	f.Add("\xff", "@", "\x00", "\n", "\r", "＝")
	r := renderer(f, nil)
	f.Fuzz(func(t *testing.T, kind, way, name, browser, city, network string) {
		d := pages.AccountDeed{At: noon, Kind: kind, Way: way, Change: way, Name: name, Browser: browser, Near: words.Spot{City: city, Country: "PT", Radius: 20}, Network: network}
		var out bytes.Buffer
		if err := r.ActivityCSV(&out, english(), nil, []pages.AccountDeed{d, d}); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(rows) != 3 || len(rows[1]) != 7 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for _, cell := range rows[1] {
			if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
				t.Errorf("a cell is %q", cell)
			}
		}
	})
}
