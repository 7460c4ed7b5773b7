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

	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
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
}

// Verify spends a code. A try is counted before it is compared, and a right
// code is spent in the same atomic update: of any number of right answers at
// once exactly one gets in.
//
// Its errors are *TryError, *LimitError and ErrUnavailable.
func (g *Gate) Verify(ctx context.Context, v *Visit, f *Flow, try Try) (Entry, error) {
	if f.Session != "" && !g.ofSession(ctx, v, f) {
		return Entry{}, &TryError{Kind: ErrCodeExpired}
	}
	of, err := g.crowdOf(ctx, v, f.Address)
	if err != nil {
		return Entry{}, err
	}
	door := g.house.doorID(f.Address)
	if locked := g.house.locks.refuse(door, g.lockOf(of), v.Now); locked != nil {
		g.logTry(ctx, v, f, locked)
		return Entry{}, locked
	}
	// An office is one network: what strangers in it typed must not keep out whoever
	// is none.
	uncounted := g.house.countNetwork(ctx, v.IP, LimitTryIP, g.policy.Limits.TryIP)
	if uncounted != nil && (!of.favoured() || errors.Is(uncounted, ErrUnavailable)) {
		g.logRefusal(ctx, v, f.Address, uncounted)
		return Entry{}, uncounted
	}
	right := g.access.Load().Judge(f.Address, v.Now)
	did, err := g.spend(ctx, v, f, try.Typed, of, right.Allowed)
	g.house.locks.note(door, g.lockOf(of), err)
	if !did.warn.IsZero() {
		g.warn(ctx, v, f.Address, did.warn)
	}
	if err != nil {
		g.logTry(ctx, v, f, err)
		return Entry{}, err
	}
	if uncounted == nil {
		g.house.giveBack(ctx, v.IP, LimitTryIP)
	}
	entry, err := g.admitByCode(ctx, v, f, did.mark, try.Remember)
	if err != nil {
		g.log(ctx, v, Event{Name: StoreFailed, Address: f.Address, Err: err})
		return Entry{}, unavailable(err)
	}
	g.log(ctx, v, Event{
		Name: Verified, Address: f.Address, Source: f.Source, User: f.User, Ref: did.ref,
		Session: entry.Admission.Live.ID.Public(), Rule: right.Rule, Reason: f.Reason,
	})
	g.logVerdict(ctx, v, Verdict{Decision: Pass, Identity: entry.Admission.Identity, Admission: entry.Admission}, FactorCode)
	return entry, nil
}

// admitByCode is what a right code leads to: a session, or a session confirmed.
func (g *Gate) admitByCode(ctx context.Context, v *Visit, f *Flow, code id, remember bool) (Entry, error) {
	if f.Session == "" {
		return g.enter(ctx, v, f, code, remember)
	}
	live, _, err := g.live(ctx, v)
	if err != nil {
		return Entry{}, err
	}
	return g.renewProof(ctx, v, live, code)
}

// A spending is what comes of a try beside its outcome.
type spending struct {
	ref  string
	mark id        // of the link in the code's mail, where the code was right
	warn time.Time // end of a lock of which the person is to be told
}

// spend counts, compares and spends in one update of the address's record.
func (g *Gate) spend(ctx context.Context, v *Visit, f *Flow, typed string, of crowd, allowed bool) (did spending, err error) {
	var outcome error
	network := g.house.network(v.IP)
	err = change(ctx, g.house.store, g.house.doorKey(f.Address), func(d *door, now time.Time) error {
		outcome, did = nil, spending{}
		d.tidy(now)
		b := d.bucket(of)
		if until, locked := b.locked(g.policy.Limits.TryAddress, now); locked {
			outcome = &LimitError{LimitTryAddress, until}
			return nil
		}
		c := d.of(g.house.flowHash(f.ID))
		if c == nil && g.lost(f, v.Now) {
			outcome = &TryError{Kind: ErrCodeLost}
			return nil
		}
		if c == nil || c.expired(now) || c.Shape.Length < minCode {
			outcome = &TryError{Kind: ErrCodeExpired}
			return nil
		}
		did.ref = c.Ref
		if c.Lost {
			outcome = &TryError{Kind: ErrCodeLost, Ref: c.Ref}
			return nil
		}
		if outcome = g.attempt(d, b, c, f, typed, allowed, now); outcome == nil {
			did.mark = g.house.spends(d, c, g.house.personID(f.Address), now)
			d.succeed(*c, of, network)
		}
		did.warn = d.warning(outcome, now)
		return nil
	})
	if err != nil {
		return spending{}, unavailable(err)
	}
	return did, outcome
}

// attempt counts a try, judges what was typed against the challenge of the flow,
// and returns nil when the code was right.
func (g *Gate) attempt(d *door, b *bucket, c *pending, f *Flow, typed string, allowed bool, now time.Time) error {
	left := g.policy.Code.Attempts - c.Tries
	if left <= 0 {
		return &TryError{Kind: ErrCodeCancelled, Ref: c.Ref}
	}
	code, err := Normalize(typed, c.Shape)
	if err != nil {
		if isLabel(typed, c.Ref) {
			err = ErrLabel
		}
		return &TryError{Kind: err, Left: left, Ref: c.Ref}
	}
	c.Tries++
	b.count(g.policy.Limits, now)
	d.need(now.Add(horizon))
	until, locked := b.locked(g.policy.Limits.TryAddress, now)

	if deriveCode(g.house.ring, c.seed, g.binding(f)).matches(code) && allowed && !c.Void {
		return nil
	}
	if kind := g.kindOfWrong(c, f, code); kind != nil && c.Given < maxGivenBack && !locked {
		c.Given++
		c.Tries--
		b.Tries.takeBack()
		return &TryError{Kind: kind, Left: left, Ref: c.Ref}
	}
	// Kept as a keyed hash, so that a double click costs nothing. There are never
	// more of them than a challenge has tries.
	c.Wrong = append(c.Wrong, g.wrongMAC(c, code))
	if locked {
		return &LimitError{LimitTryAddress, until}
	}
	if left--; left == 0 {
		return &TryError{Kind: ErrCodeCancelled, Ref: c.Ref}
	}
	return &TryError{Kind: ErrWrongCode, Left: left, Ref: c.Ref}
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

// leaveBehind ends the session that the browser has, whoever it is of: a session
// never survives an entry (fixation).
func (g *Gate) leaveBehind(ctx context.Context, v *Visit) error {
	if v.Session == "" {
		return nil
	}
	live, _, err := g.live(ctx, v)
	if err != nil {
		return nil //nolint:nilerr // it is over already
	}
	return g.house.retire(ctx, live, "", func(*person) {})
}

// keeps says whether this browser is to be remembered: as the operator chose,
// or as the person did. One that was remembered before stays so.
func (g *Gate) keeps(asked bool) bool {
	switch g.policy.Devices.Choice {
	case ChoiceAlways:
		return true
	case ChoiceNever:
		return false
	default:
		return asked
	}
}

var errUnfit = errors.New("session does not fit the visit it was made for")

// finish makes the cookies. A browser that is not to be remembered for whoever
// came in by a code lets nobody else in by itself afterwards.
func (g *Gate) finish(v *Visit, s sessions.Session, claims devices.Claims, d devices.Record, since uint64) (Entry, error) {
	token, live, err := g.open(s, d.Generation, since, v.Now)
	if err != nil {
		return Entry{}, err
	}
	entry := Entry{SetSession: token, Admission: g.admission(v, live)}
	if entry.Admission == nil {
		return Entry{}, errUnfit
	}
	switch {
	case d.ID != "":
		entry.SetDevice = g.house.sealClaims(v, claims.With(devices.Claim{
			Address: s.Email, Source: s.Source, User: s.User, ID: d.ID, Generation: d.Generation, Expires: g.rememberedUntil(&d).Unix(),
		}))
	case len(claims) > 0 && v.Earlier == nil:
		entry.SetDevice = g.house.sealClaims(v, claims.Sleep(s.Email))
	}
	return entry, nil
}

func (g *Gate) logTry(ctx context.Context, v *Visit, f *Flow, err error) {
	var try *TryError
	if !errors.As(err, &try) {
		g.logRefusal(ctx, v, f.Address, err)
		return
	}
	name := WrongCode
	if errors.Is(err, ErrOldCode) {
		name = OldCode
	}
	g.log(ctx, v, Event{Name: name, Address: f.Address, Source: f.Source, User: f.User, Ref: try.Ref, Tries: try.Left, Err: try.Kind})
}
