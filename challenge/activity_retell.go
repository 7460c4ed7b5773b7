// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// A happening is one event as its person is to be told of it.
type happening struct {
	who  id
	at   int64         // Unix milliseconds
	keep time.Duration // zero: as long as the last one was
	once bool          // it is news once, whoever does it again
	tale tale
	mark string // what else tells it from others that are alike
	near netip.Prefix
	// stranger: anybody can make it happen, without knowing a code.
	stranger bool
}

// A tale is what a row says. It is stored sealed.
type tale struct {
	Kind   ActivityKind `json:"k"`
	Way    Way          `json:"w,omitempty"`
	Change ChangeKind   `json:"c,omitempty"`
	Asked  asked        `json:"a,omitzero"`
	Name   string       `json:"m,omitempty"` // see ActivityRow.Name
	Entry  id           `json:"y,omitzero"`  // see entered
}

// A retelling is what becomes of an event.
type retelling struct {
	kind     ActivityKind
	first    bool // it is kept before the request that made it is answered
	stranger bool
	absent   bool // an operator did it: nobody's browser
}

// retellings are the events that people are told of. What somebody does who is
// signed in, and what an operator does, is kept before it is answered: it must be
// there after whatever comes next.
var retellings = map[EventName]retelling{
	CodeSent:        {kind: ActivityCodeSent, stranger: true},
	WrongCode:       {kind: ActivityWrong, stranger: true},
	Locked:          {kind: ActivityLocked, stranger: true},
	Verified:        {kind: ActivityEntered},
	Remembered:      {kind: ActivityRemembered},
	Renewed:         {kind: ActivityRenewed},
	DeviceReplayed:  {kind: ActivityReplayed},
	KeyUnproved:     {kind: ActivityUnproved},
	SignedOut:       {kind: ActivitySignedOut, first: true},
	BrowserEnded:    {kind: ActivityEndedElsewhere, first: true},
	BrowserRenamed:  {kind: ActivityRenamed, first: true},
	ChangeMade:      {kind: ActivityChanged, first: true},
	ChangeWaits:     {kind: ActivityWaits, first: true},
	ChangeCancelled: {kind: ActivityChangeCancelled, first: true},
	Reported:        {kind: ActivityStopped, first: true},
	Unreported:      {kind: ActivityUnstopped, first: true},
	Guarded:         {kind: ActivityGuarded, first: true},
	Unguarded:       {kind: ActivityUnguarded, first: true},
	PasskeyCloned:   {kind: ActivityChanged, first: true},
	PasskeyTaken:    {kind: ActivityChanged, first: true, absent: true},
	LetInMade:       {kind: ActivityLetIn, first: true, absent: true},
	UnlockedAddress: {kind: ActivityUnlocked, first: true, absent: true},
	Revoked:         {kind: ActivityEndedByOperator, first: true, absent: true},
}

// retell keeps an event for its person. Whether there is one is asked later and
// elsewhere, so that a request takes the same for every address that may pass; of
// one that may not, nothing is kept.
func (g *Gate) retell(ctx context.Context, v *Visit, e Event) {
	as, tells := retellings[e.Name]
	who := e.whose(g.house)
	if !tells || who == (id{}) || e.Address != "" && !g.access.Load().Judge(e.Address, v.Now).Allowed {
		return
	}
	h := happening{
		who: who, at: g.house.journal.stamp(v.Now), keep: g.policy.Audit.Keep, stranger: as.stranger,
		tale: tale{Kind: as.kind, Way: e.Way, Change: e.Change, Name: e.Called, Entry: e.Entry},
	}
	switch {
	case e.Name == WrongCode && errors.Is(e.Err, ErrCodeCancelled):
		h.tale.Kind, h.once, h.mark = ActivityCodeCancelled, true, e.Ref
	case e.Name == WrongCode && !errors.Is(e.Err, ErrWrongCode):
		return // nothing was tried
	case e.Name == Locked:
		h.once, h.mark = true, e.Until.UTC().Format(time.RFC3339)
	case e.Name == Verified && (v.Confirm != nil || e.Change != ChangeNone):
		h.tale.Kind = ActivityConfirmed
	}
	if !as.absent {
		h.tale.Asked, h.near = g.askedFor(v), nearOf(v.IP)
	}
	if as.first {
		g.house.journal.keep(ctx, g.house, h)
		return
	}
	g.house.journal.add(h)
}

// whose is the person that an event is about; zero where it names none.
func (e *Event) whose(h *House) (who id) {
	if e.Address != "" {
		return h.personID(e.Address)
	}
	if who.UnmarshalText([]byte(e.Account)) != nil {
		return id{}
	}
	return who
}

// askedFor is who did something, with as much of the network as the operator lets be
// kept.
func (g *Gate) askedFor(v *Visit) asked {
	a := askedBy(v, g.spotOf(v.IP))
	a.At = 0 // the row has it
	if !v.IP.IsValid() {
		return a
	}
	switch g.policy.Audit.IP {
	case AuditFull:
		a.Network = v.IP.Unmap().WithZone("").String()
	case AuditHash:
		a.Network = g.house.network(v.IP).String()[:shownHash]
	}
	return a
}

// shownHash is how many letters of a hash are shown: enough to tell the networks of
// one person apart.
const shownHash = 8

func nearOf(ip netip.Addr) netip.Prefix {
	if !ip.IsValid() {
		return netip.Prefix{}
	}
	return Surroundings(ip)
}

// tellOfEviction keeps for a person that they were signed out with everybody, once their
// record says so; at is 0 where they were not. To write to everybody then would take
// long.
func (g *Gate) tellOfEviction(e Email, at int64) {
	if at == 0 {
		return
	}
	g.house.journal.add(happening{
		who: g.house.personID(e), at: time.Unix(at, 0).UnixMilli(), keep: g.policy.Audit.Keep, tale: tale{Kind: ActivityEndedByOperator},
	})
}

// retell keeps what an operator did, for the person whom it is about.
func (h *House) retell(ctx context.Context, e Event) {
	as, tells := retellings[e.Name]
	who := e.whose(h)
	if !tells || who == (id{}) {
		return
	}
	h.journal.keep(ctx, h, happening{
		who: who, at: h.journal.stamp(h.now()), tale: tale{Kind: as.kind, Way: e.Way, Change: e.Change, Name: e.Called},
	})
}

// alike is the same for happenings that are one when they repeat. It says nothing to
// whoever has only the store. What was entered can be reported, one by one.
func (h *House) alike(of *happening) string {
	t := &of.tale
	if t.Entry != (id{}) {
		return ""
	}
	parts := [][]byte{of.who[:], []byte(t.Kind), []byte(t.Way), []byte(t.Change), []byte(t.Name), []byte(of.mark)}
	if !of.once { // a lock is one lock, from wherever it is seen
		parts = append(parts, []byte(t.Asked.Browser), []byte(of.near.String()))
	}
	return cut(h.ring.MAC(labelAlike, parts...)).String()[:alikeLength]
}

// alikeLength is enough to tell a few dozen rows apart.
const alikeLength = 11

const (
	labelActivity = "activity"
	labelAlike    = "activity alike"
)
