// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"time"
)

const (
	// codeOverlap is how long a code must still work for another mail of it to
	// be sent; with less left, a new challenge begins.
	codeOverlap = 5 * time.Minute
	// greetEvery is how often mail is sent to one address without anybody asking
	// for it: a browser that restores ten tabs is mailed once.
	greetEvery = 30 * time.Second
)

// A Sent tells what asking for a mail came to.
type Sent struct {
	// Flow is the browser's way on; nil when nothing was mailed.
	Flow     *Flow
	Progress Progress
	// Again: the same code was mailed once more.
	Again bool
	// Recently: nothing was mailed, because a moment ago something was. The
	// progress is then that of the challenge which another tab began. Its phase is
	// NoChallenge where the mail was for something else, of which this page takes no code.
	Recently bool
}

// Begin starts a challenge of an address and hands its code to the mail queue.
// before is the browser's flow, or nil; its older challenge dies before the new
// one exists. The work done and the answer are the same whether or not the
// address may pass.
//
// Its errors are *LimitError, ErrNotListed, ErrQueueFull and ErrUnavailable.
// With ErrQueueFull the challenge exists, its mail counts nowhere, and Resend
// may try again at once.
func (g *Gate) Begin(ctx context.Context, v *Visit, before *Flow, to Email) (Sent, error) {
	return g.begin(ctx, v, before, to, asking{})
}

// An asking is how a mail is asked for.
type asking struct {
	unasked bool // nobody did
	way     Way  // to which mailbox
}

// Greet is Begin for somebody whom an earlier step has named and who did not
// ask for mail: it mails at most once in 30 seconds, and not at all while the
// code that the flow has still works.
func (g *Gate) Greet(ctx context.Context, v *Visit, before *Flow) (Sent, error) {
	to := v.known()
	d, err := read[door](ctx, g.house.store, g.house.doorKey(to))
	if err != nil {
		return Sent{}, unavailable(err)
	}
	var old *pending
	if before != nil {
		old = d.of(g.house.flowHash(before.ID))
	}
	// Looked up before anything is counted: tabs that get no mail must not use
	// up what their network may ask for. The update that follows decides.
	session := ""
	if v.Confirm != nil {
		session = v.Confirm.key
	}
	if c, lately := g.greeted(&d, old, session, v.Now); lately {
		return Sent{Progress: g.progress(c, v.Now), Recently: true}, nil
	}
	return g.begin(ctx, v, before, to, asking{unasked: true})
}

// greeted reports whether a mail that nobody asked for is superfluous: while the
// code of the flow works, or where an owner was mailed a moment ago. The challenge is
// the one whose code the page of that session takes, and nil where it takes none:
// what it said of the code of something else would lead its person to type that.
func (g *Gate) greeted(d *door, old *pending, session string, now time.Time) (latest *pending, lately bool) {
	if g.awaits(old, now) {
		return old, true
	}
	for i := range d.Pending {
		c := &d.Pending[i]
		if !c.Own || c.Lost || c.expired(now) || now.Unix()-c.Mailed >= int64(greetEvery/time.Second) {
			continue
		}
		lately = true
		if g.takes(c, session) && (latest == nil || c.Mailed > latest.Mailed) {
			latest = c
		}
	}
	return latest, lately
}

// awaits reports whether the code of a challenge was mailed and still works, as far as
// anybody may know.
func (g *Gate) awaits(c *pending, now time.Time) bool {
	return c.usable(g.policy.Code.Attempts, now) && c.Mails > 0 && !c.stopped()
}

// takes reports whether a page of this gate that confirms a session, or with none lets
// somebody in, takes the code of a challenge.
func (g *Gate) takes(c *pending, session string) bool {
	return !c.Change && c.Asker.session() == session && g.house.openAsked(c.Asked, c.ID).Gate == g.id
}

// Resend mails the code of a flow once more, or a new code where the old one
// has little time left. Beyond Begin's errors it returns ErrUsedUp.
func (g *Gate) Resend(ctx context.Context, v *Visit, f *Flow) (Sent, error) {
	return g.begin(ctx, v, f, f.Address, asking{way: f.Way})
}

func (g *Gate) begin(ctx context.Context, v *Visit, before *Flow, to Email, how asking) (Sent, error) {
	known, err := g.bond(ctx, v, to)
	if err != nil {
		return Sent{}, err
	}
	f, of := g.newFlow(v, before, to), g.crowd(v, to, known)
	f.Way = how.way
	// Whoever asks too often is refused before anything else is worked out or looked up.
	if err := g.house.locks.refuse(g.house.doorID(to), g.lockOf(of), v.Now); err != nil {
		g.logRefusal(ctx, v, to, err)
		return Sent{}, err
	}
	// A stranger's new challenge; what goes on with one has more to be told.
	anew := of == strangers && f.Change == nil && !how.unasked && (before == nil || before.Address != to)
	if anew {
		err = g.house.usedUp.refuse(g.mailsTo(to), g.house.now())
	}
	if err == nil {
		err = g.afford(ctx, v, of)
	}
	if err != nil {
		g.logRefusal(ctx, v, to, err)
		return Sent{}, err
	}
	err = g.abandon(ctx, before, to)
	var c pending
	var o opening
	var outcome openOutcome
	if err == nil {
		o, err = g.opens(ctx, v, before, f, how)
		o.crowd, o.trusted = of, known.trusted()
	}
	if err == nil {
		c, outcome, err = g.makeChallenge(ctx, f, o)
		g.house.locks.note(g.house.doorID(to), g.lockOf(of), err)
		if anew {
			g.house.usedUp.note(g.mailsTo(to), err, g.house.now())
		}
	}
	if err != nil || outcome == recently {
		g.refund(ctx, v, of)
	}
	if err != nil {
		g.logRefusal(ctx, v, to, err)
		return Sent{}, err
	}
	if outcome == recently {
		return Sent{Progress: g.progress(&c, v.Now), Recently: true}, nil
	}
	f.Mail = g.house.mailID(&c)
	err = g.mail(ctx, v, f, &c, of)
	if err != nil && !errors.Is(err, ErrNotListed) {
		g.refund(ctx, v, of)
		g.unmail(ctx, f, &c, of)
	}
	return Sent{Flow: f, Progress: g.progress(&c, v.Now), Again: outcome == again}, err
}

// opens is how a challenge of a flow is to begin, but for whom it is counted with.
func (g *Gate) opens(ctx context.Context, v *Visit, before, f *Flow, how asking) (o opening, err error) {
	o = opening{
		unasked: how.unasked, way: how.way, flow: g.house.flowHash(f.ID), network: g.house.network(v.IP),
		resend: before != nil && before.Address == f.Address && before.Session == f.Session && sameChange(before.Change, f.Change) && !how.unasked,
		named:  v.Earlier != nil, change: f.Change != nil, asked: askedBy(v, g.spotOf(v.IP)),
	}
	o.asked.Person, o.asked.Gate = g.house.personID(f.owner()), g.id
	if v.Confirm != nil {
		o.asker, err = g.askerOf(ctx, v.Confirm)
	}
	return o, err
}

// askerOf is the session that asks for a code.
func (g *Gate) askerOf(ctx context.Context, live *Live) (*asker, error) {
	who := g.house.personID(Email(live.Email))
	p, err := read[person](ctx, g.house.store, keyPerson+who.String())
	if err != nil {
		return nil, unavailable(err)
	}
	return &asker{Person: who, Session: live.key, Browser: live.Browser, Had: p.had(live)}, nil
}

// afford counts a mail against the visitor's network and against all mail
// together.
func (g *Gate) afford(ctx context.Context, v *Visit, of crowd) error {
	// Where all mail is used up, nothing is asked of the store.
	if err := g.house.budget.refuse(g.policy.Limits.SendTotal, of.favoured(), v.Now); err != nil {
		return err
	}
	if g.named(v.IP) != "" { // an office is many people behind one address
		return g.house.budget.take(g.policy.Limits.SendTotal, of.favoured(), v.Now)
	}
	if err := g.house.countNetwork(ctx, v.IP, LimitSendIP, g.policy.Limits.SendIP); err != nil {
		return err
	}
	err := g.house.budget.take(g.policy.Limits.SendTotal, of.favoured(), v.Now)
	if err != nil {
		g.house.giveBack(ctx, v.IP, LimitSendIP, g.policy.Limits.SendIP)
	}
	return err
}

// refund gives back what afford counted for a mail that did not come to be.
func (g *Gate) refund(ctx context.Context, v *Visit, of crowd) {
	g.house.budget.giveBack(of.favoured(), v.Now)
	if g.named(v.IP) == "" {
		g.house.giveBack(ctx, v.IP, LimitSendIP, g.policy.Limits.SendIP)
	}
}

// abandon ends the challenge that a flow has at another address. The same flow
// at the same address is left to the update that begins the next challenge.
func (g *Gate) abandon(ctx context.Context, before *Flow, to Email) error {
	if before == nil || before.Address == "" || before.Address == to {
		return nil
	}
	err := change(ctx, g.house.store, g.house.doorKey(before.Address), func(d *door, _ time.Time) error {
		d.remove(g.house.flowHash(before.ID))
		return nil
	})
	if err != nil {
		return unavailable(err)
	}
	return nil
}

// An opening is how a challenge is to begin.
type opening struct {
	crowd                    crowd
	trusted, unasked, resend bool
	way                      Way
	named                    bool // by an earlier step
	change                   bool // its code is to allow one
	flow, network            id
	asked                    asked
	asker                    *asker // whose session is to be confirmed
}

type openOutcome int

const (
	begun    openOutcome = iota // a new challenge
	again                       // the same code once more
	recently                    // nothing: another tab was first, or a mail for something else
)

// makeChallenge makes or repeats a challenge in one atomic update.
func (g *Gate) makeChallenge(ctx context.Context, f *Flow, o opening) (c pending, outcome openOutcome, err error) {
	var refused error
	err = change(ctx, g.house.store, g.house.doorKey(f.Address), func(d *door, now time.Time) error {
		c, outcome, refused = pending{}, begun, nil
		d.tidy(now)
		old := d.of(o.flow)
		if o.unasked {
			if latest, lately := g.greeted(d, old, o.asker.session(), now); lately {
				if outcome = recently; latest != nil {
					c = *latest
				}
				return nil
			}
		}
		repeat := o.resend && old.usable(g.policy.Code.Attempts, now) && old.Second == (o.way == BySecond)
		if refused = g.mayMail(d, old, o, repeat, now); refused != nil {
			return nil
		}
		if repeat && old.Ends-now.Unix() >= g.overlap() {
			d.mailed(o, g.policy.Limits, now)
			old.Mails, old.Mailed = old.Mails+1, now.Unix()
			old.Network, old.Void, old.Asked = o.network, old.stopped() || d.voids(o, old), g.house.sealAsked(o.asked, old.ID)
			c, outcome = *old, again
			return nil
		}
		if old == nil { // otherwise the new one takes the place of the old
			refused = d.makeRoom(o.crowd, now)
		}
		if refused == nil {
			c = g.start(d, old, o, repeat, now)
		}
		return nil
	})
	if err != nil {
		return c, outcome, unavailable(err)
	}
	return c, outcome, refused
}

// overlap is codeOverlap, less where codes live so briefly that it would never
// be reached. In seconds.
func (g *Gate) overlap() int64 {
	return int64(min(codeOverlap, g.policy.Code.TTL/2) / time.Second)
}

// mayMail applies what was reported, the limits of the address and, where the code
// of a flow is to be mailed again, the wait between mails and their number.
func (g *Gate) mayMail(d *door, old *pending, o opening, repeat bool, now time.Time) error {
	if until, out := d.keptOut(o, old); out && o.named {
		return &LimitError{Limit: LimitReported, Until: until}
	}
	if repeat {
		if wait := time.Unix(old.Mailed, 0).Add(g.policy.Code.Resend); wait.After(now) {
			return &LimitError{Limit: LimitResend, Until: wait}
		}
		if old.Mails >= g.policy.Code.Mails {
			return ErrUsedUp
		}
	}
	return d.admits(o, repeat, g.policy.Limits, now)
}

// start adds a new challenge; the one that the flow had is dead from now on.
func (g *Gate) start(d *door, old *pending, o opening, repeat bool, now time.Time) pending {
	c := pending{
		seed: seed{ID: newID(), Seed: newID(), Shape: g.policy.Code.Form}, Flow: o.flow, Own: o.crowd == owners, Office: o.crowd == office,
		Made: now.Unix(), Ends: now.Add(g.policy.Code.TTL).Unix(), Mailed: now.Unix(), Mails: 1,
		Network: o.network, Void: d.voids(o, old), Named: o.named, Asker: o.asker, Known: o.trusted,
		Second: o.way == BySecond, Change: o.change,
	}
	c.Asked = g.house.sealAsked(o.asked, c.ID)
	before := ""
	if old != nil {
		before = old.Ref
	}
	switch {
	case old.stopped() && c.Void:
		c.Stopped = old.Stopped // for whoever goes on in another network
	case old != nil && !old.stopped(): // what was stopped is known to nobody any more
		earlier := old.seed
		c.Earlier = &earlier
	}
	c.Ref = newRef(before)
	if o.crowd != owners && d.bucket(o.crowd).guessedAt(now) {
		c.Shape = strongForm
	}
	d.remove(o.flow)
	d.Pending = append(d.Pending, c)
	d.mailed(o, g.policy.Limits, now)
	if o.crowd != owners && !repeat {
		d.Starts = append(d.Starts, start{o.network, now.Unix(), c.Office})
	}
	return c
}

// unmail gives back to the address a mail that the queue did not take. Where
// that fails too, the mail stays counted, which errs on the safe side.
func (g *Gate) unmail(ctx context.Context, f *Flow, c *pending, of crowd) {
	c.Mails, c.Mailed = c.Mails-1, 0
	g.house.usedUp.lift(g.mailsTo(f.Address))
	_ = change(ctx, g.house.store, g.house.doorKey(f.Address), func(d *door, _ time.Time) error {
		d.bucket(of).Mails.takeBack()
		if c.Change {
			d.Changes.takeBack()
		}
		if now := d.of(c.Flow); now != nil && now.ID == c.ID {
			now.Mails, now.Mailed = c.Mails, c.Mailed
		}
		return nil
	})
}

func (g *Gate) logRefusal(ctx context.Context, v *Visit, to Email, err error) {
	var limit *LimitError
	switch {
	case errors.As(err, &limit) && limit.known:
	case errors.As(err, &limit) && limit.Limit == LimitTryAddress:
		g.log(ctx, v, Event{Name: Locked, Address: to, Limit: limit.Limit, Until: limit.Until})
	case errors.As(err, &limit):
		g.log(ctx, v, Event{Name: Limited, Address: to, Limit: limit.Limit, Until: limit.Until})
	case errors.Is(err, ErrUnavailable):
		g.log(ctx, v, Event{Name: StoreFailed, Err: err})
	}
}
