// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
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
}

const (
	defaultWorkers = 4
	defaultSize    = 256

	// defaultLife is how long a code works whose end is not told.
	defaultLife = 10 * time.Minute
)

// A Route is how the mails of a gate go out, and what they look like.
type Route struct {
	Transport Transport
	Style     Style
}

// An Outbox queues notices and delivers them off the path of the request. It
// outlives a configuration: Use replaces what a gate uses while mails wait.
// It starts no goroutine before the first Send.
type Outbox struct {
	options OutboxOptions
	start   sync.Once
	workers sync.WaitGroup
	closing chan struct{} // closed by Close

	mu        sync.Mutex         // guards below
	cancel    context.CancelFunc // ends all deliveries
	closed    bool
	routes    map[string][]Route
	health    map[string]*health
	line      line
	places    int // notices taken and not done with
	strangers int // those that are not known
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
		o.Describe = func(string) string { return "an unknown browser" }
	}
	if o.Report == nil {
		o.Report = func(Report) {}
	}
	return &Outbox{
		options: o, closing: make(chan struct{}), cancel: func() {},
		routes: map[string][]Route{}, health: map[string]*health{}, changed: make(chan struct{}),
	}
}

// Use sets how the mails of a gate go out from now on: by the first route, or
// by the next while the ones before it are failing. Mails that wait for another
// try are tried at once. Use without routes forgets the gate, and its mails
// fail at their next try.
func (o *Outbox) Use(gate string, routes ...Route) {
	o.mu.Lock()
	before := o.routes[gate]
	delete(o.health, gate)
	delete(o.routes, gate)
	if len(routes) > 0 {
		o.routes[gate] = routes
		o.health[gate] = &health{}
	}
	now := time.Now()
	for _, j := range o.line {
		if j.notice.Gate == gate && j.due.After(now) {
			j.due = now
		}
	}
	o.announce()
	o.mu.Unlock()
	rest(before)
}

// Down says whether mails of the gate cannot be handed over at the moment. It
// is learned from the last attempts and is the same for every address.
func (o *Outbox) Down(gate string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	h := o.health[gate]
	return h != nil && h.down
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
	if n.Expires.IsZero() && forms[n.Subject].code {
		n.Expires = now.Add(defaultLife)
	}
	j := &job{notice: n, id: NewID(now), queued: now, due: now}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.admit(n); err != nil {
		return fmt.Errorf("queueing mail: %w", err)
	}
	o.places++
	if !n.Known {
		o.strangers++
	}
	o.line = append(o.line, j)
	o.start.Do(o.run)
	o.announce()
	return nil
}

// admit looks at everything but whether the notice is a decoy.
func (o *Outbox) admit(n challenge.Notice) error {
	kept := o.options.Size / 2
	switch {
	case o.closed:
		return ErrClosed
	case len(o.routes[n.Gate]) == 0:
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
// pause, and reports as lost what is not out when ctx ends. All goroutines have
// ended when it returns. Its error is that of ctx, if it ended first.
func (o *Outbox) Close(ctx context.Context) error {
	o.mu.Lock()
	if !o.closed {
		o.closed = true
		close(o.closing)
	}
	o.announce()
	cancel := o.cancel
	o.mu.Unlock()

	release := context.AfterFunc(ctx, cancel)
	o.workers.Wait()
	inTime := release()
	cancel()

	for _, j := range o.empty() {
		o.end(j, Lost, Report{}, ErrClosed)
	}
	if !inTime {
		return fmt.Errorf("closing mail queue: %w", ctx.Err())
	}
	return nil
}

// empty lets go of everything that a closed outbox holds, and returns the jobs.
func (o *Outbox) empty() line {
	o.mu.Lock()
	remaining, all := o.line, o.routes
	o.line, o.routes = nil, map[string][]Route{}
	o.mu.Unlock()
	for _, routes := range all {
		rest(routes)
	}
	return remaining
}

// Format keeps what waits from every verb of fmt.
func (o *Outbox) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[mail queue]") }

// rest closes the connections that the transports of routes keep.
func rest(routes []Route) {
	for _, r := range routes {
		if t, ok := r.Transport.(idler); ok {
			t.CloseIdleConnections()
		}
	}
}

var (
	_ challenge.Sender         = (*Outbox)(nil)
	_ challenge.HealthReporter = (*Outbox)(nil)
)
