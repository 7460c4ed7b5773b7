// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package memstore

// Len is how many records are held, live or not.
func (s *Store) Len() (n int) {
	for i := range s.shards {
		n += len(s.shards[i].records)
	}
	return n
}
