// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/bound"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// The endpoints of device bound session credentials, which browsers use by themselves.
const (
	bindEndpoint  = "bound"
	proveEndpoint = "bound/refresh"
)

// binds reports whether browsers can be bound here: they bind to one origin, and only
// over https.
func (d *Door) binds(in *Arrival) bool { return in.Secure && in.site.secure && d.cookies.domain == "" }

// addOffer has an answer that sets a session ask its browser to make a key, where one is
// wanted.
func (d *Door) addOffer(h http.Header, in *Arrival, live *challenge.Live) {
	if live == nil || !d.binds(in) {
		return
	}
	if o, wanted := d.gate.Offer(&in.visit, live); wanted {
		h.Add(bound.HeaderRegistration, bound.Offer(d.ownPath(in, bindEndpoint), o.Challenge, o.Authorization))
	}
}

// ownPath is where an endpoint is, whatever page a visitor is on: a browser comes back
// to it for as long as it has its key.
func (d *Door) ownPath(in *Arrival, name string) string {
	return strings.TrimPrefix(in.site.link, in.site.origin) + name
}

// bind takes the key that a browser has made.
func (d *Door) bind(w http.ResponseWriter, r *http.Request, in *Arrival) {
	if !d.speaks(w, r, in) {
		return
	}
	ctx, cancel := lasting(r.Context())
	defer cancel()
	b, err := d.gate.Bind(ctx, &in.visit, bound.Unquoted(r.Header.Get(bound.HeaderResponse)))
	switch {
	case errors.Is(err, challenge.ErrUnavailable):
		d.unavailable(w, r, in)
	case err != nil:
		d.head(w)
		d.problem(w, r, problem{Type: "not-bound", Detail: "The key was not taken: " + err.Error() + "."})
	default:
		d.bound(w, r, in, b)
	}
}

// bound tells a browser of its session, and shows that it proved its key.
func (d *Door) bound(w http.ResponseWriter, r *http.Request, in *Arrival, b challenge.Bound) {
	name, attributes, cookie := d.cookies.bound(in, b.Pass)
	d.head(w).Add("Set-Cookie", cookie)
	write(w, r, http.StatusOK, mediaJSON, bound.Terms{
		Session: b.Session, Origin: in.site.origin, Refresh: d.ownPath(in, proveEndpoint), Except: d.ownPath(in, bindEndpoint),
		Cookie: name, CookieAs: attributes,
	}.JSON())
}

// prove gives a browser another pass, once it has proved its key.
func (d *Door) prove(w http.ResponseWriter, r *http.Request, in *Arrival) {
	if !d.speaks(w, r, in) {
		return
	}
	session := bound.Unquoted(r.Header.Get(bound.HeaderID))
	token := bound.Unquoted(r.Header.Get(bound.HeaderResponse))
	err := challenge.ErrBadProof // a browser brings none before it is asked
	var pass string
	if token != "" {
		ctx, cancel := lasting(r.Context())
		defer cancel()
		pass, err = d.gate.Prove(ctx, &in.visit, session, token)
	}
	switch {
	case err == nil:
		d.bound(w, r, in, challenge.Bound{Session: session, Pass: pass})
	case errors.Is(err, challenge.ErrUnavailable):
		d.unavailable(w, r, in) // the browser tries again
	case errors.Is(err, challenge.ErrBadProof):
		d.askProof(w, r, in, session)
	default:
		d.unbind(w, r, in)
	}
}

// askProof asks for a proof (403, as the protocol has it).
func (d *Door) askProof(w http.ResponseWriter, r *http.Request, in *Arrival, session string) {
	asked, ok := d.gate.AskProof(&in.visit, session)
	if !ok {
		d.unbind(w, r, in)
		return
	}
	d.head(w).Set(bound.HeaderChallenge, bound.Ask(asked, session))
	empty(w, http.StatusForbidden)
}

// unbind ends what the browser knows of its session: it deletes its key.
func (d *Door) unbind(w http.ResponseWriter, r *http.Request, in *Arrival) {
	d.head(w).Add("Set-Cookie", d.cookies.expire(in, passCookie))
	write(w, r, http.StatusOK, mediaJSON, []byte(bound.Over))
}

// speaks lets through what a browser sends by itself: no other site can have it send
// that, nor can a form or a script.
func (d *Door) speaks(w http.ResponseWriter, r *http.Request, in *Arrival) bool {
	switch {
	case !d.binds(in):
		d.refusal(w, r, in, pages.NotFound)
	case !sameOrigin(r, in) || !unscripted(r.Header):
		d.refusal(w, r, in, pages.BadOrigin)
	default:
		return true
	}
	return false
}

// unscripted reports whether a request can be one that a browser makes by itself. A script
// cannot set the fields of the protocol in a request of that mode.
func unscripted(h http.Header) bool {
	mode := h.Get("Sec-Fetch-Mode")
	return mode == "" || mode == "no-cors"
}

// keyless answers where a browser has to have a key, and made none.
func (d *Door) keyless(w http.ResponseWriter, r *http.Request, in *Arrival, v challenge.Verdict) {
	d.head(w)
	if !kindOf(r, in).asks() || in.Answer != AnswerByKind {
		d.problem(w, r, problem{Type: "no-key", Reason: string(v.Reason), Detail: in.site.name + " needs a browser that keeps a key on its device."})
		return
	}
	page := pages.Keyless{FormNotSent: kindOf(r, in) == kindFormPost}
	if v.Admission != nil {
		in.proved = v.Admission.Live
		// Its person cannot come back to the page in this browser, so that it goes where other sign-outs go.
		page.Endpoints, page.Flow = d.endpointsFrom(in.Original), d.sealForm(in, form{Session: in.proved.Key()})
	}
	d.page(w, r, in, http.StatusForbidden, page)
}
