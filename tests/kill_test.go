// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"math/rand"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// A told is what a browser has been told before the server was killed.
type told struct {
	code    string
	right   url.Values // the form with the right code
	left    int        // tries, as the last answer said
	session string     // cookie
	out     bool       // signed out
	flow    string     // Cookie line of the check
}

// F-11: kill -9 at any moment of a check. What a browser was told holds after
// the next start: a session is valid, a code is spent, a try is counted, a
// sign-out is final.
func TestF11WhatABrowserWasToldSurvivesAKill(t *testing.T) {
	child := harness.PrepareChild(t, site(generous(""), "remember {\n\t\t\tchoice never\n\t\t}"))
	random := rand.New(rand.NewSource(11)) //nolint:gosec // the same moments every time
	child.Run(t)
	for round := range 8 {
		b := from(t, child.Caddy, round+1)
		n := told{left: 5, code: ask(t, child.Caddy, b, "/", ana)}
		n.right, n.flow = form(t, b, n.code), cookies(t, b)
		fatal := round % len(steps)
		for i, step := range steps {
			if i < fatal {
				step(t, b, &n)
				continue
			}
			interrupted := make(chan struct{})
			go func() {
				defer close(interrupted)
				step(quiet{t}, b, &told{code: n.code}) // what it hears is lost
			}()
			<-time.After(time.Duration(random.Intn(4000)) * time.Microsecond)
			child.Kill()
			<-interrupted
			break
		}
		child.Run(t)
		n.holds(t, child.Caddy, fatal)
	}
}

// steps are what a person does with a code.
var steps = []func(t testing.TB, b *harness.Browser, n *told){
	func(t testing.TB, b *harness.Browser, n *told) {
		n.hear(b.AJAX(t, "verify", url.Values{"code": {notThis(n.code, 1)}}))
	},
	func(t testing.TB, b *harness.Browser, n *told) {
		n.hear(b.AJAX(t, "verify", url.Values{"code": {notThis(n.code, 2)}}))
	},
	func(t testing.TB, b *harness.Browser, n *told) {
		n.hear(b.AJAX(t, "verify", url.Values{"code": {n.code}}))
	},
	func(t testing.TB, b *harness.Browser, n *told) {
		b.Open(t, "/.doorcode/signout")
		b.Submit(t, "signout", nil)
		n.out = true
	},
}

// hear takes an answer in.
func (n *told) hear(page harness.Page) {
	if cookie := setCookies(page)["doorcode"]; cookie != nil && cookie.Value != "" {
		n.session = cookie.Value
	}
	if page.Status == http.StatusUnprocessableEntity && strings.Contains(page.Body, "tries_left") {
		n.left--
	}
}

// holds asks the next process about all of it.
func (n *told) holds(t *testing.T, c *harness.Caddy, fatal int) {
	t.Helper()
	b := c.Browser(t)
	if n.session != "" {
		b.Extra = http.Header{"Cookie": {"doorcode=" + n.session}}
		want := http.StatusOK
		if n.out {
			want = http.StatusUnauthorized
		}
		if got := b.Fetch(t, "/").Status; fatal < len(steps)-1 && got != want || n.out && got != want {
			t.Errorf("killed in step %d: a session that was given answers %d, want %d", fatal, got, want)
		}
	}
	b.Extra = http.Header{"Cookie": {n.flow}}
	page := b.Do(t, http.MethodPost, "/.doorcode/verify", url.Values{"flow": n.right["flow"], "code": {notThis(n.code, 3)}}, sameOrigin, http.Header{"Accept": {"application/json"}})
	if left := triesLeft(t, page); n.session == "" && left >= n.left {
		t.Errorf("killed in step %d: %d tries left, of %d before this one:\n%s", fatal, left, n.left, page.Body)
	}
	page = b.Do(t, http.MethodPost, "/.doorcode/verify", n.right, sameOrigin)
	if n.session != "" && setCookies(page)["doorcode"] != nil {
		t.Errorf("killed in step %d: a spent code made another session", fatal)
	}
}

// triesLeft is what an answer says of the tries left: none where the code is over.
func triesLeft(t *testing.T, page harness.Page) int {
	t.Helper()
	_, after, found := strings.Cut(page.Body, `"tries_left": `)
	switch {
	case found:
		return int(after[0] - '0')
	case page.Status != http.StatusGone:
		t.Errorf("an answer says nothing of tries, and is no 410: %d\n%s", page.Status, page.Body)
	}
	return 0
}

// quiet is a test that may fail: the request that it is about is cut off.
type quiet struct{ testing.TB }

func (quiet) Helper()               {}
func (quiet) Errorf(string, ...any) {}

// Fatalf ends the goroutine, as a real one does.
func (q quiet) Fatalf(string, ...any) { runtime.Goexit() }

func (q quiet) Fatal(...any) { runtime.Goexit() }

// RL-09: a restart forgives nothing: the tries of a code, the mails of an
// address, the lock of an address.
func TestRL09LimitsSurviveARestart(t *testing.T) {
	child := harness.PrepareChild(t, site(generous("send_address 2/1h")))
	child.Run(t)
	b := child.Browser(t)
	code := ask(t, child.Caddy, b, "/", ana)
	right := form(t, b, code)
	for n := range 3 {
		enter(t, b, notThis(code, n))
	}
	child.Kill()
	child.Run(t)
	for n := range 2 {
		enter(t, b, notThis(code, 3+n))
	}
	if page := b.Do(t, http.MethodPost, "/.doorcode/verify", right, sameOrigin); setCookies(page)["doorcode"] != nil {
		t.Error("the sixth try made a session")
	}
	ask(t, child.Caddy, from(t, child.Caddy, 1), "/", ana)
	child.Kill()
	child.Run(t)
	last := from(t, child.Caddy, 2)
	last.Open(t, "/")
	wantWait(t, "the third mail", last.Submit(t, "email", url.Values{"email": {ana}}))
}
