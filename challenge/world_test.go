// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ana     = challenge.Email("ana@example.com")
	bob     = challenge.Email("bob@example.com")
	nobody  = challenge.Email("nobody@example.net")
	origin  = "https://app.example.com"
	longAgo = 10 * 365 * 24 * time.Hour // a grace that no test outlasts
)

// A clock stands still until it is moved.
type clock struct{ nanoseconds atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.nanoseconds.Store(time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanoseconds.Load()) }
func (c *clock) advance(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// A Mailbox is a Sender that keeps what it is sent.
type Mailbox struct {
	mu      sync.Mutex // guards below
	notices []challenge.Notice
	refuse  error

	noDecoys bool // they are dropped, for there are many
}

func (m *Mailbox) Send(_ context.Context, n challenge.Notice) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return m.refuse
	}
	if n.Decoy && m.noDecoys {
		return nil
	}
	m.notices = append(m.notices, n)
	return nil
}

func (m *Mailbox) breaks(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = err
}

func (m *Mailbox) all() []challenge.Notice {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]challenge.Notice(nil), m.notices...)
}

func (m *Mailbox) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notices = nil
}

// mails are those that would really be sent.
func (m *Mailbox) mails() (sent []challenge.Notice) {
	for _, n := range m.all() {
		if !n.Decoy {
			sent = append(sent, n)
		}
	}
	return sent
}

// A diary is a Recorder.
type diary struct {
	mu     sync.Mutex // guards below
	events []challenge.Event
	shut   bool // for benchmarks
}

func (d *diary) Record(_ context.Context, e challenge.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.shut {
		d.events = append(d.events, e)
	}
}

func (d *diary) has(name challenge.EventName) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.events {
		if e.Name == name {
			return true
		}
	}
	return false
}

func (d *diary) count(name challenge.EventName) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.events {
		if e.Name == name {
			n++
		}
	}
	return n
}

// A world is a house with what is around it.
type world struct {
	t       testing.TB
	clock   *clock
	store   challenge.Store
	ring    *keyring.Ring
	mailbox *Mailbox
	diary   *diary
	house   *challenge.House
}

func newWorld(t testing.TB) *world {
	t.Helper()
	c := newClock()
	return newWorldOn(t, c, memstore.New(memstore.Options{Now: c.now}))
}

func newWorldOn(t testing.TB, c *clock, store challenge.Store) *world {
	t.Helper()
	ring, err := keyring.New(bytes.Repeat([]byte("0123456789abcdef"), 2))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: c, store: store, ring: ring, mailbox: new(Mailbox), diary: new(diary)}
	w.house = w.machine()
	return w
}

// machine opens another house on the same store, as a restart or a second
// machine does.
func (w *world) machine() *challenge.House {
	w.t.Helper()
	h, err := challenge.OpenHouse(context.Background(), challenge.HouseOptions{
		Store: w.store, Ring: w.ring, Sender: w.mailbox, Now: w.clock.now,
		Gather: time.Hour, // no call to the store but those that a test makes
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(h.Close)
	return h
}

func (w *world) gate(o challenge.GateOptions) *challenge.Gate {
	w.t.Helper()
	return w.gateOf(w.house, o)
}

func (w *world) gateOf(h *challenge.House, o challenge.GateOptions) *challenge.Gate {
	w.t.Helper()
	o.ID = cmp.Or(o.ID, "gate")
	o.Grace = cmp.Or(o.Grace, longAgo)
	o.Recorder = w.diary
	if o.Access == nil {
		o.Access = access(w.t, challenge.AccessOptions{Allow: []string{string(ana), string(bob), "*@example.org"}})
	}
	g, err := h.NewGate(context.Background(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

func access(t testing.TB, o challenge.AccessOptions) *challenge.Access {
	t.Helper()
	a, err := challenge.NewAccess(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// roomy are limits that do not get in the way.
var roomy = challenge.Limits{
	SendAddress: many, SendIP: many, SendTotal: many, TryAddress: many, TryIP: many,
}

var many = []challenge.Rate{{N: 1000, Per: time.Minute}}

// A browser keeps cookies.
type browser struct {
	w       *world
	gate    *challenge.Gate
	ip      netip.Addr
	earlier *challenge.Identity
	agent   string
	link    string          // of the endpoints, for mails
	page    risk.Page       // that is asked for
	confirm *challenge.Live // the session that is to be confirmed

	session, device string
	pass            string // shows the key of a bound browser
	flow            *challenge.Flow
}

var networks atomic.Uint32

// elsewhere is an address in a network of its own.
func elsewhere() netip.Addr {
	n := networks.Add(1)
	return netip.AddrFrom4([4]byte{byte(20 + n>>16), byte(n >> 8), byte(n), 1})
}

func (w *world) browser(g *challenge.Gate) *browser {
	return &browser{w: w, gate: g, ip: elsewhere()}
}

func (b *browser) visit() *challenge.Visit {
	return &challenge.Visit{
		Now: b.w.clock.now(), Audience: origin, Host: "app.example.com", IP: b.ip, Agent: cmp.Or(b.agent, "Mozilla/5.0"),
		Session: b.session, Device: b.device, Pass: b.pass, Earlier: b.earlier, Link: b.link, Page: b.page, Confirm: b.confirm,
	}
}

// open visits the app.
func (b *browser) open() challenge.Verdict {
	verdict := b.gate.Admit(context.Background(), b.visit())
	b.session = cmp.Or(verdict.SetSession, b.session)
	b.device = cmp.Or(verdict.SetDevice, b.device)
	return verdict
}

func (b *browser) ask(to challenge.Email) (challenge.Sent, error) {
	sent, err := b.gate.Begin(context.Background(), b.visit(), b.flow, to)
	if sent.Flow != nil {
		b.flow = sent.Flow
	}
	return sent, err
}

func (b *browser) resend() (challenge.Sent, error) {
	sent, err := b.gate.Resend(context.Background(), b.visit(), b.flow)
	if sent.Flow != nil {
		b.flow = sent.Flow
	}
	return sent, err
}

func (b *browser) enter(code string, remember bool) error {
	entry, err := b.gate.Verify(context.Background(), b.visit(), b.flow, challenge.Try{Typed: code, Remember: remember})
	if err != nil {
		return err
	}
	b.session = entry.SetSession
	b.device = cmp.Or(entry.SetDevice, b.device)
	return nil
}

// mailed asks for a code and returns it.
func (b *browser) mailed(to challenge.Email) string {
	b.w.t.Helper()
	if _, err := b.ask(to); err != nil {
		b.w.t.Fatalf("Begin(%s) = %v", to, err)
	}
	return b.lastCode()
}

func (b *browser) lastCode() string {
	code := ""
	for _, n := range b.w.mailbox.all() {
		code = cmp.Or(n.Code.Reveal(), code)
	}
	return code
}

// signIn goes the whole way.
func (b *browser) signIn(to challenge.Email, remember bool) *browser {
	b.w.t.Helper()
	if err := b.enter(b.mailed(to), remember); err != nil {
		b.w.t.Fatalf("Verify = %v", err)
	}
	return b
}

func (b *browser) wantPass(when string) challenge.Verdict {
	b.w.t.Helper()
	v := b.open()
	if v.Decision != challenge.Pass {
		b.w.t.Fatalf("%s: decision %v (%s), want Pass", when, v.Decision, v.Reason)
	}
	return v
}

func (b *browser) wantCheck(when string, want challenge.Reason) {
	b.w.t.Helper()
	if v := b.open(); v.Decision != challenge.Check || v.Reason != want {
		b.w.t.Fatalf("%s: decision %v (%s), want Check (%s)", when, v.Decision, v.Reason, want)
	}
}

// wrong is a code that is not the given one; n tells several apart.
func wrong(code string, n int) string {
	alphabet := string(challenge.Digits)
	if strings.Trim(code, alphabet) != "" {
		alphabet = string(challenge.Letters)
	}
	other, carry := []byte(code), 1+n
	for i := len(other) - 1; i >= 0 && carry > 0; i-- {
		carry += strings.IndexByte(alphabet, other[i])
		other[i], carry = alphabet[carry%len(alphabet)], carry/len(alphabet)
	}
	return string(other)
}

func limitOf(err error) challenge.Limit {
	var limit *challenge.LimitError
	if errors.As(err, &limit) {
		return limit.Limit
	}
	return ""
}

func untilOf(t testing.TB, err error) time.Time {
	t.Helper()
	var limit *challenge.LimitError
	if !errors.As(err, &limit) {
		t.Fatalf("error = %v, want a *LimitError", err)
	}
	return limit.Until
}

func leftOf(t testing.TB, err error) int {
	t.Helper()
	var try *challenge.TryError
	if !errors.As(err, &try) {
		t.Fatalf("error = %v, want a *TryError", err)
	}
	return try.Left
}
