// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
	"github.com/doorcode/caddy-doorcode/challenge/tokens"
)

// Why an access token does not let a request pass.
var (
	// ErrTokenInvalid: nobody made it, it has ended or is suspended, or it is somebody
	// else's than the one whom an earlier step has named.
	ErrTokenInvalid = errors.New("access token is not valid")
	// ErrTokenScope: it is not for this host, path or method, or the page wants a fresh
	// code, which no token stands for.
	ErrTokenScope = errors.New("access token does not reach that far")
)

// tokenUseEvery is how often it is noted that a token is used.
const tokenUseEvery = 15 * time.Minute

// methodToken is how assertions name what let a program in.
const methodToken = "token"

// A tokenPass is an access token that this machine has looked up. It opens no session: a
// page never asks it to confirm anything, and no cookie comes of it.
type tokenPass struct {
	live  *Live
	scope tokens.Scope
	noted atomic.Int64 // Unix seconds of the use that was noted last
}

// AdmitToken says what becomes of a request that brings an access token. One that was
// made up costs no look at the store, and one that this machine knows neither; that it
// is used is noted four times an hour. The decision is Pass, Deny or Unavailable; with
// an error it is none of them, and the error ErrTokenInvalid or ErrTokenScope.
func (g *Gate) AdmitToken(ctx context.Context, v *Visit, text string, r tokens.Request) (Verdict, error) {
	if !g.house.fresh(g.grace, v.Now) {
		return Verdict{Decision: Unavailable}, nil
	}
	if v.Earlier != nil && v.Earlier.Email == "" {
		g.log(ctx, v, Event{Name: IdentityMissing, Source: v.Earlier.Source, User: v.Earlier.User})
		return Verdict{Decision: Deny, Identity: *v.Earlier}, nil
	}
	p, err := g.tokenPass(ctx, v, text)
	if errors.Is(err, ErrUnavailable) {
		return Verdict{Decision: Unavailable}, nil
	}
	if err != nil {
		return Verdict{}, err
	}
	a := p.live.admission(g)
	if a == nil || !a.holds(v) {
		if a = g.admission(v, p.live); a == nil {
			return Verdict{}, g.refuseToken(ctx, v, p, ErrTokenInvalid)
		}
		if !a.right.Allowed {
			g.log(ctx, v, Event{Name: Denied, Address: a.Identity.Email, Source: p.live.Source, User: p.live.User, Rule: a.right.Rule})
		}
	}
	if v.Page.MaxAge > 0 || g.policy.Accept == AcceptPasskey || !p.scope.Covers(r) {
		return Verdict{}, g.refuseToken(ctx, v, p, ErrTokenScope)
	}
	verdict := g.judgeToken(v, a)
	if verdict.Decision == Pass && !g.noteTokenUse(ctx, v, p) {
		return Verdict{}, ErrTokenInvalid
	}
	g.logVerdict(ctx, v, verdict, FactorToken, nil)
	return verdict, nil
}

// judgeToken applies the gate's own rules. A place is neither usual nor unusual for a
// program; where nobody is let in from, programs are not either.
func (g *Gate) judgeToken(v *Visit, a *Admission) Verdict {
	s := a.sighted(v)
	if s == nil {
		here := g.spotOf(v.IP)
		s = &sighting{ip: v.IP, barred: g.bars(here), until: v.Now.Add(judgedFor).UnixNano()}
		if g.placed != nil {
			s.placed = g.placed(here.place)
		}
		a.keep(s)
	}
	verdict := Verdict{Decision: Pass, Identity: a.Identity, Admission: a, Placed: s.placed}
	switch {
	case !a.right.Allowed:
		verdict.Decision = Deny
	case s.barred && !g.policy.Risk.ObserveAll:
		verdict.Decision, verdict.Barred = Deny, true
	}
	return verdict
}

// refuseToken tells the operator of a token that is real and was refused.
func (g *Gate) refuseToken(ctx context.Context, v *Visit, p *tokenPass, why error) error {
	g.log(ctx, v, Event{
		Name: TokenRefused, Address: Email(p.live.Email), Source: p.live.Source, User: p.live.User, Session: p.live.ID.Public(), Err: why,
	})
	return why
}

// tokenPass finds an access token: in memory, or else in what its person has.
func (g *Gate) tokenPass(ctx context.Context, v *Visit, text string) (*tokenPass, error) {
	h := g.house
	p, known := h.passes.GetIfPresent(text)
	if !known || p.live.since != h.flushes.Load() {
		var err error
		if p, err = g.learnToken(ctx, v, text); err != nil {
			return nil, err
		}
	}
	if !v.Now.Before(p.live.Expires) || h.ends.ended(p.live.key, &p.live.seen) {
		return nil, ErrTokenInvalid
	}
	return p, nil
}

// learnToken looks up a token that this machine has not seen. While the store does
// not answer there is no saying whether it lives.
func (g *Gate) learnToken(ctx context.Context, v *Visit, text string) (*tokenPass, error) {
	h := g.house
	token, err := tokens.Parse(text, h.checkToken)
	if err != nil {
		return nil, ErrTokenInvalid
	}
	who, name := id(token.Person()), tokenName+cut(token.Hash(h.hashToken)).String()
	since, count := h.flushes.Load(), h.ends.count.Load()
	b, err := read[belongings](ctx, h.store, keyBelongings+who.String())
	if err != nil {
		g.log(ctx, v, Event{Name: StoreFailed, Err: err})
		return nil, unavailable(err)
	}
	b.tidy(v.Now)
	t := b.token(name)
	if t == nil || t.Suspended {
		return nil, ErrTokenInvalid
	}
	terms := h.terms(t)
	if h.personID(terms.Email) != who {
		return nil, ErrTokenInvalid
	}
	p := &tokenPass{live: h.liveToken(t, &terms, v.Audience, since), scope: terms.scope()}
	p.noted.Store(t.Used)
	if h.ends.count.Load() == count { // else what was read may be out of date
		h.passes.Set(text, p)
	}
	return p, nil
}

// liveToken is a token as a gate admits it. It has no time at which a code was
// entered: nothing takes it for a fresh one.
func (h *House) liveToken(t *accessToken, terms *tokenTerms, audience string, since uint64) *Live {
	who := Identity{Source: terms.Source, User: terms.User, Email: terms.Email}
	made := time.Unix(t.Made, 0)
	s := sessions.Session{
		Subject: h.subject(who), Audience: audience, Email: string(who.Email), User: who.User, Source: who.Source,
		Methods: []string{methodToken}, Issued: made, Active: made, Expires: time.Unix(t.Ends, 0),
	}
	copy(s.ID[:], t.ID[:])
	mark := h.sessionMAC(t.ID[:])
	copy(s.ID[len(t.ID):], mark[:])
	return &Live{Session: s, key: t.name(), since: since, token: true}
}

// noteTokenUse notes in what the person has that a token is used, and from where. It
// reports false where the token has ended and this machine was not told of it, as
// when the one that ended it died over it.
func (g *Gate) noteTokenUse(ctx context.Context, v *Visit, p *tokenPass) bool {
	last := p.noted.Load()
	if v.Now.Unix()-last < int64(tokenUseEvery/time.Second) || !p.noted.CompareAndSwap(last, v.Now.Unix()) {
		return true
	}
	h, who := g.house, g.house.personID(Email(p.live.Email))
	lives := false
	err := change(ctx, h.store, keyBelongings+who.String(), func(b *belongings, now time.Time) error {
		b.tidy(now)
		t := b.token(p.live.key)
		if lives = t != nil && !t.Suspended; !lives {
			return errUnchanged
		}
		t.Used, t.Seen = now.Unix(), h.sealAsked(g.askedFor(v), t.ID)
		return nil
	})
	if err := kept(err); err != nil {
		g.log(ctx, v, Event{Name: StoreFailed, Err: err})
		return true // within the grace, as sessions that this machine knows
	}
	if !lives {
		_ = h.end(ctx, who, sessionEntry{ID: p.live.key, Ends: p.live.Expires.Unix()}) // told again where that fails
	}
	return lives
}

// ByToken reports whether an access token led here, and not a session.
func (a *Admission) ByToken() bool { return a.Live.token }

// asserted is since when assertions say that the person is known: of a token, since
// it was made by a code.
func (l *Live) asserted() time.Time {
	if l.token {
		return l.Issued
	}
	return l.AuthTime
}

// endTokenAgain takes a token that has ended off what its person has, where a
// machine that starts later would look it up.
func (h *House) endTokenAgain(ctx context.Context, e end) error {
	return kept(change(ctx, h.store, keyBelongings+e.Person.String(), func(b *belongings, now time.Time) error {
		b.tidy(now)
		if !b.dropTokens(func(name string) bool { return name == e.Session }) {
			return errUnchanged
		}
		return nil
	}))
}
