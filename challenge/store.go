// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrNotFound reports that there is no live record under the key.
var ErrNotFound = errors.New("no such record")

// ErrClosed reports that the store has been closed; a request that meets it
// is answered 503.
var ErrClosed = errors.New("store is closed")

// A Store keeps small records that expire.
//
// It is safe for concurrent use. An error other than [ErrNotFound] means that
// the machine is in trouble, never that a visitor did something wrong. The
// byte slices passed and returned belong to their receiver.
type Store interface {
	// Get returns the live record under key, or ErrNotFound.
	Get(ctx context.Context, key string) ([]byte, error)

	// Update replaces the record under key with what edit returns, with no
	// other Update of that key in between. old is nil when there is no live
	// record, now is the store's own time. A nil result removes the record; a
	// ttl of zero or less means that it does not expire. An error of edit is
	// returned as it is and leaves the record alone.
	//
	// edit may run more than once: what it decides must leave through variables
	// that every run sets anew. What it must keep, such as a wrong try, is
	// therefore never an error.
	Update(ctx context.Context, key string,
		edit func(old []byte, now time.Time) (new []byte, ttl time.Duration, err error)) error
}

// A Lossy is a Store that can come back as it was some time ago, without updates
// that it had acknowledged: a server that fails over to a replica, or is started
// again from a snapshot. A run is a stretch of time through which one server lost
// nothing; each has a name that no other run has.
type Lossy interface {
	Store

	// GetRun is Get, and names the run of the server that answered, also with
	// ErrNotFound.
	GetRun(ctx context.Context, key string) (value []byte, run string, err error)

	// UpdateRun is Update, and tells edit the run of the server that keeps the
	// record.
	UpdateRun(ctx context.Context, key string,
		edit func(old []byte, now time.Time, run string) (new []byte, ttl time.Duration, err error)) error

	// Runs names the runs of all servers that accept updates, as one text that
	// changes when any of them does.
	Runs(ctx context.Context) (string, error)
}

// A Replicated is a Store whose server has replicas that may take its place.
type Replicated interface {
	// Replicated returns once a replica holds the last update of a record, or an
	// error when none does in time. Where there are no replicas it returns nil.
	Replicated(ctx context.Context, key string) error
}

// A Lister lists keys with a prefix, in order, starting after the given key.
// It serves an operator's commands and is never used on a request.
type Lister interface {
	List(ctx context.Context, prefix, after string, n int) (keys []string, err error)
}

// A versioned record says which format it is in. One of a later version may hold
// locks that this version knows nothing of, and would lose.
type versioned interface{ format() (is, known int) }

// errUnreadable reports a record that is damaged, or of a later version.
var errUnreadable = errors.New("reading stored record")

// decode reads a stored record. A record that cannot be read is an error of
// the machine: treating it as missing would forget a lock.
func decode(raw []byte, record any) error {
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, record); err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	if r, ok := record.(versioned); ok {
		if is, known := r.format(); is > known {
			return fmt.Errorf("%w: it has format %d, of a later version; this one knows format %d", errUnreadable, is, known)
		}
	}
	return nil
}
