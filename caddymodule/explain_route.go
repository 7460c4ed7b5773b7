// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
)

// A route walk takes one request through the routes of a server as Caddy does,
// with the handlers that decide where it goes and without those that would answer
// it or ask somebody else.
type routeWalk struct {
	server *caddyhttp.Server
	gate   func(h *Handler, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error
	groups map[string]bool
	named  int             // routes that it went through
	end    string          // the handler that would have answered
	left   map[string]bool // handlers that were left out
}

// mostNamed bounds how many named routes a request may go through.
const mostNamed = 32

func (k *routeWalk) walk(w http.ResponseWriter, r *http.Request) error {
	k.groups, k.left = map[string]bool{}, map[string]bool{}
	return k.routes(k.server.Routes, k.stop("")).ServeHTTP(w, r)
}

func (k *routeWalk) routes(list caddyhttp.RouteList, next caddyhttp.Handler) caddyhttp.Handler {
	for _, route := range slices.Backward(list) {
		next = k.route(route, next)
	}
	return next
}

// route is what Caddy makes of a route: the first of a group counts, and a
// terminal one lets nothing past.
func (k *routeWalk) route(route caddyhttp.Route, next caddyhttp.Handler) caddyhttp.Handler {
	return caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if route.Group != "" && k.groups[route.Group] {
			return next.ServeHTTP(w, r)
		}
		hit, err := route.MatcherSets.AnyMatchWithError(r)
		if err != nil {
			return err
		}
		if !hit {
			return next.ServeHTTP(w, r)
		}
		inner := next
		if k.groups[route.Group] = true; route.Terminal {
			inner = k.stop("")
		}
		for _, handler := range slices.Backward(route.Handlers) {
			inner = k.handler(handler, inner)
		}
		return inner.ServeHTTP(w, r)
	})
}

func (k *routeWalk) handler(handler caddyhttp.MiddlewareHandler, next caddyhttp.Handler) caddyhttp.Handler {
	name := nameOf(handler)
	switch h := handler.(type) {
	case *Handler:
		return caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return k.gate(h, w, r, next) })
	case *caddyhttp.Subroute:
		return k.routes(h.Routes, next)
	case *caddyhttp.Invoke:
		return k.namedRoute(h.Name, next)
	case *rewrite.Rewrite, caddyhttp.VarsMiddleware, *caddyhttp.VarsMiddleware:
		return caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return handler.ServeHTTP(w, r, next) })
	}
	if final(handler) {
		return k.stop(name)
	}
	return caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		k.left[name] = !harmless[name]
		return next.ServeHTTP(w, r)
	})
}

// namedRoute leads into a named route.
func (k *routeWalk) namedRoute(name string, next caddyhttp.Handler) caddyhttp.Handler {
	return caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		route, known := k.server.NamedRoutes[name]
		if k.named++; !known || k.named > mostNamed {
			return fmt.Errorf("named route '%s' is missing, or leads into itself", name)
		}
		return k.route(*route, next).ServeHTTP(w, r)
	})
}

// stop is where a request ends; the name is of what would answer it.
func (k *routeWalk) stop(name string) caddyhttp.Handler {
	return caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		k.end = name
		return nil
	})
}

func nameOf(handler caddyhttp.MiddlewareHandler) string {
	if module, ok := handler.(caddy.Module); ok {
		return module.CaddyModule().ID.Name()
	}
	return fmt.Sprintf("%T", handler)
}

// harmless handlers change nothing that a gate looks at.
var harmless = map[string]bool{
	"copy_response": true, "encode": true, "headers": true, "intercept": true, "log_append": true, "log_name": true, "map": true,
	"push": true, "request_body": true, "templates": true, "tracing": true, "file_server": true,
}
