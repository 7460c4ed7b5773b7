// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

const (
	// keyKeys names the record of the signing keys, which are sealed under the root
	// secret.
	keyKeys = "keys"
	// keysAhead is how long a key is published before it signs. Answers of
	// jwks.json are kept for five minutes, machines look for keys every second.
	keysAhead = time.Hour
	// shortestOverlap is how long a key verifies at least after it signed last.
	shortestOverlap = day
)

// keysPatience is for how many looks a machine whose store was away at the start
// waits for others to write back the keys that the store has lost, before it makes
// its own: it may have another secret, and nobody could tell it yet.
const keysPatience = 4

var errKeysAwaited = errors.New("there are no signing keys; another machine may bring them back")

// ErrOtherSecret reports records that were kept under another root secret.
var ErrOtherSecret = errors.New("the records were kept under another secret")

// signing is what this process knows of the keys that all machines share.
type signing struct {
	set      atomic.Pointer[keySet] // nil: not read yet
	every    atomic.Int64           // nanoseconds after which a key is replaced; 0: never
	longest  atomic.Int64           // nanoseconds that a session lasts at most
	replaced atomic.Bool            // the stored keys were another secret's

	mu     sync.Mutex // guards below; one load at a time
	wanted []sessions.Algorithm
	late   bool // the store was away when the keys were read first
	found  int  // how often there were none, since
}

// A keySet are the keys as they are stored.
type keySet struct {
	sealed []byte
	keys   sessions.Keys
}

// Rotate has signing keys replaced after a time, on all machines; zero: never.
func (h *House) Rotate(every time.Duration) { h.signing.every.Store(int64(every)) }

// KeyList describes the signing keys. It is empty until the store has answered.
func (h *House) KeyList(now time.Time) []sessions.KeyInfo {
	set := h.signing.set.Load()
	if set == nil {
		return nil
	}
	return set.keys.List(now)
}

// RotateKeys gives each signing key a successor, which takes over in an hour: apps
// that keep a copy of jwks.json have it by then. Nobody is signed out.
func (h *House) RotateKeys(ctx context.Context) ([]sessions.KeyInfo, error) {
	err := h.loadKeys(ctx, func(plain []byte, now time.Time) ([]byte, bool, error) {
		return sessions.Replace(plain, h.rotation(), now)
	})
	if err != nil {
		return nil, err
	}
	return h.KeyList(h.now()), nil
}

func (h *House) rotation() sessions.Rotation {
	longest := max(time.Duration(h.signing.longest.Load()), shortestOverlap) + lately // whose session it was matters as long
	return sessions.Rotation{Every: time.Duration(h.signing.every.Load()), Ahead: keysAhead, Session: longest}
}

// want makes sure that there is a key for the algorithm from the next load on.
func (s *signing) want(a sessions.Algorithm, life time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.longest.Store(max(s.longest.Load(), int64(life)))
	if !slices.Contains(s.wanted, a) {
		s.wanted = append(s.wanted, a)
	}
}

// A keyEdit changes a set of keys in clear text.
type keyEdit func(plain []byte, now time.Time) (out []byte, changed bool, err error)

// loadKeys reads the keys, makes those that are wanted, and gives those that are
// due their successors. All machines do so; the first one to write decides.
func (h *House) loadKeys(ctx context.Context, edits ...keyEdit) error {
	s := &h.signing
	s.mu.Lock()
	defer s.mu.Unlock()
	sealed, err := h.store.Get(ctx, keyKeys)
	if err != nil && !errors.Is(err, ErrNotFound) {
		s.late = s.set.Load() == nil
		return fmt.Errorf("reading signing keys: %w", err)
	}
	if err != nil && s.late && s.found < keysPatience && s.set.Load() == nil {
		s.found++
		return errKeysAwaited
	}
	edits = append([]keyEdit{h.ensured, h.rotated}, edits...)
	if set := s.set.Load(); set != nil && !bytes.Equal(set.sealed, sealed) {
		// Somebody changed them, or made others where a store had lost these.
		edits = append([]keyEdit{h.mended}, edits...)
	}
	out, changed, err := h.editKeys(sealed, h.now(), edits)
	if err == nil && changed {
		err = h.store.Update(ctx, keyKeys, func(old []byte, now time.Time) (_ []byte, _ time.Duration, err error) {
			if out, changed, err = h.editKeys(old, now, edits); err == nil && !changed {
				err = errUnchanged
			}
			return out, 0, err
		})
	}
	if err != nil && !errors.Is(err, errUnchanged) {
		return fmt.Errorf("keeping signing keys: %w", err)
	}
	return h.useKeys(ctx, out)
}

// useKeys signs and verifies with stored keys from now on.
func (h *House) useKeys(ctx context.Context, sealed []byte) error {
	before := h.signing.set.Load()
	if before != nil && bytes.Equal(before.sealed, sealed) {
		return nil
	}
	plain, err := h.ring.Open(labelKeys, sealed, nil)
	if err != nil {
		return ErrOtherSecret
	}
	keys, err := sessions.ParseKeys(plain)
	if err != nil {
		return err
	}
	h.signing.set.Store(&keySet{sealed, keys})
	if now := h.now(); before != nil && waiting(keys.List(now)) > waiting(before.keys.List(now)) {
		h.tell(ctx, Event{Name: KeysRotated})
	}
	return nil
}

// waiting counts the keys that have yet to take over.
func waiting(keys []sessions.KeyInfo) (n int) {
	for _, k := range keys {
		if k.State == sessions.KeyNext {
			n++
		}
	}
	return n
}

// ensured adds the keys that are wanted.
func (h *House) ensured(plain []byte, now time.Time) (out []byte, changed bool, err error) {
	for _, algorithm := range h.signing.wanted {
		var made bool
		if plain, made, err = sessions.Ensure(plain, algorithm, now); err != nil {
			return nil, false, err
		}
		changed = changed || made
	}
	return plain, changed, nil
}

// rotated adds successors, and drops keys whose time is over.
func (h *House) rotated(plain []byte, now time.Time) (out []byte, changed bool, err error) {
	if len(plain) == 0 {
		return plain, false, nil
	}
	return sessions.Rotate(plain, h.rotation(), now)
}

// mended adds the keys that this machine knows to those that a store came back
// with: what they signed must go on verifying.
func (h *House) mended(plain []byte, _ time.Time) (out []byte, changed bool, err error) {
	set := h.signing.set.Load()
	if set == nil {
		return plain, false, nil
	}
	ours, err := h.ring.Open(labelKeys, set.sealed, nil)
	if err != nil {
		return nil, false, ErrOtherSecret
	}
	return sessions.Merge(plain, ours)
}

// editKeys opens the keys, edits them, and seals them if that changed them.
func (h *House) editKeys(sealed []byte, now time.Time, edits []keyEdit) (out []byte, changed bool, err error) {
	opened, gone, err := h.openKeys(sealed)
	if err != nil {
		return nil, false, err
	}
	plain := opened
	for _, edit := range edits {
		if plain, _, err = edit(plain, now); err != nil {
			return nil, false, err
		}
	}
	if !gone && bytes.Equal(plain, opened) {
		return sealed, false, nil
	}
	return h.ring.Seal(labelKeys, plain, nil), true, nil
}

// openKeys opens stored keys. Where the record is gone, as from a Redis that
// evicts, the keys that this machine knows are stored again.
func (h *House) openKeys(sealed []byte) (plain []byte, changed bool, err error) {
	if len(sealed) == 0 {
		set := h.signing.set.Load()
		if set == nil {
			return nil, false, nil
		}
		sealed, changed = set.sealed, true
	}
	plain, err = h.ring.Open(labelKeys, sealed, nil)
	switch {
	case err == nil:
		return plain, changed, nil
	case h.shared:
		// Other machines use the records under the secret that they have.
		return nil, false, ErrOtherSecret
	default:
		// Whoever set another secret wants everybody to sign in again, and whoever
		// lost the old one has no other way on. New keys trust nothing that was
		// signed before.
		h.signing.replaced.Store(true)
		return nil, true, nil
	}
}

// An issue is an issuer with the keys that it was made of.
type issue struct {
	of     *keySet
	issuer *sessions.Issuer
}

// issuer signs and checks with the keys that are known now.
func (g *Gate) issuer() (*sessions.Issuer, error) {
	set := g.house.signing.set.Load()
	if set == nil {
		return nil, fmt.Errorf("%w: the signing keys have not been read yet", ErrUnavailable)
	}
	if made := g.issues.Load(); made != nil && made.of == set {
		return made.issuer, nil
	}
	h := g.house
	issuer, err := sessions.NewIssuer(sessions.IssuerOptions{
		Keys: set.keys, Algorithm: g.algorithm,
		MAC:  h.sessionMAC,
		Seal: func(plain, bound []byte) []byte { return h.ring.Seal(labelClaims, plain, bound) },
		Open: func(sealed, bound []byte) ([]byte, error) { return h.ring.Open(labelClaims, sealed, bound) },
	})
	if err != nil {
		return nil, err
	}
	g.issues.Store(&issue{set, issuer})
	return issuer, nil
}
