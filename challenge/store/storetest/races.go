// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

var raceClauses = []clause{
	{"OTC-04: of many parallel tries of one code exactly one wins", spendsOnce},
	{"OTC-09: of many parallel wrong tries exactly as many as the limit count", countsTries},
	{"no Update of a counter is lost", losesNothing},
	{"failing edits do not disturb others at the same time", isolatesEdits},
}

// together runs n functions that all wait for each other before they start.
func together(n int, run func(i int) error) error {
	start, errs := make(chan struct{}), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = run(i)
		})
	}
	close(start)
	wg.Wait()
	return errors.Join(errs...)
}

func spendsOnce(ctx context.Context, s subject) error {
	const codes, tries = 20, 64
	for i := range codes {
		key := "code/" + strconv.Itoa(i)
		if err := s.put(ctx, key, "unspent", time.Minute); err != nil {
			return err
		}
		var winners atomic.Int64
		if err := together(tries, func(int) error {
			won, err := spend(ctx, s.Store, key)
			if won {
				winners.Add(1)
			}
			return err
		}); err != nil {
			return err
		}
		if n := winners.Load(); n != 1 {
			return fmt.Errorf("%d of %d parallel tries spent one code, want exactly 1", n, tries)
		}
	}
	return nil
}

// spend spends the code under key as the domain does: what it decided leaves
// through a variable that every run of edit sets anew.
func spend(ctx context.Context, s challenge.Store, key string) (won bool, err error) {
	err = s.Update(ctx, key, func(old []byte, _ time.Time) ([]byte, time.Duration, error) {
		won = string(old) == "unspent"
		return []byte("spent"), time.Minute, nil
	})
	return won && err == nil, err
}

func countsTries(ctx context.Context, s subject) error {
	const tries, limit = 100, 5
	var counted atomic.Int64
	if err := together(tries, func(int) error {
		judged := false
		err := s.Store.Update(ctx, "tries", func(old []byte, _ time.Time) ([]byte, time.Duration, error) {
			judged = len(old) < limit
			if judged {
				old = append(old, 'x')
			}
			return old, time.Minute, nil
		})
		if judged && err == nil {
			counted.Add(1)
		}
		return err
	}); err != nil {
		return err
	}
	if n := counted.Load(); n != limit {
		return fmt.Errorf("%d of %d parallel wrong tries were judged, want exactly %d", n, tries, limit)
	}
	return s.wantValue(ctx, "tries", "xxxxx")
}

func losesNothing(ctx context.Context, s subject) error {
	const writers, each = 64, 50
	if err := together(writers, func(int) error {
		for range each {
			if err := s.Store.Update(ctx, "counter", increment); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return s.wantValue(ctx, "counter", strconv.Itoa(writers*each))
}

func increment(old []byte, _ time.Time) ([]byte, time.Duration, error) {
	n, err := strconv.Atoi("0" + string(old))
	return strconv.AppendInt(nil, int64(n+1), 10), time.Hour, err
}

func isolatesEdits(ctx context.Context, s subject) error {
	const writers, rounds = 64, 10
	err := together(writers, func(i int) error {
		key := "of/" + strconv.Itoa(i)
		for range rounds {
			if err := s.Store.Update(ctx, key, increment); err != nil {
				return fmt.Errorf("an update among failing ones = %w", err)
			}
			if err := s.disturb(ctx, i); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range writers {
		err = errors.Join(err, s.wantValue(ctx, "of/"+strconv.Itoa(i), strconv.Itoa(rounds)))
	}
	return err
}

// disturb makes an Update of another writer's key that must leave no trace.
func (s subject) disturb(ctx context.Context, i int) error {
	key := "of/" + strconv.Itoa(i^1)
	err := s.Store.Update(ctx, key, func([]byte, time.Time) ([]byte, time.Duration, error) {
		if i%2 == 0 {
			panic("as a bug in edit would")
		}
		return []byte("must not be kept"), 0, errEdit
	})
	if err == nil || errors.Is(err, errEdit) != (i%2 == 1) {
		return fmt.Errorf("an update whose edit fails = %v, want its own error", err)
	}
	return nil
}
