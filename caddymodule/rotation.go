// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import "time"

// rotate tells each house how often its keys change, once all gates are open. Where
// sites that share a storage differ, the strictest decides.
func (b *building) rotate() {
	every := map[*pooledHouse]time.Duration{}
	for _, e := range b.gates() {
		d, err := e.open()
		if err != nil {
			continue
		}
		every[d.house] = sooner(every[d.house], time.Duration(*e.settings.Keys.Rotate))
	}
	for house, often := range every {
		house.change(b, often)
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
