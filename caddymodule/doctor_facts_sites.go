// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"cmp"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
	"github.com/doorcode/caddy-doorcode/challenge"
)

// inOrder are the gates by their origins: the order in which Caddy makes handlers
// differs from that of the sites.
func inOrder(app *App) []*entrance {
	gates := app.building.gates()
	slices.SortStableFunc(gates, func(x, y *entrance) int {
		return slices.Compare(app.building.originsOf(x), app.building.originsOf(y))
	})
	return gates
}

func (w *ward) sites() {
	for _, e := range w.gates() {
		s := e.settings
		site := doctor.Site{
			Origins: w.app.building.originsOf(e), Endpoints: s.Reach.Endpoints, Earlier: e.identity != nil, SingleSignOn: s.Reach.SingleSignOn,
			Accent: s.Pages.Accent, Theme: s.Pages.Theme, Guarded: w.guarded(e), Boxed: w.stands[e].inside != "", People: e.lists.crowd(time.Now()),
			Passkeys: s.passkeysFor(), KeyRequired: s.Session.DeviceBound == "required" && !s.observesAll(),
		}
		for _, origin := range site.Origins {
			site.Hosts = append(site.Hosts, withoutPort(hostOf(origin)))
		}
		for _, link := range []string{s.Pages.Support, s.Pages.Privacy} {
			if strings.HasPrefix(link, "http") {
				site.Links = append(site.Links, link)
			}
		}
		w.facts.Sites = append(w.facts.Sites, site)
	}
}

// guarded are paths that the gate surely guards; none where only its matchers know.
func (w *ward) guarded(e *entrance) []string {
	inside := w.stands[e].inside
	found := []string{inside + "/", inside + "/doorcode-doctor"}
	if len(e.rules.guard.sets) > 0 {
		found = nil
		for _, set := range e.rules.guard.sets {
			found = append(found, foldersOf(set)...)
		}
	}
	slices.Sort(found)
	found = slices.DeleteFunc(slices.Compact(found), func(path string) bool { return e.leavesOut(path) })
	if len(e.rules.guard.sets) == 0 && len(found) > 1 {
		found = found[:1]
	}
	return found
}

// foldersOf are paths that a set of matchers takes whatever else a request says.
func foldersOf(set caddyhttp.MatcherSet) (paths []string) {
	if len(set) != 1 {
		return nil
	}
	var patterns caddyhttp.MatchPath
	switch m := set[0].(type) {
	case caddyhttp.MatchPath:
		patterns = m
	case *caddyhttp.MatchPath:
		patterns = *m
	}
	for _, pattern := range patterns {
		path := strings.TrimSuffix(pattern, "*")
		if strings.HasPrefix(path, "/") && !strings.ContainsAny(path, "*{%?") {
			paths = append(paths, path)
		}
	}
	return paths
}

// leavesOut reports whether a path is public at the gate.
func (e *entrance) leavesOut(path string) bool {
	r := &http.Request{
		Method: http.MethodGet, URL: &url.URL{Path: path}, RequestURI: path, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, RemoteAddr: "203.0.113.7:40000",
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), new(reply), new(caddyhttp.Server))
	return e.rules.lets(r, "")
}

// crowd says in short whom the lists admit.
func (l *lists) crowd(now time.Time) (p doctor.People) {
	s, groups := l.settings, l.groups()
	var entries []string
	for _, entry := range slices.Concat(s.Allow, l.allowed) {
		if name, ok := strings.CutPrefix(entry, groupPrefix); ok {
			entries = append(entries, groups[name]...)
			continue
		}
		entries = append(entries, entry)
	}
	access := l.access.Load()
	for _, m := range l.people {
		if m.Until.IsZero() || m.Until.After(now) {
			entries = append(entries, m.Mailbox)
		}
	}
	slices.Sort(entries)
	for _, entry := range slices.Compact(entries) {
		domain, wide := strings.CutPrefix(entry, "*@")
		switch {
		case slices.Contains(s.Deny, entry), slices.Contains(s.Deny, "*"):
		case entry == "*":
			p.Everybody = true
		case wide:
			p.Domains = append(p.Domains, strings.ToLower(domain))
		case admits(access, entry, now):
			p.Count++
		}
	}
	open := !s.Identity.asks() && len(s.Allow) == 0 && s.AllowFile == "" && s.PeopleFile == ""
	p.Nobody = !open && !p.Everybody && p.Count == 0 && len(p.Domains) == 0
	return p
}

func admits(access *challenge.Access, entry string, now time.Time) bool {
	email, err := challenge.ParseEmail(entry)
	return err == nil && access.Judge(email, now).Allowed
}

// servers are the listeners with gates behind them.
func (w *ward) servers() {
	for _, name := range slices.Sorted(maps.Keys(w.http.Servers)) {
		server := w.http.Servers[name]
		s := doctor.Server{Name: name, Secure: len(server.TLSConnPolicies) > 0, Trusted: w.trusting[name] || server.TrustedProxiesUnix, Strict: server.TrustedProxiesStrict > 0}
		alone := map[*entrance]stand{}
		roots := []string{}
		walk{server: server, http: w.http, found: alone, roots: &roots, named: map[string]bool{}}.routes(server.Routes, nil)
		for e := range alone {
			for _, origin := range w.app.building.originsOf(e) {
				s.Hosts = append(s.Hosts, hostOf(origin))
				s.HTTPS = s.HTTPS || strings.HasPrefix(origin, "https:")
			}
		}
		if slices.Sort(s.Hosts); len(alone) > 0 {
			s.Hosts = slices.Compact(s.Hosts)
			w.facts.Servers = append(w.facts.Servers, s)
		}
	}
}

// upstreams are the apps behind the gates: those of each site that has one.
func (w *ward) upstreams() {
	hosts := map[string]bool{}
	for _, s := range w.facts.Sites {
		for _, host := range s.Hosts {
			hosts[strings.ToLower(host)] = true
		}
	}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(w.http.Servers)) {
		a := apps{server: w.http.Servers[name], named: map[string]bool{}}
		a.found = func(under []string, dial string) {
			guarded := len(under) == 0 || slices.ContainsFunc(under, func(h string) bool { return hosts[strings.ToLower(h)] || strings.ContainsAny(h, "*{") })
			if dial = strings.TrimPrefix(dial, "tcp/"); guarded && !seen[dial] {
				seen[dial] = true
				w.facts.Upstreams = append(w.facts.Upstreams, doctor.Upstream{Site: cmp.Or(strings.Join(under, " "), name), Dial: dial})
			}
		}
		a.routes(a.server.Routes, nil)
	}
}

// apps looks through the routes of a server for what reverse_proxy leads to.
type apps struct {
	server *caddyhttp.Server
	named  map[string]bool // named routes that were seen
	found  func(hosts []string, dial string)
}

func (a apps) routes(list caddyhttp.RouteList, hosts []string) {
	for _, route := range list {
		under := narrowed(hosts, route.MatcherSets)
		for _, handler := range route.Handlers {
			a.handler(handler, under)
		}
	}
}

func (a apps) handler(handler caddyhttp.MiddlewareHandler, hosts []string) {
	switch h := handler.(type) {
	case *caddyhttp.Subroute:
		a.routes(h.Routes, hosts)
	case *caddyhttp.Invoke:
		if named, ok := a.server.NamedRoutes[h.Name]; ok && !a.named[h.Name] {
			a.named[h.Name] = true
			a.routes(caddyhttp.RouteList{*named}, hosts)
		}
	case *reverseproxy.Handler:
		if h.Rewrite != nil && len(h.HandleResponse) > 0 {
			return // it is forward_auth, which asks and does not answer
		}
		for _, u := range h.Upstreams {
			a.found(hosts, u.Dial)
		}
	}
}
