// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"slices"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

func TestNewcomersComeInTheOrderOfTheStorage(t *testing.T) {
	ring, err := keyring.New([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	m := &mint{ring: ring}
	all := m.newcomers(100)
	if !slices.IsSortedFunc(all, func(a, b newcomer) int { return slices.Compare([]byte(a.key), []byte(b.key)) }) {
		t.Error("they are not in order")
	}
	seen := map[int]bool{}
	for _, one := range all {
		if one.key != m.key(address(one.n)) || len(address(one.n)) != len(address(0)) {
			t.Errorf("newcomer %d has the key %s", one.n, one.key)
		}
		seen[one.n] = true
	}
	if len(seen) != len(all) {
		t.Errorf("%d of %d are there", len(seen), len(all))
	}
}

func TestTheSessionOfACookieLine(t *testing.T) {
	for line, want := range map[string]string{"doorcode=a.b.c": "a.b.c", "other=1; doorcode=a.b.c; theme=dark": "a.b.c", "doorcode-flow=x": "", "": ""} {
		got, err := tokenIn(line)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("tokenIn(%q) = %q, %v", line, got, err)
		}
	}
}
