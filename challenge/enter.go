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

// An entering is one entry that is under way.
type entering struct {
	who    Identity
	did    spending
	before devices.Claim // what the browser was remembered as
	keep   string        // what it is to be remembered as; empty: not at all
	untick bool          // the person no longer wants it remembered
	s      sessions.Session
	made   entered
	here   spot

	// What came of it; set anew whenever the update runs.
	gone    []sessionEntry
	d       devices.Record
	news    bool
	lifted  bool
	out     int64 // see person.Out
	grounds grounds
}

// enter makes the session, ends the one before, and remembers the browser.
func (g *Gate) enter(ctx context.Context, v *Visit, f *Flow, did spending) (Entry, error) {
	if err := g.leaveBehind(ctx, v, f.Address); err != nil {
		return Entry{}, err
	}
	since := g.house.flushes.Load()
	claims := g.house.claims(v)
	e := g.entering(v, f, did, claims)
	who := e.who.Email
	var seen *person
	look := g.house.glance(who)
	err := change(ctx, g.house.store, g.house.personKey(who), func(p *person, now time.Time) error {
		seen = p
		g.comeIn(v, e, p, now)
		return nil
	})
	if err == nil {
		look.saw(seen)
	}
	if err := g.house.endWith(ctx, g.house.personID(who), err, e.gone); err != nil {
		return Entry{}, err
	}
	if e.untick {
		claims = claims.Without(e.before.Address, e.before.Source, e.before.User)
	}
	entry, err := g.finish(v, e.s, claims, e.d, since)
	if err != nil {
		return entry, err
	}
	entry.made, entry.anew = e.made.ID, e.d.ID != "" && e.made.Before == ""
	entry.fresh, entry.grounds = e.made.Before == "", &e.grounds
	g.tellOfEviction(who, e.out)
	if e.lifted {
		g.tellOfLift(ctx, v, who)
	}
	if e.news {
		g.tellOfEntry(ctx, v, who, e.made)
	}
	return entry, nil
}

// entering describes an entry before the person's record is looked at.
func (g *Gate) entering(v *Visit, f *Flow, did spending, claims devices.Claims) *entering {
	e := &entering{who: Identity{Source: f.Source, User: f.User, Email: f.Address}, did: did}
	var known bool
	e.before, known = claims.Find(string(e.who.Email), e.who.Source, e.who.User, v.Now)
	e.s = g.session(v, e.who, "", v.Now, v.Now)
	e.s.Methods = did.methods()
	if did.way != byLetIn {
		if g.keeps(did.remember) {
			// A new name: copies of an older cookie of this browser stay worthless.
			e.keep = newID().String()
		}
		e.untick = e.keep == "" && known && g.policy.Devices.Choice == ChoiceAsk
	}
	e.here = g.spotOf(v.IP)
	e.made = g.entered(v, e.s, e.here, did)
	return e
}

// comeIn puts an entry into the record of its person.
func (g *Gate) comeIn(v *Visit, e *entering, p *person, now time.Time) {
	p.tidy(now)
	p.Door, e.out = g.house.doorID(e.who.Email), p.Out
	g.house.nameOn(p, e.who.Email)
	e.made.Before = g.knownFor(p, e.before, v, now)
	e.grounds = g.groundsOf(&risk.Facts{
		Browser: g.standingOf(p, e.before, v, now), ID: e.before.ID, Here: g.where(e.here), Person: &p.Places, Page: v.Page,
	}, e.who.Email, time.Unix(p.Last, 0), now)
	e.lifted = p.lift(e.made.Before, e.did, now)
	e.s.Browser = e.keep
	if d := p.device(e.made.Before); p.guarded(now) && (d == nil || p.suspends(d.Made, now)) {
		e.s.Browser = "" // it would stay when the guard is over
	}
	e.made.Browser = teacherOf(e.s.Browser, e.s.ID.String())
	e.news = p.enters(e.made, g.house.toldKey(askedBy(v, e.here)), g.unusual(p, g.where(e.here), now) != 0, now)
	p.coded(now)
	p.proved(e.did.way, now)
	p.Places.Learn(g.where(e.here), e.made.Browser, now)
	e.gone, e.d = nil, devices.Record{}
	if e.s.Browser != "" {
		e.d, e.gone = g.replace(v, p, e, now)
	} else if e.untick {
		e.gone = p.endBrowser(e.before.ID, now)
		p.forget(e.before.ID)
	}
	e.gone = append(e.gone, p.add(g.listed(v, e.s), g.policy.Session.Max)...)
}

// proved notes that a right code was entered.
func (p *person) proved(by Way, now time.Time) {
	if by == ByMail {
		p.Mailed = now.Unix()
	}
}

// listed is a session as the list of its person has it.
func (g *Gate) listed(v *Visit, s sessions.Session) sessionEntry {
	e := entryOf(s)
	if s.Browser == "" {
		e.Seen = g.seenFrom(v, e.ID)
	}
	return e
}

// seenFrom is where a browser, or a session of one that is not remembered, is seen.
func (g *Gate) seenFrom(v *Visit, name string) string {
	return g.house.sealAsked(askedBy(v, g.spotOf(v.IP)), g.house.refOf(name))
}

// replace remembers the browser of an entry in place of what it was remembered as
// before.
func (g *Gate) replace(v *Visit, p *person, e *entering, now time.Time) (d devices.Record, gone []sessionEntry) {
	d = devices.Record{
		ID: e.s.Browser, Made: now.Unix(), Used: now.Unix(), Coded: now.Unix(), Session: e.s.ID.String(), Seen: g.seenFrom(v, e.s.Browser),
		Proof: e.did.proof(),
	}
	if old := p.device(e.before.ID); old != nil {
		if e.made.Before != "" { // a copy of an old cookie is no browser that has been here for long
			d.Made, d.Name = old.Made, old.Name
		}
		gone = p.endBrowser(old.ID, now)
		p.forget(e.before.ID)
	}
	d.Rotate(0)
	return d, append(gone, p.remember(d, g.policy.Devices.Max, now)...)
}

// knownFor is the name of the browser that a cookie stands for, if it is
// remembered; a copy of an old cookie is of none.
func (g *Gate) knownFor(p *person, claim devices.Claim, v *Visit, now time.Time) string {
	d := p.device(claim.ID)
	if d == nil || g.forgets(d, now) || d.Judge(claim.Generation, now) == devices.Stale || g.unproved(d, v) {
		return ""
	}
	return d.ID
}

// entered describes an entry that is about to be made.
func (g *Gate) entered(v *Visit, s sessions.Session, here spot, did spending) entered {
	e := entered{
		ID: newID(), Code: did.mark, Key: did.key, App: did.way == ByApp, Session: s.ID.String(), Browser: teacherOf(s.Browser, s.ID.String()), Network: g.house.network(v.IP), Named: v.Earlier != nil,
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
		p.First = e.At
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
	g.tellPerson(ctx, v, to, Notice{
		Subject: NewSignIn, Stop: g.stopLink(v, stopBrowser, g.house.personID(to), e.ID), Expires: v.Now.Add(entriesKept),
	})
}

// tellOfLift tells a person that their account is no longer guarded.
func (g *Gate) tellOfLift(ctx context.Context, v *Visit, who Email) {
	g.log(ctx, v, Event{Name: Unguarded, Address: who, Change: LiftGuard})
	g.tellPerson(ctx, v, who, Notice{Subject: WaysChanged, Change: LiftGuard, Expires: v.Now.Add(changesKept)})
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
	return err == nil && live.key == f.Session && live.Email == string(f.owner())
}

// renewProof gives a session the time and the place of a code that was entered
// in it. It stays the same session, so that what is open goes on.
func (g *Gate) renewProof(ctx context.Context, v *Visit, live *Live, did spending) (Entry, error) {
	from := g.spotOf(v.IP)
	here := g.where(from)
	s := live.Session
	s.AuthTime, s.Active, s.Place = v.Now, v.Now, beginning{Where: here}.text()
	s.Methods = did.methods()
	en := g.entered(v, s, from, did)
	en.Before = live.teacher()
	lives, news, lifted, grounds := false, false, false, grounds{}
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
		g.house.nameOn(p, Email(s.Email))
		grounds = g.groundsOf(g.inSession(v, live, from, p), Email(s.Email), live.AuthTime, now)
		news = p.enters(en, g.house.toldKey(askedBy(v, from)), g.unusual(p, here, now) != 0, now)
		p.coded(now)
		p.proved(did.way, now)
		lifted = p.lift(live.Browser, did, now)
		p.Places.Learn(here, live.teacher(), now)
		if d := p.device(s.Browser); d != nil {
			d.Coded, d.Proof = now.Unix(), did.proof()
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
	next.held.CompareAndSwap(nil, live.held.Load()) // open may have met it
	entry := Entry{SetSession: token, Admission: g.admission(v, next), made: en.ID, grounds: &grounds}
	if entry.Admission == nil {
		return Entry{}, errUnfit
	}
	if lifted {
		g.tellOfLift(ctx, v, Email(s.Email))
	}
	if news {
		g.tellOfEntry(ctx, v, Email(s.Email), en)
	}
	return entry, nil
}
