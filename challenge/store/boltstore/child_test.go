// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

// A child is this test binary run again, which plays one role on one file.
const (
	roleVariable = "DOORCODE_TEST_ROLE"
	pathVariable = "DOORCODE_TEST_PATH"

	roleOpen  = "open"  // tries to open the file, prints what happened
	roleCount = "count" // counts until it is killed, prints what was acknowledged

	counters = 4
)

func child(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatalf("finding the test binary: %v", err)
	}
	c := exec.CommandContext(t.Context(), self)
	c.Env = append(os.Environ(), roleVariable+"="+role, pathVariable+"="+path)
	c.Stderr = os.Stderr
	return c
}

// roles are what a child can play; a file for one system may add some.
var roles = map[string]func(path string) error{roleOpen: playOpen, roleCount: playCount}

func play(role, path string) (status int) {
	if err := roles[role](path); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func playOpen(path string) error {
	s, err := boltstore.Open(boltstore.Options{Path: path})
	if err != nil {
		return err
	}
	return s.Close()
}

// playCount says what its counters have, then counts in several records at
// once, one of them shared, and says each number once its Update returned.
func playCount(path string) error {
	fmt.Println("opening")
	s, err := boltstore.Open(boltstore.Options{Path: path})
	if err != nil {
		return err
	}
	if s.Restored() {
		return errors.New("the file is taken for one that was put back")
	}
	if err := sayCounters(s); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for i := range counters {
		wg.Go(func() {
			for {
				count(s, "own/"+strconv.Itoa(i))
				count(s, "shared")
			}
		})
	}
	wg.Wait()
	return nil
}

func sayCounters(s *boltstore.Store) error {
	keys, err := s.List(context.Background(), "", "", 100)
	if err != nil {
		return err
	}
	for _, key := range keys {
		value, err := s.Get(context.Background(), key)
		if err != nil {
			return err
		}
		fmt.Println("has", key, string(value))
	}
	return nil
}

func count(s *boltstore.Store, key string) {
	n := 0
	err := s.Update(context.Background(), key, func(old []byte, _ time.Time) ([]byte, time.Duration, error) {
		var err error
		n, err = strconv.Atoi("0" + string(old))
		n++
		return []byte(strconv.Itoa(n)), time.Hour, err
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("got", key, n)
}
