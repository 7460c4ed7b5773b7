// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
)

// Whoever asks learns nothing: not whether somebody has a passkey, nor whether they may
// pass. All refusals are the same, after the same work.
func TestRL12PasskeysTellNobodyWhoHasOne(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	g := w.keysGate()
	key := w.settled(g, ana).passkey("phone")
	denied := w.settled(g, bob).passkey("his")
	g.SetAccess(access(t, challenge.AccessOptions{Allow: []string{string(ana)}}))
	work := map[string]string{}
	for name, alter := range map[string]func() *passkeystest.Authenticator{
		"an unknown person":        func() *passkeystest.Authenticator { k := key.Copy(); k.Handle = []byte("sixteen bytes!!!"); return k },
		"a handle of another kind": func() *passkeystest.Authenticator { k := key.Copy(); k.Handle = []byte("x"); return k },
		"an unknown passkey":       func() *passkeystest.Authenticator { k := key.Copy(); k.ID = []byte("unknown"); return k },
		"who may not pass":         func() *passkeystest.Authenticator { return denied.Copy() },
		"a wrong key": func() *passkeystest.Authenticator {
			k := denied.Copy()
			k.ID, k.Handle = key.ID, key.Handle
			return k
		},
	} {
		b := w.linked(g)
		k := alter()
		response := must[[]byte](t)(k.Get(b.asksForPasskey()))
		store.take()
		wantRefused(t, name, b.answers(response, false))
		work[name] = strings.Join(store.take(), ", ")
	}
	for name, calls := range work {
		if calls != work["an unknown person"] {
			t.Errorf("%s takes %s, an unknown person %s", name, calls, work["an unknown person"])
		}
	}
}

// The options are what everybody sees: they must not differ but for the challenge.
func TestRL12PasskeyOptionsNameNobody(t *testing.T) {
	w := newWorld(t)
	g := w.keysGate()
	w.settled(g, ana).passkey("phone")
	var seen []string
	for _, who := range []challenge.Email{ana, nobody} {
		b := w.linked(g)
		_, _ = b.ask(who)
		var options map[string]any
		if err := json.Unmarshal(b.asksForPasskey(), &options); err != nil {
			t.Fatal(err)
		}
		text, _ := options["challenge"].(string)
		if raw, err := base64.RawURLEncoding.DecodeString(text); err != nil || len(raw) != 32 {
			t.Errorf("the challenge is %q", text)
		}
		delete(options, "challenge")
		seen = append(seen, string(must[[]byte](t)(json.Marshal(options))))
	}
	if seen[0] != seen[1] {
		t.Errorf("with a passkey %s, without %s", seen[0], seen[1])
	}
}

// Asking for a challenge is open to every stranger, so that it must cost no record.
func TestDOS01OfferingAPasskeyCostsTheStoreNothing(t *testing.T) {
	c := newClock()
	store := newProbe(c)
	w := newWorldOn(t, c, store)
	b := w.linked(w.keysGate())
	store.take()
	b.asksForPasskey()
	wantRefused(t, "nonsense", b.answers([]byte(`{"id":"AA"}`), false))
	wantRefused(t, "nothing", b.answers(nil, false))
	wantRefused(t, "too much", b.answers(make([]byte, 1<<20), false))
	if calls := store.take(); len(calls) != 0 {
		t.Errorf("store calls: %q, want none", calls)
	}
}

func TestDOS01PasskeysOfOneNetworkAreCounted(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{
		Limits: challenge.Limits{TryIP: []challenge.Rate{{N: 3, Per: time.Hour}}}, Ways: challenge.WaysPolicy{Passkeys: true},
	}})
	owner := w.settled(g, ana)
	key := owner.passkey("phone")
	forged := key.Copy()
	forged.ID = []byte("unknown")
	b := w.linked(g)
	b.session, b.device = "x", "x" // made up
	for range 3 {
		b.flow = nil
		wantRefused(t, "forged", b.signs(forged, false))
	}
	var limit *challenge.LimitError
	b.flow = nil
	if err := b.signs(key, false); !errors.As(err, &limit) || limit.Limit != challenge.LimitTryPasskey {
		t.Fatalf("the fourth: %v", err)
	}
	owner.flow = nil
	owner.ip = b.ip // whoever is known is not kept out by a network
	if err := owner.signs(key, false); err != nil {
		t.Errorf("a browser that is known: %v", err)
	}
	for range 5 { // right ones are given back
		other := w.linked(g)
		other.ip = owner.ip.Next().Next()
		if err := other.signs(key, false); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDOS01StrangersLeaveHalfOfTheSecondToOthers(t *testing.T) {
	w := newWorld(t)
	owner := w.settled(w.keysGate(), ana)
	key := owner.passkey("phone")
	forged := key.Copy()
	forged.ID = []byte("unknown")
	var limit *challenge.LimitError
	for n := 0; limit == nil; n++ {
		if n > 200 {
			t.Fatal("no limit was reached")
		}
		stranger := w.linked(owner.gate)
		stranger.session, stranger.device = "x", "x" // made up
		if err := stranger.signs(forged, false); !errors.As(err, &limit) {
			wantRefused(t, "forged", err)
		}
	}
	owner.flow = nil
	if err := owner.signs(key, false); err != nil {
		t.Errorf("a browser that is known: %v", err)
	}
	w.clock.advance(time.Second)
	if err := w.linked(owner.gate).signs(key, false); err != nil {
		t.Errorf("a second later: %v", err)
	}
}
