// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// isEarly reports a request in TLS early data, which anybody who saw it can
// send again (RFC 8470): it must change nothing. Of a proxy's word for it, anything
// but nothing counts, see section 5.1.
func isEarly(r *http.Request, in *Arrival) bool {
	return r.TLS != nil && !r.TLS.HandshakeComplete || in.Met.Early
}

// early lets a session read in early data, and has anything else come again after the
// handshake. To renew a session would turn the browser's secret once for each time
// that the request is sent, and make its owner look like a thief.
func (d *Door) early(w http.ResponseWriter, r *http.Request, in *Arrival) Outcome {
	in.visit.Device = ""
	if (r.Method == http.MethodGet || r.Method == http.MethodHead) && in.visit.Page.MaxAge == 0 {
		var verdict challenge.Verdict
		if err := d.admit(r, in, &verdict); err == nil && verdict.Decision == challenge.Pass {
			return d.passed(w, in, &verdict)
		}
	}
	hurry(w, r)
	return d.again(w)
}

// again has a request come once more, after the handshake.
func (d *Door) again(w http.ResponseWriter) Outcome {
	d.head(w)
	empty(w, http.StatusTooEarly)
	return Outcome{Decision: DecisionDeny, Reason: tooEarly}
}
