// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package keyring derives every key that Doorcode needs from one root secret.
//
// The operator keeps one secret outside the record store. A [Ring] made of it
// gives each purpose keys of its own, found by a [Label]: a leaked or broken
// purpose then says nothing about another, and nothing in the store can be
// read or tried out without the root.
//
// What is derived here ends up in stored records and in cookies. Changing a
// label or a derivation therefore signs everybody out and forgets everybody's
// counters; the tests pin the results.
package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"maps"
	"sync/atomic"
)

// Errors of this package.
var (
	// ErrShort says that a root secret has fewer than 32 bytes.
	ErrShort = errors.New("the secret has fewer than 32 bytes")
	// ErrWeak says that a root secret is long enough but plainly not random.
	ErrWeak = errors.New("the secret repeats too few different bytes")
	// ErrOpen says that sealed bytes were changed, cut, made under another
	// root or label, or bound to something else. It does not say which.
	ErrOpen = errors.New("the sealed value does not open")
)

// A Label names one purpose, such as "door" or "cookie/flow". Each label has
// keys that no other label has. Labels are constants of the code that uses
// them: a Ring remembers every label it is asked for, so one that came from a
// request would fill the memory.
type Label string

const (
	rootSize = 32
	keySize  = 32

	// The salt keeps our keys apart from those of other software that was
	// given the same secret.
	salt = "github.com/doorcode/caddy-doorcode"

	fingerprintLabel Label = "keyring/fingerprint"
)

// A Ring holds the keys derived from one root secret. It is safe for
// concurrent use, takes no lock, and prints as "[secret]".
type Ring struct {
	redacted

	// A pointer, since fmt calls no method of a Ring in another's unexported
	// field and follows the pointer to the Ring for some verbs; not this one.
	prk *[sha256.Size]byte

	// keys is replaced, never written: there are about a dozen labels, each
	// is added once, and all are read on requests.
	keys atomic.Pointer[map[Label]*subkeys]
}

// subkeys are the keys of one label, one for each use of it. A MAC is shown to
// the outside, so the key that makes it must not also seal or stream.
type subkeys struct {
	mac    [keySize]byte
	stream [keySize]byte
	aead   cipher.AEAD
}

// New makes a Ring of root, of which it keeps no part.
// It returns [ErrShort] for fewer than 32 bytes and [ErrWeak] if all bytes are
// the same, as those of a buffer that nobody filled.
func New(root []byte) (*Ring, error) {
	if len(root) < rootSize {
		return nil, ErrShort
	}
	if distinct(root) == 1 {
		return nil, ErrWeak
	}
	prk, err := hkdf.Extract(sha256.New, root, []byte(salt))
	if err != nil {
		return nil, fmt.Errorf("extracting the root key: %w", err)
	}
	r := &Ring{prk: (*[sha256.Size]byte)(prk)}
	k, err := r.derive(fingerprintLabel)
	if err != nil {
		return nil, fmt.Errorf("deriving keys: %w", err)
	}
	r.keys.Store(&map[Label]*subkeys{fingerprintLabel: k})
	return r, nil
}

// MAC returns the HMAC-SHA-256 of parts under the key of label. Each part goes
// in with its length, so ("ab", "c") and ("a", "bc") have different MACs.
func (r *Ring) MAC(label Label, parts ...[]byte) [sha256.Size]byte {
	return mac(&r.of(label).mac, parts)
}

// Fingerprint returns 16 characters that tell one root secret from another
// and may be shown to anyone.
func (r *Ring) Fingerprint() string {
	sum := r.MAC(fingerprintLabel)
	return hex.EncodeToString(sum[:8])
}

// of returns the keys of label, and derives them the first time.
func (r *Ring) of(label Label) *subkeys {
	if k, ok := (*r.keys.Load())[label]; ok {
		return k
	}
	k, err := r.derive(label)
	if err != nil {
		// Sizes are constants and New has derived once: only a broken build
		// gets here, and it must not go on with an empty key.
		panic("keyring: deriving keys: " + err.Error())
	}
	for {
		old := r.keys.Load()
		next := maps.Clone(*old)
		next[label] = k
		if r.keys.CompareAndSwap(old, &next) {
			return k
		}
	}
}

func (r *Ring) derive(label Label) (*subkeys, error) {
	k := new(subkeys)
	var seal [keySize]byte
	for _, use := range []struct {
		name string
		key  *[keySize]byte
	}{{"mac/", &k.mac}, {"stream/", &k.stream}, {"seal/", &seal}} {
		out, err := hkdf.Expand(sha256.New, r.prk[:], use.name+string(label), keySize)
		if err != nil {
			return nil, err
		}
		copy(use.key[:], out)
	}
	block, err := aes.NewCipher(seal[:])
	if err != nil {
		return nil, err
	}
	k.aead, err = cipher.NewGCMWithRandomNonce(block)
	return k, err
}

func mac(key *[keySize]byte, parts [][]byte) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, key[:])
	for _, part := range parts {
		frame(h, part)
	}
	h.Sum(sum[:0])
	return sum
}

// frame writes part and its length, so that no two lists of parts make the
// same bytes.
func frame(h hash.Hash, part []byte) {
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(part)))
	h.Write(size[:])
	h.Write(part)
}
