// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ErrKeys says that a stored key set cannot be used. What wraps it says which
// key is wrong, and shows nothing of it.
var ErrKeys = errors.New("the stored signing keys are unreadable")

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

// Keys are the signing keys of an installation. The zero value has none. Keys
// prints as "[secret]".
type Keys struct {
	redacted
	list []*key
}

type key struct {
	redacted
	id        string
	use       use
	algorithm Algorithm
	created   int64 // Unix seconds

	// A pointer, since fmt calls no method of Keys in another's unexported
	// field and follows the pointers of list for some verbs; not this one.
	*material
}

// The stored form. Keys stay encoded until needed, so that a field which a
// later version added outlives this one.
type storedKeys struct {
	Version int               `json:"version"`
	Keys    []json.RawMessage `json:"keys"`
}

type storedKey struct {
	ID        string    `json:"kid"`
	Use       use       `json:"use"`
	Algorithm Algorithm `json:"alg"`
	Created   int64     `json:"created"`
	Private   string    `json:"private"`
}

// Ensure returns the key set plain with the keys that must be in it: one that
// signs sessions with algorithm (zero means ES256), and one that signs
// assertions. Nil or empty plain is a set without keys. If changed is true, out
// must be stored, encrypted, before anything is signed; else out is plain.
// Ensure never removes a key, so what older keys signed still verifies.
// It returns [ErrKeys] or [ErrAlgorithm].
func Ensure(plain []byte, algorithm Algorithm, now time.Time) (out []byte, changed bool, err error) {
	if algorithm == "" {
		algorithm = ES256
	}
	if err := algorithm.Known(); err != nil {
		return nil, false, err
	}
	stored, keys := storedKeys{Version: keysVersion}, Keys{}
	if len(plain) > 0 {
		if stored, keys, err = decodeKeys(plain); err != nil {
			return nil, false, err
		}
	}
	for _, want := range []key{{use: useSession, algorithm: algorithm}, {use: useAssertion, algorithm: ES256}} {
		if keys.newest(want.use, want.algorithm) != nil {
			continue
		}
		raw, err := drawKey(want.use, want.algorithm, now)
		if err != nil {
			return nil, false, fmt.Errorf("making a signing key: %w", err)
		}
		stored.Keys, changed = append(stored.Keys, raw), true
	}
	if !changed {
		return plain, false, nil
	}
	if out, err = json.Marshal(stored); err != nil {
		return nil, false, fmt.Errorf("encoding signing keys: %w", err)
	}
	return out, true, nil
}

// ParseKeys reads a key set that [Ensure] wrote. It returns [ErrKeys].
func ParseKeys(plain []byte) (Keys, error) {
	_, keys, err := decodeKeys(plain)
	return keys, err
}

// newest returns the youngest key for a use and an algorithm, or nil. Of two
// keys of one second, it is the one further down, on every machine.
func (k Keys) newest(u use, a Algorithm) (found *key) {
	for _, c := range k.list {
		if c.use == u && c.algorithm == a && (found == nil || c.created >= found.created) {
			found = c
		}
	}
	return found
}

func drawKey(u use, a Algorithm, now time.Time) (json.RawMessage, error) {
	private, err := a.draw()
	if err != nil {
		return nil, err
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	return json.Marshal(storedKey{
		ID:        strict.EncodeToString(id[:]),
		Use:       u,
		Algorithm: a,
		Created:   now.Unix(),
		Private:   strict.EncodeToString(private),
	})
}

func decodeKeys(plain []byte) (storedKeys, Keys, error) {
	var stored storedKeys
	// The decoder's error might quote what it stumbled on.
	if len(plain) > maxKeySet || json.Unmarshal(plain, &stored) != nil {
		return storedKeys{}, Keys{}, ErrKeys
	}
	if stored.Version != keysVersion {
		return storedKeys{}, Keys{}, fmt.Errorf("%w: version %d is not %d", ErrKeys, stored.Version, keysVersion)
	}
	if len(stored.Keys) > maxKeys {
		return storedKeys{}, Keys{}, fmt.Errorf("%w: %d keys are too many", ErrKeys, len(stored.Keys))
	}
	var keys Keys
	seen := map[string]bool{}
	for n, raw := range stored.Keys {
		k, err := decodeKey(raw)
		if err == nil && seen[k.id] {
			err = errors.New("its id is not its own")
		}
		if err != nil {
			return storedKeys{}, Keys{}, fmt.Errorf("%w: key %d: %w", ErrKeys, n+1, err)
		}
		seen[k.id] = true
		keys.list = append(keys.list, k)
	}
	return stored, keys, nil
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
	private, err := strict.DecodeString(s.Private)
	if err != nil || len(private) == 0 || bytes.Count(private, private[:1]) == len(private) {
		return nil, errors.New("no private part")
	}
	m, err := s.Algorithm.restore(private)
	if err != nil {
		return nil, err
	}
	return &key{id: s.ID, use: s.Use, algorithm: s.Algorithm, created: s.Created, material: &m}, nil
}

// A signer signs and verifies one type of token with one key.
type signer struct {
	redacted
	*key
	typ    string
	prefix string // the first segment of all its tokens
	parser *jwt.Parser
}

func newSigner(k *key, typ string) *signer {
	s := &signer{key: k, typ: typ, parser: jwt.NewParser(
		// The algorithm is the key's, whatever the token says.
		jwt.WithValidMethods([]string{string(k.algorithm)}),
		jwt.WithStrictDecoding(),
		jwt.WithoutClaimsValidation(),
	)}
	// Never fails: a map of strings and no claims.
	text, _ := s.token(jwt.MapClaims{}).SigningString()
	s.prefix, _, _ = strings.Cut(text, ".")
	return s
}

func (s *signer) token(c jwt.Claims) *jwt.Token {
	t := jwt.NewWithClaims(s.method, c)
	t.Header["kid"], t.Header["typ"] = s.id, s.typ
	return t
}

func (s *signer) sign(c jwt.Claims) (string, error) {
	return s.token(c).SignedString(s.signing)
}
