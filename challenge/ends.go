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
	// Next is the session that took its place, to which its streams go on.
	Next string `json:"n,omitempty"`
	// Browser is the remembered browser that ended with it. Its streams end too,
	// also those that an earlier session of it opened.
	Browser string `json:"b,omitempty"`
}

// browser names the browser that is over; empty where it is not.
func (e end) browser() string {
	if e.Next != "" {
		return ""
	}
	return e.Browser
}

func (r *endRing) lives(time.Time) time.Duration { return 400 * day }

// ends is what this process knows of ended sessions.
type ends struct {
	// epoch grows with every end. A session that was looked up at the present
	// epoch need not be looked up again, so that a request costs one read of a
	// line that is almost never written.
	epoch atomic.Uint64
	read  atomic.Int64 // Unix nanoseconds of the last successful read; 0: never

	mu   sync.RWMutex // guards below
	gone map[string]gone
	last uint64
}

// gone is what is known of a session, or of a browser, that has ended.
type gone struct {
	expires  int64 // Unix seconds; it is over then anyway
	replaced bool  // by another session of the same browser
}

// note remembers ends.
func (e *ends) note(now time.Time, list ...end) {
	if len(list) == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone == nil {
		e.gone = make(map[string]gone)
	}
	for name, g := range e.gone {
		if g.expires < now.Unix() {
			delete(e.gone, name)
		}
	}
	for _, one := range list {
		e.gone[one.Session] = gone{one.Expires, one.Next != ""}
		if browser := one.browser(); browser != "" {
			e.gone[browser] = gone{expires: one.Expires}
		}
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
	_, over := e.gone[session]
	e.mu.RUnlock()
	if !over {
		seen.Store(epoch + 1) // 0 means never looked up
	}
	return over
}

// over reports whether a session is known to have ended and nothing has taken
// its place, or its browser with it.
func (e *ends) over(session, browser string) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s, ended := e.gone[session]
	_, lost := e.gone[browser]
	return lost || ended && !s.replaced
}

// readEnds learns which sessions were ended on any machine.
func (h *House) readEnds(ctx context.Context) {
	now := h.now() // before the read: what ends during it is not in it
	ring, err := read[endRing](ctx, h.store, keyEnds)
	if err != nil {
		h.outage.fault.Store(&err)
		return
	}
	h.ends.mu.RLock()
	known := h.ends.last
	h.ends.mu.RUnlock()
	if ring.Last != known {
		if ring.Last < known || ring.Last-known > uint64(len(ring.Ring)) {
			// A gap: some end is unknown here, so every session is looked up anew.
			// Nobody asks about streams again; their apps open them once more.
			h.tickets.InvalidateAll()
			h.streams.end(func(*stream) bool { return true })
		}
		h.ends.note(now, ring.Ring...)
		h.streams.cut(ring.Ring...)
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

// An outage is what the operator is told of a store that does not answer for so
// long that nobody is let in any more.
type outage struct {
	fault atomic.Pointer[error] // of the last read that failed
	told  atomic.Int64          // Unix nanoseconds
}

// outageEvery is how often the operator is told of an outage, whatever comes in.
const outageEvery = time.Minute

// due returns the fault when it is time to tell of it.
func (o *outage) due(now time.Time) (fault error, due bool) {
	last, at := o.fault.Load(), o.told.Load()
	if last == nil || now.UnixNano()-at < int64(outageEvery) || !o.told.CompareAndSwap(at, now.UnixNano()) {
		return nil, false
	}
	return *last, true
}

// retire ends one session, wherever it is used. It ends here before the store is
// asked: a store that does not answer must not keep anybody signed in. browser is
// the remembered one that ends with it, if it does. edit may change more of the
// person.
func (h *House) retire(ctx context.Context, live *Live, browser string, edit func(p *person)) error {
	over := end{Session: live.key, Expires: live.Expires.Unix(), Browser: browser}
	h.ends.note(h.now(), over)
	h.streams.cut(over)
	err := change(ctx, h.store, h.personKey(Email(live.Email)), func(p *person, _ time.Time) error {
		p.drop(func(s sessionEntry) bool { return s.ID == live.key })
		edit(p)
		return nil
	})
	if err != nil {
		return err
	}
	return h.end(ctx, sessionEntry{ID: live.key, Ends: live.Expires.Unix(), Device: browser})
}

// end ends sessions everywhere: here at once, on other machines when they next
// read.
func (h *House) end(ctx context.Context, list ...sessionEntry) error {
	if len(list) == 0 {
		return nil
	}
	over := make([]end, len(list))
	for i, s := range list {
		over[i] = end{Session: s.ID, Expires: s.Ends, Next: s.Next, Browser: s.Device}
	}
	h.ends.note(h.now(), over...)
	h.streams.cut(over...)
	return change(ctx, h.store, keyEnds, func(r *endRing, _ time.Time) error {
		r.Last += uint64(len(over))
		r.Ring = append(r.Ring, over...)
		if extra := len(r.Ring) - ringSize; extra > 0 {
			r.Ring = r.Ring[extra:]
		}
		return nil
	})
}
