// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// clientIP is the visitor's address as Caddy resolved it. Without
// trusted_proxies_strict Caddy takes the first of several forwarded addresses,
// which a visitor can write; the last one is what the trusted proxy saw.
func (e *entrance) clientIP(r *http.Request, vars vars) netip.Addr {
	if vars.trusted() {
		if last, listed := lastForwarded(r); listed {
			e.hints.list(e.logger)
			return forwardedIP(last)
		}
	}
	client, _ := vars[caddyhttp.ClientIPVarKey].(string)
	return forwardedIP(client)
}

// vars are what Caddy and its handlers know of a request: looked up once, since each
// look walks through all that others have hung on the request.
type vars map[string]any

func varsOf(r *http.Request) vars {
	found, _ := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	return found
}

// trusted reports whether the peer is a proxy that the operator believes.
func (v vars) trusted() bool {
	trusted, _ := v[caddyhttp.TrustedProxyVarKey].(bool)
	return trusted
}

// set is nothing where Caddy has hung no variables on the request.
func (v vars) set(name string, value any) {
	if v != nil {
		v[name] = value
	}
}

// lastForwarded is the end of the list from which Caddy has taken the visitor's
// address, of a trusted proxy; listed is false where it was no list, or not for a
// visitor to begin.
func lastForwarded(r *http.Request) (last string, listed bool) {
	server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if server == nil || server.TrustedProxiesStrict > 0 {
		return "", false
	}
	for _, field := range server.ClientIPHeaders {
		lines := r.Header.Values(field)
		if !slices.ContainsFunc(lines, hasAddress) {
			continue
		}
		end := lines[len(lines)-1]
		comma := strings.LastIndexByte(end, ',')
		return end[comma+1:], comma >= 0 || len(lines) > 1
	}
	return "", false
}

// hasAddress reports whether any part of a list is an address.
func hasAddress(list string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if forwardedIP(part).IsValid() {
			return true
		}
	}
	return false
}

// forwardedIP reads an address as Caddy does, which some proxies write with a
// port or a zone; the zero one where it is none.
func forwardedIP(text string) netip.Addr {
	if ip, err := netip.ParseAddr(strings.TrimSpace(text)); err == nil { // most are; what follows allocates
		return ip.Unmap().WithZone("")
	}
	host, _, err := net.SplitHostPort(text)
	if err != nil {
		host = text
	}
	host, _, _ = strings.Cut(strings.TrimSpace(host), "%")
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap()
}

// originalURL is the address before any rewrite.
func originalURL(r *http.Request) *url.URL {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && original.URL != nil {
		return original.URL
	}
	return r.URL
}

// visitorScheme reports whether the visitor uses https: with this server, or
// with a proxy that the operator trusts. A private peer that says so without
// being trusted is named, since that is a setting which is missing.
func visitorScheme(r *http.Request, trusted bool) (secure bool, proxy string) {
	if r.TLS != nil {
		return true, ""
	}
	lines := r.Header["X-Forwarded-Proto"]
	if len(lines) == 0 {
		return false, ""
	}
	said := lines[len(lines)-1]
	said = strings.TrimSpace(said[strings.LastIndexByte(said, ',')+1:])
	if !strings.EqualFold(said, "https") {
		return false, ""
	}
	if trusted {
		return true, ""
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if from := peer.Addr().Unmap(); err == nil && (from.IsPrivate() || from.IsLoopback()) {
		return false, from.String()
	}
	return false, ""
}
