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
	"replayed", "renamed", "changed", "waits", "undone", "guarded", "unguarded", "let_in", "unlocked",
}

func someDeeds() []pages.AccountDeed {
	home := pages.AccountDeed{Browser: "Firefox on Windows", Near: lisbon, Network: "203.0.113.0/24", Credit: credit, Times: 1}
	deed := func(minutes int, kind string, change func(*pages.AccountDeed)) pages.AccountDeed {
		d := home
		d.ID, d.At, d.Kind = kind, noon.Add(-time.Duration(minutes)*time.Minute), kind
		change(&d)
		return d
	}
	as := func(*pages.AccountDeed) {}
	return []pages.AccountDeed{
		deed(1, "changed", func(d *pages.AccountDeed) { d.Change = "backup_codes" }),
		deed(2, "confirmed", func(d *pages.AccountDeed) { d.Change = "backup_codes" }),
		deed(30, "wrong", func(d *pages.AccountDeed) {
			d.Times, d.Problem, d.Browser, d.Near, d.Network = 4, true, "an unknown browser", words.Spot{}, "198.51.100.0/24"
		}),
		deed(40, "entered", func(d *pages.AccountDeed) { d.Browser, d.Near, d.Reportable = "Chrome on Linux", porto, true }),
		deed(50, "entered", func(d *pages.AccountDeed) { d.Way = "backup" }),
		deed(60, "renamed", func(d *pages.AccountDeed) { d.Name = "<Kitchen> & =1+1"; d.Near = words.Spot{Private: true} }),
		deed(90, "ended", func(d *pages.AccountDeed) { d.Name = "Kitchen tablet" }),
		{ID: "let_in", At: noon.Add(-2 * time.Hour), Kind: "let_in", Times: 1},
		deed(3000, "remembered", as),
		deed(3001, "code_sent", func(d *pages.AccountDeed) { d.Change = "backup_codes" }),
	}
}

func activityPage() pages.AccountActivity {
	return pages.AccountActivity{Frame: accountFrame("activity"), Deeds: someDeeds(), Older: "m5x.a", Keep: 90 * 24 * time.Hour}
}

func activityScreens() []screen {
	with := func(change func(*pages.AccountActivity)) pages.Page { p := activityPage(); change(&p); return p }
	asked := pages.StopDetails{Browser: "Chrome on Linux", Near: porto, Network: "198.51.100.0/24", At: noon, Credit: credit}
	return []screen{
		{"account-activity", activityPage()},
		{"account-activity-problems", with(func(p *pages.AccountActivity) {
			p.Problems, p.Deeds, p.Newer, p.Frame.Zone = true, p.Deeds[2:3], "m5x.b", time.FixedZone("Pacific/Auckland", 12*3600)
		})},
		{"account-activity-none", with(func(p *pages.AccountActivity) { p.Deeds, p.Older = nil, "" })},
		{"account-activity-no-problems", with(func(p *pages.AccountActivity) { p.Problems, p.Deeds, p.Older = true, nil, "" })},
		{"account-report", pages.AccountReport{Frame: accountFrame("activity"), ID: "r1", Asked: asked}},
		{"account-report-password", pages.AccountReport{Frame: accountFrame("activity"), ID: "r1", Asked: pages.StopDetails{At: noon}, Password: true}},
		{"account-reported", pages.AccountReported{Frame: accountFrame("activity"), Blocked: time.Hour, Undo: "./no/babc", Nonce: nonce}},
		{"account-reported-password", pages.AccountReported{Frame: accountFrame("activity"), Password: true}},
	}
}

func TestEverythingThatHappensHasWords(t *testing.T) {
	r := renderer(t, nil)
	seen := map[string]string{}
	for _, kind := range deedKinds {
		for _, name := range []string{"", "Kitchen"} {
			page := activityPage()
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
	page := activityPage()
	page.Deeds = []pages.AccountDeed{{ID: "1", At: noon, Kind: "of_a_later_version", Times: 1}}
	if html := render(t, r, page); !strings.Contains(html, "Something else") {
		t.Error("what a later version wrote is not shown")
	}
}

func TestTheFileHasEveryRowAndRunsNothing(t *testing.T) {
	r := renderer(t, nil)
	deeds := someDeeds()
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
