// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"sync"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// confirming begins to confirm the session of a browser.
func (b *browser) confirming() *browser {
	b.w.t.Helper()
	b.confirm = b.wantPass("before").Admission.Live
	return b
}

// Two browsers of a person, or two gates, at the same moment: one mail, and its letters are
// told to nobody whose page does not take the code.
func TestRuling17ABrowserIsToldOfNoCodeThatItsPageDoesNotTake(t *testing.T) {
	for name, here := range map[string]func(w *world, b *browser) *browser{
		"another session of the person": func(w *world, b *browser) *browser {
			return w.browser(b.gate).signIn(ana, true)
		},
		"the same session at another gate": func(w *world, b *browser) *browser {
			at := *b
			at.gate = w.gate(challenge.GateOptions{ID: "other", Policy: b.gate.Policy()})
			return &at
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			store := newProbe(c)
			w := newWorldOn(t, c, store)
			b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true)
			both := []*browser{b.confirming(), here(w, b).confirming()}
			mails := len(w.mailbox.all())
			sent := make([]challenge.Sent, len(both))
			var all, meet sync.WaitGroup
			meet.Add(len(both)) // neither acts before both have seen that there is no mail yet
			store.meet.Store(&meet)
			for i, b := range both {
				all.Go(func() {
					var err error
					if sent[i], err = b.greet(); err != nil {
						t.Errorf("Greet = %v", err)
					}
				})
			}
			all.Wait()
			store.meet.Store(nil)
			for i, other := range []int{1, 0} {
				if sent[i].Recently && (sent[i].Progress != challenge.Progress{} || sent[other].Flow == nil) {
					t.Errorf("who came second is told of %+v", sent[i].Progress)
				}
			}
			if got := len(w.mailbox.all()) - mails; got != 1 {
				t.Errorf("%d mails, want 1", got)
			}
			w.clock.advance(time.Second)
			for i, b := range both { // the tabs of whoever came first are told
				tab := *b
				tab.flow = nil
				again, err := tab.greet()
				if err != nil || !again.Recently || (again.Progress.Phase == challenge.Waiting) != (sent[i].Flow != nil) {
					t.Errorf("another tab: %+v, %v", again, err)
				}
			}
		})
	}
}

// The code of a change is none for a page that confirms its session.
func TestRuling17TheCodeOfAChangeIsNoneForASensitivePage(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, true).confirming()
	v := b.visit()
	v.Change = &challenge.Change{Kind: challenge.MakeBackupCodes}
	if _, err := b.gate.Begin(t.Context(), v, nil, ana); err != nil {
		t.Fatal(err)
	}
	mails := len(w.mailbox.all())
	sent, err := b.greet()
	if err != nil || !sent.Recently || (sent.Progress != challenge.Progress{}) || len(w.mailbox.all()) != mails {
		t.Errorf("Greet = %+v, %v after %d more mails", sent, err, len(w.mailbox.all())-mails)
	}
}
