// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// mail hands the code over. An address that may not pass is put into the queue
// like any other, and never sent.
func (g *Gate) mail(ctx context.Context, v *Visit, f *Flow, c *pending, of crowd) error {
	right := g.access.Load().Judge(f.Address, v.Now)
	n := Notice{
		ID: f.Mail, Mail: c.Mails, Gate: g.id, Mailbox: right.Mailbox, Decoy: !g.mayPass(f, v.Now) || c.Void, Known: of.favoured(), Subject: f.subject(), Change: f.changes(),
		Ref: c.Ref, Host: v.Host, App: v.App, Agent: v.Agent, IP: v.IP, Place: *g.Locate(v.IP),
		Stop: g.stopLink(v, stopCode, g.house.doorID(f.Address), c.ID), Asked: v.Now, Expires: time.Unix(c.Ends, 0), Language: v.Language,
	}
	if n.Mailbox == "" {
		n.Mailbox = string(f.Address)
	}
	to := *f
	err := g.address(ctx, v, &to, &n)
	if err == nil {
		n.Code = deriveCode(g.house.ring, c.seed, g.binding(&to))
		err = g.house.sender.Send(ctx, n)
	}
	event := g.aboutCheck(f)
	event.Ref = c.Ref
	if err == nil {
		g.followCheck(f, c, event, n.Decoy)
	}
	event.Name, event.Rule, event.Again, event.Err = CodeSent, right.Rule, c.Mails > 1, err
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
	if err == nil && g.policy.Reveal && !right.Allowed && f.Change == nil {
		return ErrNotListed
	}
	return err
}

// subject is that of the mail with a flow's code.
func (f *Flow) subject() Subject {
	switch {
	case f.Change != nil:
		return ChangeCode
	case f.Session != "":
		return ConfirmCode
	default:
		return SignInCode
	}
}

// address completes a code's mail with what the records of its person say: why it is
// sent, to which mailbox, and whether it is their only way in. They are read for every
// address, known or not, so that the work tells nothing. The flow learns of the second
// address, to which its code is bound.
func (g *Gate) address(ctx context.Context, v *Visit, f *Flow, n *Notice) error {
	who := f.owner()
	p, err := read[person](ctx, g.house.store, g.house.personKey(who))
	if err != nil {
		return unavailable(err)
	}
	b, err := g.house.belongings(ctx, who, v.Now)
	if err != nil {
		return err
	}
	n.Reason = g.reasonFor(v, f, &p)
	n.Quietly = p.guarded(v.Now)
	if f.Of == "" { // else the mailbox may be somebody else's
		n.Zone = p.Settings.Zone
	}
	n.Urge = f.Change == nil && p.Last != 0 && g.urges(&b)
	switch {
	case f.Way == BySecond:
		f.second = g.secondOf(who, &b, &p, v.Now)
		n.Second, n.Account = true, string(who)
		if n.Mailbox = string(f.second); f.second == "" {
			n.Mailbox, n.Decoy = string(who), true // takes the same place and time, and is never sent
		}
	case f.Of != "":
		n.Second, n.Account = true, string(who)
	}
	return nil
}

// secondOf is the second address of a person, where mail may go to it now.
func (g *Gate) secondOf(who Email, b *belongings, p *person, now time.Time) Email {
	if b.Second == nil || b.Second.Suspended || !g.mailboxProved(p, now) {
		return ""
	}
	second := g.house.openSecond(who, b.Second)
	if second != "" && g.policy.Ways.Second != SecondAny && !g.access.Load().Judge(second, now).Allowed {
		return ""
	}
	return second
}

// reasonFor is why a person is mailed, in the words of their mail: a page may
// have to keep quiet about what is usual for them.
func (g *Gate) reasonFor(v *Visit, f *Flow, p *person) Reason {
	if f.Reason == Sensitive || f.Change != nil {
		return f.Reason
	}
	if telling := g.unusual(p, g.where(g.spotOf(v.IP)), v.Now).First(); telling != "" {
		return telling
	}
	if claim, ok := claimOf(g.house.claims(v), v); ok && f.Reason == Expired && Email(claim.Address) == f.owner() && g.keyless(p.device(claim.ID), v.Now) {
		return Keyless // the time of the browser is not over
	}
	return f.Reason
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
	g.tellPerson(ctx, v, e, Notice{Subject: WrongCodes, Expires: until, Decoy: !g.access.Load().Judge(e, v.Now).Allowed})
}

// tellOfBackup tells a person that a backup code was used. The link ends the entry that
// it made; there is none where it allowed a change, of which they are told besides.
func (g *Gate) tellOfBackup(ctx context.Context, v *Visit, f *Flow, left int, entry id) {
	n := Notice{Subject: BackupCodeUsed, Count: left, Expires: v.Now.Add(entriesKept)}
	if entry != (id{}) {
		n.Stop = g.stopLink(v, stopBrowser, g.house.personID(f.owner()), entry)
	}
	g.tellPerson(ctx, v, f.owner(), n)
}

// tellPerson mails a notice to a person, and to their second address as well: who has
// taken the one mailbox should not be the only one to read it. What it is about stands
// although the mail cannot be sent.
func (g *Gate) tellPerson(ctx context.Context, v *Visit, to Email, n Notice) {
	g.tellPersonAt(ctx, v, to, n, nil)
}

// tellPersonAt is tellPerson for when the person had another second address before,
// which is told too.
func (g *Gate) tellPersonAt(ctx context.Context, v *Visit, to Email, n Notice, before *secondAddress) {
	n.Gate, n.Mailbox, n.Known = g.id, g.mailbox(to, v.Now), n.Subject != WrongCodes
	n.Host, n.App = cmp.Or(v.Host, g.host), cmp.Or(v.App, g.app)
	n.Agent, n.IP, n.Place, n.Asked, n.Language = v.Agent, v.IP, *g.Locate(v.IP), v.Now, v.Language
	b, err := g.house.belongings(ctx, to, v.Now)
	p, failed := read[person](ctx, g.house.store, g.house.personKey(to))
	if n.Subject == NewSignIn && p.Settings.Quiet {
		return
	}
	// Whoever brought this about must not choose a language that its person cannot read.
	n.Language, n.Zone = cmp.Or(p.Settings.Language, n.Language), p.Settings.Zone
	err = errors.Join(err, failed, g.house.sender.Send(ctx, n))
	n.Second, n.Account = true, string(to)
	seconds := g.house.seconds(to, b.Second, before)
	if n.Subject == WrongCodes && len(seconds) == 0 { // strangers bring this about: it takes the same places whoever has what
		n.Decoy = true
		seconds = []Email{to}
	}
	for _, second := range seconds {
		n.Mailbox = string(second)
		err = errors.Join(err, g.house.sender.Send(ctx, n))
	}
	if err != nil {
		g.log(ctx, v, Event{Name: NoticeFailed, Address: to, Err: err})
	}
}

// seconds are the second addresses that are told of something, each once.
func (h *House) seconds(who Email, list ...*secondAddress) (all []Email) {
	for _, s := range list {
		if second := h.openSecond(who, s); second != "" && !s.Suspended && !slices.Contains(all, second) {
			all = append(all, second)
		}
	}
	return all
}
