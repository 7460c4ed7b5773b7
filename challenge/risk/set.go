// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

import (
	"math/bits"
	"slices"
)

// order is every reason, the most telling first; its bit in a Set is its index.
var order = [...]Reason{Travel, NewPlace, Operator, Ended, Expired, NewBrowser, NewNetwork, Always, Sensitive}

// A Set is some reasons.
type Set uint16

// SetOf makes a set. Words that name no reason are left out.
func SetOf(reasons ...Reason) (s Set) {
	for _, r := range reasons {
		if i := slices.Index(order[:], r); i >= 0 {
			s |= 1 << i
		}
	}
	return s
}

// Has reports whether a reason is in the set.
func (s Set) Has(r Reason) bool { return s&SetOf(r) != 0 }

// First is the most telling reason; empty when the set is.
func (s Set) First() Reason {
	if i := bits.TrailingZeros16(uint16(s)); i < len(order) {
		return order[i]
	}
	return ""
}

// Reasons are the reasons, the most telling first.
func (s Set) Reasons() (list []Reason) {
	for ; s.First() != ""; s &= s - 1 { // the lowest bit goes
		list = append(list, s.First())
	}
	return list
}
