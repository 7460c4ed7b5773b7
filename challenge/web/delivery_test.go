// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func TestWhomAnEarlierStepNamedIsToldHowFarTheMailCame(t *testing.T) {
	tests := map[challenge.DeliveryStage]struct {
		heading, text, json string
	}{
		challenge.DeliveryQueued:   {"Check your email", "", ""},
		challenge.DeliveryAccepted: {"Check your email", "Your mail provider accepted our email 1 minute ago.", `"mail":{"text":"Your mail provider accepted our email at {time}.","at":"2026-08-01T12:00:05Z"}`},
		challenge.DeliveryDelayed:  {"Check your email", "Your mail provider is making us wait.", `"mail":{"text":"Your mail provider is making us wait. It can take a few minutes.","at":"2026-08-01T12:00:05Z"}`},
		challenge.DeliveryTrouble:  {"Check your email", "", ""},
		challenge.DeliveryRefused:  {"We couldn't send the email", "refused our email. Contact", `"mail":{"text":"The mailbox for a••@example.com refused our email. `},
		challenge.DeliveryGivenUp:  {"Check your email", "We couldn't deliver the email.", `"mail":{"text":"We couldn't deliver the email. `},
	}
	for stage, want := range tests {
		w := newWorld(t)
		w.earlier(anaByPassword())
		b := w.browser()
		b.open("/x").wants(t, http.StatusUnauthorized, "Check your email", "!mail provider")
		if !strings.Contains(b.page.body, `<p class="status" id="mail" role="status"></p>`) {
			t.Error("the script has no line to write into")
		}
		w.mailbox.brings(stage, w.clock.now().Add(5*time.Second))
		w.clock.advance(70 * time.Second)
		b.open("/x").wants(t, http.StatusUnauthorized, want.heading, want.text, "!ana@example.com")
		status := b.do(http.MethodGet, "/x/.doorcode/status", nil, scripted)
		if want.json == "" && strings.Contains(status.body, "mail") || !strings.Contains(status.body, want.json) {
			t.Errorf("stage %d: status says %s", stage, status.body)
		}
	}
}

// TestR16NothingIsToldOfTheMailToWhoTypedAnAddress: whether it was refused or accepted says
// that it was sent (ruling 16).
func TestR16NothingIsToldOfTheMailToWhoTypedAnAddress(t *testing.T) {
	for _, stage := range []challenge.DeliveryStage{challenge.DeliveryAccepted, challenge.DeliveryDelayed, challenge.DeliveryRefused, challenge.DeliveryGivenUp} {
		w := newWorld(t)
		w.mailbox.brings(stage, w.clock.now())
		b := w.browser()
		b.ask("/x", ana)
		b.open("/x").wants(t, http.StatusUnauthorized, "Check your email", "!mail provider", "!refused", "!deliver")
		status := b.do(http.MethodGet, "/x/.doorcode/status", nil, scripted)
		if strings.Contains(b.page.body, `id="mail"`) || strings.Contains(status.body, `"mail"`) {
			t.Errorf("stage %d is told: %s", stage, status.body)
		}
	}
}

// TestAnOpenPageLearnsThatNoMailGoesOut: before, only one that was loaded anew said so. It
// is told whoever asks, known or not.
func TestAnOpenPageLearnsThatNoMailGoesOut(t *testing.T) {
	const down = `"mail":{"text":"Our mail service isn't answering. Nothing is wrong with your account. We keep trying until {time}.","at":"2026-08-01T12:10:00Z"}`
	for name, who := range map[string]string{"somebody who may pass": ana, "somebody who may not": "mallory@evil.example"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.browser()
			b.ask("/x", who)
			look := func() string { return b.do(http.MethodGet, "/x/.doorcode/status", nil, scripted).body }
			if said := look(); strings.Contains(said, "mail") {
				t.Errorf("while mail goes out: %s", said)
			}
			w.mailbox.breaks(nil, true)
			if said := look(); !strings.Contains(said, down) {
				t.Errorf("status says %s", said)
			}
			w.mailbox.breaks(nil, false)
			if said := look(); strings.Contains(said, "mail") {
				t.Errorf("once it goes out again: %s", said)
			}
		})
	}
	t.Run("somebody whose mail was accepted before", func(t *testing.T) {
		w := newWorld(t)
		w.earlier(anaByPassword())
		b := w.browser()
		b.open("/x")
		w.mailbox.brings(challenge.DeliveryAccepted, w.clock.now())
		w.mailbox.breaks(nil, true)
		if said := b.do(http.MethodGet, "/x/.doorcode/status", nil, scripted).body; !strings.Contains(said, "accepted our email") {
			t.Errorf("status says %s", said)
		}
	})
}

// TestThePageThatNoMailGoesOutGoesOnByItself: before, it said so until somebody loaded it
// anew, for its script asked for nothing. A mail that was not even queued waits for its
// person.
func TestThePageThatNoMailGoesOutGoesOnByItself(t *testing.T) {
	const asks, over = ` data-status="./x/.doorcode/status"`, ` data-down="`
	w := newWorld(t)
	b := w.browser()
	b.ask("/x", ana)
	if page := b.open("/x"); !strings.Contains(page.body, asks) || strings.Contains(page.body, over) {
		t.Errorf("while mail goes out:\n%s", page.body)
	}
	w.mailbox.breaks(nil, true)
	page := b.open("/x")
	if page.wants(t, http.StatusServiceUnavailable, "We couldn't send the email", "Try again"); !strings.Contains(page.body, asks) || !strings.Contains(page.body, over) {
		t.Errorf("its script asks for nothing:\n%s", page.body)
	}
	if !strings.Contains(page.body, `id="status" role="status">Our mail service`) {
		t.Errorf("its script would tell it twice:\n%s", page.body)
	}
	w.mailbox.breaks(nil, false)
	b.open("/x").wants(t, http.StatusUnauthorized, "Check your email", "!Our mail service")

	w.mailbox.breaks(challenge.ErrQueueFull, false)
	w.clock.advance(time.Minute)
	page = b.submit("/resend")
	if page.wants(t, http.StatusServiceUnavailable, "We couldn't send the email", "Try again"); strings.Contains(page.body, over) {
		t.Errorf("where no mail waits its script would load the page for ever:\n%s", page.body)
	}
}

// Whoever an earlier step named is told of their own mail, by the page and by its script,
// although none goes out by now.
func TestAMailThatWasHandedOverIsToldOfThoughNoneGoesOut(t *testing.T) {
	w := newWorld(t)
	w.earlier(anaByPassword())
	b := w.browser()
	b.open("/x")
	w.mailbox.breaks(nil, true)
	b.open("/x").wants(t, http.StatusServiceUnavailable, "We couldn't send the email")
	w.mailbox.brings(challenge.DeliveryAccepted, w.clock.now())
	b.open("/x").wants(t, http.StatusUnauthorized, "Your mail provider accepted our email", "!We couldn't send")
}

// TestNothingIsToldOfAMailToASecondAddress: that there is one is more than a first step
// may learn.
func TestNothingIsToldOfAMailToASecondAddress(t *testing.T) {
	w := newWorld(t, roomy)
	w.equip(ana)
	w.earlier(anaByPassword())
	b := w.browser()
	b.open("/x")
	w.clock.advance(time.Minute)
	b.choose("other")
	b.choose("second").wants(t, http.StatusUnauthorized)
	w.mailbox.brings(challenge.DeliveryAccepted, w.clock.now())
	b.open("/x").wants(t, http.StatusUnauthorized, "!mail provider")
	if status := b.do(http.MethodGet, "/x/.doorcode/status", nil, scripted); strings.Contains(status.body, `"mail"`) {
		t.Errorf("status says %s", status.body)
	}
}
