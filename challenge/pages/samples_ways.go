// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import "time"

// sampleAtCodes is the frame of the page of backup codes.
func sampleAtCodes() AccountFrame {
	return AccountFrame{
		Endpoints: "./", Current: "backup-codes", Address: "ana@example.com", Flow: sampleFlow, Now: sampleNow,
		Tabs: AccountTabs{BackupCodes: true, Ways: true},
	}
}

func sampleMadeCodes() AccountCodesMade {
	return AccountCodesMade{Frame: sampleAtCodes(), Codes: sampleBackupCodes, Sealed: sampleHeld, Host: "app.example.com", Made: sampleNow}
}

// codesSamples are the account pages of backup codes.
func codesSamples() []Sample {
	some := AccountCodes{Frame: sampleAtCodes(), Count: 10, Made: sampleMade, Left: 7, Of: 10, May: true}
	with := func(change func(*AccountCodes)) Page { p := some; change(&p); return p }
	waits := func(p *AccountCodes) { p.Waiting, p.WaitingID = sampleTomorrow, "1" }
	later := sampleMadeCodes()
	later.Due = sampleTomorrow
	test := func(result CodeTest) Page {
		return AccountCodeTest{Frame: sampleAtCodes(), Result: result, RetryAt: sampleNow.Add(21 * time.Minute)}
	}
	confirm := func(question string) Page {
		return AccountConfirm{
			Frame: sampleAtCodes(), Question: question, Count: 10, Action: "confirm", Coded: true,
			Hidden: []Field{{Name: "change", Value: "backup_codes"}},
		}
	}
	return []Sample{
		{"account-codes", some},
		{"account-codes-none", AccountCodes{Frame: sampleAtCodes(), Count: 10}},
		{"account-codes-few", with(func(p *AccountCodes) { p.Left = 3 })},
		{"account-codes-used-up", with(func(p *AccountCodes) { p.Left = 0 })},
		{"account-codes-suspended", with(func(p *AccountCodes) { p.Suspended, p.Left = true, 0 })},
		{"account-codes-suspended-here", with(func(p *AccountCodes) { p.Suspended, p.Left, p.May = true, 0, false })},
		{"account-codes-waiting", with(waits)},
		{"account-codes-waiting-first", with(func(p *AccountCodes) { *p = AccountCodes{Frame: sampleAtCodes(), Count: 10}; waits(p) })},
		{"account-codes-confirm", confirm("account_codes.first")},
		{"account-codes-confirm-again", confirm("account_codes.renew")},
		{"account-codes-made", sampleMadeCodes()},
		{"account-codes-made-due", later},
		{"account-codes-lost", AccountCodesLost{Frame: sampleAtCodes()}},
		{"account-codes-test", test(CodeUntested)},
		{"account-codes-test-missing", test(CodeMissingInTest)},
		{"account-codes-test-unused", test(CodeUnused)},
		{"account-codes-test-other", test(CodeNotUnused)},
		{"account-codes-test-often", test(CodeTestedOften)},
	}
}

// sampleAtWays is the frame of the page of the other ways in.
func sampleAtWays() AccountFrame {
	f := sampleAtCodes()
	f.Current = "ways"
	return f
}

// sampleWays is that page for somebody who has both.
func sampleWays() AccountWays {
	return AccountWays{
		Frame: sampleAtWays(), HasApp: true, HasSecond: true, May: true, Listed: true, Address: "ana@home.example.org",
		App: WayState{Made: sampleMade, Used: sampleNow.Add(-50 * time.Hour)}, Second: WayState{Made: sampleMade},
	}
}

// waysSamples are the account pages of authenticator app and second address.
func waysSamples() []Sample {
	with := func(change func(*AccountWays)) Page { p := sampleWays(); change(&p); return p }
	wrong := func(trouble SecondTrouble, typed string) Page {
		return with(func(p *AccountWays) { p.Trouble, p.Typed, p.Better = trouble, typed, "ana@gmail.com" })
	}
	app := func(change func(*AccountApp)) Page {
		p := AccountApp{Frame: sampleAtWays(), Key: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP", PNG: []byte("\x89PNG"), Offer: sampleHeld}
		change(&p)
		return p
	}
	confirm := func(question string) Page {
		return AccountConfirm{
			Frame: sampleAtWays(), Question: question, Name: "ana@home.example.org", Action: "confirm", Coded: true,
			Hidden: []Field{{Name: "change", Value: "set_second"}},
		}
	}
	changed := func(change WayChange, due time.Time) Page {
		return AccountWayChanged{Frame: sampleAtWays(), Change: change, Address: "ana@home.example.org", Due: due}
	}
	return []Sample{
		{"account-ways", sampleWays()},
		{"account-ways-none", AccountWays{Frame: sampleAtWays(), HasApp: true, HasSecond: true}},
		{"account-ways-app-alone", with(func(p *AccountWays) { p.HasSecond, p.App.Used = false, time.Time{} })},
		{"account-ways-second-alone", with(func(p *AccountWays) { p.HasApp, p.Listed = false, false })},
		{"account-ways-suspended", with(func(p *AccountWays) { p.App.Suspended, p.Second.Suspended = true, true })},
		{"account-ways-suspended-here", with(func(p *AccountWays) { p.App.Suspended, p.Second.Suspended, p.May = true, true, false })},
		{"account-ways-waiting", with(func(p *AccountWays) {
			p.App.Waiting, p.App.WaitingID = sampleTomorrow, "1"
			p.Second.Leaving, p.Second.LeavingID = sampleTomorrow, "2"
		})},
		{"account-ways-missing", wrong(SecondMissing, "")},
		{"account-ways-malformed", wrong(SecondMalformed, "ana")},
		{"account-ways-first", wrong(SecondIsFirst, "ana@example.com")},
		{"account-ways-same", wrong(SecondIsSame, "ana@home.example.org")},
		{"account-ways-suggestion", wrong(SecondMayBeMeant, "ana@gmial.com")},
		{"account-app-show", AccountConfirm{
			Frame: sampleAtWays(), Question: "account_ways.show", Action: "ask", Coded: true, Hidden: []Field{{Name: "do", Value: "add_app"}},
		}},
		{"account-app", app(func(*AccountApp) {})},
		{"account-app-again", app(func(p *AccountApp) { p.Again = true })},
		{"account-app-missing", app(func(p *AccountApp) { p.Trouble = AppCodeMissing })},
		{"account-app-wrong", app(func(p *AccountApp) { p.Trouble = AppCodeWrong })},
		{"account-ways-remove-app", confirm("account_ways.remove_app")},
		{"account-ways-send", confirm("account_ways.send")},
		{"account-ways-use", confirm("account_ways.use")},
		{"account-ways-use-instead", confirm("account_ways.instead")},
		{"account-ways-remove-second", confirm("account_ways.remove_second")},
		{"account-ways-app-added", changed(AppAdded, time.Time{})},
		{"account-ways-app-removed", changed(AppRemoved, time.Time{})},
		{"account-ways-second-set", changed(SecondSet, time.Time{})},
		{"account-ways-second-removed", changed(SecondRemoved, time.Time{})},
		{"account-ways-due", changed(SecondSet, sampleTomorrow)},
		{"account-ways-often", AccountSentOften{Frame: sampleAtWays(), RetryAt: sampleNow.Add(21 * time.Minute)}},
	}
}

func sampleTokens() AccountTokens {
	return AccountTokens{
		Frame: sampleFrame("tokens"), Host: "app.example.com", Days: []int{30, 90, 365}, New: TokenForm{Path: "/", ReadOnly: true, Days: 90},
		Tokens: []AccountToken{
			{
				ID: "1", Name: "Phone calendar", Host: "app.example.com", Path: "/ana@example.com", Made: sampleMade, Ends: sampleMade.AddDate(0, 0, 365),
				Used: sampleNow.Add(-time.Hour), Network: "203.0.113.0/24",
			},
			{ID: "2", Name: "Backup", Host: "git.example.com:8443", Path: "/", ReadOnly: true, Made: sampleMade, Ends: sampleTomorrow},
			{ID: "3", Name: "Thief", Host: "app.example.com", Path: "/", Made: sampleNow, Ends: sampleTomorrow, Suspended: true},
		},
	}
}

func sampleMadeToken() AccountTokenMade {
	return AccountTokenMade{
		Frame: sampleFrame("tokens"), Token: sampleToken, Name: "Phone calendar", Origin: "https://app.example.com", Path: "/ana@example.com", Ends: sampleTomorrow,
	}
}

// tokensSamples are the account pages of access tokens.
func tokensSamples() []Sample {
	with := func(change func(*AccountTokens)) Page { p := sampleTokens(); change(&p); return p }
	later := sampleMadeToken()
	later.Due = sampleTomorrow
	repository := sampleMadeToken()
	repository.Path = "/ana/notes.git"
	return []Sample{
		{"account-tokens", sampleTokens()},
		{"account-tokens-none", with(func(p *AccountTokens) { p.Tokens = nil })},
		{"account-tokens-waiting", with(func(p *AccountTokens) { p.Waiting = []TokenWaiting{{ID: "9", Due: sampleTomorrow}} })},
		{"account-tokens-name", with(func(p *AccountTokens) { p.New.Trouble = TokenNameMissing })},
		{"account-tokens-path", with(func(p *AccountTokens) {
			p.New = TokenForm{Name: "Backup", Path: "/a/../b", Days: 30, Trouble: TokenPathBad}
		})},
		{"account-token-confirm", AccountTokenConfirm{Frame: sampleFrame("tokens"), Name: "Backup", Host: "app.example.com", Path: "/notes", ReadOnly: true, Days: 90}},
		{"account-token-made", sampleMadeToken()},
		{"account-token-made-later", later},
		{"account-token-made-repository", repository},
		{"account-token-revoke", AccountConfirm{
			Frame: sampleFrame("tokens"), Question: "account_tokens.revoke", Name: "Backup", Action: "revoke", Hidden: []Field{{Name: "id", Value: "2"}}, Grave: true,
		}},
	}
}
