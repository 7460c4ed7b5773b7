// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/upstream"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// owner finds whose endpoint a request is for. Where several doorcode lines
// stand in one site, the first of them meets the endpoints of all; a check that
// another one began is carried on by that one, here, so that an endpoint can
// never slip through to the app.
func (e *entrance) owner(r *http.Request, d *doorway) (*entrance, *doorway) {
	if !e.crowded() || !d.door.Owns(originalURL(r)) {
		return e, d
	}
	if d.door.OfSession(originalURL(r)) {
		return e.keeper(r, d)
	}
	gate := d.door.GateOfFlow(r)
	if gate == d.door.GateID() {
		return e, d
	}
	for _, other := range e.neighbours {
		opened, err := other.open()
		if err == nil && opened.door.Serves(r.Host) && opened.door.Owns(originalURL(r)) && opened.door.GateID() == gate {
			return other, opened
		}
	}
	return e.keeper(r, d)
}

// keeper finds whose endpoint a request is for when no check under way says so:
// that of the first gate which guards the page below which it is.
func (e *entrance) keeper(r *http.Request, d *doorway) (*entrance, *doorway) {
	page := spelled(r, web.PageOf(originalURL(r)))
	if e.rules.guards(page, "") {
		return e, d
	}
	for _, other := range e.neighbours {
		opened, err := other.open()
		if err == nil && opened.door.Serves(r.Host) && opened.door.Owns(originalURL(r)) && other.rules.guards(page, "") {
			return other, opened
		}
	}
	return e, d
}

// crowded reports whether other handlers stand in the same site.
func (e *entrance) crowded() bool { return len(e.neighbours) > 0 }

// neighboursOf are the other handlers at one of the origins of e. Handlers at
// another port or interface are none: what comes before them did not run here.
func neighboursOf(e *entrance, stands map[*entrance]stand) (neighbours []*entrance) {
	mine := stands[e]
	for _, other := range e.app.building.gates() {
		p, found := stands[other]
		if other == e || !found {
			continue
		}
		if mine.open && p.open || slices.ContainsFunc(p.origins, func(o string) bool { return slices.Contains(mine.origins, o) }) {
			neighbours = append(neighbours, other)
		}
	}
	return neighbours
}

// A pass is what a gate tells those behind it in the same site: the cookies
// that it took away, whom it let through, and the guard of the answer, which
// alone can set cookies of ours.
type pass struct {
	cookies   []string
	set       []string // Set-Cookie lines of the gates so far
	guard     *upstream.Guard
	shares    *sharing
	admission *challenge.Admission
	origin    string
	spot      *spot // nil: not known to any gate so far
	token     web.Presented
}

const passKey = "doorcode.pass"

// passOf is the pass of the gate before; nil for the first gate of a site. The
// cookies that it took away are back in the request.
func (e *entrance) passOf(r *http.Request) *pass {
	if !e.crowded() {
		return nil
	}
	before, _ := caddyhttp.GetVar(r.Context(), passKey).(*pass)
	if before != nil {
		r.Header["Cookie"] = slices.Clone(before.cookies)
	}
	return before
}

// newPass is what this gate tells those behind it; nil where there are none. A
// gate that does not guard a request has no say in whom the app is told of.
func (e *entrance) newPass(r *http.Request, before *pass, out web.Outcome, guarded bool) *pass {
	if !e.crowded() {
		return nil
	}
	p := &pass{shares: e.shares, admission: out.Admission, origin: out.Origin, spot: spotOf(out), set: out.Cookies}
	if before != nil {
		p.guard, p.set = before.guard, slices.Concat(before.set, out.Cookies)
		if !guarded {
			p.shares, p.admission, p.origin = before.shares, before.admission, before.origin
		}
		if p.spot == nil {
			p.spot = before.spot
		}
	}
	p.cookies = slices.Clone(r.Header["Cookie"])
	for _, line := range out.Cookies { // known behind at once
		pair, _, _ := strings.Cut(line, ";")
		p.cookies = append(p.cookies, pair)
	}
	return p
}

// tokenOf is the access token of a request, where this gate or one behind it takes
// any. The first gate removes it, and hands it on.
func (e *entrance) tokenOf(r *http.Request, before *pass) web.Presented {
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
func (p *pass) carry(token web.Presented) {
	if p != nil {
		p.token = token
	}
}

// hand makes the pass known, with the guard that this gate put up if it is the
// first. It returns the guard that sets cookies.
func (p *pass) hand(r *http.Request, own *upstream.Guard) *upstream.Guard {
	if p == nil {
		return own
	}
	if p.guard == nil {
		p.guard = own
	}
	caddyhttp.SetVar(r.Context(), passKey, p)
	return p.guard
}

// withdraw takes the guard back once it is done with, from whichever gate was the
// last to make a pass. It is another request's from then on: a cookie given to it
// would reach a stranger.
func (p *pass) withdraw(r *http.Request, guard *upstream.Guard) {
	if p == nil {
		return
	}
	if last, _ := caddyhttp.GetVar(r.Context(), passKey).(*pass); last != nil && last.guard == guard {
		last.guard = nil
	}
}

// lost are the cookies of gates that are done with an answer which failed. They
// are in its header, where a gate of the routes for errors takes them for the
// app's.
func (p *pass) lost() []string {
	if p == nil || p.guard != nil {
		return nil
	}
	return p.set
}

// tell tells the app whom the gates let through. mine is what this gate tells those
// behind it. What a gate before has said is over where this one knows of nobody.
func (p *passage) tell(mine *pass) error {
	shares, admission, here, origin := p.e.shares, p.out.Admission, spotOf(p.out), p.out.Origin
	if mine != nil {
		shares, admission, here, origin = mine.shares, mine.admission, mine.spot, mine.origin
	}
	if admission == nil {
		delete(p.vars, toldVar)
		return nil
	}
	return shares.tell(p, admission, here, origin)
}

// spotOf is where a request comes from, as far as its gate knows.
func spotOf(out web.Outcome) *spot {
	here, _ := out.Placed.(*spot)
	return here
}

// writer is what a gate behind another answers to.
func (p *pass) writer(w http.ResponseWriter) http.ResponseWriter {
	if p == nil || p.guard == nil {
		return w
	}
	return relay{w, p.guard}
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

// describe keeps the guard as it was written, to name the gate by.
func describe(sets caddyhttp.RawMatcherSets) json.RawMessage {
	if len(sets) == 0 {
		return nil
	}
	described, err := json.Marshal(sets)
	if err != nil {
		return nil
	}
	return described
}
