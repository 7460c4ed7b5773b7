// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
)

// reportableCode says what the link in a code's mail ends: the code, or, once it
// was used, the entry that it made.
func (g *Gate) reportableCode(ctx context.Context, v *Visit, l link) (Report, error) {
	d, err := read[door](ctx, g.house.store, keyDoor+l.record.String())
	if err != nil {
		return Report{}, err
	}
	d.tidy(v.Now)
	if c := g.house.challengeOf(&d, l); c != nil {
		r := g.house.reportOf(c)
		_, r.Blocked = d.blocked(c.Network)
		return r, nil
	}
	if s := d.spentBy(l.mark); s != nil {
		r, err := g.reportableEntry(ctx, v, s.trail(l))
		if errors.Is(err, ErrNoReport) {
			if l, ok := g.house.changeAllowedBy(ctx, v, *s); ok {
				return g.reportableChange(ctx, v, l)
			}
		}
		return r, err
	}
	return Report{Kind: ReportCode, Blocked: d.reported(l.mark)}, ErrNoReport
}

// reportCode ends a challenge and blocks its network in one update, or ends the
// entry that its code has made. A challenge that ends stays, void: whoever began
// it must not see that somebody who reads the mail of the address has stopped it.
func (g *Gate) reportCode(ctx context.Context, v *Visit, l link) (Report, error) {
	if err := g.endAsker(ctx, l); err != nil {
		return Report{}, err
	}
	var c pending
	var used spent
	err := change(ctx, g.house.store, keyDoor+l.record.String(), func(d *door, now time.Time) error {
		c, used = pending{}, spent{}
		d.tidy(now)
		found := g.house.challengeOf(d, l)
		if found == nil {
			if s := d.spentBy(l.mark); s != nil {
				used = *s
				return errUnchanged
			}
			return ErrNoReport
		}
		found.Void, found.Stopped = true, l.mark
		found.Own = false // nobody waits for it: strangers may push it out, and no tab counts on it
		c = *found
		d.block(c.Network, l.mark, now)
		return nil
	})
	if errors.Is(err, errUnchanged) {
		r, err := g.reportEntry(ctx, v, used.trail(l))
		if errors.Is(err, ErrNoReport) { // it allowed a change
			if l, ok := g.house.changeAllowedBy(ctx, v, used); ok {
				return g.undoChange(ctx, v, l)
			}
		}
		return r, err
	}
	if err != nil {
		return Report{}, err
	}
	g.log(ctx, v, Event{Name: Reported, Ref: c.Ref, Account: g.house.whoseCode(&c)})
	r := g.house.reportOf(&c)
	r.Blocked = !c.Known || c.Asker != nil // a browser that is remembered is not kept out
	return r, nil
}

// endAsker signs out the session that asked for a code which its person knows
// nothing of: somebody else has it. Its browser would only be let in again, so it is
// forgotten. The link is used after that, so that a store which fails in between
// leaves it as it is.
func (g *Gate) endAsker(ctx context.Context, l link) error {
	h := g.house
	d, err := read[door](ctx, h.store, keyDoor+l.record.String())
	if err != nil {
		return err
	}
	c := h.challengeOf(&d, l)
	if c == nil || c.Asker == nil {
		return nil
	}
	a := *c.Asker
	var gone []sessionEntry
	err = change(ctx, h.store, keyPerson+a.Person.String(), func(p *person, now time.Time) error {
		p.tidy(now)
		gone = p.drop(func(s sessionEntry) bool { return s.ID == a.Session })
		for _, d := range slices.Clone(p.Devices) {
			if a.was(&d) {
				gone = append(gone, p.endBrowser(d.ID, now)...)
				p.forget(d.ID)
			}
		}
		return nil
	})
	return h.endWith(ctx, a.Person, err, gone)
}

// was reports whether a remembered browser is the one that asked.
func (a *asker) was(d *devices.Record) bool {
	return d.ID == a.Browser || a.Had != 0 && d.Made == a.Had
}

// challengeOf finds the challenge that a link ends. The link of an earlier mail
// of the same browser ends the challenge that followed, too: whoever reads that
// mail wants the sign-in stopped, not one of its codes.
func (h *House) challengeOf(d *door, l link) *pending {
	for i := range d.Pending {
		c := &d.Pending[i]
		if !c.stopped() && (h.marks(l, c.ID) || c.Earlier != nil && h.marks(l, c.Earlier.ID)) {
			return c
		}
	}
	return nil
}

func (h *House) reportOf(c *pending) Report {
	r := h.openAsked(c.Asked, c.ID).report(ReportCode, c.Named)
	r.Asker = c.Asker != nil
	return r
}

// whoseCode stands for the person whose code it is.
func (h *House) whoseCode(c *pending) string {
	who := h.openAsked(c.Asked, c.ID).Person
	if who == (id{}) { // a version before does not say
		return ""
	}
	return who.String()
}

// changeAllowedBy is the link of the change that a code has allowed.
func (h *House) changeAllowedBy(ctx context.Context, v *Visit, s spent) (link, bool) {
	b, err := read[belongings](ctx, h.store, keyBelongings+s.Person.String())
	if err != nil {
		return link{}, false
	}
	b.tidy(v.Now)
	for i := range b.Changes {
		if c := &b.Changes[i]; c.Code != (id{}) && c.Code == s.Mark {
			return link{stopChange, s.Person, h.stopMark(stopChange, c.ID)}, true
		}
	}
	return link{}, false
}
