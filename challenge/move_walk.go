// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

const (
	// movers is how many records are copied at a time. A store that writes what is
	// asked at once in one go has enough to do with them.
	movers = 32
	// movePage is how many keys are listed at a time. Some stores look through all
	// of theirs for each page; so many are 3 MB.
	movePage = 50_000
)

// all calls do for each record of a kind in the source, several at a time, and
// stops at the first error.
func (m *mover) all(kind string, do func(ctx context.Context, key string) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for after := ""; ; {
			page, err := m.from.Store.(Lister).List(ctx, kind, after, movePage)
			if err != nil || len(page) == 0 {
				return err
			}
			if err := each(ctx, page, do); err != nil {
				return err
			}
			after = page[len(page)-1]
		}
	}
}

func each(ctx context.Context, keys []string, do func(ctx context.Context, key string) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(movers, len(keys)) {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(keys) {
					return
				}
				if err := do(ctx, keys[i]); err != nil {
					stop(err)
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

// A found is a record as a store has it. It is decoded for each use, so that none
// sees what another made of it.
type found[T any] struct {
	raw []byte // nil: there is none
	in  life
}

func find[T any](ctx context.Context, s *records, key string) (f found[T], err error) {
	f.raw, f.in, err = s.lookUp(ctx, key, new(T))
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return f, err
}

func (f found[T]) record() (*T, error) {
	record := new(T)
	if err := decode(f.raw, record); err != nil {
		return nil, err
	}
	settle(record, f.in)
	return record, nil
}

// check reads whatever is to be copied, and what it is to become one with, so that
// nothing is written unless all of it can be.
func (m *mover) check(ctx context.Context) error {
	steps := []func(context.Context) error{
		func(ctx context.Context) error { return readable[endRing](ctx, m, keyEnds) },
		func(ctx context.Context) error { return readable[minutes](ctx, m, keyBudget) },
		m.all(keyPerson, func(ctx context.Context, key string) error {
			if _, err := personOf(key); err != nil {
				return &recordError{keyPerson, err}
			}
			return errors.Join(readable[person](ctx, m, key), readable[past](ctx, m, pastKey(key)))
		}),
		m.all(keyDoor, func(ctx context.Context, key string) error { return readable[door](ctx, m, key) }),
		m.all(keyNetwork, func(ctx context.Context, key string) error { return readable[network](ctx, m, key) }),
		func(ctx context.Context) error { return readable[erasures](ctx, m, keyErasures) },
		m.all(keyBelongings, func(ctx context.Context, key string) error { return readable[belongings](ctx, m, key) }),
		m.all(keyActivity, func(ctx context.Context, key string) error { return readableActivity(ctx, m, key) }),
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func readable[T any](ctx context.Context, m *mover, key string) error {
	for _, s := range []*records{m.from, m.to} {
		f, err := find[T](ctx, s, key)
		if err == nil {
			_, err = f.record()
		}
		if err != nil {
			return &recordError{recordKind(key), err}
		}
	}
	return nil
}

// A recordError says of which kind a record is. It does not say whose.
type recordError struct {
	kind string
	err  error
}

// Error names the kind of the record.
func (e *recordError) Error() string { return "record of kind " + e.kind + ": " + e.err.Error() }

// Unwrap returns what is wrong with it.
func (e *recordError) Unwrap() error { return e.err }
