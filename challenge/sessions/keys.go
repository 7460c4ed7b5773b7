// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"
)

var (
	// ErrKeys says that a stored key set cannot be used. What wraps it says which
	// key is wrong, and shows nothing of it.
	ErrKeys = errors.New("the stored signing keys are unreadable")
	// ErrFull says that a key set has no room for another key before some that
	// still verify have run out.
	ErrFull = errors.New("there are too many signing keys that still verify")
)

const (
	keysVersion = 1
	maxKeys     = 64
	maxKeySet   = 64 << 10 // bytes of a stored set
	maxKeyID    = 64
)

// A use is what a key may sign. Each kind of token has keys of its own, so
// that none can stand in for another (RFC 8725, 3.12).
type use string

const (
	useSession   use = "session"
	useAssertion use = "assertion"
)

// A kind of keys: at any time, one of each signs.
type kind struct {
	use       use
	algorithm Algorithm
}

var kinds = [...]kind{
	{useSession, ES256},
	{useSession, EdDSA},
	{useSession, HS256},
	{useAssertion, ES256},
}

// Keys are the signing keys of an installation. The zero value has none. Keys
// prints as "[secret]".
type Keys struct {
	redacted
	list []*key
}

type key struct {
	redacted
	kind
	id      string
	created int64 // Unix seconds, as the other times
	from    int64 // when it begins to sign; zero: it has begun
	until   int64 // when it verifies no more; zero: not known yet
	merged  bool  // it signed elsewhere, and only verifies

	// A pointer, since fmt calls no method of Keys in another's unexported
	// field and follows the pointers of list for some verbs; not this one.
	*material
}

// begins is when a key signs for the first time.
func (k *key) begins() int64 {
	if k.from > 0 {
		return k.from
	}
	return within(k.created)
}

// over reports whether a key verifies nothing any more.
func (k *key) over(now int64) bool { return k.until > 0 && k.until <= now }

// lasts reports whether a key can sign until somebody gives it a successor.
func (k *key) lasts() bool { return k.until == 0 && !k.merged }

// within returns a time that a stored key can carry.
func within(t int64) int64 { return min(max(t, 1), lastSecond) }

// Ensure returns the key set plain with the keys that must be in it: one that
// signs sessions with algorithm (zero means ES256), and one that signs
// assertions. Nil or empty plain is a set without keys. If changed is true, out
// must be stored, encrypted, before anything is signed; else out is plain.
// Ensure never removes a key, so what older keys signed still verifies.
// It returns [ErrKeys], [ErrFull] or [ErrAlgorithm].
func Ensure(plain []byte, algorithm Algorithm, now time.Time) (out []byte, changed bool, err error) {
	if algorithm == "" {
		algorithm = ES256
	}
	if err := algorithm.Known(); err != nil {
		return nil, false, err
	}
	d, err := newDraft(plain)
	if err != nil {
		return nil, false, err
	}
	for _, want := range [...]kind{{useSession, algorithm}, {useAssertion, ES256}} {
		if lasting(d.keys, want) {
			continue
		}
		if err := d.draw(want, now, 0); err != nil {
			return nil, false, err
		}
	}
	return d.finish()
}

// ParseKeys reads a key set that [Ensure] wrote. It returns [ErrKeys].
func ParseKeys(plain []byte) (Keys, error) {
	if len(plain) == 0 {
		return Keys{}, ErrKeys
	}
	d, err := newDraft(plain)
	if err != nil {
		return Keys{}, err
	}
	return Keys{list: d.keys}, nil
}

func drawKey(of kind, now time.Time, from int64) (json.RawMessage, error) {
	private, err := of.algorithm.draw()
	if err != nil {
		return nil, err
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	return json.Marshal(storedKey{
		ID:        strict.EncodeToString(id[:]),
		Use:       of.use,
		Algorithm: of.algorithm,
		Created:   now.Unix(),
		From:      from,
		Private:   strict.EncodeToString(private),
	})
}

func decodeKey(raw []byte) (*key, error) {
	var s storedKey
	if json.Unmarshal(raw, &s) != nil {
		return nil, errors.New("not a key")
	}
	if s.ID == "" || len(s.ID) > maxKeyID {
		return nil, errors.New("no usable id")
	}
	if s.Use != useSession && s.Use != useAssertion {
		return nil, errors.New("unknown use")
	}
	// Apps verify assertions, and no secret is shared with them.
	if s.Use == useAssertion && s.Algorithm != ES256 {
		return nil, errors.New("not an assertion key")
	}
	for _, t := range [...]int64{s.From, s.Until} {
		if t < 0 || t > lastSecond {
			return nil, errors.New("a time that is none")
		}
	}
	private, err := strict.DecodeString(s.Private)
	if err != nil || len(private) == 0 || bytes.Count(private, private[:1]) == len(private) {
		return nil, errors.New("no private part")
	}
	m, err := s.Algorithm.restore(private)
	if err != nil {
		return nil, err
	}
	return &key{
		kind: kind{s.Use, s.Algorithm}, id: s.ID,
		created: s.Created, from: s.From, until: s.Until, merged: s.Merged, material: &m,
	}, nil
}
