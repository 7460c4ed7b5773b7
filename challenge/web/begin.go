// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// fieldProbe is the query field by which startOver finds out whether the browser
// kept the cookie that came with it.
const fieldProbe = "probe"

// fieldMaxAge is the query field that says how fresh a code is asked for, in
// seconds. It can only ask for more than the page does by itself.
const fieldMaxAge = "max_age"

// leastAge is the freshest code that a link can ask for.
const leastAge = time.Minute

func askedAge(r *http.Request) time.Duration {
	n, err := strconv.Atoi(r.URL.Query().Get(fieldMaxAge))
	if err != nil || n <= 0 || n > int(challenge.LongestAge/time.Second) {
		return 0
	}
	return max(leastAge, time.Duration(n)*time.Second)
}

// beginPage shows a button that begins a check. With a probe of ours it goes on
// to the page, or says that cookies are blocked.
func (d *Door) beginPage(w http.ResponseWriter, r *http.Request, in *Arrival) {
	d.head(w)
	f, err := d.openForm(in, r.URL.Query().Get(fieldProbe))
	switch {
	case err != nil:
		d.page(w, r, in, http.StatusOK, pages.Begin{Endpoints: d.endpointsFrom(in.Original), Query: begunWith(r), OnlyPasskeys: d.onlyPasskeys(in)})
	case len(in.found.Values(flowCookie)) == 0:
		d.page(w, r, in, http.StatusForbidden, pages.CookiesBlocked{Host: in.site.host, Again: in.site.origin + safeBack(f.Back)})
	default:
		redirect(w, in.site, f.Back)
	}
}

// begunWith is the query with which the button of the page goes on.
func begunWith(r *http.Request) string {
	if age := askedAge(r); age > 0 {
		return "?" + fieldMaxAge + "=" + seconds(age)
	}
	return ""
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
	if age := askedAge(r); age > 0 && (in.visit.Page.MaxAge == 0 || age < in.visit.Page.MaxAge) {
		in.visit.Page, in.demanded = challenge.Page{MaxAge: age}, true
	}
	verdict := d.gate.Admit(r.Context(), &in.visit)
	switch verdict.Decision {
	case challenge.Pass:
		h := d.head(w)
		for _, cookie := range d.cookiesOf(in, &verdict) {
			h.Add("Set-Cookie", cookie)
		}
		redirect(w, in.site, back)
	case challenge.Deny:
		d.deny(w, r, in, verdict)
	case challenge.Unavailable:
		d.unavailable(w, r, in)
	default:
		d.noteConfirm(in, verdict)
		d.show(w, &check{r: r, in: in, verdict: verdict, answersPost: true, back: back})
	}
}

// cameFrom is the page of this origin that a request was sent from.
func (d *Door) cameFrom(r *http.Request, in *Arrival) string {
	for _, header := range []string{"Hx-Current-Url", "Referer"} {
		from, err := url.Parse(r.Header.Get(header))
		if err == nil && isOurs(r, in, from) {
			return d.backOf(from)
		}
	}
	return "/"
}
