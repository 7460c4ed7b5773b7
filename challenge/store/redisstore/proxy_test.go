// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"fmt"
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

// A network is what lies between a store, or a replica, and a server, and can
// be made bad.
type network struct {
	t     *testing.T
	to    string
	addr  string // where it listens
	proxy *toxiproxy.Proxy
}

func newNetwork(t *testing.T, to *redistest.Server) *network {
	t.Helper()
	n := &network{t: t, to: to.Addr, addr: "127.0.0.1:0"}
	n.start()
	n.addr = n.proxy.Listen
	t.Cleanup(func() { n.proxy.Stop() })
	return n
}

// start lets everything through.
func (n *network) start() {
	n.t.Helper()
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	n.proxy = toxiproxy.NewProxy(api, "redis", n.addr, n.to)
	if err := n.proxy.Start(); err != nil {
		n.t.Fatalf("starting a proxy: %v", err)
	}
}

// stop cuts all connections and accepts none.
func (n *network) stop() { n.proxy.Stop() }

// poison makes the network bad in one direction, upstream or downstream. It
// stays so until the network is stopped and started: to take what makes it bad
// out of a proxy under load can wait for ever.
func (n *network) poison(direction, kind, attributes string) {
	n.t.Helper()
	if _, err := n.proxy.Toxics.AddToxicJson(strings.NewReader(
		fmt.Sprintf(`{"type": %q, "stream": %q, "attributes": {%s}}`, kind, direction, attributes))); err != nil {
		n.t.Fatalf("making the network bad: %v", err)
	}
}

// part lets nothing through any more, without a word to either side.
func (n *network) part() {
	n.poison("upstream", "timeout", `"timeout": 0`)
	n.poison("downstream", "timeout", `"timeout": 0`)
}
