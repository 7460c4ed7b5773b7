// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// shortly is Redis that is waited for briefly, and done without for a second.
const shortly = "redis redis://STORE {\n\t\t\ttimeout 200ms\n\t\t\tgrace 1s\n\t\t}"

// wantAway fails unless a browser is told that sign-ins cannot be checked, on a page
// and by a program.
func wantAway(t *testing.T, what string, b *harness.Browser) {
	t.Helper()
	page := b.Open(t, "/")
	wantStatus(t, what, page, http.StatusServiceUnavailable)
	wantText(t, what, page, "Sign-in is unavailable")
	problem := b.Fetch(t, "/")
	wantStatus(t, what+", a program", problem, http.StatusServiceUnavailable)
	if !strings.Contains(problem.Body, `"urn:doorcode:unavailable"`) {
		t.Errorf("%s, a program: %s", what, problem.Body)
	}
	for _, answer := range []harness.Page{page, problem} {
		if answer.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", what)
		}
	}
}

// newcomers numbers people of whom nobody has heard before.
var newcomers atomic.Int64

// back waits until a machine mails codes again: what it asked of its store before a
// fault was over may go wrong a moment later.
func back(t *testing.T, m *harness.Machine) {
	t.Helper()
	b, address := m.Browser(t), fmt.Sprintf("newcomer%d@example.com", newcomers.Add(1))
	harness.Eventually(t, m.At+" to mail codes", func() bool {
		if b.Open(t, "/").Status != http.StatusUnauthorized {
			return false
		}
		return b.AJAX(t, "email", url.Values{"email": {address}}).Status == http.StatusOK
	})
}

// eventOf waits for an event in the log of a machine, and returns the first.
func eventOf(t *testing.T, m *harness.Machine, name string) harness.Entry {
	t.Helper()
	harness.Eventually(t, "the event "+name, func() bool { return len(m.Entries(t, name)) > 0 })
	return m.Entries(t, name)[0]
}

const rosebud = "rosebud-of-redis"

// F-01: whatever keeps Redis from answering when Caddy starts, Caddy starts: what it
// guards is closed, other sites are served, and the log says why without a password.
// Once Redis answers, nothing has to be started again.
func TestF01CaddyStartsWithoutRedis(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(rosebud), 0o600); err != nil {
		t.Fatal(err)
	}
	guarded := func(scheme string) string {
		return oneDoor("redis " + scheme + "://STORE {\n\t\t\tpassword {file." + file + "}\n\t\t\ttimeout 500ms\n\t\t}")
	}
	locked := redistest.Start(t, "--requirepass", "another-one")
	open := redistest.Start(t, "--requirepass", rosebud)
	wire := harness.NewWire(t, open.Addr)
	wire.Cut()
	for name, tt := range map[string]struct {
		scheme, store string
		mend          func() // nil: nothing can be
	}{
		"nobody listens": {"redis", wire.Address, func() { wire.Mend(t) }},
		"the password is another": {"redis", locked.Addr, func() {
			if err := locked.Client().ConfigSet(t.Context(), "requirepass", rosebud).Err(); err != nil {
				t.Fatal(err)
			}
		}},
		"the server speaks no TLS": {"rediss", open.Addr, nil},
	} {
		t.Run(name, func(t *testing.T) {
			site := guarded(tt.scheme) + "http://other.localhost:PORT {\n\trespond other\n}\n"
			f := harness.NewFleet(t, site)
			m := f.Run(t, tt.store)[0]
			wantAway(t, "a visitor", m.Browser(t))
			other := m.Browser(t).Do(t, http.MethodGet, "http://other.localhost:"+m.Port+"/", nil)
			wantStatus(t, "another site", other, http.StatusOK)
			e := eventOf(t, m, "store_away")
			if e["level"] != "error" || e["error"] == nil {
				t.Errorf("the log says %v", e)
			}
			if log := m.Log(t); strings.Contains(log, rosebud) {
				t.Errorf("the log tells the password:\n%s", log)
			}
			if tt.mend == nil {
				return
			}
			tt.mend()
			back(t, m)
			b := m.Browser(t)
			b.SignIn(t, m.Caddy, "/", ana, true)
			eventOf(t, m, "store_back")
		})
	}
}

// Acceptance 100: validating a configuration asks no store anything.
func TestValidatingConnectsToNoRedis(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var dials atomic.Int32
	var waits sync.WaitGroup
	waits.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			dials.Add(1)
			_ = conn.Close()
		}
	})
	f := harness.NewFleet(t, oneDoor(onRedis))
	m := f.Prepare(t, listener.Addr().String())
	for _, command := range []string{"validate", "adapt"} {
		m.Begin(t, command)
		<-m.Exited()
		if m.Code() != 0 {
			t.Errorf("%s: exit code %d\n%s", command, m.Code(), m.Log(t))
		}
	}
	_ = listener.Close()
	waits.Wait()
	if n := dials.Load(); n > 0 {
		t.Errorf("%d connections", n)
	}
}

// A caller is a browser with a session that asks again and again, at one machine.
type caller struct {
	halt             chan struct{}
	done             sync.WaitGroup
	in, away, others atomic.Int64
}

// keepAsking begins requests with a session, each of which must be let in as its
// person, or be told that nothing can be checked.
func keepAsking(t *testing.T, m *harness.Machine, b *harness.Browser) *caller {
	t.Helper()
	c := &caller{halt: make(chan struct{})}
	line := cookies(t, b)
	for range 2 {
		twin := with(t, m.Caddy, line)
		c.done.Go(func() {
			for {
				select {
				case <-c.halt:
					return
				default:
				}
				switch twin.Fetch(t, "/").Status {
				case http.StatusOK:
					c.in.Add(1)
				case http.StatusServiceUnavailable:
					c.away.Add(1)
				default:
					c.others.Add(1)
				}
			}
		})
	}
	return c
}

// more waits until so many further requests were let in.
func (c *caller) more(t *testing.T, n int64) {
	t.Helper()
	before := c.in.Load()
	harness.Eventually(t, "requests that are let in", func() bool { return c.in.Load() >= before+n })
}

func (c *caller) stop() {
	close(c.halt)
	c.done.Wait()
}

// F-02: Redis goes away under load, and comes back. Live sessions go on for the
// grace; new checks are refused at once, without each waiting for Redis; then all is
// closed; and all comes back by itself, with nothing left over.
func TestF02RedisGoesAwayUnderLoad(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for name, fault := range map[string]struct{ begin, end func(w *harness.Wire) }{
		"refused": {func(w *harness.Wire) { w.Cut() }, func(w *harness.Wire) { w.Mend(t) }},
		"silent": {
			func(w *harness.Wire) { w.Spoil(t, `{"type": "timeout", "attributes": {"timeout": 0}}`) },
			func(w *harness.Wire) { w.Heal() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			wire := harness.NewWire(t, server.Addr)
			meter := harness.NewMeter(t, wire.Address, "doorcode:ended")
			f := harness.NewFleet(t, oneDoor(shortly, generous("")))
			both := f.Run(t, meter.Address, server.Addr)
			b := signedIn(t, both[0].Caddy, ana)
			remembered := both[0].Browser(t)
			remembered.SignIn(t, both[0].Caddy, "/", ben, true)
			load := keepAsking(t, both[0], b)
			load.more(t, 20)
			newcomer := both[0].Browser(t)
			newcomer.Open(t, "/")
			goroutines := both[0].Goroutines(t)

			fault.begin(wire)
			eventOf(t, both[0], "store_away")
			before := meter.Read()
			for range 50 {
				wantStatus(t, "a check that began before", newcomer.AJAX(t, "email", url.Values{"email": {ana}}), http.StatusServiceUnavailable)
				wantStatus(t, "a new check", both[0].Browser(t).Fetch(t, "/"), http.StatusServiceUnavailable)
			}
			if asked := meter.Read().Since(before); asked.Dials > 50 {
				t.Errorf("100 refusals dialled %d times", asked.Dials)
			}
			wantStatus(t, "at the other machine", b.Move(both[1]).Fetch(t, "/"), http.StatusOK)
			harness.Eventually(t, "the grace to end", func() bool { return load.away.Load() > 0 })
			wantAway(t, "a session after the grace", b.Move(both[0]))
			remembered.Drop(t, "doorcode")
			wantAway(t, "a remembered browser after the grace", remembered)

			fault.end(wire)
			load.more(t, 20)
			load.stop()
			if n := load.others.Load(); n > 0 {
				t.Errorf("%d requests of a live session were answered otherwise", n)
			}
			eventOf(t, both[0], "store_back")
			wantStatus(t, "a remembered browser", remembered.Fetch(t, "/"), http.StatusOK)
			signedIn(t, both[0].Caddy, "cara@example.com")
			wantGoroutines(t, both[0], goroutines)
		})
	}
}

// wantGoroutines waits until a machine has no more goroutines than before a fault.
func wantGoroutines(t *testing.T, m *harness.Machine, before int) {
	t.Helper()
	harness.Eventually(t, fmt.Sprintf("goroutines to end: %d before", before), func() bool { return m.Goroutines(t) <= before })
}
