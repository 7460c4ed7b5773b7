// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// accountFrame is the frame of an account page of a gate that has everything.
func accountFrame(current string) pages.AccountFrame {
	return pages.AccountFrame{
		Endpoints: "./", Current: current, Address: "ana@example.com", Flow: flow, Now: noon,
		Tabs: pages.AccountTabs{BackupCodes: true, Ways: true, Tokens: true},
	}
}

// accountScreens are the account pages that every gate has.
func accountScreens() []screen {
	quiet := pages.AccountOverview{
		Frame: accountFrame(""), Browser: "Firefox on Windows", Since: noon.Add(-2 * time.Hour), Until: noon.Add(10 * time.Hour),
		Browsers: 3, Codes: 8, Made: noon.AddDate(0, -6, 0), App: true, Remembered: true, Tokens: 1, May: true,
	}
	with := func(change func(*pages.AccountOverview)) pages.Page { o := quiet; change(&o); return o }
	usual := pages.AccountChoices{News: true, Languages: []pages.AccountLanguage{{Tag: "en", Name: "English"}}}
	own := pages.AccountChoices{
		Languages: []pages.AccountLanguage{{Tag: "en", Name: "English"}, {Tag: "pt", Name: "português"}},
		Language:  "pt", Always: true, Zone: "Europe/Lisbon",
	}
	lisbon := accountFrame("settings")
	lisbon.Zone = time.FixedZone("WEST", 3600)
	wrong := own
	wrong.Zone = "Lisbon"
	ask := func(current, question string) pages.AccountConfirm {
		return pages.AccountConfirm{
			Frame: accountFrame(current), Question: question, Name: "Firefox on Windows", Count: 3, Action: "forget",
			Hidden: []pages.Field{{Name: "id", Value: "b1"}}, Grave: true,
		}
	}
	rename := ask("sessions", "account.rename")
	rename.Entry, rename.Grave = &pages.AccountEntry{Name: "name", Value: "Kitchen", Most: 40}, false
	return []screen{
		{"account-overview", quiet},
		{"account-overview-new", with(func(o *pages.AccountOverview) {
			o.Frame.Tabs = pages.AccountTabs{BackupCodes: true}
			o.Browser, o.Browsers, o.Made, o.Codes, o.Remembered, o.Urge = "", 1, time.Time{}, 0, false, true
		})},
		{"account-overview-mailbox", with(func(o *pages.AccountOverview) { o.Made, o.Urge, o.MailboxHere = time.Time{}, true, true })},
		{"account-overview-guarded", with(func(o *pages.AccountOverview) {
			o.Guarded, o.Codes, o.Second, o.Cancelled, o.May = noon.AddDate(0, 0, 6), 0, true, true, false
			o.CodesHeld, o.SecondHeld, o.Urge = true, true, true
			o.Waiting = []pages.AccountWaiting{
				{ID: "w1", What: pages.ChangeErase, Due: noon.Add(20 * time.Hour)},
				{ID: "w2", What: pages.ChangeSetSecond, Due: noon.Add(23 * time.Hour)},
			}
		})},
		{"account-overview-guarded-before", with(func(o *pages.AccountOverview) { o.Guarded, o.Codes = noon.AddDate(0, 0, 6), 3 })},
		{"account-overview-replaced", with(func(o *pages.AccountOverview) { o.Frame.Replaced = true })},
		{"account-browsers-renamed", pages.AccountBrowsers{Frame: accountFrame("sessions"), Browsers: accountBrowsers()[:1], Renamed: true}},
		{"account-browsers-ended", pages.AccountBrowsers{Frame: accountFrame("sessions"), Browsers: accountBrowsers()[:1], Ended: 19}},
		{"account-browsers", pages.AccountBrowsers{Frame: accountFrame("sessions"), Browsers: accountBrowsers()}},
		{"account-browsers-alone", pages.AccountBrowsers{Frame: accountFrame("sessions"), Browsers: accountBrowsers()[:1]}},
		{"account-rename", rename},
		{"account-sign-out", ask("sessions", "account.end")},
		{"account-forget", ask("sessions", "account.drop_browser")},
		{"account-forget-this", ask("", "account.drop_this")},
		{"account-everywhere", ask("sessions", "account.others")},
		{"account-cancel", ask("", "account.drop")},
		{"account-gone", pages.AccountTrouble{Frame: accountFrame("sessions"), Why: pages.AccountBrowserGone}},
		{"account-suspended", pages.AccountTrouble{Frame: accountFrame("ways"), Why: pages.AccountSuspended, Since: noon.Add(-26 * time.Hour), Until: noon.AddDate(0, 0, 6)}},
		{"account-suspended-let-in", pages.AccountTrouble{Frame: accountFrame("ways"), Why: pages.AccountSuspended}},
		{"account-full", pages.AccountTrouble{Frame: accountFrame("tokens"), Why: pages.AccountFull}},
		{"account-settings", pages.AccountSettings{Frame: accountFrame("settings"), Choices: usual}},
		{"account-settings-chosen", pages.AccountSettings{
			Frame: lisbon, Choices: own, Saved: true, Erasing: &pages.AccountWaiting{ID: "w1", What: pages.ChangeErase, Due: noon.Add(20 * time.Hour)},
		}},
		{"account-choose", pages.AccountSettingsForm{Frame: accountFrame("settings"), Choices: usual}},
		{"account-choose-own", pages.AccountSettingsForm{Frame: lisbon, Choices: own}},
		{"account-choose-bad-zone", pages.AccountSettingsForm{Frame: lisbon, Choices: wrong, BadZone: true}},
		{"account-export", coded(ask("settings", "account.take"))},
		{"account-erase", coded(ask("settings", "account.wipe"))},
		{"account-not-visited", pages.NotVisited{Action: "./activity?problems"}},
		{"account-erasing", pages.Erasing{Frame: accountFrame("settings"), Due: noon.AddDate(0, 0, 1)}},
	}
}

func coded(c pages.AccountConfirm) pages.Page {
	c.Coded = true
	return c
}

func accountBrowsers() []pages.AccountBrowser {
	return []pages.AccountBrowser{
		{
			ID: "b1", Kind: "Firefox on Windows", This: true, Remembered: true, SignedIn: true,
			First: noon.AddDate(0, -2, 0), Last: noon.Add(-time.Minute), Near: lisbon, Network: "203.0.113.0/24", Credit: credit,
		},
		{
			ID: "b2", Name: "Kitchen tablet", Kind: "Safari on iPad", Remembered: true,
			First: noon.AddDate(-1, 0, 0), Last: noon.AddDate(0, 0, -3), Near: words.Spot{Private: true}, Network: "10.0.0.0/24", Credit: credit,
		},
		{ID: "b3", Kind: "an unknown browser", SignedIn: true, Suspended: true, First: noon.Add(-5 * time.Hour), Last: noon.Add(-4 * time.Hour)},
	}
}

func TestAccountTimesAreExactAndInThePersonsZone(t *testing.T) {
	tests := []struct {
		name string
		zone string
		want string
		not  string
	}{
		{"nothing chosen: UTC, and the script may say it in the browser's", "", `<time datetime="2026-11-23T12:34:00Z" data-local>23 Nov 2026, 12:34 UTC</time>`, ""},
		{"a zone with letters", "Europe/Lisbon", `<time datetime="2026-11-23T12:34:00Z">23 Nov 2026, 12:34 WET</time>`, "data-local>"},
		{"a zone whose day is another", "Pacific/Auckland", `>24 Nov 2026, 01:34 NZDT</time>`, "data-local>"},
		{"a zone without letters", "America/Sao_Paulo", `>23 Nov 2026, 09:34 UTC-03</time>`, "data-local>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			page := pages.Erasing{Frame: accountFrame("settings"), Due: noon.AddDate(0, 0, 1)}
			if tt.zone != "" {
				zone, err := time.LoadLocation(tt.zone)
				if err != nil {
					t.Fatal(err)
				}
				page.Frame.Zone = zone
			}
			html := inlined.ReplaceAllString(render(t, renderer(t, nil), page), "")
			if !strings.Contains(html, tt.want) || tt.not != "" && strings.Contains(html, tt.not) {
				t.Errorf("page lacks %s:\n%s", tt.want, html)
			}
		})
	}
}

func TestEverySuggestedZoneCanBeLoaded(t *testing.T) {
	for _, zone := range pages.Zones() {
		if _, err := time.LoadLocation(zone); err != nil {
			t.Errorf("%s: %v", zone, err)
		}
	}
}

func TestAnAccountPageNamesWhereItIs(t *testing.T) {
	r := renderer(t, nil)
	for _, current := range []string{"", "sessions", "backup-codes", "ways", "activity", "tokens", "settings"} {
		page := pages.AccountTrouble{Frame: accountFrame(current)}
		var here []string
		for _, link := range parse(t, render(t, r, page)).all("a") {
			if link.attrs["aria-current"] == "page" {
				here = append(here, link.attrs["href"])
			}
		}
		if len(here) != 1 || here[0] != "./"+current {
			t.Errorf("%q: the page says it is %v", current, here)
		}
	}
}

func TestAccountPagesOfAGateWithoutThemAreNotLinked(t *testing.T) {
	o := pages.AccountOverview{Frame: accountFrame("")}
	o.Frame.Tabs = pages.AccountTabs{}
	o.Urge, o.May = true, true
	for _, link := range parse(t, render(t, renderer(t, nil), o)).all("a") {
		switch link.attrs["href"] {
		case "./backup-codes", "./ways", "./tokens":
			t.Errorf("a link leads to %s", link.attrs["href"])
		}
	}
}

// TestSeveralRowsHaveButtonsOfDifferentNames: ten buttons "Forget" tell nobody who
// hears them which one is which (WCAG 2.2, 2.4.4).
func TestSeveralRowsHaveButtonsOfDifferentNames(t *testing.T) {
	html := render(t, renderer(t, nil), pages.AccountBrowsers{Frame: accountFrame("sessions"), Browsers: accountBrowsers()})
	for _, want := range []string{
		`Rename<span class="aloud"> <bdi>Kitchen tablet</bdi></span></button>`,
		`Forget<span class="aloud"> <bdi>Firefox on Windows</bdi></span></button>`,
		`Sign out<span class="aloud"> <bdi>Firefox on Windows</bdi></span></a>`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("page lacks %s", want)
		}
	}
}

// TestABrowserThatMayChangeNothingIsNotUrgedTo: it would be refused.
func TestABrowserThatMayChangeNothingIsNotUrgedTo(t *testing.T) {
	o := pages.AccountOverview{Frame: accountFrame(""), Urge: true, CodesHeld: true, Made: noon, SecondHeld: true, Second: true, Guarded: noon.AddDate(0, 0, 6)}
	for _, may := range []bool{false, true} {
		o.May = may
		html := inlined.ReplaceAllString(render(t, renderer(t, nil), o), "")
		if urged := strings.Contains(html, "is your only way in"); urged != may {
			t.Errorf("may change %v, urged %v", may, urged)
		}
		if told := strings.Contains(html, "this browser can&#39;t change them"); told == may {
			t.Errorf("may change %v, told that it may not: %v", may, told)
		}
		for _, card := range []string{"<strong>Backup codes</strong> On hold", "Second address: on hold"} {
			if !strings.Contains(html, card) {
				t.Errorf("page lacks %s", card)
			}
		}
	}
}
