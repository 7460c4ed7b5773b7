// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"encoding/json"
	"fmt"
	"strconv"
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
	sets := caddyhttp.RawMatcherSets{set}
	if err := refuseCircular("doorcode", sets); err != nil {
		return nil, h.WrapErr(err)
	}
	return sets, nil
}

// matcherError adds the place, which Caddy leaves out of its own error.
func matcherError(h httpcaddyfile.Helper, err error) error {
	return h.WrapErr(fmt.Errorf("%w%s", err, domainHint(h.Val())))
}

var publicRule = entry[*site]{repeats: true, inside: []setting{}, takes: "<matcher...>", read: func(_ *caddyfile.Dispenser, s *site) error {
	sets, err := readMatchers(s.helper, notPublic)
	if err != nil {
		return err
	}
	s.handler.PublicRaw = append(s.handler.PublicRaw, sets...)
	return nil
}}

var answerRule = entry[*site]{repeats: true, inside: []setting{}, takes: "json|401|403|503 <matcher...>", read: func(d *caddyfile.Dispenser, s *site) error {
	as, err := leading(d, answers)
	if err != nil {
		return err
	}
	sets, err := readMatchers(s.helper, notMatcher)
	if err != nil {
		return err
	}
	s.handler.Answer = append(s.handler.Answer, Answer{As: as, MatchRaw: sets})
	return nil
}}

var pageStatusRule = entry[*site]{repeats: true, inside: []setting{}, takes: "200|401|403 <matcher...>", read: func(d *caddyfile.Dispenser, s *site) error {
	text, err := leading(d, pageStatuses)
	if err != nil {
		return err
	}
	status, err := strconv.Atoi(text)
	if err != nil {
		return d.WrapErr(err)
	}
	sets, err := readMatchers(s.helper, notMatcher)
	if err != nil {
		return err
	}
	s.handler.PageStatus = append(s.handler.PageStatus, PageStatus{Status: status, MatchRaw: sets})
	return nil
}}

// sensitivePages is a rule with the age that a code may have: behind the matchers
// of a line, or in front of a block of them.
var sensitivePages = entry[*site]{repeats: true, inside: []setting{}, takes: "<matcher...> [<max_age>]", read: func(d *caddyfile.Dispenser, s *site) error {
	var rule Sensitive
	sets, err := readMatchers(s.helper, func(text string) error {
		age, err := caddy.ParseDuration(text)
		if _, unit := strconv.Atoi(text); unit == nil || err == nil && age <= 0 {
			return needsDuration("sensitive", text)
		}
		if err != nil {
			return fmt.Errorf("'%s' is neither a matcher nor a duration; write paths such as /admin/* or the name of a matcher, and then how old a code may be, such as 10m", text)
		}
		if d.CountRemainingArgs() > 0 {
			return fmt.Errorf("'sensitive' takes one duration, behind its matchers: write '%s' last", text)
		}
		rule.MaxAge = caddy.Duration(age)
		return nil
	})
	if err != nil {
		return err
	}
	rule.MatchRaw = sets
	s.handler.Sensitive = append(s.handler.Sensitive, rule)
	return nil
}}

// leading reads the first argument of a rule, which is one of a few words.
func leading(d *caddyfile.Dispenser, choices []string) (string, error) {
	word := d.Val()
	if !d.NextArg() {
		return "", d.Errf("'%s' takes %s and a matcher", word, either(choices))
	}
	if err := oneOf(word, d.Val(), choices); err != nil {
		return "", d.WrapErr(err)
	}
	return d.Val(), nil
}

// readMatchers reads paths and names of matchers up to the end of the line, or
// a block with one set of matchers. What is no matcher is left to other.
func readMatchers(h httpcaddyfile.Helper, other func(text string) error) (caddyhttp.RawMatcherSets, error) {
	var sets caddyhttp.RawMatcherSets
	for h.CountRemainingArgs() > 0 {
		set, isMatcher, err := h.MatcherToken()
		if err != nil {
			return nil, matcherError(h, err)
		}
		if !isMatcher {
			if err := other(h.Val()); err != nil {
				return nil, h.WrapErr(err)
			}
			continue
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

func notMatcher(text string) error {
	return fmt.Errorf("'%s' is not a matcher; write a path such as /robots.txt or the name of a matcher such as @static", text)
}

func notPublic(text string) error {
	if strings.HasPrefix(text, "*") {
		return publicWildcard(text)
	}
	return notMatcher(text)
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
