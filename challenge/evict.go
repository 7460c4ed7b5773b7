// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// An Eviction is what an operator ends.
type Eviction struct {
	Address Email  // whose; empty: everybody's, and then the next two say nothing
	Session string // one session, by SessionState.ID, with its browser; empty: all
	Browser string // one browser, by Browser.ID; empty: all
	// Forget: everybody's browsers need a code again, too. Without it, a remembered
	// browser makes its next session by itself. Those of one person always need one.
	Forget bool
}

// Evicted is how much was ended.
type Evicted struct {
	People, Sessions, Browsers int
}

// Evict ends sessions, and what is open in them, on every machine. Whoever comes next in
// such a browser is told that an administrator signed them out, and is asked for a code
// for the reason Operator. What they wanted to change of their ways in, and waits, is
// forgotten, but for an eviction of everybody. Access tokens go on.
//
// Everybody is evicted by one record, whatever their number; they are counted after
// that, as far as the store can list them. ErrNoSuch reports a session, browser or
// person that is not there.
func (h *House) Evict(ctx context.Context, o Eviction) (Evicted, error) {
	if o.Address == "" {
		return h.evictAll(ctx, o.Forget)
	}
	who := h.personID(o.Address)
	var cast castOut
	err := change(ctx, h.store, keyPerson+who.String(), func(p *person, now time.Time) error {
		p.tidy(now)
		cast = castOut{}
		if p.isNew() || !cast.choose(h, p, &o) {
			return ErrNoSuch
		}
		cast.end(p, now)
		return nil
	})
	err = h.dropWaiting(ctx, who, h.endWith(ctx, who, err, cast.gone), cast.made)
	if errors.Is(err, ErrNoSuch) {
		return Evicted{}, ErrNoSuch
	}
	if err != nil {
		return Evicted{}, unavailable(err)
	}
	e := Event{Name: Revoked, Address: o.Address, Session: o.Session, Called: cast.called}
	h.tell(ctx, e)
	h.retell(ctx, e)
	return Evicted{People: 1, Sessions: cast.sessions, Browsers: cast.browsers}, nil
}

// A castOut is what an operator ends of one person.
type castOut struct {
	devices, only []string // browsers that are remembered, and sessions of others

	gone               []sessionEntry
	had                []int64 // see person.had
	sessions, browsers int
	called             string // what the person calls the browser, where it is one
}

// choose finds what is to be ended, and reports whether it is there.
func (c *castOut) choose(h *House, p *person, o *Eviction) bool {
	for _, d := range p.Devices {
		if o.Session == "" && (o.Browser == "" || h.refOf(d.ID).String() == o.Browser) {
			c.devices = append(c.devices, d.ID)
		}
	}
	for _, s := range p.Sessions {
		switch {
		case o.Session != "" && publicID(s.ID) != o.Session:
		case p.device(s.Device) != nil:
			if o.Session != "" {
				c.devices = append(c.devices, s.Device)
			}
		case o.Session != "" || o.Browser == "" || h.refOf(s.ID).String() == o.Browser:
			c.only = append(c.only, s.ID)
		}
	}
	return len(c.devices)+len(c.only) > 0 || o.Session+o.Browser == ""
}

// end ends what was chosen.
func (c *castOut) end(p *person, now time.Time) {
	for _, name := range c.devices {
		d := p.device(name)
		if c.had = append(c.had, d.Made); len(c.devices) == 1 {
			c.called = d.Name
		}
		for _, s := range p.Sessions {
			if s.Device == name {
				c.sessions++
			}
		}
		if !d.Ended {
			c.browsers++
			d.ByOperator = true
		}
		c.gone = append(c.gone, p.endBrowser(name, now)...)
	}
	others := p.drop(func(s sessionEntry) bool { return slices.Contains(c.only, s.ID) })
	c.sessions += len(others)
	c.gone = append(c.gone, others...)
	for i := range c.gone {
		c.gone[i].Operator = true
	}
}

// made reports whether a change was made in what was ended.
func (c *castOut) made(o *changed) bool {
	return slices.ContainsFunc(c.had, o.from) || slices.ContainsFunc(c.gone, func(s sessionEntry) bool { return s.ID == o.Session })
}

// An eviction is when everybody was signed out last, in Unix seconds, and when the
// browsers needed a code again, too. Each is later than the one before, and a record
// says which it has obeyed: the time of a session would not tell, since the clocks of
// machines differ.
type eviction struct {
	Sessions int64 `json:"s,omitempty"`
	Browsers int64 `json:"b,omitempty"`
}

// after reports whether an eviction came after all that another one tells of.
func (e eviction) after(o eviction) bool { return e.Sessions > o.Sessions || e.Browsers > o.Browsers }

// or is what either tells of.
func (e eviction) or(o eviction) eviction {
	return eviction{max(e.Sessions, o.Sessions), max(e.Browsers, o.Browsers)}
}

// obeyEviction ends what an eviction of everybody has ended.
func (p *person) obeyEviction(e eviction) {
	if p.Evicted >= e.Sessions {
		return
	}
	if len(p.Sessions) > 0 {
		p.Out = e.Sessions
	}
	for i := range p.Devices {
		if d := &p.Devices[i]; !d.Ended && p.Evicted < e.Browsers {
			d.Ended, d.ByOperator, p.Out = true, true, e.Sessions
		}
	}
	p.Evicted, p.Sessions = e.Sessions, nil
}

// evicted are the last evictions that are known of.
func (r *records) evicted() eviction {
	return eviction{r.evictedSessions.Load(), r.evictedBrowsers.Load()}
}

// evict notes evictions, and reports whether that is news.
func (r *records) evict(e eviction) (news bool) {
	browsers := raise(&r.evictedBrowsers, e.Browsers)
	return raise(&r.evictedSessions, e.Sessions) || browsers
}

func raise(a *atomic.Int64, to int64) (raised bool) {
	for {
		is := a.Load()
		if is >= to {
			return false
		}
		if a.CompareAndSwap(is, to) {
			return true
		}
	}
}

// hasEvicted reports whether a session began before everybody was signed out.
func (r *records) hasEvicted(s sessions.Session) bool {
	return s.Issued.Unix() <= r.evictedSessions.Load()
}

// evict begins the next eviction. The number that is left out has every machine look
// everything up anew, also one of the version before.
func (r *endRing) evict(browsers bool, now time.Time) {
	r.Evicted.Sessions = max(now.Unix(), r.Evicted.Sessions+1)
	if browsers {
		r.Evicted.Browsers = r.Evicted.Sessions
	}
	r.Last++
}

func (h *House) evictAll(ctx context.Context, browsers bool) (Evicted, error) {
	before := h.store.evicted()
	var now eviction
	err := change(ctx, h.store, keyEnds, func(r *endRing, at time.Time) error {
		r.Last, r.Epoch = max(r.Last, h.ends.number()), max(r.Epoch, h.store.epoch.Load())
		r.Evicted = r.Evicted.or(before)
		r.evict(browsers, at)
		now = r.Evicted
		return nil
	})
	if err != nil {
		return Evicted{}, unavailable(err)
	}
	h.store.evict(now)
	h.forgetAll()
	h.tell(ctx, Event{Name: Revoked})
	return h.countEvicted(ctx, before, now), nil
}

// countEvicted counts what an eviction of everybody has ended: what is in the records
// still that were not written since. It is told afterwards, so that a large store
// keeps nobody in.
func (h *House) countEvicted(ctx context.Context, before, now eviction) (all Evicted) {
	var mu sync.Mutex // guards all
	in := h.store.now()
	in.evicted = before
	at := h.now()
	_ = h.eachPerson(ctx, func(ctx context.Context, key string) error { // it stands, whatever the store can list
		raw, err := h.store.Get(ctx, key)
		if err != nil {
			return nil //nolint:nilerr // it is gone, or is not counted
		}
		var p person
		if decode(raw, &p) != nil || p.Evicted >= now.Sessions {
			return nil
		}
		p.settle(in)
		p.tidy(at)
		one := p.hold(now.Browsers == now.Sessions)
		mu.Lock()
		defer mu.Unlock()
		all = Evicted{all.People + one.People, all.Sessions + one.Sessions, all.Browsers + one.Browsers}
		return nil
	})
	return all
}

// hold is what there is to be ended.
func (p *person) hold(browsers bool) (e Evicted) {
	e.Sessions = len(p.Sessions)
	for i := range p.Devices {
		if browsers && !p.Devices[i].Ended {
			e.Browsers++
		}
	}
	if e.Sessions+e.Browsers > 0 {
		e.People = 1
	}
	return e
}
