// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

const (
	fieldAction = "action"
	fieldID     = "id"
	fieldDo     = "do"    // which confirm page is wanted
	queryLater  = "later" // the page itself, although a code is waited for
	// queryReplaced: a code was entered for a change that another one has replaced.
	queryReplaced = "replaced"
)

// A desk is one request for an account page by somebody who is signed in.
type desk struct {
	door      *Door
	w         http.ResponseWriter
	r         *http.Request // outlives its client where it is a POST
	in        *Arrival
	admission *challenge.Admission
	name      string // of the endpoint

	read *challenge.Account // nil before account was asked
	goOn string             // where the person was going when they had to come here; empty: nowhere
}

// atDesk makes the endpoint of an account page. An app's script can neither read
// such a page nor press a button of it: only a browser that goes to it gets it. A
// visitor without a session gets the check in its place. post has its form read,
// which is one of this session.
func atDesk(get, post func(*desk)) endpoint {
	e := endpoint{get: seated(get), desk: true}
	if post != nil {
		e.post = pressed(get, post)
	}
	return e
}

// sitDown makes the desk of a request, or answers where there is none.
func sitDown(d *Door, w http.ResponseWriter, r *http.Request, in *Arrival) (*desk, bool) {
	w = newApart(w, r)
	name, _ := d.endpoint(in.Original)
	if name == "" && !strings.HasSuffix(in.Original.Path, "/") { // the links of a page begin at its last slash
		d.head(w)
		redirect(w, in.site, d.endpointsPath(in.Original))
		return nil, false
	}
	in.visit.Account = true
	return &desk{door: d, w: w, r: r, in: in, name: name}, d.visited(w, r, in)
}

func seated(show func(*desk)) handler {
	return func(d *Door, w http.ResponseWriter, r *http.Request, in *Arrival) {
		if k, ok := sitDown(d, w, r, in); ok {
			k.serve(show)
		}
	}
}

func (k *desk) serve(page func(*desk)) {
	if v, ok := k.enter(); ok {
		page(k)
	} else {
		k.turnedAway(v)
	}
}

func pressed(show, act func(*desk)) handler {
	return func(d *Door, w http.ResponseWriter, r *http.Request, in *Arrival) {
		k, ok := sitDown(d, w, r, in)
		if !ok || !d.receives(k.w, r, in) {
			return
		}
		if k.action() == doOpen {
			k.serve(show)
			return
		}
		ctx, cancel := lasting(r.Context())
		defer cancel()
		k.r = r.WithContext(ctx)
		v, ok := k.enter()
		if !ok && v.Decision == challenge.Check {
			k.to(k.name) // the page asks for what is missing
			return
		}
		if !ok {
			k.turnedAway(v)
			return
		}
		switch err := k.presses(); {
		case errors.Is(err, errStale):
			k.to(k.name)
		case err != nil:
			d.refusal(k.w, r, in, pages.BadOrigin)
		default:
			act(k)
		}
	}
}

// enter finds whose session it is. The gate's own rules hold as they do before the
// app. Whoever was let by without a session, has no account here until they have
// shown who they are.
func (k *desk) enter() (challenge.Verdict, bool) {
	k.in.Answer = AnswerByKind // somebody asks for the page itself
	v := k.door.gate.Admit(k.r.Context(), &k.in.visit)
	for _, cookie := range k.door.cookiesOf(k.in, &v) {
		k.w.Header().Add("Set-Cookie", cookie)
	}
	if v.SetSession != "" && v.Admission != nil {
		k.door.addOffer(k.w.Header(), k.in, v.Admission.Live)
	}
	if v.Decision == challenge.Pass && v.Admission != nil && v.Admission.Live.Key() != "" {
		k.admission, k.in.proved = v.Admission, v.Admission.Live
		return v, true
	}
	if v.Decision == challenge.Pass {
		v.Decision, v.Admission = challenge.Check, nil
	}
	return v, false
}

func (k *desk) turnedAway(v challenge.Verdict) {
	switch v.Decision {
	case challenge.Deny:
		k.door.deny(k.w, k.r, k.in, v)
	case challenge.Unavailable:
		k.door.unavailable(k.w, k.r, k.in)
	default:
		k.door.noteConfirm(k.in, v)
		k.door.show(k.w, &check{r: k.r, in: k.in, verdict: v, back: k.path(k.name), answersPost: k.answersPost()})
	}
}

// answersPost reports whether the page must never be loaded again.
func (k *desk) answersPost() bool { return k.r.Method == http.MethodPost }

// path is where an account page is, from the root.
func (k *desk) path(name string) string { return k.door.endpointsPath(k.in.Original) + name }

// visit is the request as the gate wants it.
func (k *desk) visit() *challenge.Visit {
	if k.answersPost() { // else nothing is mailed
		k.in.visit.Language = k.door.languageOf(k.r, k.in)
	}
	return &k.in.visit
}

// action is what the form is to do.
func (k *desk) action() string { return k.r.PostForm.Get(fieldAction) }

// wanted is which confirm page is asked for, and for what.
func (k *desk) wanted() (do, id string) {
	return k.r.PostForm.Get(fieldDo), k.r.PostForm.Get(fieldID)
}

// query is that of the page's address as the visitor sent it.
func (k *desk) query() url.Values { return k.in.Original.Query() }

// head sets what every answer of ours carries.
func (k *desk) head() http.Header { return k.door.head(k.w) }

// show answers with a page.
func (k *desk) show(status int, p pages.Page) {
	k.head()
	k.door.page(k.w, k.r, k.in, status, p)
}

// frame is what every account page is told. Its times are in the person's zone once
// the account was read.
func (k *desk) frame() pages.AccountFrame {
	offers := k.door.gate.Offers()
	f := pages.AccountFrame{
		Endpoints: k.door.endpointsFrom(k.in.Original), Current: k.name, Address: string(k.admission.Identity.Email), Flow: k.starting(),
		Tabs: pages.AccountTabs{BackupCodes: offers.BackupCodes, Ways: offers.App || offers.Second, Passkeys: offers.Passkeys, Tokens: offers.Tokens}, Now: k.in.Now,
		Replaced: k.query().Has(queryReplaced),
	}
	if k.read != nil && k.read.Settings.Zone != "" {
		if zone, err := time.LoadLocation(k.read.Settings.Zone); err == nil {
			f.Zone = zone
		}
	}
	return f
}

// account reads the person's account. Where that fails it has answered.
func (k *desk) account() (challenge.Account, bool) {
	if k.read == nil {
		a, err := k.door.gate.Account(k.r.Context(), &k.in.visit, k.admission)
		if err != nil {
			k.failed(err)
			return challenge.Account{}, false
		}
		k.read = &a
		k.in.lexicon = k.door.spoken(k.r, k.door.saved(a.Settings))
	}
	return *k.read, true
}

// failed answers where the gate did not do what was asked.
func (k *desk) failed(err error) {
	switch {
	case errors.Is(err, challenge.ErrNoPermit):
		k.to(k.name)
	case errors.Is(err, challenge.ErrNoSuch):
		k.gone()
	case errors.Is(err, challenge.ErrNotOffered):
		k.door.refusal(k.w, k.r, k.in, pages.NotFound)
	case errors.Is(err, challenge.ErrTooMany):
		k.show(http.StatusConflict, pages.AccountTrouble{Frame: k.frame(), Why: pages.AccountFull})
	case errors.Is(err, challenge.ErrSuspended):
		k.suspended()
	default:
		k.door.unavailable(k.w, k.r, k.in)
	}
}

// suspended says since when the browser is too new to change anything, and what to do.
// What a code was entered for is over: nothing would come of it.
func (k *desk) suspended() {
	if k.flow() != nil {
		k.finish()
	}
	a, ok := k.account()
	if !ok {
		return
	}
	page := pages.AccountTrouble{Frame: k.frame(), Why: pages.AccountSuspended, Since: k.admission.Live.Issued, Until: a.Guarded}
	for _, b := range a.Browsers {
		if b.This {
			page.Since = b.First
		}
	}
	k.show(http.StatusForbidden, page)
}

// gone says that what was asked for is not there, for an id or an action that
// nothing has.
func (k *desk) gone() {
	why := pages.AccountGone
	if k.name == "sessions" {
		why = pages.AccountBrowserGone
	}
	k.show(http.StatusNotFound, pages.AccountTrouble{Frame: k.frame(), Why: why})
}

// to leads to an account page.
func (k *desk) to(name string) {
	k.head()
	redirect(k.w, k.in.site, k.path(name))
}
