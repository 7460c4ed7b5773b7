// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"net/http"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge/upstream"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// isStream reports whether a request asks for a connection that goes on: a
// WebSocket (RFC 6455; over HTTP/2 and HTTP/3 RFC 8441 and RFC 9220) or an event
// stream. What turns out to be one although it was not asked for, the guard of the
// answer follows.
func isStream(r *http.Request, met *upstream.Met) bool {
	if r.Method == http.MethodConnect || met.Upgrades {
		return true
	}
	for _, accept := range met.Accepts {
		if len(accept) <= maxAccept && strings.Contains(strings.ToLower(accept), "text/event-stream") {
			return true
		}
	}
	return false
}

// maxAccept bounds what is read of an Accept field, in bytes.
const maxAccept = 1 << 10

// following gives a stream a context that ends with its session, by which Caddy's
// proxy cuts it. Nothing else gets one: a context costs an allocation.
func following(r *http.Request, out web.Outcome) (_ *http.Request, done func()) {
	ctx, cut := context.WithCancel(r.Context())
	closed := out.Admission.Follow(cut)
	return r.WithContext(ctx), func() {
		closed()
		cut()
	}
}
