// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
)

func TestOptionsThatCannotBeMeantAreRefused(t *testing.T) {
	one, three := []string{"a:1"}, []string{"a:1", "b:1", "c:1"}
	for name, test := range map[string]struct {
		options redisstore.Options
		want    string // of the error; empty for none
	}{
		"one server":                       {redisstore.Options{Addrs: one, DB: 15}, ""},
		"sentinels":                        {redisstore.Options{Addrs: three, MasterName: "m", DB: 1}, ""},
		"a cluster":                        {redisstore.Options{Addrs: three, Cluster: true}, ""},
		"no address":                       {redisstore.Options{}, "no address"},
		"a cluster with sentinels":         {redisstore.Options{Addrs: three, Cluster: true, MasterName: "m"}, "not both"},
		"several servers of no known kind": {redisstore.Options{Addrs: three}, "say which"},
		"a database of a cluster":          {redisstore.Options{Addrs: three, Cluster: true, DB: 1}, "only database 0"},
		"a database below zero":            {redisstore.Options{Addrs: one, DB: -1}, "no database -1"},
		"a long prefix":                    {redisstore.Options{Addrs: one, Prefix: strings.Repeat("p", 129)}, "128 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := redisstore.Open(test.options)
			if test.want == "" {
				if err != nil {
					t.Fatalf("Open = %v", err)
				}
				_ = s.Close()
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "opening store: ") {
				t.Errorf("Open = %v, want %q in it", err, test.want)
			}
		})
	}
}

// F-01: opening a store connects to nothing, so that a machine starts without it.
func TestF01OpeningConnectsToNothing(t *testing.T) {
	for name, o := range map[string]redisstore.Options{
		"one server": {Addrs: []string{"a:1"}},
		"sentinels":  {Addrs: []string{"a:1", "b:1"}, MasterName: "m"},
		"a cluster":  {Addrs: []string{"a:1", "b:1"}, Cluster: true},
	} {
		t.Run(name, func(t *testing.T) {
			var dials atomic.Int64
			synctest.Test(t, func(t *testing.T) {
				s := open(t, o.WithDial(func(context.Context, string, string) (net.Conn, error) {
					dials.Add(1)
					return nil, net.ErrClosed
				}))
				<-time.After(time.Hour)
				if n := dials.Load(); n != 0 {
					t.Errorf("%d connections were tried", n)
				}
				if err := s.Close(); err != nil {
					t.Errorf("Close = %v", err)
				}
			})
		})
	}
}

// OPS-02: no step may take longer than its timeout.
func TestOPS02EveryStepHasAnEnd(t *testing.T) {
	for name, set := range map[string]func(f *fakeServer, o redisstore.Options) redisstore.Options{
		"connecting": func(_ *fakeServer, o redisstore.Options) redisstore.Options {
			return o.WithDial(func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
		},
		"agreeing on TLS": func(_ *fakeServer, o redisstore.Options) redisstore.Options {
			o.TLS = &tls.Config{}
			return o
		},
		"writing": func(_ *fakeServer, o redisstore.Options) redisstore.Options { return o },
		"reading": func(f *fakeServer, o redisstore.Options) redisstore.Options {
			f.answer = func(args []string) string {
				if args[0] == "hello" {
					return empty(args)
				}
				return ""
			}
			f.state.Store(up)
			return o
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fakeServer{}
			f.state.Store(silent)
			o := f.options()
			o.Timeout = 7 * time.Second
			o = set(f, o)
			synctest.Test(t, func(t *testing.T) {
				s := open(t, o)
				defer f.stop()
				began := time.Now()
				if _, err := s.Get(t.Context(), "a"); err == nil {
					t.Error("Get = nil")
				}
				if took := time.Since(began); took != o.Timeout {
					t.Errorf("Get took %v, want %v", took, o.Timeout)
				}
			})
		})
	}
}

// OPS-02: the bounds that are documented are those of the client.
func TestOPS02TheBoundsAreTheDocumentedOnes(t *testing.T) {
	type bounds struct {
		dial, read, write, pool, idle time.Duration
		size                          int
	}
	cores := runtime.GOMAXPROCS(0)
	for name, test := range map[string]struct {
		options redisstore.Options
		want    bounds
	}{
		"by default": {
			redisstore.Options{Addrs: []string{"a:1"}},
			bounds{time.Second, time.Second, time.Second, time.Second, 5 * time.Minute, 10 * cores},
		},
		"as they are set": {
			redisstore.Options{Addrs: []string{"a:1"}, MasterName: "m", Timeout: time.Minute, PoolSize: 3},
			bounds{time.Minute, time.Minute, time.Minute, time.Minute, 5 * time.Minute, 3},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t, test.options).ClientOptions()
			got := bounds{o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout, o.ConnMaxIdleTime, o.PoolSize}
			if got != test.want {
				t.Errorf("the client has %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestAPasswordCannotBePrinted(t *testing.T) {
	o := redisstore.Options{Addrs: []string{"a:1"}, Password: "geheim-one", SentinelPassword: "geheim-two"}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("opening", "password", o.Password, "options", fmt.Sprintf("%+v", o))
	raw, err := json.Marshal(map[string]any{"password": o.Password})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(o.Password), fmt.Sprintf("%v %+v %#v %s %q %x", o, o, o, o.Password, o.Password, o.Password), log.String(), string(raw),
	} {
		if strings.Contains(text, "geheim") || strings.Contains(text, fmt.Sprintf("%x", "geheim")) {
			t.Errorf("a password was printed: %s", text)
		}
	}
}
