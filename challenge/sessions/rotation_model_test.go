// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// A fleet is several machines with one key set. Each has a clock of its own, and
// knows the set as it was when it looked last.
type fleet struct {
	t         *rapid.T
	house     *house
	algorithm sessions.Algorithm
	rotation  sessions.Rotation
	now       time.Time
	machines  []*machine
	out       []issued
	published map[string]time.Time // when a key was in the set for the first time
	until     map[string]time.Time // the end of a key, as last heard
}

type machine struct {
	offset time.Duration
	issuer *sessions.Issuer
	read   time.Time
}

// issued is a token that some machine signed.
type issued struct {
	token, kid string
	expires    time.Time
	endless    bool // it claims to live for longer than any session
}

func newFleet(t *rapid.T, h *house) *fleet {
	span := func(name string, most time.Duration) time.Duration {
		return time.Duration(rapid.Int64Range(0, int64(most)).Draw(t, name))
	}
	f := &fleet{
		t: t, house: h.at(nil), now: noon, published: map[string]time.Time{}, until: map[string]time.Time{},
		// Mostly the fastest.
		algorithm: rapid.SampledFrom(append(algorithms, sessions.HS256, sessions.HS256, sessions.HS256)).Draw(t, "algorithm"),
		rotation: sessions.Rotation{
			Every:   span("every", 40*day),
			Ahead:   span("ahead", 2*day),
			Session: minute + span("session", 60*day),
		},
	}
	f.house.stored = ensured(h.tb, nil, f.algorithm, noon)
	for range 3 {
		f.machines = append(f.machines, &machine{offset: span("clock", minute) - 30*time.Second})
	}
	f.changed()
	return f
}

// clock is what a machine believes.
func (f *fleet) clock(m *machine) time.Time { return f.now.Add(m.offset) }

// changed notes what is in the set, and has the machines read it whose copy is
// older than the rotation allows.
func (f *fleet) changed() {
	n := 0
	for _, k := range parsed(f.house.tb, f.house.stored).List(f.now) {
		if _, known := f.published[k.ID]; !known {
			f.published[k.ID] = f.now
		}
		f.until[k.ID] = k.Until
		n++
	}
	if n > 64 {
		f.t.Fatalf("%d keys", n)
	}
	for _, m := range f.machines {
		if f.now.Sub(m.read) >= f.rotation.Ahead-minute {
			f.read(m)
		}
	}
}

func (f *fleet) read(m *machine) {
	m.issuer, m.read = f.house.issuer(f.algorithm), f.now
}

// pass lets time go by, in steps that keep the promise to read the set in time.
func (f *fleet) pass(d time.Duration) {
	f.now = f.now.Add(d)
	f.turn(sessions.Rotate)
}

func (f *fleet) turn(do turn) {
	out, _, err := do(f.house.stored, f.rotation, f.now)
	if err != nil && !errors.Is(err, sessions.ErrFull) {
		f.t.Fatal(err)
	}
	if err == nil {
		f.house.stored = out
	}
	f.changed()
}

// sign has a machine sign a session and an assertion.
func (f *fleet) sign(m *machine, life time.Duration, endless bool) {
	now := f.clock(m)
	token := f.house.sign(m.issuer, f.house.sessionAt(now, life))
	assertion, err := m.issuer.SignAssertion(f.house.assertion(f.house.session()), now)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, kid := range []string{kidOf(f.house.tb, token), kidOf(f.house.tb, assertion)} {
		if first := f.published[kid]; !first.Equal(noon) && now.Before(first.Add(f.rotation.Ahead)) {
			f.t.Errorf("%s signs %v after it was published", kid, now.Sub(first))
		}
		if !inJWKS(f, m.issuer.JWKS(now), kid) && !(f.algorithm == sessions.HS256 && kid == kidOf(f.house.tb, token)) {
			f.t.Errorf("%s signs and is not published", kid)
		}
	}
	f.out = append(f.out, issued{token, kidOf(f.house.tb, token), now.Add(life).Truncate(time.Second), endless})
}

func inJWKS(f *fleet, set []byte, kid string) bool {
	var in struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal(set, &in); err != nil {
		f.t.Fatal(err)
	}
	for _, k := range in.Keys {
		if k.Kid == kid {
			return true
		}
	}
	return false
}

// check holds every token against every machine.
func (f *fleet) check() {
	for _, m := range f.machines {
		now := f.clock(m)
		for _, token := range f.out {
			_, err := m.issuer.Check(token.token, app, now)
			if now.Before(token.expires) && !token.endless && err != nil {
				f.t.Errorf("a live session is refused: %v", err)
			}
			if until := f.until[token.kid]; !until.IsZero() && !now.Before(until) && !errors.Is(err, sessions.ErrInvalid) {
				f.t.Errorf("%v after the end of its key: Check = %v", now.Sub(until), err)
			}
		}
	}
}

// oneSigns fails unless one key of each kind signs at any time.
func (f *fleet) oneSigns(now time.Time) {
	signing := map[string]int{}
	for _, k := range parsed(f.house.tb, f.house.stored).List(now) {
		if k.State == sessions.KeySigning {
			signing[k.Use]++
		}
	}
	if signing["session"] != 1 || signing["assertion"] != 1 {
		f.t.Errorf("keys that sign: %v", signing)
	}
}

func TestJWT07NoLiveSessionIsEverRefused(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(t *rapid.T) {
		f := newFleet(t, h)
		for range rapid.IntRange(5, 25).Draw(t, "steps") {
			m := rapid.SampledFrom(f.machines).Draw(t, "machine")
			switch rapid.SampledFrom([]string{"sign", "sign", "endless", "last moment", "replace", "read", "pass", "pass"}).Draw(t, "step") {
			case "sign":
				f.sign(m, time.Second+time.Duration(rapid.Int64Range(0, int64(f.rotation.Session-time.Second)).Draw(t, "life")), false)
			case "endless":
				f.sign(m, 10000*day, true)
			case "last moment":
				f.lastMoment(m)
			case "replace":
				f.turn(sessions.Replace)
			case "read":
				f.read(m)
			case "pass":
				f.pass(time.Duration(rapid.Int64Range(0, int64(max(f.rotation.Every, f.rotation.Ahead, f.rotation.Session))).Draw(t, "while")))
			}
			if rapid.IntRange(0, 2).Draw(t, "look") == 0 {
				f.check()
			}
			f.oneSigns(f.now.Add(time.Duration(rapid.Int64Range(-int64(day), int64(100*day)).Draw(t, "some time"))))
		}
		f.check()
	})
}

// lastMoment goes to the last moment of a key that has a successor, signs as
// long a session as there is, and goes to its last moment.
func (f *fleet) lastMoment(m *machine) {
	for _, k := range parsed(f.house.tb, f.house.stored).List(f.now) {
		if k.State != sessions.KeyNext || k.Use != "session" {
			continue
		}
		if until := k.From.Add(-1).Sub(f.clock(m)); until > 0 {
			f.pass(until)
		}
	}
	f.sign(m, f.rotation.Session, false)
	f.pass(f.rotation.Session - time.Second)
	f.check()
}
