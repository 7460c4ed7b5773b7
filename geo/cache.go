// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
)

const (
	cacheSets = 2048 // a power of two
	cacheWays = 4
)

// A cache keeps the places of about 8,000 addresses, in 64 kB and what the
// places take. A find is a hash and up to four loads, without lock or
// allocation. Nothing expires: the cache dies with its snapshot.
type cache struct {
	// The seed is secret and random, or a stranger could send the addresses that
	// push everybody else out of one set.
	seed maphash.Seed
	sets [cacheSets][cacheWays]atomic.Pointer[answer]
}

type answer struct {
	ip    netip.Addr
	place *Place
}

func newCache() *cache { return &cache{seed: maphash.MakeSeed()} }

// find returns the place of ip, or nil if it is not kept.
func (c *cache) find(ip netip.Addr) *Place {
	set := &c.sets[c.hash(ip)%cacheSets]
	for i := range set {
		if a := set[i].Load(); a != nil && a.ip == ip {
			return a.place
		}
	}
	return nil
}

// keep remembers the place of ip, and in a full set forgets another one.
func (c *cache) keep(ip netip.Addr, p *Place) {
	h := c.hash(ip)
	a, set := &answer{ip, p}, &c.sets[h%cacheSets]
	for i := range set {
		if set[i].CompareAndSwap(nil, a) {
			return
		}
	}
	set[h/cacheSets%cacheWays].Store(a)
}

func (c *cache) hash(ip netip.Addr) uint64 {
	b := ip.As16()
	return maphash.Bytes(c.seed, b[:])
}
