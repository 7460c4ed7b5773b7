// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

var aFreshCode = risk.Page{MaxAge: 5 * time.Minute}

func TestSTP01ASensitivePageWantsAFreshCode(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	b.page = aFreshCode
	sid := b.wantPass("right after the code").Admission.Live.Key()
	w.clock.advance(5*time.Minute - time.Second)
	b.wantPass("a second before the end")
	w.clock.advance(time.Second)
	b.wantCheck("at the end", challenge.Sensitive)
	ordinary := *b
	ordinary.page = risk.Page{}
	ordinary.wantPass("an ordinary page")

	v := b.open()
	b.confirm = v.Admission.Live
	if err := b.enter(b.mailed(ana), false); err != nil {
		t.Fatalf("Verify = %v", err)
	}
	b.confirm = nil
	if v := b.wantPass("after the code"); v.Admission.Live.Key() != sid {
		t.Error("the session is another one")
	}
	all := w.mailbox.all()
	if n := all[len(all)-1]; n.Subject != challenge.ConfirmCode {
		t.Errorf("the mail is about %v, want ConfirmCode", n.Subject)
	}
	b.gate = w.gateOf(w.machine(), challenge.GateOptions{})
	b.wantPass("on another machine")
}

// Extended by use, up to four hours since the code.
func TestSTP01UseKeepsAPageFreshWhereTheOperatorSaysSo(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	b.page = risk.Page{MaxAge: 5 * time.Minute, Extends: true}
	for at := time.Duration(0); at < risk.Longest; at += 4 * time.Minute {
		b.wantPass("in use after " + at.String())
		w.clock.advance(4 * time.Minute)
	}
	b.wantCheck("after four hours", challenge.Sensitive)
	b.confirmedBy(b.open())
	b.wantPass("after the code")
	w.clock.advance(5 * time.Minute)
	b.wantCheck("unused for five minutes", challenge.Sensitive)
}

// confirmedBy goes through the check that a verdict asks for.
func (b *browser) confirmedBy(v challenge.Verdict) {
	b.w.t.Helper()
	b.confirm = v.Admission.Live
	if err := b.enter(b.mailed(challenge.Email(b.confirm.Email)), false); err != nil {
		b.w.t.Fatalf("Verify = %v", err)
	}
	b.confirm = nil
}

func TestRuling21ASessionThatARememberedBrowserRenewedIsNeverFresh(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	w.clock.advance(time.Minute)
	b.session, b.page = "", aFreshCode
	b.wantCheck("renewed a minute after the code", challenge.Sensitive)
	b.page = risk.Page{}
	b.wantPass("renewed, an ordinary page")
	b.page = aFreshCode
	v := b.open()
	if v.Decision != challenge.Check || v.Admission == nil {
		t.Fatalf("verdict %+v, want a session to confirm", v)
	}
	b.confirmedBy(v)
	b.wantPass("after the code")
	if got := b.wantPass("after the code").Admission.Live.AuthTime; !got.Equal(w.clock.now()) {
		t.Errorf("auth_time %s, want now", got)
	}
}

// STP-03: what confirms a session does nothing else, and nothing else confirms it.
func TestSTP03ACodeToConfirmASessionDoesNotSignIn(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	b.confirm = b.wantPass("before").Admission.Live
	code := b.mailed(ana)
	for name, thief := range map[string]*browser{
		"no session":                    w.browser(b.gate),
		"another session of the person": w.browser(b.gate).signIn(ana, false),
		"somebody else's session":       w.browser(b.gate).signIn(bob, false),
		"a cookie that is none":         {w: w, gate: b.gate, ip: elsewhere(), session: "junk"},
	} {
		thief.flow = b.flow // the flow cookie, copied
		session := thief.session
		for range 10 {
			if err := thief.enter(code, true); !errors.Is(err, challenge.ErrCodeExpired) {
				t.Errorf("%s: Verify = %v, want ErrCodeExpired", name, err)
			}
		}
		if thief.session != session {
			t.Errorf("%s: a session was made", name)
		}
	}
	signIn := w.browser(b.gate)
	signIn.mailed(ana)
	if err := signIn.enter(code, false); !errors.Is(err, challenge.ErrWrongCode) {
		t.Errorf("in a check to sign in: Verify = %v, want ErrWrongCode", err)
	}
	if err := b.enter(code, false); err != nil {
		t.Errorf("in its own session, after all that: Verify = %v", err)
	}
}

func TestSTP03ACodeToSignInDoesNotConfirm(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	live := b.wantPass("before").Admission.Live
	code := b.mailed(ana)
	signIn := b.flow
	b.confirm = live
	b.mailed(ana)
	if b.flow.Key() == signIn.Key() {
		t.Error("the check to confirm goes on in the flow of the check to sign in")
	}
	if err := b.enter(code, false); !errors.Is(err, challenge.ErrWrongCode) {
		t.Errorf("Verify = %v, want ErrWrongCode", err)
	}
	if signIn.Fits(b.visit()) || !b.flow.Fits(b.visit()) {
		t.Error("a flow to sign in passes for one to confirm")
	}
	b.confirm = nil
	if !signIn.Fits(b.visit()) || b.flow.Fits(b.visit()) {
		t.Error("a flow to confirm passes for one to sign in")
	}
}

func TestSTP03ASessionThatHasEndedIsNotConfirmed(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	b.confirm = b.wantPass("before").Admission.Live
	code, ended := b.mailed(ana), *b
	b.signOut(false)
	if err := ended.enter(code, false); !errors.Is(err, challenge.ErrCodeExpired) {
		t.Errorf("Verify = %v, want ErrCodeExpired", err)
	}
	ended.wantCheck("afterwards", challenge.Ended)
}

func TestAConfirmedSessionKeepsItsEndAndItsBrowser(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	ends := b.wantPass("before").Admission.Live.Expires
	w.clock.advance(11 * time.Hour)
	b.confirmed()
	if got := b.wantPass("confirmed").Admission.Live.Expires; !got.Equal(ends) {
		t.Errorf("it ends at %s, want %s as before", got, ends)
	}
	w.clock.advance(time.Hour)
	b.wantPass("renewed by the remembered browser")
	w.clock.advance(29 * day)
	b.wantPass("renewed still")
}
