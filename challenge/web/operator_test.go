// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func TestWhoWasSignedOutByAnAdministratorIsTold(t *testing.T) {
	w := newWorld(t)
	b := w.enters(firefox, ana)
	w.clock.advance(time.Second)
	if _, err := w.house.Evict(t.Context(), challenge.Eviction{Address: ana, Forget: true}); err != nil {
		t.Fatal(err)
	}
	b.open("/x").wants(t, http.StatusUnauthorized, "Sign in to app.example.com", "An administrator signed you out.", "!another browser")
	w.clock.advance(time.Minute)
	b.signIn("/x", ana)
	b.open("/.doorcode/activity").wants(t, http.StatusOK, "Signed out by an administrator")
}

// A tale keeps the events of one name.
type tale struct {
	name challenge.EventName
	mu   sync.Mutex // guards below
	told []challenge.Event
}

func (r *tale) Record(_ context.Context, e challenge.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Name == r.name {
		r.told = append(r.told, e)
	}
}

func (r *tale) times() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.told)
}

func TestTheOperatorIsToldThatThePageForACodeWasShown(t *testing.T) {
	opened := &tale{name: challenge.CheckOpened}
	w := newWorld(t, func(s *settings) { s.gate.Recorder = opened })
	b := w.browser()
	b.open("/x")
	if n := opened.times(); n != 0 {
		t.Errorf("the page that asks for an address is told %d times", n)
	}
	b.post(scripted, "/email", "email", ana)
	b.do(http.MethodHead, "/x", nil, clicked)
	if n := opened.times(); n != 0 {
		t.Errorf("what no page answered is told %d times", n)
	}
	for range 3 {
		b.open("/x").wants(t, http.StatusUnauthorized, "Check your email")
	}
	if n := opened.times(); n != 1 {
		t.Errorf("the page is told %d times", n)
	}
}
