// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// withField returns a set in which one field of a key is changed, the key being
// counted from the first.
func withField(tb testing.TB, set []byte, n int, field string, value any) []byte {
	tb.Helper()
	whole, keys := map[string]any{}, []map[string]any{}
	for _, raw := range storedKeys(tb, set) {
		keys = append(keys, decodeObject(tb, raw))
	}
	keys[n] = with(keys[n], field, value)
	whole["version"], whole["keys"] = 1, keys
	return []byte(encodeJSON(tb, whole))
}

func decodeObject(tb testing.TB, raw []byte) map[string]any {
	tb.Helper()
	out := map[string]any{}
	in := json.NewDecoder(bytes.NewReader(raw))
	in.UseNumber()
	if err := in.Decode(&out); err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestRotateOfNothingIsNothing(t *testing.T) {
	for name, do := range map[string]turn{"Rotate": sessions.Rotate, "Replace": sessions.Replace} {
		if out, changed, err := do(nil, monthly, noon); out != nil || changed || err != nil {
			t.Errorf("%s = %q, changed: %t, %v", name, out, changed, err)
		}
	}
}

func TestJWT07UnusableKeySetsAreNotTurned(t *testing.T) {
	set := ensured(t, nil, "", noon)
	for name, plain := range map[string][]byte{
		"no JSON":                        []byte("keys"),
		"a later version":                []byte(`{"version":2,"keys":[]}`),
		"a beginning below zero":         withField(t, set, 0, "from", -1),
		"an end below zero":              withField(t, set, 0, "until", -1),
		"a beginning after the calendar": withField(t, set, 0, "from", 253402300800),
		"an end after the calendar":      withField(t, set, 0, "until", 253402300800),
		"a beginning that is a text":     withField(t, set, 0, "from", "1"),
		"an end with a fraction":         withField(t, set, 0, "until", 1.5),
		"an end beyond all numbers":      withField(t, set, 0, "until", json.Number("1e400")),
		"a mark that is a text":          withField(t, set, 0, "merged", "true"),
	} {
		for _, do := range []turn{
			sessions.Rotate, sessions.Replace,
			func(plain []byte, _ sessions.Rotation, _ time.Time) ([]byte, bool, error) {
				return sessions.Merge(plain, set)
			},
			func(plain []byte, _ sessions.Rotation, _ time.Time) ([]byte, bool, error) {
				return sessions.Merge(set, plain)
			},
		} {
			if out, changed, err := do(plain, monthly, noon.Add(40*day)); !errors.Is(err, sessions.ErrKeys) || changed || out != nil {
				t.Errorf("%s: changed: %t, %v, want ErrKeys", name, changed, err)
			}
		}
	}
}

// A name in two spellings would be read as one key before a rewrite and as
// another one after it.
func TestAKeyWithAFieldTwiceIsNotRewritten(t *testing.T) {
	set := ensured(t, nil, "", noon)
	set = bytes.Replace(set, []byte(`"kid":`), []byte(`"kid":"another","KID":`), 1)
	if _, err := sessions.ParseKeys(set); err != nil {
		t.Fatal(err)
	}
	if out, _, err := sessions.Replace(set, monthly, noon); !errors.Is(err, sessions.ErrKeys) || out != nil {
		t.Errorf("Replace = %v, want ErrKeys", err)
	}
}

// The decoder takes U+212A for a k, and of two lists the one further down.
func TestASetUnderAnotherSpellingIsRewritten(t *testing.T) {
	set := bytes.Replace(ensured(t, nil, "", noon), []byte(`"keys":`), []byte("\"\u212aeys\":"), 1)
	same(t, "session keys", []string{"signing from 0s until 13h1m0s", "next from 1h0m0s"}, lives(t, turned(t, sessions.Replace, set, monthly, noon), "session", noon))
}

func TestWhatALaterVersionAddedOutlivesARotation(t *testing.T) {
	set := bytes.Replace(ensured(t, nil, "", noon), []byte(`"use":"session"`), []byte(`"use":"session","later":[1,{"a":2}]`), 1)
	set = bytes.Replace(set, []byte(`"version":1`), []byte(`"version":1,"also":{"b":3}`), 1)
	theirs := ensured(t, nil, sessions.EdDSA, noon)
	merge := func(plain []byte, _ sessions.Rotation, _ time.Time) ([]byte, bool, error) {
		return sessions.Merge(plain, theirs)
	}
	for name, do := range map[string]turn{"Rotate": sessions.Rotate, "Replace": sessions.Replace, "Merge": merge} {
		out := turned(t, do, set, monthly, noon.Add(30*day))
		for _, added := range []string{`"later":[1,{"a":2}]`, `"also":{"b":3}`} {
			if !bytes.Contains(out, []byte(added)) {
				t.Errorf("%s has lost %s", name, added)
			}
		}
	}
}

// The version before this one knew neither from nor until. What it reads, and
// what it signs with the youngest key, must do here.
func TestTheVersionBeforeSharesARotatedSet(t *testing.T) {
	h := newHouse(t)
	h.stored = turned(t, sessions.Replace, ensured(t, nil, sessions.HS256, noon), monthly, noon.Add(minute))
	var before struct {
		Version int
		Keys    []struct {
			Kid, Use, Alg, Private string
			Created                int64
		}
	}
	if err := json.Unmarshal(h.stored, &before); err != nil || before.Version != 1 {
		t.Fatalf("version %d, %v", before.Version, err)
	}
	youngest := before.Keys[0]
	for _, k := range before.Keys {
		if k.Use == "session" && k.Created >= youngest.Created {
			youngest = k
		}
	}
	old := h.at([]byte(encodeJSON(t, map[string]any{"version": 1, "keys": []any{
		map[string]any{"kid": youngest.Kid, "use": "session", "alg": "HS256", "created": youngest.Created, "private": youngest.Private},
	}})))
	token := old.forge(sessions.HS256, old.header(sessions.HS256), h.payload(h.session()))
	if youngest.Kid == kidOf(t, h.sign(h.issuer(sessions.HS256), h.session())) {
		t.Fatal("the youngest key signs already")
	}
	if _, err := h.issuer(sessions.HS256).Check(token, app, noon); err != nil {
		t.Errorf("a token of the successor is refused: %v", err)
	}
}

// twoSets is a set with the keys of both, as they are.
func twoSets(t *testing.T, a, b []byte) []byte {
	t.Helper()
	set, err := json.Marshal(map[string]any{"version": 1, "keys": append(storedKeys(t, a), storedKeys(t, b)...)})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// With a wrong clock a machine makes keys of the next century. It must not take
// a century to replace them.
func TestJWT07KeysOfAWrongClockAreFollowedAllTheSame(t *testing.T) {
	const century = 100 * 365 * day
	made := ensured(t, nil, "", noon.Add(century))
	for name, do := range map[string]turn{"Rotate": sessions.Rotate, "Replace": sessions.Replace} {
		set := turned(t, do, made, monthly, noon)
		set = turned(t, do, set, monthly, noon.Add(30*day))
		set = turned(t, sessions.Rotate, set, monthly, noon.Add(30*day+time.Hour))
		got := lives(t, set, "session", noon.Add(30*day+time.Hour))
		if len(got) != 2 || !strings.HasPrefix(got[0], "verifying") || !strings.HasPrefix(got[1], "signing") {
			t.Errorf("%s: a month later: %q", name, got)
		}
	}
	// Two of them, of the version that knew no beginnings.
	both := twoSets(t, made, ensured(t, nil, "", noon.Add(century+day)))
	want := signers(t, both, noon)
	set := turned(t, sessions.Rotate, both, monthly, noon)
	same(t, "keys that sign", want, signers(t, set, noon))
	same(t, "session keys", []string{"verifying from 0s until 12h1m0s", "signing from 0s"}, lives(t, set, "session", noon))
	// The clock was wrong only when the successor was made.
	set = turned(t, sessions.Rotate, ensured(t, nil, "", noon), monthly, noon.Add(century))
	set = turned(t, sessions.Rotate, set, monthly, noon.Add(minute))
	same(t, "session keys", []string{"signing from 0s until 732h1m0s", "next from 720h0m0s"}, lives(t, set, "session", noon.Add(minute)))
	// A set made all of keys to come still signs, verifies, and gets on.
	set = withField(t, made, 0, "from", noon.Add(century).Unix())
	same(t, "session keys", []string{"signing from 876000h0m0s"}, lives(t, set, "session", noon))
	set = turned(t, sessions.Rotate, set, monthly, noon)
	same(t, "session keys", []string{"signing from 0s"}, lives(t, set, "session", noon))
}

// No rotation makes such sets; a hand that mends one may.
func TestAKeyWithAnEndAndNoSuccessorGetsOne(t *testing.T) {
	set := withField(t, ensured(t, nil, "", noon), 0, "until", noon.Add(2*time.Hour).Unix())
	never := monthly
	never.Every = 0
	out := turned(t, sessions.Rotate, set, never, noon)
	same(t, "session keys", []string{"signing from 0s until 13h1m0s", "next from 1h0m0s"}, lives(t, out, "session", noon))
	if _, err := sessions.NewIssuer(newHouse(t).at(set).options("")); !errors.Is(err, sessions.ErrNoKey) {
		t.Errorf("NewIssuer = %v, want ErrNoKey", err)
	}
	if _, err := sessions.NewIssuer(newHouse(t).at(ensured(t, set, "", noon)).options("")); err != nil {
		t.Errorf("NewIssuer after Ensure = %v", err)
	}
}

// An operator who presses the button all day, and a rotation that is faster than
// sessions end, fill the set. It stays readable, and whoever is in stays in.
func TestJWT07TheSetIsBounded(t *testing.T) {
	h := newHouse(t)
	set, r := ensured(t, nil, sessions.HS256, noon), sessions.Rotation{Every: 10 * minute, Ahead: 6 * minute, Session: 365 * day}
	first := h.at(set).sign(h.at(set).issuer(sessions.HS256), h.sessionAt(noon, 365*day))
	now, full := noon, 0
	for range 100 {
		now = now.Add(6 * minute)
		out, _, err := sessions.Replace(set, r, now)
		if errors.Is(err, sessions.ErrFull) {
			if full++; out != nil {
				t.Error("ErrFull comes with a set")
			}
			out = turned(t, sessions.Rotate, set, r, now)
		}
		set = out
		if n := len(storedKeys(t, set)); n > 60 {
			t.Fatalf("%d keys, want 60 at most", n)
		}
	}
	if full < 40 {
		t.Errorf("%d times no room, want 40 or more", full)
	}
	if _, err := h.at(set).issuer(sessions.HS256).Check(first, app, now); err != nil {
		t.Errorf("the first session is refused: %v", err)
	}
	for _, algorithm := range algorithms {
		set = ensured(t, set, algorithm, now)
	}
	now = now.Add(366 * day)
	if n := len(storedKeys(t, turned(t, sessions.Rotate, set, r, now))); n > 10 {
		t.Errorf("%d keys after a year, want few", n)
	}
}

func TestEnsureNeverWritesASetThatCannotBeRead(t *testing.T) {
	good := b64.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	set := []byte(`{"version":1,"keys":[` + strings.Join(manyKeys(64, good), ",") + `]}`)
	if out, changed, err := sessions.Ensure(set, sessions.HS256, noon); !errors.Is(err, sessions.ErrFull) || changed || out != nil {
		t.Errorf("Ensure = changed: %t, %v, want ErrFull", changed, err)
	}
	set = []byte(`{"version":1,"keys":[],"later":"` + strings.Repeat("x", 65400) + `"}`)
	if out, changed, err := sessions.Ensure(set, "", noon); !errors.Is(err, sessions.ErrFull) || changed || out != nil {
		t.Errorf("Ensure = changed: %t, %v, want ErrFull", changed, err)
	}
}
