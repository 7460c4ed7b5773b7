// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A change and a report at once: whichever comes second sees the other.
func TestRuling40AChangeThatRacesAReportIsSuspendedOrTakenBack(t *testing.T) {
	for name, tt := range map[string]struct {
		read, kept string // what the report comes upon
		want       error
	}{
		"before the change is kept":           {read: "person/", want: challenge.ErrSuspended},
		"when it is kept":                     {kept: "belongings/", want: challenge.ErrSuspended},
		"when it is done, but not yet mailed": {read: "belongings/"},
	} {
		t.Run(name, func(t *testing.T) {
			w, other, line, _ := newLines(t)
			x := w.burglary()
			x.clock.advance(25 * time.Hour)
			x.thief.wantPass("no longer new")
			a, f := x.thief.permit(challenge.Change{Kind: challenge.AddApp})
			offer, err := x.g.OfferApp(x.thief.visit(), a)
			if err != nil {
				t.Fatal(err)
			}
			app, reader := x.installed(offer), other.browser(other.waysGate())
			var once atomic.Bool
			upon := func(prefix, key string) {
				if prefix != "" && strings.HasPrefix(key, prefix) && !once.Swap(true) {
					reader.mustReport(x.link)
				}
			}
			read, kept := func(key string) { upon(tt.read, key) }, func(key string) error { upon(tt.kept, key); return nil }
			line.read.Store(&read)
			line.kept.Store(&kept)
			_, err = x.g.AddApp(t.Context(), x.thief.visit(), a, f, offer.Sealed, app.shows(0))
			if !once.Load() || !errors.Is(err, tt.want) {
				t.Errorf("AddApp = %v, want %v; reported: %t", err, tt.want, once.Load())
			}
			if err := x.browser(x.g).enterBy(challenge.ByApp, app.shows(1), false); !errors.Is(err, challenge.ErrWrongCode) {
				t.Errorf("the thief's app: %v", err)
			}
		})
	}
}

// What is erased cannot be brought back, so that a report wins to the last moment.
func TestRuling40AReportStopsAnErasureThatHasBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		lines := &line{server: newServer(c)}
		w := newWorldOn(t, c, lines)
		owner := w.settled(w.waysGate(), ana)
		owner.codes()
		w.clock.advance(8 * 24 * time.Hour)
		if _, err := w.linked(owner.gate).signIn(ana, true).erase(); err != nil {
			t.Fatal(err)
		}
		reader, link := w.browser(owner.gate), w.mailbox.link(t, challenge.NewSignIn)
		var once atomic.Bool
		read := func(key string) {
			if strings.HasPrefix(key, "belongings/") && !once.Swap(true) {
				if _, err := reader.report(link); err != nil {
					t.Error(err)
				}
			}
		}
		lines.read.Store(&read)
		w.passes(24 * time.Hour)
		if !once.Load() {
			t.Fatal("nothing was erased")
		}
		owner.session, owner.flow = "", nil
		owner.signIn(ana, true)
		if a := owner.account(); a.Backup.Left != 10 || len(a.Waiting) != 0 {
			t.Errorf("the account says %+v", a)
		}
	})
}
