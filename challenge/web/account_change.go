// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// mayChange reports whether this browser may change anything, for what a page offers.
// Where the store does not say, it offers nothing.
func (k *desk) mayChange() bool {
	return k.door.gate.MayChange(k.r.Context(), k.visit(), k.admission) == nil
}

// startChange has a code mailed that will allow one change, and leads to the page,
// which asks for it. In a browser that may change nothing, no code is mailed in vain.
func (k *desk) startChange(c challenge.Change) {
	if err := k.door.gate.MayChange(k.r.Context(), k.visit(), k.admission); err != nil {
		k.failed(err)
		return
	}
	if _, ok := k.account(); !ok { // the mail is in the language that it names
		return
	}
	v, d := k.visit(), k.door
	v.Confirm, v.Change = k.admission.Live, &c
	sent, err := k.takesUp(v)
	if sent.Flow == nil && err == nil {
		sent, err = d.gate.Begin(k.r.Context(), v, d.flowOf(k.in), challenge.Email(k.admission.Live.Email))
	}
	note := noteOf(err)
	if err != nil && note == nil {
		k.failed(err)
		return
	}
	flow := sent.Flow
	if flow == nil { // a limit, which its page tells of
		flow = k.waitsFor(c)
	}
	if sent.Recently || note != nil && note.Kind == noteEarly { // the button was another one, and the code of the first press is on its way
		note = &challenge.FlowNote{Kind: noteRecent}
	}
	flow.Note, flow.Back = note, cmp.Or(k.goOn, flow.Back)
	k.w.Header().Add("Set-Cookie", d.cookies.flow(k.in, d.gate.SealFlow(flow), challenge.FlowLife))
	k.to(k.name)
}

// takesUp goes on with a change that its person went back from, if it is this one: the code
// that they were mailed is as good as another.
func (k *desk) takesUp(v *challenge.Visit) (challenge.Sent, error) {
	left := k.door.flowIn(k.in)
	if left == nil {
		return challenge.Sent{}, nil
	}
	sent, err := k.door.gate.TakeUpChange(k.r.Context(), v, left)
	if sent.Flow != nil && sent.Progress.ResendAt.After(k.in.Now) {
		sent.Recently = true
	}
	return sent, err
}

// waitsFor is the flow of a change of which no more is mailed now: the one that has its
// code already, or else a new one.
func (k *desk) waitsFor(c challenge.Change) *challenge.Flow {
	if f := k.flow(); f != nil && *f.Change == c && f.Proves() {
		return f
	}
	return k.door.gate.NewFlow(k.visit())
}

// asksForCode shows the page that asks for a code, and returns true, while one of these
// changes waits for its own. The page itself is there all the same for who asks
// for it with ?later: the way back from a change that one does not want.
func (k *desk) asksForCode(kinds ...challenge.ChangeKind) bool {
	f := k.flow()
	if f == nil || !slices.Contains(kinds, f.Change.Kind) {
		return false
	}
	if k.query().Has(queryLater) {
		k.goOn = cmp.Or(k.goOn, f.Back)
		k.leaves(f)
		return false
	}
	if !f.Proves() {
		return false
	}
	v := k.visit()
	v.Confirm, v.Change = k.admission.Live, f.Change
	p, err := k.door.gate.Progress(k.r.Context(), v, f)
	if err != nil {
		k.failed(err)
		return true
	}
	if p.Phase == challenge.NoChallenge && !ofLimit(f.Note) { // it is long over: no code is mailed unless somebody asks
		return false
	}
	back := k.path(k.name)
	if going := cmp.Or(k.goOn, f.Back); going != "" {
		if whole := back + k.door.goOn(k.in, k.admission.Live, going); safeBack(whole) == whole { // else the cookie alone knows the way on
			back = whole
		}
	}
	here, at, said := k.path(k.name), back, k.in.Original.RawQuery
	if said == queryReplaced {
		here, at = replacedPage(here), replacedPage(back)
	}
	if k.r.Method == http.MethodGet && (said == "" || said == queryReplaced) && at != here {
		k.head()
		redirect(k.w, k.in.site, at) // a script comes back from the code by loading the page anew, as it stands
		return true
	}
	k.door.show(k.w, &check{
		r: k.r, in: k.in, back: back, answersPost: k.answersPost(), replaced: k.query().Has(queryReplaced),
		verdict: challenge.Verdict{Decision: challenge.Check, Admission: k.admission},
	})
	return true
}

// replacedPage is an account page that says that a code was for something else. It keeps
// its query, which leads on, where that is not too long.
func replacedPage(at string) string {
	page, query, asked := strings.Cut(at, "?")
	page += "?" + queryReplaced
	if whole := page + "&" + query; asked && safeBack(whole) == whole {
		return whole
	}
	return page
}

// leaves ends the flow of a change that a code was entered for and that its person does
// not want after all, so that the page is its own again. The link of another site's
// page ends nothing.
func (k *desk) leaves(f *challenge.Flow) {
	if !f.Proves() && k.r.Method != http.MethodHead && k.r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		k.finish()
	}
}

// permitted is the flow whose code allows a change of that kind now. The page with
// ?later has none.
func (k *desk) permitted(kind challenge.ChangeKind) (*challenge.Flow, bool) {
	f := k.flow()
	if f == nil || k.query().Has(queryLater) || !k.door.gate.Permitted(k.visit(), k.admission, f, kind) {
		return nil, false
	}
	return f, true
}

// needs is permitted for what cannot go on without: it answers where there is no such
// flow.
func (k *desk) needs(kind challenge.ChangeKind) (*challenge.Flow, bool) {
	f, ok := k.permitted(kind)
	if !ok {
		k.failed(challenge.ErrNoPermit)
	}
	return f, ok
}

// asksToShow shows a button for what only the answer to a POST may show, where a code has
// allowed that kind of change, and reports whether it did.
func (k *desk) asksToShow(question string, kind challenge.ChangeKind) bool {
	if _, ok := k.permitted(kind); !ok {
		return false
	}
	k.show(http.StatusOK, pages.AccountConfirm{
		Frame: k.frame(), Question: question, Action: doAsk, Coded: true,
		Hidden: []pages.Field{{Name: fieldDo, Value: string(kind)}},
	})
	return true
}

// flow is the one of a change that was begun in this session; nil: there is none.
func (k *desk) flow() *challenge.Flow {
	f := k.door.flowOf(k.in)
	if f == nil || f.Change == nil || f.Session != k.admission.Live.Key() {
		return nil
	}
	return f
}

// finish ends the browser's flow, before the page that shows what came of it.
func (k *desk) finish() {
	k.w.Header().Add("Set-Cookie", k.door.cookies.expire(k.in, flowCookie))
}
