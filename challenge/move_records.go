// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
)

// A meeting is of two records of a person.
type meeting struct {
	*mover
	theirs found[person]
	pasts  pasts

	result *person
	gone   []end // what went off our list
}

func (m *mover) movePerson(ctx context.Context, key string) (err error) {
	meet := meeting{mover: m}
	if meet.theirs, err = find[person](ctx, m.from, key); err != nil || meet.theirs.raw == nil {
		return err
	}
	if meet.pasts, err = m.pastsOf(ctx, key); err != nil {
		return err
	}
	err = change(ctx, m.to, key, meet.edit)
	if err = kept(err); err != nil {
		return err
	}
	m.people.Add(1)
	if err := m.announce(ctx, key, meet.gone); err != nil {
		return err
	}
	if m.putBack {
		return nil // nothing was let in by a copy
	}
	theirs, err := meet.theirs.record()
	if err != nil {
		return err
	}
	return m.note(ctx, key, theirs, meet.pasts, meet.result)
}

// edit makes our record of what comes of both. What either has ended, or has had
// and has no more, stays away.
func (m *meeting) edit(ours *person, now time.Time) error {
	theirs, err := m.theirs.record()
	if err != nil {
		return err
	}
	sessions, browsers := slices.Clone(ours.Sessions), slices.Clone(ours.Devices)
	lost := m.pasts.lost(ours.names(), theirs.names())
	if m.putBack {
		theirs.distrust()
	}
	for _, p := range []*person{ours, theirs} {
		p.lose(lost)
		p.tidy(now)
	}
	ours.join(theirs, now)
	ours.obey(m.ends.over)
	m.gone = m.browsersGone(ours, browsers, now)
	ours.bound()
	m.gone = append(m.gone, m.sessionsGone(ours, sessions, now)...)
	m.result = ours
	return nil
}

// browsersGone are those that need a code from now on, as no end tells yet.
func (m *mover) browsersGone(p *person, before []devices.Record, now time.Time) (gone []end) {
	for _, d := range before {
		after := p.device(d.ID)
		if d.Ended || m.ends.over(d.ID) || after != nil && !after.Ended {
			continue
		}
		gone = append(gone, end{Session: cmp.Or(d.Session, "of "+d.ID), Expires: now.Add(day).Unix(), Browser: d.ID})
	}
	return gone
}

// sessionsGone are those that are over from now on, as no end tells yet.
func (m *mover) sessionsGone(p *person, before []sessionEntry, now time.Time) (gone []end) {
	for _, s := range before {
		if _, lives := p.session(s.ID, now); !lives && s.Ends > now.Unix() && !m.ends.over(s.ID) {
			gone = append(gone, end{Session: s.ID, Expires: s.Ends})
		}
	}
	return gone
}

// personOf is whose record has a name.
func personOf(key string) (who id, err error) {
	err = who.UnmarshalText([]byte(strings.TrimPrefix(key, keyPerson)))
	return who, err
}

// announce tells the machines of the destination what is over there.
func (m *mover) announce(ctx context.Context, key string, gone []end) error {
	if len(gone) == 0 {
		return nil
	}
	who, err := personOf(key)
	if err != nil {
		return err
	}
	for i := range gone {
		gone[i].Person = who
	}
	return change(ctx, m.to, keyEnds, func(r *endRing, _ time.Time) error {
		r.append(gone...)
		return nil
	})
}

func (m *mover) moveDoor(ctx context.Context, key string) error {
	theirs, err := find[door](ctx, m.from, key)
	if err != nil || theirs.raw == nil {
		return err
	}
	open := 0
	err = change(ctx, m.to, key, func(d *door, now time.Time) error {
		other, err := theirs.record()
		if err != nil {
			return err
		}
		open = 0
		for _, c := range other.Pending {
			if !c.expired(now) {
				open++
			}
		}
		d.join(other, now)
		return nil
	})
	if err == nil {
		m.doors.Add(1)
		m.challenges.Add(int64(open))
	}
	return err
}

func (m *mover) moveNetwork(ctx context.Context, key string) error {
	theirs, err := find[network](ctx, m.from, key)
	if err != nil || theirs.raw == nil {
		return err
	}
	err = change(ctx, m.to, key, func(n *network, now time.Time) error {
		other, err := theirs.record()
		if err == nil {
			n.join(other, now)
		}
		return err
	})
	if err == nil {
		m.networks.Add(1)
	}
	return err
}

func (m *mover) moveBudget(ctx context.Context) error {
	theirs, err := find[minutes](ctx, m.from, keyBudget)
	if err != nil || theirs.raw == nil {
		return err
	}
	return change(ctx, m.to, keyBudget, func(n *minutes, now time.Time) error {
		other, err := theirs.record()
		if err == nil {
			n.join(other, now)
		}
		return err
	})
}

// applyEnds takes what was ended at the source off the lists of the destination. It
// is told to the machines there when all is copied: the ends that they know of now
// have to be remembered until then, also if this is interrupted.
func (m *mover) applyEnds(ctx context.Context) error {
	theirs, err := read[endRing](ctx, m.from, keyEnds)
	if err != nil {
		return err
	}
	ours, err := read[endRing](ctx, m.to, keyEnds)
	if err != nil {
		return err
	}
	m.ends = overlap{ours.names(), theirs.names()}
	for _, e := range theirs.Ring {
		if e.Person == (id{}) {
			continue // a version before told of it; the record of the person is copied
		}
		err := change(ctx, m.to, keyPerson+e.Person.String(), func(p *person, now time.Time) error {
			p.tidy(now)
			if !p.obey(m.ends.over) {
				return errUnchanged
			}
			return nil
		})
		if kept(err) != nil {
			return err
		}
	}
	return nil
}

// tellEnds tells the machines of the destination what was ended at the source, to
// the end of the copying.
func (m *mover) tellEnds(ctx context.Context) error {
	if err := m.applyEnds(ctx); err != nil {
		return err
	}
	theirs, err := read[endRing](ctx, m.from, keyEnds)
	if err != nil {
		return err
	}
	return kept(change(ctx, m.to, keyEnds, func(r *endRing, now time.Time) error {
		known := r.names()
		missing := slices.DeleteFunc(slices.Clone(theirs.Ring), func(e end) bool {
			return known[e.Session] || e.Unlocked != (id{}) || e.Expires < now.Unix()
		})
		if len(missing) == 0 {
			return errUnchanged
		}
		r.append(missing...)
		return nil
	}))
}
