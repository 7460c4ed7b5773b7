// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// FuzzCheck: what was not signed is not accepted, and a refusal says nothing.
func FuzzCheck(f *testing.F) {
	h := newHouse(f)
	i, genuine := h.issuer(""), map[string]bool{}
	for _, algorithm := range algorithms {
		token := h.sign(h.issuer(algorithm), h.session())
		genuine[token] = true
		f.Add(token)
		f.Add(token[:strings.LastIndexByte(token, '.')+1])
		payload := h.payload(h.session())
		f.Add(h.forge(algorithm, h.header(algorithm), with(payload, "exp", nil)))
		f.Add(h.forge(algorithm, with(h.header(algorithm), "alg", "none"), payload))
	}
	f.Add("..")
	f.Add(strings.Repeat(".", 3000))
	f.Fuzz(func(t *testing.T, token string) {
		s, err := i.Check(token, app, noon)
		if err == nil && !genuine[token] {
			t.Errorf("Check(%q) = %+v", token, s)
		}
		if err != nil && (!errors.Is(err, sessions.ErrInvalid) || s.ID != (sessions.ID{}) || s.Email != "") {
			t.Errorf("Check(%q) = %+v, %v, want ErrInvalid and no session", token, s, err)
		}
	})
}

// FuzzSignedClaims: whatever a key of ours has signed, Check does not panic,
// and what it accepts it could have signed itself.
func FuzzSignedClaims(f *testing.F) {
	h := newHouse(f)
	i := h.issuer(sessions.HS256)
	token := h.sign(i, h.session())
	payload, err := b64.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(payload))
	f.Add(strings.Replace(string(payload), `"exp":`, `"exp":1e400,"x":`, 1))
	f.Add(`{"sid":null}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, payload string) {
		in := *h
		in.tb = t
		s, err := i.Check(in.forge(sessions.HS256, in.header(sessions.HS256), payload), app, noon)
		if err != nil {
			return
		}
		if _, err := i.Sign(s); err != nil {
			t.Errorf("Sign(%+v) = %v", s, err)
		}
	})
}

// FuzzParseKeys: a set that parses needs nothing but missing keys to be good.
func FuzzParseKeys(f *testing.F) {
	f.Add(newHouse(f).stored)
	f.Add([]byte(`{"version":1,"keys":[]}`))
	f.Add([]byte(`{"version":1,"keys":[{"kid":"k","use":"session","alg":"HS256","private":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, plain []byte) {
		_, err := sessions.ParseKeys(plain)
		if err != nil {
			if !errors.Is(err, sessions.ErrKeys) {
				t.Errorf("ParseKeys = %v, want ErrKeys", err)
			}
			return
		}
		full, _, err := sessions.Ensure(plain, sessions.EdDSA, noon)
		if err != nil {
			t.Fatalf("Ensure = %v", err)
		}
		if _, changed, err := sessions.Ensure(full, sessions.EdDSA, noon); changed || err != nil {
			t.Errorf("Ensure of its own result = changed: %t, %v", changed, err)
		}
	})
}
