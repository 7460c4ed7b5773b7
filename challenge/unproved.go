// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/bound"
	"github.com/doorcode/caddy-doorcode/challenge/devices"
)

// errUnproved reports a session whose browser has a key that it did not prove. What
// comes with it is a copy, or its browser could not reach us to prove it.
var errUnproved = errors.New("browser did not prove its key")

const (
	// keyWithin is how long a browser has to make a key where one is required.
	keyWithin = time.Minute
	// warnEvery is how often a person is told that a browser did not prove its key.
	warnEvery = day
)

// A shown pass is one that was judged for a session, so that the next request with it
// costs two comparisons. One is kept too where no key of the browser is known yet.
type shown struct {
	pass  string
	until int64 // Unix nanoseconds; 0: it proves nothing for the session
}

// proves reports whether the browser of a session has proved the key that it has, if it
// has one.
func (g *Gate) proves(l *Live, v *Visit) bool {
	k := l.held.Load()
	if k == nil || !g.holdsKeys() {
		return true
	}
	now := v.Now.UnixNano()
	if s := l.shown.Load(); s != nil && s.pass == v.Pass && v.Pass != "" {
		return now < s.until || now < k.from
	}
	return g.judgePass(l, v, k.key) || now < k.from
}

// judgePass judges the pass of a visit for a session, and remembers what came of it.
func (g *Gate) judgePass(l *Live, v *Visit, key bound.Thumbprint) bool {
	if v.Pass == "" || len(v.Pass) > bound.MaxPass {
		return false
	}
	s := &shown{pass: strings.Clone(v.Pass)} // or the whole line with all other cookies would stay with it
	if p, ok := g.house.passOf(v); ok && p.Browser == l.teacher() && p.Key == key {
		s.until = p.Until.Add(bound.Slack).UnixNano()
	}
	l.shown.Store(s)
	return v.Now.UnixNano() < s.until
}

// passOf reads the pass of a visit, if it is one of ours.
func (h *House) passOf(v *Visit) (bound.Pass, bool) {
	p, err := bound.ReadPass(v.Pass, v.Audience, h.passMAC)
	return p, err == nil
}

// unproved reports whether a remembered browser has a key that it does not prove.
func (g *Gate) unproved(d *devices.Record, v *Visit) bool {
	if d == nil || !g.holdsKeys() {
		return false
	}
	k := holdOf(&d.Bound)
	if k == nil || v.Now.UnixNano() < k.from {
		return false
	}
	p, ok := g.house.passOf(v)
	return !ok || p.Browser != d.ID || p.Key != k.key || !p.Counts(v.Now)
}

// meetKey is for a session that brings a pass, of whose key nothing is known here: from
// now on its browser is held to the key, since it has the answer to its registration.
// A browser that never had it can be offered another one.
func (g *Gate) meetKey(ctx context.Context, v *Visit, l *Live) {
	if s := l.shown.Load(); !g.holdsKeys() || len(v.Pass) > bound.MaxPass || !l.kept() || l.token || s != nil && s.pass == v.Pass {
		return
	}
	p, ok := g.house.passOf(v)
	if !ok || p.Browser != l.teacher() || !p.Counts(v.Now) {
		l.shown.Store(&shown{pass: strings.Clone(v.Pass)})
		return
	}
	who := g.house.personID(Email(l.Email))
	var now devices.Binding
	var begins bool
	err := change(ctx, g.house.store, keyPerson+who.String(), func(r *person, at time.Time) error {
		b := r.binding(p.Browser)
		if now, begins = (devices.Binding{}), false; b == nil || bound.ThumbprintOf(b.Key) != p.Key {
			return errUnchanged
		}
		begins = b.Hold(at)
		if now = *b; !begins {
			return errUnchanged
		}
		return nil
	})
	if kept(err) != nil {
		return // with the next request
	}
	if l.held.CompareAndSwap(nil, holdOf(&now)); begins {
		g.house.hold(ctx, who, p.Browser, now)
	}
	if l.held.Load() == nil {
		l.shown.Store(&shown{pass: strings.Clone(v.Pass)}) // of a key that was replaced before it was shown
	}
}

// wantsKey reports whether a session is refused until its browser makes a key, which it
// did not in time.
func (g *Gate) wantsKey(v *Visit, l *Live) bool {
	if g.policy.Session.DeviceBound != BoundRequired || l.held.Load() != nil || v.Own {
		return false
	}
	return l.kept() && !l.token && !l.stranded && v.Now.Sub(l.Issued) >= keyWithin
}

// warnUnproved tells the person of a session that it came without the proof of its key:
// once a day, however often.
func (g *Gate) warnUnproved(ctx context.Context, v *Visit, l *Live) {
	last := l.warned.Load()
	if v.Now.Sub(time.Unix(last, 0)) < warnEvery || !l.warned.CompareAndSwap(last, v.Now.Unix()) {
		return
	}
	warns := false
	err := change(ctx, g.house.store, g.house.personKey(Email(l.Email)), func(p *person, now time.Time) error {
		b := p.binding(l.teacher())
		if warns = b != nil && b.Warn(warnEvery, now); !warns {
			return errUnchanged
		}
		return nil
	})
	switch {
	case kept(err) != nil:
		l.warned.Store(last)
	case warns:
		g.tellUnproved(ctx, v, Identity{Source: l.Source, User: l.User, Email: Email(l.Email)}, l.teacher(), l.ID.Public())
	}
}

// tellUnproved tells a person, and the operator, that somebody may have a copy of the
// cookies of a browser, and cuts what that has open: it may be the copy's. Where all is only
// observed, nothing was refused.
func (g *Gate) tellUnproved(ctx context.Context, v *Visit, who Identity, browser, session string) {
	g.log(ctx, v, Event{Name: KeyUnproved, Address: who.Email, Source: who.Source, User: who.User, Session: session})
	if g.policy.Risk.ObserveAll {
		return
	}
	g.house.part(ctx, browser)
	g.tellPerson(ctx, v, who.Email, Notice{Subject: CookiesCopied, Expires: v.Now.Add(changesKept)})
}
