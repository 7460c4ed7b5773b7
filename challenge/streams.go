// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"sync"
	"time"
)

// streams are the connections that outlive the request which opened them, such
// as WebSockets and event streams. Nobody asks a gate about them again, so they
// are cut when their session ends, wherever it was ended.
type streams struct {
	mu   sync.Mutex // guards below, and what a stream says of itself
	open map[*stream]struct{}
}

// A stream is one open connection.
type stream struct {
	gate    *Gate
	email   Email
	session string    // empty where an earlier step's word is all there is
	browser string    // the remembered one, whose next session it goes on in
	until   time.Time // zero: no end
	live    *Live     // has to be held to a key by keyBy; nil: it need not
	keyBy   time.Time
	access  *Access // the lists that right is of
	right   Right
	cut     func()
}

// Stream registers a connection that stays open. cut is called once, from any
// goroutine, when the session that opened it has ended or its person may no
// longer pass; it must not block. The caller calls done when the connection is
// closed; a cut that is under way then may still come. Whoever was let in as
// nobody, as where everything is only observed, has a nil admission, and nothing
// that could end.
func (g *Gate) Stream(a *Admission, cut func()) (done func()) {
	if a == nil {
		return func() {}
	}
	s := &stream{
		gate: g, email: a.Identity.Email, session: a.Live.key, browser: a.Live.Browser, access: a.access, right: a.right,
		cut: func() {
			g.log(context.Background(), &Visit{}, Event{Name: StreamCut, Address: a.Identity.Email, Session: a.Live.ID.Public()})
			cut()
		},
	}
	if a.Live.kept() {
		s.until = g.streamsUntil(a.Live)
		s.needKey(a.Live)
	}
	r := &g.house.streams
	r.add(s)
	// It ended while the stream was opened, or that is not known any more.
	if g.house.ends.over(a.Live.key, a.Live.Browser) || a.Live.kept() && a.Live.since != g.house.flushes.Load() {
		r.end(func(other *stream) bool { return other == s })
	}
	return func() { r.remove(s) }
}

// streamsUntil is when the streams of a session end by themselves. A remembered
// browser would be let in again at once, so its streams go on; those that it opened
// while the store was away, until it has a session again or the grace is over.
func (g *Gate) streamsUntil(l *Live) time.Time {
	if l.stranded {
		return g.house.freshUntil(g.grace)
	}
	if l.Browser == "" || g.always() {
		return l.Expires
	}
	remembered := earlier(l.Issued.Add(g.policy.Devices.Idle), l.AuthTime.Add(g.policy.Devices.Most))
	return later(l.Expires, remembered)
}

func (r *streams) add(s *stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		r.open = make(map[*stream]struct{})
	}
	r.open[s] = struct{}{}
}

func (r *streams) remove(s *stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, s)
}

// end cuts the streams that are over. They are cut unlocked: closing one may
// call done.
func (r *streams) end(over func(*stream) bool) {
	for _, s := range r.take(over) {
		s.cut()
	}
}

func (r *streams) take(over func(*stream) bool) (taken []*stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.open {
		if over(s) {
			delete(r.open, s)
			taken = append(taken, s)
		}
	}
	return taken
}

// cut ends the streams of sessions that have ended. Those of a session that a
// remembered browser replaced go on under the next one.
func (r *streams) cut(list ...end) {
	next, lost := make(map[string]string, len(list)), make(map[string]bool)
	for _, e := range list {
		next[e.Session] = e.Next
		if browser := e.browser(); browser != "" {
			lost[browser] = true
		}
	}
	r.end(func(s *stream) bool {
		if lost[s.browser] {
			return true
		}
		for range list { // no more steps, whatever the record says
			after, ended := next[s.session]
			if !ended || after == "" {
				return ended
			}
			s.session = after
		}
		return false
	})
}

// goOn hands the streams of a remembered browser on to its next session.
func (r *streams) goOn(next *Live) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.open {
		if s.browser == next.Browser && s.browser != "" {
			s.session, s.until = next.key, s.gate.streamsUntil(next)
			s.needKey(next)
		}
	}
}

// sweep ends the streams whose time is over, those of people who may no longer
// pass, and all when it has not been known for too long whose sessions live.
func (r *streams) sweep(now time.Time) {
	r.end(func(s *stream) bool { return s.over(now) || !s.gate.house.fresh(s.gate.grace, now) })
}

func (s *stream) over(now time.Time) bool {
	if !s.until.IsZero() && !now.Before(s.until) {
		return true
	}
	if s.keyless(now) {
		return true
	}
	if access := s.gate.access.Load(); access != s.access || (!s.right.Until.IsZero() && !now.Before(s.right.Until)) {
		s.access, s.right = access, access.Judge(s.email, now)
	}
	return !s.right.Allowed && !s.gate.policy.Risk.ObserveAll
}
