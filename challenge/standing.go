// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/activity"
)

// A Standing is what decides about an address at a gate, and what became of it lately.
type Standing struct {
	Right    Right
	Locks    []Lock        // what keeps it from being tried or mailed, or counts towards it
	Pending  []PendingCode // codes that work now, the newest first
	UsedUp   []PendingCode // codes that would, had not too many wrong ones been entered
	Person   *PersonState  // nil: it never entered
	Recent   []ActivityRow // the newest first, at most 20
	Reported []string      // networks that its person keeps from asking; a keyed hash where no more is known
}

// A PendingCode is a code that is on its way, without the code.
type PendingCode struct {
	Ref   string
	Asked time.Time // zero where not known
	Ends  time.Time
	Mails int
	Tries int    // left
	Gate  string // empty where a version before kept none
}

// recentRows is how much of what happened to somebody a Standing tells.
const recentRows = 20

// Standing tells an operator of an address. It changes nothing. Its errors are
// ErrUnavailable.
func (g *Gate) Standing(ctx context.Context, e Email) (Standing, error) {
	h, now := g.house, g.house.now()
	s := Standing{Right: g.access.Load().Judge(e, now)}
	d, err := read[door](ctx, h.store, h.doorKey(e))
	if err != nil {
		return Standing{}, unavailable(err)
	}
	d.tidy(now)
	p, err := read[person](ctx, h.store, h.personKey(e))
	if err != nil {
		return Standing{}, unavailable(err)
	}
	s.Locks, s.Reported = d.locks(now), h.reportedAt(&d, &p)
	s.Pending, s.UsedUp = g.pendingAt(&d, s.Right.Allowed, now)
	switch state, err := h.Person(ctx, e); {
	case err == nil:
		s.Person = &state
	case !errors.Is(err, ErrNoSuch):
		return Standing{}, err
	}
	if s.Recent, err = h.recent(ctx, h.personID(e)); err != nil {
		return Standing{}, unavailable(err)
	}
	return s, nil
}

// pendingAt are the codes that were mailed to an address and work, and those that do
// not because their tries are used up.
func (g *Gate) pendingAt(d *door, allowed bool, now time.Time) (works, usedUp []PendingCode) {
	attempts := g.policy.Code.Attempts
	for i := range d.Pending {
		c := &d.Pending[i]
		if c.Lost || c.expired(now) || c.Void || c.Mails == 0 || !allowed && !c.Change {
			continue
		}
		by := g.house.openAsked(c.Asked, c.ID)
		code := PendingCode{
			Ref: c.Ref, Asked: instant(by.At), Ends: time.Unix(c.Ends, 0), Mails: c.Mails, Tries: max(attempts-c.Tries, 0), Gate: by.Gate,
		}
		if c.usable(attempts, now) {
			works = append(works, code)
		} else {
			usedUp = append(usedUp, code)
		}
	}
	for _, all := range [][]PendingCode{works, usedUp} {
		slices.SortStableFunc(all, func(a, b PendingCode) int { return b.Ends.Compare(a.Ends) })
	}
	return works, usedUp
}

// reportedAt are the networks that cannot ask for codes of an address. Their names are
// found where they asked for a code, or entered one; elsewhere they are only hashes.
func (h *House) reportedAt(d *door, p *person) (all []string) {
	called := map[id]string{}
	for i := range p.Entries {
		called[p.Entries[i].Network] = h.openAsked(p.Entries[i].Asked, p.Entries[i].ID).Network
	}
	for i := range d.Pending {
		called[d.Pending[i].Network] = h.openAsked(d.Pending[i].Asked, d.Pending[i].ID).Network
	}
	for _, b := range d.Blocks {
		name := called[b.Network]
		if name == "" {
			name = b.Network.String()[:shownHash]
		}
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// recent is what happened to somebody last.
func (h *House) recent(ctx context.Context, who id) ([]ActivityRow, error) {
	h.journal.settle(ctx, h, who)
	told := teller{house: h, who: who, keep: keepAll, now: h.now(), tales: map[string]tale{}}
	rows, err := h.readActivity(ctx, who, func(rows []activity.Row, _ int64) bool { return len(told.wants(rows)) >= recentRows })
	if err != nil {
		return nil, err
	}
	var all []ActivityRow
	for _, r := range told.wants(rows) {
		all = append(all, told.row(r))
	}
	return all[:min(len(all), recentRows)], nil
}
