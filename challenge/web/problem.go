// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"net/http"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// docs explains problems to whoever writes an app: each type has its heading.
const docs = "https://github.com/doorcode/caddy-doorcode/blob/main/docs/http.md"

// A problem is an answer for programs (RFC 9457). Its Type is a key of
// problemTypes; status and docs follow from it, and the title where none is set.
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail,omitempty"`
	Instance string `json:"instance"`
	Reason   string `json:"reason,omitempty"`
	Begin    string `json:"begin,omitempty"`
	Docs     string `json:"docs"`

	Message   string `json:"message,omitempty"` // for the person, in their language
	TriesLeft *int   `json:"tries_left,omitempty"`
	ResendIn  int    `json:"resend_in,omitempty"` // seconds
	Ref       string `json:"ref,omitempty"`
	To        string `json:"to,omitempty"`
}

type problemType struct {
	status int
	title  string
}

var problemTypes = map[string]problemType{
	"check-needed": {http.StatusUnauthorized, "A code is needed"},
	"no-access":    {http.StatusForbidden, "No access"},
	"no-country":   {http.StatusForbidden, "Not available here"},
	"no-key":       {http.StatusForbidden, "The browser has no key"},
	"not-bound":    {http.StatusForbidden, "The key was not taken"},
	"unavailable":  {http.StatusServiceUnavailable, "Sign-in is unavailable"},
	"plain-http":   {http.StatusBadRequest, "The site needs https"},

	"invalid-token":      {http.StatusUnauthorized, "The access token is not valid"},
	"insufficient-scope": {http.StatusForbidden, "The access token does not reach that far"},

	"wrong-code":       {http.StatusUnprocessableEntity, "The code is not right"},
	"malformed":        {http.StatusUnprocessableEntity, "The entry has the wrong form"},
	"not-listed":       {http.StatusUnprocessableEntity, "The address is not on the list"},
	"passkey-refused":  {http.StatusUnprocessableEntity, "The passkey was not accepted"},
	"code-superseded":  {http.StatusConflict, "The code is from an earlier email"},
	"code-expired":     {http.StatusGone, "The code has expired"},
	"code-lost":        {http.StatusGone, "The code was lost"},
	"code-cancelled":   {http.StatusGone, "The code no longer works"},
	"locked":           {http.StatusTooManyRequests, "Too many wrong codes"},
	"too-many-emails":  {http.StatusTooManyRequests, "Too many emails"},
	"mail-unavailable": {http.StatusServiceUnavailable, "The email could not be sent"},
	"check-lost":       {http.StatusConflict, "The form belongs to no check of this browser"},

	"not-found":          {http.StatusNotFound, "Nothing is here"},
	"method-not-allowed": {http.StatusMethodNotAllowed, "The method does not fit"},
	"bad-request":        {http.StatusBadRequest, "The request cannot be read"},
	"bad-origin":         {http.StatusForbidden, "The form came from elsewhere"},
	"not-visited":        {http.StatusForbidden, "The page is for people alone"},
	"too-large":          {http.StatusRequestEntityTooLarge, "The form is too large"},
	"misdirected":        {http.StatusMisdirectedRequest, "The host is not served here"},
}

// refusals are the types of refusals that have a page.
var refusals = map[pages.Refusal]string{
	pages.NotFound: "not-found", pages.MethodNotAllowed: "method-not-allowed", pages.BadRequest: "bad-request",
	pages.TooLarge: "too-large", pages.Misdirected: "misdirected", pages.BadOrigin: "bad-origin",
}

// noteProblems are the types of what an action came to. What is not named was
// entered in a form that cannot be right.
var noteProblems = map[string]string{
	noteExpired: "code-expired", noteCancelled: "code-cancelled", noteLost: "code-lost", noteOld: "code-superseded", noteWrong: "wrong-code",
	noteMail: "mail-unavailable", noteEarly: "too-many-emails", noteUsedUp: "too-many-emails", noteNotListed: "not-listed",
	noteNetworkMails: "too-many-emails", noteAllMails: "too-many-emails",
	notePasskey: "passkey-refused", noteOfEmail + notePasskey: "passkey-refused",
	notePasskeyOften: "locked", noteOfEmail + notePasskeyOften: "locked",

	string(challenge.LimitTryAddress):  "locked",
	string(challenge.LimitTryIP):       "locked",
	string(challenge.LimitTryApp):      "locked",
	string(challenge.LimitSendAddress): "too-many-emails",
	string(challenge.LimitStarts):      "too-many-emails",
	string(challenge.LimitSendIP):      "too-many-emails",
	string(challenge.LimitSendTotal):   "too-many-emails",
}

func (d *Door) problem(w http.ResponseWriter, r *http.Request, p problem) {
	of := problemTypes[p.Type]
	p.Docs, p.Type, p.Title, p.Status = docs+"#"+p.Type, "urn:doorcode:"+p.Type, cmp.Or(p.Title, of.title), of.status
	p.Instance = "urn:doorcode:req:" + rand.Text()
	raw, err := json.MarshalIndent(p, "", "  ") // whoever meets it may be at a terminal
	if err != nil {
		empty(w, http.StatusInternalServerError)
		return
	}
	write(w, r, of.status, "application/problem+json", append(raw, '\n'))
}

func (d *Door) checkNeeded(in *Arrival, reason challenge.Reason) problem {
	p := problem{
		Type: "check-needed", Title: problemTypes["check-needed"].title, Reason: string(reason), Begin: d.beginURL(in),
		Detail: "Open begin in a browser, enter the emailed code, then repeat this request.",
	}
	if d.onlyPasskeys(in) {
		p.Title, p.Detail = "A passkey is needed", "Open begin in a browser, use a passkey, then repeat this request."
	}
	return p
}

// beginURL is where a check begins that a script cannot show. How fresh a code
// the page asks for goes along, since the method or the app may be what asks.
func (d *Door) beginURL(in *Arrival) string {
	begin := in.site.origin + d.endpointsPath(in.Original) + "begin"
	if age := in.visit.Page.MaxAge; in.visit.Confirm != nil && age > 0 {
		begin += "?" + fieldMaxAge + "=" + seconds(age)
	}
	return begin
}
