// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package bound_test

import (
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/bound"
	"github.com/doorcode/caddy-doorcode/challenge/bound/boundtest"
)

// FuzzProof looks for a token that proves a key which did not sign it, and for a fault.
func FuzzProof(f *testing.F) {
	mine, thief := keyOf(f, laptop), boundtest.NewKey()
	signed := laptop.Prove("asked")
	said := unsigned(signed)
	f.Add(signed)
	f.Add(laptop.Register("asked", "allowed"))
	f.Add(thief.Prove("asked"))
	f.Add(chip.Register("asked", "allowed"))
	f.Add(strings.Repeat(".", 1000))
	f.Add(thief.Sign(`{"alg":"ES256","typ":"dbsc+jwt","typ":"x"}`, `{"jti":"a","jti":"b"}`))
	f.Fuzz(func(t *testing.T, token string) {
		p, err := bound.ReadProof(token)
		if err != nil {
			return
		}
		if p.Challenge == "" || len(token) > 6<<10 {
			t.Errorf("%q is a proof", token)
		}
		if now := unsigned(token); p.By(mine) == nil && now != said {
			t.Errorf("%q proves a key that did not sign it", token)
		}
		if k, err := p.Registered(); err == nil {
			if again, err := bound.ParseKey(k.String()); err != nil || again.Thumbprint() != k.Thumbprint() {
				t.Errorf("the key of %q cannot be stored: %v", token, err)
			}
		}
	})
}

// unsigned is a token less its signature, of which ECDSA has two for everything.
func unsigned(token string) string { return token[:max(0, strings.LastIndexByte(token, '.'))] }

// FuzzSignedProof signs whatever header and payload say: what is taken has one
// challenge, and the type of a proof.
func FuzzSignedProof(f *testing.F) {
	mine := keyOf(f, laptop)
	f.Add(`{"alg":"ES256","typ":"dbsc+jwt"}`, `{"jti":"asked"}`)
	f.Add(`{"alg":"ES256","typ":"dbsc+jwt","crit":["x"],"x":1}`, `{"jti":"asked","jti":"other"}`)
	f.Add(`{"alg":"ES256","TYP":"dbsc+jwt"}`, `{"jti":null}`)
	f.Fuzz(func(t *testing.T, head, payload string) {
		p, err := bound.ReadProof(laptop.Sign(head, payload))
		if err != nil || p.By(mine) != nil {
			return
		}
		if !strings.Contains(head, "typ") || p.Challenge == "" || strings.Contains(head, `"crit"`) {
			t.Errorf("header %s and payload %s prove a key", head, payload)
		}
	})
}

// FuzzParseKey looks for a second spelling of a stored key, and for a fault.
func FuzzParseKey(f *testing.F) {
	f.Add(keyOf(f, laptop).String())
	f.Add(keyOf(f, chip).String())
	f.Add("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE")
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := bound.ParseKey(text); err == nil && k.String() != text {
			t.Errorf("%q is a key, but not as it is written", text)
		}
	})
}

// FuzzReadPass looks for a pass that nobody has signed.
func FuzzReadPass(f *testing.F) {
	good := aPass().Sign(site, mac)
	f.Add(good)
	f.Add(good[:40] + "\n" + good[40:])
	f.Add(strings.Repeat("A", 100))
	f.Fuzz(func(t *testing.T, value string) {
		p, err := bound.ReadPass(value, site, mac)
		if err == nil && p.Sign(site, mac) != value {
			t.Errorf("%q is a pass, but not as it is written", value)
		}
	})
}

// FuzzFields reads what browsers write into header fields.
func FuzzFields(f *testing.F) {
	f.Add(`"a";id="b"`)
	f.Add("quota_exceeded")
	f.Fuzz(func(t *testing.T, value string) {
		if got := bound.Unquoted(value); len(got) > len(value) {
			t.Errorf("Unquoted(%q) = %q", value, got)
		}
		switch got := bound.Skipped(value); got {
		case "unreachable", "server_error", "quota_exceeded", "other":
		default:
			t.Errorf("Skipped(%q) = %q", value, got)
		}
	})
}
