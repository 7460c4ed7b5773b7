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

func TestEnsureMakesWhatIsMissingAndNothingElse(t *testing.T) {
	for _, algorithm := range append(algorithms, "") {
		first, changed, err := sessions.Ensure(nil, algorithm, noon)
		if err != nil || !changed {
			t.Fatalf("Ensure of nothing = changed: %t, %v", changed, err)
		}
		again, changed, err := sessions.Ensure(first, algorithm, noon.AddDate(1, 0, 0))
		if err != nil || changed || !bytes.Equal(again, first) {
			t.Errorf("Ensure of its own result = changed: %t, %v, same bytes: %t", changed, err, bytes.Equal(again, first))
		}
		other, _, err := sessions.Ensure(nil, algorithm, noon)
		if err != nil || bytes.Equal(other, first) {
			t.Error("two installations have the same keys")
		}
	}
}

func TestEnsureKeepsOldKeysToTheByte(t *testing.T) {
	stored, _, err := sessions.Ensure(nil, sessions.ES256, noon)
	if err != nil {
		t.Fatal(err)
	}
	// A later version has added something to a key.
	stored = bytes.Replace(stored, []byte(`"use":"session"`), []byte(`"use":"session","later":[1, 2]`), 1)
	more, changed, err := sessions.Ensure(stored, sessions.HS256, noon)
	if err != nil || !changed {
		t.Fatalf("Ensure = changed: %t, %v", changed, err)
	}
	before, after := storedKeys(t, stored), storedKeys(t, more)
	if len(before) != 2 || len(after) != 3 {
		t.Fatalf("%d and %d keys, want 2 and 3", len(before), len(after))
	}
	for n := range before {
		var want bytes.Buffer
		if err := json.Compact(&want, before[n]); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want.Bytes(), after[n]) {
			t.Errorf("key %d changed", n+1)
		}
	}
}

func storedKeys(tb testing.TB, stored []byte) []json.RawMessage {
	tb.Helper()
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(stored, &set); err != nil {
		tb.Fatal(err)
	}
	return set.Keys
}

func TestEnsureRefusesUnknownAlgorithms(t *testing.T) {
	for _, algorithm := range []sessions.Algorithm{"none", "es256", "RS256", "HS512", "ES256 ", "Ed25519"} {
		out, changed, err := sessions.Ensure(nil, algorithm, noon)
		if !errors.Is(err, sessions.ErrAlgorithm) || changed || out != nil {
			t.Errorf("Ensure with %q = changed: %t, %v, want ErrAlgorithm", algorithm, changed, err)
		}
	}
}

func TestTheNewestKeySigns(t *testing.T) {
	h := newHouse(t)
	// The set of a later time, put behind an older and a younger key.
	younger, _, err := sessions.Ensure(nil, sessions.ES256, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs := storedKeys(t, h.stored), storedKeys(t, younger)
	for name, list := range map[string][]json.RawMessage{
		"younger last":  append(append([]json.RawMessage{}, mine...), theirs...),
		"younger first": append(append([]json.RawMessage{}, theirs...), mine...),
	} {
		set, err := json.Marshal(map[string]any{"version": 1, "keys": list})
		if err != nil {
			t.Fatal(err)
		}
		all, expected := &house{tb: t, stored: set, mac: h.mac, aead: h.aead}, &house{tb: t, stored: younger}
		header := decodeSegment(t, strings.Split(all.sign(all.issuer(""), h.session()), ".")[0])
		if want := expected.header(sessions.ES256)["kid"]; header["kid"] != want {
			t.Errorf("%s: signed by %v, want %v", name, header["kid"], want)
		}
	}
}

func TestJWT06UnusableKeySetsAreRefused(t *testing.T) {
	key := func(kid, use, alg, private string) string {
		return `{"kid":"` + kid + `","use":"` + use + `","alg":"` + alg + `","created":1,"private":"` + private + `"}`
	}
	set := func(keys ...string) string { return `{"version":1,"keys":[` + strings.Join(keys, ",") + `]}` }
	good := b64.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	beyond := b64.EncodeToString(bytes.Repeat([]byte{0xff}, 32)[:31]) // one byte short
	if _, err := sessions.ParseKeys([]byte(set(key("k", "session", "HS256", good)))); err != nil {
		t.Fatalf("ParseKeys of a good set = %v", err)
	}
	for name, plain := range map[string]string{
		"nothing":                              ``,
		"no JSON":                              `keys`,
		"null":                                 `null`,
		"a list":                               `[]`,
		"no version":                           `{"keys":[]}`,
		"a later version":                      `{"version":2,"keys":[]}`,
		"bytes after the set":                  set() + "x",
		"a key that is a text":                 set(`"k"`),
		"a key that is null":                   set(`null`),
		"no kid":                               set(key("", "session", "HS256", good)),
		"a kid of a kilobyte":                  set(key(strings.Repeat("k", 1024), "session", "HS256", good)),
		"one kid twice":                        set(key("k", "session", "HS256", good), key("k", "assertion", "ES256", good)),
		"an unknown use":                       set(key("k", "sesion", "HS256", good)),
		"an unknown algorithm":                 set(key("k", "session", "none", good)),
		"an assertion key that is symmetric":   set(key("k", "assertion", "HS256", good)),
		"an assertion key of another kind":     set(key("k", "assertion", "EdDSA", good)),
		"no private part":                      set(key("k", "session", "ES256", "")),
		"a private part of zeros":              set(key("k", "session", "HS256", strings.Repeat("A", 43))),
		"a secret of 31 bytes":                 set(key("k", "session", "HS256", beyond)),
		"a secret of 33 bytes":                 set(key("k", "session", "HS256", b64.EncodeToString([]byte("0123456789abcdef0123456789abcdef!")))),
		"a private part beyond the curve":      set(key("k", "session", "ES256", b64.EncodeToString(append(bytes.Repeat([]byte{0xff}, 31), 0xfe)))),
		"a private part with padding":          set(key("k", "session", "EdDSA", good+"=")),
		"a private part that is a number":      `{"version":1,"keys":[{"kid":"k","use":"session","alg":"HS256","private":1234567890}]}`,
		"sixty-five keys":                      set(manyKeys(65, good)...),
		"more bytes than any set has":          set() + strings.Repeat(" ", 64<<10),
		"objects in objects in more than some": strings.Repeat(`{"keys":`, 20000),
	} {
		keys, err := sessions.ParseKeys([]byte(plain))
		if !errors.Is(err, sessions.ErrKeys) || !isEmpty(t, keys) {
			t.Errorf("%s: ParseKeys = %v, want ErrKeys and no keys", name, err)
			continue
		}
		if strings.Contains(err.Error(), good) || strings.Contains(err.Error(), "1234567890") {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
		if plain == "" {
			continue // Ensure takes it for the first start
		}
		if out, changed, err := sessions.Ensure([]byte(plain), "", noon); !errors.Is(err, sessions.ErrKeys) || changed || out != nil {
			t.Errorf("%s: Ensure = changed: %t, %v, want ErrKeys", name, changed, err)
		}
	}
}

func manyKeys(n int, private string) (keys []string) {
	for i := range n {
		keys = append(keys, `{"kid":"`+strings.Repeat("k", i%60+1)+string(rune('a'+i/60))+`","use":"session","alg":"HS256","private":"`+private+`"}`)
	}
	return keys
}

// isEmpty reports whether nothing can be signed with keys.
func isEmpty(t *testing.T, keys sessions.Keys) bool {
	o := newHouse(t).options("")
	o.Keys = keys
	_, err := sessions.NewIssuer(o)
	return errors.Is(err, sessions.ErrNoKey)
}

func TestKnownAlgorithms(t *testing.T) {
	for _, a := range algorithms {
		if err := a.Known(); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	for _, a := range []sessions.Algorithm{"", "none", "es256"} {
		if err := a.Known(); !errors.Is(err, sessions.ErrAlgorithm) {
			t.Errorf("%q: %v, want ErrAlgorithm", a, err)
		}
	}
}
