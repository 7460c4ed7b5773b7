// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"context"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

// A meter counts what goes over the network: each command is written at once,
// so that the writes are the round trips.
type meter struct{ trips, sent, received atomic.Int64 }

type meteredConn struct {
	net.Conn
	m *meter
}

func (m *meter) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	return meteredConn{c, m}, err
}

func (c meteredConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.m.trips.Add(1)
	c.m.sent.Add(int64(n))
	return n, err
}

func (c meteredConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.m.received.Add(int64(n))
	return n, err
}

func (m *meter) reset() { m.trips.Store(0); m.sent.Store(0); m.received.Store(0) }

func (m *meter) report(b *testing.B) {
	each := func(n *atomic.Int64) float64 { return float64(n.Load()) / float64(b.N) }
	b.ReportMetric(each(&m.trips), "trips/op")
	b.ReportMetric(each(&m.sent), "B-sent/op")
	b.ReportMetric(each(&m.received), "B-received/op")
}

// grow changes a record of about the size of an address's counters.
func grow(old []byte, _ time.Time) ([]byte, time.Duration, error) {
	if len(old) == 0 {
		return make([]byte, 600), time.Hour, nil
	}
	old[0]++
	return old, time.Hour, nil
}

func growInRun(old []byte, now time.Time, _ string) ([]byte, time.Duration, error) {
	return grow(old, now)
}

// calls are what is measured, each on a record that is there.
var calls = map[string]func(ctx context.Context, s *redisstore.Store, key string) error{
	"Get": func(ctx context.Context, s *redisstore.Store, key string) error {
		_, err := s.Get(ctx, key)
		return err
	},
	"GetRun": func(ctx context.Context, s *redisstore.Store, key string) error {
		_, _, err := s.GetRun(ctx, key)
		return err
	},
	"Update": func(ctx context.Context, s *redisstore.Store, key string) error { return s.Update(ctx, key, grow) },
	"UpdateRun": func(ctx context.Context, s *redisstore.Store, key string) error {
		return s.UpdateRun(ctx, key, growInRun)
	},
}

// Two round trips for an update and one for a read, on every topology and also
// when the server is new, but for the scripts that it is sent once.
func TestACallTakesTheRoundTripsItShould(t *testing.T) {
	t.Parallel()
	one := redisstore.Options{Addrs: []string{redistest.Start(t).Addr}, Timeout: slowMachine}
	cluster := redisstore.Options{Addrs: redistest.Addrs(redistest.Cluster(t, 3, false)), Cluster: true, Timeout: slowMachine}
	for name, o := range map[string]redisstore.Options{"one server": one, "a cluster": cluster} {
		t.Run(name, func(t *testing.T) {
			m := &meter{}
			s := open(t, o.WithDial(m.dial))
			for name, want := range map[string]int64{"Get": 1, "GetRun": 1, "Update": 2, "UpdateRun": 2} {
				for range 2 { // the first makes the connection and the record
					put(t, s, "a", "x", time.Hour)
					m.reset()
					if err := calls[name](t.Context(), s, "a"); err != nil {
						t.Errorf("%s = %v", name, err)
					}
				}
				if got := m.trips.Load(); got != want {
					t.Errorf("%s took %d round trips, want %d", name, got, want)
				}
			}
		})
	}
}

func BenchmarkCall(b *testing.B) {
	server := redistest.Start(b)
	for _, name := range []string{"Get", "GetRun", "Update", "UpdateRun"} {
		b.Run(name, func(b *testing.B) {
			m := &meter{}
			s := open(b, redisstore.Options{Addrs: []string{server.Addr}, Timeout: slowMachine}.WithDial(m.dial))
			if err := s.Update(b.Context(), "door/a", grow); err != nil {
				b.Fatal(err)
			}
			m.reset()
			b.ReportAllocs()
			for b.Loop() {
				if err := calls[name](b.Context(), s, "door/a"); err != nil {
					b.Fatal(err)
				}
			}
			m.report(b)
		})
	}
}

// BenchmarkContention updates with 64 at once: records of their own, or one
// for all, from one machine or from two. The trips over two for an update are
// those that came in vain.
func BenchmarkContention(b *testing.B) {
	server := redistest.Start(b)
	for _, keys := range []string{"different", "same"} {
		for _, n := range []int{1, 2} {
			b.Run("keys="+keys+"/machines="+strconv.Itoa(n), func(b *testing.B) {
				m := &meter{}
				all := machines(b, n, redisstore.Options{Addrs: []string{server.Addr}, Timeout: slowMachine}.WithDial(m.dial))
				contend(b, all, keys == "same", m)
			})
		}
	}
}

func contend(b *testing.B, all []*redisstore.Store, same bool, m *meter) {
	b.Helper()
	const parallel = 64
	for i := range parallel {
		if err := all[i%len(all)].Update(b.Context(), "door/"+strconv.Itoa(i), grow); err != nil {
			b.Fatal(err)
		}
	}
	m.reset()
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for i := range parallel {
		key := "door/" + strconv.Itoa(i)
		if same {
			key = "door/0"
		}
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := all[i%len(all)].Update(b.Context(), key, grow); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	m.report(b)
}
