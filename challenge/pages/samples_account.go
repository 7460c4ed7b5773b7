// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// sampleFrame is the frame of an account page of a gate that has everything.
func sampleFrame(current string) AccountFrame {
	return AccountFrame{
		Endpoints: "./", Current: current, Address: "ana@example.com", Flow: sampleFlow, Now: sampleNow,
		Tabs: AccountTabs{BackupCodes: true, Ways: true, Passkeys: true, Tokens: true},
	}
}

// overviewSamples are the first account page.
func overviewSamples() []Sample {
	quiet := AccountOverview{
		Frame: sampleFrame(""), Browser: "Firefox on Windows", Since: sampleNow.Add(-2 * time.Hour), Until: sampleNow.Add(10 * time.Hour),
		Browsers: 3, Codes: 8, Made: sampleNow.AddDate(0, -6, 0), App: true, Remembered: true, Passkeys: 2, Tokens: 1, May: true,
	}
	with := func(change func(*AccountOverview)) Page { o := quiet; change(&o); return o }
	return []Sample{
		{"account-overview", quiet},
		{"account-overview-new", with(func(o *AccountOverview) {
			o.Frame.Tabs = AccountTabs{BackupCodes: true}
			o.Browser, o.Browsers, o.Made, o.Codes, o.Remembered, o.Urge = "", 1, time.Time{}, 0, false, true
		})},
		{"account-overview-mailbox", with(func(o *AccountOverview) { o.Made, o.Urge, o.MailboxHere = time.Time{}, true, true })},
		{"account-overview-guarded", with(func(o *AccountOverview) {
			o.Guarded, o.Codes, o.Second, o.Cancelled, o.May = sampleNow.AddDate(0, 0, 6), 0, true, true, false
			o.CodesHeld, o.SecondHeld, o.Urge = true, true, true
			o.Waiting = []AccountWaiting{
				{ID: "w1", What: ChangeErase, Due: sampleNow.Add(20 * time.Hour)},
				{ID: "w2", What: ChangeSetSecond, Due: sampleNow.Add(23 * time.Hour)},
				{ID: "w3", What: ChangeAddPasskey, Due: sampleNow.Add(23 * time.Hour)},
				{ID: "w4", What: ChangeRemovePasskey, Due: sampleNow.Add(23 * time.Hour)},
			}
		})},
		{"account-overview-guarded-before", with(func(o *AccountOverview) { o.Guarded, o.Codes = sampleNow.AddDate(0, 0, 6), 3 })},
		{"account-overview-replaced", with(func(o *AccountOverview) { o.Frame.Replaced = true })},
	}
}

// accountSamples are the other account pages that every gate has.
func accountSamples() []Sample {
	usual := AccountChoices{News: true, Languages: []AccountLanguage{{Tag: "en", Name: "English"}}}
	own := AccountChoices{
		Languages: []AccountLanguage{{Tag: "en", Name: "English"}, {Tag: "pt", Name: "português"}},
		Language:  "pt", Always: true, Zone: "Europe/Lisbon",
	}
	lisbon := sampleFrame("settings")
	lisbon.Zone = time.FixedZone("WEST", 3600)
	wrong := own
	wrong.Zone = "Lisbon"
	ask := func(current, question string) AccountConfirm {
		return AccountConfirm{
			Frame: sampleFrame(current), Question: question, Name: "Firefox on Windows", Count: 3, Action: "forget",
			Hidden: []Field{{Name: "id", Value: "b1"}}, Grave: true,
		}
	}
	rename := ask("sessions", "account.rename")
	rename.Entry, rename.Grave = &AccountEntry{Name: "name", Value: "Kitchen", Most: 40}, false
	return []Sample{
		{"account-browsers-renamed", AccountBrowsers{Frame: sampleFrame("sessions"), Browsers: sampleBrowsers()[:1], Renamed: true}},
		{"account-browsers-ended", AccountBrowsers{Frame: sampleFrame("sessions"), Browsers: sampleBrowsers()[:1], Ended: 19}},
		{"account-browsers", AccountBrowsers{Frame: sampleFrame("sessions"), Browsers: sampleBrowsers()}},
		{"account-browsers-alone", AccountBrowsers{Frame: sampleFrame("sessions"), Browsers: sampleBrowsers()[:1]}},
		{"account-rename", rename},
		{"account-sign-out", ask("sessions", "account.end")},
		{"account-forget", ask("sessions", "account.drop_browser")},
		{"account-forget-this", ask("", "account.drop_this")},
		{"account-everywhere", ask("sessions", "account.others")},
		{"account-cancel", ask("", "account.drop")},
		{"account-gone", AccountTrouble{Frame: sampleFrame("sessions"), Why: AccountBrowserGone}},
		{"account-suspended", AccountTrouble{Frame: sampleFrame("ways"), Why: AccountSuspended, Since: sampleNow.Add(-26 * time.Hour), Until: sampleNow.AddDate(0, 0, 6)}},
		{"account-suspended-let-in", AccountTrouble{Frame: sampleFrame("ways"), Why: AccountSuspended}},
		{"account-full", AccountTrouble{Frame: sampleFrame("tokens"), Why: AccountFull}},
		{"account-settings", AccountSettings{Frame: sampleFrame("settings"), Choices: usual}},
		{"account-settings-chosen", AccountSettings{
			Frame: lisbon, Choices: own, Saved: true, Erasing: &AccountWaiting{ID: "w1", What: ChangeErase, Due: sampleNow.Add(20 * time.Hour)},
		}},
		{"account-choose", AccountSettingsForm{Frame: sampleFrame("settings"), Choices: usual}},
		{"account-choose-own", AccountSettingsForm{Frame: lisbon, Choices: own}},
		{"account-choose-bad-zone", AccountSettingsForm{Frame: lisbon, Choices: wrong, BadZone: true}},
		{"account-export", sampleCoded(ask("settings", "account.take"))},
		{"account-erase", sampleCoded(ask("settings", "account.wipe"))},
		{"account-not-visited", NotVisited{Action: "./activity?problems"}},
		{"account-erasing", AccountErasing{Frame: sampleFrame("settings"), Due: sampleNow.AddDate(0, 0, 1)}},
	}
}

func sampleCoded(c AccountConfirm) Page {
	c.Coded = true
	return c
}

func sampleBrowsers() []AccountBrowser {
	return []AccountBrowser{
		{
			ID: "b1", Kind: "Firefox on Windows", This: true, Remembered: true, SignedIn: true, Bound: true,
			First: sampleNow.AddDate(0, -2, 0), Last: sampleNow.Add(-time.Minute), Near: sampleLisbon, Network: "203.0.113.0/24", Credit: sampleCredit,
		},
		{
			ID: "b2", Name: "Kitchen tablet", Kind: "Safari on iPad", Remembered: true,
			First: sampleNow.AddDate(-1, 0, 0), Last: sampleNow.AddDate(0, 0, -3), Near: words.Spot{Private: true}, Network: "10.0.0.0/24", Credit: sampleCredit,
		},
		{ID: "b3", Kind: "an unknown browser", SignedIn: true, Suspended: true, First: sampleNow.Add(-5 * time.Hour), Last: sampleNow.Add(-4 * time.Hour)},
	}
}

func sampleDeeds() []AccountDeed {
	home := AccountDeed{Browser: "Firefox on Windows", Near: sampleLisbon, Network: "203.0.113.0/24", Credit: sampleCredit, Times: 1}
	deed := func(minutes int, kind string, change func(*AccountDeed)) AccountDeed {
		d := home
		d.ID, d.At, d.Kind = kind, sampleNow.Add(-time.Duration(minutes)*time.Minute), kind
		change(&d)
		return d
	}
	as := func(*AccountDeed) {}
	return []AccountDeed{
		deed(1, "changed", func(d *AccountDeed) { d.Change = "backup_codes" }),
		deed(2, "confirmed", func(d *AccountDeed) { d.Change = "backup_codes" }),
		deed(30, "wrong", func(d *AccountDeed) {
			d.Times, d.Problem, d.Browser, d.Near, d.Network = 4, true, "an unknown browser", words.Spot{}, "198.51.100.0/24"
		}),
		deed(40, "entered", func(d *AccountDeed) { d.Browser, d.Near, d.Reportable = "Chrome on Linux", samplePorto, true }),
		deed(50, "entered", func(d *AccountDeed) { d.Way = "backup" }),
		deed(60, "renamed", func(d *AccountDeed) { d.Name = "<Kitchen> & =1+1"; d.Near = words.Spot{Private: true} }),
		deed(90, "ended", func(d *AccountDeed) { d.Name = "Kitchen tablet" }),
		{ID: "let_in", At: sampleNow.Add(-2 * time.Hour), Kind: "let_in", Times: 1},
		deed(3000, "remembered", as),
		deed(3001, "code_sent", func(d *AccountDeed) { d.Change = "backup_codes" }),
	}
}

func sampleActivity() AccountActivity {
	return AccountActivity{Frame: sampleFrame("activity"), Deeds: sampleDeeds(), Older: "m5x.a", Keep: 90 * 24 * time.Hour}
}

func activitySamples() []Sample {
	with := func(change func(*AccountActivity)) Page { p := sampleActivity(); change(&p); return p }
	asked := StopDetails{Browser: "Chrome on Linux", Near: samplePorto, Network: "198.51.100.0/24", At: sampleNow, Credit: sampleCredit}
	return []Sample{
		{"account-activity", sampleActivity()},
		{"account-activity-problems", with(func(p *AccountActivity) {
			p.Problems, p.Deeds, p.Newer, p.Frame.Zone = true, p.Deeds[2:3], "m5x.b", time.FixedZone("Pacific/Auckland", 12*3600)
		})},
		{"account-activity-none", with(func(p *AccountActivity) { p.Deeds, p.Older = nil, "" })},
		{"account-activity-no-problems", with(func(p *AccountActivity) { p.Problems, p.Deeds, p.Older = true, nil, "" })},
		{"account-report", AccountReport{Frame: sampleFrame("activity"), ID: "r1", Asked: asked}},
		{"account-report-password", AccountReport{Frame: sampleFrame("activity"), ID: "r1", Asked: StopDetails{At: sampleNow}, Password: true}},
		{"account-reported", AccountReported{Frame: sampleFrame("activity"), Blocked: time.Hour, Undo: "./no/babc", Nonce: sampleNonce}},
		{"account-reported-passkey", AccountReported{Frame: sampleFrame("activity"), Passkey: true}},
		{"account-reported-password", AccountReported{Frame: sampleFrame("activity"), Password: true}},
	}
}
