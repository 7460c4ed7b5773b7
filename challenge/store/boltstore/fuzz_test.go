// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

func FuzzDecodeRecord(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("1234567"))
	f.Add(boltstore.EncodeRecord(0, nil))
	f.Add(boltstore.EncodeRecord(1_785_585_600_000_000_000, []byte(`{"tries":5}`)))
	f.Add(boltstore.EncodeRecord(-1, []byte{0}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		expires, value, err := boltstore.DecodeRecord(raw)
		if err != nil {
			if !errors.Is(err, boltstore.ErrUnreadable) || len(raw) >= 8 {
				t.Errorf("decoding %x = %v", raw, err)
			}
			return
		}
		if again := boltstore.EncodeRecord(expires, value); !bytes.Equal(again, raw) {
			t.Errorf("%x was read and written as %x", raw, again)
		}
	})
}

func FuzzDecodeExpiryKey(f *testing.F) {
	f.Add([]byte(nil), int64(0))
	f.Add([]byte("12345678"), int64(1))
	f.Add(boltstore.ExpiryKey(1_785_585_600_000_000_000, []byte("door/a")), int64(-1))
	f.Fuzz(func(t *testing.T, entry []byte, other int64) {
		expires, key, err := boltstore.DecodeExpiryKey(entry)
		if err != nil {
			if !errors.Is(err, boltstore.ErrUnreadable) || len(entry) > 8 {
				t.Errorf("decoding %x = %v", entry, err)
			}
			return
		}
		if again := boltstore.ExpiryKey(expires, key); !bytes.Equal(again, entry) {
			t.Errorf("%x was read and written as %x", entry, again)
		}
		if later := boltstore.ExpiryKey(other, key); (expires < other) != (bytes.Compare(entry, later) < 0) {
			t.Errorf("%x and %x do not sort as %d and %d", entry, later, expires, other)
		}
	})
}

// A witness that is read in two ways could vouch for what it was not about.
func FuzzReadWitness(f *testing.F) {
	path := newPath(f)
	s := open(f, boltstore.Options{Path: path})
	f.Add(look(f, path).witness) // with two tokens
	put(f, s, "a", "x", 0)
	f.Add(look(f, path).witness) // with one
	f.Add([]byte(nil))
	f.Add([]byte("doorcode witness 1\n0000000000000000\n"))
	f.Add([]byte("doorcode witness 1\n0000000000000000"))
	f.Add([]byte("doorcode witness 1\n+000000000000001\n"))
	f.Add([]byte("doorcode witness 2\n0000000000000000\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if again, ok := boltstore.ReencodeWitness(raw); ok && !bytes.Equal(again, raw) {
			t.Errorf("%q was read and written as %q", raw, again)
		}
	})
}
