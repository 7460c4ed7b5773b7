// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// Ruling 25: with allow_known_browsers, a remembered browser that a machine has seen
// passes there while Redis is away, for the grace. Nobody else does, and no page that
// wants a fresh code is shown.
func TestRuling25KnownBrowsersPassWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	wires := []*harness.Wire{harness.NewWire(t, server.Addr), harness.NewWire(t, server.Addr)}
	storage := "redis redis://STORE {\n\t\t\ttimeout 200ms\n\t\t\tgrace 3s\n\t\t}"
	f := harness.NewFleet(t, oneDoor(storage, generous(""), "on_store_failure allow_known_browsers", "sensitive /admin/*"))
	both := f.Run(t, wires[0].Address, wires[1].Address)
	known, forgotten, unseen := both[0].Browser(t), from(t, both[0].Caddy, 1), from(t, both[1].Caddy, 2)
	known.SignIn(t, both[0].Caddy, "/", ana, true)
	forgotten.SignIn(t, both[0].Caddy, "/", ben, true)
	unseen.SignIn(t, both[1].Caddy, "/", "cara@example.com", true)
	copied := with(t, both[0].Caddy, cookies(t, forgotten))
	signOut(t, forgotten)
	known.Drop(t, "doorcode")
	unseen.Drop(t, "doorcode")
	held := known.Cookies(t)["doorcode-device"]

	wires[0].Cut()
	eventOf(t, both[0], "store_away")
	for range 3 {
		wantStatus(t, "a browser that was seen", known.Fetch(t, "/"), http.StatusOK)
	}
	if now := known.Cookies(t); now["doorcode-device"] != held || now["doorcode"] != "" {
		t.Errorf("it was given cookies: %v", now)
	}
	eventOf(t, both[0], "stranded")
	wantStatus(t, "a sensitive page", known.Fetch(t, "/admin/x"), http.StatusServiceUnavailable)
	wantStatus(t, "one that was signed out", copied.Fetch(t, "/"), http.StatusServiceUnavailable)
	wantStatus(t, "one that this machine never saw", unseen.Move(both[0]).Fetch(t, "/"), http.StatusServiceUnavailable)
	wantStatus(t, "nobody", both[0].Browser(t).Fetch(t, "/"), http.StatusServiceUnavailable)
	eventually(t, "the grace to end", known, http.StatusServiceUnavailable)

	wires[0].Mend(t)
	harness.Eventually(t, "an ordinary renewal", func() bool {
		return known.Fetch(t, "/").Status == http.StatusOK && known.Cookies(t)["doorcode"] != ""
	})
	wantStatus(t, "one that was signed out, afterwards", copied.Fetch(t, "/"), http.StatusUnauthorized)
}
