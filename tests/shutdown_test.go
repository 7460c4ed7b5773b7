// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// A leaver is somebody who sends a code while the server stops.
type leaver struct {
	b     *harness.Browser
	right url.Values    // what they send
	told  *harness.Page // the answer, if there was one
}

// F-17: SIGTERM in the middle of many checks. What was being answered is answered: a code
// is either spent, and its browser has the session, or as good as before.
func TestF17WhatIsUnderWayIsFinishedBeforeTheServerStops(t *testing.T) {
	child := harness.PrepareChild(t, site(generous("")))
	child.Run(t)
	everybody := make([]*leaver, 24)
	for n := range everybody {
		b := from(t, child.Caddy, n)
		code := ask(t, child.Caddy, b, "/", fmt.Sprintf("p%d@example.com", n))
		everybody[n] = &leaver{b: b, right: form(t, b, code)}
	}
	var all sync.WaitGroup
	var answered atomic.Int32
	enough := make(chan struct{})
	for _, one := range everybody {
		all.Go(func() {
			page := one.b.Do(quiet{t}, http.MethodPost, "/.doorcode/verify", one.right, sameOrigin)
			one.told = &page
			if answered.Add(1) == 6 {
				close(enough)
			}
		})
	}
	<-enough
	terminate(t, child)
	all.Wait()

	child.Run(t)
	for n, one := range everybody {
		if one.told != nil && setCookies(*one.told)["doorcode"] != nil {
			wantStatus(t, "a session that was given while the server stopped", one.b.Fetch(t, "/"), http.StatusOK)
			continue
		}
		page := one.b.Do(t, http.MethodPost, "/.doorcode/verify", one.right, sameOrigin)
		if setCookies(page)["doorcode"] == nil {
			t.Errorf("person %d was told nothing, and their code is spent: status %d", n, page.Status)
		}
	}
}

// F-17: a mail that waits for its next try, since the relay has put it off, gets another
// one before the process ends.
func TestF17WhatWaitsIsMailedBeforeTheServerStops(t *testing.T) {
	relay := harness.NewRelay(t)
	relay.Refuse(&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "try again later"})
	relay.Up(t)
	child := harness.PrepareChild(t, relayed(relay, generous("")))
	child.Run(t)
	var waiting []string
	for n := range 5 {
		b, to := from(t, child.Caddy, n), fmt.Sprintf("p%d@example.com", n)
		b.Open(t, "/")
		b.Submit(t, "email", url.Values{"email": {to}})
		waiting = append(waiting, to)
	}
	harness.Eventually(t, "a first try of each mail", func() bool { return len(relay.Recipients()) >= len(waiting) })
	relay.Refuse(nil)
	terminate(t, child)
	for _, to := range waiting {
		if mails := relay.Mails(t, to); len(mails) != 1 {
			t.Errorf("%d mails to %s, want 1", len(mails), to)
		}
	}
}

// terminate ends a server as an init system does, and waits until it has ended.
func terminate(t *testing.T, child *harness.Child) {
	t.Helper()
	process, err := os.FindProcess(child.PID())
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-child.Exited()
	if child.Code() != 0 {
		t.Errorf("the server stopped with %d:\n%s", child.Code(), child.Log(t))
	}
}
