// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// entrance makes a person who is known, and a thief who comes in by a code.
func entrance(t *testing.T, remember bool) (w *world, owner, thief *browser, id string) {
	t.Helper()
	w = newWorld(t)
	g := roomyGate(w)
	owner = w.linked(g)
	owner.ip = lisbon
	owner.signIn(ana, true)
	w.clock.advance(time.Minute)
	thief = w.linked(g)
	thief.ip = tokyo
	thief.signIn(ana, remember)
	return w, owner, thief, w.mailbox.link(t, challenge.NewSignIn)
}

func TestRuling39AReportOfAnEntryEndsItEverywhere(t *testing.T) {
	for name, remember := range map[string]bool{"a remembered browser": true, "one that is not remembered": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, owner, thief, id := entrance(t, remember)
				there := *thief
				there.gate = w.gateOf(w.machine(), challenge.GateOptions{})
				near, far, own := thief.connect(), there.connect(), owner.connect()
				old := *thief
				if remember {
					w.clock.advance(time.Hour)
					thief.session = ""
					thief.wantPass("renewed")
					thief.wantPass("with the new secret")
				}
				reader := w.browser(owner.gate)
				want := challenge.Report{
					Kind: challenge.ReportEntry, Browser: "Firefox on Windows", City: "Tokyo", Country: "JP", Radius: 10, Credit: "by a test",
					Network: "126.1.1.0/24", At: newClock().now().Add(time.Minute),
				}
				got, err := reader.reportable(id)
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Errorf("Reportable = %v; -want +got:\n%s", err, diff)
				}
				want.Blocked = true
				if diff := cmp.Diff(want, reader.mustReport(id)); diff != "" {
					t.Errorf("Report, -want +got:\n%s", diff)
				}
				near.want("here at once", false)
				poll()
				far.want("on another machine", false)
				own.want("the owner's", true)
				for name, b := range map[string]*browser{"the thief": thief, "the cookies of before": &old, "on another machine": &there} {
					if v := b.open(); v.Decision != challenge.Check {
						t.Errorf("%s: decision %v, want Check", name, v.Decision)
					}
					b.session = ""
					if v := b.open(); v.Decision != challenge.Check {
						t.Errorf("%s, by the device cookie: decision %v, want Check", name, v.Decision)
					}
				}
				owner.wantPass("the owner")
				owner.session = ""
				owner.wantPass("the owner's remembered browser")
				reader.wantNoReport("a second time", id)
				if thief.flow = nil; !thief.blocked(ana) {
					t.Error("the network can ask for the address still")
				}
			})
		})
	}
}

// Whoever came in by a code can read the next one, too.
func TestRuling39AReportOfAnEntryVoidsWhatItsNetworkHasAskedFor(t *testing.T) {
	w, owner, thief, id := entrance(t, false)
	tab, home := w.linked(owner.gate), *owner
	tab.ip, home.ip, home.session = thief.ip, thief.ip, ""
	again := *thief // in the very browser that came in
	codes := map[*browser]string{tab: tab.mailed(ana), &again: again.mailed(ana), &home: home.mailed(ana)}
	owner.mustReport(id)
	for b, code := range codes {
		if err := b.enter(code, true); leftOf(t, err) != 4 {
			t.Errorf("a code that its network had asked for: Verify = %v, want a wrong code", err)
		}
	}
	w.clock.advance(time.Minute)
	for b, sent := range map[*browser]bool{tab: false, &again: false, &home: true} {
		if _, err := b.resend(); err != nil {
			t.Fatal(err)
		}
		if all := w.mailbox.all(); all[len(all)-1].Decoy == sent {
			t.Errorf("mailed again: %t, want %t", !sent, sent)
		}
	}
	if err := home.enter(codes[&home], true); err != nil {
		t.Errorf("the code of the owner's remembered browser, mailed again: Verify = %v", err)
	}
}

// L-37: what a thief taught must not make the next thief usual.
func TestRuling45AReportedEntryIsUnlearned(t *testing.T) {
	w, owner, _, id := entrance(t, true)
	places := func() string {
		for key, raw := range dump(t, w) {
			if strings.HasPrefix(key, "person/") {
				_, raw, _ = strings.Cut(raw, `"places"`)
				raw, _, _ = strings.Cut(raw, `"door"`)
				return raw
			}
		}
		return ""
	}
	if !strings.Contains(places(), `"JP"`) {
		t.Fatalf("Tokyo was not learned: %s", places())
	}
	owner.mustReport(id)
	if got := places(); strings.Contains(got, "JP") || !strings.Contains(got, "PT") {
		t.Errorf("places afterwards: %s, want Portugal alone", got)
	}
}

// A notice is sent once a day for one kind of browser and place. Entries that it
// kept quiet end with the one that it told of; otherwise a thief who comes in
// twice would stay.
func TestRuling39AReportEndsWhatItsNoticeKeptQuiet(t *testing.T) {
	w, owner, thief, id := entrance(t, false)
	w.clock.advance(time.Hour)
	again := w.linked(owner.gate)
	again.ip = thief.ip
	again.signIn(ana, true)
	w.clock.advance(time.Hour)
	more := *again
	more.session, more.flow = "", nil
	more.signIn(ana, true) // remembered now, so that nobody is told
	if n := len(w.mailbox.about(challenge.NewSignIn)); n != 1 {
		t.Fatalf("%d notices, want the first one only", n)
	}
	elsewhere := w.linked(owner.gate).signIn(ana, true)
	owner.mustReport(id)
	for name, b := range map[string]*browser{"the first": thief, "the second": again, "the third": &more} {
		b.session = ""
		if v := b.open(); v.Decision != challenge.Check {
			t.Errorf("%s entry: decision %v, want Check", name, v.Decision)
		}
	}
	if v := elsewhere.open(); v.Decision != challenge.Check {
		t.Errorf("a browser that was remembered since: decision %v, want Check (ruling 40)", v.Decision)
	}
	owner.wantPass("the owner")
	w.clock.advance(time.Hour) // the block is over
	again.flow = nil
	again.signIn(ana, false)
	if n := len(w.mailbox.about(challenge.NewSignIn)); n != 3 {
		t.Errorf("%d notices after one more entry of the kind, want 3: it is news again", n)
	}
}

func TestRuling39AnEntryCanBeReportedForAWeek(t *testing.T) {
	for by, mail := range map[string]challenge.Subject{"that told of it": challenge.NewSignIn, "with its code": challenge.SignInCode} {
		t.Run("by the link of the mail "+by, func(t *testing.T) {
			w, owner, _, _ := entrance(t, true)
			id := w.mailbox.link(t, mail)
			w.clock.advance(7*day - time.Second)
			if _, err := owner.reportable(id); err != nil {
				t.Errorf("a second before: Reportable = %v", err)
			}
			w.clock.advance(time.Second)
			owner.wantNoReport("a week later", id)
		})
	}
}

// However often somebody comes in, what a mail told of can be reported.
func TestRuling39ManyEntriesPushNoLinkOut(t *testing.T) {
	w, owner, thief, id := entrance(t, true)
	for range 40 {
		w.clock.advance(time.Minute)
		thief.session, thief.flow = "", nil
		thief.signIn(ana, true)
	}
	owner.mustReport(id)
	thief.session = ""
	if v := thief.open(); v.Decision != challenge.Check {
		t.Errorf("decision %v, want Check", v.Decision)
	}
}

func TestAReportSaysThatAnEarlierStepWasPassed(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	w.linked(g).signInAs(basic("ana", ana), false)
	w.linked(g).signInAs(basic("ana", ana), false)
	if r := w.browser(g).mustReport(w.mailbox.link(t, challenge.NewSignIn)); !r.Named {
		t.Error("the report does not say so")
	}
}

// A failure half-way must leave the link working, or the entry would stay.
func TestRuling39AReportThatFailsHalfWayCanBeMadeAgain(t *testing.T) {
	for failing := range 4 {
		c := newClock()
		store := &failingStore{probe: newProbe(c)}
		w := newWorldOn(t, c, store)
		g := w.gate(challenge.GateOptions{})
		w.linked(g).signIn(ana, true)
		thief := w.linked(g).signIn(ana, true)
		there := *thief
		there.gate = w.gateOf(w.machine(), challenge.GateOptions{})
		there.wantPass("cached on another machine")
		id := w.mailbox.link(t, challenge.NewSignIn)
		reader := w.browser(g)
		store.after(failing)
		if _, err := reader.report(id); err != nil {
			if !errors.Is(err, challenge.ErrUnavailable) {
				t.Errorf("update %d fails: Report = %v, want ErrUnavailable", failing, err)
			}
			store.after(-1)
			reader.mustReport(id)
		}
		store.after(-1)
		waitFor(t, func() bool { return there.open().Decision == challenge.Check })
		if thief.flow = nil; !thief.blocked(ana) {
			t.Errorf("update %d fails: the network is not blocked", failing)
		}
	}
}

// A failingStore fails at one update, counted from when it is told to.
type failingStore struct {
	*probe
	left atomic.Int64
}

func (s *failingStore) after(n int) { s.left.Store(int64(n) + 1) }

func (s *failingStore) Update(ctx context.Context, key string, edit func([]byte, time.Time) ([]byte, time.Duration, error)) error {
	if strings.HasPrefix(key, "person/") || strings.HasPrefix(key, "door/") || key == "ended" {
		if s.left.Add(-1) == 0 {
			return errDown
		}
	}
	return s.probe.Update(ctx, key, edit)
}

func (m *Mailbox) about(subject challenge.Subject) (list []challenge.Notice) {
	for _, n := range m.all() {
		if n.Subject == subject {
			list = append(list, n)
		}
	}
	return list
}
