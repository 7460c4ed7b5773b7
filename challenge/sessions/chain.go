// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"cmp"
	"slices"
	"strings"
)

// A chain is the keys of one kind that sign one after the other.
type chain []*key

// chainOf returns those among keys. Their order depends on nothing but the keys,
// so that every machine chooses the same.
func chainOf(keys []*key, of kind) (c chain) {
	for _, k := range keys {
		if k.kind == of && !k.merged {
			c = append(c, k)
		}
	}
	slices.SortFunc(c, follows)
	return c
}

func follows(a, b *key) int {
	return cmp.Or(cmp.Compare(a.begins(), b.begins()), cmp.Compare(a.created, b.created), strings.Compare(a.id, b.id))
}

// at returns which key signs at now: the last one that has begun. A clock that
// is behind all of them, or that moved back, means the first. It returns -1
// where all keys are over.
func (c chain) at(now int64) int {
	for n := len(c) - 1; n >= 0; n-- {
		if c[n].from <= now && !c[n].over(now) {
			return n
		}
	}
	for n, k := range c {
		if !k.over(now) {
			return n
		}
	}
	return -1
}

// lasting reports whether there is a key of a kind that always has its turn.
func lasting(keys []*key, of kind) bool {
	return slices.ContainsFunc(keys, func(k *key) bool { return k.kind == of && k.lasts() })
}
