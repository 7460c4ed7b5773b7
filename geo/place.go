// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo

// A Place is what the databases say of where an address is used. Whatever they
// do not say is unknown, which the zero value is: an address that is in no
// database is nowhere, not at latitude 0, longitude 0.
type Place struct {
	// Country is an ISO 3166-1 alpha-2 code such as PT; empty when unknown.
	Country string
	// City is the English name; empty when unknown.
	City string
	// Point is where the address is thought to be, Radius how far from it the
	// truth may be, in kilometres. Without Located both say nothing.
	Point   Point
	Radius  int
	Located bool
	// TimeZone is an IANA name such as Europe/Lisbon; empty when unknown.
	TimeZone string

	// ASN is the number of the autonomous system; 0 when unknown.
	ASN uint32
	// Network is the name of whom the network belongs to.
	Network string

	// Private: the address is none of the public internet (RFC 6890): a local
	// network, carrier-grade NAT, Tailscale.
	Private bool
	// Anonymous: a VPN, a public proxy or a Tor exit.
	Anonymous bool
	// Hosting: a data centre, where few people sit.
	Hosting bool
	// Roaming: a satellite or mobile network, whose addresses say little about
	// where somebody is.
	Roaming bool

	// Credit is what the licence of the database asks to be printed beside a
	// place; empty where nothing is.
	Credit string
}

// A Point is a place on the globe, in degrees: north and east are positive.
type Point struct{ Latitude, Longitude float64 }
