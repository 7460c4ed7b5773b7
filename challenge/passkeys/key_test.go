// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package passkeys_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/passkeys"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
)

// keyAt is where the key begins in the authenticator data of a passkey whose ID has 32
// bytes.
const keyAt = 32 + 1 + 4 + 16 + 2 + 32

// bytesOf is a byte string in CBOR.
func bytesOf(b []byte) []byte {
	if len(b) < 256 {
		return append([]byte{0x58, byte(len(b))}, b...)
	}
	return append(binary.BigEndian.AppendUint16([]byte{0x59}, uint16(len(b))), b...)
}

func joined(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func rsaKey(modulus, exponent []byte) []byte {
	return joined([]byte{0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20}, bytesOf(modulus), []byte{0x21}, bytesOf(exponent))
}

func edKey(point []byte) []byte {
	return joined([]byte{0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21}, bytesOf(point))
}

func TestWAU02NoImpossibleKeyIsEnrolled(t *testing.T) {
	rp := site(t)
	modulus := bytes.Repeat([]byte{0xff}, 256)
	few := append(bytes.Repeat([]byte{0}, 128), modulus[:128]...)
	point := bytes.Repeat([]byte{0x11}, 32)
	usual := []byte{1, 0, 1}
	tests := map[string][]byte{
		"a modulus whose front is all zero":    rsaKey(few, usual),
		"a modulus of 2047 bits":               rsaKey(append([]byte{0x7f}, modulus[1:]...), usual),
		"a signature that is its own message":  rsaKey(modulus, []byte{1}),
		"an exponent of three":                 rsaKey(modulus, []byte{3}),
		"an exponent of more than 64 bits":     rsaKey(modulus, []byte{1, 0, 0, 0, 0, 0, 1, 0, 1}),
		"a modulus of more than 4096 bits":     rsaKey(bytes.Repeat([]byte{0xff}, 600), usual),
		"an RSA key that says EdDSA":           joined([]byte{0xa4, 0x01, 0x03, 0x03, 0x27, 0x20}, bytesOf(modulus), []byte{0x21}, bytesOf(usual)),
		"an RSA key that says ES256":           joined([]byte{0xa4, 0x01, 0x03, 0x03, 0x26, 0x20}, bytesOf(modulus), []byte{0x21}, bytesOf(usual)),
		"a key of Ed25519 that says ES256":     joined([]byte{0xa4, 0x01, 0x01, 0x03, 0x26, 0x20, 0x06, 0x21}, bytesOf(point)),
		"a key of Ed25519 that says RS256":     joined([]byte{0xa4, 0x01, 0x01, 0x03, 0x39, 0x01, 0x00, 0x20, 0x06, 0x21}, bytesOf(point)),
		"a key of Ed25519 of 31 bytes":         edKey(point[1:]),
		"a point that fits every signature":    edKey(append([]byte{1}, make([]byte, 31)...)),
		"the same with its sign turned":        edKey(append(append([]byte{1}, make([]byte, 30)...), 0x80)),
		"a point of zeros":                     edKey(make([]byte, 32)),
		"a point of order eight":               edKey(unhex(t, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")),
		"another point of order eight":         edKey(unhex(t, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")),
		"a point of order two":                 edKey(unhex(t, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")),
		"zero written as the prime":            edKey(unhex(t, "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")),
		"one written as the prime and one":     edKey(unhex(t, "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")),
		"a point that is on no curve of EdDSA": joined([]byte{0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x04, 0x21}, bytesOf(point)),
	}
	enrol := func(key []byte) error {
		a := passkeystest.New(origin)
		a.Data = func(data []byte) []byte { return append(bytes.Clone(data[:keyAt]), key...) }
		_, err := rp.Enrol(challenge, must(t)(a.Create(rp.CreationOptions(challenge, ana, nil))), now)
		return err
	}
	for name, key := range tests {
		t.Run(name, func(t *testing.T) {
			if err := enrol(key); !errors.Is(err, passkeys.ErrRefused) {
				t.Errorf("got %v, want ErrRefused", err)
			}
		})
	}
	for name, key := range map[string][]byte{"RSA": rsaKey(modulus, usual), "Ed25519": edKey(point)} {
		if err := enrol(key); err != nil {
			t.Errorf("a key of %s as it should be: %v", name, err)
		}
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	return must(t)(b, err)
}
