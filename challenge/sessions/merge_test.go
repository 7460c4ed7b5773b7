// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

func merged(t *testing.T, ours, theirs []byte) []byte {
	t.Helper()
	out, _, err := sessions.Merge(ours, theirs)
	if err != nil {
		t.Fatalf("Merge: %v", err)
	}
	again, changed, err := sessions.Merge(out, theirs)
	if err != nil || changed || !bytes.Equal(again, out) {
		t.Fatalf("Merge of the same again = changed: %t, %v", changed, err)
	}
	return out
}

// signers are the ids of the keys that sign at a time.
func signers(t *testing.T, set []byte, now time.Time) (ids []string) {
	t.Helper()
	for _, k := range parsed(t, set).List(now) {
		if k.State == sessions.KeySigning {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

func TestJWT07AMergedSetVerifiesBothAndSignsAsBefore(t *testing.T) {
	h := newHouse(t)
	ours := turned(t, sessions.Replace, ensured(t, nil, "", noon), monthly, noon)
	theirs := turned(t, sessions.Replace, ensured(t, nil, "", noon.Add(minute)), monthly, noon.Add(2*minute))
	now := noon.Add(3 * minute)
	both := merged(t, ours, theirs)
	for _, at := range []time.Time{noon, now, noon.Add(time.Hour), noon.Add(1000 * day)} {
		same(t, "keys that sign", signers(t, ours, at), signers(t, both, at))
	}
	for name, set := range map[string][]byte{"ours": ours, "theirs": theirs} {
		for _, at := range []time.Time{now, now.Add(2 * time.Hour)} {
			in := h.at(set)
			token := in.sign(in.issuer(""), in.sessionAt(at, 12*time.Hour))
			turnedOnce := turned(t, sessions.Rotate, both, monthly, now)
			for _, merged := range [][]byte{both, turnedOnce} {
				if _, err := h.at(merged).issuer("").Check(token, app, at); err != nil {
					t.Errorf("%s, signed %v after noon: %v", name, at.Sub(noon), err)
				}
			}
		}
	}
	set := turned(t, sessions.Rotate, both, monthly, now)
	same(t, "session keys", []string{
		"signing from 0s until 13h1m0s", "verifying from 1m0s until 13h3m0s", "next from 1h0m0s", "verifying from 1h2m0s until 12h4m0s",
	}, lives(t, set, "session", now))
	set = turned(t, sessions.Rotate, set, monthly, noon.Add(14*time.Hour))
	same(t, "session keys", []string{"signing from 1h0m0s"}, lives(t, set, "session", noon.Add(14*time.Hour)))
}

func TestMergeTakesKindsThatWeLackAsTheyAre(t *testing.T) {
	ours, theirs := ensured(t, nil, sessions.ES256, noon), turned(t, sessions.Replace, ensured(t, nil, sessions.EdDSA, noon.Add(minute)), monthly, noon.Add(minute))
	both := merged(t, ours, theirs)
	var states []string
	for _, k := range parsed(t, both).List(noon.Add(minute)) {
		states = append(states, k.Use+" "+string(k.Algorithm)+" "+string(k.State))
	}
	same(t, "keys", []string{
		"session ES256 signing", "session EdDSA signing", "session EdDSA next",
		"assertion ES256 signing", "assertion ES256 verifying", "assertion ES256 verifying",
	}, states)
}

func TestMergeWithNothing(t *testing.T) {
	set := ensured(t, nil, "", noon)
	if out, changed, err := sessions.Merge(set, nil); err != nil || changed || !bytes.Equal(out, set) {
		t.Errorf("nothing into a set = changed: %t, %v", changed, err)
	}
	if out, changed, err := sessions.Merge(set, set); err != nil || changed || !bytes.Equal(out, set) {
		t.Errorf("a set into itself = changed: %t, %v", changed, err)
	}
	out, changed, err := sessions.Merge(nil, set)
	if err != nil || !changed {
		t.Fatalf("a set into nothing = changed: %t, %v", changed, err)
	}
	same(t, "keys", parsed(t, set).List(noon), parsed(t, out).List(noon))
	if out, changed, err := sessions.Merge(nil, nil); err != nil || changed || out != nil {
		t.Errorf("nothing into nothing = %q, changed: %t, %v", out, changed, err)
	}
}

// Two stores that began as copies of one both sign with its key. Where one has
// retired it, sessions of the other still need it.
func TestJWT07AKeyThatBothHaveEndsAtTheLaterEnd(t *testing.T) {
	set := ensured(t, nil, "", noon)
	early := turned(t, sessions.Replace, set, monthly, noon)
	late := turned(t, sessions.Replace, set, monthly, noon.Add(time.Hour))
	now := noon.Add(3 * time.Hour)
	for _, tt := range []struct {
		name         string
		ours, theirs []byte
		want         []string
	}{
		{"ours is longer", late, early, []string{"verifying from 0s until 14h1m0s", "verifying from 1h0m0s until 15h1m0s", "signing from 2h0m0s"}},
		{"theirs is longer", early, late, []string{"verifying from 0s until 14h1m0s", "signing from 1h0m0s", "verifying from 2h0m0s until 15h1m0s"}},
		{"they have not retired it", early, set, []string{"verifying from 0s until 15h1m0s", "signing from 1h0m0s"}},
		{"we have not retired it", set, early, []string{"signing from 0s", "verifying from 1h0m0s until 15h1m0s"}},
	} {
		out := turned(t, sessions.Rotate, merged(t, tt.ours, tt.theirs), monthly, now)
		same(t, tt.name, tt.want, lives(t, out, "session", now))
	}
}

func TestThereAndBackEachStoreSignsAsBefore(t *testing.T) {
	a, b := ensured(t, nil, "", noon), ensured(t, nil, "", noon.Add(time.Hour))
	there := merged(t, b, a)
	back := merged(t, a, there)
	same(t, "keys that sign", signers(t, a, noon), signers(t, back, noon))
	same(t, "keys that sign", signers(t, b, noon), signers(t, merged(t, there, back), noon))
}

func TestMergeRefusesOneIDForTwoKeys(t *testing.T) {
	ours, theirs := ensured(t, nil, sessions.HS256, noon), ensured(t, nil, sessions.HS256, noon)
	kid, private := newHouse(t).at(ours).key("session", sessions.HS256)
	theirs = withField(t, theirs, 0, "kid", kid)
	for name, set := range map[string][]byte{
		"another private part": theirs,
		"another algorithm":    withField(t, withField(t, theirs, 0, "private", b64.EncodeToString(private)), 0, "alg", "EdDSA"),
	} {
		if out, changed, err := sessions.Merge(ours, set); !errors.Is(err, sessions.ErrKeys) || changed || out != nil {
			t.Errorf("%s: Merge = changed: %t, %v, want ErrKeys", name, changed, err)
		}
	}
}

func TestMergeIsBounded(t *testing.T) {
	set := ensured(t, nil, "", noon)
	merges := 0
	for range 40 {
		out, _, err := sessions.Merge(set, ensured(t, nil, "", noon))
		if errors.Is(err, sessions.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		set, merges = out, merges+1
	}
	if n := len(storedKeys(t, set)); merges != 31 || n != 64 {
		t.Fatalf("%d merges and %d keys, want 31 and 64", merges, n)
	}
	// It gets on, as soon as what the others signed has run out.
	set = turned(t, sessions.Rotate, set, monthly, noon)
	set = turned(t, sessions.Rotate, set, monthly, noon.Add(day))
	if n := len(storedKeys(t, set)); n != 2 {
		t.Errorf("%d keys after a day, want 2", n)
	}
}

// The order in which keys are stored decides nothing.
func TestEveryMachineChoosesTheSame(t *testing.T) {
	set := turned(t, sessions.Replace, merged(t, ensured(t, nil, "", noon), ensured(t, nil, sessions.EdDSA, noon)), monthly, noon)
	var keys []any
	for _, raw := range slices.Backward(storedKeys(t, set)) {
		keys = append(keys, decodeObject(t, raw))
	}
	backward := []byte(encodeJSON(t, map[string]any{"version": 1, "keys": keys}))
	for _, at := range []time.Duration{-day, 0, time.Hour, day} {
		same(t, "keys", parsed(t, set).List(noon.Add(at)), parsed(t, backward).List(noon.Add(at)))
	}
}
