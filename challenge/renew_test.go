// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"sync"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

const day = 24 * time.Hour

func TestRuling22ARememberedBrowserRenewsItsSession(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	for range 100 { // every 29 days would be enough
		w.clock.advance(13 * time.Hour)
		device := b.device
		b.wantPass("renewed")
		if b.device == device {
			t.Fatal("the secret was not replaced")
		}
		b.wantPass("with the new cookies")
	}
}

func TestRuling22HowLongABrowserIsRemembered(t *testing.T) {
	for _, tt := range []struct {
		name        string
		every, days time.Duration
		want        challenge.Decision
	}{
		{"unused for less than its idle time", 30*day - time.Second, 1, challenge.Pass},
		{"unused for its idle time", 30 * day, 1, challenge.Check},
		{"used, until its last code is too old", 20 * day, 8, challenge.Pass},
		{"used, when its last code is too old", 20 * day, 9, challenge.Check},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
			var v challenge.Verdict
			for range tt.days {
				w.clock.advance(tt.every)
				v = b.open()
			}
			if v.Decision != tt.want {
				t.Errorf("decision %v (%s), want %v", v.Decision, v.Reason, tt.want)
			}
			if tt.want == challenge.Check && v.Remembered != ana {
				t.Errorf("the form is filled in with %q, want %s", v.Remembered, ana)
			}
		})
	}
}

func TestRuling22Choice(t *testing.T) {
	for _, tt := range []struct {
		choice challenge.Choice
		asked  bool
		want   bool
		reason challenge.Reason
	}{
		{challenge.ChoiceAsk, true, true, challenge.NewBrowser},
		{challenge.ChoiceAsk, false, false, challenge.NewBrowser},
		{challenge.ChoiceAlways, false, true, challenge.NewBrowser},
		{challenge.ChoiceNever, true, false, challenge.Always},
	} {
		t.Run(string(tt.choice), func(t *testing.T) {
			w := newWorld(t)
			b := w.browser(w.gate(challenge.GateOptions{Policy: challenge.Policy{Devices: challenge.DevicePolicy{Choice: tt.choice}}}))
			b.wantCheck("a new browser", tt.reason)
			b.signIn(ana, tt.asked)
			if remembered := b.device != ""; remembered != tt.want {
				t.Errorf("asked %v: remembered %v, want %v", tt.asked, remembered, tt.want)
			}
		})
	}
	t.Run("a choice of never forgets those of before", func(t *testing.T) {
		w := newWorld(t)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
		b.session, b.gate = "", w.gate(challenge.GateOptions{Policy: challenge.Policy{Devices: challenge.DevicePolicy{Choice: challenge.ChoiceNever}}})
		b.wantCheck("afterwards", challenge.Always)
	})
}

// Ten tabs that a browser restores at once all bring the old secret.
func TestRuling22TenTabsAtOnceShareOneSession(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	b.wantPass("confirmed")
	w.clock.advance(13 * time.Hour)
	var tabs [10]browser
	var all sync.WaitGroup
	keys := make([]string, len(tabs))
	for i := range tabs {
		tabs[i] = *b
		tabs[i].session = ""
		all.Go(func() {
			if v := tabs[i].open(); v.Admission != nil {
				keys[i] = v.Admission.Live.Key()
			}
		})
	}
	all.Wait()
	for i, key := range keys {
		if key == "" || key != keys[0] {
			t.Fatalf("tab %d has session %.8q…, tab 0 %.8q…", i, key, keys[0])
		}
	}
	for i := range tabs {
		tabs[i].wantPass("each tab afterwards")
	}
	late := *b
	late.session = ""
	w.clock.advance(59 * time.Second)
	late.wantPass("a tab 59 s after the new secret was seen")
	late = *b
	late.session = ""
	w.clock.advance(time.Second)
	late.wantCheck("60 s after", challenge.Ended)
}

// A shared session must not live longer than the one that it shares.
func TestSES04ASharedSessionKeepsItsEnd(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	b.wantPass("confirmed")
	w.clock.advance(13 * time.Hour)
	first, second := *b, *b
	first.session, second.session = "", ""
	end := first.wantPass("first tab").Admission.Live.Expires
	w.clock.advance(11 * time.Hour)
	if got := second.wantPass("second tab").Admission.Live.Expires; !got.Equal(end) {
		t.Errorf("the shared session ends at %s, want %s", got, end)
	}
	w.clock.advance(time.Hour)
	second.device = ""
	second.wantCheck("at its end", challenge.Expired)
}

// An answer that never arrives must not look like theft, however often it is
// lost.
func TestRuling22LostAnswersAreNoTheft(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	b.wantPass("confirmed")
	for range 5 {
		w.clock.advance(13 * time.Hour)
		lost := *b
		lost.session = ""
		lost.wantPass("an answer that is lost")
	}
	b.session = ""
	b.wantPass("the answer that arrives")
	b.wantPass("with it")
}

func TestGEO09ACopiedDeviceCookieIsDetected(t *testing.T) {
	for _, tt := range []struct {
		name    string
		restart bool // between the renewal and the browser's next request
	}{{"on one machine", false}, {"though the machine was restarted", true}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			owner := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
			owner.wantPass("confirmed")
			thief := *owner
			thief.session, thief.ip = "", elsewhere()
			w.clock.advance(13 * time.Hour)
			owner.wantPass("renewed")
			if tt.restart {
				owner.gate = w.gateOf(w.machine(), challenge.GateOptions{})
				thief.gate = owner.gate
			}
			owner.wantPass("with the new secret")
			w.clock.advance(61 * time.Second)
			thief.wantCheck("the copy", challenge.Ended)
			if !w.diary.has(challenge.DeviceReplayed) {
				t.Error("the operator is not told")
			}
			owner.wantCheck("the owner", challenge.Ended)
			owner.signIn(ana, true)
			owner.wantPass("after a code")
			thief.wantCheck("the copy, after the owner's code", challenge.Expired)
			owner.wantPass("whom the copy no longer troubles")
		})
	}
	t.Run("also when its session is over already", func(t *testing.T) {
		w := newWorld(t)
		owner := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
		thief := *owner
		w.clock.advance(13 * time.Hour)
		owner.wantPass("renewed")
		owner.wantPass("confirmed")
		w.clock.advance(13 * time.Hour)
		thief.wantCheck("the copy", challenge.Ended)
		if !w.diary.has(challenge.DeviceReplayed) {
			t.Error("the operator is not told")
		}
	})
}

// The own bucket is for the browser that is remembered, not for copies of what it
// once had, nor for what is over.
func TestRuling15AnOldDeviceCookieHasNoOwnBucket(t *testing.T) {
	w := newWorld(t)
	owner := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	owner.wantPass("confirmed")
	copied := *owner
	copied.session, copied.flow = "", nil
	known := func(b *browser) bool {
		b.mailed(ana)
		all := w.mailbox.all()
		return all[len(all)-1].Known
	}
	if first := copied; !known(&first) {
		t.Error("the remembered browser has no own bucket")
	}
	w.clock.advance(13 * time.Hour)
	owner.wantPass("renewed")
	owner.wantPass("confirmed")
	w.clock.advance(time.Minute)
	if known(&copied) {
		t.Error("a copy of an old cookie has the own bucket")
	}
	w.clock.advance(30 * day)
	if owner.session = ""; known(owner) {
		t.Error("a browser that is forgotten has the own bucket")
	}
}

// Before, the generation that a code replaced went on working until the next
// one was seen: a copy from before the sign-out entered by the owner's code.
func TestGEO09ACodeMakesEveryOlderCopyWorthless(t *testing.T) {
	w := newWorld(t)
	owner := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	thief := *owner
	thief.session = ""
	if _, err := owner.gate.SignOut(t.Context(), owner.visit(), owner.wantPass("").Admission, false); err != nil {
		t.Fatal(err)
	}
	thief.wantCheck("the copy after the sign-out", challenge.Ended)
	owner.signIn(ana, true)
	thief.wantCheck("the copy after the owner's code", challenge.Expired)
}

func TestRuling22WhatWasSignedOutNeedsACode(t *testing.T) {
	for _, forget := range []bool{false, true} {
		w := newWorld(t)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
		device, err := b.gate.SignOut(t.Context(), b.visit(), b.wantPass("").Admission, forget)
		if err != nil {
			t.Fatal(err)
		}
		if (device == "") != forget {
			t.Errorf("forget %v: device cookie %.8q", forget, device)
		}
		stale := *b
		stale.session = ""
		stale.wantCheck("the old cookie", map[bool]challenge.Reason{false: challenge.Ended, true: challenge.Expired}[forget])
		b.session, b.device = "", device
		if v := b.open(); v.Decision != challenge.Check {
			t.Errorf("forget %v: %v, want Check", forget, v.Decision)
		}
		b.signIn(ana, true)
		b.session = ""
		b.wantPass("remembered again")
	}
}

func TestTwoPeopleInOneBrowser(t *testing.T) {
	shared := func(t *testing.T, anaRemembered bool) *browser {
		w := newWorld(t)
		b := w.browser(w.gate(challenge.GateOptions{})).signIn(bob, true)
		b.wantPass("bob")
		b.signIn(ana, anaRemembered)
		if got := b.wantPass("ana").Identity.Email; got != ana {
			t.Fatalf("it is %s, want ana", got)
		}
		return b
	}
	for _, tt := range []struct {
		name               string
		remembered, forget bool
	}{{"remembered", true, false}, {"not remembered", false, false}, {"remembered, forgotten", true, true}} {
		t.Run(tt.name+": whose sign-out does not let the other in", func(t *testing.T) {
			b := shared(t, tt.remembered)
			var err error
			if b.device, err = b.gate.SignOut(t.Context(), b.visit(), b.wantPass("").Admission, tt.forget); err != nil {
				t.Fatal(err)
			}
			if v := b.open(); v.Decision != challenge.Check {
				t.Errorf("decision %v for %s, want Check", v.Decision, v.Identity.Email)
			}
			b.session = ""
			if v := b.open(); v.Decision != challenge.Check {
				t.Errorf("without the session cookie: decision %v for %s, want Check", v.Decision, v.Identity.Email)
			}
			b.signIn(bob, true)
			b.session = ""
			if got := b.wantPass("bob, who is remembered still").Identity.Email; got != bob {
				t.Errorf("it is %s, want bob", got)
			}
		})
	}
	t.Run("the end of a session that is not remembered does not let the other in", func(t *testing.T) {
		b := shared(t, false)
		b.w.clock.advance(13 * time.Hour)
		b.wantCheck("afterwards", challenge.Expired)
	})
	t.Run("at most three people are remembered", func(t *testing.T) {
		w := newWorld(t)
		b := w.browser(w.gate(challenge.GateOptions{}))
		for n := range 5 {
			b.signIn(someone(n), true)
		}
		if len(b.device) > 2000 {
			t.Errorf("the device cookie has %d bytes", len(b.device))
		}
	})
}

func TestTheBrowserUsedLongestAgoIsForgottenWhenThereAreTooMany(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Devices: challenge.DevicePolicy{Max: 2}}})
	var all []*browser
	for range 3 {
		all = append(all, w.browser(g).signIn(ana, true))
		w.clock.advance(time.Second)
	}
	for n, b := range all {
		b.session = ""
		if want := n > 0; (b.open().Decision == challenge.Pass) != want {
			t.Errorf("browser %d: remembered %v, want %v", n, !want, want)
		}
	}
}

// Two sites with times of their own share the records of a person.
func TestAGateThatRemembersBrieflyForgetsNothingForAnother(t *testing.T) {
	w := newWorld(t)
	long := w.gate(challenge.GateOptions{})
	brief := w.gate(challenge.GateOptions{ID: "brief", Policy: challenge.Policy{Devices: challenge.DevicePolicy{Idle: time.Hour}}})
	b := w.browser(long).signIn(ana, true)
	b.wantPass("confirmed")
	w.clock.advance(13 * time.Hour)
	w.browser(brief).signIn(ana, true)
	atBrief := *b
	atBrief.gate = brief
	atBrief.wantCheck("at the gate that remembers briefly", challenge.Expired)
	b.wantPass("at the other")
}

// A new secret that the store could not be told of is confirmed by the next
// request; otherwise the one before, and every copy of it, would work for ever.
func TestGEO09AConfirmationIsMadeUpForWhenTheStoreWasDown(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	b.wantPass("confirmed")
	copied := *b
	copied.session = ""
	w.clock.advance(13 * time.Hour)
	b.wantPass("renewed")
	store.down.Store(true)
	b.wantPass("with the new secret, which cannot be noted")
	store.down.Store(false)
	b.wantPass("with the new secret")
	w.clock.advance(61 * time.Second)
	copied.wantCheck("the copy", challenge.Ended)
}

func TestRuling22AnUntickedBoxForgetsTheBrowser(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
	b.session = ""
	b.wantPass("remembered")
	old := *b
	b.session = ""
	b.signIn(ana, false)
	b.wantPass("by the code")
	if b.gate.Remembers(t.Context(), b.visit()) {
		t.Error("the browser is remembered still")
	}
	b.session = ""
	b.wantCheck("afterwards", challenge.Expired)
	old.wantCheck("with the cookies of before", challenge.Expired)
}
