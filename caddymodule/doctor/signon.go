// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// singleSignOn looks at where shared sessions go: browsers send the cookie to every
// host of the domain, whoever serves it.
func singleSignOn(ctx context.Context, f *Facts, n *notes) {
	domains := map[string][]*Site{}
	var order []string
	for i := range f.Sites {
		domain := strings.ToLower(f.Sites[i].SingleSignOn)
		if domain == "" {
			continue
		}
		if domains[domain] == nil {
			order = append(order, domain)
		}
		domains[domain] = append(domains[domain], &f.Sites[i])
	}
	if len(order) == 0 {
		n.ok("", "each site has sessions of its own")
		return
	}
	each(n, order, func(domain string, n *notes) { f.signOn(ctx, domain, domains[domain], n) })
}

func (f *Facts) signOn(ctx context.Context, domain string, sites []*Site, n *notes) {
	if suffix, _ := publicsuffix.PublicSuffix(domain); suffix == domain {
		n.fail(domain, "anybody can have a name below this domain, and would get everybody's session", "write your own domain, such as example."+domain)
		return
	}
	var ours, links []string
	for _, s := range sites {
		for _, host := range s.Hosts {
			if !covers(domain, host) {
				n.fail(domain, "it does not cover "+host, "write a domain that is part of every site's name, or give that site no single_sign_on")
			}
		}
		ours, links = append(ours, s.Hosts...), append(links, s.Links...)
	}
	if len(n.list) == 0 {
		f.elsewhere(ctx, domain, ours, links, n)
	}
}

func covers(domain, host string) bool {
	host = strings.ToLower(host)
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// wildcardProbe makes of a domain a name that nobody has: only a wildcard answers to it.
const wildcardProbe = "doorcode-doctor-looks-for-a-wildcard."

// elsewhere looks for hosts of the domain that are served by somebody else than the
// guarded ones: the domain itself, www, names that nobody has, and those that the
// pages lead to.
func (f *Facts) elsewhere(ctx context.Context, domain string, ours, links []string, n *notes) {
	if mailer.IsLoopback(domain) {
		n.ok(domain, "it covers its sites, and is this machine")
		return
	}
	here, found := slices.Clone(f.Addresses), false
	for _, host := range ours {
		addresses, err := f.lookup(ctx, host)
		if err == nil {
			here, found = append(here, addresses...), true
		}
	}
	if !found {
		n.skip(domain, "none of its sites is found in the DNS from here", "run the doctor where the names of the sites are known, or give --resolver")
		return
	}
	others := []string{domain, "www." + domain, wildcardProbe + domain}
	for _, link := range links {
		if u, err := url.Parse(link); err == nil && covers(domain, u.Hostname()) {
			others = append(others, u.Hostname())
		}
	}
	slices.Sort(others)
	var strange []string
	for _, host := range slices.Compact(others) {
		addresses, err := f.lookup(ctx, host)
		if err == nil && slices.ContainsFunc(addresses, func(ip netip.Addr) bool { return !slices.Contains(here, ip) }) {
			strange = append(strange, host)
		}
	}
	if len(strange) > 0 {
		leads, that := "leads", "that"
		if len(strange) > 1 {
			leads, that = "lead", "those"
		}
		n.fail(domain, fmt.Sprintf("%s %s to another machine than the sites: browsers send everybody's session to whoever serves %s", joined(strange), leads, that),
			"put what Doorcode guards below a domain of its own, such as apps."+domain+", and write 'single_sign_on apps."+domain+"'")
		return
	}
	n.ok(domain, "it covers its sites, and none of its usual names leads elsewhere")
}

// joined lists names. The probe is called what it has found.
func joined(names []string) string {
	var said []string
	for _, name := range names {
		if domain, probed := strings.CutPrefix(name, wildcardProbe); probed {
			name = "*." + domain
		}
		said = append(said, name)
	}
	return strings.Join(said, " and ")
}
