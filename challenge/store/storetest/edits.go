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

var editClauses = []clause{
	{"an error of edit comes back and changes nothing", keepsOnError},
	{"a panic of edit becomes an error and changes nothing", survivesPanic},
	{"a cancelled context changes nothing", obeysContext},
}

var errEdit = errors.New("edit had enough")

func keepsOnError(ctx context.Context, s subject) error {
	fail := func([]byte, time.Time) ([]byte, time.Duration, error) {
		return []byte("must not be kept"), 0, fmt.Errorf("deciding: %w", errEdit)
	}
	if err := s.put(ctx, "a", "kept", time.Hour); err != nil {
		return err
	}
	for _, key := range []string{"a", "missing"} {
		if err := s.Store.Update(ctx, key, fail); !errors.Is(err, errEdit) {
			return fmt.Errorf("Update(%q) = %v, want the error of edit", key, err)
		}
	}
	if err := errors.Join(
		s.wantValue(ctx, "a", "kept"),
		s.wantMissing(ctx, "missing"),
	); err != nil {
		return err
	}
	s.Advance(time.Hour)
	return s.wantMissing(ctx, "a")
}

func survivesPanic(ctx context.Context, s subject) error {
	if err := s.put(ctx, "a", "kept", time.Hour); err != nil {
		return err
	}
	for _, key := range []string{"a", "missing"} {
		err := s.Store.Update(ctx, key, func([]byte, time.Time) ([]byte, time.Duration, error) {
			panic("as a bug in edit would")
		})
		if err == nil || errors.Is(err, challenge.ErrClosed) {
			return fmt.Errorf("Update(%q) whose edit panics = %v, want an error of its own", key, err)
		}
	}
	return errors.Join(
		s.wantValue(ctx, "a", "kept"),
		s.wantMissing(ctx, "missing"),
		s.put(ctx, "a", "goes on", 0),
		s.wantValue(ctx, "a", "goes on"),
	)
}

func obeysContext(ctx context.Context, s subject) error {
	if err := s.put(ctx, "a", "kept", 0); err != nil {
		return err
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	ran := false
	err := s.Store.Update(cancelled, "a", func([]byte, time.Time) ([]byte, time.Duration, error) {
		ran = true
		return nil, 0, nil
	})
	if ran || !errors.Is(err, context.Canceled) {
		return fmt.Errorf("update: got %v, want context.Canceled; edit ran: %t", err, ran)
	}
	if _, err := s.Store.Get(cancelled, "a"); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("get: got %v, want context.Canceled", err)
	}
	return s.wantValue(ctx, "a", "kept")
}
