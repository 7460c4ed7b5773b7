// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// policy says in the domain's words what the settings demand.
func (e *entrance) policy() (challenge.Policy, error) {
	s := e.settings
	limits, err := s.Limits.policy()
	if err != nil {
		return challenge.Policy{}, err
	}
	alphabet := challenge.Digits
	if s.Code.Alphabet == "letters" {
		alphabet = challenge.Letters
	}
	onFailure := challenge.DenyAll
	if s.OnStoreFailure == "allow_known_browsers" {
		onFailure = challenge.AllowKnownBrowsers
	}
	return challenge.Policy{
		Code: challenge.CodePolicy{
			Form: challenge.Form{Length: s.Code.Length, Alphabet: alphabet}, TTL: time.Duration(s.Code.TTL),
			Attempts: s.Code.Attempts, Resend: time.Duration(s.Code.Resend.Wait), Mails: s.Code.Resend.Max,
		},
		Limits: limits,
		Session: challenge.SessionPolicy{
			Lifetime: time.Duration(s.Session.Lifetime), Idle: time.Duration(*s.Session.Idle), Max: s.Session.Max,
			DeviceBound: s.deviceBound(),
		},
		Devices: challenge.DevicePolicy{
			Choice: challenge.Choice(s.Remember.Choice), Idle: time.Duration(s.Remember.Idle),
			Most: time.Duration(s.Remember.Most), Max: s.Remember.Max,
		},
		Ways: s.Ways.policy(), Accept: s.Ways.accepts(), Audit: s.Audit.policy(),
		Risk: e.judging(), Never: slices.Contains(s.Challenge, string(risk.Never)),
		Countries: challenge.Countries{Allow: s.Countries.Allow, Deny: s.Countries.Deny},
		Reveal:    *s.Reveal, OnStoreFailure: onFailure,
	}, nil
}

// deviceBound is off where one session serves several hosts, since a key is of one.
func (s Settings) deviceBound() challenge.DeviceBound {
	if s.SingleSignOn != "" {
		return challenge.BoundOff
	}
	return challenge.DeviceBound(s.Session.DeviceBound)
}

func (l Limits) policy() (p challenge.Limits, err error) {
	for _, one := range []struct {
		from []Rate
		to   *[]challenge.Rate
	}{
		{l.SendAddress, &p.SendAddress},
		{l.SendIP, &p.SendIP},
		{l.SendTotal, &p.SendTotal},
		{l.TryAddress, &p.TryAddress},
		{l.TryIP, &p.TryIP},
	} {
		for _, rate := range one.from {
			n, per, err := rate.split()
			if err != nil {
				return challenge.Limits{}, err
			}
			*one.to = append(*one.to, challenge.Rate{N: n, Per: per})
		}
	}
	p.Lockout = time.Duration(l.Lockout)
	return p, nil
}
