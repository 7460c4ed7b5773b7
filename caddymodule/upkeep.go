// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// An upkeep is what sites that share a house say of it together.
type upkeep struct {
	rotate time.Duration // how often keys change; zero: never
	cache  int           // live sessions in memory
}

func (u upkeep) apply(h *challenge.House) {
	h.Rotate(u.rotate)
	h.CacheSessions(u.cache)
}

// keepUp tells each house how it is kept, once all gates are open. Where sites that
// share a storage differ, the strictest decides how often keys change, and the most
// generous how many sessions are kept in memory.
func (b *building) keepUp() {
	all := map[*pooledHouse]upkeep{}
	for _, e := range b.gates() {
		d, err := e.open()
		if err != nil {
			continue
		}
		u := all[d.house]
		all[d.house] = upkeep{sooner(u.rotate, time.Duration(*e.settings.Keys.Rotate)), max(u.cache, e.settings.Session.Cache)}
	}
	for house, u := range all {
		house.change(b, u)
		b.onCleanup(func() { house.unchange(b) })
	}
}

// sooner is the shorter of two times, of which zero means never.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
