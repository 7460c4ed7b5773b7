// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// A sensitiveRule asks for a fresh code on some requests.
type sensitiveRule struct {
	page  challenge.Page
	exact bool
	set   ruleSet
}

// A statusRule chooses the status of the check page.
type statusRule struct {
	status int
	set    ruleSet
}

// usualAge is how old the last code may be where a rule does not say. Each use
// extends it.
const usualAge = 30 * time.Minute

func pageOf(maxAge caddy.Duration) challenge.Page {
	if maxAge == 0 {
		return challenge.Page{MaxAge: usualAge, Extends: true}
	}
	return challenge.Page{MaxAge: time.Duration(maxAge)}
}

// apply says what the rules make of a request. An endpoint of ours, which never
// reaches the app, asks for as fresh a code as the page below which it is: that is
// what its form is about.
func (u *rules) apply(r *http.Request, in *web.Arrival, own bool) {
	plain := plainPath(r)
	in.Guarded = u.guards(r, plain)
	in.Public = u.lets(r, plain)
	if len(u.answers) > 0 {
		in.Answer = u.answer(r, plain)
	}
	if len(u.statuses) > 0 {
		in.Status = u.status(r, plain)
	}
	if len(u.sensitive) > 0 {
		page := r
		if own {
			page = spelled(r, web.PageOf(r.URL))
			plain = plainPath(page)
		}
		in.Page = u.page(page, plain)
		if in.Page.MaxAge > 0 { // whatever else is said of it
			in.Guarded, in.Public = true, false
		}
	}
}

// page is how fresh a code a request asks for, by the strictest rule that any
// reading of it meets. A matcher that fails asks too.
func (u *rules) page(r *http.Request, plain string) (page challenge.Page) {
	for i := range u.sensitive {
		if rule := &u.sensitive[i]; rule.set.meets(r, rule.exact, plain) {
			page = stricter(page, rule.page)
		}
	}
	return page
}

// stricter is the page that asks for the fresher code. Of two that ask alike, the
// one that use does not extend.
func stricter(a, b challenge.Page) challenge.Page {
	switch {
	case a.MaxAge == 0:
		return b
	case b.MaxAge == 0 || a.MaxAge < b.MaxAge:
		return a
	case b.MaxAge < a.MaxAge || !b.Extends:
		return b
	default:
		return a
	}
}

// status is that of the check page for a request; zero is the usual one.
func (u *rules) status(r *http.Request, plain string) int {
	for i := range u.statuses {
		if rule := &u.statuses[i]; rule.set.matches(r, plain) {
			return rule.status
		}
	}
	return 0
}

// pathless are matchers to which all paths are alike.
var pathless = map[string]bool{"path": true, "method": true, "host": true, "header": true, "protocol": true, "query": true, "client_ip": true, "remote_ip": true, "tls": true}

// spread makes rules that guard "/x/*" guard "/x" too, which apps serve alike. It
// is exact where that can be said of every rule beforehand; else each request is
// tried with a slash at its end, which costs an allocation.
func spread(sets caddyhttp.RawMatcherSets) (wide caddyhttp.RawMatcherSets, exact bool) {
	exact = true
	for _, set := range sets {
		copied := caddy.ModuleMap{}
		for name, raw := range set {
			copied[name] = raw
			exact = exact && pathless[name]
		}
		if patterns, err := pathPatterns(set); err == nil && len(patterns) > 0 {
			copied["path"], err = json.Marshal(withFolders(patterns))
			exact = exact && err == nil
		}
		wide = append(wide, copied)
	}
	return wide, exact
}

func withFolders(patterns []string) []string {
	all := patterns
	for _, pattern := range patterns {
		if folder, wild := strings.CutSuffix(pattern, "/*"); wild && folder != "" {
			all = append(all, folder)
		}
	}
	return all
}
