// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys"
)

// MaxPasskeys is how many passkeys a person can have, those that wait included.
const MaxPasskeys = 10

// MaxPasskeyName is how many characters of a passkey's name are kept.
const MaxPasskeyName = 64

// A PasskeyState is a passkey as its person sees it.
type PasskeyState struct {
	ID       string // names it in forms; of use in the same person's account only
	Name     string // given by the person, at most 64 characters; never empty
	Made     time.Time
	Used     time.Time // zero: never
	Browser  string    // that added it, from a fixed vocabulary
	BackedUp bool      // its provider keeps copies, as on the person's other machines
	// Due is when it begins to count; zero: it does. Only PasskeysOf lists what waits.
	Due       time.Time
	Suspended bool
	// Cloned: it was used with an older count than before, as by a copy of it. It works
	// no more, and can only be removed.
	Cloned bool
	// Site is the host or domain that it is for. Elsewhere: that is another one than the
	// visit's, so that browsers do not offer it here.
	Site      string
	Elsewhere bool
}

// passkeyStates are the passkeys of a person, the newest first.
func (g *Gate) passkeyStates(v *Visit, e Email, b *belongings) (all []PasskeyState) {
	site, _ := v.relyingParty()
	for i := range slices.Backward(b.Passkeys) {
		one := g.house.passkeyState(e, &b.Passkeys[i])
		one.Elsewhere = one.Site != site.ID
		all = append(all, one)
	}
	return all
}

func (h *House) passkeyState(e Email, k *passkey) PasskeyState {
	terms, credential, _ := h.openPasskey(k, h.personID(e)) // what cannot be read can still be removed
	return PasskeyState{
		ID: k.ID.String(), Name: cmp.Or(terms.Name, namelessPasskey), Made: time.Unix(k.Made, 0), Used: instant(k.Used),
		Browser: h.openAsked(k.Asked, k.ID).Browser, BackedUp: credential.BackedUp, Suspended: k.Suspended, Cloned: k.Cloned, Site: credential.RPID,
	}
}

// passkeyOf is the passkey that a change adds or removes, and what it is called.
func (h *House) passkeyOf(e Email, b *belongings, c *changed) (name, called string) {
	k := c.Passkey
	if c.Kind == RemovePasskey {
		k = b.passkey(c.Of)
	}
	if k == nil {
		return "", ""
	}
	return k.ID.String(), h.passkeyState(e, k).Name
}

// describePasskeys are the passkeys of a person in their dossier, the newest first.
func (h *House) describePasskeys(b *belongings, e Email) (all []dossierItem) {
	for i := range slices.Backward(b.Passkeys) {
		k := &b.Passkeys[i]
		s := h.passkeyState(e, k)
		all = append(all, dossierItem{Name: s.Name, Kind: s.Browser, Scope: s.Site, Made: when(k.Made), Used: when(k.Used), Suspended: !k.counts()})
	}
	return all
}

// A PasskeyOffer is what a browser needs to make a passkey.
type PasskeyOffer struct {
	Sealed  string // for the form that finishes; good for five minutes, in this session
	Options []byte // JSON of a PublicKeyCredentialCreationOptionsJSON (WebAuthn Level 3, section 5.1.8)
}

const labelPasskeyOffer keyring.Label = "offer of a passkey"

// NewPasskey begins to make a passkey. It keeps nothing, and can be asked again while
// the flow's permit for AddPasskey lasts. Its errors are ErrNoPermit, ErrNotOffered,
// ErrTooMany and ErrUnavailable.
func (g *Gate) NewPasskey(ctx context.Context, v *Visit, a *Admission, f *Flow) (PasskeyOffer, error) {
	site, err := v.relyingParty()
	switch {
	case err != nil || !g.Offers().Passkeys:
		return PasskeyOffer{}, ErrNotOffered
	case !g.Permitted(v, a, f, AddPasskey):
		return PasskeyOffer{}, ErrNoPermit
	}
	who := a.Identity.Email
	b, err := g.house.belongings(ctx, who, v.Now)
	if err != nil {
		return PasskeyOffer{}, err
	}
	if b.passkeys() >= MaxPasskeys {
		return PasskeyOffer{}, ErrTooMany
	}
	ask := passkeyAsk{ID: newID(), At: v.Now.Unix()}
	holder := g.house.personID(who)
	user := passkeys.User{Handle: holder[:], Name: string(who)}
	return PasskeyOffer{
		Sealed:  g.sealAsk(&ask, a, f),
		Options: site.CreationOptions(g.enrolmentAsk(&ask, site, a, f), user, g.house.credentials(who, &b)),
	}, nil
}

// passkeys counts those of a person, and those that are to become some.
func (b *belongings) passkeys() (n int) {
	b.eachPasskey(func(*passkey) { n++ })
	return n
}

// credentials are those of a person's passkeys: no authenticator is to make a second
// one.
func (h *House) credentials(who Email, b *belongings) (all []passkeys.Credential) {
	b.eachPasskey(func(k *passkey) {
		if _, c, err := h.openPasskey(k, h.personID(who)); err == nil {
			all = append(all, c)
		}
	})
	return all
}

// enrolmentAsk is the challenge of a new passkey. It is bound to the session and to the
// permit, which is used once, and so is the challenge.
func (g *Gate) enrolmentAsk(ask *passkeyAsk, site passkeys.RP, a *Admission, f *Flow) []byte {
	return g.house.askFor(ask, site, g.id, enrolment, string(a.Identity.Email), a.Live.key, f.Permit.ID.String())
}

func (g *Gate) sealAsk(ask *passkeyAsk, a *Admission, f *Flow) string {
	plain, err := json.Marshal(ask)
	if err != nil {
		panic("challenge: encoding plain data: " + err.Error())
	}
	return g.house.ring.SealString(labelPasskeyOffer, plain, []byte(a.Live.key+f.Permit.ID.String()))
}

func (g *Gate) openAsk(sealed string, a *Admission, f *Flow) (ask passkeyAsk, ok bool) {
	plain, err := g.house.ring.OpenString(labelPasskeyOffer, sealed, []byte(a.Live.key+f.Permit.ID.String()))
	return ask, err == nil && json.Unmarshal(plain, &ask) == nil
}

// PasskeyMade is a passkey that a browser made of an offer.
type PasskeyMade struct {
	Sealed   string // as offered
	Name     string // kept to 64 characters; an empty one becomes "Passkey"
	Response []byte // JSON of its PublicKeyCredential, as toJSON writes it, at most 8 KiB
}

// AddPasskey keeps a passkey that was made. due is as in MakeBackupCodes. Its errors
// are ErrNoPermit (also for an offer that is over), ErrWrongAnswer (the permit goes on),
// ErrNotOffered, ErrTooMany, ErrSuspended and ErrUnavailable.
func (g *Gate) AddPasskey(ctx context.Context, v *Visit, a *Admission, f *Flow, made PasskeyMade) (due time.Time, err error) {
	site, err := v.relyingParty()
	switch {
	case err != nil || !g.Offers().Passkeys:
		return time.Time{}, ErrNotOffered
	case !g.Permitted(v, a, f, AddPasskey):
		return time.Time{}, ErrNoPermit
	}
	ask, ok := g.openAsk(made.Sealed, a, f)
	if !ok || !ask.waits(v.Now) {
		return time.Time{}, ErrNoPermit
	}
	who := a.Identity.Email
	credential, err := site.Enrol(g.enrolmentAsk(&ask, site, a, f), made.Response, v.Now)
	if err != nil {
		g.log(ctx, v, Event{Name: PasskeyRefused, Address: who, Source: a.Live.Source, User: a.Live.User, Change: AddPasskey, Err: err})
		return time.Time{}, ErrWrongAnswer
	}
	terms := passkeyTerms{Email: who, Name: passkeyName(made.Name), Credential: credential.Encode()}
	fresh := passkey{ID: g.house.passkeyID(credential.ID), Count: credential.SignCount}
	fresh.Sealed = g.house.sealPasskey(terms, g.house.personID(who), fresh.ID)
	fresh.Asked = g.house.sealAsked(g.askedFor(v), fresh.ID)
	done, err := g.makeChange(ctx, v, a, f, proposal{kind: AddPasskey, called: terms.Name, fill: func(b *belongings, c *changed, now time.Time) error {
		return b.fillPasskey(c, fresh, now)
	}})
	return done.due(), err
}

// fillPasskey puts a new passkey into the change that adds it.
func (b *belongings) fillPasskey(c *changed, fresh passkey, now time.Time) error {
	known := false
	b.eachPasskey(func(k *passkey) { known = known || k.ID == fresh.ID })
	switch {
	case known:
		return ErrWrongAnswer
	case b.passkeys() >= MaxPasskeys:
		return ErrTooMany
	}
	fresh.Made = max(c.Due, now.Unix())
	c.Passkey, c.Of = &fresh, fresh.ID
	return nil
}

// namelessPasskey is what a passkey is called to which nobody gave a name.
const namelessPasskey = "Passkey"

func passkeyName(name string) string { return cmp.Or(oneLine(name, MaxPasskeyName), namelessPasskey) }

// RemovePasskey takes the passkey away that the flow's permit for RemovePasskey names.
// due is as in MakeBackupCodes. Its errors are those of RemoveWay.
func (g *Gate) RemovePasskey(ctx context.Context, v *Visit, a *Admission, f *Flow) (due time.Time, err error) {
	if !g.Permitted(v, a, f, RemovePasskey) {
		return time.Time{}, ErrNoPermit
	}
	b, err := g.house.belongings(ctx, a.Identity.Email, v.Now)
	if err != nil {
		return time.Time{}, err
	}
	k := b.passkeyNamed(f.Change.Detail)
	if k == nil {
		return time.Time{}, ErrNoSuch
	}
	of, called := k.ID, g.house.passkeyState(a.Identity.Email, k).Name
	made, err := g.makeChange(ctx, v, a, f, proposal{kind: RemovePasskey, called: called, fill: func(b *belongings, c *changed, _ time.Time) error {
		if b.passkey(of) == nil {
			return ErrNoSuch
		}
		c.Of = of
		return nil
	}})
	return made.due(), err
}

// RenamePasskey gives a passkey a name, which is kept as in AddPasskey. Its errors are
// ErrNoSuch, ErrSuspended and ErrUnavailable.
func (g *Gate) RenamePasskey(ctx context.Context, v *Visit, a *Admission, passkey, name string) error {
	if err := g.MayChange(ctx, v, a); err != nil {
		return err
	}
	who := g.house.personID(a.Identity.Email)
	name = passkeyName(name)
	err := change(ctx, g.house.store, keyBelongings+who.String(), func(b *belongings, now time.Time) error {
		b.tidy(now)
		k := b.passkeyNamed(passkey)
		if k == nil {
			return ErrNoSuch
		}
		terms, _, err := g.house.openPasskey(k, who)
		if err != nil {
			return ErrNoSuch
		}
		terms.Name = name
		k.Sealed = g.house.sealPasskey(terms, who, k.ID)
		return nil
	})
	return g.logDone(ctx, v, a, err, Event{Name: ChangeMade, Change: RenamePasskey, Called: name})
}
