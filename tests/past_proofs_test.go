// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/bound/boundtest"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
)

// visit is one of a time, with a clock that agrees.
func (p *past) visit(email, ip string, at time.Time) challenge.Visit {
	p.clock.Store(at.UnixNano())
	v := challenge.Visit{Now: at, Audience: p.origin, Host: "localhost", Link: p.origin + "/.doorcode", IP: netip.MustParseAddr(ip)}
	if p.named {
		v.Earlier = &challenge.Identity{Source: "http.auth.user.id", User: email, Email: challenge.Email(email)}
	}
	return v
}

// code is the one that was mailed last.
func (p *past) lastCode() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.code.Reveal()
}

// enrol makes somebody a passkey, by a code of its own.
func (p *past) enrol(t *testing.T, email, ip string, at time.Time, session string) *passkeystest.Authenticator {
	t.Helper()
	visit := p.visit(email, ip, at)
	visit.Session, visit.Account = session, true
	in := p.gate.Admit(t.Context(), &visit).Admission
	if in == nil {
		t.Fatal("whoever entered just now has no session")
	}
	asking := visit
	asking.Confirm, asking.Change = in.Live, &challenge.Change{Kind: challenge.AddPasskey}
	sent, err := p.gate.Begin(t.Context(), &asking, nil, challenge.Email(email))
	if err != nil {
		t.Fatal(err)
	}
	permit, err := p.gate.Verify(t.Context(), &asking, sent.Flow, challenge.Try{Typed: p.lastCode()})
	if err != nil {
		t.Fatal(err)
	}
	offer, err := p.gate.NewPasskey(t.Context(), &visit, in, permit.Flow)
	if err != nil {
		t.Fatal(err)
	}
	key := passkeystest.New(p.origin)
	made, err := key.Create(offer.Options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.gate.AddPasskey(t.Context(), &visit, in, permit.Flow, challenge.PasskeyMade{Sealed: offer.Sealed, Response: made}); err != nil {
		t.Fatal(err)
	}
	return key
}

// sign has somebody enter by a passkey.
func (p *past) sign(t *testing.T, v visitor, ip string, at time.Time, key *passkeystest.Authenticator) challenge.Entry {
	t.Helper()
	visit := p.visit(v.email, ip, at)
	options, flow, err := p.gate.OfferPasskey(&visit, p.gate.NewFlow(&visit))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := key.Get(options)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := p.gate.VerifyPasskey(t.Context(), &visit, flow, challenge.PasskeyTry{Response: signed, Remember: v.known})
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

// bind gives the browser of an entry a key, and returns the pass that it has now, which
// is empty where it is not known any more.
func (p *past) bind(t *testing.T, v visitor, ip string, at, now time.Time, entry challenge.Entry) (pass string) {
	t.Helper()
	visit := p.visit(v.email, ip, at)
	visit.Session, visit.Device = entry.SetSession, entry.SetDevice
	live, ok := p.gate.Session(t.Context(), &visit)
	if !ok {
		t.Fatal("whoever entered just now has no session")
	}
	offer, ok := p.gate.Offer(&visit, live)
	if !ok {
		t.Fatal("the browser is not asked for a key")
	}
	key := boundtest.NewKey()
	made, err := p.gate.Bind(t.Context(), &visit, key.Register(offer.Challenge, offer.Authorization))
	if err != nil {
		t.Fatal(err)
	}
	for _, then := range []time.Time{at.Add(time.Second), now} {
		visit := p.visit(v.email, ip, then)
		visit.Device = entry.SetDevice
		asked, ok := p.gate.AskProof(&visit, made.Session)
		if !ok {
			t.Fatal("the browser is not asked for a proof")
		}
		pass, err = p.gate.Prove(t.Context(), &visit, made.Session, key.Prove(asked))
		if err != nil && !errors.Is(err, challenge.ErrUnbound) {
			t.Fatal(err)
		}
	}
	return pass
}

// names are those of a site's cookies for a session, a browser, and its pass.
func (p *past) names() (session, device, pass string) {
	if strings.HasPrefix(p.origin, "https:") {
		return "__Host-Http-doorcode", "__Host-Http-doorcode-device", "__Host-doorcode-bound"
	}
	return "doorcode", "doorcode-device", "doorcode-bound"
}
