// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

import "slices"

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
	for i, r := range order {
		if s&(1<<i) != 0 {
			return r
		}
	}
	return ""
}

// Reasons are the reasons, the most telling first.
func (s Set) Reasons() (list []Reason) {
	for i, r := range order {
		if s&(1<<i) != 0 {
			list = append(list, r)
		}
	}
	return list
}
