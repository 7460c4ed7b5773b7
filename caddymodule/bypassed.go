// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"go.uber.org/zap"
)

// tellBypassed warns of gates that guard nothing: Caddy starts with them all the same,
// and everybody gets to the app.
func (b *building) tellBypassed() {
	gates := b.gates()
	if len(gates) == 0 {
		b.logger.Warn("no site has a doorcode directive, so nothing is guarded; write 'doorcode' into each site that is to be, also where all settings are global")
		return
	}
	stands, err := b.stands()
	if err != nil {
		return // then no gate could be opened
	}
	for _, e := range gates {
		if by := stands[e].behind; by != "" {
			b.logger.Warn("no request reaches this gate, since what stands before it answers all of them; write doorcode before it, as Caddy orders them by itself",
				zap.String("answers", by), zap.Strings("origins", b.originsOf(e)))
		}
	}
}

// answering is the name of a handler that answers every request itself, which leaves
// those behind it without any. It is empty for one that may let a request go on.
func answering(handler caddyhttp.MiddlewareHandler) string {
	sub, ok := handler.(*caddyhttp.Subroute)
	if !ok {
		if final(handler) {
			return nameOf(handler)
		}
		return ""
	}
	for i, route := range sub.Routes {
		if !takesAll(sub.Routes, i) {
			continue
		}
		for _, inner := range route.Handlers {
			if by := answering(inner); by != "" {
				return by
			}
		}
	}
	return ""
}

// takesAll reports that a route of a list meets every request that comes to it. Of a
// group only the first that matches is run, so those behind it may be passed over.
func takesAll(routes caddyhttp.RouteList, i int) bool {
	group := routes[i].Group
	if group != "" && slices.ContainsFunc(routes[:i], func(r caddyhttp.Route) bool { return r.Group == group }) {
		return false
	}
	return len(routes[i].MatcherSets) == 0 || slices.ContainsFunc(routes[i].MatcherSets, meetsAll)
}

// meetsAll reports that a set of matchers is of all paths.
func meetsAll(set caddyhttp.MatcherSet) bool {
	for _, matcher := range set {
		paths, ok := matcher.(caddyhttp.MatchPath)
		if of, same := matcher.(*caddyhttp.MatchPath); same {
			paths, ok = *of, true
		}
		if !ok || !slices.Contains(paths, "*") && !slices.Contains(paths, "/*") {
			return false
		}
	}
	return true
}

// final reports that a handler of Caddy's own never hands a request on.
func final(handler caddyhttp.MiddlewareHandler) bool {
	switch h := handler.(type) {
	case *reverseproxy.Handler:
		return len(h.HandleResponse) == 0 // else it may go on, as forward_auth does
	case *fileserver.FileServer:
		return !h.PassThru
	case *caddyhttp.StaticResponse, caddyhttp.StaticResponse, *caddyhttp.StaticError, caddyhttp.StaticError:
		return true
	}
	return false
}
