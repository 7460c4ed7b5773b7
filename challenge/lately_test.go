// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func TestRuling37WhoseSessionHasJustEnded(t *testing.T) {
	month := challenge.Policy{Session: challenge.SessionPolicy{Lifetime: 30 * day}}
	idle := challenge.Policy{Session: challenge.SessionPolicy{Lifetime: 30 * day, Idle: time.Hour}}
	shorter := challenge.Policy{Session: challenge.SessionPolicy{Lifetime: time.Hour}}
	signOut := func(b *browser) {
		if _, err := b.gate.SignOut(context.Background(), b.visit(), b.open().Admission, false); err != nil {
			b.w.t.Fatal(err)
		}
	}
	tests := map[string]struct {
		policy challenge.Policy
		later  time.Duration // from the code until the session is ended, or nothing
		ended  bool
		after  time.Duration
		gate   *challenge.Policy // of another gate that is asked
		want   bool
	}{
		"it lives":                                   {want: true, later: time.Hour},
		"it lives, for long":                         {policy: month, want: true, later: 29 * day},
		"it expired a day ago":                       {later: 12*time.Hour + day, want: true},
		"it expired longer ago":                      {later: 12*time.Hour + day + time.Second},
		"it idled out a day ago":                     {policy: idle, later: time.Hour + day, want: true},
		"it idled out longer ago":                    {policy: idle, later: time.Hour + day + time.Second},
		"it is over at a stricter gate":              {later: time.Hour + day, gate: &shorter, want: true},
		"it is long over at a stricter gate":         {policy: month, later: time.Hour + day + time.Second, gate: &shorter},
		"it was ended":                               {later: time.Hour, ended: true, want: true},
		"it was ended a day after it began":          {policy: month, later: time.Hour, ended: true, after: 23 * time.Hour, want: true},
		"it was ended who knows when":                {policy: month, later: time.Hour, ended: true, after: 23*time.Hour + time.Second},
		"it was ended, and would have expired since": {later: time.Hour, ended: true, after: 35 * time.Hour, want: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.browser(w.gate(challenge.GateOptions{Policy: test.policy})).signIn(ana, false)
			kept := b.session
			w.clock.advance(test.later)
			if test.ended {
				signOut(b)
			}
			w.clock.advance(test.after)
			b.session = kept
			if test.gate != nil {
				b.gate = w.gate(challenge.GateOptions{ID: "other", Policy: *test.gate})
			}
			for _, machine := range []string{"this", "another"} {
				if machine == "another" {
					b.gate = w.gateOf(w.machine(), challenge.GateOptions{Policy: b.gate.Policy()})
				}
				late, ok := b.gate.Lately(t.Context(), b.visit())
				if ok != test.want || ok && (late.Email != ana || late.Session == "") {
					t.Errorf("%s machine: Lately = %+v, %v, want %v", machine, late, ok, test.want)
				}
			}
		})
	}
}

func TestRuling37ASessionThatIsNobodysHasNotEnded(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	b := w.browser(g).signIn(ana, false)
	visits := map[string]func(v *challenge.Visit){
		"none":             func(v *challenge.Visit) { v.Session = "" },
		"nonsense":         func(v *challenge.Visit) { v.Session = "a.b.c" },
		"a forgery":        func(v *challenge.Visit) { v.Session = v.Session[:len(v.Session)-4] + "AAAA" },
		"of another site":  func(v *challenge.Visit) { v.Audience = "https://other.example.com" },
		"of somebody else": func(v *challenge.Visit) { v.Earlier = &challenge.Identity{Source: "s", User: "bob", Email: bob} },
		"of another step":  func(v *challenge.Visit) { v.Earlier = &challenge.Identity{Source: "s", User: "ana", Email: ana} },
	}
	for name, change := range visits {
		v := b.visit()
		change(v)
		if late, ok := g.Lately(t.Context(), v); ok {
			t.Errorf("%s: Lately = %+v", name, late)
		}
	}
	named := w.browser(g)
	named.earlier = &challenge.Identity{Source: "s", User: "ana", Email: ana}
	named.signIn(ana, false)
	if late, ok := g.Lately(t.Context(), named.visit()); !ok || late.Email != ana {
		t.Errorf("of the same step: %+v, %v", late, ok)
	}
}

func TestAHeldFormOpensForItsSiteOnly(t *testing.T) {
	g := newWorld(t).gate(challenge.GateOptions{})
	plain := bytes.Repeat([]byte("form "), 13_000)
	sealed := g.SealHeld(plain, origin)
	if got, err := g.OpenHeld(sealed, origin); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("opening: %v", err)
	}
	if g.SealHeld(make([]byte, 70<<10), origin) != "" {
		t.Error("sealed more than can be opened")
	}
	form, flow := g.SealForm([]byte("x"), origin), g.SealFlow(g.NewFlow(&challenge.Visit{}))
	for name, value := range map[string]string{
		"nothing": "", "nonsense": "AAAA", "cut": sealed[1:], "with a line break": sealed + "\n", "another form": form, "a flow": flow,
		"too long": strings.Repeat("A", challenge.MaxHeld+1),
	} {
		if _, err := g.OpenHeld(value, origin); err == nil {
			t.Errorf("%s opened", name)
		}
	}
	if _, err := g.OpenHeld(sealed, "https://other.example.com"); err == nil {
		t.Error("opened for another site")
	}
	if _, err := g.OpenForm(g.SealHeld([]byte("{}"), origin), origin); err == nil {
		t.Error("a held form opened as a form of ours")
	}
}
