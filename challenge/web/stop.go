// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

const (
	// stopPrefix is in front of what a mail's link can end. Scanners fetch such
	// links, run their scripts and post their forms elsewhere; none of it has a
	// nonce from the page and comes from the page.
	stopPrefix = "no/"
	stopLife   = time.Hour // that a page with a nonce may stand open
	fieldNonce = "nonce"
	fieldUndo  = "undo"

	purposeStop = "stop"
)

// A nonce is what the buttons of screen [7] post.
type nonce struct {
	ID   string               `json:"i"`
	Kind challenge.ReportKind `json:"k"`
	Undo bool                 `json:"u,omitempty"`
	Made int64                `json:"m"` // Unix seconds
}

// unlogged reports an endpoint whose address is all that its button takes.
func unlogged(endpoint string) bool { return strings.HasPrefix(endpoint, stopPrefix) }

// stopID is what the link of a mail names; empty for other endpoints.
func stopID(name string) string {
	id, ok := strings.CutPrefix(name, stopPrefix)
	if !ok || strings.Contains(id, "/") {
		return ""
	}
	return id
}

func (d *Door) stopIDOf(in *Arrival) string {
	name, _ := d.endpoint(in.Original)
	return stopID(name)
}

// stopPage tells what a link can end, and changes nothing.
func (d *Door) stopPage(w http.ResponseWriter, r *http.Request, in *Arrival) {
	d.showStop(w, r, in, http.StatusOK)
}

func (d *Door) showStop(w http.ResponseWriter, r *http.Request, in *Arrival, status int) {
	id := d.stopIDOf(in)
	of, err := d.gate.Reportable(r.Context(), &in.visit, id)
	switch {
	case errors.Is(err, challenge.ErrNoReport) && of.Blocked && of.Trusted:
		d.showStopped(w, r, in, id, of) // with the button that undoes it
		return
	case err != nil:
		d.stopFailed(w, r, in, err)
		return
	}
	d.head(w)
	d.page(w, r, in, status, pages.Stop{
		Action: "./" + id, Nonce: d.sealNonce(in, nonce{ID: id, Kind: of.Kind}), Keep: in.site.origin + "/",
		About: stopKinds[of.Kind], Password: of.Named, Asker: of.Asker, Change: string(of.Change), Waits: of.Waits,
		Asked: pages.StopDetails{
			Browser: of.Browser, Network: of.Network, At: of.At, Credit: of.Credit,
			Near: words.Spot{City: of.City, Country: of.Country, Radius: of.Radius, Private: of.Private},
		},
	})
}

var stopKinds = map[challenge.ReportKind]pages.StopKind{
	challenge.ReportCode: pages.StopCode, challenge.ReportEntry: pages.StopBrowser, challenge.ReportChange: pages.StopChange,
}

func (d *Door) sealNonce(in *Arrival, n nonce) string {
	n.Made = in.Now.Unix()
	return d.sealFor(in, purposeStop, n)
}

// stop ends what the link names, or lifts the block that this led to. It takes a
// button of the page: whoever has only the link does nothing.
func (d *Door) stop(w http.ResponseWriter, r *http.Request, in *Arrival) {
	if !d.receives(w, r, in) {
		return
	}
	id, undo := d.stopIDOf(in), r.PostForm.Get(fieldUndo) != ""
	var n nonce
	err := d.openFor(in, purposeStop, r.PostForm.Get(fieldNonce), &n)
	age := in.Now.Sub(time.Unix(n.Made, 0))
	if err != nil || n.ID != id || n.Undo != undo || age > stopLife || age < -time.Minute {
		d.showStop(w, r, in, http.StatusForbidden)
		return
	}
	ctx, cancel := lasting(r.Context())
	defer cancel()
	if undo {
		if err := d.gate.Unreport(ctx, &in.visit, id); err != nil {
			d.stopFailed(w, r, in, err)
			return
		}
		d.head(w)
		d.page(w, r, in, http.StatusOK, pages.Restored{About: stopKinds[n.Kind], Home: in.site.origin + "/"})
		return
	}
	of, err := d.gate.Report(ctx, &in.visit, id)
	if err != nil {
		d.stopFailed(w, r, in, err)
		return
	}
	d.showStopped(w, r, in, id, of)
}

func (d *Door) showStopped(w http.ResponseWriter, r *http.Request, in *Arrival, id string, of challenge.Report) {
	page := pages.Stopped{About: stopKinds[of.Kind], Password: of.Named, Asker: of.Asker, Waits: of.Waits, Passkey: of.Passkey}
	if of.Blocked {
		page.Blocked = challenge.BlockedFor
	}
	if of.Blocked && of.Trusted {
		page.Undo, page.Nonce = "./"+id, d.sealNonce(in, nonce{ID: id, Kind: of.Kind, Undo: true})
	}
	d.head(w)
	d.page(w, r, in, http.StatusOK, page)
}

func (d *Door) stopFailed(w http.ResponseWriter, r *http.Request, in *Arrival, err error) {
	if !errors.Is(err, challenge.ErrNoReport) {
		d.unavailable(w, r, in)
		return
	}
	d.head(w)
	d.page(w, r, in, http.StatusGone, pages.StopOver{Home: in.site.origin + "/"})
}

// An originOnly writer tells no other page what the link was, and its own page
// only the origin: with no referrer at all a browser would send its form as from
// nowhere.
type originOnly struct{ http.ResponseWriter }

// WriteHeader sends the header with the policy of stop links.
func (w originOnly) WriteHeader(status int) {
	w.Header().Set("Referrer-Policy", "strict-origin")
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap returns the writer inside, for http.ResponseController.
func (w originOnly) Unwrap() http.ResponseWriter { return w.ResponseWriter }
