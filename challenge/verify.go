// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"
)

// A Try is a code as it was typed. Printing it shows nothing.
type Try struct {
	Typed    string
	Remember bool // the person wants this browser remembered
}

// Format hides what was typed from every verb: with luck it is the code.
func (Try) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenCode) }

// LogValue hides what was typed from structured logs.
func (Try) LogValue() slog.Value { return slog.StringValue(hiddenCode) }

// A TryError is a code that did not let anybody in. Kind is ErrWrongCode,
// ErrOldCode, ErrLabel, ErrCodeExpired, ErrCodeCancelled, ErrCodeLost or a
// *MalformedError.
type TryError struct {
	Kind error
	Left int    // tries left
	Ref  string // letters of the mail whose code is wanted
}

// Error says what was wrong; it never holds what was typed.
func (e *TryError) Error() string { return e.Kind.Error() }

// Unwrap returns the kind.
func (e *TryError) Unwrap() error { return e.Kind }

// An Entry is what a right code gives.
type Entry struct {
	SetSession string
	SetDevice  string // empty when unchanged
	Admission  *Admission
	// Flow, where the code was for a change, is the flow that now allows it. The
	// session is as it was, and SetSession empty.
	Flow *Flow

	made    id   // see entered
	anew    bool // its browser is remembered from now on
	fresh   bool // its browser is another one than the person has entered with before
	grounds *grounds
}

// Verify spends a code. A try is counted before it is compared, and a right
// code is spent in the same atomic update: of any number of right answers at
// once exactly one gets in.
//
// What the flow's way wants is judged; every way is counted by the same counters. A
// code for a change gives leave to make it, and leaves the session as it is.
//
// Its errors are *TryError, *LimitError and ErrUnavailable.
func (g *Gate) Verify(ctx context.Context, v *Visit, f *Flow, try Try) (Entry, error) {
	if f.Address == "" || f.Session != "" && !g.ofSession(ctx, v, f) || !g.offers(f.Way, f) || !f.Proves() {
		return Entry{}, &TryError{Kind: ErrCodeExpired}
	}
	of, err := g.crowdOf(ctx, v, f.Address)
	if err != nil {
		return Entry{}, err
	}
	door := g.house.doorID(f.Address)
	if locked := g.house.locks.refuse(door, g.lockOf(of), v.Now); locked != nil {
		g.logTry(ctx, v, f, spending{}, locked)
		return Entry{}, locked
	}
	if over := g.house.usedUp.refuse(triesOf(f), g.house.now()); over != nil {
		g.logTry(ctx, v, f, spending{free: true}, over)
		return Entry{}, over
	}
	// An office is one network: what strangers in it typed must not keep out whoever
	// is none.
	uncounted := g.house.countNetwork(ctx, v.IP, LimitTryIP, g.policy.Limits.TryIP)
	if uncounted != nil && (!of.favoured() || errors.Is(uncounted, ErrUnavailable)) {
		g.logRefusal(ctx, v, f.Address, uncounted)
		return Entry{}, uncounted
	}
	did, err := g.judgeTry(ctx, v, f, try.Typed, of)
	g.house.locks.note(door, g.lockOf(of), err)
	g.house.usedUp.note(triesOf(f), err, g.house.now())
	if !did.warn.IsZero() {
		g.warn(ctx, v, f.Address, did.warn)
	}
	if err != nil {
		g.logTry(ctx, v, f, did, err)
		return Entry{}, err
	}
	g.house.checks.forget(checkTag(f.Mail))
	g.house.usedUp.lift(g.mailsTo(f.Address)) // its mail is given back
	if uncounted == nil {
		g.house.giveBack(ctx, v.IP, LimitTryIP, g.policy.Limits.TryIP)
	}
	did.remember = try.Remember
	return g.succeed(ctx, v, f, did)
}

// judgeTry counts what was typed, and judges it by the flow's way.
func (g *Gate) judgeTry(ctx context.Context, v *Visit, f *Flow, typed string, of crowd) (spending, error) {
	allowed := g.mayPass(f, v.Now)
	switch f.Way {
	case ByBackup, ByApp:
		return g.spendWay(ctx, v, f, typed, of, allowed)
	case BySecond:
		return g.spendSecond(ctx, v, f, typed, of, allowed)
	default:
		return g.spend(ctx, v, f, typed, of, allowed)
	}
}

// mayPass reports whether a code of a flow can be right at all.
func (g *Gate) mayPass(f *Flow, now time.Time) bool {
	if f.Change != nil && f.Change.Kind == ProveSecond && g.policy.Ways.Second == SecondAny {
		return true
	}
	return g.access.Load().Judge(f.Address, now).Allowed
}

// succeed is what a right code leads to: a session, a session confirmed, or leave to
// make a change.
func (g *Gate) succeed(ctx context.Context, v *Visit, f *Flow, did spending) (Entry, error) {
	entry, err := g.admitByCode(ctx, v, f, did)
	if err != nil {
		g.log(ctx, v, Event{Name: StoreFailed, Address: f.owner(), Err: err})
		if did.way == ByBackup { // it is gone all the same
			g.tellOfBackup(ctx, v, f, did.left, id{})
		}
		return Entry{}, unavailable(err)
	}
	g.log(ctx, v, Event{
		Name: Verified, Address: f.owner(), Source: f.Source, User: f.User, Ref: did.ref, Way: did.way, Left: did.left, Change: f.changes(), Entry: entry.made,
		Session: entry.Admission.Live.ID.Public(), Rule: entry.Admission.right.Rule, Reason: f.Reason, Waited: g.waited(did, v.Now), Fresh: entry.fresh,
	})
	if entry.anew {
		g.log(ctx, v, Event{Name: Remembered, Address: f.owner(), Source: f.Source, User: f.User, Session: entry.Admission.Live.ID.Public()})
	}
	g.logVerdict(ctx, v, Verdict{Decision: Pass, Identity: entry.Admission.Identity, Admission: entry.Admission}, did.way.factor(), entry.grounds)
	if did.way == ByBackup {
		g.tellOfBackup(ctx, v, f, did.left, entry.made)
	}
	return entry, nil
}

// changes is what a flow is to change.
func (f *Flow) changes() ChangeKind {
	if f.Change == nil {
		return ChangeNone
	}
	return f.Change.Kind
}

func (g *Gate) admitByCode(ctx context.Context, v *Visit, f *Flow, did spending) (Entry, error) {
	if f.Session == "" {
		return g.enter(ctx, v, f, did)
	}
	live, _, err := g.live(ctx, v)
	if err != nil {
		return Entry{}, err
	}
	if f.Change != nil {
		a := g.admission(v, live)
		if a == nil {
			return Entry{}, errUnfit
		}
		if err := g.proveMailbox(ctx, f, did.way); err != nil {
			return Entry{}, err
		}
		return Entry{Admission: a, Flow: f.allow(did, v.Now)}, nil
	}
	return g.renewProof(ctx, v, live, did)
}

// proveMailbox notes that whoever makes a change reads the mail of their address, see
// [Gate.mailboxProved]. A code that was mailed to a second address proves nothing of
// the first.
func (g *Gate) proveMailbox(ctx context.Context, f *Flow, by Way) error {
	if by != ByMail || f.Of != "" {
		return nil
	}
	h := g.house
	return change(ctx, h.store, h.personKey(f.Address), func(p *person, now time.Time) error {
		p.tidy(now)
		h.nameOn(p, f.Address)
		p.proved(by, now)
		return nil
	})
}

// A spending is what comes of a try beside its outcome.
type spending struct {
	ref      string
	mark     id        // of the link in the code's mail, where the code was right
	warn     time.Time // end of a lock of which the person is to be told
	way      Way
	older    bool  // the way was there a day ago
	left     int   // backup codes
	since    int64 // when the way was made; 0: it is a mailed code
	remember bool  // the person wants this browser remembered
	copied   bool  // of a passkey: it can be copied to other machines
	key      id    // which passkey it was

	mail   string    // names the mail whose code was right; empty where it was in none
	mailed time.Time // when that was asked for
	// Of a code that was not right: it was the same wrong one once more, or cost no try.
	repeated, free bool
}

// spend counts, compares and spends in one update of the address's record.
func (g *Gate) spend(ctx context.Context, v *Visit, f *Flow, typed string, of crowd, allowed bool) (did spending, err error) {
	var outcome error
	network := g.house.network(v.IP)
	err = change(ctx, g.house.store, g.house.doorKey(f.Address), func(d *door, now time.Time) error {
		outcome, did = nil, spending{way: f.Way}
		d.tidy(now)
		b := d.bucket(of)
		if until, locked := b.locked(g.policy.Limits.TryAddress, now); locked {
			outcome = &LimitError{Limit: LimitTryAddress, Until: until}
			return nil
		}
		c := d.of(g.house.flowHash(f.ID))
		if c == nil || c.expired(now) || c.Shape.Length < minCode {
			kind := ErrCodeExpired
			if c == nil && g.lost(f, v.Now) {
				kind = ErrCodeLost
			}
			_, reported := d.blocked(network)
			if outcome = g.attemptSpoken(d, b, f, typed, allowed && !reported, now); outcome == nil {
				did.way = byLetIn
			} else if errors.Is(outcome, errUnheard) {
				outcome = &TryError{Kind: kind}
			}
			did.warn = d.warning(outcome, now)
			return nil
		}
		did.ref = c.Ref
		if c.Lost {
			outcome = &TryError{Kind: ErrCodeLost, Ref: c.Ref}
			return nil
		}
		tries, given := c.Tries, c.Given
		if did.way, outcome = g.attempt(d, b, c, f, typed, allowed, now); outcome == nil {
			did.mark = g.house.spends(d, c, g.house.personID(f.Address), now)
			did.readIn(g.house.mailID(c), c)
			d.succeed(*c, of, network)
		} else {
			did.free, did.repeated = c.Tries == tries, c.Given > given && errors.Is(outcome, ErrWrongCode)
		}
		did.warn = d.warning(outcome, now)
		return nil
	})
	if err != nil {
		return spending{}, unavailable(err)
	}
	return did, outcome
}

// attempt counts a try and judges what was typed against the challenge of the flow,
// and against the code that an operator may have read out. With no error it was
// right, by the way that it returns.
func (g *Gate) attempt(d *door, b *bucket, c *pending, f *Flow, typed string, allowed bool, now time.Time) (Way, error) {
	left := g.policy.Code.Attempts - c.Tries
	if left <= 0 {
		return f.Way, &TryError{Kind: ErrCodeCancelled, Ref: c.Ref}
	}
	code, spoken, err := readTry(typed, c.Shape, f)
	if err != nil {
		if isLabel(typed, c.Ref) {
			err = ErrLabel
		}
		return f.Way, &TryError{Kind: err, Left: left, Ref: c.Ref}
	}
	c.Tries++
	b.count(g.policy.Limits, now)
	d.need(now.Add(horizon))
	until, locked := b.locked(g.policy.Limits.TryAddress, now)

	if allowed && !c.Void {
		if deriveCode(g.house.ring, c.seed, g.binding(f)).matches(code) {
			return f.Way, nil
		}
		if g.spendSpoken(d, f, spoken, now) {
			return byLetIn, nil
		}
	}
	if kind := g.kindOfWrong(c, f, code); kind != nil && c.Given < maxGivenBack && !locked {
		c.Given++
		c.Tries--
		b.Tries.takeBack()
		return f.Way, &TryError{Kind: kind, Left: left, Ref: c.Ref}
	}
	// Kept as a keyed hash, so that a double click costs nothing. There are never
	// more of them than a challenge has tries.
	c.Wrong = append(c.Wrong, g.wrongMAC(c, code))
	if locked {
		c.Tries = max(c.Tries, g.policy.Code.Attempts) // else it would wait for the end of the lock
		return f.Way, &LimitError{Limit: LimitTryAddress, Until: until}
	}
	if left--; left == 0 {
		return f.Way, &TryError{Kind: ErrCodeCancelled, Ref: c.Ref}
	}
	return f.Way, &TryError{Kind: ErrWrongCode, Left: left, Ref: c.Ref}
}

// kindOfWrong recognises the code of the mail before and a wrong code that was
// sent before; both can be given back. Nil is an ordinary wrong code.
func (g *Gate) kindOfWrong(c *pending, f *Flow, code string) error {
	if c.Earlier != nil && deriveCode(g.house.ring, *c.Earlier, g.binding(f)).matches(code) {
		return ErrOldCode
	}
	mac := g.wrongMAC(c, code)
	if slices.ContainsFunc(c.Wrong, func(w id) bool { return w == mac }) {
		return ErrWrongCode
	}
	return nil
}

func (g *Gate) wrongMAC(c *pending, code string) id {
	return cut(g.house.ring.MAC(labelWrong, c.ID[:], []byte(code)))
}

// readIn notes in which mail the code was that was right. One that was read out was in
// none.
func (s *spending) readIn(mail string, c *pending) {
	if s.way != byLetIn && c.Mails > 0 {
		s.mail, s.mailed = mail, time.Unix(c.Mailed, 0)
	}
}

func (g *Gate) logTry(ctx context.Context, v *Visit, f *Flow, did spending, err error) {
	var try *TryError
	if !errors.As(err, &try) {
		g.logRefusal(ctx, v, f.Address, err)
		return
	}
	g.log(ctx, v, Event{Name: did.called(try.Kind), Address: f.Address, Source: f.Source, User: f.User, Ref: try.Ref, Tries: try.Left, Way: f.Way, Err: try.Kind})
}

// called is the event of a code that was not right.
func (s *spending) called(kind error) EventName {
	malformed := (*MalformedError)(nil)
	switch {
	case errors.Is(kind, ErrOldCode):
		return OldCode
	case s.repeated:
		return RepeatedCode
	case errors.Is(kind, ErrCodeExpired), errors.Is(kind, ErrCodeLost), errors.Is(kind, ErrCodeCancelled) && s.free:
		return ExpiredCode
	case errors.Is(kind, ErrLabel), errors.As(kind, &malformed):
		return MalformedCode
	default:
		return WrongCode
	}
}
