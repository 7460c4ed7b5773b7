// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/challenge/tokens"
)

// laptop is the token of most tests.
var laptop = challenge.TokenSpec{Name: "Laptop", Path: "/", Days: 30}

// tokenGate takes access tokens.
func (w *world) tokenGate(o challenge.GateOptions) *challenge.Gate {
	o.Policy.Ways.Tokens, o.Policy.Limits = true, roomy
	return w.gate(o)
}

// permit goes through the code that a change needs.
func (b *browser) permit(c challenge.Change) (*challenge.Admission, *challenge.Flow) {
	b.w.t.Helper()
	a := b.wantPass("before a change").Admission
	v := b.visit()
	v.Confirm, v.Change = a.Live, &c
	sent, err := b.gate.Begin(b.w.t.Context(), v, nil, challenge.Email(a.Live.Email))
	if err != nil {
		b.w.t.Fatal(err)
	}
	v = b.visit()
	v.Confirm, v.Change = a.Live, &c
	entry, err := b.gate.Verify(b.w.t.Context(), v, sent.Flow, challenge.Try{Typed: b.lastCode()})
	if err != nil {
		b.w.t.Fatal(err)
	}
	return a, entry.Flow
}

// tryToken goes the whole way to a token.
func (b *browser) tryToken(spec challenge.TokenSpec) (string, error) {
	b.w.t.Helper()
	a, flow := b.permit(challenge.Change{Kind: challenge.AddToken, Detail: spec.Detail()})
	token, _, err := b.gate.AddToken(b.w.t.Context(), b.visit(), a, flow, spec)
	return token.Reveal(), err
}

func (b *browser) token(spec challenge.TokenSpec) string {
	b.w.t.Helper()
	text, err := b.tryToken(spec)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return text
}

// tokens are those that the person sees.
func (b *browser) tokens() []challenge.TokenState {
	b.w.t.Helper()
	account, err := b.gate.Account(b.w.t.Context(), b.visit(), b.wantPass("the account").Admission)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return account.Tokens
}

func (b *browser) revoke(token string) error {
	b.w.t.Helper()
	return b.gate.RevokeToken(b.w.t.Context(), b.visit(), b.wantPass("to revoke").Admission, token)
}

// program is a client that brings nothing but a token.
func (w *world) program(g *challenge.Gate) *browser { return &browser{w: w, gate: g, ip: elsewhere()} }

// shows asks what becomes of a request with a token.
func (b *browser) shows(token string) (challenge.Verdict, error) {
	return b.gate.AdmitToken(b.w.t.Context(), b.visit(), token, tokens.Request{Host: "app.example.com", Path: "/x", Method: "GET"})
}

func (b *browser) wantShown(when, token string, want challenge.Decision, wantErr error) *challenge.Admission {
	b.w.t.Helper()
	v, err := b.shows(token)
	if !errors.Is(err, wantErr) || err == nil && v.Decision != want {
		b.w.t.Fatalf("%s: %v, %v, want %v, %v", when, v.Decision, err, want, wantErr)
	}
	return v.Admission
}

func TestRuling44ATokenLetsItsPersonIn(t *testing.T) {
	w := newWorld(t)
	g := w.tokenGate(challenge.GateOptions{})
	b := w.browser(g).signIn(ana, true)
	text := b.token(laptop)
	b.signOut(false)
	a := w.program(g).wantShown("the token alone", text, challenge.Pass, nil)
	if a.Identity.Email != ana || !a.ByToken() {
		t.Errorf("admitted as %s, by a token: %t", a.Identity.Email, a.ByToken())
	}
	if at, session := a.Proved(); !at.IsZero() || !session {
		t.Errorf("Proved = %v, %t: no token stands for a fresh code", at, session)
	}
	assertion, err := a.Assertion(origin, w.clock.now())
	if err != nil || assertion == "" {
		t.Errorf("Assertion = %q, %v", assertion, err)
	}
	if v := w.browser(g).withSession(text).open(); v.Decision != challenge.Check {
		t.Errorf("the token as a session: %v, want Check", v.Decision)
	}
}

func (b *browser) withSession(value string) *browser {
	b.session = value
	return b
}

// Ruling 41: nobody gets a token by a session alone, nor another one than the code
// was for.
func TestRuling41ATokenNeedsItsOwnCode(t *testing.T) {
	w := newWorld(t)
	g := w.tokenGate(challenge.GateOptions{})
	b := w.browser(g).signIn(ana, true)
	a, flow := b.permit(challenge.Change{Kind: challenge.AddToken, Detail: laptop.Detail()})
	wider := laptop
	wider.Days = 365
	_, other := b.permit(challenge.Change{Kind: challenge.ExportData})
	for name, tt := range map[string]struct {
		flow *challenge.Flow
		spec challenge.TokenSpec
	}{
		"no code":                      {nil, laptop},
		"a code for something else":    {other, laptop},
		"a code for another token":     {flow, wider},
		"a token that cannot be meant": {flow, challenge.TokenSpec{Name: "x", Path: "/a/../b", Days: 30}},
	} {
		if _, _, err := g.AddToken(t.Context(), b.visit(), a, tt.flow, tt.spec); !errors.Is(err, challenge.ErrNoPermit) {
			t.Errorf("%s: %v, want ErrNoPermit", name, err)
		}
	}
	if _, _, err := g.AddToken(t.Context(), b.visit(), a, flow, laptop); err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.AddToken(t.Context(), b.visit(), a, flow, laptop); !errors.Is(err, challenge.ErrNoPermit) {
		t.Errorf("the same code again: %v, want ErrNoPermit", err)
	}
	if got := b.tokens(); len(got) != 1 {
		t.Errorf("there are %d tokens, want 1", len(got))
	}
	off := w.gate(challenge.GateOptions{ID: "off"})
	if _, _, err := off.AddToken(t.Context(), b.visit(), a, flow, laptop); !errors.Is(err, challenge.ErrNotOffered) {
		t.Errorf("where there are none: %v, want ErrNotOffered", err)
	}
}

// A browser that is new to its person has to wait: a thief of a session gets nothing
// that stays before the person has read of it.
func TestRuling41ATokenFromANewBrowserWaitsADay(t *testing.T) {
	w := newWorld(t)
	g := w.tokenGate(challenge.GateOptions{})
	w.browser(g).signIn(ana, true)
	w.clock.advance(48 * time.Hour)
	b := w.browser(g).signIn(ana, true)
	a, flow := b.permit(challenge.Change{Kind: challenge.AddToken, Detail: laptop.Detail()})
	token, due, err := g.AddToken(t.Context(), b.visit(), a, flow, laptop)
	if err != nil || due.Sub(w.clock.now()) != 24*time.Hour {
		t.Fatalf("due %v, %v, want in a day", due, err)
	}
	p := w.program(g)
	p.wantShown("at once", token.Reveal(), 0, challenge.ErrTokenInvalid)
	w.clock.advance(24 * time.Hour)
	p.wantShown("a day later", token.Reveal(), challenge.Pass, nil)
}

// STP-01: whatever page wants a fresh code, no token opens it.
func TestRuling44NoTokenOpensAPageThatWantsAFreshCode(t *testing.T) {
	w := newWorld(t)
	g := w.tokenGate(challenge.GateOptions{})
	text := w.browser(g).signIn(ana, true).token(laptop)
	p := w.program(g)
	p.page = risk.Page{MaxAge: time.Hour}
	p.wantShown("a page that wants a code of the last hour", text, 0, challenge.ErrTokenScope)
	p.page = risk.Page{}
	p.wantShown("any other", text, challenge.Pass, nil)
}

func TestRuling44ATokenEndsWithItsTime(t *testing.T) {
	w := newWorld(t)
	g := w.tokenGate(challenge.GateOptions{})
	text := w.browser(g).signIn(ana, true).token(laptop)
	p, late := w.program(g), w.program(w.gateOf(w.machine(), challenge.GateOptions{Policy: g.Policy()}))
	w.clock.advance(30*24*time.Hour - time.Second)
	p.wantShown("in its last second", text, challenge.Pass, nil)
	w.clock.advance(time.Second)
	p.wantShown("afterwards", text, 0, challenge.ErrTokenInvalid)
	late.wantShown("where it was never seen", text, 0, challenge.ErrTokenInvalid)
}

func TestRuling44ARevokedTokenIsOverAtOnceHereAndSoonElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		g := w.tokenGate(challenge.GateOptions{})
		b := w.browser(g).signIn(ana, true)
		text, kept := b.token(laptop), b.token(challenge.TokenSpec{Name: "Other", Path: "/", Days: 30})
		here, there := w.program(g), w.program(w.gateOf(w.machine(), challenge.GateOptions{Policy: g.Policy()}))
		near, far := here.streams(text), there.streams(text)
		other := there.streams(kept)
		if err := b.revoke(b.tokens()[1].ID); err != nil {
			t.Fatal(err)
		}
		here.wantShown("here", text, 0, challenge.ErrTokenInvalid)
		near.want("at once on this machine", false)
		poll()
		there.wantShown("elsewhere", text, 0, challenge.ErrTokenInvalid)
		far.want("on the other machine", false)
		other.want("of another token", true)
		there.wantShown("another token", kept, challenge.Pass, nil)
		late := w.program(w.gateOf(w.machine(), challenge.GateOptions{Policy: g.Policy()}))
		late.wantShown("where it was never seen", text, 0, challenge.ErrTokenInvalid)
		if !w.diary.has(challenge.ChangeMade) {
			t.Error("nothing tells of it")
		}
	})
}

// streams opens a connection by a token.
func (b *browser) streams(token string) *socket {
	b.w.t.Helper()
	s := &socket{t: b.w.t}
	s.done = b.gate.Stream(b.wantShown("opening a connection", token, challenge.Pass, nil), func() { s.cuts.Add(1) })
	return s
}

// A person names a token of somebody else's, as by a form that was tampered with.
func TestRuling44NobodyRevokesAnothersToken(t *testing.T) {
	w := newWorld(t)
	g := w.tokenGate(challenge.GateOptions{})
	hers := w.browser(g).signIn(ana, true)
	text := hers.token(laptop)
	his := w.browser(g).signIn(bob, true)
	his.token(laptop)
	for _, id := range []string{hers.tokens()[0].ID, "", "token " + hers.tokens()[0].ID, strings.Repeat("A", 22)} {
		if err := his.revoke(id); !errors.Is(err, challenge.ErrNoSuch) {
			t.Errorf("RevokeToken(%q) = %v, want ErrNoSuch", id, err)
		}
	}
	w.program(g).wantShown("her token", text, challenge.Pass, nil)
	if n := len(his.tokens()); n != 1 {
		t.Errorf("he has %d tokens, want 1", n)
	}
}

// Ruling 2: an earlier step's word and the token's have to agree on each request.
func TestRuling2ATokenCountsOnlyForWhomAnEarlierStepNames(t *testing.T) {
	w := newWorld(t)
	g := w.tokenGate(challenge.GateOptions{})
	b := w.browser(g)
	b.earlier = &challenge.Identity{Source: "s", User: "ana", Email: ana}
	text := b.signIn(ana, true).token(laptop)
	p := w.program(g)
	for name, tt := range map[string]struct {
		earlier challenge.Identity
		want    challenge.Decision
		err     error
	}{
		"the same":                    {*b.earlier, challenge.Pass, nil},
		"another user":                {challenge.Identity{Source: "s", User: "bob", Email: bob}, 0, challenge.ErrTokenInvalid},
		"the same name elsewhere":     {challenge.Identity{Source: "t", User: "ana", Email: ana}, 0, challenge.ErrTokenInvalid},
		"the same user, another mail": {challenge.Identity{Source: "s", User: "ana", Email: bob}, 0, challenge.ErrTokenInvalid},
		"nobody":                      {challenge.Identity{Source: "s"}, challenge.Deny, nil},
	} {
		p.earlier = &tt.earlier
		p.wantShown(name, text, tt.want, tt.err)
	}
	typed := w.browser(g).signIn(bob, true).token(laptop)
	p.earlier = &challenge.Identity{Source: "s", User: "bob", Email: bob}
	p.wantShown("one that was made without an earlier step", typed, 0, challenge.ErrTokenInvalid)
}

func TestRuling1TheGatesOwnRulesHoldForTokens(t *testing.T) {
	w := newWorld(t)
	g := w.tokenGate(challenge.GateOptions{})
	text := w.browser(g).signIn(ana, true).token(laptop)
	p := w.program(g)
	p.wantShown("who is on the list", text, challenge.Pass, nil)
	g.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(bob)}}))
	p.wantShown("who is on it no more", text, challenge.Deny, nil)
	closed := w.tokenGate(challenge.GateOptions{ID: "closed", Policy: challenge.Policy{Countries: challenge.Countries{Allow: []string{"PT"}}}})
	p.gate = closed
	p.wantShown("from where nobody is let in", text, challenge.Deny, nil)
}

func TestATokenIsOfOneHost(t *testing.T) {
	w := newWorld(t)
	g := w.tokenGate(challenge.GateOptions{})
	text := w.browser(g).signIn(ana, true).token(challenge.TokenSpec{Name: "Notes", Path: "/notes", ReadOnly: true, Days: 90})
	p := w.program(g)
	for name, tt := range map[string]struct {
		ask tokens.Request
		err error
	}{
		"what it is for":   {tokens.Request{Host: "app.example.com", Path: "/notes/a", Method: "GET"}, nil},
		"another host":     {tokens.Request{Host: "other.example.com", Path: "/notes/a", Method: "GET"}, challenge.ErrTokenScope},
		"another path":     {tokens.Request{Host: "app.example.com", Path: "/notes/..%2fadmin", Method: "GET"}, challenge.ErrTokenScope},
		"a change":         {tokens.Request{Host: "app.example.com", Path: "/notes/a", Method: "PUT"}, challenge.ErrTokenScope},
		"a hidden change":  {tokens.Request{Host: "app.example.com", Path: "/notes/a", Method: "GET", Query: "_method=PUT"}, challenge.ErrTokenScope},
		"a path above its": {tokens.Request{Host: "app.example.com", Path: "/", Method: "GET"}, challenge.ErrTokenScope},
	} {
		if _, err := g.AdmitToken(t.Context(), p.visit(), text, tt.ask); !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", name, err, tt.err)
		}
	}
	if !w.diary.has(challenge.TokenRefused) {
		t.Error("nothing tells the operator")
	}
}
