// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	endsEvery = 500 * time.Millisecond // how often ended sessions are read
	endsSlack = 2 * time.Second        // what a reader may be late by under load
	ringSize  = 512                    // ends that the record remembers
)

// endRing is the record "ended": the last sessions that were ended before their
// time, numbered, so that a reader sees whether it missed any.
type endRing struct {
	Last uint64 `json:"last"` // number of the newest end
	Ring []end  `json:"ring"` // oldest first
}

type end struct {
	Session string `json:"s"`
	Expires int64  `json:"e"` // Unix seconds; after it nobody need know
}

func (r *endRing) lives(time.Time) time.Duration { return 400 * day }

// ends is what this process knows of ended sessions.
type ends struct {
	// epoch grows with every end. A session that was looked up at the present
	// epoch need not be looked up again, so that a request costs one read of a
	// line that is almost never written.
	epoch atomic.Uint64
	read  atomic.Int64 // Unix nanoseconds of the last successful read; 0: never

	mu   sync.RWMutex     // guards below
	over map[string]int64 // session to the time when it expires anyway
	last uint64
}

// note remembers ends.
func (e *ends) note(now time.Time, list ...end) {
	if len(list) == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over == nil {
		e.over = make(map[string]int64)
	}
	for s, expires := range e.over {
		if expires < now.Unix() {
			delete(e.over, s)
		}
	}
	for _, one := range list {
		e.over[one.Session] = one.Expires
	}
	e.epoch.Add(1)
}

// ended reports whether a session is over. seen is the epoch at which the
// session was last found alive.
func (e *ends) ended(session string, seen *atomic.Uint64) bool {
	epoch := e.epoch.Load()
	if seen.Load() == epoch+1 {
		return false
	}
	e.mu.RLock()
	_, over := e.over[session]
	e.mu.RUnlock()
	if !over {
		seen.Store(epoch + 1) // 0 means never looked up
	}
	return over
}

// readEnds learns which sessions were ended on any machine.
func (h *House) readEnds(ctx context.Context) {
	now := h.now() // before the read: what ends during it is not in it
	ring, err := read[endRing](ctx, h.store, keyEnds)
	if err != nil {
		return
	}
	h.ends.mu.RLock()
	known := h.ends.last
	h.ends.mu.RUnlock()
	if ring.Last != known {
		if ring.Last < known || ring.Last-known > uint64(len(ring.Ring)) {
			// A gap: some end is unknown here, so every session is looked up anew.
			h.tickets.InvalidateAll()
		}
		h.ends.note(now, ring.Ring...)
		h.ends.mu.Lock()
		h.ends.last = ring.Last
		h.ends.mu.Unlock()
	}
	h.ends.read.Store(now.UnixNano())
}

// fresh reports whether this process may still judge sessions by itself: it has
// read the ended sessions once, and not longer ago than the grace.
func (h *House) fresh(grace time.Duration, now time.Time) bool {
	read := h.ends.read.Load()
	return read != 0 && now.UnixNano()-read <= int64(grace+endsSlack)
}

// retire ends one session, wherever it is used. It ends here before the store is
// asked: a store that does not answer must not keep anybody signed in. edit may
// change more of the person.
func (h *House) retire(ctx context.Context, live *Live, edit func(p *person)) error {
	h.ends.note(h.now(), end{Session: live.key, Expires: live.Expires.Unix()})
	err := change(ctx, h.store, h.personKey(Email(live.Email)), func(p *person, _ time.Time) error {
		p.drop(func(s sessionEntry) bool { return s.ID == live.key })
		edit(p)
		return nil
	})
	if err != nil {
		return err
	}
	return h.end(ctx, sessionEntry{ID: live.key, Ends: live.Expires.Unix()})
}

// end ends sessions everywhere: here at once, on other machines when they next
// read.
func (h *House) end(ctx context.Context, list ...sessionEntry) error {
	if len(list) == 0 {
		return nil
	}
	over := make([]end, len(list))
	for i, s := range list {
		over[i] = end{Session: s.ID, Expires: s.Ends}
	}
	h.ends.note(h.now(), over...)
	return change(ctx, h.store, keyEnds, func(r *endRing, _ time.Time) error {
		r.Last += uint64(len(over))
		r.Ring = append(r.Ring, over...)
		if extra := len(r.Ring) - ringSize; extra > 0 {
			r.Ring = r.Ring[extra:]
		}
		return nil
	})
}
