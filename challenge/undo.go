// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"slices"
	"time"
)

// undoChange takes a change back by the link of the mail about it, whether it waits or
// was made: whoever reads the person's mail says that it was not them. The browser that
// made it is signed out and forgotten, and what it may have added counts for nothing
// until it is made anew.
func (g *Gate) undoChange(ctx context.Context, v *Visit, l link) (Report, error) {
	h := g.house
	b, err := read[belongings](ctx, h.store, keyBelongings+l.record.String())
	if err != nil {
		return Report{}, err
	}
	b.tidy(v.Now)
	c := h.changeOf(&b, l)
	if c == nil {
		return Report{}, ErrNoReport
	}
	was := *c
	if err := h.endChanger(ctx, l.record, &was); err != nil {
		return Report{}, err
	}
	if was.Kind == EraseData {
		if err := h.spare(ctx, l.record); err != nil {
			return Report{}, err
		}
	}
	if err := g.guardPerson(ctx, v, l.record, time.Unix(was.At, 0), nil, usedWays{}); err != nil {
		return Report{}, err
	}
	// Last: where the store fails half-way, the link works still.
	if err := h.takeBack(ctx, l); err != nil {
		return Report{}, err
	}
	g.log(ctx, v, Event{Name: ChangeCancelled, Account: l.record.String(), Change: was.Kind})
	return h.reportOfChange(&was), nil
}

// endChanger signs out the browser that made a change, and forgets it.
func (h *House) endChanger(ctx context.Context, who id, c *changed) error {
	var gone []sessionEntry
	err := change(ctx, h.store, keyPerson+who.String(), func(p *person, now time.Time) error {
		p.tidy(now)
		gone = nil
		for _, d := range slices.Clone(p.Devices) {
			if c.from(d.Made) {
				gone = append(gone, p.endBrowser(d.ID, now)...)
				p.forget(d.ID)
			}
		}
		gone = append(gone, p.drop(func(s sessionEntry) bool { return s.ID == c.Session })...)
		return nil
	})
	return h.endWith(ctx, who, err, gone)
}

// takeBack undoes the change that a link is about.
func (h *House) takeBack(ctx context.Context, l link) error {
	var gone []sessionEntry
	err := change(ctx, h.store, keyBelongings+l.record.String(), func(b *belongings, now time.Time) error {
		b.tidy(now)
		c := h.changeOf(b, l)
		if gone = nil; c == nil {
			return errUnchanged
		}
		gone = b.undo(*c)
		return nil
	})
	return h.endWith(ctx, l.record, kept(err), gone)
}

// changeOf finds the change that a link is about.
func (h *House) changeOf(b *belongings, l link) *changed {
	for i := range b.Changes {
		if h.marks(l, b.Changes[i].ID) {
			return &b.Changes[i]
		}
	}
	return nil
}

func (g *Gate) reportableChange(ctx context.Context, v *Visit, l link) (Report, error) {
	b, err := read[belongings](ctx, g.house.store, keyBelongings+l.record.String())
	if err != nil {
		return Report{}, err
	}
	b.tidy(v.Now)
	if c := g.house.changeOf(&b, l); c != nil {
		return g.house.reportOfChange(c), nil
	}
	return Report{Kind: ReportChange}, ErrNoReport
}

func (h *House) reportOfChange(c *changed) Report {
	r := h.openAsked(c.Asked, c.ID).report(ReportChange, false)
	r.Change, r.Waits = c.Kind, c.waits()
	return r
}
