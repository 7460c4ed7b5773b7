// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"time"
)

// A Way is how a person shows at the door who they are.
type Way string

// The ways.
const (
	ByMail   Way = ""       // a code that is mailed to their address
	ByBackup Way = "backup" // a backup code
	ByApp    Way = "app"    // the code that an authenticator app shows
	BySecond Way = "second" // a code that is mailed to their second address
	byLetIn  Way = "let_in" // a code that an operator read out
	// ByPasskey is a key in a machine that asks its owner first (WebAuthn). No flow is
	// turned to it: it is offered beside whatever the flow's way is.
	ByPasskey Way = "passkey"
)

// recovers reports whether a way is for when the usual one fails. It lets the person
// in and proves nothing for pages that want a fresh code.
func (w Way) recovers() bool { return w == ByBackup || w == BySecond || w == byLetIn }

// SecondPolicy says which second addresses people may have.
type SecondPolicy string

// The policies.
const (
	SecondAllowed SecondPolicy = "allowed" // those that may pass themselves
	SecondAny     SecondPolicy = "any"
	SecondOff     SecondPolicy = "off"
)

// WaysPolicy says which ways in there are beside the mailed code.
type WaysPolicy struct {
	BackupCodes  int           // how many are made at once; default: 10; negative: there are none
	NoApp        bool          // no authenticator apps
	Second       SecondPolicy  // default: allowed
	Tokens       bool          // access tokens for what is no browser
	Passkeys     bool          // keys that sign, see [Gate.OfferPasskey]
	ProveMailbox time.Duration // since the last mailed code in which the other ways work; default: 60 days
}

// Offers are the ways and other things that the gate has.
func (g *Gate) Offers() Offers {
	w := &g.policy.Ways
	return Offers{
		BackupCodes: w.BackupCodes > 0, App: !w.NoApp, Second: w.Second != SecondOff, Tokens: w.Tokens && g.policy.Accept != AcceptPasskey, Passkeys: w.Passkeys && g.policy.Accept != AcceptCode,
	}
}

// offers reports whether the gate has a way for what a flow is about. A session is
// confirmed by the mail or the app: what is for when those fail must not raise what
// a session may do.
func (g *Gate) offers(w Way, f *Flow) bool {
	o := g.Offers()
	confirms := f.Session != "" && f.Change == nil
	switch f.changes() {
	case ProveSecond: // only its own mail proves a mailbox
		return w == ByMail
	case MakeBackupCodes, TestBackupCode: // whoever finds one of them must not come by ten
		o.BackupCodes = false
	}
	switch w {
	case ByMail:
		return true
	case ByBackup:
		return o.BackupCodes && !confirms
	case ByApp:
		return o.App
	case BySecond:
		return o.Second && !confirms
	case ByPasskey:
		return o.Passkeys
	default:
		return false
	}
}

// OffersAt are the ways that a flow may choose from, beside the mailed code.
func (g *Gate) OffersAt(f *Flow) Offers {
	return Offers{BackupCodes: g.offers(ByBackup, f), App: g.offers(ByApp, f), Second: g.offers(BySecond, f), Passkeys: g.offers(ByPasskey, f)}
}

// ChooseWay turns a flow to another way. It keeps nothing and tells nothing about
// the address. A way that the gate does not offer is ErrNotOffered.
func (g *Gate) ChooseWay(f *Flow, w Way) (*Flow, error) {
	if !g.offers(w, f) {
		return nil, ErrNotOffered
	}
	next := *f
	next.Way, next.Note = w, nil
	if f.Way == BySecond && w != BySecond { // of that mail nothing is told
		next.Mail = ""
	}
	return &next, nil
}

// SendSecond has a code sent to the second address of whoever the flow is about. What
// follows is the same whether there is one or not. Its errors are those of Begin, and
// ErrNotOffered.
func (g *Gate) SendSecond(ctx context.Context, v *Visit, f *Flow) (Sent, error) {
	if !g.offers(BySecond, f) || f.Address == "" {
		return Sent{}, ErrNotOffered
	}
	return g.begin(ctx, v, f, f.Address, asking{way: BySecond})
}
