// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// Visit is what a request tells the gate, for whoever wants to know beforehand
// what the gate would say. It reports false for a host at which the door does not
// stand.
func (d *Door) Visit(r *http.Request, in *Arrival) (challenge.Visit, bool) {
	if in.site = d.siteOf(r.Host, in.Secure); in.site == nil {
		return challenge.Visit{}, false
	}
	d.makeVisit(r, in)
	return in.visit, true
}

// CookiesOf are the Set-Cookie values by which a browser keeps what a code gave
// it, and its pass where that is not empty. Visit must have been asked about the arrival.
func (d *Door) CookiesOf(in *Arrival, e challenge.Entry, pass string) []string {
	set := d.cookiesOf(in, &challenge.Verdict{SetSession: e.SetSession, SetDevice: e.SetDevice})
	if pass != "" {
		_, _, cookie := d.cookies.bound(in, pass)
		set = append(set, cookie)
	}
	return set
}
