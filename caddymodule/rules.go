// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/doorcode/caddy-doorcode/challenge/spelling"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// rules say which requests a handler guards, leaves alone, asks a fresh code for,
// and answers in a way of its own.
type rules struct {
	guard     ruleSet
	exact     bool // the guard names folders as it does files, see spread
	excepts   bool // the guard leaves something out
	public    ruleSet
	sensitive []sensitiveRule
	answers   []answerRules
	statuses  []statusRule
	described json.RawMessage // the guard as it was written
	written   json.RawMessage // all of it, for the audit log
}

type answerRules struct {
	as  web.Answer
	set ruleSet
}

var answerCodes = map[string]web.Answer{
	"json": web.AnswerJSON, "401": web.Answer401, "403": web.Answer403, "503": web.Answer503,
}

// guards reports whether the gate stands in front of a request. One spelling
// of the path that some app might read as a guarded one is enough, and so is a
// matcher that fails. plain is the path as in plainPath.
func (u *rules) guards(r *http.Request, plain string) bool {
	if len(u.guard.sets) == 0 {
		return true
	}
	// What a rule leaves out by "not", an app that resolves no steps may read as
	// something else.
	if u.excepts && spelling.Stepped(r.URL.EscapedPath()) {
		return true
	}
	return u.guard.meets(r, u.exact, plain)
}

// guardText keeps the guard as it was written, to name the gate by.
func guardText(sets caddyhttp.RawMatcherSets) json.RawMessage {
	if len(sets) == 0 {
		return nil
	}
	described, err := json.Marshal(sets)
	if err != nil {
		return nil
	}
	return described
}

// leavesOut reports whether a guard, as it was written, leaves something out.
func leavesOut(described json.RawMessage) bool {
	return bytes.Contains(described, []byte(`"not"`)) || bytes.Contains(described, []byte(`"expression"`))
}

// meets reports whether any reading of a request matches, or makes a matcher fail.
func (s *ruleSet) meets(r *http.Request, exact bool, plain string) bool {
	if exact && s.misses(plain) {
		return false
	}
	return anyForm(r, exact, func(form *http.Request) bool {
		hit, err := s.sets.AnyMatchWithError(form)
		return hit || err != nil
	})
}

// matches reports whether a request matches as it stands.
func (s *ruleSet) matches(r *http.Request, plain string) bool {
	if s.misses(plain) {
		return false
	}
	hit, err := s.sets.AnyMatchWithError(r)
	return hit && err == nil
}

// guardsAsWritten reports whether the guard covers a request as Caddy reads it,
// which is where an earlier step with the same matcher runs.
func (u *rules) guardsAsWritten(r *http.Request) bool {
	return len(u.guard.sets) == 0 || u.guard.matches(r, "")
}

// lets reports whether a request needs no check: one and the same rule must
// cover every spelling of its path.
func (u *rules) lets(r *http.Request, plain string) bool {
	for i, set := range u.public.sets {
		if u.public.paths[i].miss(plain) {
			continue
		}
		covers := func(form *http.Request) bool {
			hit, err := set.MatchWithError(form)
			return hit && err == nil
		}
		// The request as it stands decides most of them.
		if covers(r) && u.all(r, covers) {
			return true
		}
	}
	return false
}

// answer is what the operator wants to be said to a request.
func (u *rules) answer(r *http.Request, plain string) web.Answer {
	for i := range u.answers {
		if a := &u.answers[i]; a.set.matches(r, plain) {
			return a.as
		}
	}
	return web.AnswerByKind
}

// anyForm tries the request as it stands and with each method that an app may take
// it for; and of each, every spelling of its path, and the path as a folder unless
// the rule is exact.
func anyForm(r *http.Request, exact bool, match func(*http.Request) bool) bool {
	spells := func(form *http.Request) bool { return anySpelling(form, exact, match) }
	return spells(r) || slices.ContainsFunc(overridden(r), spells) || slices.ContainsFunc(posted(r), spells)
}

func anySpelling(r *http.Request, exact bool, match func(*http.Request) bool) bool {
	if match(r) {
		return true
	}
	return spelling.Any(r.URL.EscapedPath(), func(path string) bool {
		if path != r.URL.Path && match(spelled(r, path)) {
			return true
		}
		return !exact && !strings.HasSuffix(path, "/") && match(spelled(r, path+"/"))
	})
}

func (u *rules) all(r *http.Request, match func(*http.Request) bool) bool {
	fits := spelling.All(r.URL.EscapedPath(), func(path string) bool {
		return path == r.URL.Path || match(spelled(r, path))
	})
	return fits && !slices.ContainsFunc(overridden(r), func(form *http.Request) bool { return !match(form) })
}

// spelled is the request with another path, for matchers to look at.
func spelled(r *http.Request, path string) *http.Request {
	form, target := *r, *r.URL
	target.Path, target.RawPath = path, ""
	form.URL = &target
	return &form
}

// overridden is the request with each other method that an app may take it for, as
// far as its address says.
func overridden(r *http.Request) (forms []*http.Request) {
	for _, method := range spelling.Methods(r.Method, r.URL.RawQuery) {
		forms = append(forms, withMethod(r, method))
	}
	if r.Method == http.MethodConnect {
		forms = append(forms, asHandshake(r))
	}
	return forms
}

// asHandshake is a CONNECT as the app receives it: Caddy's proxy makes a WebSocket's
// handshake of HTTP/1.1 of the one of HTTP/2 and HTTP/3 (RFC 8441, RFC 9220).
func asHandshake(r *http.Request) *http.Request {
	form := withMethod(r, http.MethodGet)
	form.Header = r.Header.Clone()
	form.Header.Set("Connection", "Upgrade")
	form.Header.Set("Upgrade", "websocket")
	return form
}

// posted is a form as the other requests that an app may take it for, when the
// form asks for it in a body that is not the gate's to read.
func posted(r *http.Request) (forms []*http.Request) {
	if !strings.EqualFold(r.Method, http.MethodPost) || r.ContentLength == 0 || !mayBeForm(r.Header["Content-Type"]) {
		return nil
	}
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete} {
		forms = append(forms, withMethod(r, method))
	}
	return forms
}

// mayBeForm reports whether some app reads a body of these types as a form.
// Apps differ in where a type ends, which of several they take, and what a body
// without one is.
func mayBeForm(types []string) bool {
	return len(types) == 0 || slices.ContainsFunc(types, func(line string) bool {
		line = strings.ToLower(line)
		return strings.TrimSpace(line) == "" || strings.Contains(line, "application/x-www-form-urlencoded") || strings.Contains(line, "multipart/") || strings.Contains(line, "json")
	})
}

func withMethod(r *http.Request, method string) *http.Request {
	form := *r
	form.Method = method
	return &form
}
