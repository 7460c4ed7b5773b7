// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"time"
)

// A guard is what follows when a person says of somebody who got in that it was not
// them. What that one may have added counts for nothing, and what the person had
// before goes on. Times are Unix seconds.
type guard struct {
	From  int64 `json:"f,omitempty"` // whatever is newer is suspended
	Until int64 `json:"u,omitempty"`
}

const (
	guardBefore = 7 * day // what was added in this time before the entry is suspended too
	guardFor    = 7 * day
)

// guardFrom begins, or widens, the guard of an entry that was reported.
func (p *person) guardFrom(entry, now time.Time) {
	from := entry.Add(-guardBefore).Unix()
	if p.guarded(now) {
		from = min(from, p.Guard.From)
	}
	p.Guard = guard{From: from, Until: now.Add(guardFor).Unix()}
}

func (p *person) guarded(now time.Time) bool { return now.Unix() < p.Guard.Until }

// suspends reports whether something that was added at a time counts for nothing at
// the moment.
func (p *person) suspends(added int64, now time.Time) bool {
	return p.guarded(now) && added >= p.Guard.From
}

// endNewer ends the browsers that were remembered since an entry which was reported.
// What was there before stays signed in: it may be all that the person has. So does
// the browser of the session by, in which they say so. Of these, what a guard suspends
// ends no guard and changes no ways in.
func (p *person) endNewer(entry time.Time, by *Live, now time.Time) (gone []sessionEntry) {
	for _, d := range p.Devices {
		if d.Made > entry.Unix() && (by == nil || d.ID != by.Browser) {
			gone = append(gone, p.endBrowser(d.ID, now)...)
		}
	}
	return append(gone, p.drop(func(s sessionEntry) bool {
		return s.Made > entry.Unix() && p.device(s.Device) == nil && (by == nil || s.ID != by.key)
	})...)
}

// standsAbove reports whether a session is of a browser that was remembered before
// what is guarded against.
func (p *person) standsAbove(live *Live, now time.Time) bool {
	d := p.device(live.Browser)
	return d != nil && !p.suspends(d.Made, now)
}

// doubts reports whether a session is of a browser that a report has put in doubt.
func (p *person) doubts(live *Live, now time.Time) bool {
	return p.guarded(now) && !p.standsAbove(live, now)
}

// mayChange keeps out sessions that an operator's word began, and those of browsers
// that a report has put in doubt.
func (p *person) mayChange(live *Live, now time.Time) error {
	if live.letIn() || p.doubts(live, now) {
		return ErrSuspended
	}
	return nil
}

// MayChange reports whether the session of an admission may change ways in at the
// moment. Its errors are ErrSuspended and ErrUnavailable.
func (g *Gate) MayChange(ctx context.Context, v *Visit, a *Admission) error {
	p, err := read[person](ctx, g.house.store, g.house.personKey(a.Identity.Email))
	if err != nil {
		return unavailable(err)
	}
	return p.mayChange(a.Live, v.Now)
}

// lift ends the guard when its person has shown that it is they: by a code in a
// browser that was remembered before.
func (p *person) lift(browser string, did spending, now time.Time) (lifted bool) {
	d := p.device(browser)
	if !p.guarded(now) || d == nil || p.suspends(d.Made, now) || did.way.recovers() || did.since != 0 && p.suspends(did.since, now) {
		return false
	}
	p.Guard = guard{}
	return true
}

// guardPerson suspends whatever a stranger may have added who got in at a time, see
// [guard], and the ways that were used. by is the session of the person who says so; nil
// where a link does.
func (g *Gate) guardPerson(ctx context.Context, v *Visit, who id, entry time.Time, by *Live, used usedWays) error {
	h := g.house
	var gone []sessionEntry
	var from, until time.Time
	err := change(ctx, h.store, keyPerson+who.String(), func(p *person, now time.Time) error {
		p.tidy(now)
		p.guardFrom(entry, now)
		gone, from, until = p.endNewer(entry, by, now), time.Unix(p.Guard.From, 0), time.Unix(p.Guard.Until, 0)
		return nil
	})
	if err = h.endWith(ctx, who, err, gone); err != nil {
		return err
	}
	erases := false
	err = change(ctx, h.store, keyBelongings+who.String(), func(b *belongings, now time.Time) error {
		b.tidy(now)
		erases = b.erases()
		gone = b.suspend(from, used)
		erases = erases && !b.erases()
		return nil
	})
	if err = h.endWith(ctx, who, err, gone); err == nil && erases {
		err = h.spare(ctx, who)
	}
	if err == nil {
		g.log(ctx, v, Event{Name: Guarded, Account: who.String(), Until: until})
	}
	return err
}
