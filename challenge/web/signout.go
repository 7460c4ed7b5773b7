// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// signOutPage asks before it signs anybody out, so that a link that is fetched
// ahead of time changes nothing. A browser that is remembered is asked although
// its session is over: it would be let in again. Else there is nothing to end.
func (d *Door) signOutPage(w http.ResponseWriter, r *http.Request, in *Arrival) {
	v := d.judge(r, in)
	if v.Decision == challenge.Unavailable {
		d.unavailable(w, r, in)
		return
	}
	session := ""
	if v.Admission != nil {
		session, in.proved = v.Admission.Live.Key(), v.Admission.Live
	}
	remembered := d.gate.Remembers(r.Context(), &in.visit)
	d.head(w)
	if session == "" && !remembered {
		d.page(w, r, in, http.StatusOK, pages.SignedOut{Again: in.site.origin + d.backOf(in.Original)})
		return
	}
	d.page(w, r, in, http.StatusOK, pages.SignOut{
		Endpoints: d.endpointsFrom(in.Original), Flow: d.sealForm(in, form{Session: session}), Remembered: remembered,
		Keep: in.site.origin + d.wanted(r, in),
	})
}

// signOutForm is what the form of a page needs that signs a session out, to come back to
// this address as somebody else.
func (d *Door) signOutForm(in *Arrival, live *challenge.Live) (endpoints, flow string) {
	return d.endpointsFrom(in.Original), d.sealForm(in, form{Session: live.Key(), Back: d.backOf(in.Original)})
}

// signOut ends the session. The form must be one that this session got: another
// site cannot make it, and a page left open by somebody else does not end it.
func (d *Door) signOut(w http.ResponseWriter, r *http.Request, in *Arrival) {
	if !d.receives(w, r, in) {
		return
	}
	f, err := d.openForm(in, r.PostForm.Get(fieldForm))
	v := d.judge(r, in)
	if v.Admission != nil && f.Session != v.Admission.Live.Key() {
		err = errBadForm
	}
	switch {
	case v.Decision == challenge.Unavailable:
		d.unavailable(w, r, in)
		return
	case v.Admission != nil && err != nil:
		d.refusal(w, r, in, pages.BadOrigin)
		return
	}
	h := d.head(w)
	h.Add("Set-Cookie", d.cookies.expire(in, sessionCookie))
	h.Add("Set-Cookie", d.cookies.expire(in, flowCookie))
	if d.binds(in) {
		h.Add("Set-Cookie", d.cookies.expire(in, passCookie))
	}
	if v.Admission != nil || in.visit.Device != "" && err == nil {
		device, err := d.end(r, in, v.Admission)
		if err != nil {
			d.unavailable(w, r, in)
			return
		}
		h.Add("Set-Cookie", d.deviceAfter(in, device))
	}
	if f.Back == "" {
		f.Back = d.endpointsPath(in.Original) + "signout"
	}
	redirect(w, in.site, f.Back)
}

// end ends the session, or where it is over already, what the browser is
// remembered by.
func (d *Door) end(r *http.Request, in *Arrival, a *challenge.Admission) (device string, err error) {
	ctx, cancel := lasting(r.Context())
	defer cancel()
	forget := r.PostForm.Get(fieldForget) != ""
	if a == nil {
		return d.gate.Unremember(ctx, &in.visit, forget)
	}
	return d.gate.SignOut(ctx, &in.visit, a, forget)
}

func (d *Door) deviceAfter(in *Arrival, value string) string {
	if value == "" {
		return d.cookies.expire(in, deviceCookie)
	}
	return d.cookies.device(in, value, d.gate.Policy().Devices.Most)
}
