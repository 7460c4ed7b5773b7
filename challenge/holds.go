// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/bound"
	"github.com/doorcode/caddy-doorcode/challenge/devices"
)

// A hold is the key that a browser has to prove. It never becomes another one.
type hold struct {
	key  bound.Thumbprint
	from int64 // Unix nanoseconds; before it, requests may have been under way without a pass
}

// heldAfter is how long after a browser has first shown its pass it is held to it.
const heldAfter = 30 * time.Second

// holdOf is the hold that a record says; nil where the browser has to prove nothing.
func holdOf(b *devices.Binding) *hold {
	if b == nil || b.Key == "" || b.Held == 0 {
		return nil
	}
	return &hold{bound.ThumbprintOf(b.Key), time.Unix(b.Held, 0).Add(heldAfter).UnixNano()}
}

// binding is that of a browser, remembered or not, as [teacherOf] names it; nil where
// the person has none of the name.
func (p *person) binding(name string) *devices.Binding {
	if d := p.device(name); d != nil {
		return &d.Bound
	}
	for i := range p.Sessions {
		if s := &p.Sessions[i]; s.ID == name && s.Device == "" {
			return &s.Bound
		}
	}
	return nil
}

const (
	// holdsKept is for how long a new hold is told to sessions that were looked up
	// before; one that is used after that is looked up anew.
	holdsKept = time.Hour
	maxHolds  = 100_000 // as many sign-ins in that time; with more, it is shorter
)

// holds are the browsers that have lately shown a key, on any machine: sessions of
// theirs that were looked up before must learn of it.
type holds struct {
	// count grows with each, so that a request costs one read of a line that is rarely
	// written.
	count atomic.Uint64

	mu   sync.RWMutex // guards below
	by   map[string]noted
	past uint64 // the count at the last that is forgotten
}

type noted struct {
	*hold
	count uint64
	told  end // by which other machines learn of it
}

// note remembers that a browser is held to a key, as an end says.
func (h *holds) note(name string, k *hold, e end, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.by[name]; known {
		return
	}
	if h.by == nil {
		h.by = make(map[string]noted)
	}
	if h.count.Load()%256 == 0 || len(h.by) >= maxHolds {
		h.drop(now)
	}
	count := h.count.Load() + 1
	h.by[name] = noted{k, count, e}
	h.count.Store(count)
}

// drop forgets the holds whose time is over, or all where there are too many.
func (h *holds) drop(now time.Time) {
	all := len(h.by) >= maxHolds
	for name, n := range h.by {
		if all || n.told.Expires <= now.Unix() {
			h.past = max(h.past, n.count)
			delete(h.by, name)
		}
	}
}

// meet brings a session up to date that was looked up just now.
func (h *holds) meet(l *Live) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	h.tell(l)
}

// tell has a session held to the key of its browser, with mu held.
func (h *holds) tell(l *Live) {
	if n, known := h.by[l.teacher()]; known {
		l.held.CompareAndSwap(nil, n.hold)
	}
	l.heldAt.Store(h.count.Load())
}

// news brings a session up to date. It reports false where what it missed is
// forgotten, and its record has to be read again.
func (h *holds) news(l *Live) bool {
	if l.heldAt.Load() == h.count.Load() || l.held.Load() != nil {
		return true
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	if l.heldAt.Load() < h.past {
		return false
	}
	h.tell(l)
	return true
}

// known are the holds that other machines may have to be told of again.
func (h *holds) known(now time.Time) (list []end) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, n := range h.by {
		if n.told.Expires >= now.Unix() {
			list = append(list, n.told)
		}
	}
	return list
}

// boundOf begins the name of what tells other machines of a hold, in the list of what
// has ended.
const boundOf = "bound "

// endOfHold tells other machines of a hold.
func endOfHold(name string, b *devices.Binding, person id, now time.Time) end {
	return end{Session: boundOf + name, Expires: now.Add(holdsKept).Unix(), Person: person, Key: b.Key, Held: b.Held}
}

// holdAll takes in what other machines tell of holds.
func (h *House) holdAll(now time.Time, list []end) {
	for _, e := range list {
		name, ok := strings.CutPrefix(e.Session, boundOf)
		k := holdOf(&devices.Binding{Key: e.Key, Held: e.Held})
		if ok && k != nil && e.Expires >= now.Unix() {
			h.holds.note(name, k, e, now)
		}
	}
}

// hold has all sessions of a browser prove its key from now on, here at once and on
// other machines when they next read. A machine that is not told in time learns it from
// the record, when it has forgotten the session.
func (h *House) hold(ctx context.Context, who id, name string, b devices.Binding) {
	now := h.now()
	e := endOfHold(name, &b, who, now)
	h.holdAll(now, []end{e})
	h.known.end(e)
	if h.shared {
		_ = h.announce(ctx, e) // told again where that fails: see mend
	}
}
