// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

// codeOf takes the codes out of mails that are never sent.
type codeOf struct {
	mu   sync.Mutex // guards below
	last string
}

func (c *codeOf) Send(_ context.Context, n challenge.Notice) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = n.Code.Reveal()
	return nil
}

func (*codeOf) Down(string) bool                       { return false }
func (*codeOf) Delivery(string) (d challenge.Delivery) { return d }

// BenchmarkRightCodes tells how many right codes a second each store takes from 32
// people at once, without HTTP, and what one allocates. Run it with -benchtime 1000x.
func BenchmarkRightCodes(b *testing.B) {
	for name, open := range map[string]func(b *testing.B) challenge.Store{
		"memory": func(*testing.B) challenge.Store { return memstore.New(memstore.Options{}) },
		"embedded": func(b *testing.B) challenge.Store {
			store, err := boltstore.Open(boltstore.Options{Path: filepath.Join(b.TempDir(), "doorcode.db")})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = store.Close() })
			return store
		},
		"redis": func(b *testing.B) challenge.Store {
			store, err := redisstore.Open(redisstore.Options{Addrs: []string{redistest.Start(b).Addr}})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = store.Close() })
			return store
		},
	} {
		b.Run(name, func(b *testing.B) { enterCodes(b, open(b)) })
	}
}

func enterCodes(b *testing.B, store challenge.Store) {
	ring, err := keyring.New(bytes.Repeat([]byte("0123456789abcdef"), 2))
	if err != nil {
		b.Fatal(err)
	}
	mails := new(codeOf)
	house, err := challenge.OpenHouse(b.Context(), challenge.HouseOptions{Store: store, Ring: ring, Sender: mails, Gather: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	defer house.Close()
	all, err := challenge.NewAccess(challenge.AccessOptions{Allow: []string{"*@example.com"}})
	if err != nil {
		b.Fatal(err)
	}
	many := []challenge.Rate{{N: 1 << 30, Per: time.Hour}}
	gate, err := house.NewGate(b.Context(), challenge.GateOptions{
		ID: "gate", Access: all, Grace: time.Hour, Policy: challenge.Policy{Limits: challenge.Limits{SendTotal: many}},
	})
	if err != nil {
		b.Fatal(err)
	}
	visits, flows, codes := make([]*challenge.Visit, b.N), make([]*challenge.Flow, b.N), make([]string, b.N)
	for n := range b.N {
		visits[n] = &challenge.Visit{
			Now: time.Now(), Audience: "https://app.example.com", Host: "app.example.com",
			IP: netip.AddrFrom4([4]byte{20, byte(n >> 16), byte(n >> 8), byte(n)}), Agent: "Mozilla/5.0",
		}
		sent, err := gate.Begin(b.Context(), visits[n], nil, challenge.Email(fmt.Sprintf("person%d@example.com", n)))
		if err != nil {
			b.Fatal(err)
		}
		flows[n], codes[n] = sent.Flow, mails.last
	}
	var next atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			n := next.Add(1) - 1
			if _, err := gate.Verify(context.Background(), visits[n], flows[n], challenge.Try{Typed: codes[n]}); err != nil {
				b.Errorf("a right code: %v", err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "codes/s")
}
