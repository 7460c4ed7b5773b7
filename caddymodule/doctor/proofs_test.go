// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"testing"

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

func TestWhoIsKeptOutForWantOfAPasskeyOrKey(t *testing.T) {
	offered := proving(func(s *doctor.Site) { s.Passkeys.On = true })
	severalHosts := proving(func(s *doctor.Site) {
		s.Passkeys.On, s.SingleSignOn, s.Hosts = true, "", []string{"a.example.com", "b.example.com", "a.example.com"}
	})
	one := proving(func(s *doctor.Site) { s.Passkeys.On, s.SingleSignOn = true, "" })
	for name, test := range map[string]struct {
		breaks func(h *house)
		want   wants
	}{
		"no site has passkeys":                {func(*house) {}, wants{"passkeys", doctor.OK, "no site has passkeys", ""}},
		"they are for the shared domain":      {offered, wants{"passkeys", doctor.OK, "passkeys are for example.com", ""}},
		"they are for the one host":           {one, wants{"passkeys", doctor.OK, "passkeys are for example.com", ""}},
		"they are for each of several hosts":  {severalHosts, wants{"passkeys", doctor.Warn, "this site has 2", "write 'single_sign_on'"}},
		"they are on and not accepted":        {proving(func(s *doctor.Site) { s.Passkeys.Idle = true }), wants{"passkeys", doctor.Warn, "does nothing beside 'accept code'", "'accept code passkey'"}},
		"browsers warn of the certificate":    {untrusted(offered), wants{"passkeys", doctor.Warn, "unknown authority", "see what 'https' says"}},
		"and nothing else opens the site":     {untrusted(onlyPasskeys(&doctor.Known{})), wants{"passkeys", doctor.Fail, "unknown authority", "nobody can get in"}},
		"nobody is named who must have one":   {onlyPasskeys(&doctor.Known{}), wants{"passkeys", doctor.OK, "whoever has none makes one after a code", ""}},
		"everybody has one":                   {onlyPasskeys(&doctor.Known{People: 2, Keyed: 2}), wants{"passkeys", doctor.OK, "passkeys are for example.com", ""}},
		"one of two has none":                 {onlyPasskeys(&doctor.Known{People: 2, Keyed: 1}), wants{"passkeys", doctor.Warn, "1 of 2 addresses on its lists has none that works here", "'.doorcode/passkeys'"}},
		"and has one for another name":        {onlyPasskeys(&doctor.Known{People: 3, Keyed: 1, Elsewhere: 1}), wants{"passkeys", doctor.Warn, "2 of 3 addresses on its lists have none that works here (1 has one for another name", "'accept code passkey'"}},
		"nobody was asked who has one":        {alone(onlyPasskeys(nil)), wants{"passkeys", doctor.Skip, "only a running Caddy knows", "start it"}},
		"an older Caddy was asked":            {onlyPasskeys(nil), wants{"passkeys", doctor.Skip, "does not say", "program"}},
		"no browser is kept out":              {func(*house) {}, wants{"bound", doctor.OK, "no browser is kept out", ""}},
		"every browser has a key":             {keysWanted(&doctor.Known{People: 2, Browsers: 3, Bound: 3}), wants{"bound", doctor.OK, "browsers without a key are kept out", ""}},
		"some have none":                      {keysWanted(&doctor.Known{People: 2, Browsers: 3, Bound: 1}), wants{"bound", doctor.Warn, "2 of 3 remembered browsers of the people on its lists have no key", "'device_bound auto'"}},
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
