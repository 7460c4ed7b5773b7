// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

func TestSES01EveryIDIsNewAndOurs(t *testing.T) {
	h := newHouse(t)
	seen, public := map[sessions.ID]bool{}, map[string]bool{}
	var together, apart [16]byte // bits set in all ids, and in none
	for n := range 1000 {
		id := sessions.NewID(h.mac)
		if seen[id] || public[id.Public()] || !id.Valid(h.mac) {
			t.Fatalf("NewID = %v, seen before: %t, valid: %t", id, seen[id], id.Valid(h.mac))
		}
		seen[id], public[id.Public()] = true, true
		for b := range together {
			if n == 0 {
				together[b] = 0xff
			}
			together[b] &= id[b]
			apart[b] |= id[b]
		}
	}
	for b := range together {
		if together[b] != 0 || apart[b] != 0xff {
			t.Errorf("byte %d of an id is not random: bits %08b always set, %08b ever set", b, together[b], apart[b])
		}
	}
}

func TestSES01AnIDOfAnotherKeyOrWithAnyBitChangedIsNotOurs(t *testing.T) {
	h := newHouse(t)
	id := sessions.NewID(h.mac)
	for n := range len(id) * 8 {
		changed := id
		changed[n/8] ^= 1 << (n % 8)
		if changed.Valid(h.mac) {
			t.Errorf("valid with bit %d changed", n)
		}
	}
	other := func(parts ...[]byte) [32]byte { return h.mac(append(parts, []byte("x"))...) }
	if id.Valid(other) {
		t.Error("valid under another key")
	}
}

func TestIDsHaveOneSpelling(t *testing.T) {
	h := newHouse(t)
	want := sessions.NewID(h.mac)
	out, err := json.Marshal(want)
	if err != nil || len(want.String()) != 32 || string(out) != `"`+want.String()+`"` {
		t.Fatalf("Marshal = %s, %v, want %q in 32 characters", out, err, want)
	}
	var got sessions.ID
	if err := json.Unmarshal(out, &got); err != nil || got != want {
		t.Fatalf("Unmarshal = %v, %v, want %v", got, err, want)
	}
	text := want.String()
	for name, wrong := range map[string]string{
		"nothing":                   "",
		"a character less":          text[1:],
		"a character more":          text + "A",
		"a line break at the end":   text[:31] + "\n",
		"a line break more":         text + "\n",
		"line breaks only":          strings.Repeat("\r\n", 16),
		"a space":                   text[:31] + " ",
		"padding":                   text[:31] + "=",
		"the other base64 alphabet": text[:31] + "+",
		"a megabyte":                strings.Repeat("A", 1<<20),
	} {
		id := want
		if err := id.UnmarshalText([]byte(wrong)); err == nil || id != want {
			t.Errorf("%s: UnmarshalText = %v, changed: %t, want an error and no change", name, err, id != want)
		}
	}
}
