// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"bufio"
	"io"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

// F-11: whatever was acknowledged before a kill is there after it, the file
// opens without repair, and is not taken for one that was put back.
func TestF11AKillLosesNoAcknowledgedUpdate(t *testing.T) {
	for _, name := range []string{"one file", "another file"} { // one for each core
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := victim{path: newPath(t), acknowledged: make(map[string]int)}
			for range 250 {
				if v.kill(t); t.Failed() {
					return
				}
			}
			if v.opening == 0 || v.counting == 0 {
				t.Errorf("%d kills met an Open and %d an Update, want some of each", v.opening, v.counting)
			}
			v.check(t)
			checkConsistent(t, v.path)
		})
	}
}

// A victim is a file whose users are killed.
type victim struct {
	path              string
	acknowledged      map[string]int // the last number of each counter
	opening, counting int            // kills
}

// kill starts a child and kills it after so many lines of its output and a
// moment more.
func (v *victim) kill(t *testing.T) {
	t.Helper()
	c := child(t, roleCount, v.path)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatalf("making a pipe: %v", err)
	}
	if err := c.Start(); err != nil {
		t.Fatalf("starting a child: %v", err)
	}
	after := 1 // the first line says that it opens the file
	if rand.IntN(4) > 0 {
		after += rand.IntN(24)
	}
	killed := v.listen(t, bufio.NewReader(out), c, after)
	_ = c.Wait() // killed, which is an error
	if killed == "opening" {
		v.opening++
	} else {
		v.counting++
	}
}

// listen notes what a child says until it is dead. It returns the first word
// of the last thing it said.
func (v *victim) listen(t *testing.T, lines *bufio.Reader, c *exec.Cmd, after int) (last string) {
	t.Helper()
	for n := 1; ; n++ {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			return last // a line without an end was cut off by the kill
		}
		if n == after {
			moment := time.Duration(rand.IntN(3_000)) * time.Microsecond
			time.AfterFunc(moment, func() { _ = c.Process.Kill() })
		}
		last = v.note(t, strings.Fields(line))
	}
}

// note takes a line: "opening", "restored", or what a counter "has" or "got".
func (v *victim) note(t *testing.T, words []string) string {
	t.Helper()
	if len(words) == 1 && words[0] == "opening" {
		return words[0]
	}
	if len(words) != 3 {
		t.Fatalf("a child said %q", words)
	}
	key := words[1]
	n, err := strconv.Atoi(words[2])
	if err != nil {
		t.Fatalf("a child said %q", words)
	}
	if words[0] == "has" {
		v.compare(t, key, n)
	}
	v.acknowledged[key] = max(v.acknowledged[key], n)
	return words[0]
}

// compare allows for Updates that were not acknowledged and yet happened.
func (v *victim) compare(t *testing.T, key string, n int) {
	t.Helper()
	if least := v.acknowledged[key]; n < least || n > least+counters {
		t.Errorf("%s is %d although %d was the last acknowledged", key, n, least)
	}
}

func (v *victim) check(t *testing.T) {
	t.Helper()
	s := open(t, boltstore.Options{Path: v.path})
	if s.Restored() {
		t.Error("after kills the file is Restored")
	}
	for key := range v.acknowledged {
		got, err := s.Get(t.Context(), key)
		n, _ := strconv.Atoi(string(got))
		if v.compare(t, key, n); err != nil {
			t.Errorf("Get(%q) = %v", key, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
}
