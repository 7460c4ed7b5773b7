// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

// A PersonState is what an operator sees of somebody who has entered.
type PersonState struct {
	Address     Email     // empty where a version before kept no address
	Account     string    // as in events: keyed hash that stands for the address
	First, Last time.Time // right codes; zero where not known
	Mailed      time.Time // last right code that was mailed
	Sessions    int       // that live
	Browsers    int       // that are remembered
	Guarded     time.Time // until when; zero: it is not
}

// labelWho seals the address of a person into their record.
const labelWho keyring.Label = "address of a person"

// nameOn has the record say whose it is, for the operator's list of people. The name of
// the record does not tell: it is a keyed hash, and of the address without its "+tag".
func (h *House) nameOn(p *person, e Email) {
	if who := h.personID(e); h.openWho(p.Who, who) != e {
		p.Who = h.ring.SealString(labelWho, []byte(e), who[:])
	}
}

// openWho reads whose record it is; empty where that is not kept, or was put there from
// another record, to which it is bound.
func (h *House) openWho(sealed string, who id) Email {
	if sealed == "" {
		return ""
	}
	plain, err := h.ring.OpenString(labelWho, sealed, who[:])
	if err != nil {
		return ""
	}
	return Email(plain)
}

// People lists those who have entered and are still kept, by address, and last those
// whose address is not kept. It reads the whole store, for a command and never for a
// request.
func (h *House) People(ctx context.Context) ([]PersonState, error) {
	var mu sync.Mutex // guards all
	var all []PersonState
	now := h.now()
	err := h.eachPerson(ctx, func(ctx context.Context, key string) error {
		p, err := read[person](ctx, h.store, key)
		if err != nil {
			return &recordError{keyPerson, err}
		}
		who, err := personOf(key)
		if err != nil || p.isNew() {
			return err
		}
		state := h.stateOf(&p, who, now)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, state)
		return nil
	})
	if err != nil {
		return nil, unavailable(err)
	}
	slices.SortFunc(all, func(a, b PersonState) int {
		if (a.Address == "") != (b.Address == "") {
			return -cmp.Compare(a.Address, b.Address)
		}
		return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.Account, b.Account))
	})
	return all, nil
}

// eachPerson calls do for the name of each person's record, several at a time, and
// stops at the first error.
func (h *House) eachPerson(ctx context.Context, do func(ctx context.Context, key string) error) error {
	lister, ok := h.store.Store.(Lister)
	if !ok {
		return errNoLister
	}
	for after := ""; ; {
		page, err := lister.List(ctx, keyPerson, after, movePage)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := each(ctx, page, do); err != nil {
			return err
		}
		after = page[len(page)-1]
	}
}

// stateOf is what an operator sees of a record.
func (h *House) stateOf(p *person, who id, now time.Time) PersonState {
	p.tidy(now)
	s := PersonState{
		Address: h.openWho(p.Who, who), Account: who.String(), First: instant(p.First), Last: instant(p.Last), Mailed: instant(p.Mailed),
		Sessions: len(p.Sessions),
	}
	for i := range p.Devices {
		if !p.Devices[i].Ended {
			s.Browsers++
		}
	}
	if p.guarded(now) {
		s.Guarded = time.Unix(p.Guard.Until, 0)
	}
	return s
}

// instant is a time in Unix seconds; zero where that is.
func instant(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0)
}

// entrant is the record of somebody who has entered; ErrNoSuch where nobody has.
func (h *House) entrant(ctx context.Context, e Email) (person, error) {
	p, err := read[person](ctx, h.store, h.personKey(e))
	if err != nil {
		return p, unavailable(err)
	}
	if p.isNew() {
		return p, ErrNoSuch
	}
	p.tidy(h.now())
	return p, nil
}

// Person is the state of one address; ErrNoSuch where it never entered.
func (h *House) Person(ctx context.Context, e Email) (PersonState, error) {
	p, err := h.entrant(ctx, e)
	if err != nil {
		return PersonState{}, err
	}
	s := h.stateOf(&p, h.personID(e), h.now())
	s.Address = cmp.Or(s.Address, e)
	return s, nil
}

// A SessionState is one session that lives.
type SessionState struct {
	ID      string // shortened, as in the log
	Browser string // Browser.ID of the browser that it is in
	Kind    string // as Browser.Kind
	Began   time.Time
	Ends    time.Time
	Country string
	City    string
	Network string // IPv4 /24 or IPv6 /48; empty when unknown
}

// SessionsOf lists the sessions of an address, the newest first; ErrNoSuch where it
// never entered.
func (h *House) SessionsOf(ctx context.Context, e Email) ([]SessionState, error) {
	p, err := h.entrant(ctx, e)
	if err != nil {
		return nil, err
	}
	all := make([]SessionState, len(p.Sessions))
	for i, s := range p.Sessions {
		in := h.seenAs(s.Seen, s.ID)
		if d := p.device(s.Device); d != nil {
			in = h.seenAs(d.Seen, d.ID)
		}
		all[i] = SessionState{
			ID: publicID(s.ID), Browser: in.ID, Kind: in.Kind, Began: time.Unix(s.Made, 0), Ends: time.Unix(s.Ends, 0),
			Country: in.Country, City: in.City, Network: in.Network,
		}
	}
	slices.SortStableFunc(all, func(a, b SessionState) int { return b.Began.Compare(a.Began) })
	return all, nil
}

// BrowsersOf lists the browsers of an address as its person sees them, the last used
// first; ErrNoSuch where it never entered. Remembered means by some gate: each applies
// its own time.
func (h *House) BrowsersOf(ctx context.Context, e Email) ([]Browser, error) {
	p, err := h.entrant(ctx, e)
	if err != nil {
		return nil, err
	}
	onlooker := viewer{house: h, forgets: func(d *devices.Record, now time.Time) bool { return d.Over(longestMemory, longestMemory, now) }}
	return onlooker.browsers(&p, h.now()), nil
}
