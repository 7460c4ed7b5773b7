// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// site is one origin of the gate.
type site struct {
	origin   string // scheme and authority, no path
	host     string // host name, with a port other than the scheme's
	secure   bool   // the scheme is https
	loopback bool   // the host is this machine itself
	audience string
	link     string // URL below which the endpoints are, whatever page a visitor is on
	name     string
	pages    *pages.Renderer
}

func newSite(origin string, o Options) (*site, error) {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("origin %q: want https:// and a host, and nothing else", origin)
	}
	s := &site{host: strings.ToLower(u.Host), secure: u.Scheme == "https", name: o.Look.Name}
	// Browsers leave the scheme's own port out of Origin and Host.
	if s.secure {
		s.host = strings.TrimSuffix(s.host, ":443")
	} else {
		s.host = strings.TrimSuffix(s.host, ":80")
	}
	s.origin, s.loopback = u.Scheme+"://"+s.host, isLoopback(hostname(s.host))
	s.audience = s.origin
	if o.SingleSignOn != "" {
		s.audience = o.SingleSignOn
	}
	s.link = s.origin + o.Inside + "/" + segment + "/"
	if o.Endpoints != "" {
		s.link = s.origin + o.Endpoints + "/"
	}
	look := o.Look
	if look.Name == "" {
		look.Name, s.name = s.host, s.host
	}
	s.pages, err = pages.New(look)
	return s, err
}

// siteOf finds the origin that a request is for; nil when the gate does not
// stand there. Of several with one host name, port and scheme decide; behind a
// front end that maps ports neither fits, and the first one is meant.
func (d *Door) siteOf(host string, secure bool) *site {
	if s := d.first; s.host == host && s.secure == secure {
		return s
	}
	var found *site
	best := -1
	for _, s := range d.sites[hostname(host)] {
		fit := 0
		if strings.EqualFold(s.host, host) {
			fit += 2
		}
		if s.secure == secure {
			fit++
		}
		if fit > best {
			found, best = s, fit
		}
	}
	return found
}

// hostname is the part of a Host header that names the host: lower case,
// without port and trailing dot.
func hostname(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
