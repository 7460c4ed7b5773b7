// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

// DefaultCache is how many live sessions a house keeps in memory where nothing else is
// said. See BenchmarkCachedSession for what one takes.
const DefaultCache = 20_000

// CacheSessions bounds how many live sessions are kept in memory from now on; zero
// stands for DefaultCache. Sessions beyond that get in as well: each costs one read of
// the store and one check of a signature, as one that is new to the machine.
func (h *House) CacheSessions(n int) {
	if n <= 0 {
		n = DefaultCache
	}
	h.tickets.SetMaximum(uint64(n))
}
