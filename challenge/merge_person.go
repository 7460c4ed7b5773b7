// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"cmp"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
)

// names are a set of names, as of sessions and browsers that are over.
type names map[string]bool

func (r *endRing) names() names {
	n := names{}
	for _, e := range r.Ring {
		if e.Unlocked != (id{}) {
			continue
		}
		n[e.Session] = true
		if browser := e.browser(); browser != "" {
			n[browser] = true
		}
	}
	return n
}

// An overlap is what two stores know of ends.
type overlap struct{ ours, theirs names }

func (o overlap) over(name string) bool { return o.ours[name] || o.theirs[name] }

// obey ends what is over, and reports whether that changed anything. A browser that
// is over has no sessions, and is never made to work again: it gets a new name.
func (p *person) obey(over func(name string) bool) (changed bool) {
	for i := range p.Devices {
		if d := &p.Devices[i]; !d.Ended && over(d.ID) {
			d.Ended, changed = true, true
		}
	}
	gone := p.drop(func(s sessionEntry) bool {
		d := p.device(s.Device)
		return over(s.ID) || s.Device != "" && over(s.Device) || d != nil && d.Ended
	})
	return changed || len(gone) > 0
}

// distrust drops whatever lets anybody in: the record is from a copy, and what it
// allows may have been ended since.
func (p *person) distrust() {
	p.Sessions = nil
	p.Devices = slices.DeleteFunc(p.Devices, func(d devices.Record) bool { return !d.Ended })
}

// join takes in what another store knows of the person.
func (p *person) join(o *person, now time.Time) {
	p.Sessions = joined(p.Sessions, o.Sessions, func(s *sessionEntry) string { return s.ID }, func(s, o *sessionEntry) { s.Bound = s.Bound.Join(o.Bound) })
	slices.SortStableFunc(p.Sessions, func(a, b sessionEntry) int { return cmp.Compare(a.Made, b.Made) })
	p.Devices = joined(p.Devices, o.Devices, func(d *devices.Record) string { return d.ID }, joinDevice)
	slices.SortStableFunc(p.Devices, func(a, b devices.Record) int { return cmp.Compare(a.Used, b.Used) })
	p.Codes = newest(mostOf(p.Codes, o.Codes, cmp.Compare[int64]), oftenTimes-1)
	if p.Who == "" || o.Who != "" && o.Last > p.Last {
		p.Who = o.Who
	}
	p.Last = max(p.Last, o.Last)
	if p.Door == (id{}) {
		p.Door = o.Door
	}
	if p.First == 0 || o.First != 0 && o.First < p.First {
		p.First = o.First
	}
	p.Mailed = max(p.Mailed, o.Mailed)
	if p.Settings == (PersonSettings{}) {
		p.Settings = o.Settings
	}
	p.Guard = joinGuard(p.Guard, o.Guard)
	p.joinNotices(o)
	p.Places.Merge(o.Places, now)
}

// joinGuard is as wide as both, and as long as the longer.
func joinGuard(g, o guard) guard {
	if g.Until == 0 || o.Until == 0 {
		return guard{max(g.From, o.From), max(g.Until, o.Until)}
	}
	return guard{min(g.From, o.From), max(g.Until, o.Until)}
}

// lose drops what is named. With a browser its sessions go.
func (p *person) lose(lost func(name string) bool) {
	p.Devices = slices.DeleteFunc(p.Devices, func(d devices.Record) bool { return lost(browserName(d.ID)) })
	p.drop(func(s sessionEntry) bool {
		return lost(sessionName(s.ID)) || s.Device != "" && lost(browserName(s.Device))
	})
	p.Entries = slices.DeleteFunc(p.Entries, func(e entered) bool { return lost(entryName(e.ID)) })
	p.Places.Drop(lost)
}

func (p *person) joinNotices(o *person) {
	p.Entries = joined(p.Entries, o.Entries, func(e *entered) id { return e.ID }, func(*entered, *entered) {})
	slices.SortStableFunc(p.Entries, func(a, b entered) int { return cmp.Compare(a.At, b.At) })
	p.Told = joined(p.Told, o.Told, func(t *told) id { return t.Key }, func(t, o *told) {
		if o.At > t.At {
			*t = *o
		}
	})
	slices.SortStableFunc(p.Told, func(a, b told) int { return cmp.Compare(a.At, b.At) })
}

// joinDevice makes one of two records of a browser: the one whose secret is the
// later, which ends all earlier ones.
func joinDevice(d, o *devices.Record) {
	newer := *d
	if cmp.Or(cmp.Compare(o.Generation, d.Generation), cmp.Compare(o.Used, d.Used)) > 0 {
		newer = *o
	}
	if d.Generation == o.Generation && d.Presented != 0 && o.Presented != 0 {
		newer.Presented = min(d.Presented, o.Presented)
	} else if d.Generation == o.Generation {
		newer.Presented = max(d.Presented, o.Presented)
	}
	if newer.Proof = d.Proof; o.Coded > d.Coded {
		newer.Proof = o.Proof
	}
	newer.Made, newer.Used, newer.Coded = min(d.Made, o.Made), max(d.Used, o.Used), max(d.Coded, o.Coded)
	newer.Ended, newer.ByOperator = d.Ended || o.Ended, d.ByOperator || o.ByOperator
	newer.Name = cmp.Or(newer.Name, d.Name, o.Name)
	newer.Bound = d.Bound.Join(o.Bound)
	*d = newer
}

// bound keeps the record within its bounds. Of the browsers those go first that
// need a code anyway. A session whose browser is forgotten lives on.
func (p *person) bound() {
	p.Sessions = newest(p.Sessions, maxSessions)
	for len(p.Devices) > maxDevices {
		i := max(slices.IndexFunc(p.Devices, func(d devices.Record) bool { return d.Ended }), 0)
		if d := &p.Devices[i]; d.Bound.Held != 0 {
			p.dropOf(d.ID) // without the record they would count without the key
		}
		p.Devices = slices.Delete(p.Devices, i, i+1)
	}
	for len(p.Entries) > maxEntries {
		// What a mail of its own tells of goes last, as in enters.
		i := slices.IndexFunc(p.Entries, func(e entered) bool { return e.Notice != e.ID })
		p.Entries = slices.Delete(p.Entries, max(i, 0), max(i, 0)+1)
	}
	p.Told = newest(p.Told, maxTold)
}
