// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
)

// A stand is where a handler stands in the http app. A directive cannot see the
// addresses of its own site, so they are found by walking the routes.
type stand struct {
	origins []string
	open    bool     // reached by hosts that have no name here, or by wildcards
	wild    string   // the first of those wildcards; empty: there is none
	tls     bool     // over https at least once
	roots   []string // folders that the http app serves files from
	inside  string   // path below which it is reached, such as "/admin"; empty: anywhere
	behind  string   // what answers every request before it; empty: it is reached
}

// walk is one way through the routes.
type walk struct {
	server *caddyhttp.Server
	http   *caddyhttp.App
	found  map[*entrance]stand
	roots  *[]string
	named  map[string]bool // named routes on this way, against circles
	cut    string          // what of the path was taken off on this way
	inside string          // the path that this way leads to, whole
	behind string          // what answers every request before this way goes on
}

// survey finds the stand of every handler.
func survey(app *caddyhttp.App) map[*entrance]stand {
	found, roots := map[*entrance]stand{}, []string{}
	for _, server := range app.Servers {
		w := walk{server: server, http: app, found: found, roots: &roots, named: map[string]bool{}}
		w.routes(server.Routes, nil)
		if server.Errors != nil {
			w.routes(server.Errors.Routes, nil)
		}
	}
	for e, p := range found {
		p.roots = roots
		slices.Sort(p.origins)
		p.origins = slices.Compact(p.origins)
		found[e] = p
	}
	return found
}

// routes visits a list of routes that is reached under the given hosts; nil
// hosts are any.
func (w walk) routes(routes caddyhttp.RouteList, hosts []string) {
	for i, route := range routes {
		inner, below := narrowed(hosts, route.MatcherSets), w
		below.inside = w.within(route.MatcherSets)
		for _, handler := range route.Handlers {
			if r, ok := handler.(*rewrite.Rewrite); ok && len(route.MatcherSets) == 0 {
				w.cut += strings.TrimSuffix(r.StripPathPrefix, "/") // for all routes after it
				continue
			}
			below.handler(handler, inner)
			if below.behind == "" {
				below.behind = answering(handler)
			}
		}
		if takesAll(routes, i) {
			w.behind = below.behind
		}
	}
}

// within is the path that a route narrows a way to, where it says so in a form
// that leads to one: "/admin/*", or several of which the first will do.
func (w walk) within(sets caddyhttp.MatcherSets) string {
	for _, set := range sets {
		for _, matcher := range set {
			if folder := folderOf(matcher); folder != "" {
				return w.cut + folder
			}
		}
	}
	return w.inside
}

// folderOf is the first folder below which a path matcher lets everything by.
func folderOf(matcher any) string {
	var patterns caddyhttp.MatchPath
	switch m := matcher.(type) {
	case caddyhttp.MatchPath:
		patterns = m
	case *caddyhttp.MatchPath:
		patterns = *m
	}
	for _, pattern := range patterns {
		folder, wild := strings.CutSuffix(pattern, "/*")
		if wild && strings.HasPrefix(folder, "/") && !strings.ContainsAny(folder, "*{%?") {
			return folder
		}
	}
	return ""
}

func (w walk) handler(handler caddyhttp.MiddlewareHandler, hosts []string) {
	switch h := handler.(type) {
	case *Handler:
		w.note(h.entrance, hosts)
	case *caddyhttp.Subroute:
		w.routes(h.Routes, hosts)
		if h.Errors != nil {
			w.routes(h.Errors.Routes, hosts)
		}
	case *caddyhttp.Invoke:
		if named, ok := w.server.NamedRoutes[h.Name]; ok && !w.named[h.Name] {
			w.named[h.Name] = true
			w.routes(caddyhttp.RouteList{*named}, hosts)
			delete(w.named, h.Name)
		}
	case *fileserver.FileServer:
		w.root(h.Root)
	case caddyhttp.VarsMiddleware:
		if root, ok := h["root"].(string); ok {
			w.root(root)
		}
	case *caddyhttp.VarsMiddleware:
		w.handler(*h, hosts)
	}
}

func (w walk) root(root string) {
	if root != "" && !strings.Contains(root, "{") {
		*w.roots = append(*w.roots, root)
	}
}

// openness says what of a stand has no address of its own.
func (p stand) openness() string {
	if p.wild != "" {
		return "the wildcard site " + p.wild
	}
	return "a wildcard or catch-all site"
}

// narrowed are the hosts under which a route is reached: those of its host
// matchers, within those outside.
func narrowed(outer []string, sets caddyhttp.MatcherSets) []string {
	var hosts []string
	for _, set := range sets {
		named := false
		for _, matcher := range set {
			switch m := matcher.(type) {
			case caddyhttp.MatchHost:
				hosts, named = append(hosts, m...), true
			case *caddyhttp.MatchHost:
				hosts, named = append(hosts, *m...), true
			}
		}
		if !named { // one set without hosts makes the route reachable from all outside
			return outer
		}
	}
	if hosts == nil {
		return outer
	}
	return hosts
}

// note adds what one way says of a handler's stand.
func (w walk) note(e *entrance, hosts []string) {
	p, known := w.found[e]
	if !known || w.behind == "" {
		p.behind = w.behind
	}
	if !known || w.inside == "" {
		p.inside = w.inside
	}
	if len(hosts) == 0 {
		p.open = true
	}
	secure := len(w.server.TLSConnPolicies) > 0
	p.tls = p.tls || secure
	for _, host := range hosts {
		if strings.ContainsAny(host, "*{") {
			p.open = true
			if p.wild == "" {
				p.wild = host
			}
			continue
		}
		p.origins = append(p.origins, w.origin(host, secure))
	}
	w.found[e] = p
}

// origin is the address of a host on this server, with the port where it is not
// the usual one.
func (w walk) origin(host string, secure bool) string {
	scheme, usual := "http", 80
	if secure {
		scheme, usual = "https", 443
	}
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		host = "[" + host + "]"
	}
	port := w.port()
	if port == 0 || port == usual {
		return scheme + "://" + strings.ToLower(host)
	}
	return scheme + "://" + strings.ToLower(host) + ":" + strconv.Itoa(port)
}

// port is the first port that the server listens on; zero when it has none.
func (w walk) port() int {
	for _, address := range w.server.Listen {
		parsed, err := caddy.ParseNetworkAddress(address)
		if err == nil && parsed.StartPort != 0 {
			return int(parsed.StartPort)
		}
	}
	return 0
}
