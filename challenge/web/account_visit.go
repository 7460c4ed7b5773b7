// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// visited lets only a browser by that goes to the page in a window of its own. A
// service worker of the app that passes visits on is a script like others; it
// leaves a POST to the browser, which the page that refuses it begins.
func (d *Door) visited(w http.ResponseWriter, r *http.Request, in *Arrival) bool {
	_, preloads := r.Header["Service-Worker-Navigation-Preload"] // its answer goes to the worker
	if !preloads && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" {
		return true
	}
	d.head(w)
	if !prefersHTML(r.Header) {
		d.problem(w, r, problem{Type: "not-visited"})
		return false
	}
	name, _ := d.endpoint(in.Original)
	action := d.endpointsFrom(in.Original) + name
	if query := in.Original.RawQuery; query != "" && len(query) <= maxReturn {
		action += "?" + query
	}
	d.page(w, r, in, http.StatusForbidden, pages.NotVisited{Action: action})
	return false
}

// An apart writer cuts every answer of an account page off from the window that
// opened it, which may be a page of the app.
type apart struct {
	http.ResponseWriter
	opener string // the policy
}

// newApart chooses what the browser knows. "noopener-allow-popups" cuts off any
// opener, and to browsers that do not know it means no policy at all. The others
// get one that differs from that of an app unless this isolates itself.
func newApart(w http.ResponseWriter, r *http.Request) apart {
	if chromiumOf(r.Header) >= 131 {
		return apart{w, "noopener-allow-popups"}
	}
	return apart{w, "same-origin"}
}

var chromium = regexp.MustCompile(`"Chromium";\s*v="(\d{1,4})`)

// chromiumOf is the version of a browser's engine, as it says in a header that no
// script can set; 0 for other engines.
func chromiumOf(h http.Header) int {
	match := chromium.FindStringSubmatch(strings.Join(h.Values("Sec-Ch-Ua"), ","))
	if match == nil {
		return 0
	}
	version, err := strconv.Atoi(match[1])
	if err != nil {
		return 0
	}
	return version
}

// WriteHeader sends the header with the policies.
func (w apart) WriteHeader(status int) {
	w.Header().Set("Cross-Origin-Opener-Policy", w.opener)
	w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap returns the writer inside, for http.ResponseController.
func (w apart) Unwrap() http.ResponseWriter { return w.ResponseWriter }
