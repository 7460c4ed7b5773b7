// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// A code that a session asks for, and that the person knows nothing of, is asked
// for by somebody who has the session: the code alone would be the least of it.
func TestRuling39StoppingACodeToConfirmSignsTheAskerOut(t *testing.T) {
	for name, remember := range map[string]bool{"a remembered browser": true, "a browser for once": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			thief := w.linked(w.gate(challenge.GateOptions{})).signIn(ana, remember)
			thief.page = aFreshCode
			w.clock.advance(aFreshCode.MaxAge)
			thief.confirm = thief.open().Admission.Live
			code := thief.mailed(ana)
			id := w.mailbox.link(t, challenge.ConfirmCode)
			owner := w.linked(thief.gate)
			if r, err := owner.reportable(id); err != nil || !r.Asker || r.Kind != challenge.ReportCode {
				t.Fatalf("Reportable = %+v, %v", r, err)
			}
			if r := owner.mustReport(id); !r.Asker || !r.Blocked {
				t.Errorf("Report = %+v", r)
			}
			if err := thief.enter(code, false); err == nil {
				t.Error("the code works still")
			}
			thief.page, thief.confirm = risk.Page{}, nil
			thief.over("afterwards")
			thief.gate = w.gateOf(w.machine(), challenge.GateOptions{})
			thief.over("on another machine")
			owner.wantNoReport("the second time", id)
		})
	}
}

// Each code gives a remembered browser another name. That helps nobody who asked for one
// before.
func TestRuling39StoppingACodeSignsTheAskerOutWhateverItIsCalledNow(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	owner := w.settled(g, ana)
	thief := w.linked(g).signIn(ana, true)
	w.clock.advance(time.Hour)
	v := thief.visit()
	v.Confirm = thief.admitted().Live
	if _, err := g.Begin(t.Context(), v, nil, ana); err != nil {
		t.Fatal(err)
	}
	id := w.mailbox.link(t, challenge.ConfirmCode)
	thief.session, thief.flow = "", nil
	thief.signIn(ana, true)
	if r := owner.mustReport(id); !r.Asker {
		t.Errorf("Report = %+v", r)
	}
	thief.over("afterwards")
	owner.wantPass("the browser of the person")
}
