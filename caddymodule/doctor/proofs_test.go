// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
)

// proving changes the one site of a house.
func proving(change func(s *doctor.Site)) func(*house) {
	return func(h *house) { change(&h.Sites[0]) }
}

// onlyPasskeys is a site that nothing else opens, and what is known of its people.
func onlyPasskeys(known *doctor.Known) func(*house) {
	return proving(func(s *doctor.Site) { s.Passkeys, s.Known = doctor.Passkeys{On: true, Only: true}, known })
}

// keysWanted is a site that keeps out browsers without a key, and what is known of those.
func keysWanted(known *doctor.Known) func(*house) {
	return proving(func(s *doctor.Site) { s.KeyRequired, s.Known = true, known })
}

// alone has nobody asked.
func alone(change func(*house)) func(*house) {
	return func(h *house) {
		change(h)
		h.Running, h.NotRunning = nil, "start it"
	}
}

// untrusted has browsers warn of the site's certificate.
func untrusted(change func(*house)) func(*house) {
	return func(h *house) {
		change(h)
		h.Roots = nil
	}
}

// listing has the lists name more than addresses.
func listing(people doctor.People, change func(*house)) func(*house) {
	return func(h *house) {
		change(h)
		h.Sites[0].People = people
	}
}

// athome has people reach the site at this machine itself, whose certificate only a browser
// may know.
func athome(change func(*house)) func(*house) {
	return untrusted(func(h *house) {
		change(h)
		h.URLs, h.Sites[0].Hosts = []string{strings.Replace(h.origin(), "example.com", "127.0.0.1", 1)}, []string{"127.0.0.1"}
	})
}

func TestWhoIsKeptOutForWantOfAPasskeyOrKey(t *testing.T) {
	offered := proving(func(s *doctor.Site) { s.Passkeys.On = true })
	severalHosts := proving(func(s *doctor.Site) {
		s.Passkeys.On, s.SingleSignOn, s.Hosts = true, "", []string{"a.example.com", "b.example.com", "a.example.com"}
	})
	several := "if all of them are yours; passkeys that were made before are made anew then"
	wide := doctor.People{Domains: []string{"example.org"}}
	one := proving(func(s *doctor.Site) { s.Passkeys.On, s.SingleSignOn = true, "" })
	for name, test := range map[string]struct {
		breaks func(h *house)
		want   wants
	}{
		"no site has passkeys":                {func(*house) {}, wants{"passkeys", doctor.OK, "no site has passkeys", ""}},
		"they are for the shared domain":      {offered, wants{"passkeys", doctor.OK, "passkeys are for example.com", ""}},
		"they are for the one host":           {one, wants{"passkeys", doctor.OK, "passkeys are for example.com", ""}},
		"they are for each of several hosts":  {severalHosts, wants{"passkeys", doctor.Warn, "this site has 2", "write 'single_sign_on'"}},
		"and browsers must have keys":         {func(h *house) { severalHosts(h); h.Sites[0].KeyRequired = true }, wants{"passkeys", doctor.Warn, "this site has 2", several + "; that rules out 'device_bound required'"}},
		"they are on and not accepted":        {proving(func(s *doctor.Site) { s.Passkeys.Idle = true }), wants{"passkeys", doctor.Warn, "does nothing beside 'accept code'", "'accept code passkey'"}},
		"browsers warn of the certificate":    {untrusted(offered), wants{"passkeys", doctor.Warn, "unknown authority", "see what 'https' says"}},
		"and nothing else opens the site":     {untrusted(onlyPasskeys(&doctor.Known{})), wants{"passkeys", doctor.Fail, "unknown authority", "nobody can get in"}},
		"and the site is this machine's":      {athome(onlyPasskeys(&doctor.Known{})), wants{"passkeys", doctor.Warn, "unknown authority", "see what 'https' says"}},
		"with a certificate of before":        {func(h *house) { athome(onlyPasskeys(&doctor.Known{}))(h); h.Now = at(100 * 365 * 24 * time.Hour) }, wants{"passkeys", doctor.Fail, "expired", "nobody can get in"}},
		"a domain is listed beside":           {listing(wide, onlyPasskeys(&doctor.Known{Listed: 1, People: 1, Keyed: 1})), wants{"passkeys", doctor.Skip, "only addresses that the lists name one by one were looked at; *@example.org was not", "'caddy doorcode passkeys list'"}},
		"an earlier step names everybody":     {func(h *house) { listing(doctor.People{}, onlyPasskeys(&doctor.Known{}))(h); h.Sites[0].Earlier = true }, wants{"passkeys", doctor.Skip, "whoever an earlier step names was not", "'caddy doorcode passkeys list'"}},
		"not all addresses were asked about":  {onlyPasskeys(&doctor.Known{Listed: 106, People: 100, Keyed: 100}), wants{"passkeys", doctor.Skip, "only the first 100 of 106 addresses", "'caddy doorcode passkeys list'"}},
		"and of those some have none":         {onlyPasskeys(&doctor.Known{Listed: 106, People: 100, Keyed: 98}), wants{"passkeys", doctor.Warn, "2 of the first 100 of 106 addresses on its lists have none", "'.doorcode/passkeys'"}},
		"everybody has one":                   {onlyPasskeys(&doctor.Known{People: 2, Keyed: 2}), wants{"passkeys", doctor.OK, "passkeys are for example.com; nothing else opens the site, and nobody on its lists is without", ""}},
		"one of two has none":                 {onlyPasskeys(&doctor.Known{People: 2, Keyed: 1}), wants{"passkeys", doctor.Warn, "1 of 2 addresses on its lists has none that works here", "'.doorcode/passkeys'"}},
		"and has one for another name":        {onlyPasskeys(&doctor.Known{People: 3, Keyed: 1, Elsewhere: 1}), wants{"passkeys", doctor.Warn, "2 of 3 addresses on its lists have none that works here (1 has one for another name", "'accept code passkey'"}},
		"nobody was asked who has one":        {alone(onlyPasskeys(nil)), wants{"passkeys", doctor.Skip, "only a running Caddy knows", "start it"}},
		"an older Caddy was asked":            {onlyPasskeys(nil), wants{"passkeys", doctor.Skip, "does not say", "program"}},
		"no browser is kept out":              {func(*house) {}, wants{"bound", doctor.OK, "no browser is kept out", ""}},
		"every browser has a key":             {keysWanted(&doctor.Known{People: 2, Browsers: 3, Bound: 3}), wants{"bound", doctor.OK, "browsers without a key are kept out", ""}},
		"some have none":                      {keysWanted(&doctor.Known{People: 2, Browsers: 3, Bound: 1}), wants{"bound", doctor.Warn, "2 of 3 remembered browsers of the people on its lists have no key", "'device_bound auto'"}},
		"a domain may bring more browsers":    {listing(wide, keysWanted(&doctor.Known{Listed: 1, People: 1, Browsers: 1, Bound: 1})), wants{"bound", doctor.Skip, "only addresses that the lists name one by one were looked at; *@example.org was not", "'caddy doorcode browsers list'"}},
		"everybody may":                       {listing(doctor.People{Everybody: true, Domains: []string{"a.org", "b.org", "c.org"}}, keysWanted(&doctor.Known{})), wants{"bound", doctor.Skip, "; *, *@a.org, *@b.org, 1 more were not", "(BOUND)"}},
		"some have none beside a domain":      {listing(wide, keysWanted(&doctor.Known{Listed: 2, People: 2, Browsers: 3, Bound: 1})), wants{"bound", doctor.Warn, "unless it makes one; only addresses that the lists name one by one were looked at; *@example.org was not", "'device_bound auto'"}},
		"a list is longer than what is asked": {keysWanted(&doctor.Known{Listed: 106, People: 100, Browsers: 100, Bound: 100}), wants{"bound", doctor.Skip, "only the first 100 of 106 addresses", "'caddy doorcode browsers list'"}},
		"and some have no key":                {keysWanted(&doctor.Known{Listed: 106, People: 100, Browsers: 100, Bound: 99}), wants{"bound", doctor.Warn, "1 of 100 remembered browsers of the first 100 of 106 addresses on its lists has no key", "'device_bound auto'"}},
		"hosts share a storage":               {func(h *house) { keysWanted(&doctor.Known{Browsers: 7})(h); h.Sites = append(h.Sites, doctor.Site{}) }, wants{"bound", doctor.Warn, "(those of other hosts count too where they share its storage) have no key", "'device_bound auto'"}},
		"nobody was asked which have one":     {alone(keysWanted(nil)), wants{"bound", doctor.Skip, "only a running Caddy knows", "start it"}},
		"an older Caddy was asked about keys": {keysWanted(nil), wants{"bound", doctor.Skip, "does not say", "program"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			test.breaks(h)
			report := h.look(t, test.want.check)
			test.want.in(t, report)
			if len(report.Findings) != 1 {
				t.Errorf("findings %+v, want one", report.Findings)
			}
		})
	}
}
