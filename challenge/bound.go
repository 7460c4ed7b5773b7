// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/bound"
	"github.com/doorcode/caddy-doorcode/challenge/devices"
)

// What keeps a browser from being bound, or from going on to be.
var (
	// ErrBadProof: what the browser sent proves nothing, or not any more. It may try
	// again with another challenge.
	ErrBadProof = errors.New("browser did not prove its key")
	// ErrUnbound: there is no such browser any more, or it has no key here.
	ErrUnbound = errors.New("browser is not bound")
	// ErrBoundAlready: the browser has another key, and keeps it.
	ErrBoundAlready = errors.New("browser has another key")
)

// A saying is what we say to a browser and take back from it, sealed: nobody else can
// say it, and none stands in for another.
type saying struct {
	Kind    string `json:"k"`
	Browser string `json:"b"` // as teacherOf names it
	Address Email  `json:"a,omitempty"`
	At      int64  `json:"t,omitempty"` // Unix milliseconds
}

const (
	sayOffer   = "offer"   // challenge of a registration
	sayAllow   = "allow"   // its authorization, which only the browser got that was let in
	sayAsk     = "ask"     // challenge of a later proof
	saySession = "session" // names the browser to us
)

func (h *House) say(s saying, audience string) string {
	plain, err := json.Marshal(s)
	if err != nil {
		panic("challenge: encoding plain data: " + err.Error())
	}
	return h.ring.SealString(labelBound, plain, []byte(audience))
}

// said reads a saying of a kind, which a proof brings back at a time, or what names a
// session at any.
func (h *House) said(kind, sealed string, v *Visit) (s saying, ok bool) {
	plain, err := h.ring.OpenString(labelBound, sealed, []byte(v.Audience))
	if err != nil || json.Unmarshal(plain, &s) != nil || s.Kind != kind || s.Browser == "" {
		return saying{}, false
	}
	age := v.Now.Sub(s.made())
	return s, kind == saySession || age <= bound.ChallengeLife && age >= -bound.Slack
}

func (s saying) made() time.Time { return time.UnixMilli(s.At) }

// holdsKeys reports whether keys mean anything at the gate.
func (g *Gate) holdsKeys() bool { return g.policy.Session.DeviceBound != BoundOff }

// An Offer asks a browser to make a key that never leaves its machine.
type Offer struct {
	Challenge, Authorization string
}

// Offer asks the browser of a session for a key. It reports false where none is wanted,
// or it has one.
func (g *Gate) Offer(v *Visit, live *Live) (Offer, bool) {
	if !g.holdsKeys() || !live.kept() || live.token || live.stranded || live.held.Load() != nil {
		return Offer{}, false
	}
	s := saying{Kind: sayOffer, Browser: live.teacher(), At: v.Now.UnixMilli()}
	o := Offer{Challenge: g.house.say(s, v.Audience)}
	s.Kind, s.Address = sayAllow, Email(live.Email)
	o.Authorization = g.house.say(s, v.Audience)
	return o, true
}

// A Bound browser has a key.
type Bound struct {
	Session string // names it, in [Gate.AskProof] and [Gate.Prove]
	Pass    string // value of the cookie, which shows that it proved the key
}

// Bind takes the key of a browser that was offered to make one. A key that was shown once
// is never replaced. Before that, whoever also has the offer can bind for a minute. Its
// errors are
// ErrBadProof, ErrUnbound, ErrBoundAlready, ErrNotOffered and ErrUnavailable.
func (g *Gate) Bind(ctx context.Context, v *Visit, token string) (Bound, error) {
	if !g.holdsKeys() {
		return Bound{}, ErrNotOffered
	}
	// What is sealed by us is looked at before what costs a signature.
	p, err := bound.ReadProof(token)
	if err != nil {
		return Bound{}, ErrBadProof
	}
	asked, fits := g.house.said(sayOffer, p.Challenge, v)
	allowed, may := g.house.said(sayAllow, p.Authorization, v)
	if !fits || !may || asked.Browser != allowed.Browser || asked.At != allowed.At {
		return Bound{}, ErrBadProof
	}
	key, err := p.Registered()
	if err != nil {
		return Bound{}, ErrBadProof
	}
	var refused error
	err = change(ctx, g.house.store, g.house.personKey(allowed.Address), func(p *person, now time.Time) error {
		refused = nil
		b := g.bindable(p, allowed.Browser, now)
		switch {
		case b == nil:
			refused = ErrUnbound
		case !b.Take(key.String(), asked.made()):
			refused = ErrBoundAlready
		}
		if refused != nil {
			return errUnchanged
		}
		return nil
	})
	if err := kept(err); err != nil {
		return Bound{}, unavailable(err)
	}
	if refused != nil {
		return Bound{}, refused
	}
	g.log(ctx, v, Event{Name: KeyBound, Address: allowed.Address})
	return Bound{
		Session: g.house.say(saying{Kind: saySession, Browser: allowed.Browser, Address: allowed.Address}, v.Audience),
		Pass:    g.pass(v, allowed.Browser, key.Thumbprint()),
	}, nil
}

// bindable is the binding of a browser that lets its person in.
func (g *Gate) bindable(p *person, name string, now time.Time) *devices.Binding {
	if d := p.device(name); d != nil {
		if g.forgets(d, now) || d.Ended || g.house.ends.lost(d.ID) {
			return nil
		}
		return &d.Bound
	}
	if _, lives := p.session(name, now); !lives {
		return nil
	}
	return p.binding(name)
}

func (g *Gate) pass(v *Visit, browser string, key bound.Thumbprint) string {
	p := bound.Pass{Browser: browser, Key: key, Until: v.Now.Add(bound.PassLife)}
	return p.Sign(v.Audience, g.house.passMAC)
}

func (h *House) passMAC(parts ...[]byte) [32]byte { return h.ring.MAC(labelPass, parts...) }

// AskProof is what a browser is to sign that names its session, and is asked without a
// look at the store. It reports false for names that are not ours.
func (g *Gate) AskProof(v *Visit, session string) (challenge string, ok bool) {
	s, ok := g.house.said(saySession, session, v)
	if !ok || !g.holdsKeys() {
		return "", false
	}
	return g.house.say(saying{Kind: sayAsk, Browser: s.Browser, At: v.Now.UnixMilli()}, v.Audience), true
}

// Prove gives a browser that proves its key another pass. Of its challenges each serves
// once, and none that is older than one that did: what somebody reads of this request
// is worth nothing. Its errors are ErrBadProof, ErrUnbound and ErrUnavailable.
func (g *Gate) Prove(ctx context.Context, v *Visit, session, token string) (pass string, err error) {
	s, ok := g.house.said(saySession, session, v)
	if !ok || !g.holdsKeys() {
		return "", ErrUnbound
	}
	proof, err := bound.ReadProof(token)
	if err != nil {
		return "", ErrBadProof
	}
	asked, ok := g.house.said(sayAsk, proof.Challenge, v)
	if !ok || asked.Browser != s.Browser {
		return "", ErrBadProof
	}
	key, err := g.keyOf(ctx, v, s)
	if err != nil {
		return "", err
	}
	if proof.By(key) != nil {
		return "", ErrBadProof
	}
	if err := g.proved(ctx, v, s, key, asked.made()); err != nil {
		return "", err
	}
	return g.pass(v, s.Browser, key.Thumbprint()), nil
}

// keyOf reads the key of a browser. A signature is not checked within an update, which
// others wait for.
func (g *Gate) keyOf(ctx context.Context, v *Visit, s saying) (bound.Key, error) {
	p, err := read[person](ctx, g.house.store, g.house.personKey(s.Address))
	if err != nil {
		return bound.Key{}, unavailable(err)
	}
	b := g.bindable(&p, s.Browser, v.Now)
	if b == nil {
		return bound.Key{}, ErrUnbound
	}
	key, err := bound.ParseKey(b.Key)
	if err != nil {
		return bound.Key{}, ErrUnbound
	}
	return key, nil
}

// proved spends the challenge of a proof.
func (g *Gate) proved(ctx context.Context, v *Visit, s saying, key bound.Key, made time.Time) error {
	var refused error
	var begins bool
	var now devices.Binding
	err := change(ctx, g.house.store, g.house.personKey(s.Address), func(p *person, at time.Time) error {
		refused, begins = nil, false
		b := g.bindable(p, s.Browser, at)
		if b == nil || b.Key != key.String() {
			refused = ErrUnbound
			return errUnchanged
		}
		before := b.Held
		if !b.Prove(made, at) {
			refused = ErrBadProof
			return errUnchanged
		}
		begins, now = before == 0, *b
		return nil
	})
	if err := kept(err); err != nil {
		return unavailable(err)
	}
	if begins {
		g.house.hold(ctx, g.house.personID(s.Address), s.Browser, now)
	}
	return refused
}

// Skipped notes that a browser says it sent a request without proving its key, and why.
// Anybody can say so: it changes nothing.
func (g *Gate) Skipped(ctx context.Context, v *Visit, why string) {
	g.log(ctx, v, Event{Name: ProofSkipped, Why: bound.Skipped(why)})
}
