// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A Spool keeps notices that wait for another try, so that they outlive the process,
// see challenge.Spool. It is safe for concurrent use. An error means that the notice
// waits in memory alone, but for challenge.ErrSpoolTaken: another process sends it.
type Spool interface {
	// Keep writes a notice, or how often it was tried by now.
	Keep(ctx context.Context, w challenge.Spooled) error
	// Done forgets a notice by its ID. One that is not there is no error.
	Done(ctx context.Context, id string) error
	// Adopt takes over the notices that nobody holds, each once, and goes on holding
	// those that were kept or adopted here. What it returns with an error is adopted.
	Adopt(ctx context.Context) ([]challenge.Spooled, error)
}

var _ Spool = (*challenge.Spool)(nil)

const (
	// keepTime bounds one call of the spool, and all of them when the outbox closes.
	// A store that does not answer must not keep a worker from the mails with codes.
	keepTime = 2 * time.Second
	// adoptTime bounds looking through the store.
	adoptTime = 20 * time.Second
	// settleTime is how long after its start an outbox looks first: the routes of its
	// gates are known then.
	settleTime = 2 * time.Second
	// adoptEvery is how often it looks. It is less than a Spool holds a notice for.
	adoptEvery = time.Minute
)

// UseSpool lets notices wait in a spool from now on: those whose first try fails, and
// those that are not out when the outbox closes. What other processes left there is
// sent by this one. Codes and decoys are never kept. Only the first call counts.
func (o *Outbox) UseSpool(s Spool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.spool != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	o.spool, o.untend = s, cancel
	o.workers.Go(func() { o.tend(ctx, s) })
}

// tend looks after the spool until ctx ends.
func (o *Outbox) tend(ctx context.Context, s Spool) {
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	well := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		err := o.look(ctx, s)
		if err != nil && well && ctx.Err() == nil {
			o.options.Report(Report{Outcome: Unkept, Time: time.Now(), Reason: plain(err.Error(), maxReply)})
		}
		well = err == nil
		timer.Reset(adoptEvery)
	}
}

// look forgets what could not be forgotten before, and adopts what it finds.
func (o *Outbox) look(ctx context.Context, s Spool) error {
	ctx, cancel := context.WithTimeout(ctx, adoptTime)
	defer cancel()
	o.mu.Lock()
	undone := o.undone
	o.undone = nil
	o.mu.Unlock()
	for i, id := range undone {
		if err := s.Done(ctx, id); err != nil {
			o.mu.Lock()
			o.undone = append(o.undone, undone[i:]...)
			o.mu.Unlock()
			return err
		}
	}
	found, err := s.Adopt(ctx)
	for _, j := range o.adopt(found) {
		o.forget(j)
		o.tell(j, Failed, Report{}, both(ErrNoRoute, j.late()))
	}
	return err
}

// adopt puts into the line what other processes left behind, as far as there is room
// for it and a route. The rest waits for the next look; what is over by then is
// returned.
func (o *Outbox) adopt(found []challenge.Spooled) (over []*job) {
	slices.SortFunc(found, func(a, b challenge.Spooled) int { return a.Queued.Compare(b.Queued) })
	o.mu.Lock()
	defer o.mu.Unlock()
	found = append(o.left, found...)
	o.left = nil
	for _, w := range found {
		j := newJob(w.ID, w.Notice, w.Queued)
		j.until, j.due, j.tries, j.kept, j.adopted = w.Until, time.Now(), w.Tries, time.Now(), true
		switch {
		case slices.ContainsFunc(o.line, func(other *job) bool { return other.id == w.ID }):
		case o.takes(w):
			o.adopted++
			o.put(j)
		case time.Now().Before(w.Until):
			o.left = append(o.left, w)
		default:
			over = append(over, j)
		}
	}
	return over
}

// takes reports whether there is room for a notice of another process. At most a
// quarter of the places goes to such: codes are more urgent. The caller holds mu.
func (o *Outbox) takes(w challenge.Spooled) bool {
	return o.admit(w.Notice) == nil && o.adopted < max(1, o.options.Size/4)
}

// What became of a job that was to be kept.
type keeping int

const (
	unkept  keeping = iota // it waits in memory alone
	kept                   // the spool has it
	another                // another process sends it
)

// keep writes a job into the spool, if it may be there. That this fails changes
// nothing but what would be left after a crash.
func (o *Outbox) keep(ctx context.Context, j *job) keeping {
	o.mu.Lock()
	spool := o.spool
	o.mu.Unlock()
	if spool == nil || j.notice.Decoy || j.notice.Subject.HasCode() {
		return unkept
	}
	ctx, cancel := context.WithTimeout(ctx, keepTime)
	defer cancel()
	err := spool.Keep(ctx, challenge.Spooled{ID: j.id, Notice: j.notice, Queued: j.queued, Until: j.until, Tries: j.tries})
	switch {
	case err == nil:
		j.kept = time.Now()
		return kept
	case errors.Is(err, challenge.ErrSpoolTaken):
		return another
	case !j.unkept:
		j.unkept = true
		o.tell(j, Unkept, Report{}, err)
	}
	return unkept
}

// forget takes a job out of the spool once it has ended. A crash before that sends it
// twice, which is better than never.
func (o *Outbox) forget(j *job) {
	if j.kept.IsZero() {
		return
	}
	o.mu.Lock()
	spool := o.spool
	o.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), keepTime)
	defer cancel()
	if err := spool.Done(ctx, j.id); err != nil {
		o.mu.Lock()
		o.undone = append(o.undone, j.id)
		o.mu.Unlock()
		o.tell(j, Unkept, Report{}, err)
	}
}

// strand lets go of a job that is not out when the outbox closes. The spool has it,
// or takes it. One that it has is not held for longer: whoever comes next is to send it
// soon.
func (o *Outbox) strand(ctx context.Context, j *job, r Report, err error) {
	if j.kept.IsZero() && o.keep(ctx, j) == unkept {
		o.end(j, Lost, r, err)
		return
	}
	o.end(j, Kept, r, err)
}
