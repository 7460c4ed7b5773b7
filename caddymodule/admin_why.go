// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A whyAnswer is all that decides about an address, and what became of it lately. Pages
// keep most of it quiet.
type whyAnswer struct {
	Address  string        `json:"address"`
	Sites    []whySite     `json:"sites"`
	Storages []whyStanding `json:"storages"`
}

// A whySite is what one gate makes of the address.
type whySite struct {
	Site    string     `json:"site"`
	Storage string     `json:"storage"`
	Allowed bool       `json:"allowed"`
	Rule    string     `json:"rule"` // which decides
	User    string     `json:"user,omitempty"`
	Name    string     `json:"name,omitempty"`
	Groups  []string   `json:"groups,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Next    []string   `json:"next"` // what would happen at the next visit, in sentences
}

// A whyStanding is what one storage keeps of the address, and what this machine knows
// of its mails.
type whyStanding struct {
	Storage  string       `json:"storage"`
	Locks    []liftedLock `json:"locks"`
	Pending  []whyCode    `json:"pending"`
	UsedUp   []whyCode    `json:"used_up"` // which would work, had not too many wrong codes been entered
	Mails    []whyMail    `json:"mails"`   // the newest first; of this machine, since it started
	Person   *whyPerson   `json:"person,omitempty"`
	Recent   []whyDeed    `json:"recent"`
	Reported []string     `json:"reported"` // networks that the person keeps from asking
}

// A whyCode is a code that is under way, without the code.
type whyCode struct {
	Ref   string     `json:"ref"`
	Site  string     `json:"site,omitempty"`
	Asked *time.Time `json:"asked,omitempty"`
	Ends  time.Time  `json:"ends"`
	Mails int        `json:"mails"`
	Tries int        `json:"tries_left"`
}

// A whyMail is what became of one mail.
type whyMail struct {
	At        time.Time `json:"at"`
	Outcome   string    `json:"outcome"`
	Subject   string    `json:"subject"`
	Site      string    `json:"site,omitempty"`
	Transport string    `json:"transport,omitempty"` // which was asked last
	Ref       string    `json:"ref,omitempty"`
	Try       int       `json:"try"`
	Reason    string    `json:"reason,omitempty"` // why it was not sent
	MessageID string    `json:"message_id,omitempty"`
}

// A whyPerson is what is kept of somebody who has entered.
type whyPerson struct {
	Account  string     `json:"account"` // as in the log
	First    *time.Time `json:"first,omitempty"`
	Last     *time.Time `json:"last,omitempty"`
	Mailed   *time.Time `json:"mailed,omitempty"` // the last code that came by mail
	Sessions int        `json:"sessions"`
	Browsers int        `json:"browsers"`          // that are remembered
	Guarded  *time.Time `json:"guarded,omitempty"` // until when
	Passkeys []whyKey   `json:"passkeys"`          // the newest first
}

// A whyKey is one passkey of somebody.
type whyKey struct {
	Site  string     `json:"site,omitempty"`
	Used  *time.Time `json:"used,omitempty"`
	State string     `json:"state"` // as in listedPasskey
}

// A whyDeed is one thing that happened.
type whyDeed struct {
	At      time.Time `json:"at"`
	What    string    `json:"what"`
	Way     string    `json:"way,omitempty"`
	Change  string    `json:"change,omitempty"`
	Times   int       `json:"times"`
	Browser string    `json:"browser,omitempty"`
	Country string    `json:"country,omitempty"`
	City    string    `json:"city,omitempty"`
	Network string    `json:"network,omitempty"`
	Problem bool      `json:"problem,omitempty"`
}

func tellWhy(ctx context.Context, o order) (any, error) {
	address, err := o.person("why")
	if err != nil {
		return nil, err
	}
	app, err := runningApp()
	if err != nil {
		return nil, err
	}
	answer := whyAnswer{Address: string(address), Sites: []whySite{}, Storages: []whyStanding{}}
	err = inEach(o, "looking the address up", func(l lodging) error {
		keys, err := l.pooled.house.PasskeysOf(ctx, address)
		if err != nil {
			return err
		}
		kept, err := answer.look(ctx, l, o, address, keys)
		if err == nil && kept != nil {
			out := app.standingOf(l, *kept, address)
			out.holds(keys)
			answer.Storages = append(answer.Storages, out)
		}
		return err
	})
	return answer, err
}

// look asks the gates of one storage. What the storage keeps is the same for all of
// them, but that a gate which refuses the address has no codes for it.
func (a *whyAnswer) look(ctx context.Context, l lodging, o order, address challenge.Email, keys []challenge.PasskeyState) (kept *challenge.Standing, err error) {
	for _, e := range l.gates {
		if o.Site != "" && !e.standsAt(o.Site) {
			continue
		}
		d, err := e.open()
		if err != nil {
			return nil, err
		}
		s, err := d.gate.Standing(ctx, address)
		if err != nil {
			return nil, err
		}
		if kept == nil || s.Right.Allowed && !kept.Right.Allowed {
			kept = &s
		}
		a.Sites = append(a.Sites, e.judgedWhy(l, &s, address, counting(keys)))
	}
	return kept, nil
}

// judgedWhy is what a gate makes of an address.
func (e *entrance) judgedWhy(l lodging, s *challenge.Standing, address challenge.Email, keys int) whySite {
	site := whySite{
		Site: hostOf(e.app.building.originsOf(e)[0]), Storage: l.name(), Allowed: s.Right.Allowed,
		User: s.Right.User, Name: s.Right.Name, Groups: s.Right.Groups, Until: givenTime(s.Right.Until),
	}
	_, site.Rule = e.ruleFor(address, time.Now())
	site.Next = e.comesNext(s, keys, l.pooled.outbox.Down(e.id))
	return site
}

// holds adds the passkeys of somebody who has entered.
func (w *whyStanding) holds(keys []challenge.PasskeyState) {
	if w.Person == nil {
		return
	}
	w.Person.Passkeys = []whyKey{}
	for i := range keys {
		k := listPasskey("", &keys[i])
		w.Person.Passkeys = append(w.Person.Passkeys, whyKey{k.Site, k.Used, k.State})
	}
}

// standingOf is what a storage keeps.
func (a *App) standingOf(l lodging, s challenge.Standing, address challenge.Email) whyStanding {
	out := whyStanding{Storage: l.name(), Locks: []liftedLock{}, Pending: []whyCode{}, UsedUp: []whyCode{}, Mails: []whyMail{}, Recent: []whyDeed{}, Reported: append([]string{}, s.Reported...)}
	for _, k := range s.Locks {
		out.Locks = append(out.Locks, lifting(l.name(), k))
	}
	code := func(c challenge.PendingCode) whyCode {
		return whyCode{c.Ref, a.hostOfGate(c.Gate), givenTime(c.Asked), c.Ends.UTC(), c.Mails, c.Tries}
	}
	for _, c := range s.Pending {
		out.Pending = append(out.Pending, code(c))
	}
	for _, c := range s.UsedUp {
		out.UsedUp = append(out.UsedUp, code(c))
	}
	mailbox := s.Right.Mailbox
	if mailbox == "" {
		mailbox = string(address)
	}
	for _, r := range l.pooled.outbox.History(mailbox) {
		out.Mails = append(out.Mails, whyMail{
			r.Time.UTC(), string(r.Outcome), subjectNames[r.Subject], a.hostOfGate(r.Gate), r.Route, r.Ref, r.Try, r.Reason, r.MessageID,
		})
	}
	if p := s.Person; p != nil {
		out.Person = &whyPerson{
			Account: p.Account, First: givenTime(p.First), Last: givenTime(p.Last), Mailed: givenTime(p.Mailed),
			Sessions: p.Sessions, Browsers: p.Browsers, Guarded: givenTime(p.Guarded),
		}
	}
	for _, r := range s.Recent {
		out.Recent = append(out.Recent, whyDeed{
			r.At.UTC(), string(r.Kind), string(r.Way), string(r.Change), r.Times, r.Browser, r.Country, r.City, r.Network, r.Problem,
		})
	}
	return out
}

// subjectNames are what mails are about, as preview calls them.
var subjectNames = map[challenge.Subject]string{
	challenge.SignInCode: "code", challenge.ConfirmCode: "confirm", challenge.NewSignIn: "new-sign-in", challenge.WrongCodes: "wrong-codes",
	challenge.ChangeCode: "change", challenge.BackupCodeUsed: "backup-code-used", challenge.WaysChanged: "changed",
	challenge.CodeReadOut: "code-read-out", challenge.TestMail: "test",
}

// hostOfGate is where a gate stands; empty for one of a configuration before.
func (a *App) hostOfGate(id string) string {
	for _, e := range a.building.gates() {
		if e.id == id {
			return hostOf(a.building.originsOf(e)[0])
		}
	}
	return ""
}
