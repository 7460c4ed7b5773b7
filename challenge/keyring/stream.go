// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
)

// Stream returns an endless sequence of bytes that only label and parts (told
// apart as in [Ring.MAC]) decide: HMAC-SHA-256 in counter mode. Codes are drawn
// from it, so that they need not be stored. Its Read always fills the buffer
// and never fails. One stream must not be read concurrently.
func (r *Ring) Stream(label Label, parts ...[]byte) io.Reader {
	seed := mac(&r.of(label).stream, parts)
	return &stream{blocks: &blocks{mac: hmac.New(sha256.New, seed[:])}}
}

// Two pointers deep, as fmt follows one even out of an unexported field when
// the verb does not suit it.
type stream struct {
	redacted
	blocks *blocks
}

func (s *stream) Read(p []byte) (int, error) {
	for n := 0; n < len(p); {
		n += s.blocks.read(p[n:])
	}
	return len(p), nil
}

type blocks struct {
	mac  hash.Hash // keyed with the seed
	next uint64    // number of the block that comes next
	rest []byte    // what is left of the last block
}

func (b *blocks) read(p []byte) int {
	if len(b.rest) == 0 {
		var number [8]byte
		binary.BigEndian.PutUint64(number[:], b.next)
		b.next++
		b.mac.Reset()
		b.mac.Write(number[:])
		b.rest = b.mac.Sum(nil)
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n
}
