// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

const labelRef keyring.Label = "name in forms"

// refOf stands for a browser, session or change in forms, and binds what is sealed
// about it. It says nothing of what the cookies hold.
func (h *House) refOf(name string) id { return cut(h.ring.MAC(labelRef, []byte(name))) }

// Account reads the account of a session's person. Its errors are ErrUnavailable.
func (g *Gate) Account(ctx context.Context, v *Visit, a *Admission) (Account, error) {
	who := a.Identity.Email
	p, err := read[person](ctx, g.house.store, g.house.personKey(who))
	if err != nil {
		return Account{}, unavailable(err)
	}
	p.tidy(v.Now)
	b, err := g.house.belongings(ctx, who, v.Now)
	if err != nil {
		return Account{}, err
	}
	out := Account{
		Address: who, Browsers: viewer{g.house, a.Live, g.forgets}.browsers(&p, v.Now), Settings: p.Settings, Offers: g.Offers(),
		Backup: b.backupState(), App: b.appState(), Second: g.secondState(who, &b), Waiting: g.house.waiting(who, &b), Tokens: g.tokenStates(&b),
		Passkeys: g.passkeyStates(v, who, &b),
	}
	if p.guarded(v.Now) {
		out.Guarded = time.Unix(p.Guard.Until, 0)
	}
	out.Urge = g.urges(&b)
	out.MailboxHere = out.Urge && hostsMail(v.Host, who)
	return out, nil
}

// urges reports whether a person should make backup codes: none is left that works, and
// there is no app or passkey beside them.
func (g *Gate) urges(b *belongings) bool {
	o := g.Offers()
	return o.BackupCodes && b.backupState().Left == 0 && (!o.App || b.App == nil || b.App.Suspended) &&
		(!o.Passkeys || !slices.ContainsFunc(b.Passkeys, func(k passkey) bool { return k.counts() }))
}

// hostsMail reports whether the mail of an address may be read at a site of the same
// domain as the gate's, so that the mailbox itself is behind a check.
func hostsMail(host string, e Email) bool {
	domain := string(e[strings.LastIndexByte(string(e), '@')+1:])
	name, _, _ := strings.Cut(host, ":")
	return name == domain || strings.HasSuffix(name, "."+domain)
}

// A viewer lists browsers for whoever looks at them.
type viewer struct {
	house   *House
	by      *Live // in whose session; nil where an operator looks
	forgets func(d *devices.Record, now time.Time) bool
}

// browsers are those of a person: those that are remembered, and those that only have
// a session.
func (w viewer) browsers(p *person, now time.Time) []Browser {
	var all []Browser
	for i := range p.Devices {
		d := &p.Devices[i]
		if !d.Ended && !w.forgets(d, now) || p.signedIn(d.ID, now) {
			all = append(all, w.browser(p, d, now))
		}
	}
	for _, s := range p.Sessions {
		if s.Device == "" || p.device(s.Device) == nil {
			one := w.house.seenAs(s.Seen, s.ID)
			one.This, one.SignedIn = w.by != nil && s.ID == w.by.key, true
			one.First, one.Last = time.Unix(s.Made, 0), time.Unix(s.Made, 0)
			one.Suspended, one.Bound = p.suspends(s.Made, now), s.Bound.Held != 0
			all = append(all, one)
		}
	}
	slices.SortStableFunc(all, func(x, y Browser) int {
		switch {
		case x.This != y.This && x.This:
			return -1
		case x.This != y.This:
			return 1
		default:
			return y.Last.Compare(x.Last)
		}
	})
	return all
}

func (w viewer) browser(p *person, d *devices.Record, now time.Time) Browser {
	one := w.house.seenAs(d.Seen, d.ID)
	one.Name = d.Name
	one.This = w.by != nil && (d.ID == w.by.Browser || w.by.Browser == "" && d.Session == w.by.key)
	one.Remembered, one.SignedIn = !d.Ended && !w.forgets(d, now), p.signedIn(d.ID, now)
	one.First, one.Last = time.Unix(d.Made, 0), time.Unix(d.Used, 0)
	one.Suspended, one.Bound = p.suspends(d.Made, now), d.Bound.Held != 0
	return one
}

// signedIn reports whether a remembered browser has a session that lives.
func (p *person) signedIn(device string, now time.Time) bool {
	return slices.ContainsFunc(p.Sessions, func(s sessionEntry) bool { return s.Device == device && s.Ends > now.Unix() })
}

// seenAs is a browser as it was seen last. A version before kept nothing of that.
func (h *House) seenAs(seen, name string) Browser {
	a := h.openAsked(seen, h.refOf(name))
	return Browser{
		ID: h.refOf(name).String(), Kind: a.Browser, City: a.City, Country: a.Country, Radius: a.Radius, Private: a.Private, Credit: a.Credit, Network: a.Network,
	}
}

func (b *belongings) backupState() BackupState {
	if b.Backup == nil {
		return BackupState{}
	}
	s := BackupState{Made: time.Unix(b.Backup.Made, 0), Left: len(b.Backup.Hashes), Of: b.Backup.Of, Suspended: b.Backup.Suspended}
	if s.Suspended {
		s.Left = 0
	}
	return s
}

func (b *belongings) appState() AppState {
	if b.App == nil {
		return AppState{}
	}
	s := AppState{Made: time.Unix(b.App.Made, 0), Suspended: b.App.Suspended}
	if b.App.Used != 0 {
		s.Used = time.Unix(b.App.Used, 0)
	}
	return s
}

func (g *Gate) secondState(who Email, b *belongings) SecondState {
	if b.Second == nil {
		return SecondState{}
	}
	return SecondState{Address: g.house.openSecond(who, b.Second), Made: time.Unix(b.Second.Made, 0), Suspended: b.Second.Suspended}
}

func (h *House) waiting(e Email, b *belongings) []WaitingChange {
	var all []WaitingChange
	for _, c := range b.Changes {
		if c.waits() {
			one := WaitingChange{ID: c.ID.String(), Kind: c.Kind, Made: time.Unix(c.At, 0), Due: c.due()}
			one.Passkey, one.Called = h.passkeyOf(e, b, &c)
			all = append(all, one)
		}
	}
	slices.SortStableFunc(all, func(a, b WaitingChange) int { return a.Due.Compare(b.Due) })
	return all
}
