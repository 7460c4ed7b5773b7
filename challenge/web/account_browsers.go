// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

const (
	fieldName = "name"
	// maxBrowserName is how many characters of a browser's name are kept.
	maxBrowserName = 40
)

// browsers lists where the person is signed in.
func (k *desk) browsers() {
	if a, ok := k.account(); ok {
		k.show(http.StatusOK, k.browsersPage(a))
	}
}

// askBrowsers asks before a browser is renamed, or some of them end.
func (k *desk) askBrowsers() {
	a, ok := k.account()
	if !ok {
		return
	}
	do, id := k.wanted()
	if do == doEverywhere {
		k.show(http.StatusOK, k.confirms(pages.AccountConfirm{Question: "account.others", Count: k.others(a), Action: doEverywhere, Grave: true}, ""))
		return
	}
	i := slices.IndexFunc(a.Browsers, func(b challenge.Browser) bool { return b.ID == id })
	if i < 0 || do != doSignOut && !a.Browsers[i].Remembered {
		k.gone()
		return
	}
	page := pages.AccountConfirm{Name: nameOf(a.Browsers[i]), Action: do, Grave: true}
	switch do {
	case doRename:
		page.Question, page.Grave = "account.rename", false
		page.Entry = &pages.AccountEntry{Name: fieldName, Value: a.Browsers[i].Name, Most: maxBrowserName}
	case doSignOut:
		page.Question = "account.end"
	case doForget:
		page.Question = "account.drop_browser"
		if a.Browsers[i].This {
			page.Question = "account.drop_this"
		}
	default:
		k.gone()
		return
	}
	k.show(http.StatusOK, k.confirms(page, id))
}

func (k *desk) browsersPage(a challenge.Account) pages.AccountBrowsers {
	p := pages.AccountBrowsers{Frame: k.frame(), Renamed: k.query().Has(queryRenamed)}
	if n, err := strconv.ParseUint(k.query().Get(queryEnded), 10, 16); err == nil {
		p.Ended = int(n)
	}
	for _, b := range a.Browsers {
		p.Browsers = append(p.Browsers, pages.AccountBrowser{
			ID: b.ID, Name: b.Name, Kind: b.Kind, This: b.This, Remembered: b.Remembered, SignedIn: b.SignedIn, Bound: b.Bound, Suspended: b.Suspended,
			First: b.First, Last: b.Last, Network: b.Network, Credit: b.Credit,
			Near: words.Spot{City: b.City, Country: b.Country, Radius: b.Radius, Private: b.Private},
		})
	}
	return p
}

// others is how many browsers there are beside this one.
func (k *desk) others(a challenge.Account) (n int) {
	for _, b := range a.Browsers {
		if !b.This {
			n++
		}
	}
	return n
}

// nameOf is what a browser is called in a question; empty when nothing is known.
func nameOf(b challenge.Browser) string {
	if b.Name != "" {
		return b.Name
	}
	return b.Kind
}

func (k *desk) postBrowsers() {
	gate, ctx, v, id := k.door.gate, k.r.Context(), k.visit(), k.r.PostForm.Get(fieldID)
	to := k.name
	var err error
	switch k.action() {
	case doAsk:
		k.askBrowsers()
		return
	case doRename:
		err = gate.RenameBrowser(ctx, v, k.admission, id, k.r.PostForm.Get(fieldName))
		to += "?" + queryRenamed
	case doEverywhere:
		var ended int
		ended, err = gate.SignOutElsewhere(ctx, v, k.admission)
		to += "?" + queryEnded + "=" + strconv.Itoa(ended)
	case doSignOut, doForget:
		a, ok := k.account()
		if !ok {
			return
		}
		if slices.ContainsFunc(a.Browsers, func(b challenge.Browser) bool { return b.ID == id && b.This }) {
			k.forgetThis() // to end the session under its own page would leave its cookies
			return
		}
		err = gate.SignOutBrowser(ctx, v, k.admission, id, k.action() == doForget)
	default:
		k.gone()
		return
	}
	if err != nil {
		k.failed(err)
		return
	}
	k.to(to)
}
