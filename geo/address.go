// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo

import "net/netip"

var (
	sixToFour = netip.MustParsePrefix("2002::/16")      // RFC 3056
	teredo    = netip.MustParsePrefix("2001::/32")      // RFC 4380
	nat64     = netip.MustParsePrefix("64:ff9b::/96")   // RFC 6052
	nat64Own  = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215
	global6   = netip.MustParsePrefix("2000::/3")       // RFC 4291 section 2.4
)

// notPublic are the ranges that IANA keeps from the public internet (RFC 6890
// and the registries that it began), in IPv4 and in 2000::/3. Some that are
// reachable lie inside 192.0.0.0/24 and 2001::/23; no person's machine has one.
var notPublic = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT, and Tailscale
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), // documentation
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("224.0.0.0/4"),     // multicast
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"), // documentation
	netip.MustParsePrefix("3fff::/20"),     // documentation
}

// Unwrap returns the IPv4 address that ip carries, if it is IPv4-mapped, 6to4
// (RFC 3056), NAT64 (RFC 6052 and 8215) or Teredo (RFC 4380), and else ip. The
// result has no zone. An address that is not valid stays so.
//
// A database must not be asked for the address as it is: many files alias 6to4
// and Teredo to their IPv4 part, and in a Teredo address they then find the
// server, which may be on another continent than the person.
//
// Of a local NAT64 (64:ff9b:1::/48) only the usual form with 96 bits before the
// IPv4 address can be told.
func Unwrap(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if !ip.Is6() {
		return ip
	}
	b := ip.As16()
	switch {
	case sixToFour.Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6]))
	case nat64.Contains(ip), nat64Own.Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:]))
	case teredo.Contains(ip):
		// RFC 4380 section 4: the person's own address comes last, inverted.
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})
	default:
		return ip
	}
}

// isPrivate tells whether an unwrapped address is none of the public internet.
// In IPv6 that is all but 2000::/3: unique local addresses, Tailscale's among
// them, link-local, loopback, multicast and what nobody has been given yet.
func isPrivate(ip netip.Addr) bool {
	if ip.Is6() && !global6.Contains(ip) {
		return true
	}
	for _, p := range notPublic {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
