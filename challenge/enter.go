// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// enter makes the session, ends the one before, and remembers the browser. code
// is the mark of the link in the code's mail.
func (g *Gate) enter(ctx context.Context, v *Visit, f *Flow, code id, remember bool) (Entry, error) {
	if err := g.leaveBehind(ctx, v); err != nil {
		return Entry{}, err
	}
	since := g.house.flushes.Load()
	who := Identity{Source: f.Source, User: f.User, Email: f.Address}
	claims := g.house.claims(v)
	before, known := claims.Find(string(who.Email), who.Source, who.User, v.Now)
	s := g.session(v, who, "", v.Now, v.Now)
	if g.keeps(remember) {
		// A new name: copies of an older cookie of this browser stay worthless.
		s.Browser = newID().String()
	}
	untick := s.Browser == "" && known && g.policy.Devices.Choice == ChoiceAsk // the person no longer wants it
	here := g.spotOf(v.IP)
	en := g.entered(v, s, here, code)
	var gone []sessionEntry
	var d devices.Record
	var news bool
	var seen *person
	look := g.house.glance(who.Email)
	err := change(ctx, g.house.store, g.house.personKey(who.Email), func(p *person, now time.Time) error {
		seen = p
		p.tidy(now)
		p.Door = g.house.doorID(who.Email)
		en.Before = g.knownFor(p, before, now)
		news = p.enters(en, g.house.toldKey(askedBy(v, here)), g.unusual(p, g.where(here), now) != 0, now)
		p.coded(now)
		p.Places.Learn(g.where(here), en.Browser, now)
		gone, d = nil, devices.Record{}
		if s.Browser != "" {
			d, gone = g.replace(p, before.ID, s, now)
		} else if untick {
			gone = p.endBrowser(before.ID, now)
			p.forget(before.ID)
		}
		gone = append(gone, p.add(entryOf(s), g.policy.Session.Max)...)
		return nil
	})
	if err == nil {
		look.saw(seen)
	}
	if err := g.house.endWith(ctx, g.house.personID(who.Email), err, gone); err != nil {
		return Entry{}, err
	}
	if untick {
		claims = claims.Without(before.Address, before.Source, before.User)
	}
	entry, err := g.finish(v, s, claims, d, since)
	if err == nil && news {
		g.tellOfEntry(ctx, v, who.Email, en)
	}
	return entry, err
}

// replace remembers the browser of a session in place of what it was remembered
// as before.
func (g *Gate) replace(p *person, before string, s sessions.Session, now time.Time) (d devices.Record, gone []sessionEntry) {
	d = devices.Record{ID: s.Browser, Made: now.Unix(), Used: now.Unix(), Coded: now.Unix(), Session: s.ID.String()}
	if old := p.device(before); old != nil {
		d.Made, gone = old.Made, p.endBrowser(before, now)
		p.forget(before)
	}
	d.Rotate(0)
	return d, append(gone, p.remember(d, g.policy.Devices.Max, now)...)
}

// knownFor is the name of the browser that a cookie stands for, if it is
// remembered; a copy of an old cookie is of none.
func (g *Gate) knownFor(p *person, claim devices.Claim, now time.Time) string {
	d := p.device(claim.ID)
	if d == nil || g.forgets(d, now) || d.Judge(claim.Generation, now) == devices.Stale {
		return ""
	}
	return d.ID
}

// entered describes an entry that is about to be made.
func (g *Gate) entered(v *Visit, s sessions.Session, here spot, code id) entered {
	e := entered{
		ID: newID(), Code: code, Session: s.ID.String(), Browser: teacherOf(s.Browser, s.ID.String()), Network: g.house.network(v.IP), Named: v.Earlier != nil,
	}
	e.Asked = g.house.sealAsked(askedBy(v, here), e.ID)
	return e
}

// enters notes an entry by code, and reports whether the person is to be told of
// it: it was from a browser that was not remembered before or from an unusual
// place, it was not their first, and nothing of the kind was told within a day. An
// entry that is like one of which they were told, or that its browser makes once
// more, is reported with it.
func (p *person) enters(e entered, kind id, unusual bool, now time.Time) (news bool) {
	e.At = now.Unix()
	like := slices.IndexFunc(p.Told, func(t told) bool { return t.Key == kind })
	switch {
	case p.isNew():
	case e.Before != "" && !unusual:
		e.Notice = p.noticeOf(e.Before)
	case like >= 0:
		e.Notice = p.Told[like].Entry
	default:
		news, e.Notice = true, e.ID
		p.Told = append(p.Told, told{kind, e.ID, e.At})
		p.Told = p.Told[max(0, len(p.Told)-maxTold):]
	}
	p.Last = e.At
	p.Entries = append(p.Entries, e)
	for len(p.Entries) > maxEntries {
		// What a mail of its own tells of goes last.
		i := slices.IndexFunc(p.Entries, func(e entered) bool { return e.Notice != e.ID })
		p.Entries = slices.Delete(p.Entries, max(i, 0), max(i, 0)+1)
	}
	return news
}

// isNew reports whether nobody has ever proved the address.
func (p *person) isNew() bool {
	return p.Last == 0 && len(p.Codes)+len(p.Sessions)+len(p.Devices) == 0 // older records have no Last
}

// noticeOf is the notice that stands for what a browser does.
func (p *person) noticeOf(browser string) (notice id) {
	for _, e := range p.Entries {
		if e.Browser == browser {
			notice = e.Notice
		}
	}
	return notice
}

// tellOfEntry mails the person that somebody came in from a browser that was not
// remembered, or from an unusual place. An entry stands although the mail cannot
// be sent.
func (g *Gate) tellOfEntry(ctx context.Context, v *Visit, to Email, e entered) {
	err := g.house.sender.Send(ctx, Notice{
		Gate: g.id, Subject: NewSignIn, Mailbox: g.mailbox(to, v.Now), Known: true, Host: v.Host, App: v.App, Agent: v.Agent, IP: v.IP,
		Place: *g.Locate(v.IP), Stop: g.stopLink(v, stopBrowser, g.house.personID(to), e.ID), Asked: v.Now, Expires: v.Now.Add(entriesKept), Language: v.Language,
	})
	if err != nil {
		g.log(ctx, v, Event{Name: NoticeFailed, Address: to, Err: err})
	}
}

// mailbox is where mail to an address goes: as the operator spells it, if they do.
func (g *Gate) mailbox(e Email, now time.Time) string {
	if right := g.access.Load().Judge(e, now); right.Mailbox != "" {
		return right.Mailbox
	}
	return string(e)
}

// ofSession reports whether a visit has the session that a flow is to confirm.
func (g *Gate) ofSession(ctx context.Context, v *Visit, f *Flow) bool {
	if v.Session == "" {
		return false
	}
	live, _, err := g.live(ctx, v)
	return err == nil && live.key == f.Session && live.Email == string(f.Address)
}

// renewProof gives a session the time and the place of a code that was entered
// in it. It stays the same session, so that what is open goes on.
func (g *Gate) renewProof(ctx context.Context, v *Visit, live *Live, code id) (Entry, error) {
	from := g.spotOf(v.IP)
	here := g.where(from)
	s := live.Session
	s.AuthTime, s.Active, s.Place = v.Now, v.Now, beginning{Where: here}.text()
	en := g.entered(v, s, from, code)
	en.Before = live.teacher()
	lives, news := false, false
	var seen *person
	look := g.house.glance(Email(s.Email))
	err := change(ctx, g.house.store, g.house.personKey(Email(s.Email)), func(p *person, now time.Time) error {
		seen = p
		p.tidy(now)
		news = false
		if _, lives = p.session(live.key, now); !lives {
			return nil
		}
		p.Door = g.house.doorID(Email(s.Email))
		news = p.enters(en, g.house.toldKey(askedBy(v, from)), g.unusual(p, here, now) != 0, now)
		p.coded(now)
		p.Places.Learn(here, live.teacher(), now)
		if d := p.device(s.Browser); d != nil {
			d.Coded = now.Unix()
		}
		return nil
	})
	if err != nil {
		return Entry{}, err
	}
	look.saw(seen)
	if !lives {
		return Entry{}, errEnded
	}
	token, next, err := g.open(s, int(live.awaits.Load()), live.since, v.Now)
	if err != nil {
		return Entry{}, err
	}
	entry := Entry{SetSession: token, Admission: g.admission(v, next)}
	if entry.Admission == nil {
		return Entry{}, errUnfit
	}
	if news {
		g.tellOfEntry(ctx, v, Email(s.Email), en)
	}
	return entry, nil
}
