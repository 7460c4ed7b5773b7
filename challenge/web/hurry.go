// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"time"
)

// hurry bounds how long a body that nobody reads may take to come. The server waits for
// the rest of it before it answers, for as long as the client likes. A client that asked
// whether to send one at all would wait for us meanwhile: it gets its answer at once, and
// no further request over this connection, where the body may come yet.
func hurry(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 1 || r.ContentLength == 0 {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // a server that cannot has its own
	if len(r.Header["Expect"]) > 0 {
		w.Header().Set("Connection", "close")
	}
}
