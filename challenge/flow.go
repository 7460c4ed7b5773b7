// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
)

// A Flow is one browser's way through a check. It travels sealed in a cookie;
// what it leads to is in the address's record.
type Flow struct {
	ID      id      `json:"id"`
	Gate    string  `json:"gate"`
	Address Email   `json:"to"`
	Source  string  `json:"src,omitempty"`
	User    string  `json:"user,omitempty"`
	Session string  `json:"s,omitempty"` // the session that is to be confirmed; empty to sign in
	Reason  Reason  `json:"why,omitempty"`
	Way     Way     `json:"way,omitempty"`
	Change  *Change `json:"chg,omitempty"` // the code is to allow it; nil: it signs in, or confirms the session
	Permit  *permit `json:"ok,omitempty"`  // that of a code which was right
	// Left: its person went back from the change, and nothing waits for its code before they
	// ask for the same change again.
	Left bool `json:"left,omitempty"`
	// Of is whose flow it is, where Address is not theirs yet: a second address that
	// is to be proved.
	Of   Email     `json:"of,omitempty"`
	Made int64     `json:"made"`           // Unix seconds
	Mail string    `json:"mail,omitempty"` // names the last mail, see House.mailID
	Note *FlowNote `json:"note,omitempty"`
	// Passkey is the challenge that a passkey may sign; nil: none was offered.
	Passkey *passkeyAsk `json:"pk,omitempty"`
	// Back is where its person was going when they had to change something first, a path
	// and query. Empty: nowhere.
	Back string `json:"b,omitempty"`

	second Email // to which a code BySecond is mailed; never sealed, since a cookie shows its length
}

// A FlowNote is what the last action came to, so that a page which is loaded
// again says the same again.
type FlowNote struct {
	Kind    string `json:"k"`
	Entered int    `json:"n,omitempty"` // characters of a code that were entered
	Until   int64  `json:"t,omitempty"` // Unix seconds
	Typed   string `json:"y,omitempty"` // what goes into the field again
	Better  string `json:"r,omitempty"` // the address that may have been meant
	// Remember: the box beside the code is ticked.
	Remember bool `json:"d,omitempty"`
}

// FlowLife is how long a flow cookie is good for.
const FlowLife = 15 * time.Minute

// What codes are for. A code for one does nothing for the other.
const (
	purposeSignIn  = "sign-in"
	purposeConfirm = "confirm "
	purposeChange  = "change "
	purposeSecond  = " at the second address "
)

// binding is what a code is bound to, beside its challenge.
type binding struct{ address, purpose, gate string }

func (g *Gate) binding(f *Flow) binding {
	b := binding{address: string(f.Address), purpose: purposeSignIn, gate: g.id}
	switch {
	case f.Change != nil:
		b.purpose = purposeChange + f.Session + " " + string(f.Change.Kind) + " " + f.Change.Detail
	case f.Session != "":
		b.purpose = purposeConfirm + f.Session
	}
	if f.Way == BySecond {
		b.purpose += purposeSecond + string(f.second)
	}
	return b
}

// SealFlow makes the value of the flow cookie.
func (g *Gate) SealFlow(f *Flow) string {
	plain, err := json.Marshal(f)
	if err != nil {
		panic("challenge: encoding plain data: " + err.Error())
	}
	return g.house.ring.SealString(labelFlow, plain, nil)
}

// OpenFlow reads a flow cookie. It counts only for this gate, for its time, and
// for the identity that the request speaks for.
func (g *Gate) OpenFlow(value string, v *Visit) (*Flow, error) {
	plain, err := g.house.ring.OpenString(labelFlow, value, nil)
	if err != nil {
		return nil, ErrNoFlow
	}
	f := new(Flow)
	if err := json.Unmarshal(plain, f); err != nil {
		return nil, ErrNoFlow
	}
	made := time.Unix(f.Made, 0)
	if f.Gate != g.id || v.Now.After(made.Add(FlowLife)) || made.After(v.Now.Add(time.Minute)) {
		return nil, ErrNoFlow
	}
	who := Identity{}
	if v.Earlier != nil {
		who = *v.Earlier
	} else {
		who.Email = f.owner()
	}
	if !who.same(Identity{Source: f.Source, User: f.User, Email: f.owner()}) {
		return nil, ErrNoFlow
	}
	return f, nil
}

// owner is the address of whose flow it is.
func (f *Flow) owner() Email {
	if f.Of != "" {
		return f.Of
	}
	return f.Address
}

// newFlow begins, or begins anew, a browser's way through a check.
func (g *Gate) newFlow(v *Visit, before *Flow, to Email) *Flow {
	f := &Flow{ID: newID(), Gate: g.id, Address: to, Made: v.Now.Unix()}
	switch {
	case v.Confirm != nil:
		f.Session, f.Source, f.User = v.Confirm.key, v.Confirm.Source, v.Confirm.User
	case v.Earlier != nil:
		f.Source, f.User = v.Earlier.Source, v.Earlier.User
	}
	f.Reason, f.Change = v.Reason, v.Change
	if before != nil && before.Session == f.Session && sameChange(before.Change, f.Change) {
		f.ID, f.Of, f.Back = before.ID, before.Of, before.Back
		if before.Permit != nil && before.Permit.Half { // one that is whole has had its change, or its time
			f.Permit = before.Permit
		}
		if f.Reason == "" {
			f.Reason = before.Reason
		}
	}
	return f
}

// A Phase is how far a flow is.
type Phase int

// The phases.
const (
	NoChallenge Phase = iota // nothing was sent, or it is long over
	Waiting                  // a code is on its way
	Lapsed                   // the code's time is over
	Cancelled                // too many wrong tries ended the code
	LockedOut                // no code is accepted until the lock ends
	Lost                     // the store is in another life: the code may have been used
)

// Progress is what a page tells of a flow.
type Progress struct {
	Phase    Phase
	Ref      string
	Form     Form
	Ends     time.Time
	ResendAt time.Time // when another mail may be asked for
	MailsUp  bool      // this challenge was mailed as often as it may be
	Left     int       // tries
	Until    time.Time // end of the lock
	Second   bool      // this challenge is mailed to the second address
}

// Progress reads how far a flow is. It changes nothing.
func (g *Gate) Progress(ctx context.Context, v *Visit, f *Flow) (Progress, error) {
	of, err := g.crowdOf(ctx, v, f.Address)
	if err != nil {
		return Progress{}, err
	}
	if limit := (*LimitError)(nil); errors.As(g.house.locks.refuse(g.house.doorID(f.Address), g.lockOf(of), v.Now), &limit) {
		return Progress{Phase: LockedOut, Until: limit.Until}, nil
	}
	d, err := read[door](ctx, g.house.store, g.house.doorKey(f.Address))
	if err != nil {
		return Progress{}, unavailable(err)
	}
	if until, locked := d.bucket(of).locked(g.policy.Limits.TryAddress, v.Now); locked {
		return Progress{Phase: LockedOut, Until: until}, nil
	}
	p := g.progress(d.of(g.house.flowHash(f.ID)), v.Now)
	if p.Phase == NoChallenge && g.lost(f, v.Now) {
		p.Phase = Lost
	}
	return p, nil
}

// lost reports whether the challenge of a flow, of which there is no record, may
// have been lost by the store: the flow is older than the store's last change, and
// its code would work still.
func (g *Gate) lost(f *Flow, now time.Time) bool {
	restarted := g.house.restarted.Load()
	return restarted != 0 && f.Made <= restarted && now.Before(time.Unix(f.Made, 0).Add(g.policy.Code.TTL))
}

func (g *Gate) progress(c *pending, now time.Time) Progress {
	if c == nil || c.ID == (id{}) {
		return Progress{}
	}
	p := Progress{
		Phase: Waiting, Ref: c.Ref, Form: c.Shape, Ends: time.Unix(c.Ends, 0),
		ResendAt: time.Unix(c.Mailed, 0).Add(g.policy.Code.Resend), MailsUp: c.Mails >= g.policy.Code.Mails,
		Left: g.policy.Code.Attempts - c.Tries, Second: c.Second,
	}
	switch {
	case c.Lost:
		p.Phase = Lost
	case c.expired(now):
		p.Phase = Lapsed
	case p.Left <= 0:
		p.Phase = Cancelled
	}
	return p
}

// crowdOf is whom a visit is counted with at an address. It depends on what the
// visitor brings and where they are, never on whether the address is known.
func (g *Gate) crowdOf(ctx context.Context, v *Visit, e Email) (crowd, error) {
	if v.Earlier != nil {
		return g.crowd(v, e, bond{}), nil
	}
	b, err := g.bond(ctx, v, e)
	return g.crowd(v, e, b), err
}

// crowd is crowdOf for a visit whose bond is known.
func (g *Gate) crowd(v *Visit, e Email, b bond) crowd {
	switch {
	case v.Earlier != nil && v.Earlier.Email != e:
		return strangers
	case v.Earlier != nil || b.known():
		return owners
	case g.named(v.IP) != "":
		return office
	default:
		return strangers
	}
}

// A bond is how a browser itself is known for an address.
type bond struct {
	session bool            // it has a live session
	browser *devices.Record // it is remembered, or was and somebody signed out on it
}

// known reports whether the browser's tries and mails count with the person's own.
func (b bond) known() bool { return b.session || b.browser != nil }

// trusted reports whether no report keeps it out. A copy of the cookie that was
// signed out is in nobody's hands that are known.
func (b bond) trusted() bool { return b.session || b.browser != nil && !b.browser.Ended }

// bond finds how the browser of a visit is known for an address: by a live
// session or by being remembered.
func (g *Gate) bond(ctx context.Context, v *Visit, e Email) (b bond, err error) {
	if v.Session != "" {
		if live, _, err := g.live(ctx, v); err == nil && Email(live.Email).Canonical() == e.Canonical() {
			return bond{session: true}, nil
		}
	}
	claims := g.house.claims(v)
	mine := slices.DeleteFunc(slices.Clone(claims), func(c devices.Claim) bool { return Email(c.Address) != e })
	if len(mine) == 0 {
		return bond{}, nil
	}
	p, err := read[person](ctx, g.house.store, g.house.personKey(e))
	if err != nil {
		return bond{}, unavailable(err)
	}
	for _, claim := range mine {
		d := p.device(claim.ID)
		if d != nil && !g.forgets(d, v.Now) && d.Judge(claim.Generation, v.Now) != devices.Stale && !g.unproved(d, v) {
			return bond{browser: d}, nil
		}
	}
	return bond{}, nil
}

// SealForm makes the hidden value of a form, bound to an audience.
func (g *Gate) SealForm(plain []byte, audience string) string {
	return g.house.ring.SealString(labelForm, plain, []byte(audience))
}

// OpenForm reads what SealForm made.
func (g *Gate) OpenForm(sealed, audience string) ([]byte, error) {
	return g.house.ring.OpenString(labelForm, sealed, []byte(audience))
}

// NewFlow begins a flow before any address is known, so that a form can be tied
// to its browser.
func (g *Gate) NewFlow(v *Visit) *Flow { return g.newFlow(v, nil, v.known()) }

// known is the address of a visit that nobody has to type; empty where somebody
// has.
func (v *Visit) known() Email {
	switch {
	case v.Confirm != nil:
		return Email(v.Confirm.Email)
	case v.Earlier != nil:
		return v.Earlier.Email
	default:
		return ""
	}
}

// Fits reports whether a flow is of the kind that a visit needs: to confirm a
// session, or to sign in.
func (f *Flow) Fits(v *Visit) bool {
	if !sameChange(f.Change, v.Change) {
		return false
	}
	if v.Confirm != nil {
		return f.Session == v.Confirm.key
	}
	return f.Session == ""
}

// Key names the flow in forms.
func (f *Flow) Key() string { return f.ID.String() }

// GateOfFlow names the gate that a flow cookie was made at; empty when it is not
// one of ours, or of a change that its person went back from.
func (g *Gate) GateOfFlow(value string) string {
	plain, err := g.house.ring.OpenString(labelFlow, value, nil)
	if err != nil {
		return ""
	}
	var f struct {
		Gate string `json:"gate"`
		Left bool   `json:"left"`
	}
	if json.Unmarshal(plain, &f) != nil || f.Left {
		return ""
	}
	return f.Gate
}

// sameChange reports whether two flows are for the same change, or both for none.
func sameChange(a, b *Change) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
