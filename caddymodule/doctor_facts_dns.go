// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"errors"
	"net"
	"net/netip"
)

// A chosenDNS asks one DNS server. Errors of the resolver name the one of the system
// that it was led away from; these name the one that was asked.
type chosenDNS struct {
	server string
	dns    *net.Resolver
}

// LookupNetIP finds the addresses of a host.
func (c chosenDNS) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	found, err := c.dns.LookupNetIP(ctx, network, host)
	return found, c.named(err)
}

// LookupTXT finds the texts at a name.
func (c chosenDNS) LookupTXT(ctx context.Context, name string) ([]string, error) {
	found, err := c.dns.LookupTXT(ctx, name)
	return found, c.named(err)
}

// LookupMX finds the mail servers of a domain.
func (c chosenDNS) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	found, err := c.dns.LookupMX(ctx, name)
	return found, c.named(err)
}

// LookupAddr finds the names of an address.
func (c chosenDNS) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	found, err := c.dns.LookupAddr(ctx, addr)
	return found, c.named(err)
}

func (c chosenDNS) named(err error) error {
	var fault *net.DNSError
	if !errors.As(err, &fault) || fault.Server == "" {
		return err
	}
	named := *fault // others may have been given the same one
	named.Server = c.server
	return &named
}
