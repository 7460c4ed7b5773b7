// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo_test

import (
	"net/netip"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/doorcode/caddy-doorcode/geo"
)

// Nothing may look at files after Close.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

// open opens databases that are only looked at when the test says so.
func open(t testing.TB, paths ...string) *geo.DB {
	t.Helper()
	return openWith(t, geo.Options{Files: paths, Refresh: -1})
}

func openWith(t testing.TB, o geo.Options) *geo.DB {
	t.Helper()
	db, err := geo.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// events keeps what was reported.
type events struct {
	mu  sync.Mutex // guards below
	all []geo.Event
}

func (e *events) add(one geo.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, one)
}

// take returns what was reported since the last take.
func (e *events) take() []geo.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.all
	e.all = nil
	return all
}

// kinds are the kinds of what was reported since the last take.
func (e *events) kinds() []geo.Kind {
	var kinds []geo.Kind
	for _, one := range e.take() {
		kinds = append(kinds, one.Kind)
	}
	return kinds
}

func content(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func overwrite(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
