// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// A Wire is the network between a machine and a server, which a test can spoil.
type Wire struct {
	Address string // host:port at which the server seems to be
	proxy   *toxiproxy.Proxy
}

// NewWire leads to a server, and is whole. It ends with the test.
func NewWire(t testing.TB, to string) *Wire {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	w := &Wire{}
	err := errors.New("not tried")
	for range 5 { // another process may take a port that was free
		if err == nil {
			break
		}
		w.Address = loopback + ":" + FreePort(t)
		w.proxy = toxiproxy.NewProxy(server, "wire", w.Address, to)
		err = w.proxy.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Cut)
	return w
}

// Some toxics of toxiproxy write to a logger of their own.
func init() { zerolog.SetGlobalLevel(zerolog.Disabled) }

// Cut ends all connections, and refuses new ones.
func (w *Wire) Cut() { w.proxy.Stop() }

// Mend ends what Cut began.
func (w *Wire) Mend(t testing.TB) {
	t.Helper()
	if err := w.proxy.Start(); err != nil {
		t.Fatal(err)
	}
}

// Spoil adds a fault of toxiproxy, such as {"type": "timeout", "attributes":
// {"timeout": 0}}, to what the server answers.
func (w *Wire) Spoil(t testing.TB, fault string) {
	t.Helper()
	if _, err := w.proxy.Toxics.AddToxicJson(strings.NewReader(fault)); err != nil {
		t.Fatal(err)
	}
}

// Heal ends all faults that Spoil added.
func (w *Wire) Heal() { w.proxy.Toxics.ResetToxics(context.Background()) }
