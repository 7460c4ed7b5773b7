// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ana    = "ana@example.com"
	eve    = "eve@example.net" // as long as ana's, and not on the list
	origin = "https://app.example.com"
	longer = 10 * 365 * 24 * time.Hour // a grace that no test outlasts
)

// A clock stands still until it is moved.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.nanoseconds.Load()) }
func (c *clock) advance(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// A mailbox is a Sender that keeps what it is sent.
type mailbox struct {
	mu      sync.Mutex // guards below
	notices []challenge.Notice
	refuse  error
	down    bool
	came    challenge.Delivery // how far every mail came
}

func (m *mailbox) Send(_ context.Context, n challenge.Notice) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return m.refuse
	}
	m.notices = append(m.notices, n)
	return nil
}

func (m *mailbox) Down(string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.down
}

func (m *mailbox) Delivery(string) challenge.Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.came
}

func (m *mailbox) brings(stage challenge.DeliveryStage, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.came = challenge.Delivery{Stage: stage, At: at}
}

func (m *mailbox) breaks(refuse error, down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse, m.down = refuse, down
}

func (m *mailbox) all() []challenge.Notice {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.notices)
}

// last is the newest notice, whether or not it would really be sent.
func (m *mailbox) last(t testing.TB) challenge.Notice {
	t.Helper()
	all := m.all()
	if len(all) == 0 {
		t.Fatal("nothing was mailed")
	}
	return all[len(all)-1]
}

var errBroken = errors.New("disk is on fire")

// A counter is a store that counts, and that can break.
type counter struct {
	challenge.Store
	mu   sync.Mutex // guards below
	gets []string
	puts []string
	down bool
}

func (c *counter) note(to *[]string, key string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return errBroken
	}
	if key != "ended" && key != "budget" && key != "keys" { // read by the clock, not by requests
		*to = append(*to, key)
	}
	return nil
}

func (c *counter) Get(ctx context.Context, key string) ([]byte, error) {
	if err := c.note(&c.gets, key); err != nil {
		return nil, err
	}
	return c.Store.Get(ctx, key)
}

func (c *counter) Update(ctx context.Context, key string, edit func([]byte, time.Time) ([]byte, time.Duration, error)) error {
	if err := c.note(&c.puts, key); err != nil {
		return err
	}
	return c.Store.Update(ctx, key, edit)
}

func (c *counter) breaks(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

// since returns how many reads and writes there were, and begins anew.
func (c *counter) since() (gets, puts int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	gets, puts = len(c.gets), len(c.puts)
	c.gets, c.puts = nil, nil
	return gets, puts
}

// dump is all that the store holds.
func (c *counter) dump(t testing.TB) map[string]string {
	t.Helper()
	lister, ok := c.Store.(challenge.Lister)
	if !ok {
		t.Fatal("store cannot list")
	}
	keys, err := lister.List(t.Context(), "", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, key := range keys {
		// Activity is written a moment after what it tells of.
		if key == "ended" || key == "budget" || strings.HasPrefix(key, "activity/") {
			continue
		}
		value, err := c.Store.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		all[key] = string(value)
	}
	return all
}

// Settings change a world before it is built.
type settings struct {
	web    web.Options
	gate   challenge.GateOptions
	access challenge.AccessOptions
}

// A world is a door with what is around it. It serves HTTP as the server in
// front would: what passes is answered 200 "app".
type world struct {
	t       testing.TB
	clock   *clock
	store   *counter
	mailbox *mailbox
	house   *challenge.House
	gate    *challenge.Gate
	door    *web.Door

	arrive func(in *web.Arrival, r *http.Request) // says more of a request
	passed atomic.Int64
}

func newWorld(t testing.TB, change ...func(*settings)) *world {
	t.Helper()
	s := settings{
		web:    web.Options{Origins: []string{origin}},
		gate:   challenge.GateOptions{ID: "gate", Grace: longer},
		access: challenge.AccessOptions{Allow: []string{ana, "*@example.org"}},
	}
	for _, c := range change {
		c(&s)
	}
	w := &world{t: t, clock: new(clock), mailbox: new(mailbox)}
	w.clock.nanoseconds.Store(time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	w.store = &counter{Store: memstore.New(memstore.Options{Now: w.clock.now})}
	ring, err := keyring.New(bytes.Repeat([]byte("0123456789abcdef"), 2))
	if err != nil {
		t.Fatal(err)
	}
	house, err := challenge.OpenHouse(context.Background(), challenge.HouseOptions{
		Store: w.store, Ring: ring, Sender: w.mailbox, Now: w.clock.now,
		Gather: time.Hour, // of real time: what is counted here is what requests do
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(house.Close)
	w.house = house
	if s.gate.Access, err = challenge.NewAccess(s.access); err != nil {
		t.Fatal(err)
	}
	if w.gate, err = house.NewGate(context.Background(), s.gate); err != nil {
		t.Fatal(err)
	}
	s.web.Gate = w.gate
	if w.door, err = web.New(s.web); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) arrival(r *http.Request) *web.Arrival {
	in := &web.Arrival{
		Original: r.URL, IP: netip.MustParseAddr("203.0.113.7"), Secure: true, Guarded: true, Now: w.clock.now(),
	}
	if w.arrive != nil {
		w.arrive(in, r)
	}
	return in
}

// ServeHTTP is the server in front.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	in := w.arrival(r)
	out := w.door.Serve(rw, r, in)
	if !out.Pass {
		return
	}
	w.passed.Add(1)
	for _, cookie := range out.Cookies {
		rw.Header().Add("Set-Cookie", cookie)
	}
	if out.Admission != nil {
		rw.Header().Set("Who", string(out.Admission.Identity.Email))
	}
	_, _ = rw.Write([]byte("app"))
}

// earlier makes every request speak for somebody.
func (w *world) earlier(who challenge.Identity) {
	w.arrive = func(in *web.Arrival, _ *http.Request) { in.Earlier = &who }
}

func anaByPassword() challenge.Identity {
	return challenge.Identity{Source: "http.auth.user.id", User: "ana", Email: ana}
}

// roomy limits do not get in the way.
func roomy(s *settings) {
	many := []challenge.Rate{{N: 100_000, Per: time.Minute}}
	s.gate.Policy.Limits = challenge.Limits{SendAddress: many, SendIP: many, SendTotal: many, TryAddress: many, TryIP: many}
}

// wrongCode is n-th code that is not the given one.
func wrongCode(code string, n int) string {
	other := []byte(code)
	for i := len(other) - 1; n >= 0 && i >= 0; i-- {
		other[i] = '0' + (other[i]-'0'+byte(1+n%9))%10
		n = n/9 - 1
	}
	return string(other)
}

func sorted(set map[string]string) []string { return slices.Sorted(maps.Keys(set)) }
