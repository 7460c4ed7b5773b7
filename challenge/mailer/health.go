// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

const (
	// breakAfter is after how many failures in a row a transport is left alone.
	breakAfter = 2
	// firstRest and longestRest are how long: twice as long each time.
	firstRest   = 5 * time.Second
	longestRest = 2 * time.Minute
)

// A health is what the last deliveries told of a transport, whichever gates they
// were for.
type health struct {
	key      healthKey
	failures int           // in a row, for what the transport is
	late     bool          // the last came after all that a probe looks at
	suspect  string        // mailbox whose failure may be its own fault; empty: none
	rest     time.Duration // how long it is left alone since then
	until    time.Time     // and until when
	took     time.Duration // the latest real delivery
	reason   string        // of the last failure, fit for a log; empty: it does not fail
	busy     int           // deliveries that go on
}

// A healthKey tells transports apart. Two accounts at one server are two: one of
// them may be locked.
type healthKey struct{ name, identity string }

// identified is a transport that knows what makes it another one than its namesake.
type identified interface {
	identity() string
}

// keyOf is under what the health of a route's transport is kept.
func keyOf(r Route) healthKey {
	key := healthKey{name: r.Name}
	if t, ok := r.Transport.(identified); ok {
		key.identity = t.identity()
	}
	if key.name != "" {
		return key
	}
	if t, ok := r.Transport.(fmt.Stringer); ok {
		key.name = t.String()
	}
	key.name = cmp.Or(key.name, fmt.Sprintf("%T", r.Transport))
	return key
}

// down reports that the last thing heard of the transport is a failure.
func (h *health) down() bool { return h.failures > 0 }

// broken reports that the transport is left alone for a while where there is
// another.
func (h *health) broken() bool { return h.failures >= breakAfter }

// usable reports whether the transport may be called now. One that is failing gets
// one call at a time, and none while it is left alone: a mail server that does not
// answer must not keep mails waiting which could go another way.
func (h *health) usable(now time.Time) bool {
	return !h.down() || h.busy == 0 && !now.Before(h.until)
}

// learn takes one result in. What a server says of a mailbox proves that the
// transport works, and must not tell strangers that the mailbox exists.
// Nor must one mailbox at which a server hangs: where it alone meets that, others would
// learn from the page that it gets mail, and get none by this way.
func (h *health) learn(err error, n *challenge.Notice, took time.Duration, now time.Time) {
	decoy := n.Decoy
	switch {
	case isSuspect(err) && !h.down() && (h.suspect == "" || h.suspect == n.Mailbox):
		h.suspect = n.Mailbox
	case err != nil && !aboutMailbox(err):
		h.fail(err, n, now)
	case decoy && (h.late || h.suspect != ""): // it failed later than a probe looks
	default:
		h.failures, h.late, h.suspect, h.rest, h.until, h.reason = 0, false, "", 0, time.Time{}, ""
	}
	if err == nil && !decoy {
		h.took = took
	}
}

// fail counts a failure. One of a call that began before the rest does not prolong
// it.
func (h *health) fail(err error, n *challenge.Notice, now time.Time) {
	h.failures, h.late, h.reason = h.failures+1, isLate(err), safeReason(err, *n)
	if h.failures >= breakAfter && !now.Before(h.until) {
		h.rest = min(max(2*h.rest, firstRest), longestRest)
		h.until = now.Add(h.rest)
	}
}

// A lane is a route with the health of its transport.
type lane struct {
	Route
	health *health
}

// course are the lanes of a job in the order in which they are tried: those that
// may be called, or all where none may. It never depends on whether the notice is a
// decoy. The caller holds mu.
func (o *Outbox) course(j *job, now time.Time) []lane {
	all := o.lanes[j.notice.Gate]
	usable := slices.DeleteFunc(slices.Clone(all), func(l lane) bool { return !o.mayCall(l, now) })
	j.desperate = len(usable) == 0
	if j.desperate {
		usable = slices.Clone(all)
	}
	if len(usable) == 0 {
		return nil
	}
	// Who asks for the mail again has not got it by the way before.
	begin := max(j.notice.Mail-1, 0) % len(usable)
	return slices.Concat(usable[begin:], usable[:begin])
}

// mayCall is usable, but for an outbox that is closing: there is no later then. The
// caller holds mu.
func (o *Outbox) mayCall(l lane, now time.Time) bool {
	return l.health.usable(now) || o.closed && !now.Before(l.health.until)
}

// mayGo leaves one worker to a job all of whose transports are failing: they must
// not keep the mails of other gates waiting, nor be called upon four times over. The
// caller holds mu.
func (o *Outbox) mayGo(j *job, now time.Time) bool {
	lanes := o.lanes[j.notice.Gate]
	if len(lanes) == 0 || o.closed {
		return true
	}
	idle := true
	for _, l := range lanes {
		if l.health.usable(now) {
			return true
		}
		idle = idle && l.health.busy == 0
	}
	return idle
}

// claim begins a call of one more transport, if it may be called by now.
func (o *Outbox) claim(j *job, l lane) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	h := l.health
	if !o.mayCall(l, time.Now()) && (!j.desperate || h.busy > 0 && !o.closed) {
		return false
	}
	h.busy++
	return true
}

// release ends a call. Its result counts if it means something: that of one which
// was cut short does not.
func (o *Outbox) release(l lane, n *challenge.Notice, err error, took time.Duration, meaningful bool) {
	o.mu.Lock()
	l.health.busy--
	if meaningful {
		l.health.learn(err, n, took, time.Now())
	}
	o.announce()
	o.mu.Unlock()
	if meaningful {
		o.notify(l.health.key.name)
	}
}

// notify tells whoever wants to know that a transport begins to fail, and that no
// transport of its name fails any more, or is left. What is told is always what holds
// then, and in that order.
func (o *Outbox) notify(name string) {
	o.telling.Lock()
	defer o.telling.Unlock()
	o.mu.Lock()
	broken, down, reason := o.healthOf(name)
	o.mu.Unlock()
	switch told := o.told[name]; {
	case broken && !told:
		o.told[name] = true
		o.options.Failing(name, true, reason)
	case told && !down:
		delete(o.told, name)
		o.options.Failing(name, false, "")
	}
}

// healthOf is how the transports of a name are together, and why the worst of them
// fails. The caller holds mu.
func (o *Outbox) healthOf(name string) (broken, down bool, reason string) {
	worst := 0
	for key, h := range o.health {
		if key.name != name {
			continue
		}
		broken, down = broken || h.broken(), down || h.down()
		if h.failures > worst {
			worst, reason = h.failures, h.reason
		}
	}
	return broken, down, reason
}
