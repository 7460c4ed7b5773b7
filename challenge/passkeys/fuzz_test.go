// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package passkeys_test

import (
	"bytes"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/passkeys"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
)

func FuzzEnrol(f *testing.F) {
	rp := site(f)
	f.Add(must(f)(passkeystest.New(origin).Create(rp.CreationOptions(challenge, ana, nil))))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}`))
	f.Fuzz(func(t *testing.T, response []byte) {
		c, err := rp.Enrol(challenge, response, now)
		if err != nil {
			return
		}
		again, err := passkeys.Parse(c.Encode())
		if err != nil || !bytes.Equal(again.PublicKey, c.PublicKey) {
			t.Errorf("%+v does not survive: %v", c, err)
		}
	})
}

func FuzzRead(f *testing.F) {
	rp := site(f)
	a, c := enrolled(f, rp)
	right := must(f)(a.Get(rp.RequestOptions(challenge)))
	f.Add(right)
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA"}}`))
	f.Fuzz(func(t *testing.T, response []byte) {
		said, err := rp.Read(challenge, response)
		if err != nil {
			return
		}
		if !bytes.Contains(response, []byte("userHandle")) {
			t.Error("nobody is named")
		}
		_, _ = said.Verify(&c)
	})
}

func FuzzParse(f *testing.F) {
	_, c := enrolled(f, site(f))
	f.Add(c.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := passkeys.Parse(b); err == nil && !bytes.Equal(c.Encode(), b) {
			t.Errorf("%x is read as %+v, which is written %x", b, c, c.Encode())
		}
	})
}
