// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// embedded is a storage in a file, of which STORE is the path.
const embedded = "embedded STORE"

// move runs storage copy with the configuration of a machine.
func move(t *testing.T, by *harness.Machine, arguments ...string) string {
	t.Helper()
	arguments = append([]string{"doorcode", "storage", "copy", "--config", by.Config(), "--adapter", "caddyfile"}, arguments...)
	out, err := harness.Command(by.Folder, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(arguments[1:], " "), err, out)
	}
	return string(out)
}

// A resident is somebody who is known at one door.
type resident struct {
	session, remembered, left *harness.Browser
	pending                   *harness.Browser
	code                      string
	right                     url.Values
}

// settleIn makes somebody known: one browser is signed in, one is remembered, one
// was signed out, and one waits for a code.
func settleIn(t *testing.T, m *harness.Machine, address string, network int) *resident {
	t.Helper()
	r := &resident{session: signedIn(t, m.Caddy, address), remembered: m.Browser(t), left: m.Browser(t), pending: from(t, m.Caddy, network)}
	r.remembered.SignIn(t, m.Caddy, "/", address, true)
	r.remembered.Drop(t, "doorcode")
	r.left.SignIn(t, m.Caddy, "/", address, true)
	copied := with(t, m.Caddy, cookies(t, r.left))
	signOut(t, r.left)
	r.left = copied
	r.code = ask(t, m.Caddy, r.pending, "/", address)
	r.right = form(t, r.pending, r.code)
	return r
}

// lives fails unless a machine knows the resident as the one before did.
func (r *resident) lives(t *testing.T, what string, m *harness.Machine) {
	t.Helper()
	wantStatus(t, what+": the session", r.session.Move(m).Fetch(t, "/"), http.StatusOK)
	wantStatus(t, what+": the remembered browser", r.remembered.Move(m).Fetch(t, "/"), http.StatusOK)
	r.remembered.Drop(t, "doorcode")
	wantStatus(t, what+": who signed out", r.left.Move(m).Fetch(t, "/"), http.StatusUnauthorized)
	page := r.pending.Move(m).Do(t, http.MethodPost, "/.doorcode/verify", r.right, sameOrigin)
	if setCookies(page)["doorcode"] != nil {
		t.Errorf("%s: a code from before made a session", what)
	}
}

// lockOut tries wrong codes until an address is locked.
func lockOut(t *testing.T, m *harness.Machine, address string) {
	t.Helper()
	b := from(t, m.Caddy, 77)
	code := ask(t, m.Caddy, b, "/", address)
	for n := range 4 {
		enter(t, b, notThis(code, n))
	}
	wantLocked(t, "at once", m, address)
}

// wantLocked fails unless no code can be had for an address.
func wantLocked(t *testing.T, what string, m *harness.Machine, address string) {
	t.Helper()
	b := from(t, m.Caddy, 78)
	b.Open(t, "/")
	wantWait(t, what+": a locked address", b.Submit(t, "email", url.Values{"email": {address}}))
}

// Issue item 6: the files of two machines become one door on Redis, and go back into
// a file, and into another. Nobody is signed out, nobody comes back who was out, locks hold, and codes
// that were on their way are over.
func TestMovingHouseTakesEverybodyAlong(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	f := harness.NewFleet(t, oneDoor(onRedis, generous("try_address 4/1h")))
	alone := oneDoor(embedded, generous("try_address 4/1h"))
	files := []string{filepath.Join(t.TempDir(), "one.db"), filepath.Join(t.TempDir(), "two.db")}
	hers, his := f.PrepareSite(t, alone, files[0]), f.PrepareSite(t, alone, files[1])
	for _, m := range []*harness.Machine{hers, his} {
		m.Begin(t, "run")
	}
	hers.WaitUp(t)
	his.WaitUp(t)
	one, two := settleIn(t, hers, ana, 1), settleIn(t, his, ben, 2)
	both := settleIn(t, his, "both@example.com", 3)
	first := settleIn(t, hers, "both@example.com", 4)
	lockOut(t, hers, "locked@example.com")
	hers.Stop(t)
	his.Stop(t)

	shared := f.Prepare(t, server.Addr)
	for range 2 { // a copy that was made twice is one copy
		move(t, shared, "--from", files[0], "--from", files[1])
	}
	shared.Run(t)
	for what, r := range map[string]*resident{"of the first file": one, "of the second": two, "of both": both, "of both, the first": first} {
		r.lives(t, what, shared)
	}
	wantLocked(t, "on Redis", shared, "locked@example.com")
	late := settleIn(t, shared, "late@example.com", 5)
	shared.Stop(t)

	file := filepath.Join(t.TempDir(), "back.db")
	move(t, shared, "--to", file)
	home := f.PrepareSite(t, alone, file)
	home.Run(t)
	for what, r := range map[string]*resident{"back, of the first file": one, "back, of the second": two, "back, of both": both, "back, of Redis": late} {
		r.lives(t, what, home)
	}
	wantLocked(t, "back", home, "locked@example.com")
	last := settleIn(t, home, "last@example.com", 6)
	home.Stop(t)

	second := f.PrepareSite(t, alone, filepath.Join(t.TempDir(), "second.db"))
	move(t, second, "--from", file)
	second.Run(t)
	last.lives(t, "in another file", second)
	signedIn(t, second.Caddy, "new@example.com")
}

// F-19: a backup of a running machine that is put back in place revives neither a
// code that was used since nor a session that was ended; who was signed in is asked
// for a code, and everybody is known as before.
func TestF19ABackupThatIsPutBackRevivesNothing(t *testing.T) {
	t.Parallel()
	f := harness.NewFleet(t, oneDoor(embedded, generous("try_address 4/1h")))
	file, backup := filepath.Join(t.TempDir(), "doorcode.db"), filepath.Join(t.TempDir(), "backup.db")
	m := f.Run(t, file)[0]
	r := settleIn(t, m, ana, 1)
	leaver := m.Browser(t)
	leaver.SignIn(t, m.Caddy, "/", ben, true)
	copied := with(t, m.Caddy, cookies(t, leaver))
	lockOut(t, m, "locked@example.com")
	out, err := harness.Command(m.Folder, "doorcode", "storage", "backup", backup, "--address", m.Admin).CombinedOutput()
	if err != nil {
		t.Fatalf("storage backup: %v\n%s", err, out)
	}
	signOut(t, leaver)
	wantStatus(t, "the code", enter(t, r.pending, r.code), http.StatusOK)
	m.Stop(t)
	raw, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	m.Run(t)
	eventOf(t, m, "store_restored")
	page := r.pending.Do(t, http.MethodPost, "/.doorcode/verify", r.right, sameOrigin)
	if setCookies(page)["doorcode"] != nil {
		t.Error("a code that was used made a session")
	}
	wantStatus(t, "who signed out", copied.Fetch(t, "/"), http.StatusUnauthorized)
	wantStatus(t, "who was signed in", r.session.Fetch(t, "/"), http.StatusUnauthorized)
	wantStatus(t, "a remembered browser", r.remembered.Fetch(t, "/"), http.StatusUnauthorized)
	wantLocked(t, "after the restore", m, "locked@example.com")
	signedIn(t, m.Caddy, ana)
	m.Kill()
	m.Run(t)
	wantStatus(t, "who signed out, after a kill", copied.Fetch(t, "/"), http.StatusUnauthorized)
}
