// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

func TestSealedBytesOpenOnlyAsTheyWereSealed(t *testing.T) {
	ring, other := newRing(t, knownRoot()), newRing(t, append(knownRoot(), 0))
	plain, bound := []byte("alice@example.com"), []byte("session 1")
	sealed := ring.Seal(door, plain, bound)

	got, err := ring.Open(door, sealed, bound)
	if err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("Open = %q, %v, want %q", got, err, plain)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another root":       func() ([]byte, error) { return other.Open(door, sealed, bound) },
		"another label":      func() ([]byte, error) { return ring.Open("cookie", sealed, bound) },
		"another bound":      func() ([]byte, error) { return ring.Open(door, sealed, []byte("session 2")) },
		"no bound":           func() ([]byte, error) { return ring.Open(door, sealed, nil) },
		"one byte less":      func() ([]byte, error) { return ring.Open(door, sealed[:len(sealed)-1], bound) },
		"one byte more":      func() ([]byte, error) { return ring.Open(door, append(bytes.Clone(sealed), 0), bound) },
		"the nonce only":     func() ([]byte, error) { return ring.Open(door, sealed[:12], bound) },
		"nothing":            func() ([]byte, error) { return ring.Open(door, nil, bound) },
		"the plain text":     func() ([]byte, error) { return ring.Open(door, plain, bound) },
		"nonce and tag only": func() ([]byte, error) { return ring.Open(door, sealed[:28], bound) },
	} {
		if got, err := open(); !errors.Is(err, keyring.ErrOpen) || got != nil {
			t.Errorf("%s: Open = %q, %v, want ErrOpen", name, got, err)
		}
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 0x80
		if _, err := ring.Open(door, changed, bound); !errors.Is(err, keyring.ErrOpen) {
			t.Errorf("with byte %d changed: Open = %v, want ErrOpen", i, err)
		}
	}
}

func TestSealingTwiceShowsNoLikeness(t *testing.T) {
	ring := newRing(t, knownRoot())
	a, b := ring.Seal(door, []byte("same"), nil), ring.Seal(door, []byte("same"), nil)
	if bytes.Equal(a, b) || bytes.Contains(a, []byte("same")) {
		t.Errorf("two seals of one text: %x and %x", a, b)
	}
}

func TestSealedStringsHaveOneSpelling(t *testing.T) {
	ring := newRing(t, knownRoot())
	// 28 + 5 bytes leave no unused bits, 28 + 4 bytes leave some.
	for _, plain := range []string{"", "four", "12345", "123456", strings.Repeat("x", 6000)} {
		sealed := ring.SealString(door, []byte(plain), nil)
		got, err := ring.OpenString(door, sealed, nil)
		if err != nil || string(got) != plain {
			t.Fatalf("OpenString = %.20q, %v, want %.20q", got, err, plain)
		}
		for name, spelling := range respellings(sealed) {
			if _, err := ring.OpenString(door, spelling, nil); !errors.Is(err, keyring.ErrOpen) {
				t.Errorf("%d bytes with %s: OpenString = %v, want ErrOpen", len(plain), name, err)
			}
		}
	}
}

// respellings returns strings that a lenient decoder takes for sealed.
func respellings(sealed string) map[string]string {
	half := len(sealed) / 2
	out := map[string]string{
		"a final newline":         sealed + "\n",
		"a carriage return first": "\r" + sealed,
		"a newline inside":        sealed[:half] + "\n" + sealed[half:],
		"a space inside":          sealed[:half] + " " + sealed[half:],
		"padding":                 sealed + "=",
		"more padding":            sealed + "==",
		"percent encoding":        sealed[:half] + "%41" + sealed[half+1:],
		"a NUL":                   sealed + "\x00",
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if last := strings.IndexByte(alphabet, sealed[len(sealed)-1]); len(sealed)%4 != 0 {
		out["a trailing bit set"] = sealed[:len(sealed)-1] + string(alphabet[last|1])
	}
	return out
}

func TestOversizedStringsAreRefusedBeforeTheyAreDecoded(t *testing.T) {
	ring := newRing(t, knownRoot())
	huge := strings.Repeat("A", 1<<20)
	if _, err := ring.OpenString(door, huge, nil); !errors.Is(err, keyring.ErrOpen) {
		t.Errorf("OpenString = %v, want ErrOpen", err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = ring.OpenString(door, huge, nil) }); n != 0 {
		t.Errorf("refusing a megabyte takes %.0f allocations, want 0", n)
	}
	tooLong := ring.SealString(door, make([]byte, 6200), nil)
	if _, err := ring.OpenString(door, tooLong, nil); !errors.Is(err, keyring.ErrOpen) {
		t.Errorf("OpenString of %d characters = %v, want ErrOpen", len(tooLong), err)
	}
}

func TestWhateverIsSealedOpens(t *testing.T) {
	ring := newRing(t, knownRoot())
	rapid.Check(t, func(t *rapid.T) {
		label := keyring.Label(rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "label"))
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		bound := rapid.SliceOf(rapid.Byte()).Draw(t, "bound")
		got, err := ring.OpenString(label, ring.SealString(label, plain, bound), bound)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("OpenString = %x, %v, want %x", got, err, plain)
		}
	})
}
