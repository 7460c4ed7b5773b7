// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"io"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// On a machine with one core, a sync of the disk must not hold up requests that need
// no disk. Whoever sets GOMAXPROCS has it as they want it.
func TestOneCoreIsNotHeldUpByTheDisk(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, test := range []struct {
		name, set string
		has, want int
	}{{"one core", "", 1, 2}, {"one core that is wanted so", "1", 1, 1}, {"more cores", "", 3, 3}} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("GOMAXPROCS", test.set)
			runtime.GOMAXPROCS(test.has)
			s := caddymodule.EmbeddedStorage{Path: filepath.Join(t.TempDir(), "doorcode.db")}
			if err := s.Provision(caddy.Context{}); err != nil {
				t.Fatal(err)
			}
			store, err := s.OpenStore(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := runtime.GOMAXPROCS(0); got != test.want {
				t.Errorf("Go uses %d threads at once, want %d", got, test.want)
			}
			if err := store.(io.Closer).Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
