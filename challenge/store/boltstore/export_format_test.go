// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore

import bolt "go.etcd.io/bbolt"

// OpenLater opens a file as a later version would, which has more formats:
// each step leads from one to the next.
func OpenLater(o Options, steps ...func(tx *bolt.Tx) error) (*Store, error) {
	var later formats
	for _, step := range steps {
		later = append(later, step)
	}
	return later.open(o)
}

// ReencodeWitness reads a witness and writes it again.
func ReencodeWitness(raw []byte) (again []byte, ok bool) {
	t, ok := decodeTestimony(raw)
	return t.encode(), ok
}

// An Idle store is open and nobody writes to it but the one who sweeps it.
type Idle struct{ *Store }

func OpenIdle(o Options) (Idle, error) {
	s, err := released.newStore(o)
	if err == nil {
		close(s.stopped)
	}
	return Idle{s}, err
}

// Sweep removes all that expired.
func (i Idle) Sweep() {
	for i.sweepSome() {
	}
}
