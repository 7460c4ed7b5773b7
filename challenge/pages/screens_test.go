// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// plainScreens are those with a sentence, and hardly more.
func plainScreens() []screen {
	return []screen{
		{"6-no-access", pages.NoAccess{Address: "ana@example.com", Endpoints: endpoints, Flow: flow}},
		{"6-no-access-known", pages.NoAccess{Address: "ana@example.com", Known: true}},
		{"9-sign-out", pages.SignOut{Endpoints: endpoints, Flow: flow, Remembered: true, Keep: "/reports"}},
		{"9-signed-out", pages.SignedOut{Again: "/"}},
		{"10-cookies", pages.CookiesBlocked{Host: "app.example.com", Again: "/reports"}},
		{"12-unavailable", pages.Unavailable{Again: "/reports"}},
		{"13-framed", pages.Framed{URL: "/reports"}},
		{"14-plain-http", pages.PlainHTTP{}},
		{"14-plain-http-proxy", pages.PlainHTTP{Proxy: "172.18.0.3"}},
		{"begin", pages.Begin{Endpoints: "./"}},
		{"send", pages.Send{Endpoints: endpoints, Flow: flow, Address: "ana@example.com"}},
		{"not-sent", pages.NotSent{URL: "/acs"}},
		{"not-sent-kept", pages.NotSent{URL: "/form", Kept: true}},
		{"refused-not-found", pages.Refused{Home: "/"}},
		{"refused-method", pages.Refused{Why: pages.MethodNotAllowed, Home: "/"}},
		{"refused-bad-request", pages.Refused{Why: pages.BadRequest, Home: "/"}},
		{"refused-too-large", pages.Refused{Why: pages.TooLarge, Home: "/"}},
		{"refused-misdirected", pages.Refused{Why: pages.Misdirected}},
		{"refused-bad-origin", pages.Refused{Why: pages.BadOrigin, Home: "/"}},
	}
}

// confirm is screen [2s].
func confirm() pages.Code {
	c := asked()
	c.Confirm, c.GoBack, c.Reason = true, "/reports", pages.ReasonSensitive
	c.Offers = pages.WayOffers{App: true}
	return c
}

// changing is the code page of somebody who changes something of their own.
func changing(purpose pages.Purpose) pages.Code {
	c := asked()
	c.Confirm, c.For, c.Reason = true, purpose, 0
	return c
}

// placeScreens are those that tell where somebody is, or ask because of it.
func placeScreens() []screen {
	confirmWith := func(change func(*pages.Code)) pages.Page { c := confirm(); change(&c); return c }
	because := func(reason pages.Reason, near words.Spot) pages.Page {
		c := known()
		c.Reason, c.Near, c.Credit = reason, near, credit
		return c
	}
	return []screen{
		{"2-code-new-place", because(pages.ReasonNewPlace, porto)},
		{"2-code-new-place-unknown", because(pages.ReasonNewPlace, words.Spot{})},
		{"2-code-travel", because(pages.ReasonTravel, words.Spot{Country: "JP", Radius: 900})},
		{"2-code-new-network", because(pages.ReasonNewNetwork, words.Spot{Private: true})},
		{"2-code-operator", because(pages.ReasonOperator, lisbon)},
		{"2s-confirm", confirm()},
		{"2s-confirm-wrong", confirmWith(func(c *pages.Code) {
			c.Trouble, c.TriesLeft, c.Typed = pages.WrongCode, 3, "111111"
			c.Near, c.Credit = lisbon, credit
		})},
		{"2s-confirm-new-place", confirmWith(func(c *pages.Code) { c.Reason, c.Near, c.Credit = pages.ReasonNewPlace, porto, credit })},
		{"2s-confirm-cancelled", confirmWith(func(c *pages.Code) { c.Trouble, c.Tries = pages.CodeCancelled, 5 })},
		{"6c-no-country", pages.NoCountry{Country: "PT"}},
		{"6c-no-country-unknown", pages.NoCountry{}},
	}
}

// heldScreens are those that carry a form of the app.
func heldScreens() []screen {
	with := func(c pages.Code, change func(*pages.Code)) pages.Page {
		c.Held = held
		change(&c)
		return c
	}
	form := pages.SendForm{
		Action: "/wiki/Foo_(bar)?action=submit", Path: "/wiki/Foo_(bar)", Discard: "/wiki/Foo_(bar)",
		Fields: []pages.Field{{Name: "title", Value: `"Foo" & <bar>`}, {Name: "text", Value: "\r\nOne\r\ntwo"}, {Name: "_charset_", Value: "UTF-8"}},
	}
	multipart := form
	multipart.Multipart = true
	return []screen{
		{"1-email-held", pages.Email{Endpoints: endpoints, Flow: flow, Held: held}},
		{"1-email-held-suggestion", pages.Email{
			Endpoints: endpoints, Flow: flow, Held: held,
			Trouble: pages.EmailSuggestion, Address: "ana@gmial.com", Better: "ana@gmail.com",
		}},
		{"2-code-held", with(asked(), func(*pages.Code) {})},
		{"2-code-held-known", with(known(), func(*pages.Code) {})},
		{"2e-wrong-held", with(asked(), func(c *pages.Code) {
			c.Trouble, c.TriesLeft, c.Typed = pages.WrongCode, 3, "111111"
			c.Reason, c.Near, c.Credit = pages.ReasonNewPlace, porto, credit
		})},
		{"2x-expired-held", with(asked(), func(c *pages.Code) { c.Trouble = pages.CodeExpired })},
		{"2l-cancelled-held", with(asked(), func(c *pages.Code) { c.Trouble, c.Tries = pages.CodeCancelled, 5 })},
		{"2L-locked-held", with(asked(), func(c *pages.Code) { c.Trouble, c.RetryAt = pages.AddressLocked, noon.Add(time.Hour) })},
		{"2m-down-held", with(asked(), func(c *pages.Code) { c.Trouble = pages.MailDown })},
		{"2s-confirm-held", with(confirm(), func(*pages.Code) {})},
		{"8-send-form", form},
		{"8-send-form-multipart", multipart},
		{"send-held", pages.Send{Endpoints: endpoints, Flow: flow, Held: held, Address: "ana@example.com"}},
	}
}

// stopScreens are [7] and what may follow it.
func stopScreens() []screen {
	asked := pages.StopDetails{
		Browser: "Firefox on Windows", Near: lisbon, Network: "203.0.113.7, Example Telecom",
		At: noon.In(time.FixedZone("", 3600)), Credit: credit,
	}
	home := pages.StopDetails{Browser: "Safari on iPhone", Near: words.Spot{Private: true}, Network: "10.0.0.7", At: noon, Credit: credit}
	return []screen{
		{"7-stop", pages.Stop{Action: "./Yk3nT0", Nonce: nonce, Keep: "/", Asked: asked}},
		{"7-stop-password", pages.Stop{Action: "./Yk3nT0", Nonce: nonce, Keep: "/", Asked: asked, Password: true}},
		{"7-stop-browser", pages.Stop{Action: "./Yk3nT0", Nonce: nonce, Keep: "/", About: pages.StopBrowser, Asked: home}},
		{"7-stop-change", pages.Stop{Action: "./Yk3nT0", Nonce: nonce, Keep: "/", About: pages.StopChange, Asked: home, Change: "add_app"}},
		{"7-stop-change-waiting", pages.Stop{Action: "./Yk3nT0", Nonce: nonce, Keep: "/", About: pages.StopChange, Asked: home, Change: "erase", Waits: true}},
		{"7-stopped-change", pages.Stopped{About: pages.StopChange}},
		{"7-stop-nothing-known", pages.Stop{Action: "./Yk3nT0", Nonce: nonce}},
		{"7-stopped", pages.Stopped{Blocked: time.Hour, Undo: "./Yk3nT0", Nonce: nonce}},
		{"7-stopped-password", pages.Stopped{Blocked: time.Hour, Password: true}},
		{"7-stopped-browser", pages.Stopped{About: pages.StopBrowser, Blocked: time.Hour}},
		{"7-stopped-unblocked", pages.Stopped{}},
		{"7-restored", pages.Restored{Home: "/"}},
		{"7-restored-browser", pages.Restored{About: pages.StopBrowser}},
		{"7-stop-over", pages.StopOver{Home: "/"}},
	}
}
