// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/doorcode/caddy-doorcode/challenge/spelling"
)

// A ruleSet is sets of matchers of which one has to match. Most requests meet none of
// them, and their path alone says so: that is looked at first, since Caddy's matcher
// makes each path ready anew for each pattern.
type ruleSet struct {
	sets  caddyhttp.MatcherSets
	paths []patterns // of each set
}

func newRuleSet(sets caddyhttp.MatcherSets) ruleSet {
	s := ruleSet{sets: sets}
	for _, set := range sets {
		s.paths = append(s.paths, patternsOf(set))
	}
	return s
}

// misses reports that no set can match a request for this path, see plainPath.
func (s *ruleSet) misses(plain string) bool {
	for _, p := range s.paths {
		if !p.miss(plain) {
			return false
		}
	}
	return len(s.paths) > 0
}

// plainPath is the path of a request if every app, and Caddy, reads it as it stands;
// empty if it may be read in more ways than one.
func plainPath(r *http.Request) string {
	path := r.URL.EscapedPath()
	if path != r.URL.Path || len(path) > spelling.MaxPath || !spelling.Plain(path) {
		return ""
	}
	return path
}

// patterns are those of a set's path matcher; none where it has none, or one that
// takes more than a look.
type patterns []pattern

// A pattern is what a path is, or begins, ends or goes on with.
type pattern struct {
	text        string
	front, back bool // something may come before it, or behind
}

// patternsOf reads the path matcher of a set, as it was provisioned.
func patternsOf(set caddyhttp.MatcherSet) (found patterns) {
	for _, matcher := range set {
		paths, ok := matcher.(*caddyhttp.MatchPath)
		if !ok {
			continue
		}
		for _, text := range *paths {
			p, simple := parsePattern(text)
			if !simple {
				return nil
			}
			found = append(found, p)
		}
		return found // each of several matchers has to match, so that one is enough
	}
	return nil
}

// parsePattern reports false where a pattern does not compare letter by letter: with
// placeholders, escapes, doubled slashes, or wildcards within.
func parsePattern(text string) (p pattern, simple bool) {
	inner, front := strings.CutPrefix(text, "*")
	inner, back := strings.CutSuffix(inner, "*")
	if inner == "" || strings.ContainsAny(inner, `*?[]\{}%`) || strings.Contains(inner, "//") || strings.ToLower(inner) != inner {
		return pattern{}, false
	}
	return pattern{inner, front, back}, true
}

// miss reports that no pattern fits a plain path, nor the same without the slash at
// its end, as many apps read it.
func (p patterns) miss(plain string) bool {
	if len(p) == 0 || plain == "" {
		return false
	}
	bare := strings.TrimSuffix(plain, "/")
	for i := range p {
		if p[i].fits(plain) || p[i].fits(bare) {
			return false
		}
	}
	return true
}

func (p *pattern) fits(path string) bool {
	switch {
	case p.front && p.back:
		return strings.Contains(path, p.text)
	case p.front:
		return strings.HasSuffix(path, p.text)
	case p.back:
		return strings.HasPrefix(path, p.text)
	default:
		return path == p.text
	}
}
