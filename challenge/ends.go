// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
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
	// Epoch is when the store was last put back from a copy, in Unix seconds.
	// Whatever lets anybody in and is older may have been ended since that copy was
	// made, so it is over.
	Epoch int64 `json:"epoch,omitempty"`
	// Evicted is when an operator ended everybody's sessions last.
	Evicted eviction `json:"evicted,omitzero"`
}

// putBack begins another epoch, after all that are known. The number that is left
// out has every machine look everything up anew.
func (r *endRing) putBack(now time.Time, known int64) (epoch int64) {
	r.Epoch = max(now.Unix(), r.Epoch+1, known+1)
	r.Last++
	return r.Epoch
}

// append adds ends and forgets the oldest.
func (r *endRing) append(list ...end) {
	r.Last += uint64(len(list))
	r.Ring = append(r.Ring, list...)
	r.Ring = r.Ring[max(0, len(r.Ring)-ringSize):]
}

// since are the ends that have come to the ring after a number.
func (r *endRing) since(n uint64) []end {
	return r.Ring[len(r.Ring)-int(min(r.Last-n, uint64(len(r.Ring)))):]
}

type end struct {
	Session string `json:"s"`
	Expires int64  `json:"e"` // Unix seconds; after it nobody need know
	// Next is the session that took its place, to which its streams go on.
	Next string `json:"n,omitempty"`
	// Browser is the remembered browser that ended with it. Its streams end too,
	// also those that an earlier session of it opened.
	Browser string `json:"b,omitempty"`
	// Person is the record whose list the session was on.
	Person id `json:"p,omitzero"`
	// Unlocked is the address whose lock an operator lifted, see Unlock; then no
	// session ended, and Session is a name that none has.
	Unlocked id `json:"u,omitzero"`
	// Elsewhere: its person ended it from another browser.
	Elsewhere bool `json:"x,omitempty"`
	// Operator: an operator ended it.
	Operator bool `json:"o,omitempty"`
	// Key is what a browser has to prove from the time Held on, see holds; then no session
	// ended, and Session is a name that none has.
	Key  string `json:"k,omitempty"`
	Held int64  `json:"h,omitempty"`
}

// browser names the browser that is over; empty where it is not.
func (e end) browser() string {
	if e.Next != "" {
		return ""
	}
	return e.Browser
}

func (r *endRing) lives(time.Time) time.Duration { return 400 * day }

// The ring is read from a server that takes updates, or not at all: a replica may
// have stopped to hear of any, and answers all the same.
func (*endRing) ofRun()      {}
func (*endRing) settle(life) {}

// ends is what this process knows of ended sessions.
type ends struct {
	// count grows with every end. A session that was looked up at the present
	// count need not be looked up again, so that a request costs one read of a
	// line that is almost never written.
	count atomic.Uint64
	read  atomic.Int64 // Unix nanoseconds of the last successful read; 0: never

	mu   sync.RWMutex   // guards below
	gone map[string]end // by session, and by browser where that is over
	last uint64
}

// note remembers ends.
func (e *ends) note(now time.Time, list ...end) {
	if len(list) == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone == nil {
		e.gone = make(map[string]end)
	}
	for name, g := range e.gone {
		if g.Expires < now.Unix() {
			delete(e.gone, name)
		}
	}
	for _, one := range list {
		if one.Unlocked != (id{}) || one.Key != "" {
			continue
		}
		e.gone[one.Session] = one
		if browser := one.browser(); browser != "" {
			e.gone[browser] = one
		}
	}
	e.count.Add(1)
}

// ended reports whether a session is over. seen is the count at which the
// session was last found alive.
func (e *ends) ended(session string, seen *atomic.Uint64) bool {
	count := e.count.Load()
	if seen.Load() == count+1 {
		return false
	}
	e.mu.RLock()
	_, over := e.gone[session]
	e.mu.RUnlock()
	if !over {
		seen.Store(count + 1) // 0 means never looked up
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
	return lost || ended && s.Next == ""
}

// of is what is known of the end of a session.
func (e *ends) of(session string) end {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.gone[session]
}

// known are the ends that matter still, but for those that were only found to be
// on no list.
func (e *ends) known(now time.Time) (list []end) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for name, one := range e.gone {
		if name == one.Session && one.Person != (id{}) && one.Expires >= now.Unix() {
			list = append(list, one)
		}
	}
	return list
}

// number is that of the newest end that was read.
func (e *ends) number() uint64 {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.last
}

// announced notes that the newest ends are this machine's own, where it had read all
// before them.
func (e *ends) announced(before, last uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last == before {
		e.last = last
	}
}

// lost reports whether a remembered browser is known to be over.
func (e *ends) lost(browser string) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	_, over := e.gone[browser]
	return over
}

// readUpTo notes the number of the newest end that was read.
func (e *ends) readUpTo(last uint64, at time.Time) {
	e.mu.Lock()
	e.last = max(e.last, last)
	e.mu.Unlock()
	e.read.Store(at.UnixNano())
}

// readEnds learns which sessions were ended on any machine.
func (h *House) readEnds(ctx context.Context) error {
	// Before the read: what ends during it is not in it.
	now, known, epoch := h.now(), h.ends.number(), h.store.epoch.Load()
	ring, err := read[endRing](ctx, h.store, keyEnds)
	if err != nil {
		return err
	}
	putBack, rewound := ring.Epoch > epoch, h.rewound.Swap(false)
	if ring.Last < known || ring.Epoch < epoch || h.store.evicted().after(ring.Evicted) {
		h.lost.Store(true)
	}
	evicted := h.store.evict(ring.Evicted)
	if ring.Last != known || putBack || rewound || evicted {
		h.store.epoch.Store(max(epoch, ring.Epoch))
		h.ends.note(now, ring.Ring...)
		h.holdAll(now, ring.Ring)
		if putBack || rewound || evicted || h.missed(ring, known) {
			h.forgetAll()
		}
		h.streams.cut(ring.Ring...)
		if ring.Last >= known {
			h.known.end(ring.since(known)...)
			h.streams.part(ring.since(known)...)
			h.locks.lift(ring.since(known)...)
		}
	}
	h.ends.readUpTo(ring.Last, now)
	return nil
}

// missed reports whether there may be ends that this machine will not read any more:
// they were pushed out, or the store came back without some. Of a store that stays
// so, because it takes no updates, that is true once.
func (h *House) missed(ring endRing, known uint64) bool {
	if ring.Last >= known {
		h.behind = 0
		return ring.Last-known > uint64(len(ring.Ring))
	}
	before := h.behind
	h.behind = known - ring.Last
	return h.behind != before
}

// forgetAll is for when some end is unknown here: every session is looked up anew.
// Nobody asks about streams again; their apps open them once more.
func (h *House) forgetAll() {
	h.flushes.Add(1)
	h.ends.count.Add(1)
	h.tickets.InvalidateAll()
	h.known.forgetAll()
	h.streams.end(func(*stream) bool { return true })
}

// fresh reports whether this process may still judge sessions by itself: it has
// read the ended sessions once, and not longer ago than the grace.
func (h *House) fresh(grace time.Duration, now time.Time) bool {
	read := h.ends.read.Load()
	return read != 0 && now.UnixNano()-read <= int64(grace+endsSlack)
}

// freshUntil is when that ends, unless the store answers again.
func (h *House) freshUntil(grace time.Duration) time.Time {
	return time.Unix(0, h.ends.read.Load()).Add(grace + endsSlack)
}

// retire ends one session, wherever it is used. It ends here before the store is
// asked: a store that does not answer must not keep anybody signed in. browser is
// the remembered one that ends with it, if it does. edit may change more of the
// person.
func (h *House) retire(ctx context.Context, live *Live, browser string, edit func(p *person)) error {
	who := h.personID(Email(live.Email))
	over := end{Session: live.key, Expires: live.Expires.Unix(), Browser: browser, Person: who}
	h.ends.note(h.now(), over)
	h.streams.cut(over)
	h.known.end(over)
	err := change(ctx, h.store, keyPerson+who.String(), func(p *person, _ time.Time) error {
		p.drop(func(s sessionEntry) bool { return s.ID == live.key })
		edit(p)
		return nil
	})
	if err != nil {
		h.lost.Store(true) // it is told later, see mend
		return err
	}
	return h.end(ctx, who, sessionEntry{ID: live.key, Ends: live.Expires.Unix(), Device: browser})
}

// foundEnded remembers a session that verifies and is on its person's list no more,
// or the grace would let it in once the store is away. Others are told too: whoever
// took it off the list may have died before it told anybody.
func (h *House) foundEnded(ctx context.Context, p *person, s sessions.Session, key string) {
	over := end{Session: key, Expires: s.Expires.Unix(), Browser: s.Browser, Operator: h.store.hasEvicted(s)}
	if d := p.device(s.Browser); d != nil {
		if over.Operator = over.Operator || d.ByOperator; !d.Ended {
			over.Browser = "" // it has another session
		}
	}
	h.ends.note(h.now(), over)
	if p.isNew() || s.Issued.Unix() < h.store.epoch.Load() || h.store.hasEvicted(s) {
		return // a record that was lost, a copy, or everybody: many sessions would be told of at once
	}
	over.Person = h.personID(Email(s.Email))
	_ = h.announce(ctx, over) // told again where that fails
}

// endWith ends the sessions that an update of their person's record has taken off
// the list. err is that of the update: where the store does not say what became of
// it, it may have been kept, and nobody would find those sessions there again.
func (h *House) endWith(ctx context.Context, person id, err error, gone []sessionEntry) error {
	var fault *storeFault
	switch {
	case err == nil:
		return h.end(ctx, person, gone...)
	case errors.As(err, &fault):
		h.endHere(endsOf(person, gone))
		h.lost.Store(true) // the others are told later, see mend
	}
	return err
}

func endsOf(person id, list []sessionEntry) []end {
	over := make([]end, len(list))
	for i, s := range list {
		over[i] = end{Session: s.ID, Expires: s.Ends, Next: s.Next, Browser: s.Device, Person: person, Elsewhere: s.Elsewhere, Operator: s.Operator}
	}
	return over
}

// endHere ends sessions on this machine.
func (h *House) endHere(over []end) {
	h.ends.note(h.now(), over...)
	h.streams.cut(over...)
	h.known.end(over...)
}

// end ends sessions of a person everywhere: here at once, on other machines when
// they next read.
func (h *House) end(ctx context.Context, person id, list ...sessionEntry) error {
	if len(list) == 0 {
		return nil
	}
	over := endsOf(person, list)
	h.endHere(over)
	return h.announce(ctx, over...)
}

// announce tells all machines.
func (h *House) announce(ctx context.Context, list ...end) error {
	var before, last uint64
	err := change(ctx, h.store, keyEnds, func(r *endRing, _ time.Time) error {
		// A store may have lost the record since it was read.
		r.Last, r.Epoch = max(r.Last, h.ends.number()), max(r.Epoch, h.store.epoch.Load())
		r.Evicted = r.Evicted.or(h.store.evicted())
		before = r.Last
		r.append(list...)
		last = r.Last
		return nil
	})
	if err == nil {
		h.ends.announced(before, last)
	} else {
		h.lost.Store(true) // it is told later, see mend
	}
	return err
}
