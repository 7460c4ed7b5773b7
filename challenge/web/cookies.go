// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/bound"
	"github.com/doorcode/caddy-doorcode/challenge/upstream"
)

// CookieOptions say what our cookies are like.
type CookieOptions struct {
	// Name is what the names of our cookies are made of. Default: doorcode.
	Name string
	// Strict sends them only within the site.
	Strict bool
	// Insecure lets them be used over http, for tests.
	Insecure bool
}

// Our cookies, by their place in a jar.
const (
	sessionCookie = iota
	deviceCookie
	flowCookie
	languageCookie
	passCookie // shows the key of a bound browser
	numCookies
)

const _ = uint(upstream.MaxCookies - numCookies) // a jar has room for all

// cookies knows the names and attributes of our cookies: the one place where
// they are decided.
type cookies struct {
	options CookieOptions
	domain  string
	secured *upstream.Jar // names over https; it takes out the others too
	plain   *upstream.Jar // names over http, likewise

	securedNames, plainNames [numCookies]string
}

func newCookies(o CookieOptions, domain string) cookies {
	if o.Name == "" {
		o.Name = "doorcode"
	}
	c := cookies{options: o, domain: domain}
	host, wide := "__Host-Http-"+o.Name, "__Host-Http-"+o.Name
	if domain != "" {
		wide = "__Secure-" + o.Name
	}
	c.plainNames = [numCookies]string{o.Name, o.Name + "-device", o.Name + "-flow", o.Name + "-language", o.Name + "-bound"}
	// Chromium (156) takes no cookie with "__Host-Http-" for one that it is to keep fresh.
	c.securedNames = [numCookies]string{wide, wide + "-device", host + "-flow", host + "-language", "__Host-" + o.Name + "-bound"}
	c.plain, c.secured = upstream.NewJarOf(c.plainNames[:], c.securedNames[:]), upstream.NewJarOf(c.securedNames[:], c.plainNames[:])
	return c
}

// bare reports whether cookies go without prefix and Secure: on loopback, and
// where the operator said so.
func (c *cookies) bare(in *Arrival) bool {
	return !in.Secure && (c.options.Insecure || in.site.loopback)
}

func (c *cookies) jar(in *Arrival) *upstream.Jar {
	if c.bare(in) {
		return c.plain
	}
	return c.secured
}

func (c *cookies) session(in *Arrival, value string) string {
	return c.write(in, sessionCookie, value, 0)
}

func (c *cookies) device(in *Arrival, value string, life time.Duration) string {
	return c.write(in, deviceCookie, value, life)
}

func (c *cookies) flow(in *Arrival, value string, life time.Duration) string {
	return c.write(in, flowCookie, value, life)
}

// bound is the cookie that shows a bound browser's key, with its name and what a browser
// is told of it besides. It is never of a whole domain, since a key is of one origin.
func (c *cookies) bound(in *Arrival, value string) (name, attributes, cookie string) {
	made := c.make(in, passCookie, value, bound.PassLife)
	cookie = made.String()
	made.Value, made.MaxAge = "", 0
	return made.Name, strings.TrimPrefix(made.String(), made.Name+"=; "), cookie
}

// expire ends one of our cookies.
func (c *cookies) expire(in *Arrival, which int) string { return c.write(in, which, "", -time.Second) }

func (c *cookies) write(in *Arrival, which int, value string, life time.Duration) string {
	cookie := c.make(in, which, value, life)
	return cookie.String()
}

func (c *cookies) make(in *Arrival, which int, value string, life time.Duration) http.Cookie {
	bare := c.bare(in)
	cookie := http.Cookie{
		Name: c.securedNames[which], Value: value, Path: "/", Secure: !bare, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, MaxAge: int(life / time.Second),
	}
	if bare {
		cookie.Name = c.plainNames[which]
	}
	if c.options.Strict {
		cookie.SameSite = http.SameSiteStrictMode
	}
	if c.domain != "" && which < flowCookie {
		cookie.Domain = c.domain
	}
	return cookie
}

// Names are the names of all our cookies, which the app must neither see nor
// set.
func (d *Door) Names() []string { return append(d.cookies.plainNames[:], d.cookies.securedNames[:]...) }

// RemoveCookies takes our cookies out of a request that goes to the app.
func (d *Door) RemoveCookies(h http.Header) { d.cookies.secured.Remove(h) }

// TakeCookies is RemoveCookies for a request that Serve has let pass: it knows where
// they are.
func (d *Door) TakeCookies(h http.Header, in *Arrival) { d.cookies.secured.RemoveFound(h, in.found) }

// isLoopback reports whether a host name is this machine's own.
func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}
