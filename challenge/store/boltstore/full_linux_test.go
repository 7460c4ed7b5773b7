// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

const (
	roleFull      = "full"       // runs out of room again and again, and finds some
	roleFullStart = "full start" // starts where there is no room
)

func init() { roles[roleFull], roles[roleFullStart] = playFull, playFullStart }

// F-13: a disk that takes no more is an error of each Update, not the end of
// the store, which goes on by itself once there is room.
func TestF13AFullDiskIsSurvived(t *testing.T) {
	path := newPath(t)
	out, err := child(t, roleFull, path).Output()
	if err != nil {
		t.Fatalf("the child ended with %v: %s", err, out)
	}
	wantNoSpool(t, path)
	checkConsistent(t, path)
	s := open(t, boltstore.Options{Path: path})
	if s.Restored() {
		t.Error("the file is Restored")
	}
	wantValue(t, s, "before", "kept")
	wantValue(t, s, "after", "kept")
	for key, want := range acknowledged(string(out)) {
		wantValue(t, s, key, want)
	}
	if _, err := s.Get(t.Context(), "refused"); !errors.Is(err, challenge.ErrNotFound) {
		t.Errorf("Get of what was refused = %v, want ErrNotFound", err)
	}
}

// acknowledged is the last number of each counter that a child got.
func acknowledged(out string) map[string]string {
	last := make(map[string]string)
	for line := range strings.Lines(out) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "got" {
			last[words[1]] = words[2]
		}
	}
	return last
}

// F-13: a restart, which an operator may well try, must not make it worse.
func TestF13AStartOnAFullDiskStillReads(t *testing.T) {
	l := live(t)
	for name, p := range map[string]pair{"a file": l.closed, "a file that was put back": {l.used.file, l.closed.witness}} {
		t.Run(name, func(t *testing.T) {
			path := p.lay(t)
			reading := open(t, boltstore.Options{Path: path, ReadOnly: true})
			restored := reading.Restored()
			shut(t, reading)
			if out, err := child(t, roleFullStart, path).Output(); err != nil {
				t.Fatalf("the child ended with %v: %s", err, out)
			}
			s := open(t, boltstore.Options{Path: path})
			wantValue(t, s, "session", "changed")
			if s.Restored() != restored {
				t.Errorf("Restored = %t, want %t", s.Restored(), restored)
			}
		})
	}
}

// limitFiles limits the size of files where a disk would be full: the limit is
// the process's own, so that it needs no privilege and disturbs no other test.
func limitFiles(size uint64) (lift func() error, err error) {
	signal.Ignore(syscall.SIGXFSZ)
	var room syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &room); err != nil {
		return nil, err
	}
	return func() error { return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &room) },
		syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: room.Max})
}

func playFull(path string) error {
	ctx := context.Background()
	s, err := boltstore.Open(boltstore.Options{Path: path})
	if err != nil {
		return err
	}
	if err := s.Update(ctx, "before", set("kept", 0)); err != nil {
		return err
	}
	for round := range 5 {
		// The file cannot grow; then it cannot even be written where it has room.
		for _, limit := range []uint64{64 << 10, 1} {
			if err := runOut(s, limit); err != nil {
				return fmt.Errorf("with files up to %d bytes: %w", limit, err)
			}
		}
		for i := range 20 {
			count(s, "after/"+strconv.Itoa((round+i)%7)) // and ends the child if it fails
		}
	}
	return errors.Join(s.Update(ctx, "after", set("kept", 0)), s.Close())
}

// runOut has no room for a while, in which what is small may still fit.
func runOut(s *boltstore.Store, limit uint64) (err error) {
	lift, err := limitFiles(limit)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lift()) }()
	if err := refuses(s); err != nil {
		return err
	}
	ctx := context.Background()
	for i := range 20 {
		value := strconv.Itoa(int(limit) + i)
		if s.Update(ctx, "amid", set(value, time.Hour)) == nil {
			fmt.Println("got amid", value)
			if limit == 1 {
				return errors.New("an Update was acknowledged that cannot be on the disk")
			}
		}
	}
	if limit > 1 {
		return nil
	}
	if _, err := s.Backup(io.Discard); err == nil {
		return errors.New("a Backup without room = nil, want an error")
	}
	if err := s.Update(ctx, "before", set("kept", 0)); err == nil {
		return errors.New("what may not be on the disk was acknowledged by an Update that changes nothing")
	}
	return nil
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

func playFullStart(path string) error {
	ctx := context.Background()
	lift, err := limitFiles(1)
	if err != nil {
		return err
	}
	s, err := boltstore.Open(boltstore.Options{Path: path})
	if err != nil {
		return err
	}
	for range 3 {
		if _, err := s.Get(ctx, "session"); err != nil {
			return fmt.Errorf("Get = %w", err)
		}
		if err := s.Update(ctx, "session", set("refused", 0)); err == nil {
			return errors.New("Update = nil, want an error")
		}
	}
	if s.Restored() && s.Settle() == nil {
		return errors.New("Settle = nil, want an error")
	}
	return errors.Join(lift(), s.Update(ctx, "session", set("changed", 0)), s.Close())
}
