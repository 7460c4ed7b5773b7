// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"testing"
)

func BenchmarkMAC(b *testing.B) {
	ring, part := newRing(b, knownRoot()), []byte("alice@example.com")
	b.ReportAllocs()
	for b.Loop() {
		ring.MAC(door, part)
	}
}

func BenchmarkSealString(b *testing.B) {
	ring, plain := newRing(b, knownRoot()), make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		ring.SealString(door, plain, nil)
	}
}

func BenchmarkOpenString(b *testing.B) {
	ring := newRing(b, knownRoot())
	sealed := ring.SealString(door, make([]byte, 200), nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ring.OpenString(door, sealed, nil); err != nil {
			b.Fatal(err)
		}
	}
}
