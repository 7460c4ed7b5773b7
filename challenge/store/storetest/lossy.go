// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// lossyClauses are about stores that can come back as they were. That they do,
// and then say so, is for their own tests to show.
var lossyClauses = []clause{
	{"a run keeps its name while nothing happens", keepsRun},
	{"edit is told the run that reading names", agreesOnRun},
	{"an update that is told the run is an update like any other", updatesInRun},
}

func keepsRun(ctx context.Context, s subject) error {
	l, ok := s.Store.(challenge.Lossy)
	if !ok {
		return nil
	}
	run, err := readRun(ctx, l, "a", "")
	if err != nil {
		return err
	}
	runs, err := l.Runs(ctx)
	if err != nil || runs == "" {
		return fmt.Errorf("naming the runs = %q, %v, want names", runs, err)
	}
	for _, step := range []func() error{
		func() error { return s.put(ctx, "a", "x", time.Hour) },
		func() error { s.Advance(time.Minute); return nil },
		func() error { return errors.Join(s.remove(ctx, "a"), s.put(ctx, "a", "x", 0)) },
	} {
		if err := step(); err != nil {
			return err
		}
		again, err := readRun(ctx, l, "a", "x")
		if err != nil || again != run {
			return fmt.Errorf("the run was %q and is %q, %w", run, again, err)
		}
		if again, err := l.Runs(ctx); err != nil || again != runs {
			return fmt.Errorf("the runs were %q and are %q, %w", runs, again, err)
		}
	}
	return nil
}

// readRun is the run that GetRun names, with the value that is wanted; empty is
// for a record that is not there.
func readRun(ctx context.Context, l challenge.Lossy, key, want string) (string, error) {
	got, run, err := l.GetRun(ctx, key)
	missing := errors.Is(err, challenge.ErrNotFound) && got == nil
	if missing != (want == "") || string(got) != want || err != nil && !missing {
		return "", fmt.Errorf("GetRun(%q) = %q, %v, want %q", key, got, err, want)
	}
	if run == "" {
		return "", fmt.Errorf("GetRun(%q) names no run", key)
	}
	return run, nil
}

func agreesOnRun(ctx context.Context, s subject) error {
	l, ok := s.Store.(challenge.Lossy)
	if !ok {
		return nil
	}
	for _, key := range []string{"a", "b", "c", "d"} {
		value := ""
		for _, next := range []string{"x", "y"} {
			run, err := readRun(ctx, l, key, value)
			if err != nil {
				return err
			}
			told := ""
			if err := l.UpdateRun(ctx, key, func(_ []byte, _ time.Time, run string) ([]byte, time.Duration, error) {
				told = run
				return []byte(next), time.Hour, nil
			}); err != nil || told != run {
				return fmt.Errorf("UpdateRun(%q) = %w and was told run %q, want %q", key, err, told, run)
			}
			value = next
		}
	}
	return nil
}

// inRuns is a store whose Update is UpdateRun.
type inRuns struct{ challenge.Lossy }

func (r inRuns) Update(ctx context.Context, key string, change edit) error {
	return r.UpdateRun(ctx, key, func(old []byte, now time.Time, _ string) ([]byte, time.Duration, error) {
		return change(old, now)
	})
}

// updatesInRun asks of UpdateRun what is asked of Update.
func updatesInRun(ctx context.Context, s subject) error {
	l, ok := s.Store.(challenge.Lossy)
	if !ok {
		return nil
	}
	s.Store = inRuns{l}
	clear := func(keys ...string) (err error) {
		for _, key := range keys {
			err = errors.Join(err, s.remove(ctx, key))
		}
		return err
	}
	return errors.Join(
		keepsTheLast(ctx, s),
		keepsOnError(ctx, s), clear("a"),
		survivesPanic(ctx, s), clear("a"),
		obeysContext(ctx, s), clear("a"),
		expires(ctx, s), clear("b"),
		countsTries(ctx, s),
	)
}
