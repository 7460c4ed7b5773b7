// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"net/http"
	"slices"

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
