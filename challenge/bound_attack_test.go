// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/bound"
	"github.com/doorcode/caddy-doorcode/challenge/bound/boundtest"
)

// A thief with all cookies cannot register a key: the offer went to the browser that
// was let in.
func TestBND03ARegistrationNeedsItsOwnOffer(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	b := w.browser(g).signIn(ana, true)
	mine, _ := b.offered()
	w.clock.advance(time.Millisecond)
	later, _ := b.offered()
	other, _ := w.browser(g).signIn(bob, true).offered()
	thief := boundtest.NewKey()
	bind := func(v *challenge.Visit, token string) error {
		_, err := g.Bind(t.Context(), v, token)
		return err
	}
	elsewhere := b.visit()
	elsewhere.Audience = "https://other.example.com"
	for name, token := range map[string]string{
		"without an authorization":      thief.Register(mine.Challenge, ""),
		"without a challenge of ours":   thief.Register("asked", mine.Authorization),
		"with them the other way round": thief.Register(mine.Authorization, mine.Challenge),
		"with another's challenge":      thief.Register(other.Challenge, mine.Authorization),
		"with another's authorization":  thief.Register(mine.Challenge, other.Authorization),
		"with a challenge of later":     thief.Register(later.Challenge, mine.Authorization),
		"without its key":               thief.Prove(mine.Challenge),
	} {
		if err := bind(b.visit(), token); !errors.Is(err, challenge.ErrBadProof) {
			t.Errorf("%s: Bind = %v, want ErrBadProof", name, err)
		}
	}
	good := boundtest.NewKey().Register(mine.Challenge, mine.Authorization)
	if err := bind(elsewhere, good); !errors.Is(err, challenge.ErrBadProof) {
		t.Errorf("at another site: Bind = %v, want ErrBadProof", err)
	}
	w.clock.advance(bound.ChallengeLife + time.Millisecond)
	if err := bind(b.visit(), good); !errors.Is(err, challenge.ErrBadProof) {
		t.Errorf("after five minutes: Bind = %v, want ErrBadProof", err)
	}
	w.clock.advance(-bound.ChallengeLife)
	if err := bind(b.visit(), good); err != nil {
		t.Errorf("in time: Bind = %v", err)
	}
	if err := bind(b.visit(), good); !errors.Is(err, challenge.ErrBoundAlready) {
		t.Errorf("once more: Bind = %v, want ErrBoundAlready", err)
	}
}

func TestBND03TheKeyThatWasShownIsKept(t *testing.T) {
	both(t, func(t *testing.T, w *world, m *machine) {
		if _, wanted := m.offered(); wanted {
			t.Error("a bound browser is asked for another key")
		}
		b := w.browser(m.gate).signIn(bob, true)
		first, _ := b.offered()
		w.clock.advance(2 * time.Minute)
		second, _ := b.offered()
		if _, err := b.gate.Bind(t.Context(), b.visit(), boundtest.NewKey().Register(second.Challenge, second.Authorization)); err != nil {
			t.Fatal(err)
		}
		for _, o := range []challenge.Offer{first, second} {
			if _, err := b.gate.Bind(t.Context(), b.visit(), boundtest.NewKey().Register(o.Challenge, o.Authorization)); !errors.Is(err, challenge.ErrBoundAlready) {
				t.Errorf("Bind = %v, want ErrBoundAlready", err)
			}
		}
	})
}

// An answer that is lost binds nothing, or the owner would be kept out for good.
func TestAKeyWhoseAnswerWasLostIsReplaced(t *testing.T) {
	for name, remember := range map[string]bool{"a remembered browser": true, "a browser that is not remembered": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, remember)
			lost := b.registers()
			stale := b.pass
			b.pass = ""
			w.clock.advance(2 * time.Minute)
			b.wantPass("as it never had the answer")
			m := b.binds()
			w.clock.advance(2 * time.Minute)
			m.wantPass("bound to the second key")
			m.pass = stale
			m.wantCheck("with the pass of the first", challenge.Unproved)
			lost.browser = m.browser
			if err := lost.refresh(); !errors.Is(err, challenge.ErrBadProof) {
				t.Errorf("with the first key: Prove = %v, want ErrBadProof", err)
			}
		})
	}
}

// Who sees a proof pass by, in a log or on a proxy, can do nothing with it.
func TestBND03AChallengeServesOnceAndBriefly(t *testing.T) {
	both(t, func(t *testing.T, w *world, m *machine) {
		w.clock.advance(time.Minute)
		earlier := m.key.Prove(m.asked())
		w.clock.advance(time.Second)
		token := m.key.Prove(m.asked())
		if err := m.prove(token); err != nil {
			t.Fatal(err)
		}
		for name, token := range map[string]string{"the same proof": token, "one of an older challenge": earlier} {
			if err := m.prove(token); !errors.Is(err, challenge.ErrBadProof) {
				t.Errorf("%s: Prove = %v, want ErrBadProof", name, err)
			}
		}
		w.clock.advance(time.Second)
		token = m.key.Prove(m.asked())
		w.clock.advance(bound.ChallengeLife + time.Millisecond)
		if err := m.prove(token); !errors.Is(err, challenge.ErrBadProof) {
			t.Errorf("after five minutes: Prove = %v, want ErrBadProof", err)
		}
	})
}

func TestBND03AProofIsOfItsOwnSession(t *testing.T) {
	both(t, func(t *testing.T, w *world, m *machine) {
		other := w.browser(m.gate).signIn(bob, true)
		offer, _ := other.offered()
		theirs := other.binds()
		w.clock.advance(time.Second)
		asked := m.asked()
		for name, token := range map[string]string{
			"by another key":                 theirs.key.Prove(asked),
			"by another key, which it shows": theirs.key.Register(asked, ""),
			"by the key, which it shows":     m.key.Register(asked, ""),
			"of another session":             m.key.Prove(theirs.asked()),
			"of a registration":              m.key.Prove(offer.Challenge),
			"of the session's name":          m.key.Prove(m.sid),
			"of nothing":                     "",
		} {
			if err := m.prove(token); !errors.Is(err, challenge.ErrBadProof) {
				t.Errorf("%s: Prove = %v, want ErrBadProof", name, err)
			}
		}
		swapped := *m
		swapped.sid = theirs.sid
		if err := swapped.prove(m.key.Prove(asked)); !errors.Is(err, challenge.ErrBadProof) {
			t.Errorf("with another session's name: Prove = %v, want ErrBadProof", err)
		}
		for name, sid := range map[string]string{"an invented one": "session", "a challenge": asked, "none": "", "the pass": m.pass, "the session cookie": m.session} {
			swapped.sid = sid
			if err := swapped.prove(m.key.Prove(asked)); !errors.Is(err, challenge.ErrUnbound) {
				t.Errorf("with %s for the session's name: Prove = %v, want ErrUnbound", name, err)
			}
			if _, ok := m.gate.AskProof(m.visit(), sid); ok {
				t.Errorf("with %s for the session's name something is asked", name)
			}
		}
		elsewhere := m.visit()
		elsewhere.Audience = "https://other.example.com"
		if _, err := m.gate.Prove(t.Context(), elsewhere, m.sid, m.key.Prove(asked)); !errors.Is(err, challenge.ErrUnbound) {
			t.Errorf("at another site: Prove = %v, want ErrUnbound", err)
		}
		if err := m.prove(m.key.Prove(asked)); err != nil {
			t.Errorf("the right one: Prove = %v", err)
		}
	})
}

// A pass is of one browser, one key and one site.
func TestBND03APassIsOfItsOwnBrowser(t *testing.T) {
	both(t, func(t *testing.T, w *world, m *machine) {
		thief := w.browser(m.gate).signIn(bob, true).binds()
		w.clock.advance(2 * time.Minute)
		copied := m.jar()
		copied.pass = thief.pass
		copied.wantCheck("with a pass of the thief's own", challenge.Unproved)
		v := m.visit()
		for _, tt := range []struct {
			name   string
			values []string
			want   string
		}{
			{"one of ours", []string{"planted", m.pass}, m.pass},
			{"the same twice", []string{m.pass, m.pass}, m.pass},
			{"two of ours", []string{m.pass, "planted", thief.pass}, ""},
			{"none of ours", []string{"planted", ""}, ""},
		} {
			if got := m.gate.ChoosePass(*v, tt.values); got != tt.want {
				t.Errorf("%s: ChoosePass = %.12q…, want %.12q…", tt.name, got, tt.want)
			}
		}
	})
}

func TestDeviceBoundOffAsksNobodyAndHoldsNobody(t *testing.T) {
	both(t, func(t *testing.T, w *world, m *machine) {
		off := w.gate(challenge.GateOptions{Policy: challenge.Policy{Session: challenge.SessionPolicy{DeviceBound: challenge.BoundOff}}})
		w.clock.advance(lapsed)
		m.wantCheck("where keys count", challenge.Unproved)
		asked := m.asked()
		m.gate = off
		m.wantPass("where they do not")
		if _, wanted := m.offered(); wanted {
			t.Error("a key is asked for")
		}
		if err := m.prove(m.key.Prove(asked)); !errors.Is(err, challenge.ErrUnbound) {
			t.Errorf("Prove = %v, want ErrUnbound", err)
		}
		if _, err := off.Bind(t.Context(), m.visit(), m.key.Register("a", "b")); !errors.Is(err, challenge.ErrNotOffered) {
			t.Errorf("Bind = %v, want ErrNotOffered", err)
		}
	})
}

func TestDeviceBoundRequiredKeepsBrowsersOutThatMakeNoKey(t *testing.T) {
	for name, remember := range map[string]bool{"a remembered browser": true, "a browser that is not remembered": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Session: challenge.SessionPolicy{DeviceBound: challenge.BoundRequired}}})
			b := w.browser(g).signIn(ana, remember)
			b.wantPass("at first")
			w.clock.advance(time.Minute)
			if v := b.open(); v.Decision != challenge.Deny || !v.Keyless || v.Reason != challenge.Keyless || v.Admission == nil {
				t.Errorf("a minute later: %+v, want a refusal for want of a key", v)
			}
			own := b.visit()
			own.Own = true
			if v := g.Admit(t.Context(), own); v.Decision != challenge.Pass {
				t.Errorf("on our own pages: %v", v.Decision)
			}
			bare := *b
			if bare.session = ""; remember {
				bare.wantCheck("by the device cookie", challenge.Expired)
				if !bare.open().Keyless {
					t.Error("that it has no key is not told")
				}
			}
			m := b.binds()
			w.clock.advance(5 * time.Minute)
			m.wantPass("with a key, late")
			w.clock.advance(13 * time.Hour)
			if err := m.refresh(); remember && err != nil {
				t.Fatal(err)
			}
			if remember {
				m.wantPass("renewed, with a key")
			}
		})
	}
}
