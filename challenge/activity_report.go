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

// reportable is the entry under a name, if the person of a session may say that it
// was not theirs: it is not of the browser that they use now, nor of one that was
// remembered before.
func (p *person) reportable(entry id, live *Live) *entered {
	if entry == (id{}) {
		return nil
	}
	for i := range p.Entries {
		if e := &p.Entries[i]; e.ID == entry && e.Before == "" && !p.own(live)(e) {
			return e
		}
	}
	return nil
}

// own tells entries of a session's browser, whatever it was called when it made them.
func (p *person) own(live *Live) func(*entered) bool {
	called := names{live.teacher(): true}
	for i := len(p.Entries) - 1; i >= 0; i-- {
		if e := &p.Entries[i]; e.Before != "" && called[e.Browser] {
			called[e.Before] = true
		}
	}
	return func(e *entered) bool { return called[e.Browser] || e.Session == live.key }
}

// ReportableRow says what ReportRow would end. It changes nothing. Its errors are
// ErrNoSuch and ErrUnavailable.
func (g *Gate) ReportableRow(ctx context.Context, v *Visit, a *Admission, row string) (Report, error) {
	e, err := g.entryOfRow(ctx, v, a, row)
	if err != nil {
		return Report{}, err
	}
	return g.house.reportOfEntry(e), nil
}

// ReportRow is the person's word that a row was not them: as if by the link in the
// mail that told of it, of which the person is mailed: the word takes ways in away. It
// never ends the session that says so. Link, in what it returns, is what Unreport
// takes. Its errors are ErrNoSuch, ErrSuspended where the browser is no older than the
// entry and its person has entered no code lately, and ErrUnavailable.
func (g *Gate) ReportRow(ctx context.Context, v *Visit, a *Admission, row string) (Report, error) {
	e, err := g.entryOfRow(ctx, v, a, row)
	if err != nil {
		return Report{}, err
	}
	if err := g.mayReport(ctx, v, a, e); err != nil {
		return Report{}, err
	}
	who := g.house.personID(a.Identity.Email)
	l := link{kind: stopBrowser, record: who, mark: g.house.stopMark(stopBrowser, e.ID)}
	t := g.house.trail(l)
	t.by = a.Live
	r, err := g.reportEntry(ctx, v, t)
	switch {
	case errors.Is(err, ErrNoReport):
		return Report{}, ErrNoSuch
	case err != nil:
		g.log(ctx, v, Event{Name: StoreFailed, Address: a.Identity.Email, Err: err})
		return Report{}, unavailable(err)
	}
	r.Blocked, r.Link = true, l.text()
	r.Trusted, _ = g.mayLift(ctx, v, l) // what was reported stands although this is not known
	g.tellPerson(ctx, v, a.Identity.Email, Notice{Subject: WaysChanged, Change: StartGuard, Expires: v.Now.Add(guardFor)})
	return r, nil
}

// provedLately is how old a code may be of whoever reports an entry from a browser that
// is no older than it.
const provedLately = 30 * time.Minute

// mayReport reports whether a session may say of an entry that it was not its person's:
// who has stolen one, or was let in by an operator, must not throw the owner out.
func (g *Gate) mayReport(ctx context.Context, v *Visit, a *Admission, e *entered) error {
	live := a.Live
	if !live.recovered() && !live.renewed() && v.Now.Sub(live.AuthTime) < provedLately {
		return nil
	}
	p, err := read[person](ctx, g.house.store, g.house.personKey(a.Identity.Email))
	if err != nil {
		return unavailable(err)
	}
	if d := p.device(live.Browser); d != nil && d.Made < e.At {
		return nil
	}
	return ErrSuspended
}

// entryOfRow finds the entry that a row tells of, if it can be reported.
func (g *Gate) entryOfRow(ctx context.Context, v *Visit, a *Admission, row string) (*entered, error) {
	who := g.house.personID(a.Identity.Email)
	at := func(rows []activity.Row) int {
		return slices.IndexFunc(rows, func(r activity.Row) bool { return r.ID == row })
	}
	rows, err := g.house.readActivity(ctx, who, func(rows []activity.Row, _ int64) bool { return at(rows) >= 0 })
	if err != nil {
		return nil, unavailable(err)
	}
	i := at(rows)
	if i < 0 {
		return nil, ErrNoSuch
	}
	var name id
	if err := name.UnmarshalText([]byte(row)); err != nil {
		return nil, ErrNoSuch
	}
	said, _ := g.house.openTale(rows[i].Says, who, name)
	p, err := read[person](ctx, g.house.store, g.house.personKey(a.Identity.Email))
	if err != nil {
		return nil, unavailable(err)
	}
	p.tidy(v.Now)
	e := p.reportable(said.Entry, a.Live)
	if e == nil {
		return nil, ErrNoSuch
	}
	return e, nil
}
