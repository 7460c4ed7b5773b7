// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"

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
// the app's `allow`; its `deny` and `group` are added to the app's.
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

var answers = []string{"json", "401", "403", "503"}

// check refuses what the handler alone can get wrong. It must run before the
// matchers are loaded, because loading clears the raw sets.
func (h *Handler) check() error {
	if err := checkPublic(h.PublicRaw); err != nil {
		return err
	}
	for _, a := range h.Answer {
		if err := oneOf("answer", a.As, answers); err != nil {
			return err
		}
		if len(a.MatchRaw) == 0 {
			return errors.New("'answer' needs a matcher that says which requests get it")
		}
	}
	return h.Settings.check()
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
