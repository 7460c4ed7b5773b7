// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys"
)

// ErrPasskeyRefused is the kind of a [*TryError] that no passkey of the person answers
// for. Why is not said: an unknown passkey, a person who may not pass, a changed answer
// and one that was given before are refused alike.
var ErrPasskeyRefused = errors.New("passkey was not accepted")

// NeedsPasskey is why a session is asked whose last proof was no passkey, where only
// one will do, see [AcceptPasskey]. It is no reason of package risk: nothing about it is
// out of the ordinary.
const NeedsPasskey Reason = "passkey"

// An Accept says which ways satisfy a check.
type Accept string

// What can be accepted.
const (
	AcceptAny  Accept = ""     // each way that the gate has
	AcceptCode Accept = "code" // all but passkeys, which are then not offered
	// AcceptPasskey: passkeys alone. Codes still lead to the account pages, where
	// somebody without a passkey makes one. Access tokens do not pass.
	AcceptPasskey Accept = "passkey"
)

// A PasskeyTry is what a browser made of the options of [Gate.OfferPasskey].
type PasskeyTry struct {
	Response []byte // JSON of the PublicKeyCredential, as its toJSON writes it; at most 8 KiB
	Remember bool   // the person wants this browser remembered
}

// A passkeyAsk is the challenge of a flow, without the challenge: that is derived, so
// that it is good for nothing but the flow's own purpose.
type passkeyAsk struct {
	ID id    `json:"i"`
	At int64 `json:"t"` // Unix seconds
}

const (
	labelAsk    keyring.Label = "passkey challenge"
	labelBeside keyring.Label = "flow beside a change"
	askLife                   = passkeys.Patience
	// enrolment is what the challenge of a new passkey is for, see House.askFor.
	enrolment = "enrolment "
)

// OfferPasskey asks a browser for a passkey. options is the JSON of a
// PublicKeyCredentialRequestOptionsJSON (WebAuthn Level 3, section 5.1.9), the same for
// everyone but for its challenge; next is the flow that carries the challenge, sealed
// and good for five minutes. Nothing is kept, nothing counted, and no address need be
// known. Where the gate has no passkeys, or the flow is to prove another mailbox, the
// error is ErrNotOffered.
func (g *Gate) OfferPasskey(v *Visit, f *Flow) (options []byte, next *Flow, err error) {
	site, err := v.relyingParty()
	if err != nil || !g.offers(ByPasskey, f) || !f.Proves() {
		return nil, nil, ErrNotOffered
	}
	to := *f
	to.Passkey = &passkeyAsk{ID: newID(), At: v.Now.Unix()}
	return site.RequestOptions(g.askOf(&to, site)), &to, nil
}

// relyingParty is the site of a visit as passkeys know it: the domain that hosts share,
// or else the host by itself.
func (v *Visit) relyingParty() (passkeys.RP, error) {
	domain := v.Audience
	if strings.Contains(domain, "://") {
		domain = ""
	}
	site, err := passkeys.At(v.Link, domain)
	site.Name = v.App
	return site, err
}

// askOf is the challenge of a flow. What was signed for one purpose, site or address
// is of no use for another, whatever flow it is brought with.
func (g *Gate) askOf(f *Flow, site passkeys.RP) []byte {
	at := *f
	at.Way = ByMail // another tab may turn the flow to another way meanwhile
	b := g.binding(&at)
	return g.house.askFor(f.Passkey, site, b.gate, b.purpose, b.address, f.Key())
}

func (h *House) askFor(ask *passkeyAsk, site passkeys.RP, about ...string) []byte {
	parts := [][]byte{ask.ID[:], binary.BigEndian.AppendUint64(nil, uint64(ask.At)), []byte(site.ID), []byte(site.Origins[0])}
	for _, part := range about {
		parts = append(parts, []byte(part))
	}
	challenge := h.ring.MAC(labelAsk, parts...)
	return challenge[:]
}

// waits reports whether a challenge is still good.
func (a *passkeyAsk) waits(now time.Time) bool {
	age := now.Sub(time.Unix(a.At, 0))
	return age < askLife && age > -time.Minute
}

// Beside is the flow by which a passkey confirms the session of a visit while a change of
// that session has the browser's flow. It goes on with the challenge that the change's flow
// carries for it. Its key is its own: it ends no code of the change, and what was signed
// for one of the two is of no use for the other.
func (g *Gate) Beside(v *Visit, change *Flow) *Flow {
	at := *v
	at.Change = nil
	if at.Reason == "" && g.LacksPasskey(at.Confirm) {
		at.Reason = NeedsPasskey
	}
	f := g.NewFlow(&at)
	f.ID, f.Passkey = cut(g.house.ring.MAC(labelBeside, change.ID[:])), change.Passkey
	return f
}

// OnlyPasskeys reports whether nothing but a passkey will do for what a visitor wants, who
// is signed in already: codes lead no further.
func (g *Gate) OnlyPasskeys(v *Visit) bool {
	return g.policy.Accept == AcceptPasskey && v.Confirm != nil && v.Change == nil && !v.Account
}

// LacksPasskey reports whether the gate lets nobody pass without a passkey, and a session
// has not been shown one for.
func (g *Gate) LacksPasskey(live *Live) bool {
	return g.policy.Accept == AcceptPasskey && !live.byPasskey
}

// HasPasskey reports whether the person of a session has a passkey, or has added one that
// is to become theirs. Where the store does not say, they are taken to have none.
func (g *Gate) HasPasskey(ctx context.Context, live *Live, now time.Time) bool {
	b, err := g.house.belongings(ctx, Email(live.Email), now)
	return err == nil && b.passkeys() > 0
}

// wantsPasskey reports whether a session has to be shown a passkey for at this gate.
func (g *Gate) wantsPasskey(v *Visit, live *Live) bool {
	return g.LacksPasskey(live) && live.kept() && !v.Account
}
