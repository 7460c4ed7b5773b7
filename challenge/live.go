// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// A Live is a session that this machine has verified.
type Live struct {
	sessions.Session

	key       string                // the id as records name it
	from      beginning             // where it was verified
	lastFresh atomic.Int64          // Unix nanoseconds of the last use of a page that wants a fresh code
	seen      atomic.Uint64         // see ends.ended
	demanded  atomic.Int64          // Unix nanoseconds of the last mail that the app asked for
	since     uint64                // how often all sessions had been forgotten when its person was looked up
	stranded  bool                  // the store is away, see Gate.stranded
	token     bool                  // it is an access token, see tokenPass
	byPasskey bool                  // its last proof was a passkey
	awaits    atomic.Int64          // generation of its secret that the browser has yet to show; 0: none
	held      atomic.Pointer[hold]  // the key of its browser; nil: none that it has to prove
	heldAt    atomic.Uint64         // see holds.news
	shown     atomic.Pointer[shown] // by which it did so last
	warned    atomic.Int64          // Unix seconds at which its person was told that it did not
	extended  atomic.Pointer[extension]
	first     ticket                       // the cookie by which it came to be here
	admitted  atomic.Pointer[Admission]    // by the gate that judged it last
	others    atomic.Pointer[[]*Admission] // by other gates
}

// newLive is a session as its person's record has it. since is House.flushes before
// that was read: what is older than the last flush is looked up again.
func newLive(s sessions.Session, since uint64) *Live {
	key := s.ID.String()
	s.Pack(&key)
	s.Methods = shared(s.Methods)
	return &Live{Session: s, key: key, from: beginningOf(s.Place), since: since, byPasskey: slices.Contains(s.Methods, methodPresent)}
}

// A beginning is where a session began. Where no code was entered, it counts at
// the gate that let it begin there alone: another one may find the place unusual.
type beginning struct {
	risk.Where
	Gate string `json:"u,omitempty"` // empty: by a code
}

// at is what a gate makes of a beginning.
func (b *beginning) at(g *Gate) risk.Where {
	if b.Gate != "" && b.Gate != g.id {
		return risk.Where{}
	}
	return b.Where
}

// beginningOf reads the place of a session; what cannot be read is unknown.
func beginningOf(text string) (b beginning) {
	if text == "" || json.Unmarshal([]byte(text), &b) != nil {
		return beginning{}
	}
	return b
}

func (b beginning) text() string {
	text, err := json.Marshal(b)
	if err != nil {
		panic("challenge: encoding plain data: " + err.Error())
	}
	return string(text)
}

// kept reports whether there is a session, and not just an earlier step's word.
func (l *Live) kept() bool { return l.key != "" }

// teacher names the browser of a session where places are learned.
func (l *Live) teacher() string { return teacherOf(l.Browser, l.key) }

// teacherOf names a browser: one that is not remembered is known by its session.
func teacherOf(browser, session string) string {
	if browser != "" {
		return browser
	}
	return session
}

// Session is the live session of a visit, if it brings one.
func (g *Gate) Session(ctx context.Context, v *Visit) (*Live, bool) {
	if v.Session == "" {
		return nil, false
	}
	live, _, err := g.live(ctx, v)
	if err != nil {
		return nil, false
	}
	return live, true
}

// demandEvery is how often an app can have one session mailed a code.
const demandEvery = 10 * time.Minute

// Demand reports whether a code may be mailed because the app asks for one,
// which then counts.
func (l *Live) Demand(now time.Time) bool {
	last := l.demanded.Load()
	return now.UnixNano()-last >= int64(demandEvery) && l.demanded.CompareAndSwap(last, now.UnixNano())
}

// renewed reports whether a remembered browser made the session, whose last code
// is then no fresh one.
func (l *Live) renewed() bool { return l.Issued.After(l.AuthTime) }

// Key is the name of the session in records and lists.
func (l *Live) Key() string { return l.key }

// An extension is the newest cookie of a session.
type extension struct {
	token  string
	active time.Time
}

// A ticket is one cookie of a session: the same session re-signed for a later
// idle limit is another ticket.
type ticket struct {
	live   *Live
	token  string
	active time.Time
}

// opened is the first ticket of a session, before anybody else knows of it.
func (l *Live) opened(token string, active time.Time) *ticket {
	l.first = ticket{l, token, active}
	return &l.first
}

// ticket finds the ticket of a cookie that this machine has seen.
func (h *House) ticket(token string) (*ticket, bool) {
	t, known := h.tickets.GetIfPresent(ending(token))
	return t, known && t.token == token
}

func (h *House) keepTicket(t *ticket) { h.tickets.Set(ending(t.token), t) }

// ending is the end of a cookie, which is most of its signature: enough to tell cookies
// apart, and much quicker to look up than the whole.
func ending(token string) string { return token[max(0, len(token)-64):] }

// session describes a session that begins now. auth is when its last code was
// entered.
func (g *Gate) session(v *Visit, who Identity, device string, auth, now time.Time) sessions.Session {
	return sessions.Session{
		ID: sessions.NewID(g.house.sessionMAC), Subject: g.house.subject(who), Audience: v.Audience,
		Email: string(who.Email), User: who.User, Source: who.Source, Browser: device, Methods: ByMail.methods(),
		Place:    beginning{Where: g.where(g.spotOf(v.IP))}.text(),
		AuthTime: auth, Issued: now, Active: now, Expires: now.Add(g.policy.Session.Lifetime),
	}
}

func entryOf(s sessions.Session) sessionEntry {
	return sessionEntry{ID: s.ID.String(), Device: s.Browser, Made: s.Issued.Unix(), Ends: s.Expires.Unix()}
}

// open signs a session and keeps it in memory. generation is that of the secret
// which its browser is given with it, or zero; since as in newLive.
func (g *Gate) open(s sessions.Session, generation int, since uint64, now time.Time) (string, *Live, error) {
	issuer, err := g.issuer()
	if err != nil {
		return "", nil, err
	}
	token, err := issuer.Sign(s)
	if err != nil {
		return "", nil, err
	}
	live := newLive(s, since)
	g.house.holds.meet(live)
	live.awaits.Store(int64(generation))
	g.house.keepTicket(live.opened(token, now))
	return token, live, nil
}

// errEnded reports a session that is on no list of live ones any more.
var errEnded = errors.New("session has ended")

// errElsewhere is errEnded where its person ended it from another browser, and
// errByOperator where an operator did.
var (
	errElsewhere  = fmt.Errorf("%w from another browser", errEnded)
	errByOperator = fmt.Errorf("%w by an operator", errEnded)
)

func (h *House) endedHow(session string) error {
	switch over := h.ends.of(session); {
	case over.Operator:
		return errByOperator
	case over.Elsewhere:
		return errElsewhere
	default:
		return errEnded
	}
}

// live finds the session of a visit, whose browser has proved the key that it has. With
// errUnproved comes the session that was found nevertheless, to tell its person.
func (g *Gate) live(ctx context.Context, v *Visit) (*Live, time.Time, error) {
	s, active, err := g.find(ctx, v)
	if err == nil && !g.proves(s, v) {
		err = errUnproved
	}
	return s, active, err
}

// find finds the session of a visit, whoever has copied its cookie.
func (g *Gate) find(ctx context.Context, v *Visit) (*Live, time.Time, error) {
	t, known := g.house.ticket(v.Session)
	if !known || t.live.since != g.house.flushes.Load() || !g.house.holds.news(t.live) {
		var err error
		if t, err = g.learn(ctx, v); err != nil {
			return nil, time.Time{}, err
		}
	}
	s := t.live
	switch {
	case s.Audience != v.Audience:
		return nil, time.Time{}, sessions.ErrInvalid
	case !v.Now.Before(s.Expires) || g.idled(t.active, v.Now) || g.tooOld(s, v.Now):
		return nil, time.Time{}, sessions.ErrExpired
	case g.house.ends.ended(s.Key(), &s.seen):
		return nil, time.Time{}, g.house.endedHow(s.key)
	}
	return s, t.active, nil
}

// tooOld applies this gate's own limits to a session that another gate made: its
// lifetime, and that browsers are not remembered here.
func (g *Gate) tooOld(s *Live, now time.Time) bool {
	if now.Sub(s.Issued) >= g.policy.Session.Lifetime {
		return true
	}
	return g.always() && s.Issued.After(s.AuthTime.Add(time.Second))
}

func (g *Gate) idled(active, now time.Time) bool {
	idle := g.policy.Session.Idle
	return idle > 0 && now.Sub(active) >= idle
}

// learn verifies a cookie that this machine has not seen. The list of live
// sessions in the person's record decides; where the store does not answer, a
// session that verifies goes on for the grace, and is asked about again.
func (g *Gate) learn(ctx context.Context, v *Visit) (*ticket, error) {
	issuer, err := g.issuer()
	if err != nil {
		return nil, err
	}
	s, err := issuer.Check(v.Session, v.Audience, v.Now)
	if err != nil {
		return nil, err
	}
	t := newLive(s, g.house.flushes.Load()).opened(v.Session, s.Active)
	if g.house.ends.ended(t.live.key, &t.live.seen) {
		return nil, g.house.endedHow(t.live.key)
	}
	count, look := g.house.ends.count.Load(), g.house.glance(Email(s.Email))
	record, err := read[person](ctx, g.house.store, g.house.personKey(Email(s.Email)))
	switch {
	case err == nil:
	case ctx.Err() != nil || errors.Is(err, errUnreadable):
		// A visitor who hangs up at the right moment, or a damaged record, is no
		// store that is down: neither may revive a session that was ended.
		return nil, unavailable(err)
	default:
		if s.Issued.Unix() < g.house.store.epoch.Load() || g.house.store.hasEvicted(s) {
			return nil, unavailable(err) // it ended when the store was put back, or with everybody's
		}
		g.log(ctx, v, Event{Name: StoreFailed, Err: err})
		g.house.holds.meet(t.live) // this machine may have been told of a key
		return t, nil              // within the grace, see Admit
	}
	if _, lives := record.session(t.live.key, v.Now); !lives {
		g.house.foundEnded(ctx, &record, s, t.live.key)
		return nil, g.house.endedHow(t.live.key)
	}
	look.saw(&record)
	t.live.held.Store(holdOf(record.binding(t.live.teacher())))
	g.house.holds.meet(t.live)
	if d := record.device(s.Browser); d != nil && d.Session == t.live.key && d.Unconfirmed() {
		t.live.awaits.Store(int64(d.Generation))
	}
	if g.house.ends.count.Load() == count { // else what was read may be out of date
		t.token = strings.Clone(v.Session) // or the whole line with all other cookies would stay with it
		g.house.keepTicket(t)
	}
	return t, nil
}

// extend signs the session again with a later last use. Nothing is written:
// the cookie is where the idle limit lives.
// Requests that bring the older cookie meanwhile are given the same new one.
func (g *Gate) extend(live *Live, now time.Time) string {
	if e := live.extended.Load(); e != nil && now.Sub(e.active) <= g.policy.Session.Idle/4 {
		return e.token
	}
	issuer, err := g.issuer()
	if err != nil {
		return ""
	}
	s := live.Session
	s.Active = now
	token, err := issuer.Sign(s)
	if err != nil {
		return ""
	}
	live.extended.Store(&extension{token, now})
	g.house.keepTicket(&ticket{live, token, now})
	return token
}
