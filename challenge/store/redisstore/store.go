// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/doorcode/caddy-doorcode/challenge"
)

var (
	// ErrUnsure reports an Update of which it is not known whether it was
	// kept: the connection broke before the answer, and somebody else has
	// changed the record since, or the server did not come back. It was not
	// kept twice, and it will not be kept any more after three timeouts.
	ErrUnsure = errors.New("it is not known whether redis kept this")

	// ErrBusy reports an Update before which somebody else always came.
	ErrBusy = errors.New("too many others change this record")

	errReplica = errors.New("asking redis: this server is a replica, or does not say what it is")
)

const (
	// patience is for how many timeouts after a record was seen it may still
	// be replaced: what a slow answer, an edit and a slow connection take.
	patience = 3

	// maxConflicts bounds how often an edit runs, and freeConflicts how often
	// without a wait before it.
	maxConflicts  = 1000
	freeConflicts = 3
	maxPause      = 16 * time.Millisecond
)

// A Store keeps records in Redis. It is a [challenge.Store], a
// [challenge.Lossy], a [challenge.Replicated] and a [challenge.Lister].
//
// Any method may return [ErrAway], [ErrRefused] or [ErrUnreadable], or what
// else the server had against it.
type Store struct {
	servers   servers
	outages   outages
	turns     turns
	prefix    string
	timeout   time.Duration
	passwords []Password

	closing chan struct{} // closed by Close
	once    sync.Once
	err     error // of Close

	mu    sync.RWMutex // keeps calls from beginning while Close begins
	calls sync.WaitGroup
}

// Open returns a store. It connects to nothing: a server that is away is found
// out by the first call, so that a machine can start without it.
func Open(o Options) (*Store, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("opening store: %w", err)
	}
	o = o.withDefaults()
	hush()
	return &Store{
		servers:   connect(o),
		outages:   outages{away: make(map[string]*outage)},
		turns:     turns{keys: make(map[string]*turn)},
		prefix:    o.Prefix,
		timeout:   o.Timeout,
		passwords: []Password{o.Password, o.SentinelPassword},
		closing:   make(chan struct{}),
	}, nil
}

// Get returns the live record under key. It returns [challenge.ErrNotFound]
// where there is none and [challenge.ErrClosed] after Close.
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	end, err := s.begin(ctx, key)
	if err != nil {
		return nil, err
	}
	defer end()
	answer, _, err := s.ask(ctx, question{key: s.prefix + key})
	if errors.Is(err, redis.Nil) {
		return nil, challenge.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	text, _ := answer.(string)
	return record([]byte(text))
}

// GetRun is Get, and names the run of the server that answered, also with
// [challenge.ErrNotFound].
func (s *Store) GetRun(ctx context.Context, key string) (value []byte, run string, err error) {
	end, err := s.begin(ctx, key)
	if err != nil {
		return nil, "", err
	}
	defer end()
	seen, err := s.look(ctx, key, true)
	if err == nil && seen.raw == nil {
		err = challenge.ErrNotFound
	}
	return seen.old(), seen.run, err
}

// Update replaces the record under key with what edit returns. It returns the
// error of edit, or the context's, or [challenge.ErrClosed], and then nothing
// has changed; or [ErrUnsure]. A panic in edit becomes an error. edit runs
// again when another machine came first, and must not call Update with the
// same key. now is the time of the server that keeps the record.
func (s *Store) Update(ctx context.Context, key string,
	edit func(old []byte, now time.Time) ([]byte, time.Duration, error),
) error {
	return s.update(ctx, key, false, func(old []byte, now time.Time, _ string) ([]byte, time.Duration, error) {
		return edit(old, now)
	})
}

// UpdateRun is Update, and tells edit the run of the server that keeps the
// record. What edit decided is only kept by that run.
func (s *Store) UpdateRun(ctx context.Context, key string,
	edit func(old []byte, now time.Time, run string) ([]byte, time.Duration, error),
) error {
	return s.update(ctx, key, true, edit)
}

// Close lets the calls that have begun come to their end, refuses later ones,
// and closes the connections. Closing again returns what the first time did.
func (s *Store) Close() error {
	s.once.Do(func() {
		s.mu.Lock()
		close(s.closing)
		s.mu.Unlock()
		s.calls.Wait()
		if err := s.servers.close(); err != nil {
			s.err = fmt.Errorf("closing store: %w", err)
		}
	})
	return s.err
}

type edit = func(old []byte, now time.Time, run string) ([]byte, time.Duration, error)

func (s *Store) update(ctx context.Context, key string, named bool, change edit) error {
	end, err := s.begin(ctx, key)
	if err != nil {
		return err
	}
	defer end()
	giveBack, err := s.turns.take(ctx, key, s.closing)
	if err != nil {
		return err
	}
	defer giveBack()
	seen, err := s.look(ctx, key, named)
	if err != nil {
		return err
	}
	for n := range maxConflicts {
		if err := s.pause(ctx, n); err != nil {
			return err
		}
		value, ttl, err := safely(change, seen)
		if err != nil || value == nil && seen.raw == nil {
			return err
		}
		var kept bool
		w := newWrite(seen, value, ttl, patience*s.timeout)
		if kept, seen, err = s.write(ctx, key, w); kept || err != nil {
			return err
		}
	}
	return ErrBusy
}

func (s *Store) look(ctx context.Context, key string, named bool) (sight, error) {
	want := 0
	if named {
		want = 1
	}
	answer, _, err := s.ask(ctx, question{
		key:       s.prefix + key,
		script:    lookScript,
		arguments: func(bool) []any { return []any{want} },
	})
	if err != nil {
		return sight{}, err
	}
	return s.parse(answer, named)
}

func (s *Store) parse(answer any, named bool) (sight, error) {
	seen, err := parseSight(answer)
	if err == nil && named && seen.run == "" {
		err = errReplica
	}
	return seen, err
}

// write reports whether w was kept, or else what there is instead.
func (s *Store) write(ctx context.Context, key string, w write) (kept bool, now sight, err error) {
	answer, unsure, err := s.ask(ctx, question{
		key:       s.prefix + key,
		script:    writeScript,
		arguments: w.arguments,
		patient:   true,
	})
	switch {
	case err != nil && unsure:
		return false, sight{}, fmt.Errorf("%w: %w", ErrUnsure, err)
	case err != nil:
		return false, sight{}, err
	case answer == int64(1):
		return true, sight{}, nil
	}
	if now, err = s.parse(answer, w.run != ""); err != nil {
		return false, sight{}, err
	}
	if unsure && !w.untouched(now) {
		return false, sight{}, ErrUnsure
	}
	return false, now, nil
}

// begin admits a call unless the store is closed; end must be called after it.
func (s *Store) begin(ctx context.Context, key string) (end func(), err error) {
	if key == "" || len(key) > maxKey {
		return nil, fmt.Errorf("a key has 1 to %d bytes, not %d", maxKey, len(key))
	}
	return s.admit(ctx)
}

func (s *Store) admit(ctx context.Context) (end func(), err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	select {
	case <-s.closing:
		return nil, challenge.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.calls.Add(1)
	return s.calls.Done, nil
}

// pause waits before the n-th time that an edit runs: not at first, then for a
// random while, since machines that retry in step stay in each other's way.
func (s *Store) pause(ctx context.Context, n int) error {
	if err := ctx.Err(); err != nil || n <= freeConflicts {
		return err
	}
	longest := min(maxPause, time.Millisecond<<min(n-freeConflicts, 10))
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, see there
	wait := time.NewTimer(time.Duration(binary.LittleEndian.Uint64(random[:]) % uint64(longest)))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return challenge.ErrClosed
	}
}

// safely turns a panic of edit into an error, so that one bad record cannot
// take down the process and the other visitors with it. A record that is too
// large is an error of edit as well.
func safely(change edit, seen sight) (value []byte, ttl time.Duration, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("editing record: panic: %v", p)
		}
	}()
	value, ttl, err = change(seen.old(), seen.at, seen.run)
	if err == nil && len(value) > maxValue {
		err = fmt.Errorf("a record of %d bytes is over the limit of %d", len(value), maxValue)
	}
	return value, ttl, err
}

var (
	_ challenge.Store      = (*Store)(nil)
	_ challenge.Lossy      = (*Store)(nil)
	_ challenge.Replicated = (*Store)(nil)
	_ challenge.Lister     = (*Store)(nil)
)
