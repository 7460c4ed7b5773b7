// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

const roleStranger = "stranger" // opens the file as a user without rights

func init() { roles[roleStranger] = playStranger }

const nobody = 65534 // the user, where the test is run by root, whom no mode stops

func playStranger(path string) error {
	if os.Geteuid() == 0 {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
			return err
		}
	}
	return playOpen(path)
}

// F-13: what is not writable is told at the start, with what to do about it.
// Above all a folder without room for the witness must not mean that copies
// are no longer noticed.
func TestF13WhatMayNotBeWrittenStopsTheStart(t *testing.T) {
	for _, c := range []struct {
		name         string
		file, folder os.FileMode
		names        string // what the error names
	}{
		{"a file that may only be read", 0o400, 0o700, ""},
		{"a folder that may only be read", 0o600, 0o500, ".witness"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := live(t).closed
			path := p.lay(t)
			give(t, path)
			if err := errors.Join(os.Chmod(path, c.file), os.Chmod(filepath.Dir(path), c.folder)); err != nil {
				t.Fatal(err)
			}
			out, err := child(t, roleStranger, path).Output()
			if err := os.Chmod(filepath.Dir(path), 0o700); err != nil { // so that it can be removed
				t.Fatal(err)
			}
			for _, want := range []string{path + c.names, "denied", "the user that Caddy runs as must own this file"} {
				if err == nil || !strings.Contains(string(out), want) {
					t.Errorf("the child said %q, %v, want an error that contains %q", out, err, want)
				}
			}
			if after := look(t, path); string(after.file) != string(p.file) || string(after.witness) != string(p.witness) {
				t.Error("the file or its witness has been changed")
			}
		})
	}
}

// give lets nobody reach and own a file where the test is run by root.
func give(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	folder := filepath.Dir(path)
	for _, own := range []string{path, path + ".witness", folder} {
		if err := os.Chown(own, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the test's own folders
		folder = filepath.Dir(folder)
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// A swap puts another file behind the descriptors that this process has of a
// file, and back.
type swap struct {
	path  string
	files []int // descriptors of the file
	kept  []int // duplicates, which also keep its lock
}

func swapTo(t *testing.T, path, other string, flag int) *swap {
	t.Helper()
	s := &swap{path: path}
	replacement, err := syscall.Open(other, flag|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(replacement)
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		fd, _ := strconv.Atoi(entry.Name())
		if name, err := os.Readlink("/proc/self/fd/" + entry.Name()); err != nil || name != path {
			continue
		}
		if fd == replacement {
			continue
		}
		kept, err := syscall.Dup(fd)
		if err := errors.Join(err, syscall.Dup3(replacement, fd, syscall.O_CLOEXEC)); err != nil {
			t.Fatal(err)
		}
		s.files, s.kept = append(s.files, fd), append(s.kept, kept)
	}
	if len(s.files) == 0 {
		t.Fatalf("%s is not open", path)
	}
	return s
}

func (s *swap) back(t *testing.T) {
	t.Helper()
	for i, fd := range s.files {
		if err := errors.Join(syscall.Dup3(s.kept[i], fd, syscall.O_CLOEXEC), syscall.Close(s.kept[i])); err != nil {
			t.Fatal(err)
		}
	}
}

// F-12 and F-13. A disk that turns read-only refuses to be written; a disk that
// fails may take what is written and refuse to keep it. /dev/null is such a
// disk: writing there succeeds and syncing does not, so that an Update which is
// acknowledged without a sync is found out.
func TestF12NothingIsAcknowledgedThatIsNotOnTheDisk(t *testing.T) {
	for _, c := range []struct {
		name, suffix, other string
		flag                int
	}{
		{"the file cannot be written", "", "itself", syscall.O_RDONLY},
		{"the file cannot be synced", "", "/dev/null", syscall.O_RDWR},
		{"the witness cannot be written", ".witness", "itself", syscall.O_RDONLY},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := newPath(t)
			s := open(t, boltstore.Options{Path: path})
			for i := range 20 {
				put(t, s, "a", strconv.Itoa(i), 0) // until there are pages to use again
			}
			other := c.other
			if other == "itself" {
				other = path + c.suffix
			}
			broken := swapTo(t, path+c.suffix, other, c.flag)
			for i := range 5 {
				if err := s.Update(t.Context(), "a", set(fmt.Sprintf("refused %d", i), 0)); err == nil {
					t.Error("Update = nil, want an error")
				}
				// What a failed Update shows must not count as kept.
				if err := s.Update(t.Context(), "a", func(old []byte, _ time.Time) ([]byte, time.Duration, error) {
					return old, 0, nil
				}); err == nil {
					t.Error("an Update that changes nothing = nil, want an error")
				}
				if _, err := s.Get(t.Context(), "a"); err != nil {
					t.Errorf("Get = %v", err)
				}
			}
			broken.back(t)
			put(t, s, "a", "goes on", 0)
			if left := look(t, path); open(t, boltstore.Options{Path: left.lay(t)}).Restored() {
				t.Error("once it works again, a kill makes the file Restored")
			}
			shut(t, s)
			checkConsistent(t, path)
			wantValue(t, open(t, boltstore.Options{Path: path}), "a", "goes on")
		})
	}
}
