// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A theft is how somebody comes in at Tokyo by a code that its person was talked
// out of. The owner's cookies are those of a remembered browser at Lisbon.
type theft struct {
	name   string
	come   func(owner *browser) *browser
	shared bool // the thief's session is the owner's own
}

var thefts = []theft{
	{"in a new browser", func(o *browser) *browser {
		return fresh(o.w, o, tokyo, firefox).signIn(ana, false)
	}, false},
	{"in a new browser that is to be remembered", func(o *browser) *browser {
		return fresh(o.w, o, tokyo, firefox).signIn(ana, true)
	}, false},
	{"with a copied device cookie", func(o *browser) *browser {
		thief := *o
		thief.session, thief.flow = "", nil
		return thief.at(tokyo).signIn(ana, true)
	}, false},
	{"with a copied session", func(o *browser) *browser {
		thief := *o
		thief.at(tokyo).confirmedBy(thief.open())
		return &thief
	}, true},
}

// over shows that cookies let nobody in any more.
func (b *browser) over(when string) {
	b.w.t.Helper()
	for _, session := range []string{b.session, ""} {
		if b.session = session; b.open().Decision != challenge.Check {
			b.w.t.Errorf("%s: admitted still, with a session: %t", when, session != "")
		}
	}
}

func placesOf(t *testing.T, w *world) string {
	for key, raw := range dump(t, w) {
		if strings.HasPrefix(key, "person/") {
			_, raw, _ = strings.Cut(raw, `"places"`)
			raw, _, _ = strings.Cut(raw, `"door"`)
			return raw
		}
	}
	return ""
}

// The mail of a code that somebody was talked out of may be all that they have.
func TestRuling39AUsedCodeLeadsToTheEntryThatItMade(t *testing.T) {
	for _, tt := range thefts {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			owner := settled(w, placedGate(w, nil), true)
			thief := tt.come(owner)
			about := challenge.SignInCode
			if tt.shared {
				about = challenge.ConfirmCode
			}
			id := w.mailbox.link(t, about)
			want := challenge.Report{
				Kind: challenge.ReportEntry, Browser: "Firefox on Windows", City: "Tokyo", Country: "JP", Radius: 10, Credit: "by a test",
				Network: "126.1.1.0/24", At: w.clock.now(),
			}
			w.clock.advance(3 * day)
			reader := w.browser(owner.gate)
			got, err := reader.reportable(id)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Fatalf("Reportable = %v; -want +got:\n%s", err, diff)
			}
			thief.wantPass("before the report")
			want.Blocked = true
			if diff := cmp.Diff(want, reader.mustReport(id)); diff != "" {
				t.Errorf("Report, -want +got:\n%s", diff)
			}
			thief.over("the thief")
			if tt.shared {
				owner.over("the browser whose cookies were copied")
			}
			if got := placesOf(t, w); strings.Contains(got, "JP") || !strings.Contains(got, "PT") {
				t.Errorf("places afterwards: %s, want Portugal alone", got)
			}
			again := w.browser(owner.gate).at(tokyo)
			if !again.blocked(ana) {
				t.Error("the network can ask for the address still")
			}
			if r, err := reader.reportable(id); !errors.Is(err, challenge.ErrNoReport) || !r.Blocked || r.Kind != challenge.ReportEntry {
				t.Errorf("a second time: Reportable = %+v, %v, want ErrNoReport about an entry", r, err)
			}
			reader.wantNoReport("a second time", id)
		})
	}
}

// Told of as well, whatever browser it was.
func TestRuling39ACodeInAnUnusualPlaceIsTold(t *testing.T) {
	for _, tt := range thefts {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			owner := settled(w, placedGate(w, nil), true)
			thief := tt.come(owner)
			w.browser(owner.gate).mustReport(w.mailbox.link(t, challenge.NewSignIn))
			thief.over("the thief")
		})
	}
}

func TestRuling39TheVeryFirstEntryCanBeReportedByItsCode(t *testing.T) {
	w := newWorld(t)
	thief := w.linked(roomyGate(w)).signIn(ana, true)
	w.browser(thief.gate).mustReport(w.mailbox.link(t, challenge.SignInCode))
	thief.over("the thief")
}

func TestRuling39TheMailBeforeTheUsedCodesLeadsToTheEntryToo(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	w.linked(g).signIn(ana, true)
	thief := w.linked(g)
	thief.mailed(ana)
	id := w.mailbox.link(t, challenge.SignInCode)
	w.clock.advance(6 * time.Minute)
	if sent, err := thief.resend(); err != nil || sent.Again {
		t.Fatalf("Resend = %+v, %v, want another code", sent, err)
	}
	if err := thief.enter(thief.lastCode(), false); err != nil {
		t.Fatal(err)
	}
	if r := w.browser(g).mustReport(id); r.Kind != challenge.ReportEntry {
		t.Errorf("kind %v, want an entry", r.Kind)
	}
	thief.over("the thief")
}

// What the browser did later goes with it, by whatever names; what other browsers
// did stays, though they look alike.
func TestRuling39AReportByACodeEndsItsBrowserAlone(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	owner := fresh(w, w.linked(g), lisbon, firefox).signIn(ana, true)
	laptop := fresh(w, owner, lisbon, chrome).signIn(ana, true)
	w.clock.advance(time.Minute)
	thief := fresh(w, owner, lisbon, chrome).signIn(ana, true) // like the laptop, so that nobody is told
	id := w.mailbox.link(t, challenge.SignInCode)
	tablet := fresh(w, owner, lisbon, chrome).signIn(ana, true)
	w.clock.advance(time.Hour)
	thief.session, thief.flow = "", nil
	thief.signIn(ana, true)
	thief.session, thief.flow = "", nil
	thief.signIn(ana, false)
	thief.confirmed()
	owner.mustReport(id)
	thief.over("the thief")
	owner.wantPass("the owner")
	laptop.wantPass("a browser that looks like the thief's")
	tablet.wantPass("a later one")
}

func TestRuling39AReportByAUsedCodeCanBeTakenBack(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	owner := w.linked(g).signIn(ana, true)
	other := w.linked(g).signIn(ana, false)
	id := w.mailbox.link(t, challenge.SignInCode)
	if r := owner.mustReport(id); !r.Trusted {
		t.Error("the remembered browser is not offered to lift the block")
	}
	w.browser(g).mayNotLift("a stranger", id)
	if err := g.Unreport(t.Context(), owner.visit(), id); err != nil {
		t.Fatal(err)
	}
	if other.session, other.flow = "", nil; other.blocked(ana) {
		t.Error("the network is blocked still")
	}
}

// However many codes are used, the records stay small and tell nobody's address.
func TestRL10SpentCodesAreBounded(t *testing.T) {
	w := newWorld(t)
	b := w.linked(roomyGate(w)).at(lisbon).signIn(ana, true)
	for range 50 {
		b.confirmed()
		w.clock.advance(time.Minute)
	}
	for key, raw := range dump(t, w) {
		if kind, _, _ := strings.Cut(key, "/"); (kind == "door" || kind == "person") && (len(raw) > 10<<10 || strings.Contains(raw, "ana@")) {
			t.Errorf("%s has %d bytes: %s", key, len(raw), raw)
		}
		if n := strings.Count(raw, `"m":"`); strings.HasPrefix(key, "door/") && n != 12 {
			t.Errorf("%d spent codes are kept, want 12", n)
		}
	}
	b.mustReport(w.mailbox.link(t, challenge.ConfirmCode))
	w.clock.advance(8 * day)
	w.browser(b.gate).mailed(ana)
	for key, raw := range dump(t, w) {
		if strings.HasPrefix(key, "door/") && strings.Contains(raw, `"spent"`) {
			t.Errorf("a week later: %s", raw)
		}
	}
}
