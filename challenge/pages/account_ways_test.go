// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// atWays is the frame of the page of the other ways in.
func atWays() pages.AccountFrame {
	f := atCodes()
	f.Current = "ways"
	return f
}

// bothWays is that page for somebody who has both.
func bothWays() pages.AccountWays {
	return pages.AccountWays{
		Frame: atWays(), HasApp: true, HasSecond: true, May: true, Listed: true, Address: "ana@home.example.org",
		App: pages.WayState{Made: may, Used: noon.Add(-50 * time.Hour)}, Second: pages.WayState{Made: may},
	}
}

// waysScreens are the account pages of authenticator app and second address.
func waysScreens() []screen {
	with := func(change func(*pages.AccountWays)) pages.Page { p := bothWays(); change(&p); return p }
	wrong := func(trouble pages.SecondTrouble, typed string) pages.Page {
		return with(func(p *pages.AccountWays) { p.Trouble, p.Typed, p.Better = trouble, typed, "ana@gmail.com" })
	}
	app := func(change func(*pages.AccountApp)) pages.Page {
		p := pages.AccountApp{Frame: atWays(), Key: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP", PNG: []byte("\x89PNG"), Offer: held}
		change(&p)
		return p
	}
	confirm := func(question string) pages.Page {
		return pages.AccountConfirm{
			Frame: atWays(), Question: question, Name: "ana@home.example.org", Action: "confirm", Coded: true,
			Hidden: []pages.Field{{Name: "change", Value: "set_second"}},
		}
	}
	changed := func(change pages.WayChange, due time.Time) pages.Page {
		return pages.AccountWayChanged{Frame: atWays(), Change: change, Address: "ana@home.example.org", Due: due}
	}
	return []screen{
		{"account-ways", bothWays()},
		{"account-ways-none", pages.AccountWays{Frame: atWays(), HasApp: true, HasSecond: true}},
		{"account-ways-app-alone", with(func(p *pages.AccountWays) { p.HasSecond, p.App.Used = false, time.Time{} })},
		{"account-ways-second-alone", with(func(p *pages.AccountWays) { p.HasApp, p.Listed = false, false })},
		{"account-ways-suspended", with(func(p *pages.AccountWays) { p.App.Suspended, p.Second.Suspended = true, true })},
		{"account-ways-suspended-here", with(func(p *pages.AccountWays) { p.App.Suspended, p.Second.Suspended, p.May = true, true, false })},
		{"account-ways-waiting", with(func(p *pages.AccountWays) {
			p.App.Waiting, p.App.WaitingID = tomorrow, "1"
			p.Second.Leaving, p.Second.LeavingID = tomorrow, "2"
		})},
		{"account-ways-missing", wrong(pages.SecondMissing, "")},
		{"account-ways-malformed", wrong(pages.SecondMalformed, "ana")},
		{"account-ways-first", wrong(pages.SecondIsFirst, "ana@example.com")},
		{"account-ways-same", wrong(pages.SecondIsSame, "ana@home.example.org")},
		{"account-ways-suggestion", wrong(pages.SecondMayBeMeant, "ana@gmial.com")},
		{"account-app-show", pages.AccountConfirm{
			Frame: atWays(), Question: "account_ways.show", Action: "ask", Coded: true, Hidden: []pages.Field{{Name: "do", Value: "add_app"}},
		}},
		{"account-app", app(func(*pages.AccountApp) {})},
		{"account-app-again", app(func(p *pages.AccountApp) { p.Again = true })},
		{"account-app-missing", app(func(p *pages.AccountApp) { p.Trouble = pages.AppCodeMissing })},
		{"account-app-wrong", app(func(p *pages.AccountApp) { p.Trouble = pages.AppCodeWrong })},
		{"account-ways-remove-app", confirm("account_ways.remove_app")},
		{"account-ways-send", confirm("account_ways.send")},
		{"account-ways-use", confirm("account_ways.use")},
		{"account-ways-use-instead", confirm("account_ways.instead")},
		{"account-ways-remove-second", confirm("account_ways.remove_second")},
		{"account-ways-app-added", changed(pages.AppAdded, time.Time{})},
		{"account-ways-app-removed", changed(pages.AppRemoved, time.Time{})},
		{"account-ways-second-set", changed(pages.SecondSet, time.Time{})},
		{"account-ways-second-removed", changed(pages.SecondRemoved, time.Time{})},
		{"account-ways-due", changed(pages.SecondSet, tomorrow)},
		{"account-ways-often", pages.AccountSentOften{Frame: atWays(), RetryAt: noon.Add(21 * time.Minute)}},
	}
}

func TestTheFieldOfAnAppsCodeTakesWhatAPhoneOffers(t *testing.T) {
	page := pages.AccountApp{Frame: atWays(), Trouble: pages.AppCodeWrong, Key: "JBSW", Offer: held}
	html := render(t, renderer(t, nil), page)
	field, _ := parse(t, html).byID("field")
	for name, want := range map[string]string{
		"name": "code", "inputmode": "numeric", "autocomplete": "one-time-code", "type": "text", "dir": "ltr", "value": "",
		"aria-invalid": "true", "autofocus": "autofocus",
	} {
		if field.attrs[name] != want {
			t.Errorf("%s is %q, want %q", name, field.attrs[name], want)
		}
	}
	if !strings.Contains(html, `name="offer" value="`+held+`"`) {
		t.Error("the form does not carry the offer")
	}
}

// The picture of a secret has its words beside it: whoever cannot see it, or reads
// with the phone itself, types the key.
func TestThePictureOfAnAppsSecretHasAnAlternative(t *testing.T) {
	html := render(t, renderer(t, nil), pages.AccountApp{Frame: atWays(), Key: "JBSW Y3DP", PNG: []byte("\x89PNG"), Offer: held})
	images := parse(t, html).all("img")
	if len(images) != 1 || images[0].attrs["alt"] == "" || !strings.HasPrefix(images[0].attrs["src"], "data:image/png;base64,") {
		t.Errorf("images are %v", images)
	}
	if !strings.Contains(html, "JBSW Y3DP") {
		t.Error("the key is not written out")
	}
}
