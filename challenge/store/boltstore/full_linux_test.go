// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

const roleFull = "full" // runs out of room, and finds some again

func init() { roles[roleFull] = playFull }

// F-13: a disk that takes no more is an error of each Update, not the end of
// the store, which goes on by itself once there is room.
func TestF13AFullDiskIsSurvived(t *testing.T) {
	path := newPath(t)
	if out, err := child(t, roleFull, path).Output(); err != nil {
		t.Fatalf("the child ended with %v: %s", err, out)
	}
	checkConsistent(t, path)
	s := open(t, boltstore.Options{Path: path})
	wantValue(t, s, "before", "kept")
	wantValue(t, s, "after", "kept")
	if _, err := s.Get(t.Context(), "refused"); !errors.Is(err, challenge.ErrNotFound) {
		t.Errorf("Get of what was refused = %v, want ErrNotFound", err)
	}
}

// playFull limits the size of files where a disk would be full: the limit is
// the process's own, so that it needs no privilege and disturbs no other test.
func playFull(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	s, err := boltstore.Open(boltstore.Options{Path: path})
	if err != nil {
		return err
	}
	var room syscall.Rlimit
	if err := errors.Join(
		syscall.Getrlimit(syscall.RLIMIT_FSIZE, &room),
		s.Update(context.Background(), "before", set("kept", 0)),
	); err != nil {
		return err
	}
	// The file cannot grow; then it cannot even be written where it has room.
	for _, limit := range []uint64{64 << 10, 1} {
		if err := errors.Join(
			syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: room.Max}),
			refuses(s),
		); err != nil {
			return fmt.Errorf("with files up to %d bytes: %w", limit, err)
		}
	}
	if err := s.Update(context.Background(), "before", set("kept", 0)); err == nil {
		return errors.New("what may not be on the disk was acknowledged by an Update that changes nothing")
	}
	return errors.Join(
		syscall.Setrlimit(syscall.RLIMIT_FSIZE, &room),
		s.Update(context.Background(), "after", set("kept", 0)),
		s.Close(),
	)
}

func refuses(s *boltstore.Store) error {
	ctx := context.Background()
	for range 3 {
		if err := s.Update(ctx, "refused", set(strings.Repeat("x", 1<<20), 0)); err == nil {
			return errors.New("Update = nil, want an error")
		}
		if got, err := s.Get(ctx, "before"); err != nil || string(got) != "kept" {
			return fmt.Errorf("Get = %q, %v, want what was kept", got, err)
		}
	}
	return nil
}
