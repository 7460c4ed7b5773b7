// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// manyRows are those of a table with a gate and bare Caddy.
func manyRows() (all []string) {
	for _, quantity := range []string{
		"CPU per request (µs)", "CPU per request, all turns together (µs)", "requests a second", "99 % answered within (µs)", "allocations per request",
		"CPU of wrk per request (µs)",
	} {
		all = append(all, quantity+", with Doorcode", "the same, bare Caddy", "the same, with Doorcode : bare Caddy")
	}
	all = append(all, "garbage collections a second, all turns together, with Doorcode", "the same, bare Caddy")
	return append(all, "memory of the process but for files (MB)", "heap after garbage was collected (MB)", "of which for each session more than one (kB)")
}

// The program that measures must not rot. What it finds in so short a time says
// nothing, and nothing is asked of it but that everything was measured.
func TestTheLoadProgramRuns(t *testing.T) {
	program := filepath.Join(t.TempDir(), "load")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, "./load")
	build.Env = surroundings
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, said)
	}
	profiles := t.TempDir()
	short := []string{"-rounds", "1", "-span", "1s", "-connections", "4", "-json", "-caddy", os.Args[0]}
	for name, test := range map[string]struct {
		args  []string
		names []string // of the first report's rows
	}{
		"sessions in turn": {
			[]string{"-what", "sessions", "-sessions", "5", "-profile", profiles},
			[]string{
				"CPU per request (µs)", "requests a second", "50 % answered within (µs)", "99 % answered within (µs)", "allocations per request",
				"CPU of the app per request (µs)", "CPU of wrk per request (µs)", "bytes of header that the app is sent",
			},
		},
		"many people": {[]string{"-what", "many", "-people", "300"}, manyRows()},
		"strangers with redis": {
			[]string{"-what", "strangers", "-rate", "200", "-stores", "redis"},
			[]string{
				"requests of people per second of Caddy's CPU", "requests of people a second", "50 % answered within (µs)", "99 % answered within (µs)",
				"CPU of Caddy (ms a second)", "CPU of the storage's server (ms a second)", "strangers answered a second",
			},
		},
		"codes on each storage": {
			[]string{"-what", "codes", "-codes", "20"},
			[]string{"codes a second", "CPU of Caddy for each (µs)", "CPU of Redis for each (µs)"},
		},
		"start with people": {
			[]string{"-what", "start", "-people", "200"},
			[]string{"start (ms)", "first request with a session (ms)", "reload (ms)", "memory of the process (MB)", "heap in use (MB)", "file (MB)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, program, append(test.args, short...)...)
			// The test's own binary is a Caddy for whoever starts it as one.
			cmd.Env = harness.Command(t.TempDir()).Env
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("running it: %v\n%s", err, out)
			}
			var said struct {
				Machine string
				Reports []struct {
					Rows []struct {
						Name   string
						Values []float64
					}
				}
			}
			if err := json.Unmarshal(out, &said); err != nil || said.Machine == "" || len(said.Reports) == 0 {
				t.Fatalf("it says %s (%v)", out, err)
			}
			for i, row := range said.Reports[0].Rows {
				if i >= len(test.names) || row.Name != test.names[i] || len(row.Values) == 0 {
					t.Errorf("row %d is %+v, want the rows %q", i, row, test.names)
				}
			}
			if len(said.Reports[0].Rows) != len(test.names) {
				t.Errorf("%d rows, want %q", len(said.Reports[0].Rows), test.names)
			}
		})
	}
	for _, name := range []string{"bare", "same", "gated"} {
		for _, kind := range []string{"cpu", "allocs", "requests"} {
			if kept, err := os.Stat(filepath.Join(profiles, name+"."+kind)); err != nil || kept.Size() == 0 {
				t.Errorf("profile %s.%s: %v", name, kind, err)
			}
		}
	}
}
