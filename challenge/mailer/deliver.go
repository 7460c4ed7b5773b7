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
	now := time.Now()
	i := o.line.first(func(j *job) bool { return o.mayGo(j, now) })
	if i < 0 {
		return nil, longPause, o.changed
	}
	j = o.line[i]
	if pause = j.due.Sub(now); pause > 0 && !o.closed {
		return nil, pause, o.changed
	}
	o.line = slices.Delete(o.line, i, i+1)
	if j.course = o.course(j, now); len(j.course) > 0 {
		j.course[0].health.busy++
	}
	return j, 0, o.changed
}

// handle gives a job one try and decides what becomes of it.
func (o *Outbox) handle(ctx context.Context, j *job) {
	switch {
	case !time.Now().Before(j.until):
		o.letGo(j)
		o.end(j, Failed, Report{}, j.late())
		return
	case j.notice.Decoy && o.isClosing():
		o.letGo(j)
		o.end(j, Withheld, Report{}, nil) // nobody is left to measure
		return
	}
	j.tries++
	tryCtx, cancel := context.WithDeadline(ctx, j.until)
	defer cancel()
	o.settle(ctx, j, o.try(tryCtx, j))
}

// letGo ends a call that was not made.
func (o *Outbox) letGo(j *job) {
	if len(j.course) > 0 {
		o.release(j.course[0], &j.notice, nil, 0, false)
	}
}

func (o *Outbox) isClosing() bool {
	select {
	case <-o.closing:
		return true
	default:
		return false
	}
}

// An attempt is what became of one try of a job.
type attempt struct {
	err      error
	report   Report
	hopeless bool // a later try would fare no better
}

// settle ends the job or queues its next try.
func (o *Outbox) settle(ctx context.Context, j *job, a attempt) {
	switch {
	case a.err == nil && j.notice.Decoy:
		o.end(j, Withheld, a.report, nil)
	case a.err == nil:
		o.end(j, Sent, a.report, nil)
	case a.hopeless && refusesMailbox(a.err):
		o.end(j, Bounced, a.report, a.err)
	case a.hopeless:
		o.end(j, Failed, a.report, a.err)
	case ctx.Err() != nil || o.isClosing():
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
		defer cancel()
		o.strand(ctx, j, a.report, both(a.err, ErrClosed))
	default:
		o.postpone(ctx, j, a)
	}
}

// postpone queues the next try of a job, which keeps its place meanwhile. One
// whose time ends before has none.
func (o *Outbox) postpone(ctx context.Context, j *job, a attempt) {
	pause := wait(j.tries)
	due := time.Now().Add(pause)
	if !due.Before(j.until) {
		o.end(j, Failed, a.report, both(a.err, j.late()))
		return
	}
	if o.keep(ctx, j) == another {
		o.end(j, Kept, a.report, a.err)
		return
	}
	a.report.Wait = pause
	o.tell(j, Deferred, a.report, a.err) // before the job is another worker's
	o.mu.Lock()
	j.due = due
	o.line = append(o.line, j)
	o.announce()
	o.mu.Unlock()
}

// end frees the place of a job and reports what became of it.
func (o *Outbox) end(j *job, outcome Outcome, r Report, err error) {
	o.mu.Lock()
	o.places--
	if !j.notice.Known {
		o.strangers--
	}
	if j.adopted {
		o.adopted--
	}
	o.mu.Unlock()
	if outcome != Kept {
		o.forget(j)
	}
	o.tell(j, outcome, r, err)
}

// try goes along the course until one transport takes the mail or refuses it for
// what it is. A transport that broke off while the mail was under way may have taken
// it, and the next one is asked all the same: it is the same mail with the same code,
// and twice is better than never.
func (o *Outbox) try(ctx context.Context, j *job) attempt {
	if len(j.course) == 0 {
		return attempt{err: ErrNoRoute, hopeless: true}
	}
	all := attempt{hopeless: true}
	var passed []string
	for i, l := range j.course {
		if i > 0 && !o.claim(j, l) {
			all.hopeless = false
			continue
		}
		a := o.call(ctx, j, l)
		a.report.Passed = passed
		all.report = a.report
		if a.err == nil || isFinal(a.err) || ctx.Err() != nil {
			a.report.before = all.err // no part of a.err, which decides what becomes of the mail
			return a
		}
		passed = append(passed, a.report.Route)
		all.err, all.hopeless = both(all.err, a.err), all.hopeless && a.hopeless
	}
	return all
}

// both joins errors in one line. Either may be nil.
func both(a, b error) error {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return fmt.Errorf("%w; %w", a, b)
}

// call renders the mail and hands it to one transport. It is rendered at each try, and
// says the same unless its style was replaced; only a signature names its own time.
func (o *Outbox) call(ctx context.Context, j *job, l lane) attempt {
	a := attempt{report: Report{Route: l.health.key.name}}
	m, err := Letter{
		Notice: j.notice, Style: l.Style, ID: j.id, Date: j.queued,
		Browser: o.options.Describe(j.notice.Agent),
	}.Render()
	if err != nil { // a fault of the gate, which says nothing of the transport
		o.release(l, &j.notice, nil, 0, false)
		a.hopeless = errors.Is(err, ErrMailbox) || errors.Is(err, ErrSubject)
		a.err = &DeliveryError{Step: stepRender, Mailbox: a.hopeless, Permanent: a.hopeless, err: err}
		return a
	}
	began := time.Now()
	a.err = hand(ctx, l.Transport, m, j.notice.Decoy)
	took := time.Since(began)
	if j.notice.Decoy && a.err == nil {
		o.hold(ctx, l.health, took)
	}
	o.release(l, &j.notice, a.err, took, ctx.Err() == nil)
	var failure *DeliveryError
	a.hopeless = errors.As(a.err, &failure) && failure.Permanent
	a.report.MessageID, a.report.Took, a.report.flaw = m.ID, took, m.flaw
	return a
}

// stepRender is the step of what fails before any transport is called.
const stepRender = "rendering mail"

// hand delivers a mail, or goes as far as a decoy may.
func hand(ctx context.Context, t Transport, m Message, decoy bool) error {
	if !decoy {
		return t.Deliver(ctx, m)
	}
	if prober, ok := t.(Prober); ok {
		return prober.Probe(ctx, m)
	}
	return nil
}

// hold keeps the worker as long as the latest real delivery did, so that the
// length of the queue tells nobody which addresses get mail.
func (o *Outbox) hold(ctx context.Context, h *health, took time.Duration) {
	o.mu.Lock()
	rest := h.took - took
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

// refusesMailbox says whether err is the last word of a transport on a mailbox.
func refusesMailbox(err error) bool {
	var failure *DeliveryError
	return errors.As(err, &failure) && failure.Mailbox && failure.Step != stepRender
}
