// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/doorcode/caddy-doorcode/caddymodule/replay"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/web"
	"github.com/doorcode/caddy-doorcode/geo"
)

// replayed are the gates as decisions are judged by them, and what is to be said of
// them: all, or those of a site.
func (st *stage) replayed(m *memory, site string) (gates []*replay.Gate, notes []string, err error) {
	at, err := st.app.gatesAt(site)
	if err != nil {
		return nil, nil, err
	}
	digests := map[*entrance]string{} // before the limits are widened
	for _, e := range at {
		digests[e] = e.digest()
	}
	if err := st.open(m, func(web.Outcome) {}); err != nil {
		return nil, nil, err
	}
	var nameless bool
	for _, e := range at {
		d, err := e.open()
		if err != nil {
			return nil, nil, err
		}
		g := e.replayed(d)
		g.Digest = digests[e]
		if gates = append(gates, g); g.Account == nil && len(g.Listed) > 0 {
			nameless = true
		}
	}
	if nameless {
		notes = append(notes, "The secret is not at hand, by which the addresses of the lists are found in the log: it is made at the first start and lies in Caddy's data folder.")
	}
	return gates, notes, nil
}

// replayed is one gate as decisions are judged by it.
func (e *entrance) replayed(d *doorway) *replay.Gate {
	networks, _ := e.settings.networks() // they were read before
	g := &replay.Gate{
		ID: d.gate.ID(), Origins: e.app.building.originsOf(e), Policy: d.gate.Policy(), Access: e.lists.access.Load(), Listed: e.spelledOut(),
		Networks: networks, Narrow: len(e.rules.guard.sets) > 0,
	}
	if e.identity != nil {
		g.Source = e.identity.source
	}
	if e.places != nil {
		g.Locate = func(ip netip.Addr) *geo.Place { return d.gate.Locate(ip) }
	}
	if ring := e.ringAtHand(); ring != nil {
		g.Account = namesBy(ring).Person
	}
	for _, rule := range e.rules.sensitive {
		g.Sensitive = append(g.Sensitive, rule.page.MaxAge)
	}
	return g
}

// spelledOut are the addresses that the lists name one by one.
func (e *entrance) spelledOut() (addresses []challenge.Email) {
	said := e.lists.said.Load()
	entries := slices.Concat(e.settings.Allow, said.allowed, e.settings.Deny)
	for _, members := range slices.Collect(maps.Values(said.groups)) {
		entries = append(entries, members...)
	}
	for _, p := range said.people {
		entries = append(entries, p.Mailbox)
	}
	for _, entry := range entries {
		if email, err := challenge.ParseEmail(entry); err == nil && !strings.HasPrefix(entry, "*") { // that is a domain
			addresses = append(addresses, email)
		}
	}
	slices.Sort(addresses)
	return slices.Compact(addresses)
}

// ringAtHand derives the keys that stand for people in the log; nil where the secret
// cannot be read. It makes none, as openRing would.
func (e *entrance) ringAtHand() *keyring.Ring {
	if e.secret == nil {
		if _, err := os.ReadFile(filepath.Join(dataFolder(), "secret")); err != nil {
			return nil
		}
	}
	ring, err := openRing(e.secret)
	if err != nil {
		return nil
	}
	return ring
}
