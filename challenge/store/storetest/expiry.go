// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

var expiryClauses = []clause{
	{"a record is live until its time and gone at it", expires},
	{"a ttl of zero or less never ends", neverExpires},
	{"the last Update decides how long a record lives", renews},
	{"a record made anew does not end with its forerunner", outlivesForerunner},
	{"the longest ttl does not end at once", survivesLongTTL},
	{"edit is told the store's own time", tellsTime},
}

func expires(ctx context.Context, s subject) error {
	const ttl = 10 * time.Minute
	if err := errors.Join(
		s.put(ctx, "a", "x", ttl),
		s.put(ctx, "a\x00", "y", ttl),
		s.put(ctx, "b", "z", 2*ttl),
	); err != nil {
		return err
	}
	s.Advance(ttl - s.Tick)
	if err := errors.Join(s.wantValue(ctx, "a", "x"), s.wantValue(ctx, "a\x00", "y")); err != nil {
		return fmt.Errorf("one tick before its end: %w", err)
	}
	for _, when := range []string{"at its end", "one tick after its end"} {
		s.Advance(s.Tick)
		if err := errors.Join(s.wantMissing(ctx, "a"), s.wantMissing(ctx, "a\x00")); err != nil {
			return fmt.Errorf("%s: %w", when, err)
		}
	}
	return s.wantValue(ctx, "b", "z")
}

func neverExpires(ctx context.Context, s subject) error {
	if err := errors.Join(
		s.put(ctx, "zero", "x", 0),
		s.put(ctx, "negative", "y", -time.Hour),
		s.put(ctx, "made lasting", "z", time.Minute),
		s.put(ctx, "made lasting", "z", 0),
	); err != nil {
		return err
	}
	s.Advance(10 * 365 * 24 * time.Hour)
	return errors.Join(
		s.wantValue(ctx, "zero", "x"),
		s.wantValue(ctx, "negative", "y"),
		s.wantValue(ctx, "made lasting", "z"),
	)
}

func renews(ctx context.Context, s subject) error {
	if err := errors.Join(
		s.put(ctx, "longer", "x", time.Minute),
		s.put(ctx, "shorter", "y", time.Hour),
	); err != nil {
		return err
	}
	s.Advance(30 * time.Second)
	// The same bytes again: a store that saves itself a write must still move
	// the end.
	if err := errors.Join(
		s.put(ctx, "longer", "x", time.Hour),
		s.put(ctx, "shorter", "y", time.Minute),
	); err != nil {
		return err
	}
	s.Advance(time.Minute)
	if err := errors.Join(
		s.wantValue(ctx, "longer", "x"),
		s.wantMissing(ctx, "shorter"),
	); err != nil {
		return err
	}
	s.Advance(time.Hour)
	return s.wantMissing(ctx, "longer")
}

func outlivesForerunner(ctx context.Context, s subject) error {
	if err := errors.Join(
		s.put(ctx, "removed", "x", time.Minute),
		s.remove(ctx, "removed"),
		s.put(ctx, "removed", "new", time.Hour),
		s.put(ctx, "expired", "x", time.Second),
	); err != nil {
		return err
	}
	s.Advance(time.Second)
	if err := s.put(ctx, "expired", "new", time.Hour); err != nil {
		return err
	}
	s.Advance(10 * time.Minute)
	return errors.Join(
		s.wantValue(ctx, "removed", "new"),
		s.wantValue(ctx, "expired", "new"),
	)
}

func survivesLongTTL(ctx context.Context, s subject) error {
	if err := s.put(ctx, "a", "x", math.MaxInt64); err != nil {
		return err
	}
	s.Advance(time.Hour)
	return s.wantValue(ctx, "a", "x")
}

func tellsTime(ctx context.Context, s subject) error {
	var times [2]time.Time
	for i := range times {
		if err := s.Store.Update(ctx, "a", func(_ []byte, now time.Time) ([]byte, time.Duration, error) {
			times[i] = now
			return nil, 0, nil
		}); err != nil {
			return err
		}
		s.Advance(time.Hour)
	}
	if passed := times[1].Sub(times[0]); passed < time.Hour || passed > time.Hour+time.Minute {
		return fmt.Errorf("edit was told that %v passed, want an hour", passed)
	}
	return nil
}
