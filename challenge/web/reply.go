// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// wantsJSON reports whether our script is asking.
func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), mediaJSON) && !prefersHTML(r.Header)
}

// startOver answers a form whose flow the browser does not have (any more). It
// leads over a page that finds out whether cookies are kept at all. A script is
// told nothing that it could show, upon which it lets the browser send the form.
func (d *Door) startOver(w http.ResponseWriter, r *http.Request, in *Arrival, flow *challenge.Flow, back string) {
	h := d.head(w)
	if wantsJSON(r) {
		d.problem(w, r, problem{Type: "check-lost", Detail: "Load the page again."})
		return
	}
	if r.PostForm.Get(fieldHeld) != "" {
		d.notSent(w, r, in, back)
		return
	}
	if flow == nil {
		flow = d.gate.NewFlow(&in.visit)
	}
	h.Add("Set-Cookie", d.cookies.flow(in, d.gate.SealFlow(flow), challenge.FlowLife))
	h.Set("Location", in.site.origin+d.endpointsPath(in.Original)+"begin?"+fieldProbe+"="+d.sealForm(in, form{Back: back}))
	empty(w, http.StatusSeeOther)
}

// answered is what our script is told of an action that came off. Without a
// message it goes on to the page To, or sends the form that it carries to Form.
type answered struct {
	OK   bool   `json:"ok"`
	To   string `json:"to"`
	Form string `json:"form,omitempty"`
	// Verified: other tabs of the browser can go on, too.
	Verified bool `json:"verified,omitempty"`
}

// reply answers an action: for a script in JSON, else by leading back to the
// page, which shows what came of it.
func (d *Door) reply(w http.ResponseWriter, r *http.Request, in *Arrival, res result, back string, brings *carried) {
	switch {
	case res.err != nil:
		d.unavailable(w, r, in)
		return
	case brings != nil && !res.done && !wantsJSON(r) && res.flow != nil && !res.flow.Left:
		d.showAgain(w, r, in, res, back, brings)
		return
	}
	h := d.head(w)
	if res.flow != nil {
		res.flow.Note = res.note
		h.Add("Set-Cookie", d.cookies.flow(in, d.gate.SealFlow(res.flow), challenge.FlowLife))
	} else {
		h.Add("Set-Cookie", d.cookies.expire(in, flowCookie))
	}
	for _, cookie := range res.cookies {
		h.Add("Set-Cookie", cookie)
	}
	if res.done {
		d.addOffer(h, in, res.live)
	}
	switch {
	case res.offered != nil && wantsJSON(r):
		answerJSON(w, r, res.offered)
	case !wantsJSON(r) && brings == nil:
		redirect(w, in.site, back)
	case !wantsJSON(r) && brings.fits(res.live):
		in.proved = res.live
		d.sendForm(w, r, in, brings.held)
	case !wantsJSON(r):
		d.notSent(w, r, in, back)
	case res.failed():
		d.explain(w, r, in, res, back)
	default:
		said := answered{OK: true, To: safeBack(back), Verified: res.proved}
		if res.done && brings != nil {
			said.Form = d.formURL(in, res, back, brings)
		}
		answerJSON(w, r, said)
	}
}

// failed reports an action that did not do what was asked.
func (res result) failed() bool {
	if res.note == nil {
		return false
	}
	switch res.note.Kind {
	case noteAgain, noteNew, noteRecent, noteChange, noteSuggest, noteWay, noteWays:
		return false
	default:
		return true
	}
}

// explain tells a script what came of an action: with the sentence that the page
// would show where that is all there is to it, else by sending it to the page.
func (d *Door) explain(w http.ResponseWriter, r *http.Request, in *Arrival, res result, back string) {
	if _, ok := passkeyTroubles[res.note.Kind]; ok {
		d.explainPasskey(w, r, in, res, back)
		return
	}
	kind, beside := strings.CutPrefix(res.note.Kind, noteBeside)
	p := problem{Type: noteProblems[kind], To: safeBack(back)}
	if p.Type == "" {
		p.Type = "malformed"
	}
	c := check{door: d, r: r, in: in, flow: res.flow, back: back}
	lex := d.words(r, in)
	if c.asksEmail() {
		p.Message = in.site.pages.Sentence(lex, c.emailPage())
	} else {
		progress, err := d.gate.Progress(r.Context(), &in.visit, res.flow)
		if err != nil {
			d.unavailable(w, r, in)
			return
		}
		page := c.codePage(progress)
		if beside { // the flow is the change's, whose code is not what was asked for
			page.Ref, page.ResendIn = "", 0
		}
		p.Ref, p.ResendIn = page.Ref, int((page.ResendIn+time.Second-1)/time.Second)
		if progress.Phase == challenge.Waiting && page.Ref != "" {
			p.TriesLeft = &page.TriesLeft
		}
		if inPlace(res.note) {
			p.Message = in.site.pages.Sentence(lex, page)
		}
	}
	switch {
	case res.note.Until != 0:
		w.Header().Set("Retry-After", seconds(time.Unix(res.note.Until, 0).Sub(in.Now)))
	case res.note.Kind == noteMail:
		w.Header().Set("Retry-After", seconds(retryMail))
	}
	d.problem(w, r, p)
}
