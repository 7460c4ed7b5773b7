// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// hints tell the operator, rarely, of a setting that requests show to be
// missing. Each has a clock of its own: a stranger who causes one must not
// silence another.
type hints struct {
	plain, foreign   hourly
	proxies, listing atomic.Bool // said once
	// forwarder is what proxies was said of first.
	forwarder atomic.Pointer[netip.Addr]
}

// give says what a refused request has to say.
func (h *hints) give(logger *zap.Logger, r *http.Request, in *web.Arrival, out web.Outcome) {
	switch {
	case out.Reason == web.PlainHTTP && !h.plain.due(in.Now), out.ForeignPost && !h.foreign.due(in.Now):
	case out.Reason == web.PlainHTTP && in.Proxy != "":
		logger.Warn("a proxy says that visitors use https, but is not trusted; add it to trusted_proxies", zap.String("proxy", in.Proxy))
	case out.Reason == web.PlainHTTP:
		logger.Warn("this site is served over http, so browsers do not keep the gate's cookie; use an https:// site address, "+
			"or 'insecure' in the cookie block for a test", zap.String("host", r.Host))
	case out.ForeignPost:
		logger.Warn("POST from another site was not sent to the app; if it is meant to be, add a 'public' rule for its path",
			zap.String("path", in.Original.Path))
	}
}

// proxy says that a proxy of this network forwards visitors without being
// trusted to tell where they come from: all of them then share its address.
func (h *hints) proxy(logger *zap.Logger, r *http.Request, trusted bool, peer netip.Addr) {
	if trusted || h.proxies.Load() || !peer.IsPrivate() && !peer.IsLoopback() || len(r.Header["X-Forwarded-For"]) == 0 {
		return
	}
	if !h.proxies.Swap(true) {
		first := peer // else every request would allocate it
		h.forwarder.Store(&first)
		logger.Warn("a proxy forwards visitors without being trusted, so that all of them share its address and its limits; "+
			"add it to 'trusted_proxies' in the servers options, with 'trusted_proxies_strict'", zap.String("proxy", peer.String()))
	}
}

// list says that forwarded addresses can be made up.
func (h *hints) list(logger *zap.Logger) {
	if !h.listing.Load() && !h.listing.Swap(true) {
		logger.Warn("a trusted proxy forwards lists of addresses, whose beginning a visitor can write; " +
			"add 'trusted_proxies_strict' to the servers options")
	}
}

// hourly lets something through once an hour.
type hourly struct{ last atomic.Int64 }

func (h *hourly) due(now time.Time) bool {
	last := h.last.Load()
	return now.Unix()-last >= int64(time.Hour/time.Second) && h.last.CompareAndSwap(last, now.Unix())
}
