// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

func init() {
	caddy.RegisterModule(Matcher{})
}

// Matcher matches requests by whom a gate before it has let through. All
// conditions that are set must hold. Without a gate in front of it, or where a
// gate let a request through without knowing of whom it is, it matches nothing;
// what a visitor sends counts for nothing.
//
// It cannot be used in the rules of a gate, which come before anybody is known.
type Matcher struct {
	// Groups, one of which the person must be in, as the app is told them.
	// Default: not looked at.
	Group []string `json:"group,omitempty"`

	// Addresses and `*@domain`, one of which must be the person's. Default: not
	// looked at.
	Address []string `json:"address,omitempty"`

	// Countries, from one of which the request must come, as ISO 3166-1 codes.
	// It needs `geoip` at the gate. Default: not looked at.
	Country []string `json:"country,omitempty"`

	// How old the last code may be, 1s to 90d. A session that a remembered
	// browser has renewed, or that a way of recovery began, is never fresh. Default: not looked at.
	Fresh caddy.Duration `json:"fresh,omitempty"`

	// Whether there must be a session that began with a code, and not only an
	// earlier step's word. Default: false.
	Verified bool `json:"verified,omitempty"`

	exact   map[challenge.Email]struct{}
	domains map[string]struct{}
}

// CaddyModule names the module.
func (Matcher) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.matchers.doorcode",
		New: func() caddy.Module { return new(Matcher) },
	}
}

// Provision checks the conditions and makes them ready.
func (m *Matcher) Provision(caddy.Context) error {
	if err := errors.Join(m.check(), m.complete()); err != nil {
		return err
	}
	m.exact, m.domains = map[challenge.Email]struct{}{}, map[string]struct{}{}
	for _, entry := range m.Address {
		domain, wide := strings.CutPrefix(entry, "*@")
		if wide {
			entry = "a@" + domain
		}
		address, err := challenge.ParseEmail(entry)
		if err != nil {
			return fmt.Errorf("address '%s': %w", entry, err)
		}
		if wide {
			m.domains[address.Domain()] = struct{}{}
		} else {
			m.exact[address] = struct{}{}
		}
	}
	return nil
}

func (m *Matcher) check() error {
	for _, name := range m.Group {
		if name == "" {
			return errors.New("'group' is empty")
		}
	}
	for _, entry := range m.Address {
		if err := checkMember("address", entry); err != nil {
			return err
		}
	}
	return errors.Join(
		checkCountryCodes("country", m.Country),
		between("fresh", m.Fresh, time.Second, 90*day),
	)
}

// complete refuses a matcher that every admitted request would meet.
func (m *Matcher) complete() error {
	if len(m.Group)+len(m.Address)+len(m.Country) == 0 && m.Fresh == 0 && !m.Verified {
		return errors.New("the matcher 'doorcode' needs a condition: " + either(conditions.words()))
	}
	return nil
}

// Match is MatchWithError, for callers that know no other.
func (m *Matcher) Match(r *http.Request) bool {
	match, _ := m.MatchWithError(r)
	return match
}

// MatchWithError reports whether the conditions hold. It never fails.
func (m *Matcher) MatchWithError(r *http.Request) (bool, error) {
	who, ok := caddyhttp.GetVar(r.Context(), toldVar).(*told)
	if !ok {
		return false, nil
	}
	return m.meets(who.admission, time.Now()) && m.isFrom(who.place), nil
}

func (m *Matcher) meets(a *challenge.Admission, now time.Time) bool {
	in := func(group string) bool { return slices.Contains(a.Identity.Groups, group) }
	if len(m.Group) > 0 && !slices.ContainsFunc(m.Group, in) || len(m.Address) > 0 && !m.covers(a.Identity.Email) {
		return false
	}
	coded, session := a.Proved()
	if m.Verified && !session {
		return false
	}
	facts := risk.Facts{Page: risk.Page{MaxAge: time.Duration(m.Fresh)}, Coded: coded, Renewed: !session}
	return risk.Fresh(&facts, now)
}

func (m *Matcher) covers(e challenge.Email) bool {
	if _, ok := m.exact[e]; ok {
		return true
	}
	_, ok := m.domains[e.Domain()]
	return ok
}

func (m *Matcher) isFrom(here *toldPlace) bool {
	if len(m.Country) == 0 {
		return true
	}
	if here == nil {
		return false
	}
	country, _ := here.country.(string)
	return country != "" && slices.Contains(m.Country, country)
}

// toldVar is what a gate tells matchers behind it, as a variable of the request. A
// visitor cannot set it, and a value of another type, as from the vars directive, counts
// for nothing.
const toldVar = "doorcode.admitted"

// refuseCircular refuses rules of a gate that go by whom the gate lets through:
// they would never match, which leaves open what they seem to guard.
func refuseCircular(word string, sets caddyhttp.RawMatcherSets) error {
	for _, set := range sets {
		if goesByGate(set) {
			return fmt.Errorf("'%s' cannot go by the matcher 'doorcode', which knows nobody before the gate has let them through; use that matcher behind the gate, as in 'handle @staff { … }'", word)
		}
	}
	return nil
}

func goesByGate(set caddy.ModuleMap) bool {
	for name, raw := range set {
		var inner []caddy.ModuleMap
		if name == "doorcode" || name == "not" && json.Unmarshal(raw, &inner) == nil && slices.ContainsFunc(inner, goesByGate) {
			return true
		}
	}
	return false
}

var (
	_ caddy.Provisioner                 = (*Matcher)(nil)
	_ caddyhttp.RequestMatcherWithError = (*Matcher)(nil)
)
