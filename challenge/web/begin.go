// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/url"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// fieldProbe is the query field by which startOver finds out whether the browser
// kept the cookie that came with it.
const fieldProbe = "probe"

// beginPage shows a button that begins a check. With a probe of ours it goes on
// to the page, or says that cookies are blocked.
func (d *Door) beginPage(w http.ResponseWriter, r *http.Request, in *Arrival) {
	d.head(w)
	f, err := d.openForm(in, r.URL.Query().Get(fieldProbe))
	switch {
	case err != nil:
		d.page(w, r, in, http.StatusOK, pages.Begin{Endpoints: d.endpointsFrom(in.Original)})
	case len(in.found.Values(flowCookie)) == 0:
		d.page(w, r, in, http.StatusForbidden, pages.CookiesBlocked{Host: in.site.host, Again: in.site.origin + safeBack(f.Back)})
	default:
		redirect(w, in.site, f.Back)
	}
}

// beginCheck answers a POST with the check page itself. An app under a service
// worker can start a check in no other way: its worker would answer a GET.
func (d *Door) beginCheck(w http.ResponseWriter, r *http.Request, in *Arrival) {
	if !sameOrigin(r, in) {
		d.refusal(w, r, in, pages.BadOrigin)
		return
	}
	in.Answer = AnswerByKind // somebody asks for the page itself
	back := d.cameFrom(r, in)
	verdict := d.gate.Admit(r.Context(), &in.visit)
	switch verdict.Decision {
	case challenge.Pass:
		h := d.head(w)
		for _, cookie := range d.cookiesOf(in, verdict) {
			h.Add("Set-Cookie", cookie)
		}
		redirect(w, in.site, back)
	case challenge.Deny:
		d.deny(w, r, in, verdict)
	case challenge.Unavailable:
		d.unavailable(w, r, in)
	default:
		d.show(w, check{r: r, in: in, verdict: verdict, answersPost: true, back: back})
	}
}

// cameFrom is the page of this origin that a script began a check on.
func (d *Door) cameFrom(r *http.Request, in *Arrival) string {
	for _, header := range []string{"Hx-Current-Url", "Referer"} {
		from, err := url.Parse(r.Header.Get(header))
		if err == nil && isOurs(r, in, from) {
			return d.backOf(from)
		}
	}
	return "/"
}
