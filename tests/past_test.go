// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// A past is a store in which people have signed in, before the server that uses it
// starts.
type past struct {
	clock  atomic.Int64 // Unix nanoseconds
	store  *boltstore.Store
	places *geo.DB
	house  *challenge.House
	gate   *challenge.Gate
	origin string
	named  bool // by an earlier step

	mu   sync.Mutex // guards below
	code challenge.Code
}

// Send keeps the last code.
func (p *past) Send(_ context.Context, n challenge.Notice) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n.Code.Reveal() != "" {
		p.code = n.Code
	}
	return nil
}

func openPast(t *testing.T, c *harness.Caddy, g guess) *past {
	t.Helper()
	p := &past{origin: g.scheme() + "://localhost:" + c.Port, named: g.earlier}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := keyring.ParseSecret(rootSecret)
	must(err)
	ring, err := keyring.New(root)
	must(err)
	harness.CertifiedFiles(t, c.Folder, "localhost") // of the site
	p.clock.Store(time.Now().UnixNano())
	p.store, err = boltstore.Open(boltstore.Options{Path: filepath.Join(c.Folder, "doorcode.db"), Now: func() time.Time { return time.Unix(0, p.clock.Load()) }})
	must(err)
	p.house, err = challenge.OpenHouse(t.Context(), challenge.HouseOptions{Store: p.store, Ring: ring, Sender: p})
	must(err)
	var files []string
	if g.places {
		for _, name := range []string{"city.mmdb", "asn.mmdb", "anonymous.mmdb"} {
			files = append(files, filepath.Join(c.Folder, name))
		}
	}
	p.places, err = geo.Open(geo.Options{Files: files, Refresh: -1})
	must(err)
	everyone, err := challenge.NewAccess(challenge.AccessOptions{Allow: []string{"*"}})
	must(err)
	many := []challenge.Rate{{N: 1000, Per: time.Minute}}
	idle, err := caddy.ParseDuration(g.idle)
	must(err)
	var networks []challenge.Network
	if g.office {
		networks = []challenge.Network{{Name: "office", Prefixes: []netip.Prefix{netip.MustParsePrefix(office)}}}
	}
	p.gate, err = p.house.NewGate(t.Context(), challenge.GateOptions{
		ID: "past", Access: everyone, Locator: p.places, Grace: 24 * time.Hour,
		Networks: networks,
		Policy:   challenge.Policy{Risk: risk.Policy{Places: g.places}, Devices: challenge.DevicePolicy{Idle: idle}, Ways: challenge.WaysPolicy{Passkeys: true}, Limits: challenge.Limits{SendAddress: many, SendIP: many, SendTotal: many, TryAddress: many, TryIP: many}},
	})
	must(err)
	return p
}

func (p *past) close(t *testing.T) {
	t.Helper()
	p.house.Close()
	p.places.Close()
	if err := p.store.Close(); err != nil {
		t.Fatal(err)
	}
}

// live gives a visitor their past and returns the cookies that are left of it.
func (p *past) live(t *testing.T, v visitor) string {
	t.Helper()
	if len(v.usual) == 0 && !v.known && !v.session {
		return ""
	}
	now, home := time.Now(), v.ip
	var key *passkeystest.Authenticator
	for i, ip := range v.usual {
		at := now.AddDate(0, 0, -60).Add(time.Duration(i) * time.Hour)
		entry := p.enter(t, v.email, ip, at, false)
		if v.passkey && key == nil {
			key = p.enrol(t, v.email, ip, at, entry.SetSession)
		}
	}
	if len(v.usual) > 0 {
		home = v.usual[0]
	}
	at := now.Add(-v.last)
	entry := p.enter(t, v.email, home, at, v.known && !v.passkey)
	if v.passkey && key == nil {
		key = p.enrol(t, v.email, home, at, entry.SetSession)
	}
	if v.passkey {
		entry = p.sign(t, v, home, at, key)
	}
	session, device, shown := p.names()
	var cookies []string
	if v.session {
		cookies = append(cookies, session+"="+entry.SetSession)
	}
	if v.known {
		cookies = append(cookies, device+"="+entry.SetDevice)
	}
	if v.bound {
		if pass := p.bind(t, v, home, at, now, entry); pass != "" && !v.copied {
			cookies = append(cookies, shown+"="+pass)
		}
	}
	return strings.Join(cookies, "; ")
}

func (p *past) enter(t *testing.T, email, ip string, at time.Time, remember bool) challenge.Entry {
	t.Helper()
	visit := p.visit(email, ip, at)
	sent, err := p.gate.Begin(t.Context(), &visit, nil, challenge.Email(email))
	if err != nil {
		t.Fatal(err)
	}
	entry, err := p.gate.Verify(t.Context(), &visit, sent.Flow, challenge.Try{Typed: p.lastCode(), Remember: remember})
	if err != nil {
		t.Fatal(err)
	}
	return entry
}
