// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/publicsuffix"
)

// handoverFields are what an app can be told, by the names it may rely on.
var handoverFields = []string{"Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups"}

const maxName = 80 // characters; a longer one breaks the subject of a mail

func (h *Handover) check() error {
	carries := map[string]string{}
	for _, field := range slices.Sorted(maps.Keys(h.CopyHeaders)) {
		if err := oneOf("copy_headers", field, handoverFields); err != nil {
			return err
		}
		header := h.CopyHeaders[field]
		if err := checkHeader("copy_headers", header); err != nil {
			return err
		}
		if other, taken := carries[strings.ToLower(header)]; taken {
			return fmt.Errorf("'copy_headers' sends %s and %s in the same header %s", other, field, header)
		}
		carries[strings.ToLower(header)] = field
	}
	if h.Assertion == "" || h.Assertion == "off" {
		return nil
	}
	if field, taken := carries[strings.ToLower(h.Assertion)]; taken {
		return fmt.Errorf("'assertion' and %s use the same header %s", field, h.Assertion)
	}
	return checkHeader("assertion", h.Assertion)
}

// Headers that a proxy or the connection itself needs; an app that finds an
// identity in them would be misled, and the request broken.
var reservedHeaders = []string{
	"connection", "content-length", "content-type", "cookie", "host", "te", "trailer", "transfer-encoding", "upgrade",
}

func checkHeader(word, name string) error {
	if !httpguts.ValidHeaderFieldName(name) || strings.ContainsAny(name, "_.") {
		return fmt.Errorf("'%s' takes names of request headers, of letters, digits and '-', got '%s'", word, name)
	}
	if slices.Contains(reservedHeaders, strings.ToLower(name)) {
		return fmt.Errorf("'%s' cannot use the header %s, which has a meaning of its own", word, name)
	}
	return nil
}

// checkLink refuses what a browser would not open as such a link; javascript:
// above all.
func checkLink(word, text string, schemes ...string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err == nil && slices.Contains(schemes, u.Scheme) {
		if u.Scheme == "mailto" && isAddress(u.Opaque) || u.Scheme != "mailto" && u.Host != "" {
			return nil
		}
	}
	forms := make([]string, len(schemes))
	for i, scheme := range schemes {
		forms[i] = map[string]string{
			"mailto": "mailto:help@example.com", "https": "https://example.com/page", "http": "http://example.com/page",
		}[scheme]
	}
	return fmt.Errorf("'%s' takes a link such as %s, got '%s'", word, either(forms), text)
}

func (r *Reach) check() error {
	for _, origin := range r.Origins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || origin != u.Scheme+"://"+u.Host || strings.Contains(u.Host, "*") {
			return fmt.Errorf("'origins' takes origins such as https://app.example.com, without a path, got '%s'", origin)
		}
	}
	if e := r.Endpoints; e != "" && (e == "/" || e != path.Clean(e) || e[0] != '/' || strings.ContainsAny(e, "*?#%{}\\; ")) {
		return fmt.Errorf("'endpoints' takes a path such as /.doorcode, got '%s'", e)
	}
	return checkSignOnDomain(r.SingleSignOn)
}

// checkSignOnDomain refuses domains under which strangers have sites: a cookie
// for them would be sent to those.
func checkSignOnDomain(domain string) error {
	if domain == "" {
		return nil
	}
	if _, err := netip.ParseAddr(domain); err == nil || !isDomain(domain) {
		return fmt.Errorf("'single_sign_on' takes a domain such as example.com, got '%s'", domain)
	}
	if suffix, _ := publicsuffix.PublicSuffix(strings.ToLower(domain)); suffix == strings.ToLower(domain) {
		return fmt.Errorf("single_sign_on '%s' would share sessions with strangers, because anybody can have a name below it; write your own domain, such as example.%s", domain, domain)
	}
	return nil
}

// covers refuses a host that lies outside the domain of single sign-on.
func (r *Reach) covers(host string) error {
	if r.SingleSignOn == "" || strings.EqualFold(host, r.SingleSignOn) {
		return nil
	}
	if strings.HasSuffix(strings.ToLower(host), "."+strings.ToLower(r.SingleSignOn)) {
		return nil
	}
	return fmt.Errorf("single_sign_on '%s' does not cover %s", r.SingleSignOn, host)
}

func (c *Cookie) check() error {
	if c.Name != "" && (!httpguts.ValidHeaderFieldName(c.Name) || strings.HasPrefix(c.Name, "__")) {
		return fmt.Errorf("'name' of a cookie takes letters, digits, '-' and '_', and no prefix, got '%s'", c.Name)
	}
	return optional("same_site", c.SameSite, "lax", "strict")
}
