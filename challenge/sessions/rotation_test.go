// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

const (
	day    = 24 * time.Hour
	minute = time.Minute
)

var monthly = sessions.Rotation{Every: 30 * day, Ahead: time.Hour, Session: 12 * time.Hour}

// A turn is Rotate or Replace.
type turn func([]byte, sessions.Rotation, time.Time) ([]byte, bool, error)

// turned returns what turn makes of plain, and fails unless doing the same twice
// changes nothing.
func turned(tb testing.TB, do turn, plain []byte, r sessions.Rotation, now time.Time) []byte {
	tb.Helper()
	out, _, err := do(plain, r, now)
	if err != nil {
		tb.Fatalf("turning keys: %v", err)
	}
	again, changed, err := do(out, r, now)
	if err != nil || changed || !bytes.Equal(again, out) {
		tb.Fatalf("the same turn again = changed: %t, %v", changed, err)
	}
	return out
}

func ensured(tb testing.TB, plain []byte, algorithm sessions.Algorithm, now time.Time) []byte {
	tb.Helper()
	out, _, err := sessions.Ensure(plain, algorithm, now)
	if err != nil {
		tb.Fatalf("Ensure: %v", err)
	}
	return out
}

func parsed(tb testing.TB, plain []byte) sessions.Keys {
	tb.Helper()
	keys, err := sessions.ParseKeys(plain)
	if err != nil {
		tb.Fatalf("ParseKeys: %v", err)
	}
	return keys
}

// lives describes the keys of a use: their state, and when they begin and end,
// counted from noon.
func lives(tb testing.TB, plain []byte, use string, now time.Time) (out []string) {
	tb.Helper()
	for _, k := range parsed(tb, plain).List(now) {
		if k.Use != use {
			continue
		}
		line := fmt.Sprintf("%s from %v", k.State, k.From.Sub(noon))
		if !k.Until.IsZero() {
			line += fmt.Sprintf(" until %v", k.Until.Sub(noon))
		}
		out = append(out, line)
	}
	return out
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func kidOf(tb testing.TB, token string) string {
	tb.Helper()
	kid, _ := decodeSegment(tb, strings.Split(token, ".")[0])["kid"].(string)
	return kid
}

// at returns h with other keys.
func (h *house) at(stored []byte) *house {
	in := *h
	in.stored = stored
	return &in
}

// sessionAt is a session that begins at a time.
func (h *house) sessionAt(now time.Time, life time.Duration) sessions.Session {
	s := h.session()
	s.AuthTime, s.Issued, s.Active, s.Expires = now, now, now, now.Add(life)
	return s
}

func TestJWT07ASuccessorIsMadeAheadAndTheOldKeyGoes(t *testing.T) {
	set := ensured(t, nil, "", noon)
	for _, tt := range []struct {
		name               string
		at                 time.Duration
		session, assertion []string
	}{
		{
			"a key that is not due has no successor", 30*day - time.Hour - time.Second,
			[]string{"signing from 0s"},
			[]string{"signing from 0s"},
		},
		{
			"the successor waits for an hour", 30*day - time.Hour,
			[]string{"signing from 0s until 732h1m0s", "next from 720h0m0s"},
			[]string{"signing from 0s until 720h7m0s", "next from 720h0m0s"},
		},
		{
			"to the last second", 30*day - 1,
			[]string{"signing from 0s until 732h1m0s", "next from 720h0m0s"},
			[]string{"signing from 0s until 720h7m0s", "next from 720h0m0s"},
		},
		{
			"then it signs, and the old key verifies", 30 * day,
			[]string{"verifying from 0s until 732h1m0s", "signing from 720h0m0s"},
			[]string{"verifying from 0s until 720h7m0s", "signing from 720h0m0s"},
		},
		{
			"an old assertion key goes when no app can need it", 30*day + 7*minute,
			[]string{"verifying from 0s until 732h1m0s", "signing from 720h0m0s"},
			[]string{"signing from 720h0m0s"},
		},
		{
			"an old session key goes when its last session is over", 30*day + 12*time.Hour + minute,
			[]string{"signing from 720h0m0s"},
			[]string{"signing from 720h0m0s"},
		},
		{
			"a machine that was off for a year gives its apps an hour too", 365*day + 500*time.Millisecond,
			[]string{"signing from 720h0m0s until 8773h1m1s", "next from 8761h0m1s"},
			[]string{"signing from 720h0m0s until 8761h7m1s", "next from 8761h0m1s"},
		},
	} {
		set = turned(t, sessions.Rotate, set, monthly, noon.Add(tt.at))
		same(t, tt.name+": session keys", tt.session, lives(t, set, "session", noon.Add(tt.at)))
		same(t, tt.name+": assertion keys", tt.assertion, lives(t, set, "assertion", noon.Add(tt.at)))
	}
}

func TestWithoutEveryOnlyReplaceTurns(t *testing.T) {
	r := monthly
	r.Every = 0
	set := ensured(t, nil, "", noon)
	if out, changed, err := sessions.Rotate(set, r, noon.Add(1000*day)); changed || err != nil || !bytes.Equal(out, set) {
		t.Fatalf("Rotate = changed: %t, %v", changed, err)
	}
	set = turned(t, sessions.Replace, set, r, noon)
	set = turned(t, sessions.Rotate, set, r, noon.Add(2*time.Hour))
	same(t, "session keys", []string{"verifying from 0s until 13h1m0s", "signing from 1h0m0s"}, lives(t, set, "session", noon.Add(2*time.Hour)))
	set = turned(t, sessions.Rotate, set, r, noon.Add(14*time.Hour))
	same(t, "session keys", []string{"signing from 1h0m0s"}, lives(t, set, "session", noon.Add(14*time.Hour)))
}

func TestReplaceTwiceDoesNoHarm(t *testing.T) {
	set := turned(t, sessions.Replace, ensured(t, nil, "", noon), monthly, noon)
	want := []string{"signing from 0s until 13h1m0s", "next from 1h0m0s"}
	for _, at := range []time.Duration{0, minute, time.Hour - 1} {
		again, changed, err := sessions.Replace(set, monthly, noon.Add(at))
		if err != nil || changed || !bytes.Equal(again, set) {
			t.Errorf("after %v: Replace = changed: %t, %v", at, changed, err)
		}
		same(t, "session keys", want, lives(t, again, "session", noon))
	}
}

func TestReplaceBringsAWaitingSuccessorForward(t *testing.T) {
	r := monthly
	r.Ahead = 2 * day
	set := turned(t, sessions.Rotate, ensured(t, nil, "", noon), r, noon.Add(28*day))
	same(t, "before", []string{"signing from 0s until 732h1m0s", "next from 720h0m0s"}, lives(t, set, "session", noon.Add(28*day)))
	set = turned(t, sessions.Replace, set, monthly, noon.Add(28*day))
	same(t, "after", []string{"signing from 0s until 685h1m0s", "next from 673h0m0s"}, lives(t, set, "session", noon.Add(28*day)))
}

func TestAReplacementMayTakeOverAtOnce(t *testing.T) {
	r := sessions.Rotation{Session: time.Hour}
	now := noon.Add(minute)
	set, changed, err := sessions.Replace(ensured(t, nil, "", noon), r, now)
	if err != nil || !changed {
		t.Fatalf("Replace = changed: %t, %v", changed, err)
	}
	same(t, "session keys", []string{"verifying from 0s until 1h2m0s", "signing from 1m0s"}, lives(t, set, "session", now))
}

func TestKeysThatAreWantedForLongerEndLater(t *testing.T) {
	set := turned(t, sessions.Replace, ensured(t, nil, "", noon), monthly, noon)
	longer, shorter, never := monthly, monthly, monthly
	longer.Session, shorter.Session, never.Session = 7*day, time.Hour, 0
	for _, tt := range []struct {
		name string
		r    sessions.Rotation
		want string
	}{
		{"sessions got shorter: those of before still end as they began", shorter, "signing from 0s until 13h1m0s"},
		{"sessions are of any length: the end stays where it was", never, "signing from 0s until 13h1m0s"},
		{"sessions got longer", longer, "signing from 0s until 169h1m0s"},
	} {
		out := turned(t, sessions.Rotate, set, tt.r, noon.Add(minute))
		same(t, tt.name, []string{tt.want, "next from 1h0m0s"}, lives(t, out, "session", noon.Add(minute)))
	}
	never.Every = day
	set = turned(t, sessions.Rotate, ensured(t, nil, "", noon), never, noon.Add(day))
	same(t, "sessions of any length", []string{"signing from 0s", "next from 25h0m0s"}, lives(t, set, "session", noon.Add(day)))
}

// Whoever copies a cookie must not have it for longer than its key, whatever
// the cookie says.
func TestJWT07ARetiredKeyVerifiesNothing(t *testing.T) {
	h := newHouse(t)
	for _, algorithm := range algorithms {
		in := h.at(ensured(t, nil, algorithm, noon))
		s := in.sessionAt(noon, 1000*day)
		token, until := in.sign(in.issuer(algorithm), s), noon.Add(13*time.Hour+minute)
		in.stored = turned(t, sessions.Replace, in.stored, monthly, noon)
		i := in.issuer(algorithm)
		if _, err := i.Check(token, app, until.Add(-1)); err != nil {
			t.Errorf("%s: just before the end: %v", algorithm, err)
		}
		for _, after := range []time.Duration{0, 1, day, 2000 * day} {
			if got, err := i.Check(token, app, until.Add(after)); !errors.Is(err, sessions.ErrInvalid) || got.Email != "" {
				t.Errorf("%s: %v after the end: Check = %+v, %v, want ErrInvalid", algorithm, after, got, err)
			}
		}
		same(t, "the keys at the end", []string{"retired from 0s until 13h1m0s", "signing from 1h0m0s"}, lives(t, in.stored, "session", until))
	}
}

func TestJWT07ASetReadBeforeATakeOverFollowsIt(t *testing.T) {
	h := newHouse(t)
	for _, algorithm := range algorithms {
		in := h.at(turned(t, sessions.Replace, ensured(t, nil, algorithm, noon), monthly, noon))
		i := in.issuer(algorithm)
		var kids []string
		for _, use := range []string{"session", "assertion"} {
			for _, k := range parsed(t, in.stored).List(noon) {
				if k.Use == use {
					kids = append(kids, k.ID)
				}
			}
		}
		for n, now := range []time.Time{noon.Add(time.Hour - 1), noon.Add(time.Hour)} {
			token := in.sign(i, in.sessionAt(now, time.Hour))
			assertion, err := i.SignAssertion(in.assertion(in.session()), now)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "keys that signed", []string{kids[n], kids[n+2]}, []string{kidOf(t, token), kidOf(t, assertion)})
			// The clocks of other machines are up to a minute off.
			for _, off := range []time.Duration{-minute, 0, minute} {
				if _, err := i.Check(token, app, now.Add(off)); err != nil {
					t.Errorf("%s: %v off: %v", algorithm, off, err)
				}
			}
		}
	}
}

func TestJWT07PublishedKeysComeBeforeTheirTurnAndGoAfterIt(t *testing.T) {
	h := newHouse(t)
	h.stored = turned(t, sessions.Replace, ensured(t, nil, "", noon), monthly, noon)
	i := h.issuer("")
	var sets []string
	for _, at := range []time.Duration{0, time.Hour, time.Hour + 7*minute - 1, time.Hour + 7*minute, 13*time.Hour + minute} {
		var set struct{ Keys []struct{ Kid string } }
		if err := json.Unmarshal(i.JWKS(noon.Add(at)), &set); err != nil {
			t.Fatal(err)
		}
		sets = append(sets, fmt.Sprint(len(set.Keys)))
	}
	same(t, "number of published keys", []string{"4", "4", "4", "3", "2"}, sets)
	empty, err := sessions.NewIssuer(h.at(ensured(t, nil, sessions.HS256, noon)).options(sessions.HS256))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(empty.JWKS(noon)), `"kid"`) != 1 {
		t.Errorf("JWKS of one public key = %s", empty.JWKS(noon))
	}
}

// An app that keeps the published keys as long as it may reads every assertion.
func TestJWT07AnAppThatKeepsTheKeysReadsEveryAssertion(t *testing.T) {
	h := newHouse(t)
	h.stored = ensured(t, nil, "", noon)
	r := sessions.Rotation{Every: time.Hour, Ahead: sessions.JWKSMaxAge, Session: time.Hour}
	var kept []byte
	var fetched time.Time
	for now := noon; now.Before(noon.Add(3 * time.Hour)); now = now.Add(29 * time.Second) {
		h.stored = turned(t, sessions.Rotate, h.stored, r, now)
		i := h.issuer("")
		if now.Sub(fetched) >= sessions.JWKSMaxAge {
			kept, fetched = i.JWKS(now), now
		}
		a := h.assertion(h.session())
		token, err := i.SignAssertion(a, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, set := range [][]byte{kept, i.JWKS(now.Add(sessions.AssertionLifetime - 1))} {
			if _, err := readByApp(set, token, a, now); err != nil {
				t.Fatalf("%v after noon: %v", now.Sub(noon), err)
			}
		}
	}
}
