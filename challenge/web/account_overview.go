// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"slices"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// What the forms of these pages do.
const (
	doCancel     = "cancel"
	doForget     = "forget"
	doRename     = "rename"
	doSignOut    = "signout"
	doEverywhere = "everywhere"
	doSave       = "save"
	doConfirm    = "confirm"

	queryCancelled = "cancelled" // a change was taken back
	queryRenamed   = "renamed"
	queryEnded     = "ended" // how many browsers were signed out
)

// overview is the first account page.
func (k *desk) overview() {
	a, ok := k.account()
	if !ok {
		return
	}
	k.show(http.StatusOK, k.overviewPage(a))
}

// askOverview asks before this browser is forgotten, or a change is taken back.
func (k *desk) askOverview() {
	a, ok := k.account()
	if !ok {
		return
	}
	do, id := k.wanted()
	waits := slices.ContainsFunc(a.Waiting, func(w challenge.WaitingChange) bool { return w.ID == id })
	switch {
	case do == doForget:
		k.show(http.StatusOK, k.confirms(pages.AccountConfirm{Question: "account.drop_this", Action: doForget, Grave: true}, ""))
	case do == doCancel && waits:
		k.show(http.StatusOK, k.confirms(pages.AccountConfirm{Question: "account.drop", Action: doCancel}, id))
	default:
		k.gone()
	}
}

func (k *desk) overviewPage(a challenge.Account) pages.AccountOverview {
	live := k.admission.Live
	p := pages.AccountOverview{
		Frame: k.frame(), Since: live.Issued, Until: live.Expires,
		Browsers: len(a.Browsers), Codes: a.Backup.Left, Made: a.Backup.Made,
		App: !a.App.Made.IsZero(), Second: a.Second.Address != "", Passkeys: len(a.Passkeys), Tokens: len(a.Tokens), May: k.mayChange(),
		CodesHeld: a.Backup.Suspended, AppHeld: a.App.Suspended, SecondHeld: a.Second.Suspended,
		Urge: a.Urge, MailboxHere: a.MailboxHere, Guarded: a.Guarded,
		Cancelled: k.query().Has(queryCancelled),
	}
	for _, b := range a.Browsers {
		if !b.This {
			continue
		}
		p.Browser, p.Remembered = b.Kind, b.Remembered
		if b.Name != "" {
			p.Browser = b.Name
		}
	}
	for _, w := range a.Waiting {
		p.Waiting = append(p.Waiting, pages.AccountWaiting{ID: w.ID, What: accountChanges[w.Kind], Due: w.Due})
	}
	return p
}

var accountChanges = map[challenge.ChangeKind]pages.AccountChange{
	challenge.MakeBackupCodes: pages.ChangeBackupCodes, challenge.AddApp: pages.ChangeAddApp, challenge.RemoveApp: pages.ChangeRemoveApp,
	challenge.SetSecond: pages.ChangeSetSecond, challenge.ProveSecond: pages.ChangeSetSecond, challenge.RemoveSecond: pages.ChangeRemoveSecond,
	challenge.AddPasskey: pages.ChangeAddPasskey, challenge.RemovePasskey: pages.ChangeRemovePasskey,
	challenge.AddToken: pages.ChangeAddToken, challenge.ExportData: pages.ChangeExport, challenge.EraseData: pages.ChangeErase,
}

func (k *desk) postOverview() {
	switch k.action() {
	case doAsk:
		k.askOverview()
	case doForget:
		k.forgetThis()
	case doCancel:
		if err := k.door.gate.CancelChange(k.r.Context(), k.visit(), k.admission, k.r.PostForm.Get(fieldID)); err != nil {
			k.failed(err)
			return
		}
		k.to("?" + queryCancelled)
	default:
		k.gone()
	}
}

// forgetThis signs this browser out and forgets it, as the sign-out page does with
// its box ticked, and leads there.
func (k *desk) forgetThis() {
	device, err := k.door.gate.SignOut(k.r.Context(), k.visit(), k.admission, true)
	if err != nil {
		k.failed(err)
		return
	}
	h := k.w.Header()
	h.Add("Set-Cookie", k.door.cookies.expire(k.in, sessionCookie))
	h.Add("Set-Cookie", k.door.deviceAfter(k.in, device))
	k.finish()
	k.to("signout")
}
