// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// nowhere is no address: a visit then goes where the name leads.
var nowhere netip.Addr

// reach visits each site as a stranger.
func reach(ctx context.Context, f *Facts, n *notes) {
	if len(f.URLs) == 0 {
		n.skip("", "nobody says where people reach the sites", f.NoURLs)
		return
	}
	each(n, slices.Compact(slices.Sorted(slices.Values(f.URLs))), func(text string, n *notes) {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			n.fail(text, "this is no address of a site", "give one such as --url https://app.example.com")
			return
		}
		v := &visitor{facts: f, origin: u.Scheme + "://" + u.Host, site: f.siteAt(u), n: n}
		if v.pages(u.EscapedPath()) && v.ping(ctx) && v.stranger(ctx) {
			v.oddSpellings(ctx)
		}
	})
}

// siteAt is what the gates that stand at a URL are together, nil if none does as far
// as is known.
func (f *Facts) siteAt(u *url.URL) *Site {
	var all *Site
	for _, s := range f.Sites {
		if !slices.ContainsFunc(s.Hosts, func(h string) bool { return strings.EqualFold(h, u.Hostname()) }) {
			continue
		}
		if all == nil {
			all = &s
			continue
		}
		all.Guarded = slices.Concat(all.Guarded, s.Guarded)
		all.Boxed, all.Earlier = all.Boxed || s.Boxed, all.Earlier || s.Earlier
	}
	return all
}

// A visitor goes to one site.
type visitor struct {
	facts  *Facts
	origin string
	site   *Site
	paths  []string // that are guarded
	n      *notes
}

// pages chooses what to ask for. It reports whether something is known to be guarded.
func (v *visitor) pages(asked string) bool {
	switch {
	case asked != "" && asked != "/":
		v.paths = []string{asked}
	case v.site != nil && len(v.site.Guarded) > 0:
		v.paths = slices.Compact(slices.Sorted(slices.Values(v.site.Guarded)))
	case v.site != nil:
		v.n.skip(v.origin, "only the matcher of doorcode knows which pages are guarded", "give --url with the path of such a page")
		return false
	default:
		v.paths = []string{"/"}
	}
	return true
}

// ping asks the gate for a sign of life.
func (v *visitor) ping(ctx context.Context) bool {
	path := strings.TrimSuffix(v.paths[0], "/") + "/.doorcode/ping"
	if v.site != nil && v.site.Endpoints != "" {
		path = v.site.Endpoints + "/ping"
	}
	began := time.Now()
	a, err := v.facts.visit(ctx, v.origin, path, nowhere)
	switch {
	case err != nil && strings.Contains(err.Error(), "certificate required"):
		v.n.skip(v.origin, "the site wants a certificate of the visitor, and the doctor has none", "try with a browser that has one, and with one that has none")
		return false
	case err != nil:
		v.n.fail(v.origin, "no answer: "+err.Error(), "look whether Caddy runs, whether the name leads to this machine in the DNS, and whether a firewall lets the port by")
		return false
	case a.status == http.StatusMisdirectedRequest:
		v.n.fail(v.origin, "Doorcode answers, and knows no site of this name (HTTP 421)", "add this origin to 'origins', or the host to the site's address; behind a proxy, have it pass the Host on")
		return false
	case a.asksPassword():
		v.n.skip(v.origin, fmt.Sprintf("an earlier step asks first, for a password (%s), so nobody knows whether Doorcode stands behind it", a), "give --url of a page that this step shows to strangers, or look with a browser")
		return true // of a page it may be known
	case a.status != http.StatusNoContent:
		v.n.fail(v.origin, fmt.Sprintf("GET %s is answered by something that is not Doorcode: %s", path, a),
			"look whether the name leads to this Caddy, and whether something before 'doorcode' in the site answers first, such as 'redir' or a 'handle' block")
		return false
	}
	v.n.ok(v.origin, fmt.Sprintf("Doorcode answers (%d ms)", time.Since(began).Milliseconds()))
	return true
}

// stranger asks for guarded pages without a session.
func (v *visitor) stranger(ctx context.Context) bool {
	guarded := true
	for _, path := range v.paths {
		a, err := v.facts.visit(ctx, v.origin, path, nowhere)
		if err != nil {
			v.n.fail(v.origin+path, "no answer: "+err.Error(), "look at Caddy's log")
			return false
		}
		guarded = v.judge(path, a) && guarded
	}
	return guarded
}

// judge says what an answer to a stranger means.
func (v *visitor) judge(path string, a answer) bool {
	at, earlier := v.origin+path, v.site != nil && v.site.Earlier
	switch {
	case a.isDoor() && a.status == http.StatusServiceUnavailable:
		v.n.fail(at, "Doorcode lets nobody in, since it cannot read its storage (HTTP 503)", "see 'storage'")
	case a.isDoor():
		v.n.ok(at, fmt.Sprintf("a stranger is asked for a code (HTTP %d)", a.status))
		return true
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden || earlier && a.status/100 == 3:
		v.n.ok(at, fmt.Sprintf("a stranger is kept out before Doorcode, by an earlier step (%s)", a))
		return true
	case a.status/100 == 3:
		v.n.warn(at, fmt.Sprintf("a stranger is led elsewhere before Doorcode is asked (%s)", a),
			"'redir' comes before doorcode and is public: give --url with the path of a page that only people with a session may see")
	case a.isNothing():
		v.n.fail(at, "no handler answers there, and Doorcode is not asked", "give --url with the path of a page that only people with a session may see")
	default:
		v.n.fail(at, fmt.Sprintf("a stranger gets past the door (%s)", a),
			"if this path is meant to be public, give --url with another one; else look at 'public', at doorcode's own matcher and at 'handle' blocks with 'caddy doorcode explain'")
	}
	return false
}

// spellings are other ways to write a folder, which Caddy's path matcher does not
// take for it and many apps do.
func spellings(folder string) []string {
	name := strings.TrimPrefix(folder, "/")
	first := name[:1]
	encoded := fmt.Sprintf("%%%02x", first[0])
	return []string{
		"//" + name + "/", "/./" + name + "/", "/x/../" + name + "/", "/x/%2e%2e/" + name + "/", "/" + name + ";v=1/", "/;/" + name + "/",
		"/" + encoded + name[1:] + "/", "/%25" + encoded[1:] + name[1:] + "/", "/" + name + "%2f", "/" + name + "%5c", "/" + name + "\\",
		"/" + name + "./", "/" + name + "%20/", "/" + name + "%00/", "/" + name + "%3f/", "/" + name + "%23/", "/" + strings.ToUpper(name) + "/",
	}
}

// oddSpellings tries whether routes around the gate let some spellings of a guarded
// folder by. The gate itself judges all of them; it is only asked about those that
// come to it.
func (v *visitor) oddSpellings(ctx context.Context) {
	if v.site == nil || !v.site.Boxed {
		return
	}
	unknown, err := v.facts.visit(ctx, v.origin, "/"+strings.ToLower(rand.Text()), nowhere)
	if err != nil {
		return
	}
	for _, path := range v.paths {
		folder := strings.TrimSuffix(path, "/")
		if folder == "" {
			continue
		}
		var by []string
		for _, odd := range spellings(folder) {
			a, err := v.facts.visit(ctx, v.origin, odd, nowhere)
			if err == nil && a.passes() && !a.like(unknown) {
				by = append(by, fmt.Sprintf("%s (%d)", odd, a.status))
			}
		}
		if len(by) > 0 {
			v.n.fail(v.origin+folder, "the routes around the door let other spellings of this folder by: "+strings.Join(by, ", "),
				fmt.Sprintf("take doorcode out of the 'handle' block and write 'doorcode %s/* …' beside it: its own matcher guards every spelling", folder))
			continue
		}
		v.n.ok(v.origin+folder, fmt.Sprintf("%d odd spellings of this folder reach nothing without a code", len(spellings(folder))))
	}
}

// passes reports whether an answer shows that something behind the gate was asked.
func (a answer) passes() bool {
	return !a.isDoor() && !a.isNothing() && (a.status < 400 || a.status >= 500)
}

// like reports whether two paths are answered alike: an app that answers every path
// it does not know with the same page has not understood an odd spelling.
func (a answer) like(other answer) bool {
	return a.status == other.status && bytes.Equal(a.body, other.body)
}

// bypass tries whether the apps behind the gates answer at other addresses of this
// machine, where no gate stands before them.
func bypass(ctx context.Context, f *Facts, n *notes) {
	if len(f.Upstreams) == 0 {
		n.ok("", "no app has a port of its own")
		return
	}
	each(n, f.Upstreams, func(u Upstream, n *notes) { f.wayRound(ctx, u, n) })
}

func (f *Facts) wayRound(ctx context.Context, u Upstream, n *notes) {
	subject := "app " + u.Dial
	host, port, err := net.SplitHostPort(u.Dial)
	if strings.HasPrefix(u.Dial, "unix") {
		n.ok(subject, "only this machine reaches a socket")
		return
	}
	if err != nil || strings.Contains(u.Dial, "{") {
		n.skip(subject, "its address is only known when somebody comes", "try from another machine that its port does not answer")
		return
	}
	addresses, err := f.lookup(ctx, host)
	if host != "" && err != nil {
		n.fail(subject, "the app's name is not found: "+err.Error(), "look at the address behind reverse_proxy")
		return
	}
	here := host == "" || slices.ContainsFunc(addresses, func(ip netip.Addr) bool {
		return ip.IsLoopback() || ip.IsUnspecified() || slices.Contains(f.Addresses, ip)
	})
	if !here {
		n.skip(subject, "it is on another machine, or in a container, and this check only sees this machine", "try from elsewhere that only Caddy reaches it: 'curl http://"+u.Dial+"' must fail")
		return
	}
	var open []string
	for _, ip := range f.Addresses {
		if answers(ctx, net.JoinHostPort(ip.String(), port)) {
			open = append(open, net.JoinHostPort(ip.String(), port))
		}
	}
	if len(open) > 0 {
		n.fail(subject, "it also answers at "+strings.Join(open, ", ")+", where nobody is asked for a code",
			"let the app listen on 127.0.0.1 alone (with Docker: ports 127.0.0.1:"+port+":"+port+"), or have a firewall close port "+port)
		return
	}
	n.ok(subject, fmt.Sprintf("does not answer at the %s of this machine that others reach", count(len(f.Addresses), "address")))
}

// answers reports whether something takes connections there.
func answers(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, stepTime/2)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
