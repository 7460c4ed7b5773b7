// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// eventually waits until a browser is answered with a status.
func eventually(t testing.TB, what string, b *harness.Browser, want int) {
	t.Helper()
	harness.Eventually(t, what, func() bool { return b.Fetch(t, "/").Status == want })
}

// signOut ends the session of a browser.
func signOut(t testing.TB, b *harness.Browser) {
	t.Helper()
	b.Open(t, "/.doorcode/signout")
	wantStatus(t, "sign-out", b.Submit(t, "signout", nil), http.StatusOK)
}

// SES-02, ruling 24: who signs out at one machine is out at the others as soon as
// they read what ended, twice a second; nobody asks the store for each request.
func TestSES02ASignOutHoldsAtEveryMachine(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	meter := harness.NewMeter(t, server.Addr, "doorcode:ended")
	f := harness.NewFleet(t, oneDoor(onRedis, generous("")))
	both := f.Run(t, server.Addr, meter.Address)
	b := both[0].Browser(t)
	b.SignIn(t, both[0].Caddy, "/", ana, true)
	other := signedIn(t, both[1].Caddy, ana)
	copied := with(t, both[1].Caddy, cookies(t, b))
	wantStatus(t, "the copy", copied.Fetch(t, "/"), http.StatusOK)
	before := meter.Read()
	for range 50 {
		wantStatus(t, "the copy again", copied.Fetch(t, "/"), http.StatusOK)
	}
	if asked := meter.Read().Since(before); asked.Trips-asked.Words > 10 {
		t.Errorf("50 requests of a session made %d trips to the store", asked.Trips-asked.Words)
	}

	signOut(t, b)
	read := meter.Read().Words
	harness.Eventually(t, "another look at what ended", func() bool { return meter.Read().Words >= read+2 })
	reached := len(f.App.Seen())
	wantStatus(t, "the copy after the sign-out", copied.Fetch(t, "/"), http.StatusUnauthorized)
	f.App.Untouched(t, reached)
	wantStatus(t, "another session of hers", other.Fetch(t, "/"), http.StatusOK)

	late := f.Prepare(t, server.Addr)
	late.Run(t)
	wantStatus(t, "the copy at a machine that starts later", with(t, late.Caddy, cookies(t, copied)).Fetch(t, "/"), http.StatusUnauthorized)
}

// Acceptance 120: a sign-out at one machine cuts what is open at another.
func TestSES08ASignOutCutsStreamsAtEveryMachine(t *testing.T) {
	t.Parallel()
	f, first, second, _ := pair(t, generous(""))
	f.App.Answer(streaming)
	b, other := signedIn(t, first.Caddy, ana), signedIn(t, first.Caddy, ana)
	streams, others := openStreams(t, second.Caddy, b), openStreams(t, second.Caddy, other)
	signOut(t, b)
	each(streams, func(s *stream) { s.wantCut(t) })
	each(others, func(s *stream) { s.wantOpen(t) })
}

// Ruling 39 over machines: the link in the mail about an entry, opened at one, ends
// that browser at all.
func TestRuling39ALinkEndsABrowserAtEveryMachine(t *testing.T) {
	t.Parallel()
	f, first, second, _ := pair(t, generous(""))
	f.App.Answer(streaming)
	home := first.Browser(t)
	home.SignIn(t, first.Caddy, "/", ana, true)
	thief := from(t, second.Caddy, 9)
	thief.Agent = chrome
	thief.SignIn(t, second.Caddy, "/", ana, true)
	streams := openStreams(t, second.Caddy, thief)
	press(t, first.Caddy, stopLink(t, notice(t, first.Caddy, ana, newSignIn, 1)))
	each(streams, func(s *stream) { s.wantCut(t) })
	eventually(t, "the thief's session to end", thief, http.StatusUnauthorized)
	thief.Drop(t, "doorcode")
	wantStatus(t, "the thief, remembered", thief.Fetch(t, "/"), http.StatusUnauthorized)
	wantStatus(t, "home", home.Move(second).Fetch(t, "/"), http.StatusOK)
}

// Ruling 22 over machines: a browser that was used up at one is used up at all. One
// that somebody copied is no use once its owner signs out.
func TestRuling22AForgottenBrowserIsForgottenAtEveryMachine(t *testing.T) {
	t.Parallel()
	_, first, second, _ := pair(t, generous(""))
	b := first.Browser(t)
	b.SignIn(t, first.Caddy, "/", ana, true)
	device := "doorcode-device=" + b.Cookies(t)["doorcode-device"]
	signOut(t, b)
	for _, m := range []*harness.Machine{second, first} {
		wantStatus(t, "a copy at "+m.At, with(t, m.Caddy, device).Fetch(t, "/"), http.StatusUnauthorized)
	}
}

// SES-06 over machines: each reads its list by itself.
func TestSES06WhoeverIsTakenOffTheListIsOutEverywhere(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	file := filepath.Join(t.TempDir(), "people.txt")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(ana + "\n" + ben + "\n")
	site := oneDoor(onRedis, "allow_file "+file, generous(""))
	f := harness.NewFleet(t, strings.Replace(site, " *@example.com {", " {", 1))
	f.App.Answer(streaming)
	both := f.Run(t, server.Addr, server.Addr)
	hers, his := signedIn(t, both[0].Caddy, ana), signedIn(t, both[0].Caddy, ben)
	streams := openStreams(t, both[1].Caddy, his)
	write(ana + "\n")
	each(streams, func(s *stream) { s.wantCut(t) })
	for _, m := range both {
		harness.Eventually(t, "his session to end", func() bool { return his.Move(m).Fetch(t, "/").Status != http.StatusOK })
		wantStatus(t, "hers", hers.Move(m).Fetch(t, "/"), http.StatusOK)
	}
}
