// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/bound"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// An Answer is what an operator chose to be said instead of a page.
type Answer uint8

// The answers. The zero value lets the kind of request decide.
const (
	AnswerByKind Answer = iota
	AnswerJSON
	Answer401
	Answer403
	Answer503
)

// retrySoon is how long clients are asked to wait when nothing can be decided.
const retrySoon = 10 * time.Second

// refuse answers a request that may not pass.
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, in *Arrival, v challenge.Verdict) Outcome {
	out := Outcome{Decision: DecisionCheck, Reason: v.Reason, Observed: v.Observed.Reasons()}
	d.noteConfirm(in, v)
	if skipped := r.Header.Get(bound.HeaderSkipped); v.Reason == challenge.Unproved && skipped != "" {
		d.gate.Skipped(r.Context(), &in.visit, skipped)
	}
	for _, cookie := range d.cookiesOf(in, &v) {
		w.Header().Add("Set-Cookie", cookie)
	}
	switch {
	case isAmbiguous(pathOf(in.Original)):
		d.refusal(w, r, in, pages.BadRequest)
	case v.Decision == challenge.Unavailable:
		d.unavailable(w, r, in)
	case v.Decision == challenge.Deny:
		out.Decision = DecisionDeny
		d.deny(w, r, in, v)
	case in.Answer != AnswerByKind:
		d.answerAsTold(w, r, in, v.Reason)
	default:
		k := kindOf(r, in)
		if k == kindPreflight && d.options.PassPreflight {
			dropBody(r)
			return Outcome{Pass: true, Origin: in.site.origin, Decision: DecisionPublic}
		}
		out.ForeignPost = k == kindForeignPost
		if !in.KeepShell && isShell(r, k) {
			d.releaseShell(w, r, v.Reason)
			return out
		}
		if k.asks() {
			d.ask(w, r, in, v, k)
		} else {
			d.answerByKind(w, r, in, v, k)
		}
	}
	return out
}

// dropBody keeps a preflight, which nobody has proved anything for, from
// bringing anything to the app.
func dropBody(r *http.Request) {
	r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, 0, nil
	r.Header.Del("Content-Length")
}

// answerAsTold gives the operator's answer.
func (d *Door) answerAsTold(w http.ResponseWriter, r *http.Request, in *Arrival, reason challenge.Reason) {
	h := d.head(w)
	switch in.Answer {
	case Answer503:
		h.Set("Retry-After", seconds(retrySoon))
		empty(w, http.StatusServiceUnavailable)
		return
	case Answer403:
		empty(w, http.StatusForbidden)
		return
	}
	d.challengeHead(h, in, reason)
	if in.Answer == AnswerJSON {
		d.problem(w, r, d.checkNeeded(in, reason))
		return
	}
	empty(w, http.StatusUnauthorized)
}

// ask shows the page that asks for an address or a code.
func (d *Door) ask(w http.ResponseWriter, r *http.Request, in *Arrival, v challenge.Verdict, k kind) {
	c := &check{r: r, in: in, verdict: v, back: d.backOf(in.Original)}
	if k == kindFormPost {
		c.answersPost, c.formLost = true, true
		if !in.demanded { // else the app has had the form
			c.held = d.hold(w, r, in)
		}
	}
	d.show(w, c)
}

// answerByKind says that a check is needed, in words that a request of a kind which
// is shown no page can use. It is never a redirect: a script would follow it, and a form be lost.
func (d *Door) answerByKind(w http.ResponseWriter, r *http.Request, in *Arrival, v challenge.Verdict, k kind) {
	h, back := d.head(w), in.site.origin+d.backOf(in.Original)
	if d.tokens && k.asksPassword() {
		d.askPassword(w, r, in, v.Reason, k)
		return
	}
	switch k {
	case kindInertia:
		h.Set("X-Inertia-Location", back)
		empty(w, http.StatusConflict)
		return
	case kindGit:
		write(w, r, http.StatusForbidden, "text/plain; charset=utf-8",
			[]byte(d.checkNeeded(in, v.Reason).Title+". Open "+in.site.origin+"/ in a browser.\n"))
		return
	}
	d.challengeHead(h, in, v.Reason)
	switch k {
	case kindWebSocket:
		if r.ProtoMajor == 1 {
			h.Set("Connection", "close")
		}
		empty(w, http.StatusUnauthorized)
	case kindPreflight, kindSpeculative, kindGRPC:
		empty(w, http.StatusUnauthorized)
	case kindTurboFrame:
		write(w, r, http.StatusUnauthorized, "text/html; charset=utf-8", turboReload)
	case kindForeignPost:
		d.page(w, r, in, http.StatusUnauthorized, pages.NotSent{URL: back})
	case kindFrame:
		d.page(w, r, in, http.StatusUnauthorized, pages.Framed{URL: back})
	case kindSubresource:
		write(w, r, http.StatusUnauthorized, "text/plain; charset=utf-8", []byte("check needed"))
	default:
		switch {
		case k != kindHTMX:
		case in.visit.Confirm != nil:
			h.Set("HX-Redirect", d.beginURL(in))
		default:
			h.Set("HX-Refresh", "true")
		}
		d.problem(w, r, d.checkNeeded(in, v.Reason))
	}
}

// turboReload makes Turbo load the whole page anew.
var turboReload = []byte(`<!doctype html><html><head><title>401</title><meta name="turbo-visit-control" content="reload"></head><body></body></html>` + "\n")

// noteConfirm notes that a check is for somebody who is signed in, and why.
func (d *Door) noteConfirm(in *Arrival, v challenge.Verdict) {
	in.visit.Reason = v.Reason
	if v.Decision == challenge.Check && v.Admission != nil {
		in.visit.Confirm = v.Admission.Live
	}
}

// Demand answers in place of the app, which asks for a code that is no older
// than maxAge (RFC 9470). The session is the one that the request was admitted
// by.
func (d *Door) Demand(w http.ResponseWriter, r *http.Request, in *Arrival, a *challenge.Admission, maxAge time.Duration) Outcome {
	if a.ByToken() {
		d.head(w)
		d.refuseScope(w, r)
		return Outcome{Decision: DecisionDeny, Reason: beyondToken}
	}
	if isEarly(r, in) {
		return d.again(w)
	}
	in.demanded = true
	in.visit.Page = challenge.Page{MaxAge: maxAge}
	return d.refuse(w, r, in, challenge.Verdict{Decision: challenge.Check, Reason: challenge.Sensitive, Identity: a.Identity, Admission: a})
}

// barred answers where nobody is let in from.
func (d *Door) barred(w http.ResponseWriter, r *http.Request, in *Arrival) {
	d.head(w)
	if !kindOf(r, in).asks() && !prefersHTML(r.Header) || in.Answer != AnswerByKind {
		d.problem(w, r, problem{Type: "no-country", Detail: in.site.name + " is not available from where this request comes from."})
		return
	}
	d.page(w, r, in, http.StatusForbidden, pages.NoCountry{Country: d.gate.Locate(in.IP).Country})
}

// deny answers somebody who is known and may not pass.
func (d *Door) deny(w http.ResponseWriter, r *http.Request, in *Arrival, v challenge.Verdict) {
	switch {
	case v.Barred:
		d.barred(w, r, in)
		return
	case v.Keyless:
		d.keyless(w, r, in, v)
		return
	}
	d.head(w)
	if !kindOf(r, in).asks() || in.Answer != AnswerByKind {
		d.noAccess(w, r, in)
		return
	}
	if v.Admission != nil {
		in.proved = v.Admission.Live
	}
	// Whoever only has the first factor must not learn the mailbox from it.
	page := pages.NoAccess{Address: v.Identity.User}
	if in.Earlier == nil || page.Address == "" {
		page.Address = string(v.Identity.Email)
	}
	if v.Identity.Email == "" {
		page.Address = "" // there is nobody to send a code to
	}
	if v.Admission != nil && in.Earlier == nil {
		page.Endpoints, page.Flow = d.signOutForm(in, v.Admission.Live)
	}
	d.page(w, r, in, http.StatusForbidden, page)
}

func (d *Door) noAccess(w http.ResponseWriter, r *http.Request, in *Arrival) {
	d.problem(w, r, problem{Type: "no-access", Detail: "This address may not use " + in.site.name + "."})
}

// unavailable answers when nothing can be decided. Its page leads to where the
// person wanted to go.
func (d *Door) unavailable(w http.ResponseWriter, r *http.Request, in *Arrival) {
	d.head(w).Set("Retry-After", seconds(retrySoon))
	if !kindOf(r, in).asks() {
		d.problem(w, r, problem{Type: "unavailable", Detail: "Sign-ins cannot be checked right now. Try again soon."})
		return
	}
	d.page(w, r, in, http.StatusServiceUnavailable, pages.Unavailable{Again: in.site.origin + d.wanted(r, in)})
}

// wanted is where a person wants to go. The address of an endpoint has no query, so
// a form says it, if it is ours, or else the page that the request came from, if
// more than its origin is told.
func (d *Door) wanted(r *http.Request, in *Arrival) string {
	if !d.Owns(in.Original) {
		return d.backOf(in.Original)
	}
	if f, err := d.openForm(in, r.PostForm.Get(fieldForm)); err == nil && f.Back != "" {
		return safeBack(f.Back)
	}
	if from := d.cameFrom(r, in); from != "/" {
		return from
	}
	return d.backOf(in.Original)
}

// plainHTTP tells the operator that our cookies cannot live on this site.
func (d *Door) plainHTTP(w http.ResponseWriter, r *http.Request, in *Arrival) {
	d.head(w)
	if !prefersHTML(r.Header) {
		d.problem(w, r, problem{Type: "plain-http", Detail: "Browsers do not keep Doorcode's cookie over http. Use an https:// site address."})
		return
	}
	d.page(w, r, in, http.StatusBadRequest, pages.PlainHTTP{Proxy: in.Proxy})
}

// misdirected answers for a host that no origin of the gate covers (RFC 9110,
// section 15.5.20).
func (d *Door) misdirected(w http.ResponseWriter, r *http.Request, in *Arrival) Outcome {
	in.site = d.first
	d.refusal(w, r, in, pages.Misdirected)
	return Outcome{Decision: DecisionDeny, Reason: misdirected}
}

// refusal answers a request that is wrong in itself.
func (d *Door) refusal(w http.ResponseWriter, r *http.Request, in *Arrival, why pages.Refusal) {
	d.head(w)
	kind := refusals[why]
	if !prefersHTML(r.Header) {
		d.problem(w, r, problem{Type: kind})
		return
	}
	d.page(w, r, in, problemTypes[kind].status, pages.Refused{Why: why, Home: in.site.origin + "/"})
}
