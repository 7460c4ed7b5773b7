// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// release is a service worker that takes the place of the app's own, which would
// go on answering from its cache, so that nobody ever came to the check. It
// answers nothing: the next page comes from the network. After the check the
// browser finds the app's worker again, which differs, and takes that one back.
const release = `// You are signed out. The app's own worker comes back once you are in again.
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', event => {
  event.waitUntil(self.clients.claim());
});
`

// isShell reports whether a browser looks for a new version of a service worker
// (Service Workers, "Update").
func isShell(r *http.Request, k kind) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.Header.Get("Service-Worker") != "script" {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "serviceworker":
		return k == kindSubresource
	case "":
		return k == kindOther
	default:
		return false
	}
}

// releaseShell answers such a request. Where the worker was registered for more
// than its folder, only a worker that may be, too, can take its place.
func (d *Door) releaseShell(w http.ResponseWriter, r *http.Request, reason challenge.Reason) {
	h := d.head(w)
	h.Set("Doorcode-Reason", string(reason))
	h.Set("Service-Worker-Allowed", "/")
	write(w, r, http.StatusOK, "text/javascript; charset=utf-8", []byte(release))
}
