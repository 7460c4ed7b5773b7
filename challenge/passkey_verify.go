// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys"
)

// LimitTryPasskey is no setting: as many passkeys as codes are tried from one network,
// and two hundred a second on one machine, of which strangers have half. A signature
// cannot be guessed, and no address is locked for it: the limit is against work.
const LimitTryPasskey Limit = "try_passkey"

const passkeysASecond = 200

// What is wrong with a passkey, for the operator.
var (
	errPasskeyWhose  = errors.New("it is somebody else's")
	errPasskeyStops  = errors.New("it does not count at the moment")
	errPasskeyAgain  = errors.New("its challenge was answered before")
	errPasskeyLate   = errors.New("it was used since its challenge was made")
	errPasskeyOver   = errors.New("its challenge is over")
	errPasskeyCloned = errors.New("its count did not rise: there is a copy of it")
	errMayNotPass    = errors.New("its person may not pass")
)

// VerifyPasskey lets in whoever signed the challenge of the flow, as [Gate.Verify] does
// for a code: it makes a session, confirms the one of the flow, or gives leave to make
// the flow's change. Where the flow knows whom it is about, only their passkeys count.
//
// Its errors are ErrNotOffered, *TryError whose Kind is ErrPasskeyRefused, *LimitError
// and ErrUnavailable.
func (g *Gate) VerifyPasskey(ctx context.Context, v *Visit, f *Flow, try PasskeyTry) (Entry, error) {
	site, err := v.relyingParty()
	if err != nil || !g.offers(ByPasskey, f) {
		return Entry{}, ErrNotOffered
	}
	said, err := g.readPasskey(ctx, v, f, site, try.Response)
	if err != nil {
		return Entry{}, g.refusePasskey(ctx, v, f, err)
	}
	counted, err := g.countPasskey(ctx, v)
	if err != nil {
		return Entry{}, g.refusePasskey(ctx, v, f, err)
	}
	at, did, err := g.spendPasskey(ctx, v, f, said)
	if err != nil {
		return Entry{}, g.refusePasskey(ctx, v, f, err)
	}
	if counted {
		g.house.giveBack(ctx, v.IP, LimitTryPasskey, g.policy.Limits.TryIP)
	}
	if f.Address != "" { // a code may be under way
		did.mark = g.endCode(ctx, v, f)
	}
	did.remember = try.Remember
	return g.succeed(ctx, v, at, did)
}

// readPasskey reads an answer. What needs no key to be seen costs no record and counts
// nothing.
func (g *Gate) readPasskey(ctx context.Context, v *Visit, f *Flow, site passkeys.RP, response []byte) (*passkeys.Assertion, error) {
	if f.Passkey == nil || !f.Passkey.waits(v.Now) || !f.Proves() || f.Session != "" && !g.ofSession(ctx, v, f) {
		return nil, errPasskeyOver
	}
	return site.Read(g.askOf(f, site), response)
}

// refusePasskey makes one error of all that a visitor is not to tell apart, and tells
// the operator.
func (g *Gate) refusePasskey(ctx context.Context, v *Visit, f *Flow, err error) error {
	if limit := (*LimitError)(nil); errors.As(err, &limit) || errors.Is(err, ErrUnavailable) {
		g.logRefusal(ctx, v, f.owner(), err)
		return err
	}
	g.log(ctx, v, Event{Name: PasskeyRefused, Address: f.owner(), Source: f.Source, User: f.User, Way: ByPasskey, Err: err})
	return &TryError{Kind: ErrPasskeyRefused, Left: -1}
}

// countPasskey counts a passkey before its signature is looked at. It reports false where
// its network had no room, and it is looked at all the same.
func (g *Gate) countPasskey(ctx context.Context, v *Visit) (counted bool, err error) {
	_, in := g.Session(ctx, v) // a cookie that anybody can make up is no acquaintance
	known := in || len(g.house.claims(v)) > 0 || g.named(v.IP) != ""
	if free, ok := g.house.passkeys.take(known, v.Now); !ok {
		return false, &LimitError{Limit: LimitTryPasskey, Until: free}
	}
	err = g.house.countNetwork(ctx, v.IP, LimitTryPasskey, g.policy.Limits.TryIP)
	if limit := (*LimitError)(nil); known && errors.As(err, &limit) { // an office is one network
		return false, nil
	}
	return err == nil, err
}

// A passkeyPace bounds how many passkeys this machine looks at in a second.
type passkeyPace struct {
	mu             sync.Mutex // guards below
	second         int64      // Unix
	all, strangers int
}

func (p *passkeyPace) take(known bool, now time.Time) (free time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if second := now.Unix(); p.second != second {
		p.second, p.all, p.strangers = second, 0, 0
	}
	if p.all >= passkeysASecond || !known && p.strangers >= passkeysASecond/2 {
		return time.Unix(p.second+1, 0), false
	}
	p.all++
	if !known {
		p.strangers++
	}
	return time.Time{}, true
}

// A keyholder is who an answer says that it is of, as the records have it.
type keyholder struct {
	who        id
	credential passkeys.Credential
	terms      passkeyTerms
}

// spendPasskey finds the passkey that an answer names, checks its signature, and spends
// its challenge, in one update. The records are read for every answer, whoever it is
// of, and nothing is written for one that is refused before its signature was right.
// at is the flow, of the person to whom the passkey belongs.
func (g *Gate) spendPasskey(ctx context.Context, v *Visit, f *Flow, said *passkeys.Assertion) (at *Flow, did spending, err error) {
	k, err := g.findPasskey(ctx, v, f, said)
	if err != nil {
		return nil, spending{}, err
	}
	use, err := said.Verify(&k.credential)
	if err != nil {
		return nil, spending{}, err
	}
	var refused error
	name := g.house.passkeyID(said.ID)
	err = g.house.store.confirmed(ctx, keyBelongings+k.who.String(), func(b *belongings, now time.Time) error {
		b.tidy(now)
		did, refused = b.spendPasskey(name, f.Passkey, use, now)
		if refused != nil && !errors.Is(refused, errPasskeyCloned) {
			return errUnchanged
		}
		return nil
	})
	if err = kept(err); err != nil {
		return nil, spending{}, unavailable(err)
	}
	if errors.Is(refused, errPasskeyCloned) {
		g.tellOfClone(ctx, v, k.terms)
	}
	did.copied = k.credential.BackupEligible
	to := *f
	to.Address, to.Passkey = k.terms.Email, nil
	return &to, did, refused
}

// spendPasskey spends a challenge that a passkey has signed.
func (b *belongings) spendPasskey(name id, ask *passkeyAsk, use passkeys.Use, now time.Time) (spending, error) {
	k := b.passkey(name) // it may have gone since it was looked for
	if k == nil || !k.counts() {
		return spending{}, errPasskeyStops
	}
	fresh, full := b.spendAsk(ask, now)
	switch {
	case !full.IsZero():
		return spending{}, &LimitError{Limit: LimitTryPasskey, Until: full}
	case !fresh:
		return spending{}, errPasskeyAgain
	case !passkeys.Rises(k.Count, use.SignCount) && ask.At < k.Used: // of two answers the earlier came later
		return spending{}, errPasskeyLate
	case !passkeys.Rises(k.Count, use.SignCount):
		k.Cloned = true
		return spending{}, errPasskeyCloned
	}
	k.Count, k.Used = use.SignCount, now.Unix()
	return spending{way: ByPasskey, key: k.ID, older: now.Sub(time.Unix(k.Made, 0)) >= youngFor, since: k.Made}, nil
}

// findPasskey reads what is kept of whom an answer names.
func (g *Gate) findPasskey(ctx context.Context, v *Visit, f *Flow, said *passkeys.Assertion) (keyholder, error) {
	h, k := g.house, keyholder{who: g.house.holder(said.Handle)}
	p, err := read[person](ctx, h.store, keyPerson+k.who.String())
	if err != nil {
		return k, unavailable(err)
	}
	b, err := read[belongings](ctx, h.store, keyBelongings+k.who.String())
	if err != nil {
		return k, unavailable(err)
	}
	b.tidy(v.Now)
	found := b.passkey(h.passkeyID(said.ID))
	if found == nil {
		return k, errNoPasskey
	}
	if k.terms, k.credential, err = h.openPasskey(found, k.who); err != nil {
		return k, fmt.Errorf("opening passkey: %w", err)
	}
	switch {
	case f.Address != "" && f.owner() != k.terms.Email:
		return k, errPasskeyWhose
	case !found.counts() || !g.mailboxProved(&p, v.Now):
		return k, errPasskeyStops
	case !g.access.Load().Judge(k.terms.Email, v.Now).Allowed:
		return k, errMayNotPass
	}
	return k, nil
}

const labelHolder keyring.Label = "unknown holder of a passkey"

// holder is the person whom a user handle names, which is the name of their records: a
// keyed hash of their address. Whatever else a browser brings leads to records that
// nobody has.
func (h *House) holder(handle []byte) id {
	if len(handle) == len(id{}) {
		return id(handle)
	}
	return cut(h.ring.MAC(labelHolder, handle))
}

// endCode ends the code that a flow may have under way, and forgets the tries at it.
func (g *Gate) endCode(ctx context.Context, v *Visit, f *Flow) (mark id) {
	of, err := g.crowdOf(ctx, v, f.Address)
	if err != nil {
		return id{}
	}
	mark = g.pardon(ctx, f, of)
	g.house.locks.note(g.house.doorID(f.Address), g.lockOf(of), nil)
	g.house.checks.forget(checkTag(f.Mail))
	return mark
}

// tellOfClone tells a person that one of their passkeys was copied, and works no more.
func (g *Gate) tellOfClone(ctx context.Context, v *Visit, t passkeyTerms) {
	g.log(ctx, v, Event{Name: PasskeyCloned, Address: t.Email, Change: StopPasskey, Called: t.Name})
	g.tellPerson(ctx, v, t.Email, Notice{Subject: WaysChanged, Change: StopPasskey, Expires: v.Now.Add(changesKept)})
}
