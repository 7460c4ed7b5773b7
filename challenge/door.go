// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"errors"
	"slices"
	"time"
)

// A door is the one record of everything that is tried at an address, whether
// or not the address may pass: its counters and its pending challenges. One
// atomic update counts, then compares, then spends.
type door struct {
	Version  int       `json:"v"`
	Own      bucket    `json:"own"`             // remembered browsers, live sessions, earlier factors
	Stranger bucket    `json:"stranger"`        // everybody else, together
	Office   bucket    `json:"office,omitzero"` // everybody else in the networks that the operator named
	Pending  []pending `json:"pending,omitempty"`
	Starts   []start   `json:"starts,omitempty"`  // by all but owners, in the last hour
	Blocks   []block   `json:"blocks,omitempty"`  // networks that the person has reported, in the last hour
	Spent    []spent   `json:"spent,omitempty"`   // codes that were right, lately, oldest first
	LetIn    *letIn    `json:"letin,omitempty"`   // a code that an operator reads out
	Apps     tally     `json:"apps,omitempty"`    // tries of authenticator codes by all but owners
	Changes  tally     `json:"changes,omitempty"` // mails with codes for changes, in the last hour
	Warned   int64     `json:"warned,omitempty"`  // Unix seconds at which the person was told of wrong codes
	Keep     int64     `json:"keep"`              // Unix seconds; no counter matters after it
	// In which life of the store the record was written last.
	Run   string `json:"run,omitempty"`
	Epoch int64  `json:"epoch,omitempty"`
}

// doorVersion is the format of the record.
const doorVersion = 1

func (d *door) format() (is, known int) { return d.Version, doorVersion }

func (*door) ofRun() {}

// settle makes sure that no code is right twice. In another life of the store the
// record may be one from before a code was entered, so none that it knows of counts
// any more. What was counted stays counted.
func (d *door) settle(now life) {
	if d.Run == now.run && d.Epoch >= now.epoch {
		return
	}
	d.Run, d.Epoch = now.run, max(d.Epoch, now.epoch)
	for i := range d.Pending {
		d.Pending[i].Lost = true
	}
	d.LetIn = nil
}

// A pending challenge waits for its code. It holds neither the code nor
// anything from which the store alone could compute it.
type pending struct {
	seed           // of which its code is made
	Flow    id     `json:"flow"` // keyed hash of the browser's flow
	Own     bool   `json:"own,omitempty"`
	Office  bool   `json:"office,omitempty"`
	Ref     string `json:"ref"`
	Made    int64  `json:"made"` // Unix seconds
	Ends    int64  `json:"ends"`
	Mailed  int64  `json:"mailed"` // the last mail
	Mails   int    `json:"mails"`
	Tries   int    `json:"tries,omitempty"`
	Given   int    `json:"given,omitempty"` // tries given back
	Wrong   []id   `json:"wrong,omitempty"` // keyed hashes of the wrong tries
	Earlier *seed  `json:"earlier,omitempty"`
	Network id     `json:"net"`
	Asked   string `json:"asked"` // sealed, see sealAsked
	// Void: its network was reported, or it was stopped. Its code is not mailed
	// and not right, and nothing else tells it from one that works.
	Void bool `json:"void,omitempty"`
	// Stopped is the mark of the link by which the code of this flow was stopped.
	Stopped id `json:"stopped,omitzero"`
	// Asker is the session that asked, where the code is to confirm one.
	Asker *asker `json:"asker,omitempty"`
	// Known: the browser is one that no report keeps out.
	Known bool `json:"known,omitempty"`
	// Lost: the store is in another life since, see settle.
	Lost bool `json:"lost,omitempty"`
	// Named: an earlier step had named the person, as whoever knows a password.
	Named bool `json:"named,omitempty"`
	// Second: it is mailed to the person's second address, if there is one.
	Second bool `json:"second,omitempty"`
	// Change: its code allows a change.
	Change bool `json:"change,omitempty"`
}

// An asker is a session that asked for a code, so that whoever reads the mail can
// end it.
type asker struct {
	Person  id     `json:"p"` // the record of its person
	Session string `json:"s"`
	Browser string `json:"b,omitempty"` // empty when it is not remembered
	Had     int64  `json:"h,omitempty"` // see person.had: each code gives the browser another name
}

// session names the session that asked; empty where none did.
func (a *asker) session() string {
	if a == nil {
		return ""
	}
	return a.Session
}

// A seed is what a code is made of, beside the root secret and what it is bound
// to. It is all that is left of the challenge before: enough to recognise its
// code and to say that a newer mail is there, not enough to be let in by it.
type seed struct {
	ID    id   `json:"id"`
	Seed  id   `json:"seed"`
	Shape Form `json:"shape"`
}

// A start remembers which network began a challenge.
type start struct {
	Network id    `json:"net"`
	At      int64 `json:"at"`
	Office  bool  `json:"office,omitempty"` // from a named part of that network
}

// A block keeps a network that a person has reported from asking for the
// address. Mark names the link by which it was reported, and can be lifted.
type block struct {
	Network id    `json:"net"`
	Mark    id    `json:"mark"`
	At      int64 `json:"at"`
}

const (
	maxPending    = 8  // challenges of one address
	maxBlocks     = 16 // reported networks; only whoever reads the person's mail makes one
	maxGivenBack  = 3  // tries given back in one challenge
	startsPerHour = 3  // challenges of one address that one network begins
	manyFailures  = 30 // wrong tries in 30 days from which codes become longer

	changesPerHour = 4 // mails with codes for changes of one address; the others are for its person to sign in

	startsWindow = time.Hour
	changeWindow = time.Hour
	blockedFor   = time.Hour // that a reported network cannot ask for an address
	warnedEvery  = time.Hour // at most is a person told of wrong codes

	shownFor = int64(2 * time.Hour / time.Second) // after its end, a challenge
)

// BlockedFor is how long a network that was reported cannot ask for codes of the
// address.
const BlockedFor = blockedFor

func (c *pending) crowd() crowd {
	switch {
	case c.Own:
		return owners
	case c.Office:
		return office
	default:
		return strangers
	}
}

// stopped reports whether the person has stopped the code. There need not be a
// challenge.
func (c *pending) stopped() bool { return c != nil && c.Stopped != id{} }

func (c *pending) expired(now time.Time) bool { return now.Unix() >= c.Ends }

// usable reports whether a code can still be entered, given the tries that a
// challenge has. There need not be a challenge.
func (c *pending) usable(attempts int, now time.Time) bool {
	return c != nil && !c.Lost && !c.expired(now) && c.Tries < attempts
}

// lives says how long the record is needed: as long as its counters matter.
func (d *door) lives(now time.Time) time.Duration {
	until := d.Keep
	for _, c := range d.Pending {
		until = max(until, c.Ends+shownFor)
	}
	return time.Unix(until, 0).Sub(now)
}

func (*door) dated() {}

// need keeps the record until a time at least.
func (d *door) need(until time.Time) { d.Keep = max(d.Keep, until.Unix()) }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// tidy drops what is over.
func (d *door) tidy(now time.Time) {
	d.Version = doorVersion
	// An expired challenge stays for a while, so that its page can say so, and so
	// that mail which is read late can still report it.
	d.Pending = slices.DeleteFunc(d.Pending, func(c pending) bool { return now.Unix() >= c.Ends+shownFor })
	d.Starts = slices.DeleteFunc(d.Starts, func(s start) bool { return now.Unix()-s.At >= int64(startsWindow/time.Second) })
	d.Blocks = slices.DeleteFunc(d.Blocks, func(b block) bool { return now.Unix()-b.At >= int64(blockedFor/time.Second) })
	if d.LetIn != nil && now.Unix() >= d.LetIn.Ends {
		d.LetIn = nil
	}
	d.Spent = slices.DeleteFunc(d.Spent, func(s spent) bool { return now.Unix()-s.At >= int64(entriesKept/time.Second) })
	d.Changes.drop(now.Add(-changeWindow))
}

// of finds the challenge of a flow.
func (d *door) of(flow id) *pending {
	for i := range d.Pending {
		if d.Pending[i].Flow == flow {
			return &d.Pending[i]
		}
	}
	return nil
}

func (d *door) remove(flow id) {
	d.Pending = slices.DeleteFunc(d.Pending, func(c pending) bool { return c.Flow == flow })
}

// warning is the end of a lock that an outcome has just begun, where the person
// was not told of one lately; zero otherwise.
func (d *door) warning(outcome error, now time.Time) time.Time {
	var limit *LimitError
	if !errors.As(outcome, &limit) || now.Unix()-d.Warned < int64(warnedEvery/time.Second) {
		return time.Time{}
	}
	d.Warned = now.Unix()
	return limit.Until
}

// succeed ends a challenge whose code was right. Failures are forgotten in the
// bucket that the visitor has, and there alone. Of the mails, the one that led
// here is given back, and so is the start of the network.
func (d *door) succeed(c pending, of crowd, network id) {
	b := d.bucket(of)
	b.Tries, b.Locks, b.Until = nil, 0, 0
	d.bucket(c.crowd()).Mails.takeBack()
	d.allowedChange(c)
	d.remove(c.Flow)
	if i := slices.Index(d.Starts, start{network, c.Made, c.Office}); i >= 0 {
		d.Starts = slices.Delete(d.Starts, i, i+1)
	}
}

// allowedChange gives back the mails of a change whose code was right: it was its
// person who asked for them.
func (d *door) allowedChange(c pending) {
	for i := 0; c.Change && i < c.Mails; i++ {
		d.Changes.takeBack()
	}
}

// mailed counts a mail.
func (d *door) mailed(o opening, l Limits, now time.Time) {
	d.bucket(o.crowd).Mails.add(now)
	if o.change {
		d.Changes.add(now)
	}
	d.need(now.Add(max(longest(l.SendAddress), startsWindow)))
}

// admits reports whether the address may be mailed once more. The network rule,
// which is for new challenges, keeps one place from using up what a crowd shares. That
// for changes keeps a stolen session from using up what its person signs in by.
func (d *door) admits(o opening, repeat bool, l Limits, now time.Time) error {
	b := d.bucket(o.crowd)
	if until, locked := b.locked(l.TryAddress, now); locked {
		return &LimitError{Limit: LimitTryAddress, Until: until}
	}
	if free, ok := b.Mails.room(l.SendAddress, now); !ok {
		return &LimitError{Limit: LimitSendAddress, Until: free}
	}
	if free, ok := d.Changes.room([]Rate{{changesPerHour, changeWindow}}, now); o.change && !ok {
		return &LimitError{Limit: LimitSendAddress, Until: free}
	}
	if o.crowd != owners && !repeat {
		if free, ok := d.networkRoom(o, now); !ok {
			return &LimitError{Limit: LimitStarts, Until: free}
		}
	}
	return nil
}

// block keeps a network from asking for the address, from now on and for an hour.
func (d *door) block(network, mark id, now time.Time) {
	d.Blocks = append(d.Blocks, block{network, mark, now.Unix()})
	d.Blocks = d.Blocks[max(0, len(d.Blocks)-maxBlocks):]
	d.need(now.Add(blockedFor))
}

// reported reports whether a block is there that a link made.
func (d *door) reported(mark id) bool {
	return slices.ContainsFunc(d.Blocks, func(b block) bool { return b.Mark == mark })
}

// lift takes back the blocks that a link made, if there are any. What it stopped
// stays stopped, and need not look alive any more.
func (d *door) lift(mark id) bool {
	n := len(d.Blocks)
	d.Blocks = slices.DeleteFunc(d.Blocks, func(b block) bool { return b.Mark == mark })
	d.Pending = slices.DeleteFunc(d.Pending, func(c pending) bool { return c.Stopped == mark })
	return len(d.Blocks) < n
}

// keptOut reports until when a report keeps a visit from asking for the address:
// one of its network, or one of the code that its flow had before, from whatever
// network it asks now.
func (d *door) keptOut(o opening, old *pending) (until time.Time, out bool) {
	if o.trusted {
		return time.Time{}, false
	}
	for _, b := range d.Blocks {
		if b.Network == o.network || old.stopped() && b.Mark == old.Stopped {
			until, out = later(until, b.ends()), true
		}
	}
	return until, out
}

// voids reports whether a challenge may begin and yet lead to nothing. Whoever is
// kept out by a report must not learn from it that the address may pass: what
// they see is the same as for one that may not.
func (d *door) voids(o opening, old *pending) bool {
	_, out := d.keptOut(o, old)
	return out
}

func (b block) ends() time.Time { return time.Unix(b.At, 0).Add(blockedFor) }

// blocked reports until when a reported network cannot ask for the address.
func (d *door) blocked(network id) (until time.Time, blocked bool) {
	for _, b := range d.Blocks {
		if b.Network == network {
			until, blocked = later(until, b.ends()), true
		}
	}
	return until, blocked
}

func (d *door) networkRoom(o opening, now time.Time) (time.Time, bool) {
	var seen tally
	for _, s := range d.Starts {
		if s.Network == o.network && s.Office == (o.crowd == office) {
			seen = append(seen, s.At)
		}
	}
	return seen.room([]Rate{{startsPerHour, startsWindow}}, now)
}

// makeRoom makes room for one more challenge. What has expired goes first, then
// what strangers began, then what an office did. Only owners push out owners, so
// that what began in a remembered browser stays.
func (d *door) makeRoom(of crowd, now time.Time) error {
	for len(d.Pending) >= maxPending {
		i := d.dispensable(of, now)
		if i < 0 {
			return &LimitError{Limit: LimitSendAddress, Until: time.Unix(d.Pending[0].Ends, 0)}
		}
		d.Pending = slices.Delete(d.Pending, i, i+1)
	}
	return nil
}

func (d *door) dispensable(of crowd, now time.Time) int {
	if i := slices.IndexFunc(d.Pending, func(c pending) bool { return c.Lost || c.expired(now) }); i >= 0 {
		return i
	}
	for _, least := range []crowd{strangers, office} {
		if i := slices.IndexFunc(d.Pending, func(c pending) bool { return c.crowd() == least }); i >= 0 {
			return i
		}
	}
	if of == owners {
		return 0
	}
	return -1
}
