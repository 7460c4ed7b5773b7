// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

const door keyring.Label = "door"

// knownRoot is the root secret of the pinned values: 0, 1, … 31.
func knownRoot() []byte {
	root := make([]byte, 32)
	for i := range root {
		root[i] = byte(i)
	}
	return root
}

func newRing(tb testing.TB, root []byte) *keyring.Ring {
	tb.Helper()
	ring, err := keyring.New(root)
	if err != nil {
		tb.Fatalf("New: %v", err)
	}
	return ring
}

func TestNewRefusesRootsThatGuardNothing(t *testing.T) {
	for _, tt := range []struct {
		name string
		root []byte
		want error
	}{
		{"no bytes at all", nil, keyring.ErrShort},
		{"31 good bytes", knownRoot()[:31], keyring.ErrShort},
		{"a buffer of zeros", make([]byte, 32), keyring.ErrWeak},
		{"one letter a hundred times", bytes.Repeat([]byte("a"), 100), keyring.ErrWeak},
		{"32 different bytes", knownRoot(), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ring, err := keyring.New(tt.root)
			if !errors.Is(err, tt.want) {
				t.Fatalf("New = %v, want %v", err, tt.want)
			}
			if (ring == nil) != (err != nil) {
				t.Errorf("New gave a ring: %t, with error %v", ring != nil, err)
			}
		})
	}
}

// The pinned values were computed by another program from RFC 5869 and RFC
// 2104. If one changes, every session, counter and pending code of every
// installation is lost with the upgrade.
func TestDerivedValuesAreTheSameForever(t *testing.T) {
	ring := newRing(t, knownRoot())
	sum := ring.MAC(door, []byte("alice@example.com"), nil)
	if got, want := hex.EncodeToString(sum[:]), "210adfac627740c8c88c12689e5dd459e73223f79bb005913beb4228bebc1c04"; got != want {
		t.Errorf("MAC = %s, want %s", got, want)
	}
	got := make([]byte, 64)
	_, _ = io.ReadFull(ring.Stream("code", []byte("challenge"), []byte("alice@example.com")), got)
	if want := "4ab59c0013583f8aa0801106c93f18c6a584fff7cf2638055c6d3ae9ac71b05521e9c9de46d3bf3dd5aeddff02e6d89bb83cdbe21877152a4c3bd4cd5b4fae2a"; hex.EncodeToString(got) != want {
		t.Errorf("Stream = %x, want %s", got, want)
	}
	if got, want := ring.Fingerprint(), "395e93741da57b5b"; got != want {
		t.Errorf("Fingerprint = %s, want %s", got, want)
	}
	const sealed = "ZGVmZ2hpamtsbW5vn6bwkBGbFRPULj9KUbkiCecp0Kmnwg63nqTJS-Djpyoaw8kIiWQNLguWxQ"
	plain, err := ring.OpenString("cookie", sealed, []byte("bound"))
	if err != nil || string(plain) != "sealed in the first release" {
		t.Errorf("OpenString = %q, %v", plain, err)
	}
}

func TestMACDependsOnRootLabelAndTheCutsBetweenParts(t *testing.T) {
	ring, other := newRing(t, knownRoot()), newRing(t, append(knownRoot(), 0))
	sums := map[[32]byte]string{}
	for name, sum := range map[string][32]byte{
		"one part":              ring.MAC(door, []byte("abc")),
		"another root":          other.MAC(door, []byte("abc")),
		"another label":         ring.MAC("doo", []byte("abc")),
		"cut after a":           ring.MAC(door, []byte("a"), []byte("bc")),
		"cut after ab":          ring.MAC(door, []byte("ab"), []byte("c")),
		"an empty part at last": ring.MAC(door, []byte("abc"), nil),
		"an empty part first":   ring.MAC(door, nil, []byte("abc")),
		"no part":               ring.MAC(door),
		"one empty part":        ring.MAC(door, nil),
		"a part like a length":  ring.MAC(door, make([]byte, 8)),
	} {
		if twin, ok := sums[sum]; ok {
			t.Errorf("%q and %q have the same MAC", name, twin)
		}
		sums[sum] = name
	}
}

func TestDifferentListsOfPartsHaveDifferentMACs(t *testing.T) {
	ring := newRing(t, knownRoot())
	parts := rapid.SliceOfN(rapid.SliceOfN(rapid.ByteRange(0, 2), 0, 9), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		a, b := parts.Draw(t, "a"), parts.Draw(t, "b")
		same := len(a) == len(b)
		for i := 0; same && i < len(a); i++ {
			same = bytes.Equal(a[i], b[i])
		}
		if (ring.MAC(door, a...) == ring.MAC(door, b...)) != same {
			t.Fatalf("MACs of %v and %v", a, b)
		}
	})
}

func TestAMACTellsNothingOfTheStreamOfTheSameLabel(t *testing.T) {
	ring := newRing(t, knownRoot())
	sum := ring.MAC(door, []byte("alice@example.com"))
	first := make([]byte, 32)
	_, _ = io.ReadFull(ring.Stream(door, []byte("alice@example.com")), first)
	if bytes.Equal(sum[:], first) {
		t.Error("the stream begins with the MAC of its parts")
	}
}

func TestStreamDoesNotDependOnHowItIsRead(t *testing.T) {
	ring := newRing(t, knownRoot())
	want := make([]byte, 1000)
	_, _ = io.ReadFull(ring.Stream(door, []byte("x")), want)
	rapid.Check(t, func(t *rapid.T) {
		in, got := ring.Stream(door, []byte("x")), []byte(nil)
		for len(got) < len(want) {
			p := make([]byte, rapid.IntRange(1, 100).Draw(t, "size"))
			if n, err := in.Read(p); n != len(p) || err != nil {
				t.Fatalf("Read = %d, %v, want %d", n, err, len(p))
			}
			got = append(got, p...)
		}
		if !bytes.Equal(got[:len(want)], want) {
			t.Fatal("two readings of one stream differ")
		}
	})
	other := make([]byte, 1000)
	_, _ = io.ReadFull(ring.Stream(door, []byte("y")), other)
	if bytes.Equal(other, want) {
		t.Error("two streams of different parts are the same")
	}
}

// A code is drawn from the stream by rejection: a bias of the bytes would be a
// bias of the codes. 255 degrees of freedom; 350 is past the 0.9999 quantile,
// and the stream is the same in every run.
func TestStreamBytesAreEven(t *testing.T) {
	const size = 1 << 18
	got := make([]byte, size)
	_, _ = io.ReadFull(newRing(t, knownRoot()).Stream("code"), got)
	var count [256]float64
	for _, c := range got {
		count[c]++
	}
	var chi float64
	for _, n := range count {
		d := n - size/256
		chi += d * d / (size / 256)
	}
	if chi > 350 {
		t.Errorf("chi-square over the bytes = %.0f, want at most 350", chi)
	}
}

func TestOneRingServesManyAtOnce(t *testing.T) {
	ring, twin := newRing(t, knownRoot()), newRing(t, knownRoot())
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			label := keyring.Label(fmt.Sprint("label ", i%8))
			sealed := ring.SealString(label, []byte("plain"), nil)
			if plain, err := twin.OpenString(label, sealed, nil); err != nil || string(plain) != "plain" {
				t.Errorf("OpenString = %q, %v", plain, err)
			}
			if ring.MAC(label) != twin.MAC(label) {
				t.Error("two rings of one root differ")
			}
		})
	}
	all.Wait()
}

func TestASecretNeverAppearsInPrint(t *testing.T) {
	root := []byte("a root secret of 32 bytes, seen!")
	ring := newRing(t, root)
	ring.MAC(door)
	stream := ring.Stream(door)
	_, _ = io.ReadFull(stream, make([]byte, 1))
	holder := struct {
		hidden *keyring.Ring
		stream io.Reader
		Shown  *keyring.Ring
	}{ring, stream, ring}
	var out bytes.Buffer
	for _, v := range []any{ring, stream} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(verb, v); got != "[secret]" {
				t.Errorf("%s of %T = %q", verb, v, got)
			}
		}
		if got, err := json.Marshal(v); string(got) != `"[secret]"` {
			t.Errorf("JSON of %T = %s, %v", v, got, err)
		}
	}
	for _, v := range []any{ring, stream, holder, &holder, []any{ring}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		_ = json.NewEncoder(&out).Encode(v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("v", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("v", "v", v)
	}
	text := strings.ToLower(out.String())
	for _, leak := range []string{"a root secret", hex.EncodeToString(root[:8]), "97 32 114 111", "0x61, 0x20"} {
		if strings.Contains(text, leak) {
			t.Errorf("the printed forms contain %q", leak)
		}
	}
	// A derived key would be printed as a run of small numbers.
	if longRunOfNumbers(text) {
		t.Errorf("the printed forms contain a run of bytes:\n%s", text)
	}
	if !strings.Contains(text, "[secret]") {
		t.Error("nothing was printed at all")
	}
}

// longRunOfNumbers reports whether text has eight numbers in a row that could
// be bytes.
func longRunOfNumbers(text string) bool {
	run := 0
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,[]{}()\n", r) }) {
		var n int
		if _, err := fmt.Sscanf(word, "%v", &n); err != nil || n < 0 || n > 255 {
			run = 0
			continue
		}
		if run++; run == 8 {
			return true
		}
	}
	return false
}
