// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// fieldOffer is what a page was offered, sealed: the secret of an authenticator app, or
// the challenge of a passkey.
const fieldOffer = "offer"

// wayQuestions are the confirm pages of changes, once a code was entered for them.
var wayQuestions = map[challenge.ChangeKind]string{
	challenge.RemoveApp: "account_ways.remove_app", challenge.RemoveSecond: "account_ways.remove_second",
	challenge.SetSecond: "account_ways.send", challenge.ProveSecond: "account_ways.use",
}

// ways is the page of authenticator app and second address.
func (k *desk) ways() {
	offers := k.door.gate.Offers()
	if !offers.App && !offers.Second {
		k.failed(challenge.ErrNotOffered)
		return
	}
	a, ok := k.account()
	if !ok || k.asksForCode(challenge.AddApp, challenge.RemoveApp, challenge.SetSecond, challenge.ProveSecond, challenge.RemoveSecond) {
		return
	}
	if k.asksToShow("account_ways.show", challenge.AddApp) {
		return
	}
	for kind, question := range wayQuestions {
		if f, ok := k.permitted(kind); ok {
			k.show(http.StatusOK, k.confirmWay(a, f, question))
			return
		}
	}
	k.show(http.StatusOK, k.waysPage(a))
}

func (k *desk) waysPage(a challenge.Account) pages.AccountWays {
	offers := k.door.gate.Offers()
	page := pages.AccountWays{
		Frame: k.frame(), HasApp: offers.App, HasSecond: offers.Second, May: k.mayChange(),
		App:     pages.WayState{Made: a.App.Made, Used: a.App.Used, Suspended: a.App.Suspended},
		Second:  pages.WayState{Made: a.Second.Made, Suspended: a.Second.Suspended},
		Address: string(a.Second.Address), Listed: k.door.gate.Policy().Ways.Second == challenge.SecondAllowed,
	}
	page.App.Waiting, page.App.WaitingID = waiting(a, challenge.AddApp)
	page.App.Leaving, page.App.LeavingID = waiting(a, challenge.RemoveApp)
	page.Second.Waiting, page.Second.WaitingID = waiting(a, challenge.SetSecond)
	page.Second.Leaving, page.Second.LeavingID = waiting(a, challenge.RemoveSecond)
	return page
}

func (k *desk) confirmWay(a challenge.Account, f *challenge.Flow, question string) pages.AccountConfirm {
	page := pages.AccountConfirm{
		Question: question, Name: f.Change.Detail, Action: doConfirm, Coded: true,
	}
	switch {
	case f.Change.Kind == challenge.RemoveSecond:
		page.Name = string(a.Second.Address)
	case f.Change.Kind == challenge.ProveSecond && a.Second.Address != "":
		page.Question = "account_ways.instead"
	}
	return k.confirms(page, string(f.Change.Kind))
}

// askApp shows a new secret, in the answer to a POST alone: a service worker of the
// app can read what answers a GET.
func (k *desk) askApp() {
	if _, ok := k.needs(challenge.AddApp); !ok {
		return
	}
	if a, ok := k.account(); ok {
		k.offerApp(a)
	}
}

// offerApp shows a new secret. Each showing makes another one: none is kept before
// the app has shown a code of it.
func (k *desk) offerApp(a challenge.Account) {
	offer, err := k.door.gate.OfferApp(k.visit(), k.admission)
	if err != nil {
		k.failed(err)
		return
	}
	k.show(http.StatusOK, k.appPage(a, offer))
}

func (k *desk) appPage(a challenge.Account, offer challenge.AppOffer) pages.AccountApp {
	return pages.AccountApp{
		Frame: k.pressing(doConfirm, string(challenge.AddApp)), Key: offer.Key.Reveal(), PNG: offer.QR, Offer: offer.Sealed, Again: !a.App.Made.IsZero(),
	}
}

func (k *desk) postWays() {
	kind, offers := challenge.ChangeKind(k.r.PostForm.Get(fieldChange)), k.door.gate.Offers()
	asks := k.action() == doAsk
	if asks {
		kind = challenge.ChangeKind(k.r.PostForm.Get(fieldDo))
	}
	ofApp := kind == challenge.AddApp || kind == challenge.RemoveApp
	ofSecond := kind == challenge.SetSecond || kind == challenge.ProveSecond || kind == challenge.RemoveSecond
	switch {
	case !ofApp && !ofSecond:
		k.gone()
	case ofApp && !offers.App, ofSecond && !offers.Second:
		k.failed(challenge.ErrNotOffered)
	case asks && kind == challenge.AddApp:
		k.askApp()
	case k.action() == doConfirm:
		k.confirmedWay(kind)
	case k.action() != doStart || kind == challenge.ProveSecond:
		k.gone()
	case kind == challenge.SetSecond:
		k.startSecond()
	default:
		k.startChange(challenge.Change{Kind: kind})
	}
}

// startSecond reads the address that is to be the second one. Whether it may pass is
// not told: the code just never comes there.
func (k *desk) startSecond() {
	a, ok := k.account()
	if !ok {
		return
	}
	page := k.waysPage(a)
	page.Typed = cut(strings.TrimSpace(k.r.PostForm.Get(fieldEmail)))
	address, err := challenge.ParseEmail(page.Typed)
	better, meant := pages.Suggest(string(address))
	switch {
	case page.Typed == "":
		page.Trouble = pages.SecondMissing
	case err != nil:
		page.Trouble = pages.SecondMalformed
	case address.Canonical() == k.admission.Identity.Email.Canonical():
		page.Trouble = pages.SecondIsFirst
	case address == a.Second.Address && !a.Second.Suspended:
		page.Trouble = pages.SecondIsSame
	case meant && k.r.PostForm.Get(fieldKeep) == "":
		page.Trouble, page.Better = pages.SecondMayBeMeant, better
	default:
		k.startChange(challenge.Change{Kind: challenge.SetSecond, Detail: string(address)})
		return
	}
	k.show(http.StatusUnprocessableEntity, page)
}

// confirmedWay makes the change that the person has entered a code for.
func (k *desk) confirmedWay(kind challenge.ChangeKind) {
	f, ok := k.needs(kind)
	if !ok {
		return
	}
	a, ok := k.account() // before anything changes: the page that tells of it must not fail
	if !ok {
		return
	}
	ctx, gate := k.r.Context(), k.door.gate
	page := pages.AccountWayChanged{Frame: k.frame(), Change: pages.AppRemoved}
	var err error
	switch kind {
	case challenge.AddApp:
		k.addApp(a, f)
		return
	case challenge.SetSecond:
		k.beginSecond(f)
		return
	case challenge.ProveSecond:
		page.Change, page.Address = pages.SecondSet, f.Change.Detail
		page.Due, err = gate.SetSecond(ctx, k.visit(), k.admission, f)
	case challenge.RemoveSecond:
		page.Change = pages.SecondRemoved
		page.Due, err = gate.RemoveWay(ctx, k.visit(), k.admission, f, kind)
	default:
		page.Due, err = gate.RemoveWay(ctx, k.visit(), k.admission, f, kind)
	}
	if err != nil {
		k.failed(err)
		return
	}
	k.finish()
	k.show(http.StatusOK, page)
}

// addApp takes the first code that an app shows. A wrong one leaves the secret as it
// is: the app has it already.
func (k *desk) addApp(a challenge.Account, f *challenge.Flow) {
	sealed, typed := k.r.PostForm.Get(fieldOffer), strings.TrimSpace(k.r.PostForm.Get(fieldCode))
	trouble, err := pages.AppCodeMissing, error(nil)
	if typed != "" {
		page := pages.AccountWayChanged{Frame: k.frame(), Change: pages.AppAdded}
		page.Due, err = k.door.gate.AddApp(k.r.Context(), k.visit(), k.admission, f, sealed, typed)
		if err == nil {
			k.finish()
			k.show(http.StatusOK, page)
			return
		}
		trouble = pages.AppCodeWrong
	}
	if err != nil && !errors.Is(err, challenge.ErrWrongAnswer) {
		k.failed(err)
		return
	}
	offer, err := k.door.gate.ReofferApp(k.visit(), k.admission, sealed)
	if err != nil { // none of ours, or of another session
		k.offerApp(a)
		return
	}
	page := k.appPage(a, offer)
	page.Trouble = trouble
	k.show(http.StatusUnprocessableEntity, page)
}

// beginSecond has a code sent to the new address, and leads to the page, which asks
// for it.
func (k *desk) beginSecond(f *challenge.Flow) {
	sent, err := k.door.gate.BeginSecond(k.r.Context(), k.visit(), k.admission, f)
	if limit := (*challenge.LimitError)(nil); errors.As(err, &limit) && sent.Flow == nil {
		k.showLimit(limit, pages.AccountSentOften{Frame: k.frame(), RetryAt: limit.Until})
		return
	}
	note := noteOf(err)
	if sent.Flow == nil || err != nil && note == nil {
		k.failed(err)
		return
	}
	sent.Flow.Note = note
	k.w.Header().Add("Set-Cookie", k.door.cookies.flow(k.in, k.door.gate.SealFlow(sent.Flow), challenge.FlowLife))
	k.to(k.name)
}
