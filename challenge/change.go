// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

const (
	// youngFor is how long a browser counts as new: whoever stole a session a
	// moment ago must not make themselves a way in that stays.
	youngFor = day
	// waitFor is how long a change waits that comes from such a browser, so that
	// its person can read the mail about it.
	waitFor = day
)

// A changed is a change of a person's ways in, with all that is needed to take it
// back. While it waits it holds what is to be put in place.
type changed struct {
	ID      id             `json:"id"`
	Kind    ChangeKind     `json:"k"`
	At      int64          `json:"t"`            // Unix seconds
	Due     int64          `json:"d,omitempty"`  // Unix seconds; 0: it took effect at once
	Done    bool           `json:"ok,omitempty"` // it has taken effect
	Session string         `json:"s"`            // that made it
	Had     int64          `json:"h,omitempty"`  // see person.had
	Network id             `json:"n"`
	Code    id             `json:"c,omitzero"` // mark of the link in the mail of the code that allowed it
	Asked   string         `json:"a"`          // sealed, see sealAsked
	Backup  *backupSet     `json:"backup,omitempty"`
	App     *appSecret     `json:"app,omitempty"`
	Second  *secondAddress `json:"second,omitempty"`
	Token   *accessToken   `json:"token,omitempty"`
	Passkey *passkey       `json:"passkey,omitempty"`
	Of      id             `json:"of,omitzero"` // the token or passkey that it adds or removes
}

func (c *changed) waits() bool { return !c.Done }

// kept is until when a change is remembered: as long as it can be taken back.
func (c *changed) kept() time.Time {
	return time.Unix(max(c.At, c.Due), 0).Add(changesKept)
}

// apply puts a change in place. What it held is in its place then.
func (b *belongings) apply(c *changed) {
	switch c.Kind {
	case MakeBackupCodes:
		b.Backup = c.Backup
	case AddApp:
		b.App = c.App
	case RemoveApp:
		if b.App != nil && b.App.Made <= c.At { // not one that was added while it waited
			b.App = nil
		}
	case SetSecond:
		b.Second = c.Second
	case RemoveSecond:
		if b.Second != nil && b.Second.Made <= c.At {
			b.Second = nil
		}
	case AddToken:
		if c.Token != nil {
			b.Tokens, c.Of = append(b.Tokens, *c.Token), c.Token.ID
		}
	case AddPasskey:
		if c.Passkey != nil {
			b.Passkeys = append(b.Passkeys, *c.Passkey)
		}
	case RemovePasskey:
		b.dropPasskey(c.Of, c.At)
	}
	c.Done, c.Backup, c.App, c.Second, c.Token, c.Passkey = true, nil, nil, nil, nil, nil
}

// undo takes a change back: one that waits is forgotten, and what one has added is
// taken away, unless something else is in its place by now. gone are the tokens that
// end. What a change has removed does not come back.
func (b *belongings) undo(c changed) (gone []sessionEntry) {
	b.Changes = slices.DeleteFunc(b.Changes, func(o changed) bool { return o.ID == c.ID })
	if c.waits() {
		return nil
	}
	from := max(c.At, c.Due)
	switch c.Kind {
	case MakeBackupCodes:
		if b.Backup != nil && b.Backup.Made == from {
			b.Backup = nil
		}
	case AddApp:
		if b.App != nil && b.App.Made == from {
			b.App = nil
		}
	case SetSecond:
		if b.Second != nil && b.Second.Made == from {
			b.Second = nil
		}
	case AddPasskey:
		b.dropPasskey(c.Of, from)
	case AddToken:
		b.Tokens = slices.DeleteFunc(b.Tokens, func(t accessToken) bool {
			if t.ID != c.Of {
				return false
			}
			gone = append(gone, t.entry())
			return true
		})
	}
	return gone
}

// A proposal is a change that a person with a permit wants to make.
type proposal struct {
	kind ChangeKind
	// permit is the change that the code was for, where that is another.
	permit ChangeKind
	// fill puts into the change what it is to put in place. now is its time. With an
	// error of it nothing is changed. Of its errors ErrNoPermit, ErrNoSuch, ErrTooMany
	// and ErrWrongAnswer are returned as they are.
	fill func(b *belongings, c *changed, now time.Time) error
	// always waits, whoever makes it.
	always bool
	had    int64  // see person.had
	told   string // the second address that it is about, of which the mail shows a part
	called string // what the person calls the passkey that it is about
	// then is what else has to be kept before the person is told. Nil: nothing. With
	// an error of it the change is taken back.
	then func(c *changed) error
}

// makeChange makes a change that the flow's permit allows, at once or, from a
// browser that is new to its person, after a day. The person is told of it at all
// their addresses. Its errors are ErrNoPermit, ErrSuspended, ErrTooMany,
// ErrUnavailable, those of then and, of those of fill, ErrNoSuch and ErrWrongAnswer.
func (g *Gate) makeChange(ctx context.Context, v *Visit, a *Admission, f *Flow, p proposal) (changed, error) {
	if !g.Permitted(v, a, f, cmp.Or(p.permit, p.kind)) {
		return changed{}, ErrNoPermit
	}
	who, err := read[person](ctx, g.house.store, g.house.personKey(a.Identity.Email))
	if err != nil {
		return changed{}, unavailable(err)
	}
	if err := who.mayChange(a.Live, v.Now); err != nil {
		return changed{}, err
	}
	p.had = who.had(a.Live)
	wait := p.always || who.isYoung(a.Live, v.Now) && !f.Permit.Older ||
		(p.kind == AddApp || p.kind == AddPasskey) && f.Permit.Way.recovers() // it opens what these do not
	made, before, err := g.putInPlace(ctx, v, a, f, p, wait)
	if err != nil {
		return changed{}, err
	}
	if err = g.stillMay(ctx, v, a); err == nil && p.then != nil {
		err = p.then(&made)
	}
	if err != nil {
		l := link{stopChange, g.house.personID(a.Identity.Email), g.house.stopMark(stopChange, made.ID)}
		_ = g.house.takeBack(ctx, l)
		return changed{}, err
	}
	g.tellOfChange(ctx, v, a, made, p, before)
	return made, nil
}

// putInPlace keeps a change, and takes its permit, in one update. before is the second
// address that the person had until then.
func (g *Gate) putInPlace(ctx context.Context, v *Visit, a *Admission, f *Flow, p proposal, wait bool) (made changed, before *secondAddress, err error) {
	err = change(ctx, g.house.store, g.house.belongingsKey(a.Identity.Email), func(b *belongings, now time.Time) error {
		b.tidy(now)
		before = b.Second
		if slices.Contains(b.Permits, f.Permit.ID) {
			return ErrNoPermit
		}
		made = g.changeBy(v, a, p.kind, now)
		made.Code, made.Had = f.Permit.Code, p.had
		if wait {
			made.Due = now.Add(waitFor).Unix()
		}
		if err := p.fill(b, &made, now); err != nil {
			return err
		}
		return b.keepChange(made, f.Permit.ID)
	})
	switch {
	case errors.Is(err, ErrNoPermit), errors.Is(err, ErrNoSuch), errors.Is(err, ErrTooMany), errors.Is(err, ErrWrongAnswer):
		return changed{}, nil, err
	case err != nil:
		g.log(ctx, v, Event{Name: StoreFailed, Address: a.Identity.Email, Err: err})
		return changed{}, nil, unavailable(err)
	}
	return made, before, nil
}

// stillMay looks once more whether the session may change anything, after the change
// was kept: a report suspends what it finds, after it has put its guard up. Whichever
// of the two came second sees the other. Where the store does not say, the change
// stands.
func (g *Gate) stillMay(ctx context.Context, v *Visit, a *Admission) error {
	if err := g.MayChange(ctx, v, a); errors.Is(err, ErrSuspended) {
		return err
	}
	return nil
}

// isYoung reports whether a session is of a browser that its person has had for less
// than a day, unless that is the person's first day altogether.
func (p *person) isYoung(live *Live, now time.Time) bool {
	if p.First != 0 && now.Sub(time.Unix(p.First, 0)) < youngFor {
		return false
	}
	since := live.Issued
	if had := p.had(live); had != 0 {
		since = time.Unix(had, 0)
	}
	return now.Sub(since) < youngFor
}

// had is since when a person has the browser of a session, in Unix seconds; 0 where it
// is not remembered. Each code gives a browser a new name, and this stays.
func (p *person) had(live *Live) int64 {
	if d := p.device(live.Browser); d != nil {
		return d.Made
	}
	return 0
}

// from reports whether a change was made in the browser that its person has since a
// time, see person.had.
func (c *changed) from(had int64) bool { return had != 0 && c.Had == had }

// changeBy describes a change that is about to be made.
func (g *Gate) changeBy(v *Visit, a *Admission, kind ChangeKind, now time.Time) changed {
	c := changed{ID: newID(), Kind: kind, At: now.Unix(), Session: a.Live.key, Network: g.house.network(v.IP)}
	c.Asked = g.house.sealAsked(askedBy(v, g.spotOf(v.IP)), c.ID)
	return c
}

// keepChange remembers a change and puts it in place, unless it waits. One that waits
// takes the place of an earlier one of its kind. None that waits is pushed out: there
// would be nothing left by which to cancel it.
func (b *belongings) keepChange(c changed, permit id) error {
	b.Permits = newest(append(b.Permits, permit), maxPermits)
	b.Changes = slices.DeleteFunc(b.Changes, func(o changed) bool { return c.replaces(&o) })
	for len(b.Changes) >= maxChanges {
		i := slices.IndexFunc(b.Changes, func(o changed) bool { return !o.waits() })
		if i < 0 {
			return ErrTooMany
		}
		b.Changes = slices.Delete(b.Changes, i, i+1)
	}
	if c.Due == 0 {
		b.apply(&c)
	}
	b.Changes = append(b.Changes, c)
	return nil
}

// replaces reports whether a change takes the place of one that waits.
func (c *changed) replaces(o *changed) bool {
	switch c.Kind {
	case AddToken, AddPasskey: // there can be several
		return false
	default:
		return o.waits() && o.Kind == c.Kind && o.Of == c.Of
	}
}

// due is when a change takes effect that waits; zero when it has.
func (c *changed) due() time.Time {
	if c.Due == 0 {
		return time.Time{}
	}
	return time.Unix(c.Due, 0)
}

// tellOfChange logs a change and mails the person, also at the second address that
// there was before.
func (g *Gate) tellOfChange(ctx context.Context, v *Visit, a *Admission, c changed, p proposal, before *secondAddress) {
	who := a.Identity.Email
	name := ChangeMade
	if c.Due != 0 {
		name = ChangeWaits
	}
	called := p.called
	if c.Token != nil {
		called = g.house.terms(c.Token).Name
	}
	g.log(ctx, v, Event{
		Name: name, Address: who, Source: a.Live.Source, User: a.Live.User, Session: a.Live.ID.Public(), Change: c.Kind, Due: c.due(), Called: called,
	})
	n := Notice{
		Subject: WaysChanged, Change: c.Kind, Due: c.due(), Stop: g.stopLink(v, stopChange, g.house.personID(who), c.ID), Expires: c.kept(),
		Account: p.told,
	}
	g.tellPersonAt(ctx, v, who, n, before)
}

// CancelChange takes a waiting change back. Its errors are ErrNoSuch, ErrSuspended where
// an operator let the session in, and ErrUnavailable.
func (g *Gate) CancelChange(ctx context.Context, v *Visit, a *Admission, id string) error {
	if a.Live.letIn() {
		return ErrSuspended
	}
	who := a.Identity.Email
	b, err := g.house.belongings(ctx, who, v.Now)
	if err != nil {
		return err
	}
	was := b.waitingChange(id)
	if was == nil {
		return ErrNoSuch
	}
	if was.Kind == EraseData { // first: what is on that list alone would still be done
		err = g.house.spare(ctx, g.house.personID(who))
	}
	if err == nil {
		err = g.house.cancelChange(ctx, who, id)
	}
	return g.logDone(ctx, v, a, err, Event{Name: ChangeCancelled, Change: was.Kind})
}

func (h *House) cancelChange(ctx context.Context, who Email, id string) error {
	return change(ctx, h.store, h.belongingsKey(who), func(b *belongings, now time.Time) error {
		b.tidy(now)
		c := b.waitingChange(id)
		if c == nil {
			return ErrNoSuch
		}
		b.undo(*c)
		return nil
	})
}

// waitingChange finds the change that a form names; nil where none of that name waits.
func (b *belongings) waitingChange(name string) *changed {
	for i := range b.Changes {
		if c := &b.Changes[i]; c.waits() && c.ID.String() == name {
			return c
		}
	}
	return nil
}

// waitedOut takes away a change of a kind that has waited its day and was not
// cancelled, and reports whether there was one: what is done anew each time is then
// done at once, this once.
func (b *belongings) waitedOut(kind ChangeKind) bool {
	before := len(b.Changes)
	b.Changes = slices.DeleteFunc(b.Changes, func(c changed) bool { return c.Kind == kind && c.Done && c.Due != 0 })
	return len(b.Changes) < before
}
