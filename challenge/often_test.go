// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func TestWhoIsOftenAsked(t *testing.T) {
	never := challenge.Policy{Devices: challenge.DevicePolicy{Choice: challenge.ChoiceNever}}
	for _, tt := range []struct {
		name     string
		policy   challenge.Policy
		typed    bool // no earlier step names the visitor
		remember bool
		codes    int
		every    time.Duration
		want     bool
	}{
		{name: "the first code", codes: 0, every: day},
		{name: "the second code in a week", codes: 1, every: day},
		{name: "the third code in a week", codes: 2, every: day, want: true},
		{name: "every code after it", codes: 20, every: day, want: true},
		{name: "the third code within a second less than a week", codes: 2, every: 7*day/2 - time.Second, want: true},
		{name: "the third code in just a week", codes: 2, every: 7 * day / 2},
		{name: "a code a week", codes: 20, every: 7 * day},
		{name: "a browser that is remembered", codes: 5, every: time.Hour, remember: true},
		{name: "a gate that remembers no browser", codes: 5, every: time.Hour, policy: never},
		{name: "a visitor who types an address", codes: 5, every: time.Hour, typed: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.browser(w.gate(challenge.GateOptions{Policy: tt.policy}))
			if !tt.typed {
				b.earlier = basic("ana", ana)
			}
			for range tt.codes {
				b.session = ""
				b.signIn(ana, tt.remember)
				w.clock.advance(tt.every)
			}
			if got := b.gate.OftenAsked(t.Context(), b.visit()); got != tt.want {
				t.Errorf("OftenAsked = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestTheTimesOfCodesAreBoundedAndForgotten(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	for range 20 {
		w.browser(g).signInAs(basic("ana", ana), false)
		w.clock.advance(time.Minute)
	}
	record := func() (raw string) {
		for key, value := range dump(t, w) {
			if strings.HasPrefix(key, "person/") {
				raw = value
			}
		}
		return raw
	}
	_, codes, _ := strings.Cut(record(), `"codes":[`)
	if codes, _, _ = strings.Cut(codes, "]"); strings.Count(codes, ",") != 1 {
		t.Errorf("the record keeps codes at %s, want two of them", codes)
	}
	w.clock.advance(7 * day)
	w.browser(g).signInAs(basic("ana", ana), false)
	if raw := record(); !strings.Contains(raw, fmt.Sprintf(`"codes":[%d]`, w.clock.now().Unix())) {
		t.Errorf("a week later the record keeps more than the last code: %s", raw)
	}
	w.clock.advance(360 * day) // as long as places are remembered
	if raw := record(); raw != "" {
		t.Errorf("a year later the record is there still: %s", raw)
	}
}
