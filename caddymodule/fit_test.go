// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// What settings mean can depend on each other, and on the global option. The
// error stands at the setting if the site wrote it, else at the directive.
func TestSettingsThatDoNotFitTogetherAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, global, site, want string }{
		{"countries without databases", "", "reveal\ncountries PT", "countries needs geoip: add 'geoip <mmdb-file...>' to the doorcode directive or to the global doorcode option, at Caddyfile:"},
		{"distances without databases", "", "location {\ndistance 300km\n}", "location needs geoip"},
		{"places without databases", "", "challenge new_browser new_place", "challenge new_place needs geoip"},
		{"travel without databases", "", "challenge new_browser travel", "challenge travel needs geoip"},
		{"places that are only observed, without databases", "", "observe travel", "observe travel needs geoip"},
		{"requiring keys of several hosts at once", "single_sign_on example.com", "session {\ndevice_bound required\n}", "device_bound required needs sessions of one host each"},
		{"requiring keys without https", "", "cookie {\ninsecure\n}\nsession {\ndevice_bound required\n}", "device_bound required needs https"},
		{"requiring keys", "", "session {\ndevice_bound required\n}", ""},
		{"sessions bound to a place without databases", "", "session {\nbind place\n}", "bind place needs geoip"},
		{"sessions bound to a network without databases", "", "session {\nbind network\n}", ""},
		{"networks without databases", "", "challenge new_browser new_network\nnetworks office 203.0.113.0/24", ""},
		{"databases of the site, after what needs them", "", "countries PT\nlocation {\ndistance 300km\n}\nchallenge new_browser travel\nsession {\nbind place\n}\ngeoip /g.mmdb", ""},
		{"databases of all sites", "geoip /g.mmdb", "countries PT", ""},
		{"databases of the site for what all sites have", "countries PT", "geoip /g.mmdb", ""},
		{"countries of all sites without databases", "countries PT", "reveal", "countries needs geoip"},

		{"accepting passkeys that nobody has", "", "accept passkey", "accept passkey needs passkeys: add 'passkeys on', at Caddyfile:"},
		{"accepting passkeys that one site has switched off", "passkeys on", "passkeys off\naccept code passkey", "accept passkey needs passkeys"},
		{"accepting passkeys that all sites have", "passkeys on", "accept passkey", ""},
		{"accepting codes alone beside passkeys", "", "passkeys on\naccept code", ""},
		{"accepting passkeys alone where nobody is asked", "", "identity {http.auth.user.id}\nchallenge never\npasskeys on\naccept passkey", "accept passkey needs a check that everybody meets: 'challenge' with new_browser or always"},
		{"accepting passkeys alone where an earlier step's word opens", "", "identity {http.auth.user.id}\nchallenge new_network\npasskeys on\naccept passkey", "accept passkey needs a check that everybody meets"},
		{"accepting passkeys alone where the check is only observed", "", "identity {http.auth.user.id}\nobserve new_browser\npasskeys on\naccept passkey", "accept passkey needs a check that everybody meets"},
		{"accepting passkeys alone behind an earlier step", "", "identity {http.auth.user.id}\npasskeys on\naccept passkey", ""},
		{"accepting passkeys alone where all is only observed", "", "observe all\npasskeys on\naccept passkey", ""},
		{"accepting passkeys alone beside tokens", "tokens on", "passkeys on\naccept passkey", "no access token opens what only passkeys do: write 'tokens off'"},
		{"accepting passkeys alone, and no tokens in the one site", "tokens on", "passkeys on\naccept passkey\ntokens off", ""},

		{"never asking those who type an address", "", "challenge never", "with identity ask the code is the only proof of who somebody is, so 'challenge never' would let everybody in; it is for an identity from an earlier step"},
		{"asking by place alone those who type an address", "geoip /g.mmdb", "challenge new_place travel", "with identity ask the code is the only proof of who somebody is, so 'challenge' needs new_browser or always"},
		{"asking by network alone those who type an address", "", "challenge new_network", "'challenge' needs new_browser or always"},
		{"always asking those who type an address", "", "challenge always", ""},
		{"always asking, and by place", "geoip /g.mmdb", "challenge always new_place", ""},
		{"never asking those whom an earlier step knows", "", "identity {http.auth.user.id}\nchallenge never", ""},
		{"asking by place those whom an earlier step knows", "geoip /g.mmdb", "identity {http.auth.user.id}\nchallenge new_place", ""},
		{"never asking, as all sites say", "challenge never", "identity ask", "'challenge never' would let everybody in"},
		{"never asking, for the earlier step of all sites", "identity {http.auth.user.id}", "challenge never", ""},
		{"never asking in the one site without an earlier step", "identity {http.auth.user.id}\nchallenge never", "identity ask", "'challenge never' would let everybody in"},

		{"only observing those who type an address", "", "observe new_browser", "'observe new_browser' would let everybody in; write 'observe all' if that is meant"},
		{"only observing what always asks", "", "challenge always\nobserve always", "'observe always' would let everybody in"},
		{"only observing both that prove something", "", "challenge new_browser always\nobserve always new_browser", "'observe always' would let everybody in"},
		{"only observing one of two that prove something", "", "challenge new_browser always\nobserve always", ""},
		{"observing new browsers, as all sites say", "observe new_browser", "reveal", "'observe new_browser' would let everybody in"},
		{"observing what asks nobody", "", "observe new_network always", ""},
		{"observing all", "", "observe all", ""},
		{"observing those whom an earlier step knows", "", "identity {http.auth.user.id}\nobserve new_browser", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := adapt(global(tt.global) + site(tt.site))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("adapting = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAMisfitHasTheLineOfItsSetting(t *testing.T) {
	refuses(t, site("reveal", "session {", "idle 2h", "bind place", "}", "plus"), "or write 'bind network', at Caddyfile:4")
	refuses(t, "{\n\tdoorcode {\n\t\tobserve new_browser\n\t}\n}\napp.example.com {\n\tdoorcode {\n\t\treveal\n\t}\n}\n", "if that is meant, at Caddyfile:7")
	refuses(t, "(places) {\n\tcountries PT\n}\n\napp.example.com {\n\tdoorcode {\n\t\timport places\n\t}\n}\n", ", at Caddyfile:2 import chain ['Caddyfile:7 (import places)']")
}

// A session is bound to a place where places are known and asked about.
func TestWhatASessionIsBoundToUnlessSaid(t *testing.T) {
	for _, tt := range []struct{ lines, want string }{
		{"reveal", "none"},
		{"geoip /g.mmdb", "place"},
		{"geoip /g.mmdb\nchallenge new_browser travel", "place"},
		{"geoip /g.mmdb\nchallenge new_browser new_network", "none"},
		{"geoip /g.mmdb\nsession {\nbind none\n}", "none"},
		{"geoip /g.mmdb\nchallenge new_browser\nsession {\nbind place\n}", "place"},
		{"session {\nbind network\n}", "network"},
	} {
		t.Run(tt.lines, func(t *testing.T) {
			s := caddymodule.WithDefaults(siteSettings(t, tt.lines))
			if s.Session.Bind != tt.want {
				t.Errorf("bind = %q, want %q", s.Session.Bind, tt.want)
			}
			if again := caddymodule.WithDefaults(s); again.Session.Bind != tt.want {
				t.Errorf("bind of a second time = %q, want %q", again.Session.Bind, tt.want)
			}
		})
	}
}

func TestNetworksAreReadAsVisitorsAreSeen(t *testing.T) {
	for text, want := range map[string]string{
		"203.0.113.77/24":         "203.0.113.0/24",
		"203.0.113.7":             "203.0.113.7/32",
		"2001:DB8:1:2:3::/48":     "2001:db8:1::/48",
		"2001:db8::1":             "2001:db8::1/128",
		"::ffff:203.0.113.77":     "203.0.113.77/32",
		"::ffff:203.0.113.77/120": "203.0.113.0/24",
	} {
		if got, err := caddymodule.ParseNetwork(text); err != nil || got.String() != want {
			t.Errorf("ParseNetwork(%q) = %v, %v, want %s", text, got, err, want)
		}
	}
}

// No choice of words may let somebody in who only typed an address, unless the
// operator wrote "observe all".
func TestATypedAddressIsAlwaysProven(t *testing.T) {
	asking := []string{"new_browser", "new_place", "new_network", "travel", "always", "never"}
	observed := []string{"new_browser", "new_place", "new_network", "travel", "always", "all"}
	rapid.Check(t, func(t *rapid.T) {
		var s caddymodule.Settings
		s.GeoIP.Files = []string{"/g.mmdb"}
		s.Challenge = rapid.SliceOfNDistinct(rapid.SampledFrom(asking), 0, 4, rapid.ID).Draw(t, "challenge")
		s.Observe = rapid.SliceOfNDistinct(rapid.SampledFrom(observed), 0, 4, rapid.ID).Draw(t, "observe")
		accepted := caddymodule.Check(&s) == nil && caddymodule.RequireFit(s) == nil
		full := caddymodule.WithDefaults(s)
		proven := false
		for _, reason := range full.Challenge {
			proves := reason == "new_browser" || reason == "always"
			for _, o := range full.Observe {
				proves = proves && o != reason
			}
			proven = proven || proves
		}
		everybody := len(s.Observe) == 1 && s.Observe[0] == "all"
		if accepted && !proven && !everybody {
			t.Errorf("challenge %v with observe %v lets in whoever types an address", s.Challenge, s.Observe)
		}
	})
}
