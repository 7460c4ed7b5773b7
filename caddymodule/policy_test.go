// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"bytes"
	"context"
	"testing"

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
