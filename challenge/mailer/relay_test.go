// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

var (
	errUnreachable = errors.New("no route to host")
	greylisted     = &mailer.DeliveryError{Step: "naming recipient", Mailbox: true, Late: true, Reply: "451 later"}
	unknownMailbox = &mailer.DeliveryError{Step: "naming recipient", Mailbox: true, Late: true, Permanent: true, Reply: "550 unknown"}
	brokenLate     = &mailer.DeliveryError{Step: "handing over mail", Late: true, Reply: "421 closing"}
)

// A relay is a transport that takes time and fails as it is told.
type relay struct {
	name   string
	takes  time.Duration
	silent bool              // never answers
	fails  func(n int) error // the nth delivery, from one
	probe  func() error      // nil: probes pass

	mu     sync.Mutex // guards below
	at     []time.Time
	mails  []mailer.Message
	probes int
}

// String tells relays apart.
func (r *relay) String() string { return cmp.Or(r.name, fmt.Sprintf("relay %p", r)) }

func (r *relay) Deliver(ctx context.Context, m mailer.Message) error {
	r.mu.Lock()
	r.at = append(r.at, time.Now())
	r.mails = append(r.mails, m)
	n := len(r.mails)
	r.mu.Unlock()
	if err := r.work(ctx); err != nil || r.fails == nil {
		return err
	}
	return r.fails(n)
}

func (r *relay) Probe(ctx context.Context, _ mailer.Message) error {
	r.mu.Lock()
	r.probes++
	r.mu.Unlock()
	if r.silent {
		return r.work(ctx)
	}
	if r.probe == nil {
		return nil
	}
	return r.probe()
}

func (r *relay) work(ctx context.Context) error {
	if r.silent {
		<-ctx.Done()
		return ctx.Err()
	}
	timer := time.NewTimer(r.takes)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *relay) seen() (at []time.Time, mails []mailer.Message, probes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.at), slices.Clone(r.mails), r.probes
}

// always fails every delivery alike.
func always(err error) func(int) error { return func(int) error { return err } }

// first fails the first n deliveries.
func first(n int, err error) func(int) error {
	return func(i int) error {
		if i <= n {
			return err
		}
		return nil
	}
}

// A ledger keeps reports.
type ledger struct {
	mu      sync.Mutex // guards below
	reports []mailer.Report
	news    chan struct{}
}

func (l *ledger) note(r mailer.Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reports = append(l.reports, r)
	if l.news != nil {
		close(l.news)
		l.news = nil
	}
}

func (l *ledger) all() []mailer.Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.reports)
}

func (l *ledger) outcomes() []mailer.Outcome {
	var outcomes []mailer.Outcome
	for _, r := range l.all() {
		outcomes = append(outcomes, r.Outcome)
	}
	return outcomes
}

// wait blocks until n reports are there, or the test's deadline.
func (l *ledger) wait(t *testing.T, n int) []mailer.Report {
	t.Helper()
	for {
		l.mu.Lock()
		reports, news := slices.Clone(l.reports), l.news
		if news == nil {
			news = make(chan struct{})
			l.news = news
		}
		l.mu.Unlock()
		if len(reports) >= n {
			return reports
		}
		select {
		case <-news:
		case <-t.Context().Done():
			t.Fatalf("%d reports, want %d", len(reports), n)
		}
	}
}

// post is an outbox with a ledger, closed when the test ends.
func post(t *testing.T, o mailer.OutboxOptions, transport mailer.Transport) (*mailer.Outbox, *ledger) {
	t.Helper()
	l := &ledger{}
	o.Report = l.note
	outbox := mailer.NewOutbox(o)
	outbox.Use("app", mailer.Route{Transport: transport, Style: style()})
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = outbox.Close(ctx)
	})
	return outbox, l
}

// fresh is a notice that was asked for now.
func fresh() challenge.Notice {
	n := notice()
	n.Asked = time.Now()
	n.Expires = n.Asked.Add(10 * time.Minute)
	return n
}

func send(t *testing.T, o *mailer.Outbox, n challenge.Notice) {
	t.Helper()
	if err := o.Send(t.Context(), n); err != nil {
		t.Fatalf("Send: %v", err)
	}
}
