// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/caddymodule"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

type nowhere struct{}

func (nowhere) Send(context.Context, challenge.Notice) error { return nil }

// TestDefaultsAreTheSameEverywhere: the reference documents the defaults of the
// configuration, and whoever uses the domain alone must get the same gate.
func TestDefaultsAreTheSameEverywhere(t *testing.T) {
	ring, err := keyring.New(bytes.Repeat([]byte("0123456789abcdef"), 2))
	if err != nil {
		t.Fatal(err)
	}
	house, err := challenge.OpenHouse(t.Context(), challenge.HouseOptions{
		Store: memstore.New(memstore.Options{}), Ring: ring, Sender: nowhere{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(house.Close)
	gate, err := house.NewGate(t.Context(), challenge.GateOptions{ID: "gate"})
	if err != nil {
		t.Fatal(err)
	}
	configured, err := caddymodule.PolicyOf(caddymodule.WithDefaults(caddymodule.Settings{}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(gate.Policy(), configured); diff != "" {
		t.Errorf("the domain's defaults (-) are not the configuration's (+):\n%s", diff)
	}
}

// What a site switches off must not be taken for what it leaves to the default.
func TestWaysInThatAreSwitchedOffStayOff(t *testing.T) {
	for _, tt := range []struct {
		lines string
		want  challenge.WaysPolicy
	}{
		{"backup_codes off\nauthenticator off\nsecond_address off\ntokens off", challenge.WaysPolicy{BackupCodes: -1, NoApp: true, Second: challenge.SecondOff, ProveMailbox: 60 * 24 * time.Hour}},
		{"backup_codes 20\nauthenticator\nsecond_address any\ntokens\nprove_mailbox 1d", challenge.WaysPolicy{BackupCodes: 20, Second: challenge.SecondAny, Tokens: true, ProveMailbox: 24 * time.Hour}},
		{"passkeys", challenge.WaysPolicy{BackupCodes: 10, Second: challenge.SecondAllowed, Passkeys: true, ProveMailbox: 60 * 24 * time.Hour}},
		{"reveal", challenge.WaysPolicy{BackupCodes: 10, Second: challenge.SecondAllowed, ProveMailbox: 60 * 24 * time.Hour}},
	} {
		h, _ := handler(t, site(tt.lines))
		policy, err := caddymodule.PolicyOf(caddymodule.WithDefaults(h.Settings))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, policy.Ways); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.lines, diff)
		}
	}
}

func TestWhatIsAcceptedIsAsTheSiteSays(t *testing.T) {
	for lines, want := range map[string]challenge.Accept{
		"reveal":                           challenge.AcceptAny,
		"accept code":                      challenge.AcceptCode,
		"passkeys on\naccept passkey":      challenge.AcceptPasskey,
		"passkeys on\naccept passkey code": challenge.AcceptAny,
	} {
		h, _ := handler(t, site(lines))
		policy, err := caddymodule.PolicyOf(caddymodule.WithDefaults(h.Settings))
		if err != nil || policy.Accept != want {
			t.Errorf("%q is %q, %v, want %q", lines, policy.Accept, err, want)
		}
	}
}

func TestWhatIsKeptOfAccountsIsAsTheSiteSays(t *testing.T) {
	for lines, want := range map[string]challenge.AuditPolicy{
		"reveal":                       {Keep: 90 * 24 * time.Hour, IP: challenge.AuditPrefix},
		"audit {\nkeep 7d\nip hash\n}": {Keep: 7 * 24 * time.Hour, IP: challenge.AuditHash},
		"audit {\nip full\n}":          {Keep: 90 * 24 * time.Hour, IP: challenge.AuditFull},
	} {
		h, _ := handler(t, site(lines))
		policy, err := caddymodule.PolicyOf(caddymodule.WithDefaults(h.Settings))
		if err != nil || policy.Audit != want {
			t.Errorf("%q: %+v, %v, want %+v", lines, policy.Audit, err, want)
		}
	}
}
