// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

// A Where is a place and a network as they are remembered: coarse, and without
// any network address. The zero value is unknown.
type Where struct {
	// Country is an ISO 3166-1 code; empty when unknown.
	Country string `json:"c,omitempty"`
	// Cell is the coarse area; 0 without coordinates.
	Cell Cell `json:"l,omitempty"`
	// Radius is how far from the centre of the cell the truth may be, in
	// kilometres, the size of the cell included.
	Radius uint16 `json:"r,omitempty"`
	// ASN is the number of the network's autonomous system; 0 when unknown.
	ASN uint32 `json:"a,omitempty"`
	// Net is a keyed hash of the IPv4 /24 or IPv6 /48; empty when the address is
	// unknown.
	Net string `json:"n,omitempty"`
	// Name is the network's name, where the operator gave it one.
	Name string `json:"m,omitempty"`
	// Private: not of the public internet.
	Private bool `json:"p,omitempty"`
	// Shady: an anonymiser or a data centre, which tells nothing of where a
	// person is.
	Shady bool `json:"s,omitempty"`
	// Roaming: a satellite or mobile network, whose coordinates say little.
	Roaming bool `json:"g,omitempty"`
	// Blind: there was no database of places, so that nothing of the place is
	// known because nobody looked. It teaches no area.
	Blind bool `json:"b,omitempty"`
	// V6: the address is of version 6.
	V6 bool `json:"6,omitempty"`
}
