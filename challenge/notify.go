// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// mail hands the code over. An address that may not pass is put into the queue
// like any other, and never sent.
func (g *Gate) mail(ctx context.Context, v *Visit, f *Flow, c *pending, of crowd) error {
	right := g.access.Load().Judge(f.Address, v.Now)
	n := Notice{
		Gate: g.id, Mailbox: right.Mailbox, Decoy: !right.Allowed || c.Void, Known: of.favoured(),
		Code: deriveCode(g.house.ring, c.seed, g.binding(f)), Ref: c.Ref, Host: v.Host, App: v.App, Agent: v.Agent, IP: v.IP, Place: *g.Locate(v.IP),
		Stop: g.stopLink(v, stopCode, g.house.doorID(f.Address), c.ID), Asked: v.Now, Expires: time.Unix(c.Ends, 0), Language: v.Language,
	}
	if n.Mailbox == "" {
		n.Mailbox = string(f.Address)
	}
	if f.Session != "" {
		n.Subject = ConfirmCode
	}
	reason, err := g.reasonFor(ctx, v, f)
	if err == nil {
		n.Reason = reason
		err = g.house.sender.Send(ctx, n)
	}
	event := Event{Name: CodeSent, Address: f.Address, Source: f.Source, User: f.User, Rule: right.Rule, Ref: c.Ref, Reason: f.Reason, Again: c.Mails > 1, Err: err}
	switch {
	case err != nil:
		event.Name = CodeFailed
	case n.Decoy:
		event.Name = CodeWithheld
		if c.Void {
			event.Limit = LimitReported
		}
	}
	g.log(ctx, v, event)
	if err == nil && g.policy.Reveal && !right.Allowed {
		return ErrNotListed
	}
	return err
}

// reasonFor is why a person is mailed, in the words of their mail: a page may
// have to keep quiet about what is usual for them. The record is read for every
// address, known or not.
func (g *Gate) reasonFor(ctx context.Context, v *Visit, f *Flow) (Reason, error) {
	p, err := read[person](ctx, g.house.store, g.house.personKey(f.Address))
	if err != nil {
		return "", unavailable(err)
	}
	if f.Reason == Sensitive {
		return f.Reason, nil
	}
	if telling := g.unusual(&p, g.where(g.spotOf(v.IP)), v.Now).First(); telling != "" {
		return telling, nil
	}
	return f.Reason, nil
}

// unusual says what is out of the ordinary about a place, for a person of whom
// anything is known.
func (g *Gate) unusual(p *person, here risk.Where, now time.Time) risk.Set {
	if p.Places.Empty() {
		return 0
	}
	facts := risk.Facts{Browser: risk.Unknown, Here: here, Person: &p.Places}
	return risk.Assess(&facts, &g.policy.Risk, now).Said & risk.SetOf(Travel, NewPlace)
}

// warn tells a person that too many wrong codes were tried at their address. An
// address that may not pass takes the same place in the queue.
func (g *Gate) warn(ctx context.Context, v *Visit, e Email, until time.Time) {
	right := g.access.Load().Judge(e, v.Now)
	err := g.house.sender.Send(ctx, Notice{
		Gate: g.id, Subject: WrongCodes, Mailbox: g.mailbox(e, v.Now), Decoy: !right.Allowed, Host: v.Host, App: v.App, Agent: v.Agent, IP: v.IP,
		Place: *g.Locate(v.IP), Asked: v.Now, Expires: until, Language: v.Language,
	})
	if err != nil {
		g.log(ctx, v, Event{Name: NoticeFailed, Address: e, Err: err})
	}
}
