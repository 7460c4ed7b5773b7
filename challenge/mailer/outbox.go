// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/devices"
)

// Errors of Send, besides challenge.ErrQueueFull.
var (
	// ErrNoRoute means a gate that Use was not called for.
	ErrNoRoute = errors.New("no mail transport for this gate")
	// ErrClosed means that the outbox is closing.
	ErrClosed = errors.New("mail queue is closed")
)

// The reasons of mails that were not handed over in time.
var (
	errEnded = errors.New("code ended before the mail could be handed over")
	errStale = errors.New("mail could not be handed over for too long")
)

// OutboxOptions say how an Outbox works. The zero value is useful.
type OutboxOptions struct {
	// Workers is how many mails are handed over at the same time. Default: 4.
	Workers int
	// Size is how many mails may wait, those between two tries included. Half
	// of it is kept for known people. Default: 256.
	Size int
	// Describe names the browser of a User-Agent from a fixed vocabulary.
	// Default: mails do not tell browsers apart.
	Describe func(agent string) string
	// Report is told what becomes of each mail, from several goroutines at
	// once. Default: nobody is.
	Report func(Report)
	// Failing is told once when a transport begins to fail, which is after two
	// failures in a row, and once when mails go by it again, or no gate uses it any
	// more. The reason is that of the last failure, as Report.Reason is; empty when it
	// is over. It must not call the outbox. Default: nobody is told.
	Failing func(route string, down bool, reason string)
}

const (
	defaultWorkers = 4
	defaultSize    = 256

	// defaultLife is how long a code works whose end is not told.
	defaultLife = 10 * time.Minute
)

// A Route is how the mails of a gate go out, and what they look like.
type Route struct {
	// Name is what logs and metrics call the transport, such as
	// "smtp smtp.example.com:587", without secrets. Routes with one name, and with
	// the same settings where the transport tells, share their health. Default: the
	// transport's own String, else its type.
	Name      string
	Transport Transport
	Style     Style
}

// An Outbox queues notices and delivers them off the path of the request. It
// outlives a configuration: Use replaces what a gate uses while mails wait.
// It starts no goroutine before the first Send or UseSpool.
type Outbox struct {
	options OutboxOptions
	start   sync.Once
	workers sync.WaitGroup
	closing chan struct{} // closed by Close
	book    book

	telling sync.Mutex      // guards told, over the call of Failing
	told    map[string]bool // names of transports that are told to fail

	mu        sync.Mutex         // guards below
	cancel    context.CancelFunc // ends all deliveries
	untend    context.CancelFunc // ends looking after the spool
	closed    bool
	spool     Spool
	lanes     map[string][]lane
	health    map[healthKey]*health
	line      line
	places    int                 // notices taken and not done with
	strangers int                 // those that are not known
	adopted   int                 // those that another process left behind
	left      []challenge.Spooled // adopted, and without a place or a route
	undone    []string            // IDs of what the spool could not forget
	changed   chan struct{}
}

// NewOutbox makes an empty outbox. It must be closed.
func NewOutbox(o OutboxOptions) *Outbox {
	if o.Workers <= 0 {
		o.Workers = defaultWorkers
	}
	if o.Size <= 0 {
		o.Size = defaultSize
	}
	if o.Describe == nil {
		o.Describe = func(string) string { return devices.Unknown }
	}
	if o.Report == nil {
		o.Report = func(Report) {}
	}
	if o.Failing == nil {
		o.Failing = func(string, bool, string) {}
	}
	return &Outbox{
		options: o, closing: make(chan struct{}), cancel: func() {}, untend: func() {}, told: map[string]bool{},
		lanes: map[string][]lane{}, health: map[healthKey]*health{}, changed: make(chan struct{}),
	}
}

// Use sets how the mails of a gate go out from now on: by the first route, or
// by the next while the ones before it are failing. What is known of the health of a
// transport stays. Mails that wait for another try are tried at once. Use without
// routes forgets the gate, and its mails fail at their next try.
func (o *Outbox) Use(gate string, routes ...Route) {
	o.mu.Lock()
	before := o.lanes[gate]
	delete(o.lanes, gate)
	for _, r := range routes {
		key := keyOf(r)
		if o.health[key] == nil {
			o.health[key] = &health{key: key}
		}
		o.lanes[gate] = append(o.lanes[gate], lane{r, o.health[key]})
	}
	gone := o.dismiss()
	now := time.Now()
	for _, j := range o.line {
		if j.notice.Gate == gate && j.due.After(now) {
			j.due = now
		}
	}
	o.announce()
	o.mu.Unlock()
	rest(before)
	for _, name := range gone {
		o.notify(name)
	}
}

// dismiss forgets the health of transports that no gate uses, and returns the names
// of which none is left. The caller holds mu.
func (o *Outbox) dismiss() (gone []string) {
	used, named := map[healthKey]bool{}, map[string]bool{}
	for _, lanes := range o.lanes {
		for _, l := range lanes {
			used[l.health.key], named[l.health.key.name] = true, true
		}
	}
	for key := range o.health {
		if used[key] {
			continue
		}
		delete(o.health, key)
		if !named[key.name] {
			gone = append(gone, key.name)
		}
	}
	return gone
}

// Down says whether mails of the gate cannot be handed over at the moment: every
// transport of it is failing. It is learned from the last attempts and is the same
// for every address.
func (o *Outbox) Down(gate string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	lanes := o.lanes[gate]
	return len(lanes) > 0 && !slices.ContainsFunc(lanes, func(l lane) bool { return !l.health.down() })
}

// Fails says why the last mail did not go by a route of that name, as Report.Reason
// does; empty while mails go by it, or nothing is known of it.
func (o *Outbox) Fails(route string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _, reason := o.healthOf(route)
	return reason
}

// Pending is how many places of the queue are taken.
func (o *Outbox) Pending() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.places
}

// Send takes a notice and returns at once. Its errors are
// challenge.ErrQueueFull, ErrNoRoute and ErrClosed.
func (o *Outbox) Send(_ context.Context, n challenge.Notice) error {
	now := time.Now()
	if n.Expires.IsZero() && n.Subject.HasCode() {
		n.Expires = now.Add(defaultLife)
	}
	j := newJob(NewID(now), n, now)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.admit(n); err != nil {
		return fmt.Errorf("queueing mail: %w", err)
	}
	o.book.open(n.ID, j.id, now)
	o.put(j)
	return nil
}

// put gives a job a place in the line. The caller holds mu.
func (o *Outbox) put(j *job) {
	o.places++
	if !j.notice.Known {
		o.strangers++
	}
	o.line = append(o.line, j)
	o.start.Do(o.run)
	o.announce()
}

// admit looks at everything but whether the notice is a decoy.
func (o *Outbox) admit(n challenge.Notice) error {
	kept := o.options.Size / 2
	switch {
	case o.closed:
		return ErrClosed
	case len(o.lanes[n.Gate]) == 0:
		return ErrNoRoute
	case o.places >= o.options.Size, !n.Known && o.strangers >= o.options.Size-kept:
		return challenge.ErrQueueFull
	default:
		return nil
	}
}

// announce wakes whoever waits for a change. The caller holds mu.
func (o *Outbox) announce() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// Close takes no more notices, tries each waiting one once more without a
// pause, and lets go of what is not out when ctx ends: the spool has the notices
// that it takes, and the rest is reported as lost. That may take up to two seconds
// more. All goroutines have ended when it returns. Its error is that of ctx, if it
// ended first.
func (o *Outbox) Close(ctx context.Context) error {
	o.mu.Lock()
	if !o.closed {
		o.closed = true
		close(o.closing)
	}
	o.announce()
	cancel, untend := o.cancel, o.untend
	o.mu.Unlock()

	untend()
	release := context.AfterFunc(ctx, cancel)
	o.workers.Wait()
	inTime := release()
	cancel()

	last, done := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer done()
	for _, j := range o.empty() {
		o.strand(last, j, Report{}, ErrClosed)
	}
	if !inTime {
		return fmt.Errorf("closing mail queue: %w", ctx.Err())
	}
	return nil
}

// empty lets go of everything that a closed outbox holds, and returns the jobs.
func (o *Outbox) empty() line {
	o.mu.Lock()
	remaining, all := o.line, o.lanes
	o.line, o.lanes = nil, map[string][]lane{}
	o.mu.Unlock()
	for _, lanes := range all {
		rest(lanes)
	}
	return remaining
}

// Format keeps what waits from every verb of fmt.
func (o *Outbox) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[mail queue]") }

// rest closes the connections that transports keep.
func rest(lanes []lane) {
	for _, l := range lanes {
		if t, ok := l.Transport.(idler); ok {
			t.CloseIdleConnections()
		}
	}
}

var (
	_ challenge.Sender           = (*Outbox)(nil)
	_ challenge.HealthReporter   = (*Outbox)(nil)
	_ challenge.DeliveryReporter = (*Outbox)(nil)
)
