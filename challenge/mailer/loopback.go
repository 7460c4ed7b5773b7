// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// IsLoopback reports whether a host is this machine, reached from it alone: localhost, a
// name below it (RFC 6761 section 6.3) or a loopback address. The host may be written as
// in a URL: with a port, in brackets, in any case, with a final dot.
func IsLoopback(host string) bool {
	host = hostname(host)
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	return isLocalName(host)
}

// hostname is a host without port and brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

func isLocalName(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// connect takes names below localhost for localhost, whatever the DNS says of them: what
// is sent there may be unencrypted.
func connect(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && isLocalName(host) {
		address = net.JoinHostPort("localhost", port)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// proxyFor is the proxy of the environment, but for this machine: a proxy would be told
// what must not leave it.
func proxyFor(r *http.Request) (*url.URL, error) {
	if IsLoopback(r.URL.Host) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}
