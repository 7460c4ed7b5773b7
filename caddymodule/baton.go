// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/upstream"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// A baton is what a gate tells those behind it in the same site: the cookies
// that it took away, whom it let through, and the guard of the answer, which
// alone can set cookies of ours.
type baton struct {
	cookies   []string
	set       []string // Set-Cookie lines of the gates so far
	guard     *upstream.Guard
	shares    *sharing
	admission *challenge.Admission
	origin    string
	place     *toldPlace // nil: not known to any gate so far
	token     web.Presented
}

// String keeps cookies and tokens from being printed where an operator names the variable.
func (*baton) String() string { return "[doorcode]" }

const batonKey = "doorcode.baton"

// batonOf is the baton of the gate before; nil for the first gate of a site. The
// cookies that it took away are back in the request.
func (e *entrance) batonOf(r *http.Request) *baton {
	if !e.crowded() {
		return nil
	}
	before, _ := caddyhttp.GetVar(r.Context(), batonKey).(*baton)
	if before != nil {
		r.Header["Cookie"] = slices.Clone(before.cookies)
	}
	return before
}

// newBaton is what this gate tells those behind it; nil where there are none. A
// gate that does not guard a request has no say in whom the app is told of.
func (e *entrance) newBaton(r *http.Request, before *baton, out web.Outcome, guarded bool) *baton {
	if !e.crowded() {
		return nil
	}
	b := &baton{shares: e.shares, admission: out.Admission, origin: out.Origin, place: toldPlaceOf(out), set: out.Cookies}
	if before != nil {
		b.guard, b.set = before.guard, slices.Concat(before.set, out.Cookies)
		if !guarded {
			b.shares, b.admission, b.origin = before.shares, before.admission, before.origin
		}
		if b.place == nil {
			b.place = before.place
		}
	}
	b.cookies = slices.Clone(r.Header["Cookie"])
	for _, line := range out.Cookies { // known behind at once
		pair, _, _ := strings.Cut(line, ";")
		b.cookies = append(b.cookies, pair)
	}
	return b
}

// tokenOf is the access token of a request, where this gate or one behind it takes
// any. The first gate removes it, and hands it on.
func (e *entrance) tokenOf(r *http.Request, before *baton) web.Presented {
	switch {
	case before != nil:
		return before.token
	case e.tokens:
		return web.TokenIn(r.Header)
	default:
		return web.Presented{}
	}
}

// takesTokens reports whether the gate, or another of its site, takes access tokens.
func (e *entrance) takesTokens() bool {
	return *e.settings.Tokens || slices.ContainsFunc(e.neighbours, func(o *entrance) bool { return *o.settings.Tokens })
}

// carry hands an access token on to the gates behind.
func (b *baton) carry(token web.Presented) {
	if b != nil {
		b.token = token
	}
}

// hand makes the baton known, with the guard that this gate put up if it is the
// first. It returns the guard that sets cookies.
func (b *baton) hand(r *http.Request, own *upstream.Guard) *upstream.Guard {
	if b == nil {
		return own
	}
	if b.guard == nil {
		b.guard = own
	}
	caddyhttp.SetVar(r.Context(), batonKey, b)
	return b.guard
}

// withdraw takes the guard back once it is done with, from whichever gate was the
// last to make a baton. It is another request's from then on: a cookie given to it
// would reach a stranger.
func (b *baton) withdraw(r *http.Request, guard *upstream.Guard) {
	if b == nil {
		return
	}
	if last, _ := caddyhttp.GetVar(r.Context(), batonKey).(*baton); last != nil && last.guard == guard {
		last.guard = nil
	}
}

// lost are the cookies of gates that are done with an answer which failed. They
// are in its header, where a gate of the routes for errors takes them for the
// app's.
func (b *baton) lost() []string {
	if b == nil || b.guard != nil {
		return nil
	}
	return b.set
}

// tell tells the app whom the gates let through. mine is what this gate tells those
// behind it. What a gate before has said is over where this one knows of nobody.
func (p *passage) tell(mine *baton) error {
	shares, admission, here, origin := p.e.shares, p.out.Admission, toldPlaceOf(p.out), p.out.Origin
	if mine != nil {
		shares, admission, here, origin = mine.shares, mine.admission, mine.place, mine.origin
	}
	if admission == nil {
		delete(p.vars, toldVar)
		return nil
	}
	return shares.tell(p, admission, here, origin)
}

// toldPlaceOf is where a request comes from, as far as its gate knows.
func toldPlaceOf(out web.Outcome) *toldPlace {
	here, _ := out.Placed.(*toldPlace)
	return here
}

// writer is what a gate behind another answers to.
func (b *baton) writer(w http.ResponseWriter) http.ResponseWriter {
	if b == nil || b.guard == nil {
		return w
	}
	return relay{w, b.guard}
}

// relay is the writer of a gate behind another: its cookies go through the
// guard of the first, which takes all others of our names for the app's.
type relay struct {
	http.ResponseWriter
	guard *upstream.Guard
}

func (w relay) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w relay) WriteHeader(status int) {
	h := w.Header()
	for _, line := range h["Set-Cookie"] {
		w.guard.AddCookie(line)
	}
	delete(h, "Set-Cookie")
	w.ResponseWriter.WriteHeader(status)
}
