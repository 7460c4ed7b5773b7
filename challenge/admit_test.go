// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"sync"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// L-06: a session that was planted before must be worth nothing afterwards.
func TestSES01AnEntryMakesANewSessionAndEndsTheOldOne(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	for _, tt := range []struct {
		name   string
		before challenge.Email
	}{{"of the same person", ana}, {"of somebody else", bob}} {
		t.Run(tt.name, func(t *testing.T) {
			b := w.browser(g).signIn(tt.before, false)
			planted := *b
			first := planted.wantPass("the planted session").Admission.Live.Key()
			b.signIn(ana, false)
			if second := b.wantPass("after the entry").Admission.Live.Key(); second == first {
				t.Error("the session is the same as before")
			}
			planted.wantCheck("the planted session afterwards", challenge.Ended)
			planted.gate = w.gateOf(w.machine(), challenge.GateOptions{})
			planted.wantCheck("the planted session on another machine", challenge.Ended)
		})
	}
}

func TestSES04SessionsEndByThemselves(t *testing.T) {
	policy := challenge.Policy{Session: challenge.SessionPolicy{Lifetime: 12 * time.Hour, Idle: time.Hour}}
	t.Run("after their lifetime, however much they are used", func(t *testing.T) {
		w := newWorld(t)
		b := w.browser(w.gate(challenge.GateOptions{Policy: policy})).signIn(ana, false)
		for range 12*6 - 1 {
			w.clock.advance(10 * time.Minute)
			b.wantPass("in use")
		}
		w.clock.advance(10*time.Minute - time.Second)
		b.wantPass("a second before the end")
		w.clock.advance(time.Second)
		b.wantCheck("at the end", challenge.Expired)
		b.gate = w.gateOf(w.machine(), challenge.GateOptions{Policy: policy})
		b.wantCheck("at the end, on another machine", challenge.Expired)
	})
	t.Run("when they are idle", func(t *testing.T) {
		w := newWorld(t)
		b := w.browser(w.gate(challenge.GateOptions{Policy: policy})).signIn(ana, false)
		w.clock.advance(time.Hour)
		b.wantCheck("after an hour", challenge.Expired)
	})
	t.Run("an old cookie is idle though a newer one is not", func(t *testing.T) {
		w := newWorld(t)
		b := w.browser(w.gate(challenge.GateOptions{Policy: policy})).signIn(ana, false)
		old := *b
		for range 4 {
			w.clock.advance(20 * time.Minute)
			b.wantPass("in use")
		}
		old.wantCheck("the first cookie", challenge.Expired)
	})
}

func TestRuling21TheCookieIsSignedAgainAtMostEveryQuarterOfTheIdleTime(t *testing.T) {
	policy := challenge.Policy{Session: challenge.SessionPolicy{Idle: time.Hour}}
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	b := w.browser(w.gate(challenge.GateOptions{Policy: policy})).signIn(ana, false)
	tab := *b
	store.take()
	signed := map[string]bool{}
	for range 60 {
		w.clock.advance(time.Minute)
		for range 3 {
			signed[b.wantPass("in use").SetSession] = true
			tab.session = b.session
		}
	}
	if delete(signed, ""); len(signed) != 3 {
		t.Errorf("signed %d times in an hour, want 3", len(signed))
	}
	if calls := store.take(); len(calls) != 0 {
		t.Errorf("store calls: %q, want none", calls)
	}
}

func TestRuling21TabsWithAnOldCookieAreGivenTheSameNewOne(t *testing.T) {
	policy := challenge.Policy{Session: challenge.SessionPolicy{Idle: time.Hour}}
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{Policy: policy})).signIn(ana, false)
	w.clock.advance(30 * time.Minute)
	one, two := *b, *b
	if one.wantPass("one").SetSession != two.wantPass("two").SetSession {
		t.Error("every request signs anew")
	}
}

func TestSES05TheOldestSessionEndsWhenThereAreTooMany(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Session: challenge.SessionPolicy{Max: 3}}})
	var all []*browser
	for n := range 5 {
		address := []challenge.Email{"ana@example.org", "ana+x@example.org"}[n%2]
		all = append(all, w.browser(g).signIn(address, false))
		w.clock.advance(time.Second)
	}
	for n, b := range all {
		if n < 2 {
			b.wantCheck("one of the two oldest", challenge.Ended)
		} else {
			b.wantPass("one of the three newest")
		}
	}
}

func TestSES06AListThatChangesTakesEffectOnTheNextRequest(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	b := w.browser(g).signIn(ana, true)
	b.wantPass("cached")
	g.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(bob)}}))
	if v := b.open(); v.Decision != challenge.Deny || v.Admission == nil || v.Identity.Email != ana {
		t.Errorf("removed: %+v, want Deny with the admission", v)
	}
	if !w.diary.has(challenge.Denied) {
		t.Error("the operator is not told")
	}
	other := w.gateOf(w.machine(), challenge.GateOptions{Access: access(t, challenge.AccessOptions{Allow: []string{string(bob)}})})
	elsewhere := *b
	elsewhere.gate = other
	if v := elsewhere.open(); v.Decision != challenge.Deny {
		t.Errorf("removed, on another machine: %v, want Deny", v.Decision)
	}
	renewed := *b
	renewed.session = ""
	if v := renewed.open(); v.Decision != challenge.Check {
		t.Errorf("removed, by the remembered browser: %v, want Check", v.Decision)
	}
	g.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(ana)}}))
	b.wantPass("back on the list")
}

func TestThePeopleFilesEndDateHoldsInsideASession(t *testing.T) {
	w := newWorld(t)
	until := w.clock.now().Add(time.Hour)
	g := w.gate(challenge.GateOptions{Access: access(t, challenge.AccessOptions{
		Allow: []string{"*@example.com"}, People: []challenge.Member{{Mailbox: string(ana), Name: "Ana", Until: until}},
	})})
	b := w.browser(g).signIn(ana, false)
	w.clock.advance(time.Hour - time.Second)
	if got := b.wantPass("a second before").Identity.Name; got != "Ana" {
		t.Errorf("name %q, want Ana", got)
	}
	w.clock.advance(time.Second)
	if v := b.open(); v.Decision != challenge.Deny {
		t.Errorf("at the end: %v, want Deny", v.Decision)
	}
}

// L-20. The two tickets of one session are the cookie that was copied before it
// was signed again, and the newer one.
func TestSES02SignOutEndsEveryCookieOfASessionAtOnce(t *testing.T) {
	w := newWorld(t)
	policy := challenge.Policy{Session: challenge.SessionPolicy{Idle: time.Hour}}
	g := w.gate(challenge.GateOptions{Policy: policy})
	b := w.browser(g).signIn(ana, false)
	copied := *b
	w.clock.advance(20 * time.Minute)
	v := b.wantPass("in use")
	uncached := *b
	uncached.gate = w.gateOf(w.machine(), challenge.GateOptions{Policy: policy})
	if _, err := g.SignOut(t.Context(), b.visit(), v.Admission, false); err != nil {
		t.Fatal(err)
	}
	b.wantCheck("the cached cookie", challenge.Ended)
	copied.wantCheck("the copied cookie", challenge.Ended)
	uncached.wantCheck("another machine that never saw it", challenge.Ended)
	if !w.diary.has(challenge.SignedOut) {
		t.Error("the operator is not told")
	}
}

func TestJWT05AnotherAudienceIsRefused(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	b := w.browser(g).signIn(ana, true)
	b.wantPass("at home")
	v := b.visit()
	v.Audience = "https://other.example.com"
	if got := g.Admit(t.Context(), v); got.Decision != challenge.Check {
		t.Errorf("cached session, other audience: %v, want Check", got.Decision)
	}
	v.Session = ""
	if got := g.Admit(t.Context(), v); got.Decision != challenge.Check {
		t.Errorf("device cookie, other audience: %v, want Check", got.Decision)
	}
}

func TestRuling23OfSeveralSessionCookiesOneValidOneWins(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Session: challenge.SessionPolicy{Idle: time.Hour}}})
	b, planted := w.browser(g).signIn(ana, false), w.browser(g).signIn(bob, false)
	first := b.session
	w.clock.advance(20 * time.Minute)
	b.wantPass("signed again")
	ended := w.browser(g).signIn(ana, false)
	if _, err := g.SignOut(t.Context(), ended.visit(), ended.wantPass("").Admission, false); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		values []string
		want   string
	}{
		{"bad first", []string{"junk", b.session}, b.session},
		{"good first", []string{b.session, "junk"}, b.session},
		{"the same twice", []string{b.session, b.session}, b.session},
		{"an ended one", []string{ended.session, b.session}, b.session},
		{"two cookies of one session", []string{b.session, first}, b.session},
		{"two sessions", []string{b.session, planted.session}, ""},
		{"three", []string{planted.session, "junk", b.session}, ""},
		{"none", []string{"junk", ""}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := g.Choose(t.Context(), *b.visit(), tt.values); got != tt.want {
				t.Errorf("Choose = %.12q…, want %.12q…", got, tt.want)
			}
		})
	}
}

func TestRuling23OfSeveralDeviceCookiesTheOneThatOpensWins(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	b, planted := w.browser(g).signIn(ana, true), w.browser(g).signIn(bob, true)
	for _, tt := range []struct {
		name   string
		values []string
		want   string
	}{
		{"bad first", []string{"junk", b.device}, b.device},
		{"good first", []string{b.device, "junk"}, b.device},
		{"the same twice", []string{b.device, b.device}, b.device},
		{"two browsers", []string{b.device, "junk", planted.device}, ""},
		{"none", []string{"junk", ""}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := g.ChooseDevice(*b.visit(), tt.values); got != tt.want {
				t.Errorf("ChooseDevice = %.12q…, want %.12q…", got, tt.want)
			}
		})
	}
}

func TestRuling21AuthTimeIsThatOfTheLastCode(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	coded := w.clock.now()
	w.clock.advance(48 * time.Hour)
	if got := b.wantPass("renewed").Admission.Live.AuthTime; !got.Equal(coded) {
		t.Errorf("auth_time %s, want %s", got, coded)
	}
}

func TestRuling20ACachedSessionMakesNoStoreCallAndANewOneOne(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	store.take()
	b.wantPass("cached")
	if calls := store.take(); len(calls) != 0 {
		t.Errorf("cached: %q, want no call", calls)
	}
	b.gate = w.gateOf(w.machine(), challenge.GateOptions{})
	store.take()
	b.wantPass("new to a machine")
	if calls := store.take(); len(calls) != 1 || calls[0] != "get person" {
		t.Errorf("new to a machine: %q, want one get", calls)
	}
	b.session = "forged." + b.session
	b.open()
	if calls := store.take(); len(calls) != 0 {
		t.Errorf("forged: %q, want no call", calls)
	}
}

// DOS-01: reading a page costs a stranger's machine more than ours.
func TestDOS01AStrangersVisitTouchesNoStore(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	g := w.gate(challenge.GateOptions{})
	store.take()
	for _, cookie := range []string{"", "junk", "a.b.c"} {
		b := w.browser(g)
		b.session, b.device = cookie, cookie
		b.wantCheck("a stranger", challenge.NewBrowser)
	}
	if calls := store.take(); len(calls) != 0 {
		t.Errorf("store calls: %q, want none", calls)
	}
}

func TestSessionsMayBeUsedFromManyGoroutinesAtOnce(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Session: challenge.SessionPolicy{Idle: time.Hour}}})
	b := w.browser(g).signIn(ana, true)
	var all sync.WaitGroup
	for n := range 32 {
		tab := *b
		all.Go(func() {
			for range 50 {
				if n == 0 {
					w.clock.advance(time.Minute)
					g.SetAccess(access(t, challenge.AccessOptions{Allow: []string{"*"}}))
				}
				tab.open()
			}
		})
	}
	all.Wait()
	b.wantPass("afterwards")
}
