// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import "time"

// passkeySamples are the screens of the door where a passkey can be used.
func passkeySamples() []Sample {
	later := sampleNow.Add(21 * time.Minute)
	email := Email{Endpoints: sampleEndpoints, Flow: sampleFlow, Now: sampleNow, RetryAt: later, Passkeys: true}
	with := func(change func(*Email)) Page { e := email; change(&e); return e }
	code := func(c Code, change func(*Code)) Page {
		c.Passkeys, c.RetryAt = true, later
		change(&c)
		return c
	}
	as := func(*Code) {}
	only := Passkey{Endpoints: sampleEndpoints, Flow: sampleFlow, Address: "ana@example.com", Now: sampleNow, RetryAt: later}
	onlyWith := func(change func(*Passkey)) Page { p := only; change(&p); return p }
	send := Send{Endpoints: sampleEndpoints, Flow: sampleFlow, Address: "ana@example.com", Passkeys: true, Now: sampleNow}
	refused := send
	refused.Trouble = PasskeyRefused
	return []Sample{
		{"1-email-passkey", email},
		{"1-email-passkey-refused", with(func(e *Email) { e.Trouble = EmailPasskey })},
		{"1-email-passkey-often", with(func(e *Email) { e.Trouble = EmailPasskeyOften })},
		{"1-email-passkey-held", with(func(e *Email) { e.Held = sampleHeld })},
		{"2-code-passkey", code(sampleCode(), as)},
		{"2-code-passkey-alone", code(sampleKnown(), func(c *Code) { c.Offers = WayOffers{} })},
		{"2-code-passkey-refused", code(sampleCode(), func(c *Code) { c.Notice = PasskeyNotTaken })},
		{"2-code-passkey-often", code(sampleKnown(), func(c *Code) { c.Notice = PasskeysUsedOften })},
		{"2l-cancelled-passkey", code(sampleCode(), func(c *Code) { c.Trouble, c.Tries = CodeCancelled, 5 })},
		{"2L-locked-passkey", code(sampleCode(), func(c *Code) { c.Trouble = AddressLocked })},
		{"2L-locked-passkey-known", code(sampleKnown(), func(c *Code) { c.Trouble = AddressLocked })},
		{"2L-locked-network-passkey", code(sampleCode(), func(c *Code) { c.Trouble = NetworkLocked })},
		{"2m-down-passkey", code(sampleCode(), func(c *Code) { c.Trouble, c.Recovers = MailDown, true })},
		{"2s-confirm-passkey", code(sampleConfirm(), as)},
		{"3-backup-passkey", code(sampleCode(), func(c *Code) { c.Way, c.Notice = WayBackup, PasskeyNotTaken })},
		{"1-email-passkey-only", with(func(e *Email) { e.OnlyPasskeys = true })},
		{"4-passkey", only},
		{"4-passkey-refused", onlyWith(func(p *Passkey) { p.Trouble = PasskeyRefused })},
		{"4-passkey-has-one", onlyWith(func(p *Passkey) { p.Has = true })},
		{"4-passkey-often", onlyWith(func(p *Passkey) { p.Trouble = PasskeyOften })},
		{"4-passkey-held", onlyWith(func(p *Passkey) { p.Held = sampleHeld })},
		{"4-passkey-form-not-sent", onlyWith(func(p *Passkey) { p.FormNotSent, p.AnswersPost = true, true })},
		{"5-choice-passkey", code(sampleCode(), func(c *Code) { c.Way = WayChoice })},
		{"for-passkey", code(sampleChange(PurposePasskey), as)},
		{"for-no-passkey", code(sampleChange(PurposeNoPasskey), as)},
		{"send-passkey", send},
		{"send-passkey-refused", refused},
		{"send-passkey-only", Send{Endpoints: sampleEndpoints, Flow: sampleFlow, Address: "ana@example.com", Passkeys: true, OnlyPasskeys: true}},
	}
}

func samplePasskeys() AccountPasskeys {
	return AccountPasskeys{Frame: sampleFrame("passkeys"), Passkeys: []AccountPasskey{
		{ID: "1", Name: "Kitchen tablet", Made: sampleMade, Used: sampleNow.Add(-50 * time.Hour)},
		{ID: "2", Name: "Chrome on Windows", Made: sampleMade},
	}}
}

// accountPasskeySamples are the account pages of passkeys.
func accountPasskeySamples() []Sample {
	with := func(change func(*AccountPasskeys)) Page { p := samplePasskeys(); change(&p); return p }
	making := AccountPasskeyMake{
		Frame: sampleFrame("passkeys"), Options: "[]", Offer: sampleHeld, Name: "Chrome on Windows", Most: 64,
	}
	refused := making
	refused.Refused = true
	confirm := func(question string) AccountConfirm {
		return AccountConfirm{
			Frame: sampleFrame("passkeys"), Question: question, Name: "Kitchen tablet", At: sampleMade, Action: "confirm", Coded: true, Grave: true,
			Hidden: []Field{{Name: "change", Value: "remove_passkey"}},
		}
	}
	rename := confirm("account_passkeys.rename")
	rename.Action, rename.Coded, rename.Grave, rename.Hidden = "rename", false, false, []Field{{Name: "id", Value: "1"}}
	rename.Entry = &AccountEntry{Name: "name", Value: "Kitchen tablet", Most: 64}
	show := confirm("account_passkeys.show")
	show.Action, show.Grave, show.Hidden = "ask", false, []Field{{Name: "do", Value: "add_passkey"}}
	changed := func(change WayChange, due time.Time) Page {
		return AccountWayChanged{Frame: sampleFrame("passkeys"), Change: change, Name: "Kitchen tablet", Due: due}
	}
	return []Sample{
		{"account-passkeys", samplePasskeys()},
		{"account-passkeys-none", with(func(p *AccountPasskeys) { p.Passkeys = nil })},
		{"account-passkeys-odd", with(func(p *AccountPasskeys) {
			p.Passkeys[0].Cloned, p.Passkeys[1].Suspended, p.Passkeys[1].Elsewhere = true, true, "old.example.com"
		})},
		{"account-passkeys-waiting", with(func(p *AccountPasskeys) {
			p.Waiting = []PasskeyWaiting{{ID: "9", Name: "Firefox on Windows", Due: sampleTomorrow}}
			p.Passkeys[0].Leaving, p.Passkeys[0].LeavingID = sampleTomorrow, "8"
		})},
		{"account-passkeys-full", with(func(p *AccountPasskeys) { p.Full = true })},
		{"account-passkeys-renamed", with(func(p *AccountPasskeys) { p.Renamed = true })},
		{"account-passkey-show", show},
		{"account-passkey", making},
		{"account-passkey-refused", refused},
		{"account-passkey-rename", rename},
		{"account-passkey-remove", confirm("account_passkeys.remove")},
		{"account-passkey-remove-last", confirm("account_passkeys.last")},
		{"account-passkey-added", changed(PasskeyAdded, time.Time{})},
		{"account-passkey-added-go-on", AccountWayChanged{Frame: sampleFrame("passkeys"), Change: PasskeyAdded, GoOn: "/reports"}},
		{"account-passkey-removed", changed(PasskeyRemoved, time.Time{})},
		{"account-passkey-due", changed(PasskeyAdded, sampleTomorrow)},
	}
}
