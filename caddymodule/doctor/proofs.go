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
		n.warn(s.name(), fmt.Sprintf("a passkey is of one host, and this site has %d: people make one at each", len(hosts)), s.joinHosts())
	}
	f.trusted(ctx, s, n)
	if s.Passkeys.Only {
		f.whoHasPasskeys(s, n)
	}
	switch text := "passkeys are for " + s.relyingParty(); {
	case len(n.list) > before:
	case s.Passkeys.Only:
		n.ok(s.name(), text+"; nothing else opens the site, and nobody on its lists is without")
	default:
		n.ok(s.name(), text)
	}
}

// joinHosts is how one passkey comes to be good at all hosts of a site.
func (s *Site) joinHosts() string {
	fix := "write 'single_sign_on' with the domain above the hosts, if all of them are yours; passkeys that were made before are made anew then"
	if s.KeyRequired {
		return fix + "; that rules out 'device_bound required'"
	}
	return fix
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
		case s.Passkeys.Only && !f.mayBeTrusted(u.Hostname(), chain[0]):
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
	case k == nil:
		f.unknown(n, s, "who has a passkey", "nothing else opens this site")
	case k.Keyed < k.People:
		n.warn(s.name(), fmt.Sprintf("nothing but a passkey opens it, and %d of %s on its lists %s none that works here%s%s",
			k.People-k.Keyed, k.asked(), has(k.People-k.Keyed), k.elsewhere(), after("; ", s.unseen())), fix)
	case s.unseen() != "":
		n.skip(s.name(), "nothing but a passkey opens it, and "+s.unseen(), "'caddy doorcode passkeys list' tells of one address")
	}
}

// asked says about how many addresses somebody was asked.
func (k *Known) asked() string {
	if k.People < k.Listed {
		return fmt.Sprintf("the first %d of %s", k.People, count(k.Listed, "address"))
	}
	return count(k.People, "address")
}

// mostNamed bounds how many patterns one finding names.
const mostNamed = 3

// unseen says about whom nobody was asked of those who may pass, empty where there is
// nobody such.
func (s *Site) unseen() string {
	var others []string
	if s.People.Everybody {
		others = append(others, "*")
	}
	for _, domain := range s.People.Domains {
		others = append(others, "*@"+domain)
	}
	if rest := len(others) - mostNamed; rest > 0 {
		others = append(others[:mostNamed], fmt.Sprintf("%d more", rest))
	}
	if s.Earlier && !s.People.Nobody && len(others)+s.People.Count == 0 {
		others = append(others, "whoever an earlier step names")
	}
	text := "addresses that the lists name one by one were looked at"
	switch k := s.Known; {
	case k.People < k.Listed:
		text = fmt.Sprintf("only the first %d of %d ", k.People, k.Listed) + text
	case len(others) == 0:
		return ""
	default:
		text = "only " + text
	}
	if len(others) == 0 {
		return text
	}
	was := " was not"
	if len(others) > 1 {
		was = " were not"
	}
	return text + "; " + strings.Join(others, ", ") + was
}

// after puts something before a text that is not empty.
func after(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

// unknown notes what only a running Caddy can tell of a site, and why somebody should
// ask it.
func (f *Facts) unknown(n *notes, s *Site, what, why string) {
	if f.Running == nil {
		n.skip(s.name(), "only a running Caddy knows "+what+", and "+why, f.NotRunning)
		return
	}
	n.skip(s.name(), "the running Caddy does not say "+what+", and "+why, "start it with the program that this command is of")
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
		if s := &f.Sites[i]; s.KeyRequired {
			required = true
			f.whoHasKeys(s, n)
		}
	}
	if !required {
		n.ok("", "no browser is kept out for want of a key")
	}
}

// whoHasKeys counts the browsers that would be kept out.
func (f *Facts) whoHasKeys(s *Site, n *notes) {
	const out = "browsers without a key are kept out, and "
	k := s.Known
	switch {
	case k == nil:
		f.unknown(n, s, "which browsers have a key", "this site keeps out those that have none")
	case k.Bound < k.Browsers:
		whose := "the people on its lists"
		if k.People < k.Listed {
			whose = k.asked() + " on its lists"
		}
		if len(f.Sites)+len(s.Hosts) > 2 {
			whose += " (those of other hosts count too where they share its storage)"
		}
		n.warn(s.name(), fmt.Sprintf("%d of %s of %s %s no key: each is asked for a code, and refused a minute later unless it makes one%s",
			k.Browsers-k.Bound, count(k.Browsers, "remembered browser"), whose, has(k.Browsers-k.Bound), after("; ", s.unseen())),
			"have these people use a browser that makes keys, such as Chrome on Windows, or write 'device_bound auto', which holds those to their key that have one")
	case s.unseen() != "":
		n.skip(s.name(), out+s.unseen(), "'caddy doorcode browsers list' tells of one address (BOUND)")
	default:
		n.ok(s.name(), out+"none of those that are remembered of the people on its lists is without")
	}
}
