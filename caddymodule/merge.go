// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"maps"
	"slices"
)

// merged joins what the app says with what a site says. A site's value replaces
// the app's, and its addresses replace the app's allow; deny, group and
// networks add.
// Neither argument is changed, and the result shares no list with them.
func merged(global, site Settings) Settings {
	return Settings{
		Access:     site.Access.over(global.Access),
		Identity:   own(site.Identity, global.Identity),
		Checks:     site.Checks.over(global.Checks),
		Preflight:  own(site.Preflight, global.Preflight),
		Session:    site.Session.over(global.Session),
		Remember:   site.Remember.over(global.Remember),
		Code:       site.Code.over(global.Code),
		Limits:     site.Limits.over(global.Limits),
		Ways:       site.Ways.over(global.Ways),
		Handover:   site.Handover.over(global.Handover),
		Pages:      site.Pages.over(global.Pages),
		Reach:      site.Reach.over(global.Reach),
		MailRaw:    ownList(site.MailRaw, global.MailRaw),
		StorageRaw: ownList(site.StorageRaw, global.StorageRaw),
		GeoIP: GeoIP{
			Files:   ownList(site.GeoIP.Files, global.GeoIP.Files),
			Refresh: own(site.GeoIP.Refresh, global.GeoIP.Refresh),
		},
		Location: Location{
			Distance: own(site.Location.Distance, global.Location.Distance),
			Speed:    own(site.Location.Speed, global.Location.Speed),
		},
		OnStoreFailure: own(site.OnStoreFailure, global.OnStoreFailure),
		Secret:         own(site.Secret, global.Secret),
		Cookie: Cookie{
			Name:     own(site.Cookie.Name, global.Cookie.Name),
			SameSite: own(site.Cookie.SameSite, global.Cookie.SameSite),
			Insecure: own(site.Cookie.Insecure, global.Cookie.Insecure),
		},
		Keys: Keys{
			Algorithm: own(site.Keys.Algorithm, global.Keys.Algorithm),
			Rotate:    own(site.Keys.Rotate, global.Keys.Rotate),
		},
		Audit: site.Audit.over(global.Audit),
	}
}

// own is the site's value where it has one.
func own[T comparable](site, global T) T {
	var unset T
	if site == unset {
		return global
	}
	return site
}

// ownList is a copy of the site's list where it has one.
func ownList[S ~[]T, T any](site, global S) S {
	if len(site) == 0 {
		return slices.Clone(global)
	}
	return slices.Clone(site)
}

func (a Access) over(global Access) Access {
	return Access{
		Allow:      ownList(a.Allow, global.Allow),
		Deny:       slices.Concat(global.Deny, a.Deny),
		AllowFile:  own(a.AllowFile, global.AllowFile),
		Group:      joinLists(global.Group, a.Group),
		PeopleFile: own(a.PeopleFile, global.PeopleFile),
		Countries:  a.Countries.over(global.Countries),
		Plus:       own(a.Plus, global.Plus),
		Reveal:     own(a.Reveal, global.Reveal),
	}
}

// joinLists adds the members of lists that both name.
func joinLists(global, site map[string][]string) map[string][]string {
	if len(global)+len(site) == 0 {
		return nil
	}
	lists := make(map[string][]string, len(global)+len(site))
	for _, from := range []map[string][]string{global, site} {
		for name, members := range from {
			lists[name] = slices.Concat(lists[name], members)
		}
	}
	return lists
}

// over takes the site's countries as a whole: those that may pass and those that
// may not are one list written in two ways.
func (c Countries) over(global Countries) Countries {
	if len(c.Allow)+len(c.Deny) == 0 {
		c = global
	}
	return Countries{Allow: slices.Clone(c.Allow), Deny: slices.Clone(c.Deny)}
}

func (c Checks) over(global Checks) Checks {
	return Checks{
		Challenge: ownList(c.Challenge, global.Challenge),
		Observe:   ownList(c.Observe, global.Observe),
		AppShell:  own(c.AppShell, global.AppShell),
		Networks:  joinLists(global.Networks, c.Networks),
	}
}

func (s Session) over(global Session) Session {
	return Session{
		Lifetime: own(s.Lifetime, global.Lifetime),
		Idle:     own(s.Idle, global.Idle),
		Max:      own(s.Max, global.Max),
		Cache:    own(s.Cache, global.Cache),
		Bind:     own(s.Bind, global.Bind),

		DeviceBound: own(s.DeviceBound, global.DeviceBound),
	}
}

func (r Remember) over(global Remember) Remember {
	return Remember{
		Idle:   own(r.Idle, global.Idle),
		Most:   own(r.Most, global.Most),
		Choice: own(r.Choice, global.Choice),
		Max:    own(r.Max, global.Max),
	}
}

func (c Code) over(global Code) Code {
	return Code{
		Length:   own(c.Length, global.Length),
		Alphabet: own(c.Alphabet, global.Alphabet),
		TTL:      own(c.TTL, global.TTL),
		Attempts: own(c.Attempts, global.Attempts),
		Resend: Resend{
			Wait: own(c.Resend.Wait, global.Resend.Wait),
			Max:  own(c.Resend.Max, global.Resend.Max),
		},
		Subject: own(c.Subject, global.Subject),
		Send:    own(c.Send, global.Send),
	}
}

func (l Limits) over(global Limits) Limits {
	return Limits{
		SendAddress: ownList(l.SendAddress, global.SendAddress),
		SendIP:      ownList(l.SendIP, global.SendIP),
		SendTotal:   ownList(l.SendTotal, global.SendTotal),
		TryAddress:  ownList(l.TryAddress, global.TryAddress),
		TryIP:       ownList(l.TryIP, global.TryIP),
		Lockout:     own(l.Lockout, global.Lockout),
	}
}

func (h Handover) over(global Handover) Handover {
	fields := h.CopyHeaders
	if len(fields) == 0 {
		fields = global.CopyHeaders
	}
	return Handover{CopyHeaders: maps.Clone(fields), Assertion: own(h.Assertion, global.Assertion)}
}

func (r Reach) over(global Reach) Reach {
	return Reach{
		Origins:      ownList(r.Origins, global.Origins),
		Endpoints:    own(r.Endpoints, global.Endpoints),
		SingleSignOn: own(r.SingleSignOn, global.SingleSignOn),
	}
}
