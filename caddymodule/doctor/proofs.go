// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// passkeys looks at whether people can have the passkeys that a site offers or wants.
func passkeys(ctx context.Context, f *Facts, n *notes) {
	found := false
	for i := range f.Sites {
		s := &f.Sites[i]
		switch {
		case s.Passkeys.Idle:
			found = true
			n.warn(s.name(), "'passkeys on' does nothing beside 'accept code': no page offers a passkey", "write 'accept code passkey', or take one of the two lines out")
		case s.Passkeys.On:
			found = true
			f.offersPasskeys(ctx, s, n)
		}
	}
	if !found {
		n.ok("", "no site has passkeys")
	}
}

func (f *Facts) offersPasskeys(ctx context.Context, s *Site, n *notes) {
	before := len(n.list)
	hosts := slices.Clone(s.Hosts)
	slices.Sort(hosts)
	if hosts = slices.Compact(hosts); s.SingleSignOn == "" && len(hosts) > 1 {
		n.warn(s.name(), fmt.Sprintf("a passkey is of one host, and this site has %d: people make one at each", len(hosts)), "write 'single_sign_on' with the domain above the hosts, if all of them are yours; passkeys that were made before are made anew then")
	}
	f.trusted(ctx, s, n)
	if s.Passkeys.Only {
		f.whoHasPasskeys(s, n)
	}
	switch text := "passkeys are for " + s.relyingParty(); {
	case len(n.list) > before:
	case s.Passkeys.Only && s.Known.People == 0:
		n.ok(s.name(), text+"; nothing else opens the site, and whoever has none makes one after a code")
	default:
		n.ok(s.name(), text)
	}
}

// relyingParty is the name that the site's passkeys are bound to.
func (s *Site) relyingParty() string {
	if s.SingleSignOn != "" {
		return strings.ToLower(s.SingleSignOn)
	}
	return strings.Join(s.Hosts, " and ")
}

// trusted looks whether browsers trust the certificates: where they warn of one, they have
// no passkeys (Chromium does so, and the person cannot get round it).
func (f *Facts) trusted(ctx context.Context, s *Site, n *notes) {
	for _, origin := range origins(f.URLs) {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "https" || !slices.ContainsFunc(s.Hosts, func(host string) bool { return strings.EqualFold(host, u.Hostname()) }) {
			continue
		}
		chain, err := f.chain(ctx, u)
		if err != nil {
			continue // 'https' says so
		}
		fault := f.verify(u.Hostname(), chain)
		const text, fix = "browsers that warn of a certificate have no passkeys: ", "see what 'https' says"
		switch {
		case fault == nil:
		case s.Passkeys.Only:
			n.fail(origin, text+fault.Error(), fix+"; nobody can get in until then")
		default:
			n.warn(origin, text+fault.Error(), fix)
		}
	}
}

// whoHasPasskeys counts who gets no further than the account pages.
func (f *Facts) whoHasPasskeys(s *Site, n *notes) {
	k := s.Known
	const fix = "have each make one at '.doorcode/passkeys' of the site, which a mailed code opens; 'caddy doorcode why' tells of one address. 'accept code passkey' opens the app to codes meanwhile"
	switch {
	case k == nil && f.Running == nil:
		n.skip(s.name(), "only a running Caddy knows who has a passkey, and nothing else opens this site", f.NotRunning)
	case k == nil:
		n.skip(s.name(), "the running Caddy does not say who has a passkey, and nothing else opens this site", "start it with the program that this command is of")
	case k.Keyed < k.People:
		n.warn(s.name(), fmt.Sprintf("nothing but a passkey opens it, and %d of %s on its lists %s none that works here%s", k.People-k.Keyed, count(k.People, "address"), has(k.People-k.Keyed), k.elsewhere()), fix)
	}
}

func has(n int) string {
	if n == 1 {
		return "has"
	}
	return "have"
}

// elsewhere says how many of those without a passkey have one for another name.
func (k *Known) elsewhere() string {
	if k.Elsewhere == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d %s one for another name: a passkey is bound to its host, or to the domain of 'single_sign_on')", k.Elsewhere, has(k.Elsewhere))
}

// bound looks at who would be kept out for want of a key.
func bound(_ context.Context, f *Facts, n *notes) {
	required := false
	for i := range f.Sites {
		s := &f.Sites[i]
		if !s.KeyRequired {
			continue
		}
		required = true
		k := s.Known
		switch {
		case k == nil && f.Running == nil:
			n.skip(s.name(), "only a running Caddy knows which browsers have a key, and this site keeps out those that have none", f.NotRunning)
		case k == nil:
			n.skip(s.name(), "the running Caddy does not say which browsers have a key, and this site keeps out those that have none", "start it with the program that this command is of")
		case k.Bound < k.Browsers:
			n.warn(s.name(), fmt.Sprintf("%d of %s of the people on its lists %s no key: each is asked for a code, and refused a minute later unless it makes one",
				k.Browsers-k.Bound, count(k.Browsers, "remembered browser"), has(k.Browsers-k.Bound)),
				"have these people use a browser that makes keys, such as Chrome on Windows, or write 'device_bound auto', which holds those to their key that have one")
		default:
			n.ok(s.name(), "browsers without a key are kept out, and none of those that are remembered of the people on its lists is without")
		}
	}
	if !required {
		n.ok("", "no browser is kept out for want of a key")
	}
}
