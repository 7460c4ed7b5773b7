// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// A kind is what a request wants, as far as the answer to it is concerned.
type kind uint8

// The kinds, in the order in which they are recognised.
const (
	kindWebSocket   kind = iota // cannot show anything
	kindPreflight               // CORS asks for permission
	kindSpeculative             // nobody has clicked yet
	kindHTMX                    // htmx swaps what it gets into the page
	kindInertia                 // so does Inertia
	kindTurboFrame              // and Turbo, into a frame
	kindForeignPost             // a form of another site: a payment's return, SAML
	kindFrame                   // a page inside a page
	kindSubresource             // an image, style, script, font
	kindGRPC                    // reads status codes only
	kindEventStream             // must not reconnect for ever
	kindGit                     // prints a 403 in plain text
	kindDAV                     // a calendar, an address book, a drive
	kindPage                    // a person looks at it
	kindFormPost                // a person sent a form
	kindFetch                   // an app's own script
	kindOther                   // curl, API clients, monitors
)

// asks reports whether the answer to the kind is the page that asks for a code.
func (k kind) asks() bool { return k == kindPage || k == kindFormPost }

// asksPassword reports whether such clients ask their person for a name and a
// password when they are told to.
func (k kind) asksPassword() bool { return k == kindGit || k == kindDAV }

// kindOf recognises a request; the first rule that fits decides.
func kindOf(r *http.Request, in *Arrival) kind {
	h := r.Header
	switch {
	case containsToken(h["Upgrade"], "websocket"), r.Method == http.MethodConnect:
		return kindWebSocket
	case r.Method == http.MethodOptions && h.Get("Origin") != "" && h.Get("Access-Control-Request-Method") != "":
		return kindPreflight
	case isSpeculative(h):
		return kindSpeculative
	case h.Get("Hx-Request") == "true":
		return kindHTMX
	case h.Get("X-Inertia") != "":
		return kindInertia
	case h.Get("Turbo-Frame") != "":
		return kindTurboFrame
	}
	if h.Get("Sec-Fetch-Dest") != "" || h.Get("Sec-Fetch-Mode") != "" {
		return kindByFetch(r, in)
	}
	return kindByContent(r, in)
}

// kindByFetch goes by what browsers say of themselves (W3C Fetch Metadata).
func kindByFetch(r *http.Request, in *Arrival) kind {
	dest, navigates := r.Header.Get("Sec-Fetch-Dest"), r.Header.Get("Sec-Fetch-Mode") == "navigate"
	if navigates && r.Method == http.MethodPost && !sameOrigin(r, in) {
		return kindForeignPost
	}
	switch dest {
	case "iframe", "frame", "embed", "object", "fencedframe":
		return kindFrame
	case "", "empty", "document":
	default:
		if !navigates {
			return kindSubresource
		}
	}
	if k, ok := kindOfClient(r); ok {
		return k
	}
	switch {
	case navigates:
		return pageOrPost(r)
	case dest == "empty":
		return kindFetch
	default:
		return kindOther
	}
}

// kindByContent goes by method, content and user agent, for whatever does not
// say what it is.
func kindByContent(r *http.Request, in *Arrival) kind {
	if k, ok := kindOfClient(r); ok {
		return k
	}
	if isDAV[r.Method] {
		return kindDAV
	}
	if !prefersHTML(r.Header) {
		return kindOther
	}
	if r.Method == http.MethodPost && !sameOrigin(r, in) {
		return kindForeignPost
	}
	return pageOrPost(r)
}

// kindOfClient recognises clients that want an answer of their own.
func kindOfClient(r *http.Request) (kind, bool) {
	agent := r.UserAgent()
	switch {
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc"):
		return kindGRPC, true
	case strings.Contains(r.Header.Get("Accept"), "text/event-stream"):
		return kindEventStream, true
	case strings.HasPrefix(agent, "git/"), strings.HasPrefix(agent, "git-lfs/"), strings.HasPrefix(agent, "JGit/"):
		return kindGit, true
	}
	return 0, false
}

// isDAV has the methods by which clients of WebDAV (RFC 4918, 3253, 3744, 4791, 5323)
// begin, and OPTIONS, by which they ask what there is: a script's preflight was
// recognised before, and browsers say of other requests what they are.
var isDAV = map[string]bool{
	http.MethodOptions: true,
	"PROPFIND":         true, "PROPPATCH": true, "REPORT": true, "SEARCH": true, "ACL": true, "MKCOL": true, "MKCALENDAR": true,
	"COPY": true, "MOVE": true, "LOCK": true, "UNLOCK": true,
}

// pageOrPost: only GET, HEAD and POST are ever answered with a page.
func pageOrPost(r *http.Request) kind {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return kindPage
	case http.MethodPost:
		return kindFormPost
	default:
		return kindOther
	}
}

func isSpeculative(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"} {
		v := strings.ToLower(h.Get(name))
		if strings.Contains(v, "prefetch") || strings.Contains(v, "prerender") || strings.Contains(v, "preview") {
			return true
		}
	}
	return false
}

// sameOrigin reports whether a request was made by a page of this origin. Where
// the browser does not say so itself, its Origin must be ours.
func sameOrigin(r *http.Request, in *Arrival) bool {
	if from := r.Header.Get("Sec-Fetch-Site"); from != "" {
		return from == "same-origin"
	}
	origin, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && isOurs(r, in, origin)
}

// isOurs reports whether a URL that a browser speaks of is on this origin. The
// Host counts beside the configured one, since a front end may map ports; its
// name is configured all the same, or there would be no site. A page that came
// in clear text may be anybody's, so it is none of an https site.
func isOurs(r *http.Request, in *Arrival, u *url.URL) bool {
	if u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || in.Secure) {
		return false
	}
	return strings.EqualFold(u.Host, in.site.host) || strings.EqualFold(u.Host, r.Host)
}

// maxAccept bounds what is read of an Accept header, in bytes.
const maxAccept = 1 << 10

// prefersHTML reports whether text/html is wanted at least as much as anything
// else that is named (RFC 9110, section 12.5.1). "*/*" alone is no wish.
func prefersHTML(h http.Header) bool {
	accept := h.Get("Accept")
	if len(accept) > maxAccept {
		return false
	}
	html, best := 0.0, 0.0
	for part := range strings.SplitSeq(accept, ",") {
		media, params, _ := strings.Cut(part, ";")
		q := quality(params)
		switch strings.ToLower(strings.TrimSpace(media)) {
		case "text/html", "application/xhtml+xml":
			html = max(html, q)
		case "*/*", "text/*":
		default:
			best = max(best, q)
		}
	}
	return html > 0 && html >= best
}

// quality is a weight of 0 to 1; a malformed one is no wish.
func quality(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		v, ok := strings.CutPrefix(strings.TrimSpace(p), "q=")
		if !ok {
			continue
		}
		q, err := strconv.ParseFloat(v, 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}

func containsToken(lines []string, token string) bool {
	for _, line := range lines {
		for t := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}
