// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/bound/boundtest"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
)

// errNoSession reports that what a person was made up to have done gave them no session.
var errNoSession = errors.New("there is no session")

// visitAt is a visit of the past, with a clock that agrees.
func (p *past) visitAt(s *step, from netip.Addr, at time.Time) challenge.Visit {
	p.memory.past.Store(at.UnixNano())
	visit := s.visit
	visit.Now, visit.IP, visit.Session, visit.Device, visit.Pass, visit.Page = at, from, "", p.device, "", challenge.Page{}
	return visit
}

// enrol makes the person a passkey, by a code as anybody else: nothing lets in who is made
// up that would let in nobody else.
func (p *past) enrol(s *step, to challenge.Email, from netip.Addr, at time.Time, session string) error {
	ctx, gate := context.Background(), s.doorway.gate
	if !gate.Offers().Passkeys {
		p.notes = append(p.notes, "No passkey is accepted here, so the last proof is a code.")
		return nil
	}
	visit := p.visitAt(s, from, at)
	visit.Session, visit.Account = session, true
	in := gate.Admit(ctx, &visit).Admission
	if in == nil {
		return errNoSession
	}
	asking := visit
	asking.Confirm, asking.Change = in.Live, &challenge.Change{Kind: challenge.AddPasskey}
	sent, err := gate.Begin(ctx, &asking, nil, to)
	if err != nil {
		return err
	}
	if sent.Flow == nil {
		return errNoCode
	}
	permit, err := gate.Verify(ctx, &asking, sent.Flow, challenge.Try{Typed: p.memory.codes.take().Reveal()})
	if err != nil {
		return err
	}
	offer, err := gate.NewPasskey(ctx, &visit, in, permit.Flow)
	if err != nil {
		return err
	}
	key := passkeystest.New(originOf(visit.Link))
	made, err := key.Create(offer.Options)
	if err != nil {
		return err
	}
	if _, err = gate.AddPasskey(ctx, &visit, in, permit.Flow, challenge.PasskeyMade{Sealed: offer.Sealed, Response: made}); err == nil {
		p.key = key
	}
	return err
}

// originOf is the origin of a URL.
func originOf(link string) string {
	scheme, rest, _ := strings.Cut(link, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// sign has the person enter by their passkey.
func (p *past) sign(s *step, from netip.Addr, at time.Time, remember bool) (challenge.Entry, error) {
	ctx, gate := context.Background(), s.doorway.gate
	visit := p.visitAt(s, from, at)
	options, flow, err := gate.OfferPasskey(&visit, gate.NewFlow(&visit))
	if err != nil {
		return challenge.Entry{}, err
	}
	answer, err := p.key.Get(options)
	if err != nil {
		return challenge.Entry{}, err
	}
	return gate.VerifyPasskey(ctx, &visit, flow, challenge.PasskeyTry{Response: answer, Remember: remember})
}

// bind gives the browser of an entry a key, and returns the pass that it has now. It is
// empty where the browser lets nobody in any more.
func (p *past) bind(s *step, from netip.Addr, at time.Time, entry challenge.Entry) (pass string, err error) {
	ctx, gate := context.Background(), s.doorway.gate
	visit := p.visitAt(s, from, at)
	visit.Session, visit.Device = entry.SetSession, entry.SetDevice
	live, ok := gate.Session(ctx, &visit)
	if !ok {
		return "", errNoSession
	}
	offer, ok := gate.Offer(&visit, live)
	if !ok {
		p.notes = append(p.notes, "No browser makes a key here: 'device_bound' is off.")
		return "", nil
	}
	key := boundtest.NewKey()
	made, err := gate.Bind(ctx, &visit, key.Register(offer.Challenge, offer.Authorization))
	if err != nil {
		return "", err
	}
	for _, then := range []time.Time{at.Add(time.Second), p.now} {
		visit := p.visitAt(s, from, then)
		asked, ok := gate.AskProof(&visit, made.Session)
		if !ok {
			return "", challenge.ErrUnbound
		}
		next, err := gate.Prove(ctx, &visit, made.Session, key.Prove(asked))
		switch {
		case err == nil:
			pass = next
		case errors.Is(err, challenge.ErrUnbound):
			return "", nil // the session is over by now, or the browser forgotten
		case !errors.Is(err, challenge.ErrBadProof): // the code is not a second old: the pass of before is still good
			return "", err
		}
	}
	return pass, nil
}
