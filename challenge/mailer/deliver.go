// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// run starts the workers. The caller holds mu.
func (o *Outbox) run() {
	ctx, cancel := context.WithCancel(context.Background())
	o.cancel = cancel
	for range o.options.Workers {
		o.workers.Go(func() { o.work(ctx) })
	}
}

func (o *Outbox) work(ctx context.Context) {
	for {
		j := o.next(ctx)
		if j == nil {
			return
		}
		o.handle(ctx, j)
	}
}

// next waits for a job that is due. It returns nil once the outbox is closing
// and its line is empty, or ctx has ended.
func (o *Outbox) next(ctx context.Context) *job {
	for ctx.Err() == nil {
		j, pause, changed := o.pop()
		if j != nil {
			return j
		}
		if changed == nil {
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return nil
}

// longPause is how long an idle worker sleeps: a change wakes it.
const longPause = time.Hour

// pop takes the first job if it is due, or says how long until it is and what
// to listen to meanwhile.
func (o *Outbox) pop() (j *job, pause time.Duration, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.line) == 0 && o.closed {
		return nil, 0, nil
	}
	i := o.line.first(o.mayGo)
	if i < 0 {
		return nil, longPause, o.changed
	}
	j = o.line[i]
	if pause = time.Until(j.due); pause > 0 && !o.closed {
		return nil, pause, o.changed
	}
	o.line = slices.Delete(o.line, i, i+1)
	j.routes, j.health = o.routes[j.notice.Gate], o.healthOf(j.notice.Gate)
	j.health.busy++
	return j, 0, o.changed
}

// mayGo leaves one worker to a gate whose transport is failing: a mail server
// that does not answer must not keep the mails of other gates waiting, nor be
// called upon four times over. The caller holds mu.
func (o *Outbox) mayGo(j *job) bool {
	h := o.healthOf(j.notice.Gate)
	return !h.down || h.busy == 0 || o.closed
}

// healthOf never returns nil. The caller holds mu.
func (o *Outbox) healthOf(gate string) *health {
	if h := o.health[gate]; h != nil {
		return h
	}
	return &health{}
}

// handle gives a job one try and decides what becomes of it.
func (o *Outbox) handle(ctx context.Context, j *job) {
	began := time.Now()
	end, late := j.ends()
	if !began.Before(end) {
		o.settleUntried(j, Failed, late)
		return
	}
	if j.notice.Decoy && o.isClosing() {
		o.settleUntried(j, Withheld, nil) // nobody is left to measure
		return
	}
	j.tries++
	tryCtx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	id, err := o.try(tryCtx, j)
	took := time.Since(began)
	if j.notice.Decoy && err == nil {
		o.hold(tryCtx, j, took)
	}
	o.learn(j, err, took, tryCtx.Err() == nil)
	o.settle(ctx, j, Report{MessageID: id, Took: took}, err)
}

func (o *Outbox) settleUntried(j *job, outcome Outcome, err error) {
	o.learn(j, nil, 0, false)
	o.end(j, outcome, Report{}, err)
}

func (o *Outbox) isClosing() bool {
	select {
	case <-o.closing:
		return true
	default:
		return false
	}
}

// learn ends a delivery, and takes its result into the gate's health if it
// means something: one that was cut short does not.
func (o *Outbox) learn(j *job, err error, took time.Duration, meaningful bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	j.health.busy--
	if meaningful {
		j.health.learn(err, j.notice.Decoy, took)
	}
	o.announce()
}

// settle ends the job or queues its next try.
func (o *Outbox) settle(ctx context.Context, j *job, r Report, err error) {
	var failure *DeliveryError
	switch {
	case err == nil && j.notice.Decoy:
		o.end(j, Withheld, r, nil)
	case err == nil:
		o.end(j, Sent, r, nil)
	case errors.As(err, &failure) && failure.Permanent, errors.Is(err, ErrNoRoute):
		o.end(j, Failed, r, err)
	case ctx.Err() != nil || o.isClosing():
		o.end(j, Lost, r, both(err, ErrClosed))
	default:
		o.postpone(j, r, err)
	}
}

// postpone queues the next try of a job, which keeps its place meanwhile. One
// whose time ends before has none.
func (o *Outbox) postpone(j *job, r Report, err error) {
	pause := wait(j.tries)
	due := time.Now().Add(pause)
	if end, late := j.ends(); !due.Before(end) {
		o.end(j, Failed, r, both(err, late))
		return
	}
	r.Wait = pause
	r = r.about(j, Deferred, err)
	o.mu.Lock()
	j.due = due
	o.line = append(o.line, j) // the job is another worker's from here
	o.announce()
	o.mu.Unlock()
	o.options.Report(r)
}

// end frees the place of a job and reports what became of it.
func (o *Outbox) end(j *job, outcome Outcome, r Report, err error) {
	o.mu.Lock()
	o.places--
	if !j.notice.Known {
		o.strangers--
	}
	o.mu.Unlock()
	o.options.Report(r.about(j, outcome, err))
}

// try goes through the routes until one takes the mail or refuses it for what
// it is. It returns the Message-ID that was used last.
func (o *Outbox) try(ctx context.Context, j *job) (id string, err error) {
	var fault error
	for _, route := range j.routes {
		id, err = o.pass(ctx, j, route)
		if err == nil || aboutMailbox(err) || ctx.Err() != nil {
			return id, err
		}
		fault = both(fault, err)
	}
	if fault == nil {
		return "", ErrNoRoute
	}
	return id, fault
}

// both joins errors in one line. Either may be nil.
func both(a, b error) error {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return fmt.Errorf("%w; %w", a, b)
}

// pass renders the mail and hands it to one transport. It is rendered at each
// try: the same letter gives the same bytes, unless its style was replaced.
func (o *Outbox) pass(ctx context.Context, j *job, route Route) (id string, err error) {
	m, err := Letter{
		Notice: j.notice, Style: route.Style, ID: j.id, Date: j.queued,
		Browser: o.options.Describe(j.notice.Agent),
	}.Render()
	if err != nil {
		hopeless := errors.Is(err, ErrMailbox) || errors.Is(err, ErrSubject)
		return "", &DeliveryError{Step: "rendering mail", Mailbox: hopeless, Permanent: hopeless, err: err}
	}
	if !j.notice.Decoy {
		return m.ID, route.Transport.Deliver(ctx, m)
	}
	if prober, ok := route.Transport.(Prober); ok {
		return m.ID, prober.Probe(ctx, m)
	}
	return m.ID, nil
}

// hold keeps the worker as long as the latest real delivery did, so that the
// length of the queue tells nobody which addresses get mail.
func (o *Outbox) hold(ctx context.Context, j *job, took time.Duration) {
	o.mu.Lock()
	rest := j.health.took - took
	o.mu.Unlock()
	if rest <= 0 {
		return
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-o.closing:
	case <-ctx.Done():
	}
}

// isLate says whether err came after all that a probe looks at.
func isLate(err error) bool {
	var failure *DeliveryError
	return errors.As(err, &failure) && failure.Late
}
