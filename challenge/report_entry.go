// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// A trail leads to an entry: by the link in the mail that tells of it, or by that
// of the code which made it.
type trail struct {
	person id // whose record has the entry
	mark   id // of the link
	is     func(*entered) bool
	by     *Live // the session of the person who says so; nil where a link does
}

// trail is where the link of a notice leads.
func (h *House) trail(l link) trail {
	return trail{person: l.record, mark: l.mark, is: func(e *entered) bool { return h.marks(l, e.ID) }}
}

// trail is where the link of a code leads that was used.
func (s *spent) trail(l link) trail {
	code := s.Mark // the link may be that of the mail before
	return trail{person: s.Person, mark: l.mark, is: func(e *entered) bool { return e.Code == code }}
}

// find finds the entry that a trail leads to.
func (t trail) find(p *person) *entered {
	for i := range p.Entries {
		if t.is(&p.Entries[i]) {
			return &p.Entries[i]
		}
	}
	return nil
}

func (g *Gate) reportableEntry(ctx context.Context, v *Visit, t trail) (Report, error) {
	p, err := read[person](ctx, g.house.store, keyPerson+t.person.String())
	if err != nil {
		return Report{}, err
	}
	p.tidy(v.Now)
	var d door
	if p.Door != (id{}) {
		if d, err = read[door](ctx, g.house.store, keyDoor+p.Door.String()); err != nil {
			return Report{}, err
		}
	}
	d.tidy(v.Now)
	e := t.find(&p)
	if e == nil {
		return Report{Kind: ReportEntry, Blocked: d.reported(t.mark)}, ErrNoReport
	}
	r := g.house.reportOfEntry(e)
	_, r.Blocked = d.blocked(e.Network)
	return r, nil
}

// reportEntry ends an entry, and those that go with it. The network is
// blocked and the sessions end before the entry is forgotten: where the store
// fails half-way, the link works still.
func (g *Gate) reportEntry(ctx context.Context, v *Visit, t trail) (Report, error) {
	key := keyPerson + t.person.String()
	p, err := read[person](ctx, g.house.store, key)
	if err != nil {
		return Report{}, err
	}
	p.tidy(v.Now)
	found := t.find(&p)
	if found == nil {
		return Report{}, ErrNoReport
	}
	e, used := *found, waysOf(p.goingWith(found.ID, t.by))
	over, from := p.disown(e.ID, t.by, v.Now)
	if err := g.blockAll(ctx, p.Door, from, t.mark); err != nil {
		return Report{}, err
	}
	over = append(over, g.house.known.unlearned(e.ID, v.Now)...)
	if err := g.house.end(ctx, t.person, over...); err != nil {
		return Report{}, err
	}
	if err := g.guardPerson(ctx, v, t.person, time.Unix(e.At, 0), t.by, used); err != nil {
		return Report{}, err
	}
	var late []sessionEntry
	var seen *person
	look := g.house.glanceAt(t.person)
	err = change(ctx, g.house.store, key, func(p *person, now time.Time) error {
		seen = p
		p.tidy(now)
		if t.find(p) == nil {
			return ErrNoReport
		}
		late, _ = p.disown(e.ID, t.by, now)
		return nil
	})
	if err != nil {
		return Report{}, err
	}
	look.saw(seen)
	late = slices.DeleteFunc(late, func(s sessionEntry) bool {
		return slices.ContainsFunc(over, func(o sessionEntry) bool { return o.ID == s.ID })
	})
	if err := g.house.end(ctx, t.person, late...); err != nil {
		return Report{}, err
	}
	g.log(ctx, v, Event{Name: Reported, Account: t.person.String(), Session: publicID(e.Session)})
	return g.house.reportOfEntry(&e), nil
}

// usedWays are the ways by which somebody else came in. They are in other hands, however
// long their person has had them. A backup code is used up.
type usedWays struct {
	keys []id
	app  bool
}

func waysOf(entries []entered) (used usedWays) {
	for _, e := range entries {
		if e.Key != (id{}) {
			used.keys = append(used.keys, e.Key)
		}
		used.app = used.app || e.App
	}
	return used
}

// blockAll blocks networks at an address, and voids what they have asked for:
// whoever came in by a code can read the next one too. A browser that is known
// has its code again when it asks to be mailed once more.
func (g *Gate) blockAll(ctx context.Context, record id, networks []id, mark id) error {
	if record == (id{}) { // a record of before there were reports
		return nil
	}
	return change(ctx, g.house.store, keyDoor+record.String(), func(d *door, now time.Time) error {
		d.tidy(now)
		for _, network := range networks {
			d.block(network, mark, now)
			for i := range d.Pending {
				if d.Pending[i].Network == network {
					d.Pending[i].Void = true
				}
			}
		}
		return nil
	})
}

func (h *House) reportOfEntry(e *entered) Report {
	r := h.openAsked(e.Asked, e.ID).report(ReportEntry, e.Named)
	r.Passkey = e.Key != (id{})
	return r
}

// disown undoes an entry with those that go with it: their browsers are
// forgotten, with what those taught. gone are the sessions that end, from the
// networks that the entries were made in. What the session by has entered stays.
func (p *person) disown(entry id, by *Live, now time.Time) (gone []sessionEntry, from []id) {
	for _, e := range p.goingWith(entry, by) {
		gone = append(gone, p.endBrowser(e.Browser, now)...)
		gone = append(gone, p.drop(func(s sessionEntry) bool { return s.ID == e.Session })...)
		p.forget(e.Browser)
		p.Places.Unlearn(e.Browser, time.Unix(e.At, 0))
		if !slices.Contains(from, e.Network) {
			from = append(from, e.Network)
		}
		p.Entries = slices.DeleteFunc(p.Entries, func(o entered) bool { return o.ID == e.ID })
		// The next entry of the kind is news again.
		p.Told = slices.DeleteFunc(p.Told, func(t told) bool { return t.Entry == e.ID || t.Entry == e.Notice })
	}
	return gone, from
}

// goingWith are an entry, those that its notice stands for, and those that its
// browser made later, whatever it is called now. Those of the session by are none.
func (p *person) goingWith(entry id, by *Live) (all []entered) {
	own := func(*entered) bool { return false }
	if by != nil {
		own = p.own(by)
	}
	for _, e := range p.Entries {
		if own(&e) {
			continue
		}
		follows := func(o entered) bool {
			return e.Notice == o.ID || e.Browser == o.Browser || e.Before == o.Browser
		}
		if e.ID == entry || slices.ContainsFunc(all, follows) {
			all = append(all, e)
		}
	}
	return all
}

// publicID shortens the name of a session for logs.
func publicID(session string) string {
	var id sessions.ID
	if id.UnmarshalText([]byte(session)) != nil {
		return ""
	}
	return id.Public()
}

// mayLift reports whether the browser of a visit is remembered for the person of
// a link, whom only keyed hashes name. One that has been signed out, or brings a
// copy of an old cookie, may not.
func (g *Gate) mayLift(ctx context.Context, v *Visit, l link) (bool, error) {
	for _, claim := range g.house.claims(v) {
		e := Email(claim.Address)
		if v.Now.Unix() >= claim.Expires || g.house.recordOf(l.kind, e) != l.record {
			continue
		}
		p, err := read[person](ctx, g.house.store, g.house.personKey(e))
		if err != nil {
			return false, err
		}
		d := p.device(claim.ID)
		if g.standing(d, v.Now) == risk.Remembered && d.Judge(claim.Generation, v.Now) != devices.Stale && !g.unproved(d, v) {
			return true, nil
		}
	}
	return false, nil
}

// recordOf is the record of an address that links of a kind name.
func (h *House) recordOf(kind byte, e Email) id {
	if kind != stopCode {
		return h.personID(e)
	}
	return h.doorID(e)
}

// doorKeyOf is the key of the record that holds the block of a link.
func (g *Gate) doorKeyOf(ctx context.Context, l link) (string, error) {
	if l.kind == stopCode {
		return keyDoor + l.record.String(), nil
	}
	p, err := read[person](ctx, g.house.store, keyPerson+l.record.String())
	if err != nil {
		return "", err
	}
	return keyDoor + p.Door.String(), nil
}
