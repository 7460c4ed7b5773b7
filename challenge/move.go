// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// Moved tells what went along from one store to another.
type Moved struct {
	People     int
	Doors      int // addresses, with what was counted at them
	Networks   int // client networks, with what was counted of them
	Keys       int // signing keys
	Challenges int // open ones, which have ended
	// PutBack: the source is a copy, and what it lets in may have been ended since
	// it was made. Nobody stays signed in by it, or remembered.
	PutBack bool
}

// keyNetwork begins the names of the records of networks.
const keyNetwork = "net/"

// kinds are the kinds of records, as their names begin. Those without a slash are
// one record. Mails that wait are none that goes along: copied again, they would be sent
// twice.
var kinds = []string{keyKeys, keyEnds, keyBudget, keyPerson, keyDoor, keyNetwork, keyMoved, keyMachine, keyActivity, keyBelongings, keyErasures, keySpool}

// Errors that say why nothing was written.
var (
	errNoLister    = errors.New("the store cannot list its records")
	errNoKeys      = errors.New("it has records but no signing keys, by which their secret could be told")
	errUnknownKind = errors.New("there are records of a later version")
	errBusySource  = errors.New("a machine has used it within the last ten seconds, and what is ended there afterwards would not be known here: stop every Caddy that uses it, and try again")
)

// Move copies what is kept from one store into another, which may hold records of
// its own already: then two records of the same thing become one. People, keys and
// counters go along. Open challenges end. Nobody is signed out, what was ended at
// either store stays ended, and the same once more, or again after it was
// interrupted, comes to the same; see [Moved] for a source that is a copy.
//
// Both are kept under the root secret of ring; [ErrOtherSecret] reports one that is
// not. That, a record that cannot be read, and one of a later version are found
// before anything is written. Both must be a [Lister]. The source is changed in one
// way: it notes what has been copied, so that copying back revives nothing; one that
// refuses with [errors.ErrUnsupported] does without.
//
// The source should rest meanwhile. The destination may be in use.
func Move(ctx context.Context, from, to Store, ring *keyring.Ring) (Moved, error) {
	m := &mover{from: newRecords(from), to: newRecords(to), ring: ring}
	steps := []struct {
		doing string
		do    func(context.Context) error
	}{
		{"looking at the source", m.survey(m.from)},
		{"looking at the destination", m.survey(m.to)},
		{"reading the source", m.check},
		{"preparing the destination", m.prepare},
		{"copying keys", m.moveKeys},
		{"copying ended sessions", m.applyEnds},
		{"copying people", m.all(keyPerson, m.movePerson)},
		{"copying ways in", m.all(keyBelongings, m.moveBelongings)},
		{"copying who asked to be forgotten", m.moveErasures},
		{"copying activity", m.all(keyActivity, m.moveActivity)},
		{"copying counters of addresses", m.all(keyDoor, m.moveDoor)},
		{"copying counters of networks", m.all(keyNetwork, m.moveNetwork)},
		{"copying the count of mails", m.moveBudget},
		{"telling of ended sessions", m.tellEnds},
	}
	for _, step := range steps {
		if err := step.do(ctx); err != nil {
			return m.moved(), fmt.Errorf("%s: %w", step.doing, err)
		}
	}
	return m.moved(), nil
}

// A mover copies one store into another.
type mover struct {
	from, to *records
	ring     *keyring.Ring

	ends    overlap
	keys    []byte // of the source, in clear text
	putBack bool   // the source is a copy

	people, doors, networks, challenges atomic.Int64
	keyCount                            int
}

func (m *mover) moved() Moved {
	return Moved{
		People: int(m.people.Load()), Doors: int(m.doors.Load()), Networks: int(m.networks.Load()),
		Keys: m.keyCount, Challenges: int(m.challenges.Load()), PutBack: m.putBack,
	}
}

// survey looks at which kinds of records a store has, and whether they are kept
// under the secret.
func (m *mover) survey(s *records) func(context.Context) error {
	return func(ctx context.Context) error {
		has, err := kindsIn(ctx, s)
		if err != nil {
			return err
		}
		for _, kind := range has {
			if !slices.Contains(kinds, kind) {
				return fmt.Errorf("%w: %q", errUnknownKind, kind)
			}
		}
		if s == m.from && slices.Contains(has, keyMachine) {
			return errBusySource
		}
		plain, err := m.openKeys(ctx, s)
		if err != nil {
			return err
		}
		if plain == nil && len(has) > 0 {
			return errNoKeys
		}
		ring, err := read[endRing](ctx, s, keyEnds)
		if err != nil {
			return &recordError{keyEnds, err}
		}
		s.epoch.Store(ring.Epoch)
		s.evict(ring.Evicted)
		if s == m.from {
			m.keys, m.putBack = plain, putBack(s)
		}
		return nil
	}
}

// kindsIn lists the kinds of records that a store has, without looking at each.
func kindsIn(ctx context.Context, s *records) (has []string, err error) {
	lister, ok := s.Store.(Lister)
	if !ok {
		return nil, errNoLister
	}
	for after := ""; ; {
		keys, err := lister.List(ctx, "", after, 1)
		if err != nil || len(keys) == 0 {
			return has, err
		}
		kind := recordKind(keys[0])
		if !slices.Contains(has, kind) {
			has = append(has, kind)
		}
		after = keys[0]
		if strings.HasSuffix(kind, "/") {
			after = max(after, kind+"\xff") // names are ASCII
		}
	}
}

func recordKind(key string) string {
	if i := strings.IndexByte(key, '/'); i >= 0 {
		return key[:i+1]
	}
	return key
}

// openKeys opens the signing keys of a store; nil where it has none.
func (m *mover) openKeys(ctx context.Context, s *records) (plain []byte, err error) {
	sealed, err := s.Get(ctx, keyKeys)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if plain, err = m.ring.Open(labelKeys, sealed, nil); err != nil {
		return nil, ErrOtherSecret
	}
	keys, err := sessions.ParseKeys(plain)
	if err == nil && s == m.from {
		m.keyCount = len(keys.List(time.Unix(0, 0)))
	}
	return plain, err
}

// putBack reports whether a store was put back from a copy, and nobody has dealt
// with that yet.
func putBack(s *records) bool {
	r, ok := s.Store.(restorable)
	return ok && r.Restored()
}

// prepare makes sure that a destination which is a copy itself revives nothing. It
// is the first that is written.
func (m *mover) prepare(ctx context.Context) error {
	if !putBack(m.to) {
		return nil
	}
	var epoch int64
	err := change(ctx, m.to, keyEnds, func(r *endRing, now time.Time) error {
		epoch = r.putBack(now, m.to.epoch.Load())
		return nil
	})
	if err != nil {
		return err
	}
	m.to.epoch.Store(epoch)
	return m.to.Store.(restorable).Settle()
}

// moveKeys adds the keys of the source to those of the destination, so that what
// they have signed goes on verifying.
func (m *mover) moveKeys(ctx context.Context) error {
	if m.keys == nil {
		return nil
	}
	err := m.to.Update(ctx, keyKeys, func(old []byte, _ time.Time) ([]byte, time.Duration, error) {
		var ours []byte
		if len(old) > 0 {
			var err error
			if ours, err = m.ring.Open(labelKeys, old, nil); err != nil {
				return nil, 0, ErrOtherSecret
			}
		}
		out, changed, err := sessions.Merge(ours, m.keys)
		if err == nil && !changed {
			err = errUnchanged
		}
		return m.ring.Seal(labelKeys, out, nil), 0, err
	})
	return kept(err)
}
