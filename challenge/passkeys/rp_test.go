// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package passkeys_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/passkeys"
)

func TestWhereThereArePasskeys(t *testing.T) {
	for _, c := range []struct{ name, origin, domain, id string }{
		{"a host of its own", "https://app.example.com", "", "app.example.com"},
		{"a host with a port", "https://app.example.com:8443", "", "app.example.com"},
		{"the domain that hosts share", "https://app.example.com", "example.com", "example.com"},
		{"the domain itself", "https://example.com", "example.com", "example.com"},
		{"localhost without TLS", "http://localhost:8080", "", "localhost"},
		{"a host below localhost", "http://app.localhost", "", "app.localhost"},
		{"a name in capitals", "https://APP.Example.com", "EXAMPLE.com", "example.com"},
		{"a name without TLS", "http://app.example.com", "", ""},
		{"a name that only looks local", "http://notlocalhost", "", ""},
		{"an IPv4 address", "https://192.0.2.1", "", ""},
		{"an IPv6 address", "https://[2001:db8::1]", "", ""},
		{"a loopback address", "http://127.0.0.1:8080", "", ""},
		{"a domain that is not above", "https://app.example.com", "example.net", ""},
		{"a domain that only ends alike", "https://app.badexample.com", "example.com", ""},
		{"a domain below", "https://example.com", "app.example.com", ""},
		{"another scheme", "ftp://app.example.com", "", ""},
		{"no origin", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			rp, err := passkeys.At(c.origin, c.domain)
			if rp.ID != c.id || (err != nil) != (c.id == "") || err != nil && !errors.Is(err, passkeys.ErrUnfitOrigin) {
				t.Errorf("got %q, %v", rp.ID, err)
			}
		})
	}
}

func TestACredentialIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := passkeys.Credential{
			ID:             rapid.SliceOfN(rapid.Byte(), 1, 1023).Draw(t, "id"),
			PublicKey:      rapid.SliceOfN(rapid.Byte(), 1, 1024).Draw(t, "key"),
			SignCount:      rapid.Uint32().Draw(t, "count"),
			AAGUID:         [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "aaguid")),
			Transports:     passkeys.Transports(rapid.Uint8Range(0, 63).Draw(t, "transports")),
			BackupEligible: rapid.Bool().Draw(t, "eligible"), BackedUp: rapid.Bool().Draw(t, "copied"),
			Created: rapid.Int64().Draw(t, "created"), RPID: rapid.StringMatching(`[a-z.]{1,253}`).Draw(t, "rp"),
		}
		got, err := passkeys.Parse(c.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNoPartOfACredentialIsOne(t *testing.T) {
	_, c := enrolled(t, site(t))
	whole := c.Encode()
	for n := range whole {
		if _, err := passkeys.Parse(whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are one", n, len(whole))
		}
	}
	if _, err := passkeys.Parse(append(whole, 0)); err == nil {
		t.Error("one more byte changes nothing")
	}
}
