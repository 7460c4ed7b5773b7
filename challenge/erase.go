// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Erasures are the people who asked to be forgotten, and when that is due. The list
// is one record, so that every machine finds what is due without looking at people.
type erasures struct {
	List []erasure `json:"list"`
}

type erasure struct {
	Who id    `json:"p"`
	Due int64 `json:"d"` // Unix seconds
}

const (
	keyErasures = "erasures"
	eraseEvery  = 30 * time.Second
	maxErasures = 10_000
)

func (e *erasures) lives(time.Time) time.Duration {
	if len(e.List) == 0 {
		return 0
	}
	return forever
}

func (e *erasures) drop(who id) {
	e.List = slices.DeleteFunc(e.List, func(o erasure) bool { return o.Who == who })
}

// Erase has everything that is kept of the person forgotten after a day; it can be
// cancelled until then, by whoever signs in or follows the link of the mail about it.
// All browsers are signed out at once, this one too. What is guarded stays until it is
// not. Its errors are ErrNoPermit, ErrTooMany, ErrSuspended and
// ErrUnavailable.
func (g *Gate) Erase(ctx context.Context, v *Visit, a *Admission, f *Flow) (due time.Time, err error) {
	who := a.Identity.Email
	p, err := read[person](ctx, g.house.store, g.house.personKey(who))
	if err != nil {
		return time.Time{}, unavailable(err)
	}
	made, err := g.makeChange(ctx, v, a, f, proposal{
		kind: EraseData, always: true,
		fill: func(_ *belongings, c *changed, now time.Time) error {
			if p.guarded(now) {
				c.Due = max(c.Due, p.Guard.Until)
			}
			return nil
		},
		then: func(c *changed) error { return g.house.eraseLater(ctx, g.house.personID(who), c.Due) },
	})
	if err != nil {
		return time.Time{}, err
	}
	var gone []sessionEntry
	err = change(ctx, g.house.store, g.house.personKey(who), func(p *person, now time.Time) error {
		p.tidy(now)
		gone = p.endAll(now) // none is forgotten: if it was not the person, they need one that is older
		return nil
	})
	if err = g.house.endWith(ctx, g.house.personID(who), err, gone); err != nil {
		g.log(ctx, v, Event{Name: StoreFailed, Address: who, Err: err})
		return time.Time{}, unavailable(err)
	}
	return made.due(), nil
}

func (h *House) eraseLater(ctx context.Context, who id, due int64) error {
	err := change(ctx, h.store, keyErasures, func(e *erasures, _ time.Time) error {
		e.drop(who)
		if len(e.List) >= maxErasures {
			return ErrTooMany
		}
		e.List = append(e.List, erasure{who, due})
		return nil
	})
	if err != nil && !errors.Is(err, ErrTooMany) {
		return unavailable(err)
	}
	return err
}

// spare takes an erasure back.
func (h *House) spare(ctx context.Context, who id) error {
	return change(ctx, h.store, keyErasures, func(e *erasures, _ time.Time) error {
		e.drop(who)
		return nil
	})
}

// eraseDue forgets, twice a minute, whoever asked for it a day ago.
func (h *House) eraseDue(ctx context.Context) {
	tick := time.NewTicker(eraseEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		list, err := read[erasures](ctx, h.store, keyErasures)
		if err != nil {
			continue
		}
		for _, e := range list.List {
			if h.now().Unix() >= e.Due && h.eraseOne(ctx, e.Who) != nil {
				break // the store is away, or the house closes
			}
		}
	}
}

// eraseOne forgets a person whose time has come. What a report has put in doubt since
// stays until that is over: an intruder must not wipe the traces away. Nor is anybody
// forgotten of whom only the list says so: the list may be an old one that came back,
// and this cannot be undone.
func (h *House) eraseOne(ctx context.Context, who id) error {
	p, err := read[person](ctx, h.store, keyPerson+who.String())
	if err != nil {
		return err
	}
	if now := h.now(); p.guarded(now) {
		return h.eraseLater(ctx, who, p.Guard.Until)
	}
	b, err := read[belongings](ctx, h.store, keyBelongings+who.String())
	if err != nil {
		return err
	}
	if !b.erases() {
		return h.spare(ctx, who)
	}
	_, err = h.forget(ctx, who, func(p *person, now time.Time) error {
		if p.guarded(now) { // since it was looked at
			return errGuarded
		}
		return nil
	})
	if errors.Is(err, errGuarded) {
		return nil // the next time finds it so
	}
	if err != nil {
		return err
	}
	h.tell(ctx, Event{Name: DataErased, Account: who.String()})
	return h.spare(ctx, who)
}

var errGuarded = errors.New("account is guarded")

// endAll ends every browser.
func (p *person) endAll(now time.Time) (gone []sessionEntry) {
	for _, d := range p.Devices {
		gone = append(gone, p.endBrowser(d.ID, now)...)
	}
	return append(gone, p.drop(func(sessionEntry) bool { return true })...)
}

// Forget erases everything that is kept of an address, at once, on every machine:
// sessions end, browsers are forgotten, ways in, tokens and activity go. What was
// counted against the address stays. It reports whether there was anything.
func (h *House) Forget(ctx context.Context, e Email) (found bool, err error) {
	who := h.personID(e)
	if found, err = h.forget(ctx, who, func(*person, time.Time) error { return nil }); err == nil {
		err = h.spare(ctx, who)
	}
	if err != nil {
		return false, unavailable(err)
	}
	if found {
		h.tell(ctx, Event{Name: DataErased, Address: e})
	}
	return found, nil
}

// forget erases what is kept of a person, unless the check of their record, as it is
// then, has an objection. It goes from what lets somebody in to what says that they are
// to be forgotten: where the store fails half-way, it is gone on with.
func (h *House) forget(ctx context.Context, who id, check func(p *person, now time.Time) error) (found bool, err error) {
	var gone []sessionEntry
	err = change(ctx, h.store, keyPerson+who.String(), func(p *person, now time.Time) error {
		if err := check(p, now); err != nil {
			return err
		}
		found = !p.isNew()
		p.tidy(now)
		gone = p.endAll(now)
		*p = person{}
		return nil
	})
	if err = h.endWith(ctx, who, err, gone); err != nil {
		return false, err
	}
	if err := h.eraseActivity(ctx, who); err != nil {
		return false, err
	}
	err = change(ctx, h.store, keyBelongings+who.String(), func(b *belongings, _ time.Time) error {
		gone = nil
		for _, t := range b.Tokens {
			gone = append(gone, t.entry())
		}
		found = found || b.Backup != nil || b.App != nil || b.Second != nil || len(b.Tokens)+len(b.Passkeys) > 0
		*b = belongings{}
		return nil
	})
	return found, h.endWith(ctx, who, err, gone)
}
