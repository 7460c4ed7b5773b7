// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"bufio"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

// F-11: whatever was acknowledged before a kill is there after it, and the
// file opens without repair.
func TestF11AKillLosesNoAcknowledgedUpdate(t *testing.T) {
	path := newPath(t)
	acknowledged := make(map[string]int)
	for range 40 {
		killAmidCounting(t, path, rand.IntN(60), acknowledged)
		checkCounters(t, path, acknowledged)
		if t.Failed() {
			return
		}
	}
	if acknowledged["shared"] == 0 {
		t.Error("no Update was ever acknowledged")
	}
	checkConsistent(t, path)
}

// killAmidCounting kills a child somewhere after so many Updates, and notes
// the last number acknowledged for each counter.
func killAmidCounting(t *testing.T, path string, after int, acknowledged map[string]int) {
	t.Helper()
	c := child(t, roleCount, path)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatalf("making a pipe: %v", err)
	}
	if err := c.Start(); err != nil {
		t.Fatalf("starting a child: %v", err)
	}
	lines := bufio.NewReader(out)
	for n := 0; ; n++ {
		if n == after {
			_ = c.Process.Kill()
		}
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break // a line without an end was cut off by the kill
		}
		note(t, line, acknowledged)
	}
	_ = c.Wait() // killed, which is an error
}

func note(t *testing.T, line string, acknowledged map[string]int) {
	t.Helper()
	key, number, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatalf("a child said %q", line)
	}
	acknowledged[key] = max(acknowledged[key], n)
}

func checkCounters(t *testing.T, path string, acknowledged map[string]int) {
	t.Helper()
	s, err := boltstore.Open(boltstore.Options{Path: path})
	if err != nil {
		t.Fatalf("Open after a kill = %v", err)
	}
	for key, least := range acknowledged {
		got, err := s.Get(t.Context(), key)
		n, _ := strconv.Atoi(string(got))
		if err != nil || n < least || n > least+counters {
			t.Errorf("%s is %q, %v, although %d was the last acknowledged", key, got, err, least)
		}
		acknowledged[key] = n
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
}
