// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// F-08: a Redis that throws records away when its memory is full is warned about.
// When the records of what ended and of the keys are the ones that go, nobody comes
// back who was out, nobody is signed out, and the machines write both back.
func TestF08WhatRedisEvictsIsWrittenBack(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--maxmemory", "8mb", "--maxmemory-policy", "allkeys-lru")
	client := server.Client()
	f := harness.NewFleet(t, oneDoor(onRedis, generous("")))
	both := f.Run(t, server.Addr, server.Addr)
	for _, m := range both {
		harness.Eventually(t, "a warning", func() bool {
			for _, e := range m.Entries(t, "storage_evicts") {
				if e["level"] == "warn" && strings.Contains(fmt.Sprint(e["msg"]), "noeviction") {
					return true
				}
			}
			return false
		})
	}
	stayer := signedIn(t, both[0].Caddy, ana)
	leaver := both[0].Browser(t)
	leaver.SignIn(t, both[0].Caddy, "/", ben, true)
	left := with(t, both[0].Caddy, cookies(t, leaver))
	signOut(t, leaver)
	eventually(t, "the sign-out at the other machine", left.Move(both[1]), http.StatusUnauthorized)
	keys := both[0].Browser(t).Fetch(t, "/.doorcode/jwks.json").Body

	if n, err := client.Del(t.Context(), "doorcode:ended", "doorcode:keys").Result(); err != nil || n != 2 {
		t.Fatalf("%d records evicted, %v", n, err)
	}
	harness.Eventually(t, "both records", func() bool {
		n, err := client.Exists(t.Context(), "doorcode:ended", "doorcode:keys").Result()
		return err == nil && n == 2
	})
	for _, m := range append(both, f.Run(t, server.Addr)...) {
		wantStatus(t, m.At+": who was out", left.Move(m).Fetch(t, "/"), http.StatusUnauthorized)
		wantStatus(t, m.At+": who was in", stayer.Move(m).Fetch(t, "/"), http.StatusOK)
		if now := m.Browser(t).Fetch(t, "/.doorcode/jwks.json").Body; now != keys {
			t.Errorf("%s: other keys than before:\n%s\n%s", m.At, now, keys)
		}
	}
}
