// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"fmt"
	"slices"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// A misfit is a setting that the others rule out.
type misfit struct {
	word string // by which the Caddyfile's line is found
	text string
}

func (m misfit) Error() string { return m.text }

// requireFit refuses settings that mean nothing, or something else than they
// say, beside the others of a site. It takes what site and app say together,
// without defaults: what nobody wrote is nobody's mistake.
func requireFit(s Settings) error {
	if len(s.GeoIP.Files) == 0 {
		if err := s.refusePlaces(); err != nil {
			return err
		}
	}
	if err := s.refuseUnshared(); err != nil {
		return err
	}
	if err := s.refuseUnspoken(); err != nil {
		return err
	}
	if err := s.refuseKeyless(); err != nil {
		return err
	}
	if err := s.refuseUnacceptable(); err != nil {
		return err
	}
	if s.Identity.asks() {
		return s.refuseUnproven()
	}
	return nil
}

// refuseUnspoken refuses languages that nobody has texts in. A folder of templates may
// bring its own, and is not read for this.
func (s Settings) refuseUnspoken() error {
	if s.Pages.Templates != "" {
		return nil
	}
	if _, err := s.Pages.speak(words.Standard()); err != nil {
		return misfit{"pages", err.Error()}
	}
	return nil
}

// refuseKeyless refuses to want keys where no browser is asked for one: nobody would stay
// in for longer than a minute.
func (s Settings) refuseKeyless() error {
	switch {
	case s.Session.DeviceBound != "required":
		return nil
	case s.SingleSignOn != "":
		return misfit{"session", "device_bound required needs sessions of one host each: a key is of one host; drop 'single_sign_on', or write 'device_bound auto'"}
	case s.Cookie.Insecure != nil && *s.Cookie.Insecure:
		return misfit{"session", "device_bound required needs https: drop 'insecure' from the cookie block, or write 'device_bound auto'"}
	}
	return nil
}

// refuseUnacceptable refuses to accept what nobody can have, and what means something
// else than it says where passkeys alone are accepted.
func (s Settings) refuseUnacceptable() error {
	switch {
	case !slices.Contains(s.Accept, "passkey"):
		return nil
	case s.Passkeys == nil || !*s.Passkeys:
		return misfit{"accept", "accept passkey needs passkeys: add 'passkeys on'"}
	case s.accepts() != challenge.AcceptPasskey:
		return nil
	case !s.asksEverybody():
		return misfit{"accept", "accept passkey needs a check that everybody meets: 'challenge' with new_browser or always, and that not under 'observe'; else an earlier step's word alone opens the app"}
	case s.Tokens != nil && *s.Tokens:
		return misfit{"accept", "no access token opens what only passkeys do: write 'tokens off' beside 'accept passkey'"}
	}
	return nil
}

// asksEverybody reports whether somebody who is not known is asked to prove who they
// are, whatever an earlier step says.
func (s Settings) asksEverybody() bool {
	asked := s.Challenge
	if len(asked) == 0 {
		asked = usualReasons
	}
	return slices.ContainsFunc(asked, func(reason string) bool { return aboutProof(reason) && !slices.Contains(s.Observe, reason) })
}

const addGeoIP = "add 'geoip <mmdb-file...>' to the doorcode directive or to the global doorcode option"

// refusePlaces refuses what only a database of places gives a meaning to.
func (s Settings) refusePlaces() error {
	if len(s.Countries.Allow)+len(s.Countries.Deny) > 0 {
		return misfit{"countries", "countries needs geoip: " + addGeoIP}
	}
	if s.Location != (Location{}) {
		return misfit{"location", "location needs geoip: " + addGeoIP}
	}
	for _, list := range []struct {
		word    string
		reasons []string
	}{{"challenge", s.Challenge}, {"observe", s.Observe}} {
		if i := slices.IndexFunc(list.reasons, aboutPlaces); i >= 0 {
			return misfit{list.word, fmt.Sprintf("%s %s needs geoip: %s", list.word, list.reasons[i], addGeoIP)}
		}
	}
	if s.Session.Bind == "place" {
		return misfit{"session", "bind place needs geoip: " + addGeoIP + ", or write 'bind network'"}
	}
	return nil
}

// aboutPlaces reports whether a reason needs to know where somebody is.
func aboutPlaces(reason string) bool { return reason == "new_place" || reason == "travel" }

// aboutProof reports whether a reason asks everybody who is not known, so that
// nobody gets in by typing somebody's address.
func aboutProof(reason string) bool { return reason == "new_browser" || reason == "always" }

// refuseUnproven refuses policies by which a typed address alone would let
// somebody in.
func (s Settings) refuseUnproven() error {
	asked := s.Challenge
	if len(asked) == 0 {
		asked = usualReasons
	}
	const why = "with identity ask the code is the only proof of who somebody is"
	if asked[0] == "never" {
		return misfit{"challenge", why + ", so 'challenge never' would let everybody in; it is for an identity from an earlier step"}
	}
	if !slices.ContainsFunc(asked, aboutProof) {
		return misfit{"challenge", why + ", so 'challenge' needs new_browser or always; a list without them is for an identity from an earlier step"}
	}
	if slices.Contains(s.Observe, "all") {
		return nil
	}
	proves := func(reason string) bool { return aboutProof(reason) && !slices.Contains(s.Observe, reason) }
	if !slices.ContainsFunc(asked, proves) {
		observed := s.Observe[slices.IndexFunc(s.Observe, aboutProof)]
		return misfit{"observe", fmt.Sprintf("%s, so 'observe %s' would let everybody in; write 'observe all' if that is meant", why, observed)}
	}
	return nil
}
