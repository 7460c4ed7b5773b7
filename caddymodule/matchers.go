// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// ownMatcher takes the directive's matcher, if there is one, and leaves the
// dispenser before the first token.
func ownMatcher(h httpcaddyfile.Helper) (caddyhttp.RawMatcherSets, error) {
	if h.NextArg() && h.Val() == "*" {
		return nil, h.Errf("'*' here is Caddy's matcher for every request; to allow everyone write 'allow *'")
	}
	h.Reset()
	h.Next()
	set, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, matcherError(h, err)
	}
	if set == nil {
		return nil, nil
	}
	return caddyhttp.RawMatcherSets{set}, nil
}

// matcherError adds the place, which Caddy leaves out of its own error.
func matcherError(h httpcaddyfile.Helper, err error) error {
	return h.WrapErr(fmt.Errorf("%w%s", err, domainHint(h.Val())))
}

var publicRule = entry[*site]{repeats: true, inside: []string{}, read: func(_ *caddyfile.Dispenser, s *site) error {
	sets, err := readMatchers(s.helper, "public")
	if err != nil {
		return err
	}
	s.handler.PublicRaw = append(s.handler.PublicRaw, sets...)
	return nil
}}

var answerRule = entry[*site]{repeats: true, inside: []string{}, read: func(d *caddyfile.Dispenser, s *site) error {
	if !d.NextArg() {
		return d.Errf("'answer' takes %s and a matcher", either(answers))
	}
	as := d.Val()
	if err := oneOf("answer", as, answers); err != nil {
		return d.WrapErr(err)
	}
	sets, err := readMatchers(s.helper, "answer")
	if err != nil {
		return err
	}
	s.handler.Answer = append(s.handler.Answer, Answer{As: as, MatchRaw: sets})
	return nil
}}

// readMatchers reads paths and names of matchers up to the end of the line, or
// a block with one set of matchers, for the given word.
func readMatchers(h httpcaddyfile.Helper, word string) (caddyhttp.RawMatcherSets, error) {
	var sets caddyhttp.RawMatcherSets
	for h.CountRemainingArgs() > 0 {
		set, isMatcher, err := h.MatcherToken()
		if err != nil {
			return nil, matcherError(h, err)
		}
		if !isMatcher {
			return nil, notMatcher(h, word)
		}
		if set == nil {
			set = caddy.ModuleMap{}
		}
		sets = append(sets, set)
	}
	if len(sets) > 0 {
		if blockOpens(h.Dispenser) {
			return nil, h.Errf("matchers stand either on the line or in a block, not both")
		}
		return sets, nil
	}
	set, err := caddyhttp.ParseCaddyfileNestedMatcherSet(h.Dispenser)
	if err != nil {
		return nil, err
	}
	if len(set) == 0 {
		return nil, h.Errf("a matcher is missing; write paths such as /robots.txt, the name of a matcher, or a block of matchers")
	}
	return caddyhttp.RawMatcherSets{set}, nil
}

func notMatcher(h httpcaddyfile.Helper, word string) error {
	if word == "public" && strings.HasPrefix(h.Val(), "*") {
		return h.WrapErr(publicWildcard(h.Val()))
	}
	return h.Errf("'%s' is not a matcher; write a path such as /robots.txt or the name of a matcher such as @static", h.Val())
}

// pathPatterns are the patterns of the path matcher in a set.
func pathPatterns(set caddy.ModuleMap) ([]string, error) {
	raw, ok := set["path"]
	if !ok {
		return nil, nil
	}
	var patterns []string
	if err := json.Unmarshal(raw, &patterns); err != nil {
		return nil, fmt.Errorf("reading path matcher: %w", err)
	}
	return patterns, nil
}
