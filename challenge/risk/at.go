// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

import "github.com/doorcode/caddy-doorcode/geo"

// farthest is more than two points of the globe can be apart, in kilometres.
const farthest = 20_040

// At makes a Where of what the databases say of an address. Net is the keyed
// hash of its network, name what the operator calls that, v6 whether the address
// is of version 6. A place whose country or coordinates are not known has no
// cell.
func At(p geo.Place, net, name string, v6 bool) Where {
	w := Where{
		Country: p.Country,
		ASN:     p.ASN,
		Net:     net,
		Name:    name,
		Private: p.Private,
		Shady:   p.Anonymous || p.Hosting,
		Roaming: p.Roaming,
		V6:      v6,
	}
	if p.Located && p.Country != "" {
		w.Cell = CellOf(p.Point)
	}
	if w.Cell != 0 {
		w.Radius = uint16(min(max(p.Radius, 0)+cellRadius, 1<<16-1))
	}
	return w
}

// Distance is how far apart two places are at least, in kilometres: from centre
// to centre, less what either may be off. It reports false unless both have a
// cell.
func Distance(a, b Where) (km float64, ok bool) {
	if !a.Cell.valid() || !b.Cell.valid() {
		return 0, false
	}
	off := float64(a.Radius) + float64(b.Radius)
	return max(geo.Distance(a.Cell.Center(), b.Cell.Center())-off, 0), true
}

// A kind is what is known of a place.
type kind uint8

const (
	sited   kind = iota // at least the country; stored in profiles, so only append
	private             // no place of the public internet
	nowhere             // nothing
	shady               // where an anonymiser or a data centre is says nothing
)

func (w *Where) kind() kind {
	switch {
	case w.Shady:
		return shady
	case w.Private:
		return private
	case !isCountry(w.Country):
		return nowhere
	}
	return sited
}

func isCountry(code string) bool {
	return len(code) == 2 && isUpper(code[0]) && isUpper(code[1])
}

func isUpper(b byte) bool { return 'A' <= b && b <= 'Z' }

// tracked reports whether the place says enough of where somebody is to be
// compared with the next one.
func (w *Where) tracked() bool {
	return w.kind() == sited && w.Cell.valid() && !w.Roaming && w.Name == ""
}
