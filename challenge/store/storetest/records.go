// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	maxKey   = 512     // bytes
	maxValue = 1 << 20 // bytes
)

var recordClauses = []clause{
	{"a record is what the last Update made of it", keepsTheLast},
	{"removing removes, and what is missing may be removed", removes},
	{"an empty record is not a missing one", keepsEmpty},
	{"keys and values may be any bytes", keepsAnyBytes},
	{"keys that begin alike stay apart", keepsKeysApart},
	{"the largest key and value are kept, larger ones refused", limitsSize},
	{"bytes are copied on their way in and out", copiesBytes},
}

func keepsTheLast(ctx context.Context, s subject) error {
	if err := s.wantMissing(ctx, "door/a"); err != nil {
		return err
	}
	for _, value := range []string{"first", "a longer second", "3"} {
		if err := errors.Join(
			s.put(ctx, "door/a", value, time.Hour),
			s.wantValue(ctx, "door/a", value),
			s.wantMissing(ctx, "door/b"),
		); err != nil {
			return err
		}
	}
	return nil
}

func removes(ctx context.Context, s subject) error {
	return errors.Join(
		s.remove(ctx, "never there"),
		s.put(ctx, "a", "x", 0),
		s.put(ctx, "b", "y", time.Hour),
		s.remove(ctx, "a"),
		s.remove(ctx, "b"),
		s.remove(ctx, "b"),
		s.wantMissing(ctx, "a"),
		s.wantMissing(ctx, "b"),
		s.put(ctx, "b", "again", 0),
		s.wantValue(ctx, "b", "again"),
	)
}

func keepsEmpty(ctx context.Context, s subject) error {
	return errors.Join(
		s.put(ctx, "a", "", 0),
		s.wantValue(ctx, "a", ""),
		s.put(ctx, "b", "", time.Hour),
		s.wantValue(ctx, "b", ""),
	)
}

func keepsAnyBytes(ctx context.Context, s subject) error {
	var every strings.Builder
	for b := range 256 {
		every.WriteByte(byte(b))
	}
	for _, key := range []string{
		every.String(), "\x00", "\xff", "\xff\xfe", "a\nb", "{brace}", "a b", "é", "\xc3", "door/" + every.String(),
	} {
		value := every.String() + key
		if err := errors.Join(
			s.put(ctx, key, value, time.Hour),
			s.wantValue(ctx, key, value),
		); err != nil {
			return err
		}
	}
	return nil
}

func keepsKeysApart(ctx context.Context, s subject) error {
	keys := []string{"a", "a\x00", "a\x00\x00", "a/", "a/b", "A", "aa"}
	for _, key := range keys {
		if err := s.put(ctx, key, "of "+key, time.Hour); err != nil {
			return err
		}
	}
	for i, key := range keys {
		if err := s.remove(ctx, key); err != nil {
			return err
		}
		for _, other := range keys[i+1:] {
			if err := s.wantValue(ctx, other, "of "+other); err != nil {
				return fmt.Errorf("after removing %q: %w", key, err)
			}
		}
	}
	return nil
}

func limitsSize(ctx context.Context, s subject) error {
	key, value := strings.Repeat("k", maxKey), strings.Repeat("v", maxValue)
	if err := errors.Join(
		s.put(ctx, key, value, time.Hour),
		s.wantValue(ctx, key, value),
	); err != nil {
		return err
	}
	for _, bad := range []string{"", key + "k"} {
		if err := s.put(ctx, bad, "x", 0); err == nil {
			return fmt.Errorf("an update with a key of %d bytes = nil, want an error", len(bad))
		}
		if _, err := s.Store.Get(ctx, bad); err == nil {
			return fmt.Errorf("a get with a key of %d bytes = nil, want an error", len(bad))
		}
	}
	if err := s.put(ctx, key, value+"v", 0); err == nil {
		return errors.New("an update with a value over the limit = nil, want an error")
	}
	return s.wantValue(ctx, key, value)
}

func copiesBytes(ctx context.Context, s subject) error {
	// Beside a large record, which may keep a database from copying small ones
	// by itself.
	large := s.put(ctx, "large", strings.Repeat("x", 64<<10), 0)
	passed := []byte("one")
	err := errors.Join(large, s.Store.Update(ctx, "a", set(passed, 0)))
	copy(passed, "XXX")
	if err := errors.Join(err, s.wantValue(ctx, "a", "one")); err != nil {
		return fmt.Errorf("after the value passed to Update was overwritten: %w", err)
	}
	got, err := s.Store.Get(ctx, "a")
	copy(got, "XXX")
	if err := errors.Join(err, s.wantValue(ctx, "a", "one")); err != nil {
		return fmt.Errorf("after the result of Get was overwritten: %w", err)
	}
	old, err := s.peek(ctx, "a")
	copy(old, "XXX")
	if err := errors.Join(err, s.wantValue(ctx, "a", "one")); err != nil {
		return fmt.Errorf("after edit's old value was overwritten: %w", err)
	}
	if old, err = s.peek(ctx, "a"); err != nil {
		return err
	}
	if err := s.put(ctx, "a", "two", 0); err != nil || string(old) != "one" {
		return fmt.Errorf("edit's old value became %q when the record changed, %v", old, err)
	}
	return s.changesInPlace(ctx)
}

// changesInPlace hands edit's own old value back, changed.
func (s subject) changesInPlace(ctx context.Context) error {
	err := s.Store.Update(ctx, "a", func(old []byte, _ time.Time) ([]byte, time.Duration, error) {
		old[0] = 'T'
		return old, 0, nil
	})
	return errors.Join(err, s.wantValue(ctx, "a", "Two"))
}
