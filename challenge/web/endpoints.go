// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// handler serves one method of one endpoint.
type handler func(d *Door, w http.ResponseWriter, r *http.Request, in *Arrival)

// An endpoint is one of ours. HEAD is answered as GET.
type endpoint struct {
	get, post handler
	open      bool // it needs no cookie, so that it works without https
	desk      bool // it is an account page
	keyed     bool // it is there only where the gate has passkeys
}

const resendEndpoint = "resend" // mails the code of a check, again or at last

var endpoints = map[string]endpoint{
	"begin":  {get: (*Door).beginPage, post: (*Door).beginCheck},
	"email":  {post: acting((*Door).postEmail)},
	"verify": {post: acting((*Door).postCode)},
	"backup": {post: acting((*Door).postCode)},
	"way":    {post: acting((*Door).postWay)},
	"change": {post: acting((*Door).postChange)},
	"form":   {post: (*Door).heldForm},

	resendEndpoint:      {post: acting((*Door).postResend)},
	passkeyEndpoint:     {post: acting((*Door).postPasskey), keyed: true},
	pages.PasskeyScript: {get: (*Door).servePasskeyScript, open: true, keyed: true},
	passkeysEndpoint:    atDesk((*desk).passkeys, (*desk).postPasskeys).withPasskeys(),

	"status":    {get: (*Door).status},
	"session":   {get: (*Door).sessionInfo},
	"jwks.json": {get: (*Door).jwks, open: true},
	"signout":   {get: (*Door).signOutPage, post: (*Door).signOut},
	"ping":      {get: (*Door).ping, open: true},

	bindEndpoint:  {post: (*Door).bind},
	proveEndpoint: {post: (*Door).prove},

	languageEndpoint: {get: (*Door).languagePage, post: (*Door).postLanguage},

	"":         atDesk((*desk).overview, (*desk).postOverview),
	"sessions": atDesk((*desk).browsers, (*desk).postBrowsers),
	"activity": atDesk((*desk).activity, (*desk).postActivity),
	"settings": atDesk((*desk).settings, (*desk).postSettings),

	"backup-codes": atDesk((*desk).codes, (*desk).postCodes),
	"ways":         atDesk((*desk).ways, (*desk).postWays),
	"tokens":       atDesk((*desk).accessTokens, (*desk).postTokens),
}

// withPasskeys is the endpoint where there are passkeys, and nothing elsewhere.
func (e endpoint) withPasskeys() endpoint {
	e.keyed = true
	return e
}

func (e endpoint) handler(method string) handler {
	switch method {
	case http.MethodGet, http.MethodHead:
		return e.get
	case http.MethodPost:
		return e.post
	default:
		return nil
	}
}

func (e endpoint) allowed() string {
	switch {
	case e.post == nil:
		return "GET, HEAD"
	case e.get == nil:
		return "POST"
	default:
		return "GET, HEAD, POST"
	}
}

// serveEndpoint serves what is below our segment. The app never sees it.
func (d *Door) serveEndpoint(w http.ResponseWriter, r *http.Request, in *Arrival, name string) {
	if unlogged(name) {
		w = originOnly{w}
	}
	e, ok := d.endpointNamed(name)
	if !ok {
		d.refusal(w, r, in, pages.NotFound)
		return
	}
	serve := e.handler(r.Method)
	again := serve == nil && r.Method == http.MethodGet && kindOf(r, in) == kindPage
	switch {
	case serve == nil && !again:
		w.Header().Set("Allow", e.allowed())
		d.refusal(w, r, in, pages.MethodNotAllowed)
	case isAmbiguous(pathOf(in.Original)):
		d.refusal(w, r, in, pages.BadRequest)
	case isSpeculative(r.Header):
		d.challengeHead(d.head(w), in, challenge.NewBrowser)
		empty(w, http.StatusUnauthorized)
	case isEarly(r, in) && !(e.open && r.Method != http.MethodPost):
		d.again(w)
	case !e.open && d.cookieless(in):
		d.plainHTTP(w, r, in)
	case again: // a refresh of what answered a form, or Back to it: the page itself tells how things stand
		d.head(w)
		redirect(w, in.site, d.backOf(in.Original))
	default:
		serve(d, w, r, in)
	}
}

func (d *Door) endpointNamed(name string) (endpoint, bool) {
	if inbox := d.options.Inbox; inbox != nil && inbox.serves(name) {
		return endpoint{get: (*Door).showInbox}, true
	}
	if stopID(name) != "" {
		return endpoint{get: (*Door).stopPage, post: (*Door).stop, open: true}, true
	}
	e, ok := endpoints[name]
	return e, ok && (!e.keyed || d.gate.Offers().Passkeys)
}

// acting wraps an action in the checks that every form gets: it must come from
// a page of ours, in the browser that got it.
func acting(act action) handler {
	return func(d *Door, w http.ResponseWriter, r *http.Request, in *Arrival) {
		if !d.receivesHeld(w, r, in) {
			return
		}
		if d.gate.Bars(in.IP) {
			d.barred(w, r, in)
			return
		}
		sealed, err := d.openForm(in, r.PostForm.Get(fieldForm))
		flow := d.flowOf(in)
		if flow != nil && flow.Session != "" {
			flow = d.confirming(r, in, flow)
		}
		var change *challenge.Flow // that goes on, whatever this form comes to
		in.visit.Reason = sealed.Reason
		name, _ := d.endpoint(in.Original)
		if name == passkeyEndpoint || name == resendEndpoint {
			flow, change = d.asideOf(r, in, sealed, flow) // one and the same however often it is pressed
		}
		if err != nil || flow == nil || sealed.Flow != formOwner(in, flow) || !sealed.speaksOf(flow) {
			switch {
			case err != nil:
				sealed.Back = d.backOf(in.Original)
			case sealed.replacedBy(flow):
				sealed.Back = replacedPage(sealed.Back)
			}
			d.startOver(w, r, in, flow, sealed.Back)
			return
		}
		flow = d.turned(flow, sealed.Way)
		brings := d.carriedBy(r, in, flow)
		ctx, cancel := lasting(r.Context())
		defer cancel()
		res := act(d, ctx, r, in, flow)
		switch {
		case change == nil:
		case name == resendEndpoint && !mailsNothing(res.note): // a code is on its way, which needs the cookie
			res.flow.Passkey = nil
		case name == resendEndpoint:
			res.note.Kind = noteBeside + res.note.Kind
			res.note.Until = cmp.Or(res.note.Until, in.Now.Add(retryMail).Unix())
			res = res.besides(change)
		default:
			res = res.besides(change)
		}
		d.reply(w, r, in, res, sealed.Back, brings)
	}
}

// confirming keeps a flow that confirms a session only where the browser still
// has that one.
func (d *Door) confirming(r *http.Request, in *Arrival, f *challenge.Flow) *challenge.Flow {
	live, ok := d.gate.Session(r.Context(), &in.visit)
	if !ok || live.Key() != f.Session {
		return nil
	}
	in.visit.Confirm, in.visit.Change = live, f.Change
	return f
}

// storeTime is how long one action may wait for the store.
const storeTime = 10 * time.Second

// lasting is the context of an action. It goes on when the person closes the
// tab: what was counted must also be kept.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), storeTime)
}
