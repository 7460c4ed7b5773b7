// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(Handler{})
	caddy.RegisterModule(App{})
}

// Handler guards what comes after it: whoever is not signed in is asked for a
// code that is mailed to an address on the allow list.
//
// Settings that are missing here are taken from the `doorcode` app, so that
// sites share them. A site's value replaces the app's, its addresses replace
// the app's `allow`; its `deny`, `group` and `networks` are added to the app's.
//
// It sets the placeholders `{http.auth.user.id}` (unless an earlier step did),
// `{http.auth.user.email}`, `{http.auth.user.groups}` and `{http.doorcode.*}`.
type Handler struct {
	// The settings of this site.
	Settings

	// Which requests are guarded. A request is also guarded if another spelling
	// of its path matches, so that no disguise gets past the gate. Default: all
	// requests.
	MatchRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	// Which requests need no sign-in at all. A path pattern may not start with
	// `*`. Default: none.
	PublicRaw caddyhttp.RawMatcherSets `json:"public,omitempty" caddy:"namespace=http.matchers"`

	// What requests get instead of a page when a check is needed; the first
	// that matches counts. Default: chosen by the kind of request.
	Answer []Answer `json:"answer,omitempty"`

	// Which requests need a fresh code. They are found in other spellings of
	// their paths too. Default: none.
	Sensitive []Sensitive `json:"sensitive,omitempty"`

	// Which status the check page has, for app web views that show an error of
	// their own on 401; the first that matches counts. Default: 401 for all.
	PageStatus []PageStatus `json:"page_status,omitempty"`

	entrance *entrance
}

// CaddyModule names the module.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.doorcode",
		New: func() caddy.Module { return new(Handler) },
	}
}

// An Answer is what some requests get instead of the check page.
type Answer struct {
	// What is answered: `json` (401 with a problem document), `401`, `403`, or
	// `503` with Retry-After, for clients that read 401 as "wrong password".
	// Required, no default.
	As string `json:"as,omitempty"`

	// Which requests get it. Required, no default.
	MatchRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`
}

// A Sensitive rule asks for a fresh code.
type Sensitive struct {
	// How old the last code may be, 1m to 24h. A value that is set is strict.
	// Default: 30m, which each use extends by as much again, up to 4h after the
	// code.
	MaxAge caddy.Duration `json:"max_age,omitempty"`

	// Which requests need the code. Required, no default.
	MatchRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`
}

// A PageStatus is the status of the check page for some requests.
type PageStatus struct {
	// The status: 200, 401 or 403. Required, no default.
	Status int `json:"status,omitempty"`

	// Which requests get it. Required, no default.
	MatchRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`
}

// App holds what all sites share: the settings of the `doorcode` global option.
type App struct {
	// The settings that sites have where they do not set their own.
	Settings

	building *building
}

// CaddyModule names the module.
func (App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "doorcode",
		New: func() caddy.Module { return new(App) },
	}
}

var (
	answers      = []string{"json", "401", "403", "503"}
	pageStatuses = []string{"200", "401", "403"}
)

// check refuses what the handler alone can get wrong. It must run before the
// matchers are loaded, because loading clears the raw sets.
func (h *Handler) check() error {
	if err := errors.Join(checkPublic(h.PublicRaw), refuseCircular("public", h.PublicRaw), refuseCircular("doorcode", h.MatchRaw)); err != nil {
		return err
	}
	for _, a := range h.Answer {
		if err := checkRule("answer", a.MatchRaw, oneOf("answer", a.As, answers)); err != nil {
			return err
		}
	}
	for _, s := range h.Sensitive {
		if err := checkRule("sensitive", s.MatchRaw, between("sensitive", s.MaxAge, time.Minute, day)); err != nil {
			return err
		}
	}
	for _, p := range h.PageStatus {
		if err := checkRule("page_status", p.MatchRaw, oneOf("page_status", strconv.Itoa(p.Status), pageStatuses)); err != nil {
			return err
		}
	}
	return h.Settings.check()
}

// checkRule refuses a rule whose value is at fault, or that covers nothing.
func checkRule(word string, sets caddyhttp.RawMatcherSets, fault error) error {
	if fault == nil && len(sets) == 0 {
		return fmt.Errorf("'%s' needs a matcher that says which requests it is about", word)
	}
	if fault != nil {
		return fault
	}
	return refuseCircular(word, sets)
}

// checkPublic refuses rules that open more than they seem to: a pattern such as
// *.css is met by /admin/x.css and by whatever an app makes of /admin/;x.css.
func checkPublic(sets caddyhttp.RawMatcherSets) error {
	for _, set := range sets {
		if len(set) == 0 {
			return errors.New("'public' without a matcher would open the whole site; leave doorcode out instead")
		}
		patterns, err := pathPatterns(set)
		if err != nil {
			return err
		}
		for _, pattern := range patterns {
			if pattern != "" && pattern[0] == '*' {
				return publicWildcard(pattern)
			}
		}
	}
	return nil
}

func publicWildcard(pattern string) error {
	return fmt.Errorf("'public' takes no pattern that starts with '*', got '%s'; start it with '/', such as /assets/*", pattern)
}
