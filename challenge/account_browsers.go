// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"slices"
	"time"
)

// SignOutBrowser ends a browser's sessions and streams, here at once and on other
// machines soon; its next entry needs a code. With forget it is not known any more,
// unless the session that says so is in doubt: the person may need it to show that it is
// they. Its errors are ErrNoSuch and ErrUnavailable.
func (g *Gate) SignOutBrowser(ctx context.Context, v *Visit, a *Admission, browser string, forget bool) error {
	who, found := g.house.personID(a.Identity.Email), false
	var gone []sessionEntry
	var called string
	var had int64
	err := change(ctx, g.house.store, keyPerson+who.String(), func(p *person, now time.Time) error {
		p.tidy(now)
		called = g.house.nameOf(p, browser)
		gone, had, found = g.house.endNamed(p, browser, forget && p.mayChange(a.Live, now) == nil, now)
		if !found {
			return ErrNoSuch
		}
		return nil
	})
	err = g.house.dropWaiting(ctx, who, g.house.endWith(ctx, who, err, elsewhere(gone, a)), func(c *changed) bool {
		return c.from(had) || slices.ContainsFunc(gone, func(s sessionEntry) bool { return s.ID == c.Session })
	})
	session := ""
	if len(gone) > 0 {
		session = publicID(gone[0].ID)
	}
	return g.logDone(ctx, v, a, err, Event{Name: BrowserEnded, Session: session, Called: called})
}

// nameOf is what the person calls the browser that a form names.
func (h *House) nameOf(p *person, browser string) string {
	for _, d := range p.Devices {
		if h.refOf(d.ID).String() == browser {
			return d.Name
		}
	}
	return ""
}

// endNamed ends the browser that a form names, or the session of one that is not
// remembered. had is as in person.had.
func (h *House) endNamed(p *person, browser string, forget bool, now time.Time) (gone []sessionEntry, had int64, found bool) {
	for _, d := range p.Devices {
		if h.refOf(d.ID).String() != browser {
			continue
		}
		gone = p.endBrowser(d.ID, now)
		if forget {
			p.forget(d.ID)
		}
		return gone, d.Made, true
	}
	gone = p.drop(func(s sessionEntry) bool { return h.refOf(s.ID).String() == browser })
	return gone, 0, len(gone) > 0
}

// elsewhere marks sessions that another browser than their own has ended.
func elsewhere(gone []sessionEntry, a *Admission) []sessionEntry {
	for i := range gone {
		gone[i].Elsewhere = gone[i].ID != a.Live.key
	}
	return gone
}

// SignOutElsewhere signs all other browsers out and forgets them, as SignOutBrowser
// does, and says how many there were. Its errors are ErrUnavailable.
func (g *Gate) SignOutElsewhere(ctx context.Context, v *Visit, a *Admission) (browsers int, err error) {
	who := g.house.personID(a.Identity.Email)
	var gone []sessionEntry
	var had int64
	err = change(ctx, g.house.store, keyPerson+who.String(), func(p *person, now time.Time) error {
		p.tidy(now)
		browsers, gone, had = 0, nil, p.had(a.Live)
		for _, d := range slices.Clone(p.Devices) {
			if d.ID == a.Live.Browser || a.Live.Browser == "" && d.Session == a.Live.key {
				continue
			}
			if !d.Ended || p.signedIn(d.ID, now) {
				browsers++
			}
			gone = append(gone, p.endBrowser(d.ID, now)...)
			if p.mayChange(a.Live, now) == nil {
				p.forget(d.ID)
			}
		}
		others := p.drop(func(s sessionEntry) bool { return s.ID != a.Live.key && (s.Device == "" || s.Device != a.Live.Browser) })
		browsers += len(others)
		gone = append(gone, others...)
		return nil
	})
	err = g.house.dropWaiting(ctx, who, g.house.endWith(ctx, who, err, elsewhere(gone, a)), func(c *changed) bool {
		return !c.from(had) && c.Session != a.Live.key
	})
	return browsers, g.logDone(ctx, v, a, err, Event{Name: BrowserEnded})
}

// dropWaiting forgets the changes that wait of browsers which their person has signed
// out: whoever is thrown out must not get a way in a day later. That everything is to be
// erased is no way in, and can be cancelled. err is that of the signing out.
func (h *House) dropWaiting(ctx context.Context, who id, err error, theirs func(*changed) bool) error {
	if err != nil {
		return err
	}
	return kept(change(ctx, h.store, keyBelongings+who.String(), func(b *belongings, now time.Time) error {
		b.tidy(now)
		before := len(b.Changes)
		b.Changes = slices.DeleteFunc(b.Changes, func(c changed) bool {
			return c.waits() && c.Kind != EraseData && theirs(&c)
		})
		if len(b.Changes) == before {
			return errUnchanged
		}
		return nil
	}))
}

// maxName bounds the name of a browser or token, in characters.
const maxName = 40

// RenameBrowser gives a browser a name; an empty one takes the person's name away.
// At most 40 characters are kept, and no control characters. Its errors are
// ErrNoSuch and ErrUnavailable.
func (g *Gate) RenameBrowser(ctx context.Context, v *Visit, a *Admission, browser, name string) error {
	name = oneLine(name, maxName)
	err := change(ctx, g.house.store, g.house.personKey(a.Identity.Email), func(p *person, now time.Time) error {
		p.tidy(now)
		for i := range p.Devices {
			if g.house.refOf(p.Devices[i].ID).String() == browser {
				p.Devices[i].Name = name
				return nil
			}
		}
		return ErrNoSuch
	})
	return g.logDone(ctx, v, a, err, Event{Name: BrowserRenamed, Called: name})
}
