// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

var lifeClauses = []clause{
	{"what was acknowledged is there after reopening", survivesReopening},
	{"a closed store says so", saysClosed},
	{"closing amid calls loses nothing that was acknowledged", closesWhileBusy},
}

func survivesReopening(ctx context.Context, s subject) error {
	if s.Reopen == nil {
		return nil
	}
	if err := errors.Join(
		s.put(ctx, "lasting", "x", 0),
		s.put(ctx, "an hour", "y", time.Hour),
		s.put(ctx, "a minute", "z", time.Minute),
		s.put(ctx, "removed", "x", 0),
		s.remove(ctx, "removed"),
	); err != nil {
		return err
	}
	s.Store = s.Reopen()
	if err := errors.Join(
		s.wantValue(ctx, "lasting", "x"),
		s.wantValue(ctx, "an hour", "y"),
		s.wantValue(ctx, "a minute", "z"),
		s.wantMissing(ctx, "removed"),
	); err != nil {
		return err
	}
	s.Advance(time.Minute)
	s.Store = s.Reopen()
	if err := s.wantMissing(ctx, "a minute"); err != nil {
		return err
	}
	s.Advance(59 * time.Minute)
	return errors.Join(
		s.wantValue(ctx, "lasting", "x"),
		s.wantMissing(ctx, "an hour"),
	)
}

func saysClosed(ctx context.Context, s subject) error {
	c, ok := s.Store.(io.Closer)
	if !ok {
		return nil
	}
	if err := errors.Join(s.put(ctx, "a", "x", 0), c.Close(), c.Close()); err != nil {
		return err
	}
	_, err := s.Store.Get(ctx, "a")
	closed := map[string]error{
		"Get":    err,
		"Update": s.Store.Update(ctx, "a", set([]byte("y"), 0)),
	}
	if l, ok := s.Store.(challenge.Lister); ok {
		_, closed["List"] = l.List(ctx, "", "", 1)
	}
	if l, ok := s.Store.(challenge.Lossy); ok {
		_, _, closed["GetRun"] = l.GetRun(ctx, "a")
		_, closed["Runs"] = l.Runs(ctx)
		closed["UpdateRun"] = inRuns{l}.Update(ctx, "a", set([]byte("y"), 0))
	}
	for call, err := range closed {
		if !errors.Is(err, challenge.ErrClosed) {
			return fmt.Errorf("%s of a closed store = %v, want ErrClosed", call, err)
		}
	}
	return nil
}

func closesWhileBusy(ctx context.Context, s subject) error {
	c, ok := s.Store.(io.Closer)
	if !ok {
		return nil
	}
	const writers = 32
	var acknowledged [writers]int
	var busy, done sync.WaitGroup
	errs := make([]error, writers)
	busy.Add(writers)
	for i := range writers {
		done.Go(func() {
			acknowledged[i], errs[i] = s.untilClosed(ctx, "busy/"+strconv.Itoa(i), busy.Done)
		})
	}
	busy.Wait()
	closing := c.Close()
	done.Wait()
	if err := errors.Join(append(errs, closing)...); err != nil || s.Reopen == nil {
		return err
	}
	s.Store = s.Reopen()
	var err error
	for i, n := range acknowledged {
		err = errors.Join(err, s.wantValue(ctx, "busy/"+strconv.Itoa(i), strconv.Itoa(n)))
	}
	return err
}

// untilClosed counts in the record under key until the store is closed, and
// calls once after the first time. It returns how often it succeeded.
func (s subject) untilClosed(ctx context.Context, key string, once func()) (n int, err error) {
	once = sync.OnceFunc(once)
	defer once()
	for {
		if err := s.Store.Update(ctx, key, increment); err != nil {
			return n, onlyClosed(err)
		}
		n++
		once()
		if _, err := s.Store.Get(ctx, key); err != nil {
			return n, onlyClosed(err)
		}
	}
}

func onlyClosed(err error) error {
	if errors.Is(err, challenge.ErrClosed) {
		return nil
	}
	return fmt.Errorf("call of a store that is closing = %v, want ErrClosed", err)
}
