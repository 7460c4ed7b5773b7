// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

const (
	// queryGoOn says, sealed, where its person was going before they had to make a passkey.
	queryGoOn   = "to"
	purposeGoOn = "go on with a passkey"
	// maxGoOn bounds it, in bytes as it is written: it is kept in a cookie.
	maxGoOn = 1 << 10
)

// toPasskeys is the query with which [4] leads to the page of passkeys. The path of that
// page alone would tell no more than where the person was, and not what they asked for.
func (c *check) toPasskeys() string {
	return c.door.goOn(c.in, c.in.visit.Confirm, safeBack(c.back))
}

// goOn is a query that says where somebody was going; empty where that is too long.
func (d *Door) goOn(in *Arrival, live *challenge.Live, back string) string {
	if written, err := json.Marshal(back); err != nil || len(written) > maxGoOn {
		return ""
	}
	return "?" + queryGoOn + "=" + d.sealFor(in, purposeGoOn, form{Session: live.Key(), Back: back, Made: in.Now.Unix()})
}

// wasGoing reads what toPasskeys wrote for this session.
func (k *desk) wasGoing() string {
	var f form
	err := k.door.openFor(k.in, purposeGoOn, k.query().Get(queryGoOn), &f)
	if err != nil || f.Session != k.admission.Live.Key() {
		return ""
	}
	return f.Back
}

// passkeys is the page of passkeys.
func (k *desk) passkeys() {
	k.goOn = k.wasGoing()
	a, ok := k.account()
	if !ok || k.asksForCode(challenge.AddPasskey, challenge.RemovePasskey) {
		return
	}
	if k.asksToShow("account_passkeys.show", challenge.AddPasskey) {
		return
	}
	if f, ok := k.permitted(challenge.RemovePasskey); ok {
		if one, ok := passkeyOf(a, f.Change.Detail); ok {
			k.show(http.StatusOK, k.confirmRemoval(a, one))
			return
		}
	}
	k.show(http.StatusOK, k.passkeysPage(a))
}

func passkeyOf(a challenge.Account, id string) (challenge.PasskeyState, bool) {
	i := slices.IndexFunc(a.Passkeys, func(p challenge.PasskeyState) bool { return p.ID == id })
	if i < 0 {
		return challenge.PasskeyState{}, false
	}
	return a.Passkeys[i], true
}

func (k *desk) passkeysPage(a challenge.Account) pages.AccountPasskeys {
	page := pages.AccountPasskeys{Frame: k.frame(), Renamed: k.query().Has(queryRenamed)}
	leaving := map[string]challenge.WaitingChange{}
	for _, w := range a.Waiting {
		switch w.Kind {
		case challenge.AddPasskey:
			page.Waiting = append(page.Waiting, pages.PasskeyWaiting{ID: w.ID, Name: w.Called, Due: w.Due})
		case challenge.RemovePasskey:
			leaving[w.Passkey] = w
		}
	}
	for _, p := range a.Passkeys {
		one := pages.AccountPasskey{
			ID: p.ID, Name: p.Name, Made: p.Made, Used: p.Used, Suspended: p.Suspended, Cloned: p.Cloned,
			Leaving: leaving[p.ID].Due, LeavingID: leaving[p.ID].ID,
		}
		if p.Elsewhere {
			one.Elsewhere = p.Site
		}
		page.Passkeys = append(page.Passkeys, one)
	}
	page.Full = len(a.Passkeys)+len(page.Waiting) >= challenge.MaxPasskeys
	return page
}

// confirmRemoval asks before a passkey goes, and warns where nothing but the mail is left.
func (k *desk) confirmRemoval(a challenge.Account, one challenge.PasskeyState) pages.AccountConfirm {
	page := pages.AccountConfirm{Question: "account_passkeys.remove", Name: one.Name, At: one.Made, Action: doConfirm, Coded: true, Grave: true}
	if len(a.Passkeys) == 1 && a.App.Made.IsZero() && a.Second.Address == "" && a.Backup.Left == 0 {
		page.Question = "account_passkeys.last"
	}
	return k.confirms(page, string(challenge.RemovePasskey))
}

func (k *desk) postPasskeys() {
	kind, id := challenge.ChangeKind(k.r.PostForm.Get(fieldChange)), k.r.PostForm.Get(fieldID)
	switch action := k.action(); {
	case action == doAsk:
		k.askPasskeys()
	case action == doRename:
		if err := k.door.gate.RenamePasskey(k.r.Context(), k.visit(), k.admission, id, k.r.PostForm.Get(fieldName)); err != nil {
			k.failed(err)
			return
		}
		k.to(k.name + "?" + queryRenamed)
	case action == doStart && kind == challenge.AddPasskey:
		k.startChange(challenge.Change{Kind: kind})
	case action == doStart && kind == challenge.RemovePasskey:
		k.startRemoval(id)
	case action == doConfirm && kind == challenge.AddPasskey:
		k.addPasskey()
	case action == doConfirm && kind == challenge.RemovePasskey:
		k.removePasskey()
	default:
		k.gone()
	}
}

func (k *desk) startRemoval(id string) {
	a, ok := k.account()
	if !ok {
		return
	}
	if _, ok := passkeyOf(a, id); !ok {
		k.gone()
		return
	}
	k.startChange(challenge.Change{Kind: challenge.RemovePasskey, Detail: id})
}

// askPasskeys shows the page on which a passkey is made, or asks for another name.
func (k *desk) askPasskeys() {
	a, ok := k.account()
	if !ok {
		return
	}
	do, id := k.wanted()
	one, has := passkeyOf(a, id)
	switch {
	case do == string(challenge.AddPasskey):
		k.makePasskey(a, false)
	case do == doRename && has:
		k.show(http.StatusOK, k.confirms(pages.AccountConfirm{
			Question: "account_passkeys.rename", Name: one.Name, Action: doRename,
			Entry: &pages.AccountEntry{Name: fieldName, Value: one.Name, Most: challenge.MaxPasskeyName},
		}, id))
	default:
		k.gone()
	}
}

// makePasskey has the browser make a passkey, in the answer to a POST alone: what
// answers a GET, a service worker of the app can read.
func (k *desk) makePasskey(a challenge.Account, refused bool) {
	f, ok := k.needs(challenge.AddPasskey)
	if !ok {
		return
	}
	offer, err := k.door.gate.NewPasskey(k.r.Context(), k.visit(), k.admission, f)
	if err != nil {
		k.failed(err)
		return
	}
	page := pages.AccountPasskeyMake{
		Frame: k.pressing(doConfirm, string(challenge.AddPasskey)), Options: string(offer.Options), Offer: offer.Sealed,
		Name: nameOfPasskey(a), Most: challenge.MaxPasskeyName, Refused: refused,
	}
	status := http.StatusOK
	if refused {
		status, page.Name = http.StatusUnprocessableEntity, k.r.PostForm.Get(fieldName)
	}
	k.show(status, page)
}

func (k *desk) addPasskey() {
	f, ok := k.needs(challenge.AddPasskey)
	if !ok {
		return
	}
	a, ok := k.account() // before anything changes: the page that tells of it must not fail
	if !ok {
		return
	}
	form := k.r.PostForm
	due, err := k.door.gate.AddPasskey(k.r.Context(), k.visit(), k.admission, f, challenge.PasskeyMade{
		Sealed: form.Get(fieldOffer), Name: form.Get(fieldName), Response: []byte(form.Get(fieldCredential)),
	})
	switch {
	case errors.Is(err, challenge.ErrWrongAnswer):
		k.makePasskey(a, true)
	case err != nil:
		k.failed(err)
	default:
		k.finish()
		page := pages.AccountWayChanged{Frame: k.frame(), Change: pages.PasskeyAdded, Due: due}
		if k.door.gate.LacksPasskey(k.admission.Live) {
			page.GoOn = k.in.site.origin + safeBack(cmp.Or(f.Back, k.door.backOf(k.in.Original)))
		}
		k.show(http.StatusOK, page)
	}
}

func (k *desk) removePasskey() {
	f, ok := k.needs(challenge.RemovePasskey)
	if !ok {
		return
	}
	if _, ok := k.account(); !ok {
		return
	}
	due, err := k.door.gate.RemovePasskey(k.r.Context(), k.visit(), k.admission, f)
	if err != nil {
		k.failed(err)
		return
	}
	k.finish()
	k.show(http.StatusOK, pages.AccountWayChanged{Frame: k.frame(), Change: pages.PasskeyRemoved, Due: due})
}
