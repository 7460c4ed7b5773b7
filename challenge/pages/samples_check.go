// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// plainSamples are those with a sentence, and hardly more.
func plainSamples() []Sample {
	return []Sample{
		{"6-no-access", NoAccess{Address: "ana@example.com", Endpoints: sampleEndpoints, Flow: sampleFlow}},
		{"6-keyless", Keyless{Endpoints: sampleEndpoints, Flow: sampleFlow}},
		{"6-keyless-form", Keyless{Endpoints: sampleEndpoints, Flow: sampleFlow, FormNotSent: true}},
		{"9-sign-out", SignOut{Endpoints: sampleEndpoints, Flow: sampleFlow, Remembered: true, Keep: "/reports"}},
		{"9-signed-out", SignedOut{Again: "/"}},
		{"10-cookies", CookiesBlocked{Host: "app.example.com", Again: "/reports"}},
		{"10-cookies-language", CookiesBlocked{Host: "app.example.com", Again: "/reports/.doorcode/language", Language: true}},
		{"12-unavailable", Unavailable{Again: "/reports"}},
		{"13-framed", Framed{URL: "/reports"}},
		{"14-plain-http", PlainHTTP{}},
		{"14-plain-http-proxy", PlainHTTP{Proxy: "172.18.0.3"}},
		{"begin", Begin{Endpoints: "./"}},
		{"begin-only-passkeys", Begin{Endpoints: "./", OnlyPasskeys: true}},
		{"language", Languages{
			Action: "./language", Flow: sampleFlow, Back: "/reports", Chosen: "de",
			Offered: []string{"en", "ar", "de", "ja", "uk", "zh-CN"},
		}},
		{"send", Send{Endpoints: sampleEndpoints, Flow: sampleFlow, Address: "ana@example.com"}},
		{"not-sent", NotSent{URL: "/acs"}},
		{"not-sent-kept", NotSent{URL: "/form", Kept: true}},
		{"refused-not-found", Refused{Home: "/"}},
		{"refused-method", Refused{Why: MethodNotAllowed, Home: "/"}},
		{"refused-bad-request", Refused{Why: BadRequest, Home: "/"}},
		{"refused-too-large", Refused{Why: TooLarge, Home: "/"}},
		{"refused-misdirected", Refused{Why: Misdirected}},
		{"refused-bad-origin", Refused{Why: BadOrigin, Home: "/"}},
	}
}

// sampleConfirm is screen [2s].
func sampleConfirm() Code {
	c := sampleCode()
	c.Confirm, c.GoBack, c.Reason = true, "/reports", ReasonSensitive
	c.Offers = WayOffers{App: true}
	return c
}

// sampleChange is the code page of somebody who changes something of their own.
func sampleChange(purpose Purpose) Code {
	c := sampleCode()
	c.Confirm, c.For, c.Reason = true, purpose, 0
	return c
}

// placeSamples are those that tell where somebody is, or ask because of it.
func placeSamples() []Sample {
	confirmWith := func(change func(*Code)) Page { c := sampleConfirm(); change(&c); return c }
	because := func(reason Reason, near words.Spot) Page {
		c := sampleKnown()
		c.Reason, c.Near, c.Credit = reason, near, sampleCredit
		return c
	}
	return []Sample{
		{"2-code-new-place", because(ReasonNewPlace, samplePorto)},
		{"2-code-new-place-unknown", because(ReasonNewPlace, words.Spot{})},
		{"2-code-travel", because(ReasonTravel, words.Spot{Country: "JP", Radius: 900})},
		{"2-code-new-network", because(ReasonNewNetwork, words.Spot{Private: true})},
		{"2-code-keyless", because(ReasonKeyless, sampleLisbon)},
		{"2-code-operator", because(ReasonOperator, sampleLisbon)},
		{"2s-confirm", sampleConfirm()},
		{"2s-confirm-wrong", confirmWith(func(c *Code) {
			c.Trouble, c.TriesLeft, c.Typed = WrongCode, 3, "111111"
			c.Near, c.Credit = sampleLisbon, sampleCredit
		})},
		{"2s-confirm-new-place", confirmWith(func(c *Code) { c.Reason, c.Near, c.Credit = ReasonNewPlace, samplePorto, sampleCredit })},
		{"2s-confirm-cancelled", confirmWith(func(c *Code) { c.Trouble, c.Tries = CodeCancelled, 5 })},
		{"6c-no-country", NoCountry{Country: "PT"}},
		{"6c-no-country-unknown", NoCountry{}},
	}
}

// heldSamples are those that carry a form of the app.
func heldSamples() []Sample {
	with := func(c Code, change func(*Code)) Page {
		c.Held = sampleHeld
		change(&c)
		return c
	}
	form := SendForm{
		Action: "/wiki/Foo_(bar)?action=submit", Path: "/wiki/Foo_(bar)", Discard: "/wiki/Foo_(bar)",
		Fields: []Field{{Name: "title", Value: `"Foo" & <bar>`}, {Name: "text", Value: "\r\nOne\r\ntwo"}, {Name: "_charset_", Value: "UTF-8"}},
	}
	multipart := form
	multipart.Multipart = true
	return []Sample{
		{"1-email-held", Email{Endpoints: sampleEndpoints, Flow: sampleFlow, Held: sampleHeld}},
		{"1-email-held-suggestion", Email{
			Endpoints: sampleEndpoints, Flow: sampleFlow, Held: sampleHeld,
			Trouble: EmailSuggestion, Address: "ana@gmial.com", Better: "ana@gmail.com",
		}},
		{"2-code-held", with(sampleCode(), func(*Code) {})},
		{"2-code-held-known", with(sampleKnown(), func(*Code) {})},
		{"2e-wrong-held", with(sampleCode(), func(c *Code) {
			c.Trouble, c.TriesLeft, c.Typed = WrongCode, 3, "111111"
			c.Reason, c.Near, c.Credit = ReasonNewPlace, samplePorto, sampleCredit
		})},
		{"2x-expired-held", with(sampleCode(), func(c *Code) { c.Trouble = CodeExpired })},
		{"2l-cancelled-held", with(sampleCode(), func(c *Code) { c.Trouble, c.Tries = CodeCancelled, 5 })},
		{"2L-locked-held", with(sampleCode(), func(c *Code) { c.Trouble, c.RetryAt = AddressLocked, sampleNow.Add(time.Hour) })},
		{"2m-down-held", with(sampleCode(), func(c *Code) { c.Trouble, c.Recovers = MailDown, true })},
		{"2s-confirm-held", with(sampleConfirm(), func(*Code) {})},
		{"8-send-form", form},
		{"8-send-form-multipart", multipart},
		{"send-held", Send{Endpoints: sampleEndpoints, Flow: sampleFlow, Held: sampleHeld, Address: "ana@example.com"}},
	}
}

// stopSamples are [7] and what may follow it.
func stopSamples() []Sample {
	asked := StopDetails{
		Browser: "Firefox on Windows", Near: sampleLisbon, Network: "203.0.113.7, Example Telecom",
		At: sampleNow.In(time.FixedZone("", 3600)), Credit: sampleCredit,
	}
	home := StopDetails{Browser: "Safari on iPhone", Near: words.Spot{Private: true}, Network: "10.0.0.7", At: sampleNow, Credit: sampleCredit}
	return []Sample{
		{"7-stop", Stop{Action: "./Yk3nT0", Nonce: sampleNonce, Keep: "/", Asked: asked}},
		{"7-stop-password", Stop{Action: "./Yk3nT0", Nonce: sampleNonce, Keep: "/", Asked: asked, Password: true}},
		{"7-stop-browser", Stop{Action: "./Yk3nT0", Nonce: sampleNonce, Keep: "/", About: StopBrowser, Asked: home}},
		{"7-stop-change", Stop{Action: "./Yk3nT0", Nonce: sampleNonce, Keep: "/", About: StopChange, Asked: home, Change: "add_app"}},
		{"7-stop-change-waiting", Stop{Action: "./Yk3nT0", Nonce: sampleNonce, Keep: "/", About: StopChange, Asked: home, Change: "erase", Waits: true}},
		{"7-stopped-change", Stopped{About: StopChange}},
		{"7-stop-nothing-known", Stop{Action: "./Yk3nT0", Nonce: sampleNonce}},
		{"7-stopped", Stopped{Blocked: time.Hour, Undo: "./Yk3nT0", Nonce: sampleNonce}},
		{"7-stopped-password", Stopped{Blocked: time.Hour, Password: true}},
		{"7-stopped-browser", Stopped{About: StopBrowser, Blocked: time.Hour}},
		{"7-stopped-browser-passkey", Stopped{About: StopBrowser, Blocked: time.Hour, Passkey: true}},
		{"7-stopped-unblocked", Stopped{}},
		{"7-restored", Restored{Home: "/"}},
		{"7-restored-browser", Restored{About: StopBrowser}},
		{"7-stop-over", StopOver{Home: "/"}},
	}
}
