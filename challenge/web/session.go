// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// judge is what the gate says of the session that a visitor has. Own pages make
// none: a remembered browser counts for nothing there.
func (d *Door) judge(r *http.Request, in *Arrival) challenge.Verdict {
	visit := in.visit
	visit.Device = ""
	return d.gate.Admit(r.Context(), &visit)
}

// progress is how far a browser is.
type progress struct {
	Verified bool       `json:"verified"`
	Expires  *time.Time `json:"expires,omitempty"`
	ResendIn *int       `json:"resend_in,omitempty"` // seconds
	Mail     *mailTold  `json:"mail,omitempty"`
}

// status tells a waiting page how far its own browser is. Somebody who is known
// and may not pass is through with the check, too.
func (d *Door) status(w http.ResponseWriter, r *http.Request, in *Arrival) {
	d.head(w)
	v := d.judge(r, in)
	said := progress{Verified: v.Admission != nil && v.Decision != challenge.Check}
	if f := d.flowOf(in); f != nil && f.Address != "" {
		// The address of the endpoint need not tell which page waits for a code, but
		// while one does the browser has its flow.
		said.Verified = said.Verified && f.Session == ""
		p, err := d.gate.Progress(r.Context(), &in.visit, f)
		if err == nil && p.Phase == challenge.Waiting {
			ends, wait := p.Ends.UTC().Truncate(time.Second), max(0, int(p.ResendAt.Sub(in.Now)/time.Second))
			said.Expires, said.ResendIn, said.Mail = &ends, &wait, d.mailOf(r, in, f, p.Ends)
		}
	}
	answerJSON(w, r, said)
}

// signedIn is who a session is of.
type signedIn struct {
	Email      string    `json:"email"`
	User       string    `json:"user"`
	Name       string    `json:"name"`
	Groups     []string  `json:"groups"`
	Class      string    `json:"acr,omitempty"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
	Expires    time.Time `json:"expires,omitzero"`
}

// sessionInfo tells a single-page app who is signed in.
func (d *Door) sessionInfo(w http.ResponseWriter, r *http.Request, in *Arrival) {
	h := d.head(w)
	v := d.judge(r, in)
	d.noteConfirm(in, v)
	switch {
	case v.Decision == challenge.Pass && v.Admission != nil:
		who, live := v.Admission.Identity, v.Admission.Live
		answerJSON(w, r, signedIn{
			Email: string(who.Email), User: who.User, Name: who.Name, Groups: append([]string{}, who.Groups...), Class: v.Admission.Class(),
			VerifiedAt: live.AuthTime.UTC().Truncate(time.Second), Expires: live.Expires.UTC().Truncate(time.Second),
		})
	case v.Decision == challenge.Deny:
		d.noAccess(w, r, in)
	case v.Decision == challenge.Unavailable:
		d.unavailable(w, r, in)
	default:
		d.challengeHead(h, in, v.Reason)
		d.problem(w, r, d.checkNeeded(in, v.Reason))
	}
}

// jwks publishes the signing keys (RFC 7517).
func (d *Door) jwks(w http.ResponseWriter, r *http.Request, in *Arrival) {
	set, err := d.gate.JWKS()
	if err != nil {
		d.unavailable(w, r, in)
		return
	}
	h := d.head(w)
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Del("Vary")
	write(w, r, http.StatusOK, "application/jwk-set+json", set)
}

// ping lets an operator see that the endpoints can be reached.
func (d *Door) ping(w http.ResponseWriter, _ *http.Request, _ *Arrival) {
	d.head(w)
	w.WriteHeader(http.StatusNoContent)
}
